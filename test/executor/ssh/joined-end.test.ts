import { expect, test } from 'vitest';
import { joined, type PartEnd } from '../../../src/executor/ssh/joined-end.ts';

const end = (exitCode: number | null, more: Partial<PartEnd> = {}): PartEnd => ({
  at: 1_000,
  exitCode,
  ...more,
});
const on = (...ends: PartEnd[]) => joined(ends.map((each, at) => ({ host: `h${at + 1}`, end: each })));

test.each([
  ['a success on each is a success', [end(0), end(0)], { exitCode: 0 }],
  [
    'one failure is a failure, with its host and exit code',
    [end(0), end(3)],
    { exitCode: 3, reason: 'Failed on 1 of 2 hosts: h2: exit code 3' },
  ],
  [
    'of several failures the first exit code counts',
    [end(4), end(0), end(5, { reason: 'Out of memory' })],
    { exitCode: 4, reason: 'Failed on 2 of 3 hosts: h1: exit code 4; h3: Out of memory' },
  ],
  [
    'a lost host beside a failed one does not make the run lost',
    [end(null, { reason: 'Lost: away', infrastructure: true }), end(2)],
    { exitCode: 2, reason: 'Failed on 2 of 2 hosts: h1: Lost: away; h2: exit code 2' },
  ],
  [
    'only lost hosts make it lost, and no fault of the job',
    [end(0), end(null, { reason: 'Lost: away', infrastructure: true })],
    { exitCode: null, reason: 'Failed on 1 of 2 hosts: h2: Lost: away', infrastructure: true },
  ],
] as const)('%s', (_, ends, expected) => {
  expect(on(...ends)).toEqual({ at: 1_000, ...expected });
});

test('it ends with the last, and sums up what was used and dropped', () => {
  const used = (cpuMs: number, peakBytes: number) => ({ usage: { cpuMs, peakBytes } });
  expect(
    on(
      end(0, { at: 5, bytesDropped: 2, ...used(10, 70) }),
      end(0, { at: 9, bytesDropped: 3, ...used(5, 90) }),
    ),
  ).toEqual({
    at: 9,
    exitCode: 0,
    bytesDropped: 5,
    usage: { cpuMs: 15, peakBytes: 90 },
  });
  expect(on(end(0, used(10, 70)), end(0))).not.toHaveProperty('usage');
});

test('a reason names five hosts and counts the others', () => {
  const { reason } = on(...Array.from({ length: 8 }, () => end(1)));
  expect(reason).toBe(
    'Failed on 8 of 8 hosts: h1: exit code 1; h2: exit code 1; h3: exit code 1; h4: exit code 1; h5: exit code 1; and 3 more',
  );
});
