import { describe, expect, test } from 'vitest';
import { all, next, resolve } from './schedules.ts';

const dates = (cron: string, after: string, until: string) =>
  all({ cron }, after, until).map((instant) => instant.slice(0, 10));

describe('fields', () => {
  test.each([
    ['five fields begin with the minute', '5 1 * * *', ['2024-01-01T01:05:00Z', '2024-01-02T01:05:00Z']],
    ['six fields begin with the second', '7 5 1 * * *', ['2024-01-01T01:05:07Z', '2024-01-02T01:05:07Z']],
    [
      'space around and between is free',
      '  5\t1   * * *  ',
      ['2024-01-01T01:05:00Z', '2024-01-02T01:05:00Z'],
    ],
    ['lists may repeat values', '0 1,1,3 * * *', ['2024-01-01T01:00:00Z', '2024-01-01T03:00:00Z']],
    ['a/n runs from a to the end', '20/20 0 * * *', ['2024-01-01T00:20:00Z', '2024-01-01T00:40:00Z']],
    ['a-b/n steps within the range', '0 1-5/3 * * *', ['2024-01-01T01:00:00Z', '2024-01-01T04:00:00Z']],
    ['a step may be longer than the field', '0 */70 * * *', ['2024-01-02T00:00:00Z', '2024-01-03T00:00:00Z']],
    ['a range of one is a value', '0 4-4 * * *', ['2024-01-01T04:00:00Z', '2024-01-02T04:00:00Z']],
    ['hours wrap at midnight', '0 23-1 * * *', ['2024-01-01T01:00:00Z', '2024-01-01T23:00:00Z']],
    ['a step counts through the wrap', '0 20-3/4 * * *', ['2024-01-01T20:00:00Z', '2024-01-02T00:00:00Z']],
    ['months wrap at the new year', '0 0 1 NOV-JAN *', ['2024-11-01T00:00:00Z', '2024-12-01T00:00:00Z']],
    ['names are taken in any case', '0 0 1 feb,MaR *', ['2024-02-01T00:00:00Z', '2024-03-01T00:00:00Z']],
  ])('%s', (_, cron, expected) => {
    expect(next({ cron }, '2024-01-01T00:00:00Z', 2)).toEqual(expected);
  });

  // 2024-01-01 is a Monday.
  test.each([
    ['0 is Sunday', '0', ['2024-01-07']],
    ['7 is Sunday', '7', ['2024-01-07']],
    ['a range may end in 7', '6-7', ['2024-01-06', '2024-01-07']],
    ['a range may end in SUN', 'FRI-SUN', ['2024-01-05', '2024-01-06', '2024-01-07']],
    ['a range may end in 0', '5-0', ['2024-01-05', '2024-01-06', '2024-01-07']],
    ['a range may begin with 7', '7-1', ['2024-01-07', '2024-01-08']],
    [
      'MON-SUN is the week',
      'MON-SUN',
      ['02', '03', '04', '05', '06', '07', '08'].map((day) => `2024-01-${day}`),
    ],
    ['0-7 is the week', '0-7', ['02', '03', '04', '05', '06', '07', '08'].map((day) => `2024-01-${day}`)],
    ['7-7 is Sunday alone', '7-7', ['2024-01-07']],
    ['weekdays wrap', 'SAT-MON', ['2024-01-06', '2024-01-07', '2024-01-08']],
    ['a/n ends on Saturday', '1/5', ['2024-01-06', '2024-01-08']],
  ])('day of week: %s', (_, weekday, expected) => {
    expect(dates(`0 0 * * ${weekday}`, '2024-01-01T00:00:00Z', '2024-01-08T00:00:00Z')).toEqual(expected);
  });

  test.each([
    ['L is the last day', 'L * *', ['2024-01-31', '2024-02-29', '2024-03-31']],
    ['L-n is n days before it', 'L-2 * *', ['2024-01-29', '2024-02-27', '2024-03-29']],
    ['L-n skips months too short for it', 'L-29 * *', ['2024-01-02', '2024-03-02']],
    ['LW is the last workday', 'LW * *', ['2024-01-31', '2024-02-29', '2024-03-29']],
    ['15W on a workday is that day', '15W 1 *', ['2024-01-15']],
    ['nW on a Saturday is the Friday before', '20W 1 *', ['2024-01-19']],
    ['nW on a Sunday is the Monday after', '21W 1 *', ['2024-01-22']],
    ['1W on a Saturday stays in the month', '1W 6 *', ['2024-06-03']],
    ['the last day on a Sunday stays in the month', '31W 3 *', ['2024-03-29']],
    ['31W skips months without a 31st', '31W 1-4 *', ['2024-01-31', '2024-03-29']],
    ['special days go in lists', '1,15W,L 2 *', ['2024-02-01', '2024-02-15', '2024-02-29']],
    ['5L is the last Friday', '* * 5L', ['2024-01-26', '2024-02-23', '2024-03-29']],
    ['names work with L', '* * FRIL', ['2024-01-26', '2024-02-23', '2024-03-29']],
    ['n#k is the k-th of the month', '* * 1#2', ['2024-01-08', '2024-02-12', '2024-03-11']],
    ['n#k goes in lists', '* 1 1#1,7#1', ['2024-01-01', '2024-01-07']],
    ['n#5 skips months without a fifth', '* * 4#5', ['2024-02-29']],
  ])('days: %s', (_, days, expected) => {
    expect(
      dates(`0 0 ${days}`, '2023-12-31T12:00:00Z', '2024-06-30T12:00:00Z').slice(0, expected.length),
    ).toEqual(expected);
  });
});

