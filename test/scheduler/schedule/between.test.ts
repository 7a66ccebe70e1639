import { expect, test } from 'vitest';
import { instantsBetween } from '../../../src/scheduler/schedule/between.ts';
import type { ScheduleInput } from '../../../src/scheduler/schedule/model.ts';
import { iso, scheduleOf } from './schedules.ts';

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
