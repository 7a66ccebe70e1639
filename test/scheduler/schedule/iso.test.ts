import { describe, expect, test } from 'vitest';
import { all, next, resolve, scheduleOf } from './schedules.ts';

const BEFORE = '1900-01-01T00:00:00Z';
const every = (text: string, timezone?: string) => ({
  every: text,
  ...(timezone === undefined ? {} : { timezone }),
});

describe('forms', () => {
  test.each([
    ['start and period', 'R3/2024-01-01T00:00:00Z/PT5M', ['00:00', '00:05', '00:10']],
    [
      'start and end: the period is the time between',
      'R3/2024-01-01T00:00:00Z/2024-01-01T00:20:00Z',
      ['00:00', '00:20', '00:40'],
    ],
    [
      'period and end: the last run is at the end',
      'R3/PT5M/2024-01-01T01:00:00Z',
      ['00:50', '00:55', '01:00'],
    ],
    ['basic format', 'R2/20240101T000000Z/PT1H', ['00:00', '01:00']],
    ['an offset', 'R2/2024-01-01T01:30:00+01:00/PT1H', ['00:30', '01:30']],
    ['a date alone is midnight', 'R2/2024-01-01/PT1H', ['00:00', '01:00']],
    ['seconds may be left out', 'R2/2024-01-01T00:10Z/PT1H', ['00:10', '01:10']],
    ['24:00 is the end of the day', 'R2/2023-12-31T24:00:00Z/PT1H', ['00:00', '01:00']],
    ['n runs, the first at the start', 'R1/2024-01-01T00:00:00Z/PT5M', ['00:00']],
    ['half an hour', 'R3/2024-01-01T00:00:00Z/PT0.5H', ['00:00', '00:30', '01:00']],
    [
      "an end without an offset has the start's",
      'R3/2024-01-01T02:00:00+02:00/2024-01-01T03:00:00',
      ['00:00', '01:00', '02:00'],
    ],
    [
      'an end has an offset of its own where it says so',
      'R2/2024-01-01T02:00:00+02:00/2024-01-01T03:00:00Z',
      ['00:00', '03:00'],
    ],
    ['no run at all', 'R0/2024-01-01T00:00:00Z/PT5M', []],
    ['a zero period with one run', 'R1/2024-01-01T00:00:00Z/PT0S', ['00:00']],
  ])('%s', (_, text, expected) => {
    expect(next(every(text), BEFORE, 10)).toEqual(expected.map((time) => `2024-01-01T${time}:00Z`));
  });

  test('R without a number goes on for ever', () => {
    expect(next(every('R/2024-01-01T00:00:00Z/PT1S'), '2524-01-01T00:00:00Z')).toEqual([
      '2524-01-01T00:00:01Z',
    ]);
  });

  test('a start with milliseconds keeps them', () => {
    expect(next(every('R/2024-01-01T00:00:00.250Z/PT1.5S'), BEFORE, 2)).toEqual([
      '2024-01-01T00:00:00.250Z',
      '2024-01-01T00:00:01.750Z',
    ]);
  });

  test('one date-time is one run', () => {
    expect(next({ at: '2024-06-01T12:00:00+02:00' }, BEFORE, 5)).toEqual(['2024-06-01T10:00:00Z']);
    expect(next({ at: '2024-06-01T12:00:00Z' }, '2024-06-01T12:00:00Z')).toEqual([]);
  });
});

describe('what is stored', () => {
  test.each([
    [
      'an omitted start is now, cut to a second',
      every('R//PT10M'),
      { every: 'R/2024-01-01T00:00:00Z/PT10M' },
    ],
    ['so it is for a bare duration', every('PT5S'), { every: 'R/2024-01-01T00:00:00Z/PT5S' }],
    ['and for one in Go style', every('1h30m'), { every: 'R/2024-01-01T00:00:00Z/PT1H30M' }],
    [
      'days start on the wall clock of the zone',
      every('P1D', 'Asia/Tokyo'),
      { every: 'R/2024-01-01T09:00:00/P1D', timezone: 'Asia/Tokyo' },
    ],
    ['exact time needs no zone', every('PT1H', 'Asia/Tokyo'), { every: 'R/2024-01-01T00:00:00Z/PT1H' }],
    ['run once now, as Chronos users write it', every('R1//P'), { every: 'R1/2024-01-01T00:00:00Z/PT0S' }],
    ['the period is canonical', every('R//P1W2DT90M'), { every: 'R/2024-01-01T00:00:00Z/P9DT1H30M' }],
    ['without zone and offset it is UTC', { at: '2025-01-01' }, { at: '2025-01-01T00:00:00Z' }],
    [
      'with a zone the offset goes',
      { at: '2025-01-01T00:00Z', timezone: 'Asia/Tokyo' },
      { at: '2025-01-01T00:00:00', timezone: 'Asia/Tokyo' },
    ],
    ['an empty zone is none', { cron: '@daily', timezone: '' }, { cron: '0 0 * * *' }],
  ])('%s', (_, input, expected) => {
    const { resolved } = resolve(input);
    expect(resolved).toEqual(expected);
    expect(resolve(resolved, { now: '2031-05-05T05:05:05Z' }).resolved).toEqual(resolved);
  });
});