describe('day of month and day of week', () => {
  const within = (days: string) => dates(`0 0 ${days}`, '2023-12-31T12:00:00Z', '2024-01-15T12:00:00Z');
  test.each([
    [
      'either matches when both are restricted',
      '13 * 1',
      ['2024-01-01', '2024-01-08', '2024-01-13', '2024-01-15'],
    ],
    ['both must match when one is *', '* * 1', ['2024-01-01', '2024-01-08', '2024-01-15']],
    ['both must match when day-of-week begins with *', '1-7 * */7', ['2024-01-07']],
    [
      'both must match when day-of-month begins with *',
      '*/7 * 1',
      ['2024-01-01', '2024-01-08', '2024-01-15'],
    ],
    ['? is *', '13 * ?', ['2024-01-13']],
    ['special days are restricted', 'L-20 * 2#1', ['2024-01-02', '2024-01-11']],
  ])('%s', (_, days, expected) => {
    expect(within(days)).toEqual(expected);
  });

  test('a stepped star beside a restricted field comes with a warning', () => {
    expect(resolve({ cron: '0 0 */2 * 1' }).warnings.join()).toContain('must both match');
    expect(resolve({ cron: '0 0 1-7 * */7' }).warnings.join()).toContain('must both match');
    expect(resolve({ cron: '0 0 */2 * *' }).warnings).toEqual([]);
    expect(resolve({ cron: '0 0 13 * 5' }).warnings).toEqual([]);
  });
});

describe('macros', () => {
  test.each([
    ['@yearly', '2025-01-01T00:00:00Z'],
    ['@annually', '2025-01-01T00:00:00Z'],
    ['@monthly', '2024-03-01T00:00:00Z'],
    ['@weekly', '2024-02-18T00:00:00Z'],
    ['@daily', '2024-02-15T00:00:00Z'],
    ['@midnight', '2024-02-15T00:00:00Z'],
    [' @Hourly ', '2024-02-14T13:00:00Z'],
    ['@MINUTELY', '2024-02-14T12:31:00Z'],
    ['@secondly', '2024-02-14T12:30:06Z'],
  ])('%s', (cron, expected) => {
    expect(next({ cron }, '2024-02-14T12:30:05Z')).toEqual([expected]);
  });

  test.each([
    ['@every 1h30m', 'R/2024-01-01T00:00:00Z/PT1H30M'],
    ['@every 90s', 'R/2024-01-01T00:00:00Z/PT1M30S'],
    ['@every 1.5h', 'R/2024-01-01T00:00:00Z/PT1H30M'],
    ['@EVERY PT90M', 'R/2024-01-01T00:00:00Z/PT1H30M'],
  ])('%s repeats from the moment it was accepted', (cron, every) => {
    expect(resolve({ cron }).resolved).toEqual({ every });
  });
});

