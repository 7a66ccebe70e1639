/** Follows the output of one attempt to its end, across reconnects. */

import type { WireRun } from '../api/wire/schema.ts';
import type { Query } from './client.ts';
import type { Persistence } from './persistence.ts';
import type { Session } from './shell.ts';

export interface LogsQuery {
  readonly stream?: string;
  readonly tail?: number;
  readonly timestamps?: boolean;
}

/** Each connection continues behind what was printed, see `LogPiece`. */
export async function followLogs(
  { client, io }: Session,
  run: WireRun,
  { stream, tail, timestamps }: LogsQuery,
  persistence: Persistence,
): Promise<void> {
  // Of an attempt that has not begun everything is new.
  const begun = (run.attempts.at(-1)?.startedAt ?? null) !== null;
  // The newest attempt, launched or not; a position is one of an attempt, whatever comes after it.
  let query: Query = begun ? { stream, timestamps, tail } : { stream, timestamps };
  for (;;) {
    try {
      for await (const { position, text } of client.logPieces(run.id, { ...query, follow: true })) {
        persistence.answered();
        if (position !== null) query = { stream, timestamps, after: position };
        if (text !== '') io.raw(text);
      }
      return;
    } catch (error) {
      await persistence.bear(error);
    }
  }
}
