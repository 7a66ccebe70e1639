/** Ids of traces: the same wherever they are made, and different for what is different. */

import { expect, test } from 'vitest';
import { attemptSpan, runSpan, spanIn, traceVariables } from '../../../src/scheduler/model/trace.ts';

test('ids are those of any other process and release', () => {
  expect([
    runSpan('i', 'a.20261121T020000Z'),
    attemptSpan('i', 'a.20261121T020000Z', 'a-00000000001-1'),
  ]).toEqual([
    { traceId: 'cd855f878b7421b2fe8713386164ae1f', spanId: 'bee40d235f908913' },
    { traceId: 'cd855f878b7421b2fe8713386164ae1f', spanId: 'e2ed7003580db84e' },
  ]);
});

test('an attempt is in the trace of its run, with a span of its own', () => {
  const run = runSpan('i', 'r');
  const attempts = ['r-1', 'r-2'].map((launch) => attemptSpan('i', 'r', launch));
  expect(attempts.map(({ traceId }) => traceId)).toEqual([run.traceId, run.traceId]);
  expect(new Set([run, ...attempts].map(({ spanId }) => spanId)).size).toBe(3);
  expect(runSpan('other', 'r').traceId).not.toBe(run.traceId);
});

test('a hundred thousand runs of similar names share no id', () => {
  const ids = Array.from({ length: 100_000 }, (_, i) =>
    runSpan('i', `job-${i % 100}.${Math.floor(i / 100)}`),
  );
  const halves = ids.flatMap(({ traceId }) => [traceId.slice(0, 16), traceId.slice(16)]);
  expect(new Set(ids.map(({ spanId }) => spanId)).size).toBe(100_000);
  expect(new Set(halves).size).toBe(200_000);
  // Samplers look at some of the bits: each is set in half of the ids.
  const set = ids.reduce((sum, { traceId }) => sum + (BigInt(`0x${traceId}`) & 1n ? 1 : 0), 0);
  expect(Math.abs(set - 50_000)).toBeLessThan(1_000);
});

test('a job gets them as W3C Trace Context writes them', () => {
  const variables = traceVariables('i', { id: 'r' }, { launchName: 'r-1' });
  expect(variables).toEqual({
    TRACEPARENT: expect.stringMatching(/^00-[\da-f]{32}-[\da-f]{16}-01$/),
    TRACESTATE: '',
  });
  expect(spanIn(variables.TRACEPARENT ?? '')).toEqual(attemptSpan('i', 'r', 'r-1'));
});

test.each([
  '',
  'text',
  `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`,
  `00-${'1'.repeat(32)}-${'0'.repeat(16)}-01`,
  `00-${'A'.repeat(32)}-${'1'.repeat(16)}-01`,
])('%j names no span', (text) => {
  expect(spanIn(text)).toBeNull();
});
