/** `carillon logs -f` continues behind what it has printed, over as many connections as it takes. */

import { expect, test } from 'vitest';
import type { WireRun } from '../../src/api/wire/schema.ts';
import type { Client, LogPiece, Query } from '../../src/cli/client.ts';
import { UnreachableError } from '../../src/cli/client-errors.ts';
import { followLogs, type LogsQuery } from '../../src/cli/log-follower.ts';
import { Persistence } from '../../src/cli/persistence.ts';
import type { Session } from '../../src/cli/shell.ts';

const runOf = (startedAt: string | null) => ({ id: 'a.1', attempts: [{ startedAt }] }) as unknown as WireRun;
const running = runOf('2026-01-01T00:00:00.000Z');

/** Answers one of these for each connection; all but the last break. */
async function followed(run: WireRun, query: LogsQuery, answers: readonly (readonly LogPiece[])[]) {
  const asked: Query[] = [];
  let printed = '';
  async function* logPieces(_: string, wanted: Query): AsyncGenerator<LogPiece> {
    asked.push(wanted);
    yield* answers[asked.length - 1] ?? [];
    if (asked.length < answers.length) throw new UnreachableError('broken', true);
  }
  const session = {
    client: { url: 'http://here', logPieces, turn: () => {} } as unknown as Client,
    io: { raw: (text: string) => (printed += text), err: () => {}, now: () => 0, sleep: async () => {} },
  } as unknown as Session;
  await followLogs(session, run, query, new Persistence(session));
  return { asked, printed };
}

test('each connection asks for what follows the last piece', async () => {
  const { asked, printed } = await followed(running, { stream: 'stdout', tail: 2 }, [
    [
      { text: '', position: '1:5:0' },
      { text: 'a\n', position: '1:7:0' },
    ],
    [],
    [{ text: 'b\n', position: '1:9:0' }],
  ]);
  expect(printed).toBe('a\nb\n');
  expect(asked).toEqual([
    { stream: 'stdout', tail: 2, follow: true },
    { stream: 'stdout', after: '1:7:0', follow: true },
    { stream: 'stdout', after: '1:7:0', follow: true },
  ]);
});

test('a position before any text counts: which lines are the last ones is decided', async () => {
  const { asked } = await followed(running, { tail: 2 }, [[{ text: '', position: '1:5:0' }], []]);
  expect(asked[1]).toEqual({ after: '1:5:0', follow: true });
});

test('all lines of an attempt that has not begun are new', async () => {
  const { asked } = await followed(runOf(null), { tail: 2 }, [[]]);
  expect(asked).toEqual([{ follow: true }]);
});
