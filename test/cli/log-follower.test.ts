/** `carillon logs -f --tail` prints the last lines that are there and then each further line, in every stream once. */

import { expect, test } from 'vitest';
import type { WireLogEvent, WireRun } from '../../src/api/wire/schema.ts';
import type { Client, Query } from '../../src/cli/client.ts';
import { UnreachableError } from '../../src/cli/client.ts';
import { followLogs } from '../../src/cli/log-follower.ts';
import { Persistence } from '../../src/cli/persistence.ts';
import type { Session } from '../../src/cli/shell.ts';

const run = { id: 'a.1', attempts: [{ startedAt: '2026-01-01T00:00:00.000Z' }] } as unknown as WireRun;

/** Answers one of these for each question; null: the connection breaks. */
async function printed(tail: number, answers: readonly (string | null)[][]): Promise<string> {
  let asked = 0;
  let out = '';
  async function* logEvents(_: string, query: Query): AsyncGenerator<WireLogEvent> {
    const answer = answers[asked++] ?? [];
    expect([asked, query.tail, query.follow === true]).toEqual([asked, undefined, asked > 1]);
    for (const text of answer) {
      if (text === null) throw new UnreachableError('broken', true);
      yield { stream: text.startsWith('!') ? 'stderr' : 'stdout', text };
    }
  }
  const session = {
    client: { url: 'http://here', logEvents, turn: () => {} } as unknown as Client,
    io: { raw: (text: string) => (out += text), err: () => {}, now: () => 0, sleep: async () => {} },
  } as unknown as Session;
  await followLogs(session, run, { tail }, new Persistence(session));
  return out;
}

test.each([
  ['the last lines, and what follows', 2, [['a\nb\nc\n'], ['a\nb\nc\nd\n']], 'b\nc\nd\n'],
  ['a line that has no end yet', 1, [['a\nb'], ['a\nbc\nd']], 'bc\nd'],
  ['all of it where there are fewer lines', 9, [['\na\n'], ['\na\nb\n']], '\na\nb\n'],
  [
    'equal lines, over a broken connection',
    1,
    [['x\nx\n'], ['x\nx\nx\n', null], ['x\nx\nx\nx\n']],
    'x\nx\nx\n',
  ],
  [
    'each stream by itself',
    1,
    [
      ['a\nb\n', '!c\n!d\n'],
      ['a\nb\n', '!c\n!d\n', 'e\n'],
    ],
    'b\n!d\ne\n',
  ],
])('%s', async (_, tail, answers, said) => {
  expect(await printed(tail, answers)).toBe(said);
});
