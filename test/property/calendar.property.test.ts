/** Schedules with calendars against an oracle that looks at every due time of the schedule without one. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { instantsBetween } from '../../src/scheduler/schedule/between.ts';
import { covers } from '../../src/scheduler/schedule/calendar/calendar.ts';
import { leavingOut } from '../../src/scheduler/schedule/calendar/compile.ts';
import type { CalendarSchedule, Exception, OpenSchedule } from '../../src/scheduler/schedule/model.ts';
import { excludedBetween, nextInstant, previousInstant } from '../../src/scheduler/schedule/next.ts';
import { compileSchedule, resolveSchedule } from '../../src/scheduler/schedule/parse.ts';
import { instantOfWall, offsetAt } from '../../src/scheduler/schedule/zone.ts';
import { compile } from '../../src/scheduler/state/calendars.ts';

const DAY = 86_400_000;
const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Santiago'];
const from = Date.UTC(2026, 1, 1);
const to = Date.UTC(2026, 11, 1);

const open = fc
  .tuple(
    fc.constantFrom('0 2 * * *', '30 1,14 * * *', '0 0 * * MON', '15 3 */5 * *', '0 12 1 * *'),
    fc.constantFrom(...zones),
  )
  .map(([cron, timezone]) =>
    compileSchedule(resolveSchedule({ cron, timezone }, { hashSeed: '', now: from }).resolved),
  );

const day = fc.integer({ min: 0, max: 300 });
const dates = fc.array(
  fc.tuple(day, fc.integer({ min: 0, max: 40 })).map(([at, length]) => {
    const text = (n: number) => new Date(from + n * DAY).toISOString().slice(0, 10);
    return `${text(at)}..${text(at + length)}`;
  }),
  { minLength: 1, maxLength: 6 },
);
const weekly = fc.subarray(['mon', 'sat,sun', 'fri 12:00-06:00', 'wed-thu', 'sun 01:00-03:00'], {
  maxLength: 3,
});

const cases = fc
  .record({
    open,
    dates,
    weekly,
    timezone: fc.constantFrom(...zones),
    isOnly: fc.boolean(),
    then: fc.constantFrom('skip', 'next', 'previous'),
    exceptions: fc.array(fc.tuple(fc.nat(200), fc.option(fc.integer({ min: -20, max: 40 }))), {
      maxLength: 3,
    }),
  })
  .map(({ open: schedule, timezone, isOnly, exceptions, ...rest }) => {
    const calendar = compile({
      name: 'c',
      document: { calendar: 'c', timezone, dates: rest.dates, weekly: rest.weekly },
      expanded: [],
    });
    const dues = all(schedule, from - 60 * DAY, to + 60 * DAY);
    const made = new Map<number, Exception>();
    for (const [index, hours] of exceptions) {
      const at = dues[index % dues.length] as number;
      // Beside the due times, which are on quarters of hours.
      const moved = hours === null ? null : at + hours * 3_600_000 + 60_000;
      made.set(at, { at, to: moved, by: 'ann', reason: '' });
    }
    const choice = isOnly ? { only: 'c', then: rest.then } : { except: 'c', then: rest.then };
    const left = leavingOut(schedule, { choice, calendar, exceptions: [...made.values()] });
    return { schedule, left: left as CalendarSchedule, dues };
  });

function all(schedule: OpenSchedule, after: number, until: number): number[] {
  const found: number[] = [];
  for (let at = nextInstant(schedule, after); at !== null && at < until; at = nextInstant(schedule, at))
    found.push(at);
  return found;
}

/** Every due time by itself. */
function oracle(
  { calendar, isOnly, then, zone, exceptions }: CalendarSchedule,
  dues: readonly number[],
): number[] {
  const isOut = (at: number) => calendar !== null && covers(calendar, at) !== isOnly;
  const runs = new Set<number>();
  for (const at of dues) {
    const exception = exceptions.find((each) => each.at === at);
    if (exception !== undefined) {
      if (exception.to !== null) runs.add(exception.to);
    } else if (!isOut(at)) runs.add(at);
    else if (then !== 'skip') {
      const wall = at + offsetAt(zone, at);
      for (let days = 1; days <= 31; days++) {
        const moved = instantOfWall(zone, wall + (then === 'next' ? days : -days) * DAY);
        if (isOut(moved)) continue;
        runs.add(moved);
        break;
      }
    }
  }
  return [...runs].sort((a, b) => a - b).filter((at) => at > from && at < to);
}

describe('a schedule with a calendar', () => {
  test('has the due times that an oracle finds one by one, forwards and backwards', () => {
    fc.assert(
      fc.property(cases, ({ left, dues }) => {
        const expected = oracle(left, dues);
        const forwards: number[] = [];
        for (let at = nextInstant(left, from); at !== null && at < to; at = nextInstant(left, at))
          forwards.push(at);
        expect(forwards).toEqual(expected);
        const backwards: number[] = [];
        for (let at = previousInstant(left, to); at !== null && at > from; at = previousInstant(left, at))
          backwards.unshift(at);
        expect(backwards).toEqual(expected);
        const range = { afterMs: from, upToMs: to - 1, keep: 3, countLimit: 10_000 };
        expect(instantsBetween(left, range)).toMatchObject({
          count: expected.length,
          last: expected.slice(-3),
        });
      }),
      { numRuns: 60 },
    );
  });

  test('has each due time of the schedule without it: it runs there, or is taken out', () => {
    fc.assert(
      fc.property(cases, ({ left, dues }) => {
        const out = excludedBetween(left, { afterMs: from, upToMs: to, most: 10_000 }).map(({ at }) => at);
        const stays = dues.filter((at) => at > from && at <= to && !out.includes(at));
        for (const at of stays) expect(nextInstant(left, at - 1)).toBe(at);
        expect([...out, ...stays].sort((a, b) => a - b)).toEqual(dues.filter((at) => at > from && at <= to));
      }),
      { numRuns: 40 },
    );
  });

  test('says where a run that it takes out is due instead', () => {
    fc.assert(
      fc.property(cases, ({ left }) => {
        for (const { to: moved } of excludedBetween(left, { afterMs: from, upToMs: to, most: 1_000 }))
          if (moved !== null) expect(nextInstant(left, moved - 1)).toBe(moved);
      }),
      { numRuns: 40 },
    );
  });
});