describe('the calendar', () => {
  test.each([
    ['month ends do not drift', 'R4/2024-01-31T00:00:00Z/P1M', ['01-31', '02-29', '03-31', '04-30']],
    ['months go first, then days', 'R3/2024-01-30T00:00:00Z/P1M1D', ['01-30', '03-01', '04-01']],
    ['counted back from the end too', 'R3/P1M/2024-03-31T00:00:00Z', ['01-31', '02-29', '03-31']],
  ])('%s', (_, text, expected) => {
    expect(next(every(text), BEFORE, 10)).toEqual(expected.map((date) => `2024-${date}T00:00:00Z`));
  });

  test.each([
    [
      'a day keeps the wall clock, and only the day of the gap moves by its length',
      'R3/2024-03-09T02:30:00/P1D',
      ['09T07:30', '10T07:30', '11T06:30'],
    ],
    [
      'a start inside a gap is anchored where it was written',
      'R3/2024-03-10T02:30:00/P1D',
      ['10T07:30', '11T06:30', '12T06:30'],
    ],
    ['24 hours are 24 hours', 'R3/2024-03-09T02:30:00/PT24H', ['09T07:30', '10T07:30', '11T07:30']],
  ])('%s', (_, text, expected) => {
    const instants = next(every(text, 'America/New_York'), BEFORE, 10);
    expect(instants).toEqual(expected.map((time) => `2024-03-${time}:00Z`));
  });

  test('in an overlap the first of the two is meant', () => {
    expect(next(every('R2/2024-11-02T01:30:00/P1D', 'America/New_York'), BEFORE, 2)).toEqual([
      '2024-11-02T05:30:00Z',
      '2024-11-03T05:30:00Z',
    ]);
  });

  test('two days that are one instant where a day was skipped are one run', () => {
    expect(next(every('R4/2011-12-29T12:00:00/P1D', 'Pacific/Apia'), BEFORE, 10)).toEqual([
      '2011-12-29T22:00:00Z',
      '2011-12-30T22:00:00Z',
      '2011-12-31T22:00:00Z',
    ]);
  });

  test('without a zone a day is 24 hours of the offset', () => {
    expect(next(every('R3/2024-03-09T02:30:00-05:00/P1D'), BEFORE, 3)).toEqual([
      '2024-03-09T07:30:00Z',
      '2024-03-10T07:30:00Z',
      '2024-03-11T07:30:00Z',
    ]);
  });
});

describe('the time zone', () => {
  test('wins over the offset, keeps the digits and says so', () => {
    const input = every('R1/2024-07-01T13:00:00-04:00/PT1H', 'America/Los_Angeles');
    expect(next(input, BEFORE)).toEqual(['2024-07-01T20:00:00Z']);
    expect(resolve(input).warnings).toEqual([
      'the time zone overrides the offset: 2024-07-01T13:00:00-04:00 is taken as 2024-07-01T13:00:00 ' +
        'in America/Los_Angeles',
    ]);
  });

  test('no warning where nothing is lost: the same offset, or the Z that Chronos users write', () => {
    expect(resolve(every('R/2024-07-01T13:00:00-07:00/PT1H', 'America/Los_Angeles')).warnings).toEqual([]);
    expect(resolve(every('R/2024-07-01T13:00:00Z/PT1H', 'America/Los_Angeles')).warnings).toEqual([]);
  });

  test('a one-off in UTC whose zone moves it gets a warning', () => {
    expect(resolve({ at: '2024-07-01T13:00:00Z', timezone: 'Asia/Tokyo' }).warnings).toHaveLength(1);
    expect(resolve({ at: '2024-07-01T13:00:00Z', timezone: 'UTC' }).warnings).toEqual([]);
  });
});

test('an end without an offset is as far from the start as it is written', () => {
  const { resolved } = resolve(every('R3/2026-01-01T00:00:00+02:00/2026-01-02T00:00:00'));
  expect(resolved).toEqual({ every: 'R3/2026-01-01T00:00:00+02:00/PT24H' });
});

test('a schedule without any run is taken with a warning', () => {
  expect(resolve(every('R0/2030-01-01T00:00:00Z/P1D')).warnings).toEqual([
    'R0 means no runs: the schedule is exhausted',
  ]);
  expect(resolve(every('R1//P')).warnings).toEqual([]);
});

test('equal texts compile to one shared value', () => {
  expect(scheduleOf({ cron: '0 2 * * MON' })).toBe(scheduleOf({ cron: ' 0  2 * * 1 ' }));
});

test('the years end with 9999', () => {
  expect(all(every('R/9999-12-30T00:00:00Z/P1D'), BEFORE, '9999-12-31T23:59:59Z')).toHaveLength(2);
  expect(next(every('R/9999-12-30T00:00:00Z/P1D'), BEFORE, 10)).toHaveLength(2);
  for (const text of ['9999-12-31T00:00:00Z', '9999-12-31T23:59:59Z'])
    expect(next({ cron: '@yearly' }, text)).toEqual([]);
  expect(next({ cron: '30 2 * * *', timezone: 'Europe/Berlin' }, '9999-03-27T12:00:00Z', 2)).toEqual([
    '9999-03-28T01:00:00Z',
    '9999-03-29T00:30:00Z',
  ]);
});
