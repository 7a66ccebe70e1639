import { describe, expect, test } from 'vitest';
import type { JobStats } from '../../../src/scheduler/model/model.ts';
import { fold } from '../../../src/scheduler/stats/stats.ts';
import { storedBuckets, Tally } from '../../../src/scheduler/stats/tally.ts';

const bounds = [0.1, 1, 60];
const day = Date.parse('2026-11-21T12:00:00Z');

describe('buckets', () => {
  test('count values up to each bound, the bound included, and all values last', () => {
    const tally = new Tally(bounds);
    for (const seconds of [0, 0.1, 0.11, 1, 59, 61]) tally.add(seconds);
    expect(tally.buckets()).toMatchObject({ bounds, counts: [2, 4, 5, 6] });
    expect(tally.buckets().sum).toBeCloseTo(121.21);
  });

  test('of a stored histogram are those of its values, of today and of days before', () => {
    const values = [0, 100, 102, 1_000, 59_000, 61_000];
    const tally = new Tally(bounds);
    let stats: JobStats | null = null;
    for (const [i, ms] of values.entries()) {
      tally.add(ms / 1_000);
      stats = fold(stats, 'a', { runTime: ms }, day + i * 86_400_000);
    }
    const stored = storedBuckets(stats as JobStats, 'runTime', bounds);
    expect(stored.counts).toEqual(tally.buckets().counts);
    expect(Math.abs(stored.sum / tally.buckets().sum - 1)).toBeLessThan(0.01);
    expect(storedBuckets(stats as JobStats, 'startLateness', bounds)).toEqual({
      bounds,
      counts: [0, 0, 0, 0],
      sum: 0,
    });
  });

  test('never fall while values are counted, whatever the day', () => {
    let stats: JobStats | null = null;
    let before = [0, 0, 0, 0, 0];
    for (let i = 0; i < 200; i++) {
      stats = fold(stats, 'a', { runTime: (i * 7_919) % 90_000 }, day + i * 3_600_000);
      const { counts, sum } = storedBuckets(stats, 'runTime', bounds);
      const now = [...counts, sum];
      expect(now.every((value, place) => value >= (before[place] ?? 0))).toBe(true);
      before = now;
    }
  });
});
