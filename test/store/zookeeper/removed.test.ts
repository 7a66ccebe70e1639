/** How long the past of removed jobs is kept. */

import { expect, test } from 'vitest';
import { outdate } from '../../../src/store/zookeeper/removed.ts';

const NOW = Date.parse('2026-11-21T00:00:00Z');
const DAY = 86_400_000;

test.each([
  {
    what: 'keeps the past of a job that was just removed',
    removed: [],
    jobs: new Map([['a', null]]),
    kept: [['a', NOW]],
    forgotten: [],
  },
  {
    what: 'forgets it after thirty days',
    removed: [
      ['a', NOW - 31 * DAY],
      ['b', NOW - 29 * DAY],
    ] as const,
    jobs: new Map(),
    kept: [['b', NOW - 29 * DAY]],
    forgotten: ['a'],
  },
  {
    what: 'keeps what a job has that was made again',
    removed: [['a', NOW - 31 * DAY]] as const,
    jobs: new Map([['a', {}]]),
    kept: [],
    forgotten: [],
  },
  {
    what: 'counts from the newest removal',
    removed: [['a', NOW - 31 * DAY]] as const,
    jobs: new Map([['a', null]]),
    kept: [['a', NOW]],
    forgotten: [],
  },
  {
    what: 'takes no notice of jobs that only changed',
    removed: [['a', NOW - DAY]] as const,
    jobs: new Map([['b', {}]]),
    kept: [['a', NOW - DAY]],
    forgotten: [],
  },
])('$what', ({ removed, jobs, kept, forgotten }) => {
  expect(outdate(removed, jobs, NOW)).toEqual({ kept, forgotten });
});

test('forgets the oldest where too many were removed', () => {
  const removed = Array.from({ length: 1_000 }, (_, i) => [`old-${i}`, NOW - DAY + i] as const);
  const { kept, forgotten } = outdate(removed, new Map([['new', null]]), NOW);
  expect(kept).toHaveLength(1_000);
  expect(kept.at(-1)).toEqual(['new', NOW]);
  expect(forgotten).toEqual(['old-0']);
});
