import { describe, expect, test } from 'vitest';
import { describeSchedule, formatSchedule } from '../../../src/scheduler/schedule/format.ts';
import { compileSchedule } from '../../../src/scheduler/schedule/parse.ts';
import { scheduleOf } from './schedules.ts';

describe('in words', () => {
  test.each([
    ['* * * * * *', 'every second'],
    ['* * * * *', 'every minute'],
    ['0 2 1,* *,3 1,*', 'at 02:00 every day (UTC)'],
    ['0,* *,2 1 *,1-3 *', 'every minute on the 1st of every month (UTC)'],
    ['*/5 * * * *', 'every 5 minutes'],
    ['*/10 * * * * *', 'every 10 seconds'],
    ['*/7 * * * *', 'every 7th minute (UTC)'],
    ['*/61 * * * *', 'at minute 0 of every hour (UTC)'],
    ['*/45 * * * *', 'at minutes 0 and 45 of every hour (UTC)'],
    ['*/61,5 * * * *', 'at minutes 0 and 5 of every hour (UTC)'],
    ['10-50/60 * * * *', 'at minute 10 of every hour (UTC)'],
    ['*/90 * * * * *', 'every minute'],
    ['0 */30 * * *', 'at 00:00 every day (UTC)'],
    ['0 */7 * * *', 'at 00:00, 07:00, 14:00 and 21:00 every day (UTC)'],
    ['0 0 */40 * *', 'at 00:00 on the 1st of every month (UTC)'],
    ['0 0 */16 * *', 'at 00:00 on the 1st and the 17th of every month (UTC)'],
    ['0 0 */40 * 1', 'at 00:00 on the 1st of every month if that is Monday (UTC)'],
    ['0 0 1,* * 1', 'at 00:00 every day (UTC)'],
    ['0 0 *,1 * 1', 'at 00:00 on Monday (UTC)'],
    ['0 0 1 2-9/20 *', 'at 00:00 on the 1st of February (UTC)'],
    ['0 0 * * 1-5/9', 'at 00:00 on Monday (UTC)'],
    ['0 * * * *', 'at minute 0 of every hour (UTC)'],
    ['0,30 * * * *', 'at minutes 0 and 30 of every hour (UTC)'],
    ['0 */2 * * *', 'at minute 0 of every 2nd hour (UTC)'],
    ['0 2 * * *', 'at 02:00 every day (UTC)'],
    ['15 30 2 * * *', 'at 02:30:15 every day (UTC)'],
    ['0 14,2 * * *', 'at 02:00 and 14:00 every day (UTC)'],
    ['5-20/5 12 * * *', 'at 12:05, 12:10, 12:15 and 12:20 every day (UTC)'],
    ['*/15 9-17 * * 1-5', 'every 15 minutes between 09:00 and 17:59 on Monday to Friday (UTC)'],
    ['0 0 1 * *', 'at 00:00 on the 1st of every month (UTC)'],
    ['0 0 2,23 1,7 *', 'at 00:00 on the 2nd and the 23rd of January and July (UTC)'],
    ['0 0 1-7 * */7', 'at 00:00 on the 1st to 7th of every month if that is Sunday (UTC)'],
    ['0 0 13 * 5', 'at 00:00 on the 13th of every month and on Friday (UTC)'],
    ['0 0 * 12 *', 'at 00:00 every day in December (UTC)'],
    ['0 0 L * *', 'at 00:00 on the last day of every month (UTC)'],
    [
      '0 0 LW,L-1,15W * *',
      'at 00:00 on the last workday, the day 1 day before the last and the workday nearest to the 15th of every month (UTC)',
    ],
    ['0 0 * * 5L,1#2', 'at 00:00 on the last Friday of the month and the 2nd Monday of the month (UTC)'],
    ['0 0 */2 * *', 'at 00:00 on every 2nd day of every month (UTC)'],
    ['30 * 1-5,9 * * *', 'at second 30 of every minute of hours 1-5 and 9 every day (UTC)'],
  ])('%s: %s', (cron, words) => {
    expect(describeSchedule(scheduleOf({ cron }))).toBe(words);
  });

  test.each([
    [{ cron: '0 2 * * *', timezone: 'Europe/Berlin' }, 'at 02:00 every day (Europe/Berlin)'],
    [{ every: 'R/2026-01-01T00:00:00Z/PT5S' }, 'every 5 seconds from 2026-01-01 00:00 (UTC)'],
    [{ every: 'R/2026-01-01T09:30:15+05:30/P1D' }, 'every day from 2026-01-01 09:30:15 (+05:30)'],
    [
      { every: 'R5/2026-01-31T00:00:00/P1M', timezone: 'Europe/Berlin' },
      'every month, 5 times, from 2026-01-31 00:00 (Europe/Berlin)',
    ],
    [
      { every: 'R3/P1DT12H/2026-01-31T00:00:00Z' },
      'every 1 day 12 hours, 3 times, the last at 2026-01-31 00:00 (UTC)',
    ],
    [{ every: 'R1/2026-01-01T00:00:00Z/P1Y' }, 'once at 2026-01-01 00:00 (UTC)'],
    [{ every: 'R0/2026-01-01T00:00:00Z/P1Y' }, 'never: it has no runs'],
    [{ at: '2026-12-01T08:00:00', timezone: 'Europe/Berlin' }, 'once at 2026-12-01 08:00 (Europe/Berlin)'],
  ])('%j: %s', (input, words) => {
    expect(describeSchedule(scheduleOf(input))).toBe(words);
  });
});

test.each([
  [{ cron: ' 00  2 * jan-MAR SUN,mon ' }, { cron: '0 2 * 1-3 0,1' }],
  [{ cron: '0 0/1 7 ? * 7' }, { cron: '0-59 7 * * 0' }],
  [{ cron: '5 */1 * * * *' }, { cron: '5 * * * * *' }],
  [{ cron: '0 2 * * *', timezone: 'UTC' }, { cron: '0 2 * * *' }],
  [{ cron: '0 2 * * *', dst: { gap: 'run-once', overlap: 'first' } } as const, { cron: '0 2 * * *' }],
  [
    { cron: '0 2 * * *', dst: { gap: 'skip' } } as const,
    { cron: '0 2 * * *', dst: { gap: 'skip', overlap: 'first' } },
  ],
  [{ every: 'R3/2024-01-01/P2W' }, { every: 'R3/2024-01-01T00:00:00Z/P14D' }],
  [
    { at: '2030-01-01T10', timezone: '+01:00' },
    { at: '2030-01-01T10:00:00', timezone: '+01:00' },
  ],
])('%j is written as %j and means the same', (input, canonical) => {
  const schedule = scheduleOf(input);
  expect(formatSchedule(schedule)).toEqual(canonical);
  expect(compileSchedule(formatSchedule(schedule))).toEqual(schedule);
});
