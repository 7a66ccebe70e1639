/** What a person is told: where it is, what is wrong, what would be right. */

import { describe, expect, test } from 'vitest';
import { CarillonError } from '../../../src/errors.ts';
import type { ScheduleInput } from '../../../src/scheduler/schedule/model.ts';
import { resolve } from './schedules.ts';

function errorOf(input: ScheduleInput): CarillonError {
  try {
    resolve(input);
  } catch (error) {
    if (error instanceof CarillonError) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(input)} was taken`);
}

describe('cron', () => {
  test.each([
    [
      '~ * * * *',
      'The minute field "~" has "~", a random value: write H for a value derived from the job. Allowed: 0-59',
    ],
    ['0 1~5 * * *', 'The hour field "1~5" has "1~5", a random value: write H(1-5)'],
    ['~30 * * * *', 'The minute field "~30" has "~30", a random value: write H(0-30)'],
    ['0 25 * * *', 'The hour field "25" is outside 0-23. Allowed: 0-23'],
    ['60 * * * *', 'The minute field "60" is outside 0-59'],
    ['60 * * * * *', 'The second field "60" is outside 0-59'],
    ['0 0 0 * *', 'The day-of-month field "0" is outside 1-31'],
    ['0 0 1,32 * *', 'The day-of-month field "1,32" has 32, which is outside 1-31'],
    ['0 0 * 13 *', 'The month field "13" is outside 1-12'],
    ['0 0 * * 8', 'The day-of-week field "8" is outside 0-7'],
    ['0 0 * * friday', 'The day-of-week field "FRIDAY" is not a number or a known name'],
    ['0 0 * FOO *', 'The month field "FOO" is not a number or a known name'],
    ['*/0 * * * *', 'The minute field "*/0" has the step "/0"'],
    ['*/x * * * *', 'The minute field "*/X" has the step "/X"'],
    ['5-/2 * * * *', 'The minute field "5-/2" has "5-/2", which is invalid'],
    ['1.5 * * * *', 'The minute field "1.5" has "1.5", which is invalid'],
    ['-5 * * * *', 'The minute field "-5" has "-5", which is invalid'],
    ['*-5 * * * *', 'The minute field "*-5" has "*-5", which is invalid'],
    ['1,,2 * * * *', 'The minute field "1,,2" has an empty item'],
    ['? * * * *', 'The minute field "?" cannot be "?"'],
    ['0 0 ?,1 * *', 'The day-of-month field "?,1" has "?" in a list'],
    ['0 L * * *', 'The hour field "L" is not a number or a known name'],
    ['0 0 * * L', 'The day-of-week field "L" is not a number or a known name'],
    ['0 0 L-31 * *', 'n of L-n is 1-30'],
    ['0 0 32W * *', 'The day-of-month field "32W" has 32, which is outside 1-31'],
    ['0 0 * * 1#6', 'k of n#k is 1-5'],
    ['0 0 * * 9L', 'The day-of-week field "9L" has 9, which is outside 0-7'],
    ['H(50-70) * * * *', 'whose range is not within 0-59'],
    ['H(9-3) * * * *', 'whose range is not within 0-59'],
    ['H/0 * * * *', 'a step is a whole number from 1'],
    [
      '* * * *',
      '"* * * *" has 4 fields. Allowed: 5 fields (minute hour day-of-month month day-of-week), or 6',
    ],
    ['* * * * * * *', 'has 7 fields'],
    ['', 'has 0 fields'],
    ['@reboot', '"@reboot" is not a time'],
    ['@fortnightly', 'is not a known macro. Allowed: @yearly'],
    ['TZ=UTC 0 0 * * *', 'begins with a time zone'],
    [`0 ${'1,'.repeat(200)}1 * * *`, 'has 409 characters. Allowed: at most 256'],
    ['@every', '"" is not an ISO 8601 duration'],
    ['@every 0s', '"0s" has length zero'],
    ['@every 500ms', 'repeats faster than once a second'],
  ])('%s', (cron, message) => {
    const error = errorOf({ cron });
    expect(error.message).toContain(message);
    expect(error).toMatchObject({ code: 'INVALID_SCHEDULE', details: { field: 'schedule.cron' } });
    expect(error.details.value).toBeTypeOf('string');
    expect(error.details.allowed).toBeTypeOf('string');
  });

  test('an impossible date says which', () => {
    const error = errorOf({ cron: '0 0 31 feb *' });
    expect(error.code).toBe('SCHEDULE_NEVER_FIRES');
    expect(error.message).toBe(
      'The cron expression "0 0 31 2 *" has no due time in 50 years: no month 2 has day-of-month 31.',
    );
  });
});

describe('repeats and instants', () => {
  test.each([
    ['R-1/2024-01-01T00:00:00Z/P1D', '"R-1" is not a number of runs'],
    ['R99999999999999999/2024-01-01T00:00:00Z/P1D', '"R99999999999999999" is too many runs'],
    ['R/P1D/2024-01-01T00:00:00Z', 'is counted from its end, so it needs a number of runs'],
    ['R/2024-01-01T00:00:00Z', 'has 2 parts between slashes instead of 3'],
    ['R/2024-01-01T00:00:00Z/', 'has nothing after its second slash'],
    ['R/2024-01-01T00:00:00Z/P', '"P" has length zero'],
    ['R//PT', '"PT" has length zero'],
    ['R//PT0S', '"PT0S" has length zero'],
    ['R2//P0D', '"P0D" has length zero'],
    ['R//-P1D', '"-P1D" is negative'],
    ['R//P-1D', '"P-1D" is negative'],
    ['R//P0.5M', '"P0.5M" has a fraction of a year or month, whose length varies'],
    ['R//P0.5DT1H', '"P0.5DT1H" has a fraction before its last part'],
    ['R/10000-01-01T00:00:00Z/P1D', '"10000-01-01T00:00:00Z" is later than the year 9999'],
    ['R/+010000-01-01T00:00:00Z/P1D', 'is later than the year 9999'],
    ['R/9999-12-31T24:00:00Z/P1D', 'is later than the year 9999'],
    ['R/9999-12-31T23:00:00-05:00/P1D', 'is later than the year 9999'],
    ['R2/PT1H/9999-12-31T23:00:00-05:00', 'is later than the year 9999'],
    ['R2/9999-12-31T22:00:00Z/9999-12-31T23:00:00-05:00', 'is later than the year 9999'],
    ['R//PT1.0001S', 'is finer than a millisecond'],
    ['R//P1H', '"P1H" is not an ISO 8601 duration'],
    ['R//p1d', '"p1d" is not an ISO 8601 duration'],
    ['R//P20000Y', 'is longer than 10000 years'],
    ['R//PT0.5S', 'repeats faster than once a second. Allowed: PT1S or longer'],
    ['R/2024-01-01T00:00:60Z/P1D', 'is a leap second'],
    ['R/2024-02-30T00:00:00Z/P1D', 'has day 30, which does not exist in its month. Allowed: 01-29'],
    ['R/2023-02-29T00:00:00Z/P1D', 'Allowed: 01-28'],
    ['R/2024-13-01T00:00:00Z/P1D', 'has month 13'],
    ['R/2024-01-01T24:30:00Z/P1D', 'has an invalid time of day'],
    ['R/2024-01-01 00:00:00/P1D', '"2024-01-01 00:00:00" is not a date-time'],
    ['R/2024-01-01T00:00:00+25:00/P1D', 'is not a date-time'],
    ['R//2024-01-01T00:00:00Z', '"2024-01-01T00:00:00Z" is not an ISO 8601 duration'],
    ['R/yesterday/P1D', '"yesterday" is not a date-time'],
    ['R/2024-01-02T00:00:00Z/2024-01-01T00:00:00Z', '"2024-01-01T00:00:00Z" is not after the start'],
    [`R/${'0'.repeat(300)}/P1D`, 'has 306 characters'],
    ['hourly', '"hourly" is not an ISO 8601 duration'],
    ['1d', '"1d" is not an ISO 8601 duration'],
  ])('%s', (every, message) => {
    const error = errorOf({ every });
    expect(error.message).toContain(message);
    expect(error.message).toMatch(/^schedule\.every: "/);
    expect(error).toMatchObject({ code: 'INVALID_SCHEDULE', details: { field: 'schedule.every' } });
    expect(error.details.allowed).toBeTypeOf('string');
  });

  test.each(['10000-01-01', '12026-01-01T00:00:00Z', '9999-12-31T20:00:00-05:00', '9999-12-31T24:00:00'])(
    'at %s is later than the year 9999',
    (at) => {
      expect(errorOf({ at }).message).toMatch(/is later than the year 9999\. Allowed: times up to 9999/);
    },
  );

  test('a time zone can lead past the year 9999 as well', () => {
    const late = '9999-12-31T20:00:00';
    expect(errorOf({ at: late, timezone: 'America/New_York' }).message).toMatch(/later than the year 9999/);
    expect(resolve({ at: late, timezone: 'Europe/Berlin' }).resolved).toMatchObject({ at: late });
  });

  test('an instant that cannot be read', () => {
    expect(errorOf({ at: 'tomorrow' })).toMatchObject({
      code: 'INVALID_SCHEDULE',
      details: { field: 'schedule.at' },
    });
  });
});

describe('time zones', () => {
  test.each([
    ['Berlin', 'Did you mean Europe/Berlin?'],
    ['America/NewYork', 'Did you mean America/New_York?'],
    ['GMT+5', 'Did you mean "+05:00"?'],
    ['UTC-03:30', 'Did you mean "-03:30"?'],
    ['Mars/Phobos', 'Allowed: an IANA name such as Europe/Berlin, UTC, or an offset such as +05:30.'],
    ['SystemV/PST8', 'unknown time zone'],
    ['AET', 'unknown time zone'],
    ['+25:00', 'unknown time zone'],
    ['x'.repeat(500), 'unknown time zone'],
  ])('%s is refused, never taken as GMT', (timezone, message) => {
    for (const input of [
      { cron: '@daily', timezone },
      { every: 'P1D', timezone },
      { at: '2030-01-01', timezone },
    ]) {
      const error = errorOf(input);
      expect(error).toMatchObject({ code: 'UNKNOWN_TIMEZONE', details: { field: 'schedule.timezone' } });
      expect(error.message).toContain(message);
      expect(error.message.length).toBeLessThan(300);
    }
  });

  test.each([
    ['PST', 'America/Los_Angeles'],
    ['BST', 'Europe/London'],
    ['IST', 'Asia/Kolkata'],
    ['CST', 'America/Chicago'],
  ])('%s is taken as %s, with a warning', (timezone, id) => {
    const { resolved, warnings } = resolve({ cron: '@daily', timezone });
    expect(resolved).toHaveProperty('timezone', id);
    expect(warnings).toEqual([
      `time zone ${timezone} is an abbreviation and is taken as ${id}; write that name`,
    ]);
  });

  test.each([
    'UTC',
    'Etc/UTC',
    'Z',
    'Europe/Kyiv',
    'Europe/Kiev',
    'US/Pacific',
    'EST5EDT',
    '+05:30',
    '-0330',
    '+09',
    'europe/berlin',
  ])('%s is stored as written', (timezone) => {
    expect(resolve({ cron: '@daily', timezone })).toEqual({
      resolved: { cron: '0 0 * * *', timezone },
      warnings: [],
    });
  });

  test('EST has no summer time, which few expect', () => {
    expect(resolve({ cron: '@daily', timezone: 'EST' }).warnings.join()).toContain('write America/New_York');
  });
});

test('all that is wrong with a schedule is told: the zone, and each field', () => {
  const { code, details } = errorOf({ cron: '99 2 * 13 9', timezone: 'Mars/X' });
  const { others = [] } = details;
  expect([code, ...others.map(({ message }) => message.slice(0, 25))]).toEqual([
    'UNKNOWN_TIMEZONE',
    'The minute field "99" is ',
    'The month field "13" is o',
    'The day-of-week field "9"',
  ]);
  expect(others.every((other) => other.details.others === undefined)).toBe(true);
});
