/** What clock changes do to cron schedules. New York 2024: 02:00 becomes 03:00 on 10 March, 02:00 becomes 01:00 on 3 November. */

import { describe, expect, test } from 'vitest';
import type { DstPolicy } from '../../../src/scheduler/schedule/model.ts';
import { all } from './schedules.ts';

const newYork = (cron: string, range: [string, string], dst?: DstPolicy) =>
  all({ cron, timezone: 'America/New_York', ...(dst === undefined ? {} : { dst }) }, ...range);

describe('a gap', () => {
  const gap: [string, string] = ['2024-03-10T05:30:00Z', '2024-03-10T08:30:00Z'];
  const once = ['2024-03-10T07:00:00Z'];
  test.each([
    ['a fixed time inside runs at the first instant after', '30 2 * * *', once],
    ['its first second counts as inside', '0 2 * * *', once],
    ['its last second counts as inside', '59 59 2 * * *', once],
    ['several fixed times inside run once', '15,45 2 * * *', once],
    ['they merge with a time at its end', '0 2,3 * * *', once],
    ['a time at its end alone is not moved', '0 3 * * *', once],
    ['a wildcard minute loses its times', '*/30 2 * * *', []],
    ['a wildcard hour loses its times', '30 */2 * * *', ['2024-03-10T08:30:00Z']],
    ['a wildcard second loses its times', '*/20 30 2 * * *', []],
    [
      'an hourly one goes on by the clock',
      '30 * * * *',
      ['2024-03-10T06:30:00Z', '2024-03-10T07:30:00Z', '2024-03-10T08:30:00Z'],
    ],
    ['the date of the gap has to match', '30 2 11 * *', []],
  ])('%s', (_, cron, expected) => {
    expect(newYork(cron, gap)).toEqual(expected);
  });

  test.each([
    ['skip loses a fixed time', '30 2 * * *', 'skip', []],
    ['skip keeps a real time at the end', '0 2,3 * * *', 'skip', once],
    ['run-once gives a wildcard one run', '*/30 2 * * *', 'run-once', once],
    [
      'run-once merges with what the clock gives',
      '*/30 2,3 * * *',
      'run-once',
      [...once, '2024-03-10T07:30:00Z'],
    ],
  ] as const)('policy: %s', (_, cron, policy, expected) => {
    expect(newYork(cron, gap, { gap: policy })).toEqual(expected);
  });

  test('asking from inside the instant before it and from the instant itself', () => {
    expect(newYork('30 2 * * *', ['2024-03-10T06:59:59.999Z', '2024-03-11T00:00:00Z'])).toEqual(once);
    expect(newYork('30 2 * * *', ['2024-03-10T07:00:00Z', '2024-03-11T00:00:00Z'])).toEqual([]);
  });
});

describe('an overlap', () => {
  const overlap: [string, string] = ['2024-11-03T04:30:00Z', '2024-11-03T07:00:00Z'];
  const both = (minutes: string[]) =>
    ['05', '06'].flatMap((hour) => minutes.map((m) => `2024-11-03T${hour}:${m}:00Z`));
  test.each([
    ['a fixed time runs in the first pass', '30 1 * * *', ['2024-11-03T05:30:00Z']],
    [
      'several fixed times run in the first pass',
      '15,45 1 * * *',
      ['2024-11-03T05:15:00Z', '2024-11-03T05:45:00Z'],
    ],
    ['a time just after it runs once', '0 2 * * *', ['2024-11-03T07:00:00Z']],
    ['a wildcard minute runs in both', '*/30 1 * * *', both(['00', '30'])],
    ['an hourly one runs in both', '15 * * * *', both(['15'])],
    [
      'a list of all hours is fixed',
      `30 ${Array.from({ length: 24 }, (_, hour) => hour).join()} * * *`,
      ['2024-11-03T04:30:00Z', '2024-11-03T05:30:00Z'].slice(1),
    ],
  ])('%s', (_, cron, expected) => {
    expect(newYork(cron, overlap)).toEqual(expected);
  });

  test.each([
    ['both repeats a fixed time', '30 1 * * *', 'both', both(['30'])],
    ['first keeps a wildcard to one pass', '*/30 1 * * *', 'first', both(['00', '30']).slice(0, 2)],
  ] as const)('policy: %s', (_, cron, policy, expected) => {
    expect(newYork(cron, overlap, { overlap: policy })).toEqual(expected);
  });

  test.each([
    ['05:30:00Z', 'both', ['2024-11-03T06:30:00Z']],
    ['06:00:00Z', 'both', ['2024-11-03T06:30:00Z']],
    ['05:45:00Z', 'first', []],
    ['06:10:00Z', 'first', []],
  ] as const)('asked from %s, %s is still right', (from, policy, expected) => {
    expect(
      newYork('30 1 * * *', [`2024-11-03T${from}`, '2024-11-03T12:00:00Z'], { overlap: policy }),
    ).toEqual(expected);
  });
});

describe('other zones', () => {
  test.each([
    [
      'half an hour of gap',
      '15 2 * * *',
      'Australia/Lord_Howe',
      '2024-10-05T12:00:00Z',
      ['2024-10-05T15:30:00Z'],
    ],
    ['a gap at midnight', '30 0 * * *', 'America/Santiago', '2024-09-08T00:00:00Z', ['2024-09-08T04:00:00Z']],
    ['two hours of gap', '30 1 * * *', 'Antarctica/Troll', '2024-03-30T12:00:00Z', ['2024-03-31T01:00:00Z']],
    ['a fixed offset', '30 2 * * *', '+05:30', '2024-03-30T12:00:00Z', ['2024-03-30T21:00:00Z']],
    [
      'an offset with minutes',
      '30 2 * * *',
      'Asia/Kathmandu',
      '2024-03-30T12:00:00Z',
      ['2024-03-30T20:45:00Z'],
    ],
  ])('%s', (_, cron, timezone, after, expected) => {
    const until = new Date(Date.parse(after) + 20 * 3_600_000).toISOString();
    expect(all({ cron, timezone }, after, until)).toEqual(expected);
  });

  test.each([undefined, { gap: 'run-once', overlap: 'first' }] as const)(
    'a day that a country skipped is no gap: it is lost (policy %j)',
    (dst) => {
      const input = { cron: '0 12 30 12 *', timezone: 'Pacific/Apia', ...(dst === undefined ? {} : { dst }) };
      expect(all(input, '2011-12-29T00:00:00Z', '2012-06-01T00:00:00Z')).toEqual([]);
    },
  );

  test('years that the zone table was not built for are right in any order of asking', () => {
    const at = (year: number) =>
      all(
        { cron: '30 12 1 7 *', timezone: 'Europe/Paris' },
        `${year}-06-30T00:00:00Z`,
        `${year}-07-02T00:00:00Z`,
      );
    expect(at(2090)).toEqual(['2090-07-01T10:30:00Z']);
    expect(at(1944)).toEqual(['1944-07-01T10:30:00Z']);
    expect(at(2024)).toEqual(['2024-07-01T10:30:00Z']);
    expect(at(1970)).toEqual(['1970-07-01T11:30:00Z']);
    expect(at(1905)).toEqual(['1905-07-01T12:20:39Z']);
  });
});
