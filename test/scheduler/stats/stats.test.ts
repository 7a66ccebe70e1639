import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  allTime,
  bucketsOf,
  deviationOf,
  fold,
  mergePacked,
  percentileOf,
  record,
  summarise,
} from '../../../src/scheduler/stats/stats.ts';

const pack = (values: readonly number[]): string => values.reduce(record, '');
const values = fc.array(fc.integer({ min: 0, max: 1e9 }), { minLength: 1, maxLength: 200 });
const percentiles = [50, 75, 90, 95, 98, 99, 99.9, 100];
const day = (iso: string): number => Date.parse(`${iso}T12:00:00Z`);

describe('histograms', () => {
  test('answer percentiles within one percent of the exact ones', () => {
    fc.assert(
      fc.property(values, (list) => {
        const packed = pack(list);
        const sorted = [...list].sort((a, b) => a - b);
        for (const percentile of percentiles) {
          const rank = Math.max(1, Math.ceil((percentile / 100) * sorted.length * (1 - Number.EPSILON)));
          const exact = sorted[rank - 1] ?? 0;
          const answered = percentileOf(packed, percentile) ?? -1;
          expect(answered).toBeGreaterThanOrEqual(exact);
          expect(answered).toBeLessThanOrEqual(exact * 1.01 + 1);
        }
        expect(summarise(packed)?.count).toBe(list.length);
      }),
    );
  });

  test('answer the same one by one as in a summary', () => {
    fc.assert(
      fc.property(values, (list) => {
        const packed = pack(list);
        const summary = summarise(packed);
        const { p50, p75, p90, p95, p98, p99, p999, max } = summary ?? ({} as never);
        expect(percentiles.map((percentile) => percentileOf(packed, percentile))).toEqual([
          p50,
          p75,
          p90,
          p95,
          p98,
          p99,
          p999,
          max,
        ]);
      }),
    );
  });

  test('count a value in the text as in a list of buckets', () => {
    fc.assert(
      fc.property(values, (all) => {
        const counted = new Map<number, number>();
        for (const { fromMs } of all.map((value) => bucketsOf(record('', value))[0]!))
          counted.set(fromMs, (counted.get(fromMs) ?? 0) + 1);
        const buckets = bucketsOf(pack(all)).map(({ fromMs, count }) => [fromMs, count]);
        expect(buckets).toEqual([...counted].sort(([a], [b]) => a - b));
      }),
    );
  });

  test('merge to what recording all of them gives, in any order', () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        expect(mergePacked([pack(a), pack(b)])).toBe(pack([...a, ...b]));
        expect(mergePacked([pack(b), pack(a)])).toBe(pack([...a, ...b]));
      }),
    );
  });

  test('of nothing are null, not zero', () => {
    expect(summarise('')).toBeNull();
    expect(percentileOf('', 95)).toBeNull();
  });

  test('of a job that ran a thousand times alike take few bytes', () => {
    expect(pack(Array.from({ length: 1_000 }, (_, i) => 5_000 + (i % 300))).length).toBeLessThan(120);
  });
});

describe('statistics of a job', () => {
  test('a new day adds the last one to all days before', () => {
    let stats = fold(null, 'a', { runTime: 10 }, day('2026-01-01'));
    stats = fold(stats, 'a', { runTime: 20 }, day('2026-01-02'));
    stats = fold(stats, 'a', { runTime: 30, queueWait: 1 }, day('2026-01-02'));
    expect(stats.day).toBe('2026-01-02');
    expect(summarise(stats.today.runTime)?.count).toBe(2);
    expect(summarise(stats.before.runTime)?.count).toBe(1);
    expect(summarise(allTime(stats).runTime)).toMatchObject({ count: 3, max: 30 });
  });

  test('a clock that was set back counts on the later day', () => {
    let stats = fold(null, 'a', { runTime: 10 }, day('2026-01-02'));
    stats = fold(stats, 'a', { runTime: 20 }, day('2026-01-01'));
    expect(stats.day).toBe('2026-01-02');
    expect(summarise(stats.today.runTime)?.count).toBe(2);
  });

  test('do not change what was there', () => {
    const before = fold(null, 'a', { runTime: 10 }, day('2026-01-01'));
    const copy = structuredClone(before);
    fold(before, 'a', { runTime: 20 }, day('2026-01-02'));
    expect(before).toEqual(copy);
  });
});

test('the deviation is that of the values, as near as buckets are', () => {
  expect(deviationOf('')).toBe(0);
  expect(deviationOf(record('', 5_000))).toBe(0);
  const packed = [2_000, 4_000, 9_000].reduce(record, '');
  expect(deviationOf(packed) / Math.sqrt(26_000_000 / 3)).toBeCloseTo(1, 1);
});
