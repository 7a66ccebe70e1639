/** Follows the output of one attempt to its end, over as many connections as it takes. */

import type { WireLogEvent, WireRun } from '../api/wire/schema.ts';
import type { Persistence } from './persistence.ts';
import type { Session } from './shell.ts';

export interface LogsQuery {
  readonly stream?: string;
  readonly tail?: number;
}

/** Characters of each stream. */
type Lengths = Record<WireLogEvent['stream'], number>;

/**
 * After a broken connection the output comes again from its beginning, and what was printed is left out, by length in
 * each stream. So with `tail` all of the output is read once before: which lines are the last ones changes meanwhile.
 */
export async function followLogs(
  session: Session,
  run: WireRun,
  { stream, tail }: LogsQuery,
  persistence: Persistence,
): Promise<void> {
  const { client, io } = session;
  const number = Math.max(1, run.attempts.length);
  const begun = (run.attempts.at(-1)?.startedAt ?? null) !== null;
  const read: Lengths =
    tail !== undefined && begun
      ? await persistence.of(() => printTail(session, run.id, { stream, tail, attempt: number }))
      : { stdout: 0, stderr: 0 };
  // The newest attempt, launched or not; once something was read it is that one, whatever came after it.
  for (let attempt: number | undefined; ; attempt = read.stdout + read.stderr > 0 ? number : undefined) {
    const again = { ...read };
    try {
      for await (const event of client.logEvents(run.id, { stream, attempt, follow: true })) {
        persistence.answered();
        const rest = event.text.slice(again[event.stream]);
        again[event.stream] -= event.text.length - rest.length;
        read[event.stream] += rest.length;
        if (rest !== '') io.raw(rest);
      }
      return;
    } catch (error) {
      await persistence.bear(error);
    }
  }
}

/** Prints the last lines of each stream of what is there, and answers how long that is. */
async function printTail(
  { client, io }: Session,
  id: string,
  {
    tail,
    ...query
  }: { readonly stream: string | undefined; readonly tail: number; readonly attempt: number },
): Promise<Lengths> {
  const read: Lengths = { stdout: 0, stderr: 0 };
  const last = { stdout: '', stderr: '' };
  for await (const { stream, text } of client.logEvents(id, query)) {
    read[stream] += text.length;
    last[stream] += text;
    if (last[stream].length > MAX_UNCUT) last[stream] = lastLines(last[stream], tail);
  }
  for (const text of Object.values(last)) io.raw(lastLines(text, tail));
  return read;
}

/** Characters that are kept before all but the last lines are thrown away. */
const MAX_UNCUT = 4_194_304;

function lastLines(text: string, count: number): string {
  // The end of the last line begins no further one.
  let from = text.length - 1;
  for (let missing = count; missing > 0 && from !== -1; missing--)
    from = from === 0 ? -1 : text.lastIndexOf('\n', from - 1);
  return text.slice(from + 1);
}
