/**
 * Alerts about the scheduler itself and what it depends on. The leader looks at them at intervals; what is wrong for
 * long enough opens an alert, and the first look without it ends the alert.
 */

import { type Alert, freshAlert, type SystemCondition, type Trouble } from '../../model/alert.ts';
import { compactInstant } from '../../model/ids.ts';
import type { Reason } from '../../model/reason.ts';
import { alertKey } from '../../records/table.ts';
import type { Turn } from '../../state/turn.ts';
import { close, open, tellOnce, usualSeverity } from './alerts.ts';
import { reviewIfChanged } from './notifications.ts';

/** How long something is wrong until it is an alert. */
const patienceMs: Readonly<Record<SystemCondition, number>> = {
  'engine-unreachable': 60_000,
  'store-slow': 0,
  // After a sleep, or if the clock was set forward, they are decided within seconds.
  undecided: 10_000,
  'queue-growing': 0,
  expiring: 0,
  unled: 0,
};

/** A due time that is past for this long should have been decided. */
const UNDECIDED_MS = 60_000;
const QUEUE_WINDOW_MS = 600_000;
const QUEUE_FROM = 50;
/** A shorter time without a leader is a take-over. */
const UNLED_MS = 60_000;

/** The leader has looked. */
export function systemLooked(turn: Turn, seen: readonly Trouble[]): void {
  const { state, draft } = turn;
  reviewIfChanged(turn);
  const troubles = new Map<string, number>();
  for (const trouble of [...seen, ...own(turn)]) {
    const key = alertKey({ job: null, ...trouble });
    const since = state.troubles.get(key) ?? draft.now;
    troubles.set(key, since);
    if (state.alerts.has(key) || draft.now - since < patienceMs[trouble.condition]) continue;
    open(turn, alertOf(turn, trouble));
    draft.cut();
  }
  for (const alert of [...state.alerts.values()]) {
    if (alert.job !== null || troubles.has(alertKey(alert))) continue;
    close(turn, alert, 'recovered');
    draft.cut();
  }
  state.troubles = troubles;
}

/** This node leads after a time in which none did, as far as it knows. */
export function unled(turn: Turn, forMs: number): void {
  if (forMs < UNLED_MS) return;
  const { now } = turn.draft;
  const reason = { code: 'unled', from: now - forMs, to: now } as const;
  tellOnce(turn, alertOf(turn, { condition: 'unled', subject: '', reason }));
}

/** What the state itself shows. */
function own(turn: Turn): Trouble[] {
  const { state, draft } = turn;
  const found: Trouble[] = [];
  const earliest = state.timetable.earliest();
  if (draft.now - earliest > UNDECIDED_MS)
    found.push({ condition: 'undecided', subject: '', reason: { code: 'undecided', since: earliest } });
  const queued = growth(turn);
  if (queued !== null) found.push({ condition: 'queue-growing', subject: '', reason: queued });
  return found;
}

/** If many runs are queued, and for ten minutes they never became fewer than at the beginning and are more now. */
function growth({ state, draft }: Turn): Reason | null {
  let queued = 0;
  for (const run of state.runs.values()) if (run.state === 'queued') queued += 1;
  const first = state.queueLengths.findLastIndex(({ at }) => at <= draft.now - QUEUE_WINDOW_MS);
  const lengths = [...state.queueLengths.slice(Math.max(0, first)), { at: draft.now, queued }];
  state.queueLengths = lengths;
  const before = lengths[0] as (typeof lengths)[number];
  const isWatched = first >= 0 && draft.now - before.at < 2 * QUEUE_WINDOW_MS;
  const least = Math.min(...lengths.map((each) => each.queued));
  if (!isWatched || before.queued < QUEUE_FROM || least < before.queued || queued <= before.queued)
    return null;
  return { code: 'queue-growing', queued, before: before.queued, minutes: QUEUE_WINDOW_MS / 60_000 };
}

function alertOf({ state, draft }: Turn, { condition, subject, reason }: Trouble): Alert {
  const id = `carillon.${condition}${subject === '' ? '' : `.${subject}`}`;
  return {
    ...freshAlert,
    id: `${id}.${compactInstant(state.outbox.nextOrder(draft.now))}`,
    subject,
    condition,
    severity: usualSeverity[condition],
    ...{ labels: {}, since: draft.now, count: 1, reason, messages: 0 },
  };
}
