/** Start and end of a schedule, and several schedules of one job. */

import { describe, expect, test } from 'vitest';
import { instantsBetween } from '../../../src/scheduler/schedule/between.ts';
import { describeSchedule, formatSchedule } from '../../../src/scheduler/schedule/format.ts';
import type { ScheduleInput } from '../../../src/scheduler/schedule/model.ts';
import { memberAt, previousInstant } from '../../../src/scheduler/schedule/next.ts';
import { compileSchedule } from '../../../src/scheduler/schedule/parse.ts';
import { iso, next, resolve, scheduleOf } from './schedules.ts';

const berlin = 'Europe/Berlin';

describe('due times count from the start, inclusive, to the end, exclusive', () => {
  test.each<[string, ScheduleInput, string[]]>([
    [
      'dates are midnight of the zone',
      { cron: '0 0 * * *', timezone: berlin, start: '2026-02-01', end: '2026-02-03' },
      ['2026-01-31T23:00:00Z', '2026-02-01T23:00:00Z'],
    ],
    [
      'times are local',
      { cron: '0 * * * *', timezone: berlin, start: '2026-02-01T02:00:00', end: '2026-02-01T04:00:00' },
      ['2026-02-01T01:00:00Z', '2026-02-01T02:00:00Z'],
    ],
    [
      'a time with an offset is that time, if the schedule has no zone',
      { cron: '0 * * * *', start: '2026-02-01T02:00:00+02:00', end: '2026-02-01T02:00:00Z' },
      ['2026-02-01T00:00:00Z', '2026-02-01T01:00:00Z'],
    ],
    [
      'a repeat counts its runs from its own start',
      { every: 'R5/2026-02-01T00:00:00Z/P1D', start: '2026-02-04' },
      ['2026-02-04T00:00:00Z', '2026-02-05T00:00:00Z'],
    ],
    [
      'a duration begins with the start',
      { every: 'PT6H', start: '2026-02-01T01:30:00', end: '2026-02-01T08:00:00' },
      ['2026-02-01T01:30:00Z', '2026-02-01T07:30:00Z'],
    ],
  ])('%s', (_, input, instants) => {
    expect(next(input, '2025-01-01T00:00:00Z', 10)).toEqual(instants);
    const schedule = scheduleOf(input);
    const back: string[] = [];
    for (let at = previousInstant(schedule, 1e13); at !== null; at = previousInstant(schedule, at))
      back.unshift(iso(at));
    expect(back).toEqual(instants);
    expect(
      instantsBetween(schedule, { afterMs: 0, upToMs: 1e13, keep: 9, countLimit: 9 }).last.map(iso),
    ).toEqual(instants);
    expect(compileSchedule(formatSchedule(schedule))).toEqual(schedule);
  });

  test('they are in the description', () => {
    expect(describeSchedule(scheduleOf({ cron: '0 2 * * *', start: '2026-02-01', end: '2026-03-01' }))).toBe(
      'at 02:00 every day (UTC), from 2026-02-01 00:00, until 2026-03-01 00:00',
    );
  });

  test.each<[string, ScheduleInput, object]>([
    [
      'an end that is not after the start',
      { cron: '@daily', start: '2026-02-01', end: '2026-02-01' },
      { code: 'INVALID_SCHEDULE', details: expect.objectContaining({ field: 'schedule.end' }) },
    ],
    [
      'a start that is no time',
      { cron: '@daily', start: 'tomorrow' },
      { code: 'INVALID_SCHEDULE', details: expect.objectContaining({ field: 'schedule.start' }) },
    ],
  ])('%s is refused', (_, input, error) => {
    expect(() => resolve(input)).toThrow(expect.objectContaining(error));
  });
});

describe('several schedules', () => {
  const any: ScheduleInput = {
    any: [{ cron: '0 2 * * *', timezone: berlin }, { cron: '0 */12 * * *' }, { at: '2026-02-01T12:00:00Z' }],
  };

  test('are due whenever one of them is, and once where several are', () => {
    const instants = [
      '2026-02-01T00:00:00Z',
      '2026-02-01T01:00:00Z',
      '2026-02-01T12:00:00Z',
      '2026-02-02T00:00:00Z',
    ];
    expect(next(any, '2026-01-31T23:00:00Z', 4)).toEqual(instants);
    const schedule = scheduleOf(any);
    expect(iso(previousInstant(schedule, Date.parse('2026-02-01T12:00:00Z')) ?? 0)).toBe(instants[1]);
    expect(instants.map((at) => memberAt(schedule, Date.parse(at)))).toEqual([1, 0, 1, 1]);
    expect(compileSchedule(formatSchedule(schedule))).toEqual(schedule);
    expect(describeSchedule(schedule)).toBe(
      'at 02:00 every day (Europe/Berlin); at minute 0 of every 12th hour (UTC); once at 2026-02-01 12:00 (UTC)',
    );
  });

  test('a mistake is at its member', () => {
    expect(() => resolve({ any: [{ cron: '@daily' }, { every: 'never' }] })).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(/^schedule\.any\[1\]\.every: "never"/),
        details: expect.objectContaining({ field: 'schedule.any[1].every' }),
      }),
    );
  });
});
