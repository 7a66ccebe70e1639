import { describe, expect, test } from 'vitest';
import { instantsBetween } from '../../../src/scheduler/schedule/between.ts';
import type { ScheduleInput } from '../../../src/scheduler/schedule/model.ts';
import { iso, next, scheduleOf } from './schedules.ts';

function between(
  input: ScheduleInput,
  [after, upTo]: readonly [string, string],
  keep = 2,
  countLimit = 1_000,
) {
  const range = { afterMs: Date.parse(after), upToMs: Date.parse(upTo), keep, countLimit };
  const found = instantsBetween(scheduleOf(input), range);
  return { ...found, first: found.first === null ? null : iso(found.first), last: found.last.map(iso) };
}

const tenYears = ['2024-01-01T00:00:00Z', '2034-01-01T00:00:00Z'] as const;

test('the bounds are exclusive below and inclusive above', () => {
  expect(between({ cron: '@hourly' }, ['2024-01-01T01:00:00Z', '2024-01-01T03:00:00Z'])).toEqual({
    count: 2,
    more: false,
    first: '2024-01-01T02:00:00Z',
    last: ['2024-01-01T02:00:00Z', '2024-01-01T03:00:00Z'],
  });
});

test.each([
  ['cron', { cron: '@hourly' }],
  ['every', { every: 'R/2024-01-01T00:00:00Z/PT1H' }],
  ['every, by the calendar', { every: 'R/2024-01-01T00:00:00Z/P1D' }],
  ['at', { at: '2024-01-01T01:00:00Z' }],
])('%s: an empty stretch has nothing', (_, input) => {
  const nothing = { count: 0, more: false, first: null, last: [] };
  expect(between(input, ['2024-01-01T01:10:00Z', '2024-01-01T01:50:00Z'])).toEqual(nothing);
  expect(between(input, ['2024-01-01T05:10:00Z', '2024-01-01T01:50:00Z'])).toEqual(nothing);
});

test.each([
  ['every second as a repeat', { every: 'R/2024-01-01T00:00:00Z/PT1S' }, '2033-12-31T23:59:59Z'],
  ['every second as cron', { cron: '* * * * * *' }, '2033-12-31T23:59:59Z'],
  ['every second of one day a year', { cron: '* * * 2 1 *' }, '2033-01-02T23:59:58Z'],
  ['one day a year in a zone', { cron: '0 0 2 1 *', timezone: 'Asia/Tokyo' }, '2032-01-01T15:00:00Z'],
])('ten years of %s are counted to the limit, and the last ones found at once', (_, input, beforeLast) => {
  const began = performance.now();
  const found = between(input, tenYears, 2, 5);
  expect({ count: found.count, more: found.more }).toEqual({ count: 5, more: true });
  expect(found.last[0]).toBe(beforeLast);
  // Going through them one by one would take a minute where it takes 10 ms.
  expect(performance.now() - began).toBeLessThan(2_000);
});

test('exactly as many as the limit is not more', () => {
  const range = ['2024-01-01T00:00:00Z', '2024-01-01T05:00:00Z'] as const;
  expect(between({ cron: '@hourly' }, range, 1, 5)).toMatchObject({ count: 5, more: false });
  expect(between({ every: 'R/2024-01-01T00:00:00Z/PT1H' }, range, 1, 5)).toMatchObject({
    count: 5,
    more: false,
  });
  expect(between({ cron: '@hourly' }, range, 0, 4)).toMatchObject({ count: 4, more: true, last: [] });
});

test('the runs of a repeat end its count', () => {
  expect(
    between({ every: 'R3/2024-01-01T00:00:00Z/PT1H' }, ['2023-01-01T00:00:00Z', tenYears[1]], 5),
  ).toEqual({
    count: 3,
    more: false,
    first: '2024-01-01T00:00:00Z',
    last: ['2024-01-01T00:00:00Z', '2024-01-01T01:00:00Z', '2024-01-01T02:00:00Z'],
  });
});

/** The schedule, and how often something was read of it: each instant that is worked out reads its period. */
function counted(input: ScheduleInput) {
  const schedule = scheduleOf(input);
  let reads = 0;
  const watched = new Proxy(schedule, {
    get(target, name, receiver) {
      reads += 1;
      return Reflect.get(target, name, receiver);
    },
  });
  return { schedule: watched, reads: () => reads };
}

test.each(['P1D', 'P1M', 'P1M1DT59M', 'P2DT1H'])(
  'two thousand years of %s are not gone through',
  (period) => {
    const { schedule, reads } = counted({
      every: `R/0001-01-01T00:00:00/${period}`,
      timezone: 'Europe/Paris',
    });
    const range = {
      afterMs: -1e14,
      upToMs: Date.parse('2026-01-01T00:00:00Z'),
      keep: 3,
      countLimit: 100_000,
    };
    const { count, last } = instantsBetween(schedule, range);
    expect(count).toBeGreaterThan(10_000);
    expect(last).toHaveLength(3);
    expect(reads()).toBeLessThan(200);
  },
);

describe('days that a zone left out are counted once, as they are due once', () => {
  test.each([
    ['Pacific/Apia', 'R/2011-12-27T08:00:00/P1D', '2012-01-02T00:00:00Z'],
    ['Pacific/Apia', 'R/2011-12-24T00:00:00/P2D', '2012-01-04T00:00:00Z'],
    ['Pacific/Apia', 'R4/2011-12-27T08:00:00/P1D', '2012-01-02T00:00:00Z'],
    ['Pacific/Kwajalein', 'R/1993-08-18T12:00:00/P1D', '1993-08-25T00:00:00Z'],
    ['Europe/Paris', 'R/2011-12-27T08:00:00/P1D', '2012-01-02T00:00:00Z'],
  ])('%s %s', (timezone, every, upTo) => {
    const each = next({ every, timezone }, '1990-01-01T00:00:00Z', 20).filter((at) => at <= upTo);
    const found = between({ every, timezone }, ['1990-01-01T00:00:00Z', upTo], 20);
    expect(found).toEqual({ count: each.length, more: false, first: each[0], last: each });
  });
});
