/** Times and durations in words. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  calendarDay,
  clockTime,
  dateTime,
  duration,
  relative,
  shortInstant,
  weekday,
  zoneName,
} from '../../web/src/parts/time.ts';

const s = 1_000;
const min = 60 * s;
const h = 60 * min;
const d = 24 * h;

describe('a duration', () => {
  it.each([
    [null, '–'],
    [0, '0 ms'],
    [850, '850 ms'],
    [4_200, '4.2 s'],
    [5_000, '5 s'],
    [12_400, '12 s'],
    [3 * min + 20 * s, '3 min 20 s'],
    [2 * h, '2 h'],
    [2 * h + 5 * min, '2 h 5 min'],
    [h - 1, '1 h'],
    [min - 1, '1 min'],
    [10 * s - 1, '10 s'],
    [3 * d + 4 * h, '3 d 4 h'],
  ])('%s ms is %s', (ms, words) => {
    expect(duration(ms)).toBe(words);
  });

  it('never says 60 of a smaller unit', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(s, 10 * s, min, h, d),
        fc.nat(5),
        fc.integer({ min: -2 * s, max: 2 * s }),
        (unit, times, off) => {
          const ms = Math.abs(unit * times + off);
          expect(duration(ms)).not.toMatch(/\b(60 s|60 min|24 h|1000 ms)\b/);
        },
      ),
    );
  });
});

describe('an instant', () => {
  const now = Date.parse('2026-11-21T13:00:00.000Z');

  it.each([
    [now + 5 * min, 'in 5 min'],
    [now - 3 * h, '3 h ago'],
    [now + 400, 'now'],
    [now - 2 * d, '2 d ago'],
  ])('relative to now: %s is %s', (at, words) => {
    expect(relative(at, now)).toBe(words);
  });

  it.each([
    [now + h, '14:00'],
    [now + h + 5 * s, '14:00:05'],
    [now + d, 'Sun 13:00'],
    [now + 40 * d, '2026-12-31 13:00'],
  ])('as short as it can be told: %s is %s', (at, words) => {
    expect(shortInstant(at, now, 'UTC')).toBe(words);
  });

  it('is told in the zone that is asked for', () => {
    expect(dateTime(now, 'Asia/Kolkata')).toBe('2026-11-21 18:30:00');
    expect(clockTime(Date.parse('2026-11-21T23:00:00Z'), 'Europe/Berlin')).toBe('00:00:00');
    expect(zoneName(now, 'Europe/Berlin')).toBe('CET');
  });

  it.each(['Europe/Ber', 'E', '', 'Mars/Olympus', '+99:00', '__proto__'])(
    'is told in UTC, and says so, where the zone is %j',
    (zone) => {
      expect(dateTime(now, zone)).toBe('2026-11-21 13:00:00');
      expect(zoneName(now, zone)).toBe('UTC');
    },
  );

  it('is told in some words, whatever the number and the zone', () => {
    fc.assert(
      fc.property(fc.double(), fc.string(), (ms, zone) => {
        for (const words of [dateTime, clockTime, calendarDay, weekday, zoneName])
          expect(words(ms, zone)).toEqual(expect.any(String));
        expect(shortInstant(ms, now, zone)).toEqual(expect.any(String));
      }),
    );
    expect(dateTime(Number.NaN)).toBe('– –');
  });
});
