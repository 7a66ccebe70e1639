/** Follows the output of one attempt to its end, over as many connections as it takes. */

import type { WireRun } from '../api/schema.ts';
import type { Persistence } from './persistence.ts';
import type { Session } from './shell.ts';

export interface LogsQuery {
  readonly stream?: string;
  readonly tail?: number;
}

/**
 * After a broken connection the output comes again from its beginning, and what was printed is left out, by
 * length in each stream. With `tail` there is no telling: the last lines are printed again.
 */
export async function followLogs(
  { client, io }: Session,
  run: WireRun,
  query: LogsQuery,
  persistence: Persistence,
): Promise<void> {
  const number = Math.max(1, run.attempts.length);
  const printed = { stdout: 0, stderr: 0 };
  // The newest attempt, launched or not; once something was printed it is that one, whatever came after it.
  for (
    let attempt: number | undefined;
    ;
    attempt = printed.stdout + printed.stderr > 0 ? number : undefined
  ) {
    const again = query.tail === undefined ? { ...printed } : { stdout: 0, stderr: 0 };
    try {
      for await (const { stream, text } of client.followLogs(run.id, { ...query, attempt })) {
        persistence.answered();
        const rest = text.slice(again[stream]);
        again[stream] -= text.length - rest.length;
        printed[stream] += rest.length;
        if (rest !== '') io.raw(rest);
      }
      return;
    } catch (error) {
      await persistence.bear(error);
    }
  }
}
