/** Times at the beginning of lines. */

import { describe, expect, test } from 'vitest';
import { timeText, withTimes } from '../../src/api/log-times.ts';
import type { RunLogChunk } from '../../src/scheduler/handle.ts';

const first = 1_764_385_200_123_456_789n;
const at = '2025-11-29T03:00:00.123456789Z';

type Piece = readonly [text: string, inLine: boolean | null];

async function timed(...pieces: readonly Piece[]): Promise<string> {
  const chunks = async function* (): AsyncGenerator<RunLogChunk> {
    for (const [text, inLine] of pieces) {
      const chunk = { attempt: 1, stream: 'stdout', bytes: Buffer.from(text) } as const;
      yield inLine === null ? chunk : { ...chunk, printed: { timeNs: first, inLine } };
    }
  };
  let all = '';
  for await (const { bytes } of withTimes(chunks())) all += Buffer.from(bytes).toString();
  return all;
}

describe('times of lines', () => {
  test.each<[string, readonly Piece[], string]>([
    ['stand before each line', [['a\nb\n', false]], `${at} a\n${at} b\n`],
    ['stand before an empty line', [['\n\n', false]], `${at} \n${at} \n`],
    [
      'stand once before a line in pieces',
      [
        ['a', false],
        ['b\nc', true],
        ['d\n', true],
      ],
      `${at} ab\n${at} cd\n`,
    ],
    ['are left out where the engine knows none', [['a\nb\n', null]], 'a\nb\n'],
    ['are left out of what a reader continues within a line', [['rest\nb', true]], `rest\n${at} b`],
  ])('%s', async (_, pieces, expected) => {
    expect(await timed(...pieces)).toBe(expected);
  });

  test.each([
    [0n, '1970-01-01T00:00:00.000000000Z'],
    [1n, '1970-01-01T00:00:00.000000001Z'],
    [999_999_999n, '1970-01-01T00:00:00.999999999Z'],
    [1_764_385_200_000_000_000n, '2025-11-29T03:00:00.000000000Z'],
  ])('%i ns are %s', (timeNs, text) => expect(timeText(timeNs)).toBe(text));
});
