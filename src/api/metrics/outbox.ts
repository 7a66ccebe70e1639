/** Counts messages about alerts by receiver, for metrics. */

import type { OwedNotification, Receivers } from '../../scheduler/handle.ts';

/** Of a receiver, or of all that are not in the file of alerts: then the name is empty. */
export interface OutboxFigures {
  readonly receiver: string;
  readonly waiting: number;
  readonly failed: number;
  /** When the oldest message that waits was decided. Null: none waits. */
  readonly waitingSince: number | null;
}

/** Jobs can name any receiver, so only those of the file have figures of their own. */
export function outboxFigures(owed: readonly OwedNotification[], receivers: Receivers): OutboxFigures[] {
  const known = new Map(
    [...receivers.names, ''].map((receiver) => [
      receiver,
      { receiver, waiting: 0, failed: 0, waitingSince: null as number | null },
    ]),
  );
  for (const { receiver, state, at } of owed) {
    const figures = known.get(receiver) ?? known.get('');
    if (figures === undefined) continue;
    if (state === 'waiting') figures.waitingSince = Math.min(figures.waitingSince ?? at, at);
    figures[state === 'waiting' ? 'waiting' : 'failed'] += 1;
  }
  return [...known.values()].filter(
    ({ receiver, waiting, failed }) => receiver !== '' || waiting + failed > 0,
  );
}
