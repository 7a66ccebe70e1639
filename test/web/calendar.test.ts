/** The ledger as a calendar: no due instant is lost or counted twice, whatever the lines. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WireLedgerLine } from '../../src/api/wire/schema.ts';
import { cellsOf, type Scale, scaleFor, scales, stretch, sumOf, total } from '../../web/src/job/calendar.ts';
import { failures } from '../../web/src/parts/fate.ts';

const noon = Date.parse('2026-11-21T12:34:56.000Z');
const minute = 60_000;

const line = (
  fromMs: number,
  toMs: number,
  count: number,
  end: WireLedgerLine['end'] = 'ran',
): WireLedgerLine => ({
  job: 'a',
  from: new Date(fromMs).toISOString(),
  to: new Date(toMs).toISOString(),
  count,
  more: false,
  end,
  state: end === 'ran' ? 'succeeded' : null,
  reason: null,
  why: null,
  run: null,
});

describe('the calendar of the ledger', () => {
  it.each<[Scale, number[]]>([
    ['month', [28, 29, 30, 31]],
    ['day', [23, 24, 25]],
    ['hour', [60]],
  ])('a %s has as many cells as it should', (scale, possible) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_000_000_000_000 }), (at) => {
        const span = stretch(scale, at);
        const cells = cellsOf(scale, span, []);
        expect(possible).toContain(cells.length);
        expect(cells[0]?.fromMs).toBe(span.fromMs);
        expect(cells.at(-1)?.toMs).toBe(span.toMs);
        expect(cells.slice(1).every((cell, i) => cell.fromMs === cells[i]?.toMs)).toBe(true);
      }),
    );
  });

  it('the stretch before ends where this one begins', () => {
    for (const scale of scales) expect(stretch(scale, noon, -1).toMs).toBe(stretch(scale, noon).fromMs);
  });

  it('counts each due instant in the cell that it lies in, as one by one', () => {
    const span = stretch('hour', noon);
    const lines = fc.record({
      first: fc.nat(3_500),
      gapS: fc.integer({ min: 1, max: 90 }),
      count: fc.integer({ min: 1, max: 400 }),
    });
    fc.assert(
      fc.property(lines, ({ first, gapS, count }) => {
        const from = span.fromMs + first * 1_000;
        const instants = Array.from({ length: count }, (_, i) => from + i * gapS * 1_000);
        const cells = cellsOf('hour', span, [line(from, instants.at(-1) as number, count)]);
        const oneByOne = cells.map(
          ({ fromMs, toMs }) => instants.filter((at) => at >= fromMs && at < toMs).length,
        );
        // What lies behind the stretch is counted in its last cell at most.
        expect(cells.slice(0, -1).map(({ counts }) => counts.succeeded)).toEqual(oneByOne.slice(0, -1));
      }),
    );
  });

  it('leaves out what was due before the stretch', () => {
    const span = stretch('hour', noon);
    const cells = cellsOf('hour', span, [line(span.fromMs - 2 * minute, span.fromMs + minute, 4, 'skipped')]);
    expect(cells.slice(0, 3).map(({ counts }) => counts.skipped)).toEqual([1, 1, 0]);
  });

  it('tells runs by how they ended, and what did not run by why', () => {
    const span = stretch('hour', noon);
    const states = ['succeeded', 'failed', 'timed-out', 'killed', 'lost', null] as const;
    const cells = cellsOf('hour', span, [
      ...states.map((state, i) => ({ ...line(span.fromMs + i, span.fromMs + i, 1), state })),
      line(span.fromMs + 6, span.fromMs + 7, 2, 'missed'),
      { ...line(span.fromMs + 8, span.fromMs + 8, 1, 'caught-up'), state: 'failed' },
      { ...line(span.fromMs + 9, span.fromMs + 9, 1, 'skipped'), state: 'skipped' },
    ]);
    const counts = {
      ...{ succeeded: 1, failed: 1, 'timed-out': 1, killed: 1, lost: 1, ran: 1 },
      ...{ 'caught-up': 1, backfilled: 0, skipped: 1, missed: 2 },
    };
    expect(cells[0]?.counts).toEqual(counts);
    expect(sumOf(cells)).toEqual(counts);
    expect(total(sumOf(cells), failures)).toBe(4);
  });

  it.each([
    [null, 'month'],
    [86_400_000, 'month'],
    [minute, 'day'],
    [5_000, 'hour'],
  ] as const)('due instants %s ms apart are looked at by the %s', (gap, scale) => {
    expect(scaleFor(gap)).toBe(scale);
  });
});
