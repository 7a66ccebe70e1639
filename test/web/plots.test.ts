/** What plots make of the server's answers before they draw them. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WireTimeline } from '../../src/api/wire/plots.ts';
import { instantIn } from '../../web/src/parts/address-values.ts';
import { binsOf } from '../../web/src/plots/bins.ts';
import { rowsOf } from '../../web/src/plots/gantt-rows.ts';
import { shifted, windowOf } from '../../web/src/plots/gantt-window.ts';
import { stacked } from '../../web/src/plots/stack.ts';

describe('bins of a distribution', () => {
  const buckets = fc
    .uniqueArray(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1, maxLength: 60 })
    .chain((starts) =>
      fc
        .array(fc.integer({ min: 1, max: 500 }), { minLength: starts.length, maxLength: starts.length })
        .map((counts) =>
          starts
            .sort((a, b) => a - b)
            .map((fromMs, i) => ({ fromMs, toMs: fromMs + Math.floor(fromMs / 200), count: counts[i]! })),
        ),
    );

  it('lose no run, leave no gap and are no more than asked for', () => {
    fc.assert(
      fc.property(buckets, (all) => {
        const bins = binsOf(all, 40);
        const sum = (counts: readonly { count: number }[]) =>
          counts.reduce((total, { count }) => total + count, 0);
        expect(sum(bins)).toBe(sum(all));
        expect(bins.length).toBeLessThanOrEqual(40);
        bins.slice(1).forEach((bin, i) => {
          expect(bin.fromMs).toBeCloseTo(bins[i]!.toMs, 6);
        });
        expect(bins.at(-1)!.toMs).toBeGreaterThanOrEqual(all.at(-1)!.toMs);
      }),
    );
  });

  it('put a run where its time is', () => {
    const bins = binsOf(
      [
        { fromMs: 10, toMs: 10, count: 3 },
        { fromMs: 10_000, toMs: 10_040, count: 5 },
      ],
      20,
    );
    expect(bins[0]!.count).toBe(3);
    expect(bins.at(-1)!.count).toBe(5);
  });

  it('are none where nothing was counted', () => {
    expect(binsOf([], 40)).toEqual([]);
  });
});

describe('stacks', () => {
  it('sum each row from the first band on', () => {
    expect(
      stacked(
        [
          [1, 2, 3],
          [0, 5, 0],
        ],
        3,
      ),
    ).toEqual([
      [1, 0],
      [3, 5],
      [6, 5],
    ]);
  });
});

describe('rows of the Gantt', () => {
  type WireBar = WireTimeline['bars'][number];
  const at = (second: number) => new Date(Date.UTC(2026, 10, 21, 2, 0, second)).toISOString();
  const now = Date.parse(at(600));
  const bar = (job: string, from: number, to: number | null, said: Partial<WireBar> = {}): WireBar => ({
    job,
    kind: to === null ? 'unfinished' : 'ended',
    run: `${job}.${from}`,
    state: to === null ? 'running' : 'succeeded',
    due: at(from),
    ready: at(from),
    start: at(from),
    end: to === null ? null : at(to),
    expectedEnd: null,
    late: false,
    ...said,
  });

  it('hold every bar once, and none over another', () => {
    const bars = fc.array(
      fc
        .tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(500), fc.nat(200))
        .map(([job, from, length]) => bar(job, from, from + length)),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(bars, (all) => {
        const rows = rowsOf(all, now);
        expect(rows.flatMap((row) => row.bars).length).toBe(all.length);
        for (const { job, bars: own } of rows) {
          for (const each of own) expect(each.wire.job).toBe(job);
          own.slice(1).forEach((each, i) => {
            expect(each.from).toBeGreaterThanOrEqual(own[i]!.until);
          });
        }
        const firsts = rows.filter(({ first }) => first).map(({ job }) => job);
        expect(new Set(firsts).size).toBe(firsts.length);
      }),
    );
  });

  it('begin with what is late, then what fails, and end with what only waits', () => {
    const rows = rowsOf(
      [
        bar('skips', 0, 0, { state: 'skipped' }),
        bar('works', 1, 5),
        bar('fails', 2, 5, { state: 'failed' }),
        bar('is-late', 3, null, { late: true }),
      ],
      now,
    );
    expect(rows.map(({ job }) => job)).toEqual(['is-late', 'fails', 'works', 'skips']);
  });

  it('do not count a failure that was made good', () => {
    const rows = rowsOf([bar('a', 0, 5), bar('b', 1, 2, { state: 'failed' }), bar('b', 3, 4)], now);
    expect(rows.map(({ job }) => job)).toEqual(['a', 'b']);
  });

  it('let what runs go on until now, and on to where it is expected to end', () => {
    const [row] = rowsOf([bar('a', 500, null, { expectedEnd: at(900) })], now);
    expect(row!.bars[0]).toMatchObject({ to: now, until: Date.parse(at(900)), look: 'run' });
  });

  it('give what is to come its usual length', () => {
    const coming = bar('a', 700, null, { kind: 'coming', run: null, state: null, expectedEnd: at(730) });
    const [row] = rowsOf([coming], now);
    expect(row!.bars[0]).toMatchObject({
      look: 'coming',
      from: Date.parse(at(700)),
      until: Date.parse(at(730)),
    });
  });
});

describe('the window of the bars', () => {
  const now = Date.parse('2026-11-21T03:00:00Z');
  const hour = 3_600_000;

  it('is around now by itself', () => {
    const { from, to } = windowOf(hour, null, now);
    expect([from <= now - (hour * 2) / 3, to >= now + hour / 3]).toEqual([true, true]);
  });

  it('goes back by half of itself, over and over, and returns to now on the way forth', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(hour / 4, hour, 24 * hour),
        fc.integer({ min: 1, max: 9 }),
        (span, steps) => {
          const ends: (string | null)[] = [null];
          for (let step = 0; step < steps; step++)
            ends.push(shifted(windowOf(span, instantIn(ends.at(-1)!), now), 'earlier', now));
          for (const [i, end] of ends.slice(2).entries())
            expect(Date.parse(ends[i + 1]!) - Date.parse(end!)).toBe(span / 2);
          let until = ends.at(-1)!;
          for (let step = 0; step < steps; step++)
            until = shifted(windowOf(span, instantIn(until), now), 'later', now)!;
          expect(until).toBeNull();
        },
      ),
    );
  });
});