describe('H', () => {
  const cronOf = (cron: string, seed: string) =>
    (resolve({ cron }, { seed }).resolved as { cron: string }).cron;

  test('is the same for one job and differs between jobs', () => {
    expect(cronOf('H H * * *', 'a/b')).toBe(cronOf('H H * * *', 'a/b'));
    const seen = new Set(Array.from({ length: 50 }, (_, index) => cronOf('H H * * *', `team/job-${index}`)));
    expect(seen.size).toBeGreaterThan(45);
  });

  test('keeps the values that stored jobs already have', () => {
    expect(cronOf('H H H H H', 'default/report')).toBe('27 9 16 10 4');
    expect(cronOf('H/15 H(8-17) * * *', 'default/report')).toBe('12-59/15 9 * * *');
  });

  test('stays within what every month and week has, and reaches all of it', () => {
    const values = Array.from({ length: 2_000 }, (_, index) =>
      cronOf('H H H H H', `j/${index}`).split(' ').map(Number),
    );
    const bounds = [0, 1, 2, 3, 4].map((field) => {
      const column = values.map((row) => row[field]!);
      return [Math.min(...column), Math.max(...column)];
    });
    expect(bounds).toEqual([
      [0, 59],
      [0, 23],
      [1, 28],
      [1, 12],
      [0, 6],
    ]);
  });

  test('spreads evenly', () => {
    const counts = new Array<number>(60).fill(0);
    for (let index = 0; index < 6_000; index += 1)
      counts[Number(cronOf('H 0 * * *', `job-${index}`).split(' ')[0])]! += 1;
    expect(Math.min(...counts)).toBeGreaterThan(60);
    expect(Math.max(...counts)).toBeLessThan(145);
  });

  test('a five-field and a six-field form of one expression agree', () => {
    expect(cronOf('0 H H * * *', 'x')).toBe(cronOf('H H * * *', 'x'));
  });

  test('H/n follows the clock like */n: nothing is made up after a gap', () => {
    const input = { cron: 'H/15 2 * * *', timezone: 'America/New_York' };
    expect(resolve(input).resolved).toMatchObject({ dst: { gap: 'skip', overlap: 'both' } });
    expect(next(input, '2024-03-10T05:00:00Z')[0]! > '2024-03-11').toBe(true);
  });
});

describe('dates that are rare', () => {
  test.each([
    [
      '29 February waits eight years around 2100',
      '0 0 29 2 *',
      '2096-03-01T00:00:00Z',
      '2104-02-29T00:00:00Z',
    ],
    [
      'a February with five Mondays waits for decades',
      '0 0 * 2 1#5',
      '2024-01-01T00:00:00Z',
      '2044-02-29T00:00:00Z',
    ],
    ['forty years around 2100 are found', '0 0 * 2 1#5', '2072-03-01T00:00:00Z', '2112-02-29T00:00:00Z'],
  ])('%s', (_, cron, after, expected) => {
    expect(next({ cron }, after)).toEqual([expected]);
  });

  test.each(['0 0 31 2 *', '0 0 30 2 *', '0 0 31 4,6,9,11 *', '0 0 30W 2 *', '0 0 L-30 2,4 *'])(
    '%s never comes and is refused',
    (cron) => {
      expect(() => resolve({ cron })).toThrow(expect.objectContaining({ code: 'SCHEDULE_NEVER_FIRES' }));
    },
  );
});

test('the next instant is strictly after, in whole seconds', () => {
  expect(next({ cron: '* * * * * *' }, '2024-01-01T00:00:00Z')).toEqual(['2024-01-01T00:00:01Z']);
  expect(next({ cron: '* * * * * *' }, '2024-01-01T00:00:00.999Z')).toEqual(['2024-01-01T00:00:01Z']);
  expect(next({ cron: '* * * * * *' }, '2023-12-31T23:59:59.001Z')).toEqual(['2024-01-01T00:00:00Z']);
});
