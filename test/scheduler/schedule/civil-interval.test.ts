/** Intervals of the calendar in time zones, also where clocks change. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { intervalAt, type Unit } from '../../../src/scheduler/schedule/civil-interval.ts';
import { zoneOf } from '../../../src/scheduler/schedule/zone.ts';

const at = (unit: Unit, zone: string, instant: string, weekStart = 1) => {
  const { from, to } = intervalAt({ unit, zone: zoneOf(zone), weekStart }, Date.parse(instant));
  return [from, to].map((ms) => new Date(ms).toISOString().replace(':00.000Z', 'Z'));
};

describe('an interval', () => {
  test.each<[string, Unit, string, string, [string, string]]>([
    [
      'of a day without midnight begins when its first hour does',
      'day',
      'America/Sao_Paulo',
      '2018-11-04T12:00:00Z',
      ['2018-11-04T03:00Z', '2018-11-05T02:00Z'],
    ],
    [
      'of the day before it ends there',
      'day',
      'America/Sao_Paulo',
      '2018-11-04T02:59:59Z',
      ['2018-11-03T03:00Z', '2018-11-04T03:00Z'],
    ],
    [
      'of a day whose last hour is there twice has both',
      'day',
      'America/Sao_Paulo',
      '2018-02-18T02:30:00Z',
      ['2018-02-17T02:00Z', '2018-02-18T03:00Z'],
    ],
    [
      'of a day that had begun has the minutes of the day before that came again',
      'day',
      'America/St_Johns',
      '2010-11-07T03:20:00Z',
      ['2010-11-07T02:30Z', '2010-11-08T03:30Z'],
    ],
    [
      'of the day after a day that a zone left out',
      'day',
      'Pacific/Apia',
      '2011-12-30T12:00:00Z',
      ['2011-12-30T10:00Z', '2011-12-31T10:00Z'],
    ],
    [
      'of an hour that is there twice is each of them',
      'hour',
      'Europe/Berlin',
      '2026-10-25T01:30:00Z',
      ['2026-10-25T01:00Z', '2026-10-25T02:00Z'],
    ],
    [
      'of the hour in which clocks go back half an hour ends there',
      'hour',
      'Australia/Lord_Howe',
      '2026-04-04T14:59:00Z',
      ['2026-04-04T14:00Z', '2026-04-04T15:00Z'],
    ],
    [
      'of the half hour that comes again is that half hour',
      'hour',
      'Australia/Lord_Howe',
      '2026-04-04T15:10:00Z',
      ['2026-04-04T15:00Z', '2026-04-04T15:30Z'],
    ],
    [
      'of a week with a change of clocks has an hour less',
      'week',
      'Europe/Berlin',
      '2026-03-29T12:00:00Z',
      ['2026-03-22T23:00Z', '2026-03-29T22:00Z'],
    ],
  ])('%s', (_, unit, zone, instant, expected) => {
    expect(at(unit, zone, instant)).toEqual(expected);
  });
});

/** Oracle: what the clock on the wall shows, by Intl, cut to the unit. */
function shownIn(unit: Unit, zone: string, weekStart: number, ms: number): string {
  const parts = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  }).format(ms);
  if (unit !== 'week') return parts.slice(0, { minute: 16, hour: 13, day: 10, month: 7 }[unit]);
  const date = new Date(`${parts.slice(0, 10)}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() - weekStart + 7) % 7));
  return date.toISOString().slice(0, 10);
}

const unit = fc.constantFrom<Unit>('minute', 'hour', 'day', 'week', 'month');
const zone = fc.constantFrom(
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
);
const instant = fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2030, 0, 1) });

describe('any interval', () => {
  test('contains its instants, joins its neighbours, and is what the clock on the wall shows', () => {
    fc.assert(
      fc.property(
        unit,
        zone,
        instant,
        fc.nat(6),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (of, id, ms, start, part) => {
          const intervals = { unit: of, zone: zoneOf(id), weekStart: start };
          const interval = intervalAt(intervals, ms);
          const { from, to } = interval;
          expect(from <= ms && ms < to).toBe(true);
          const other = from + Math.floor(part * (to - from - 1));
          expect(intervalAt(intervals, other)).toEqual(interval);
          expect(intervalAt(intervals, from - 1).to).toBe(from);
          expect(intervalAt(intervals, to).from).toBe(to);
          const shown = shownIn(of, id, start, ms);
          expect(shownIn(of, id, start, other)).toBe(shown);
          // An hour of the wall that is there twice is two.
          if (of === 'day' || of === 'week' || of === 'month') {
            expect(shownIn(of, id, start, from - 1)).not.toBe(shown);
            expect(shownIn(of, id, start, to)).not.toBe(shown);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
