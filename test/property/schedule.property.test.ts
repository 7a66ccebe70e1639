import { CronExpressionParser } from 'cron-parser';
import { Cron } from 'croner';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { instantsBetween } from '../../src/scheduler/schedule/between.ts';
import { formatSchedule } from '../../src/scheduler/schedule/format.ts';
import type { DstPolicy, MemberInput, Schedule, ScheduleInput } from '../../src/scheduler/schedule/model.ts';
import { nextInstant, previousInstant } from '../../src/scheduler/schedule/next.ts';
import { compileSchedule, resolveSchedule } from '../../src/scheduler/schedule/parse.ts';
import { type Dialect, type Expression, expression, isWildcard, matches } from './cron-oracle.ts';
import { type Change, changesOf, instantOf, wallMs, wallOf } from './wall-oracle.ts';

const NOW = Date.UTC(2024, 0, 1);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const zones = [
  'America/New_York',
  'America/St_Johns',
  'America/Santiago',
  'America/Havana',
  'America/Asuncion',
  'Europe/London',
  'Europe/Berlin',
  'Africa/Casablanca',
  'Africa/Cairo',
  'Asia/Tehran',
  'Asia/Beirut',
  'Asia/Gaza',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'Pacific/Easter',
  'Antarctica/Troll',
];
const changes = zones.flatMap((zone) => changesOf(zone, 2020, 2024));
const change = fc.constantFrom(...changes);
/** Where the far years begin, where a century is no leap year, in the last 400 years, and the last years of all. */
const farYears = [2128, 2299, 2529, 9601, 9997];
const farChange = fc.constantFrom(
  ...zones.slice(0, 8).flatMap((zone) => farYears.flatMap((year) => changesOf(zone, year, year + 2))),
);

const full: Dialect = { portable: false, seconds: false, hours: [0, 1, 2, 3, 4, 22, 23] };
const portable: Dialect = { ...full, portable: true };

function scheduleOf(input: ScheduleInput): Schedule {
  // Some of the expressions match no date at all, which is refused when a job is accepted.
  if ('cron' in input) return compileSchedule(input);
  if ('any' in input) {
    return compileSchedule({
      any: input.any.map((member) => formatSchedule(scheduleOf(member)) as MemberInput),
    });
  }
  return compileSchedule(resolveSchedule(input, { hashSeed: 'property', now: NOW }).resolved);
}

function instantsFrom(schedule: Schedule, after: number, limit: { count: number; until?: number }): number[] {
  const found: number[] = [];
  let instant = nextInstant(schedule, after);
  while (instant !== null && instant <= (limit.until ?? Infinity) && found.length < limit.count) {
    found.push(instant);
    instant = nextInstant(schedule, instant);
  }
  return found;
}

/** The same instants, found from the end; ascending. */
function instantsBefore(
  schedule: Schedule,
  before: number,
  limit: { count: number; after?: number },
): number[] {
  const found: number[] = [];
  let instant = previousInstant(schedule, before);
  while (instant !== null && instant > (limit.after ?? -Infinity) && found.length < limit.count) {
    found.push(instant);
    instant = previousInstant(schedule, instant);
  }
  return found.reverse();
}

const iso = (instants: readonly number[]) => instants.map((instant) => new Date(instant).toISOString());
const instantBetween = (from: number, to: number) => fc.integer({ min: from, max: to });

describe('cron', () => {
  test('in UTC it is what cron-parser finds', () => {
    const after = instantBetween(Date.UTC(1999, 0, 1), Date.UTC(2060, 0, 1));
    fc.assert(
      fc.property(expression({ ...portable, seconds: true }), after, (cron, from) => {
        const oracle = CronExpressionParser.parse(cron.text, { currentDate: new Date(from), tz: 'UTC' });
        const expected = Array.from({ length: 3 }, () => oracle.next().getTime());
        expect(iso(instantsFrom(scheduleOf({ cron: cron.text }), from, { count: 3 }))).toEqual(iso(expected));
      }),
      { numRuns: 2_000 },
    );
  });

  test('in UTC the previous ones are what cron-parser finds', () => {
    const before = instantBetween(Date.UTC(1999, 0, 1), Date.UTC(2060, 0, 1));
    fc.assert(
      fc.property(expression({ ...portable, seconds: true }), before, (cron, to) => {
        const oracle = CronExpressionParser.parse(cron.text, { currentDate: new Date(to), tz: 'UTC' });
        const expected = Array.from({ length: 3 }, () => oracle.prev().getTime()).reverse();
        expect(iso(instantsBefore(scheduleOf({ cron: cron.text }), to, { count: 3 }))).toEqual(iso(expected));
      }),
      { numRuns: 2_000 },
    );
  });

  test('around clock changes it is what croner finds', () => {
    const shift = fc.integer({ min: -36 * HOUR, max: 12 * HOUR });
    fc.assert(
      fc.property(expression({ ...portable }), change, shift, (cron, { timezone, instantMs }, by) => {
        const oracle = new Cron(cron.text, { timezone, paused: true, fixedTimeRule: 'no-wildcard' });
        const expected: number[] = [];
        let instant = oracle.nextRun(new Date(instantMs + by));
        while (instant !== null && expected.length < 4) {
          expected.push(instant.getTime());
          instant = oracle.nextRun(instant);
        }
        const schedule = scheduleOf({ cron: cron.text, timezone });
        expect(iso(instantsFrom(schedule, instantMs + by, { count: 4 }))).toEqual(iso(expected));
      }),
      { numRuns: 2_000 },
    );
  });

  const policy: fc.Arbitrary<DstPolicy> = fc.record(
    { gap: fc.constantFrom('run-once', 'skip'), overlap: fc.constantFrom('first', 'both') },
    { requiredKeys: [] },
  );

  test.each([
    ['minute', 3_000, 26 * HOUR, false],
    ['second', 200, 3 * HOUR, true],
  ] as const)('around clock changes it is what looking at every %s finds', (_, numRuns, span, seconds) => {
    fc.assert(
      fc.property(expression({ ...full, seconds }), policy, change, (cron, dst, at) => {
        const [from, until] = [at.instantMs - span, at.instantMs + span / 2];
        const schedule = scheduleOf({ cron: cron.text, timezone: at.timezone, dst });
        const found = instantsFrom(schedule, from, { count: 100_000, until });
        const expected = iso(lookAtAll(cron, dst, { ...at, from, until }));
        expect(iso(found)).toEqual(expected);
        const back = instantsBefore(schedule, until + 1, { count: 100_000, after: from });
        expect(iso(back)).toEqual(expected);
      }),
      { numRuns },
    );
  });

  test('around clock changes of far years it is what looking at every minute finds', () => {
    fc.assert(
      fc.property(expression(full), policy, farChange, (cron, dst, at) => {
        const [from, until] = [at.instantMs - 26 * HOUR, at.instantMs + 13 * HOUR];
        const schedule = scheduleOf({ cron: cron.text, timezone: at.timezone, dst });
        const found = instantsFrom(schedule, from, { count: 100_000, until });
        const expected = iso(lookAtAll(cron, dst, { ...at, from, until }));
        expect(iso(found)).toEqual(expected);
        const back = instantsBefore(schedule, until + 1, { count: 100_000, after: from });
        expect(iso(back)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test('the dates of L, W, # and stepped days are what looking at every day finds', () => {
    const start = instantBetween(Date.UTC(1999, 0, 1), Date.UTC(2099, 0, 1)).map((ms) => ms - (ms % DAY));
    fc.assert(
      fc.property(expression(full), start, (cron, from) => {
        const text = `0 0 ${cron.text.split(' ').slice(2).join(' ')}`;
        const midnight = {
          ...cron,
          minute: { ...cron.minute, matches: () => true },
          hour: { ...cron.hour, matches: () => true },
        };
        const expected: number[] = [];
        for (let day = from + DAY; day <= from + 400 * DAY; day += DAY) {
          if (matches(midnight, wallOf(day))) expected.push(day);
        }
        const until = from + 400 * DAY;
        const found = instantsFrom(scheduleOf({ cron: text }), from, { count: 500, until });
        expect(iso(found)).toEqual(iso(expected));
        const back = instantsBefore(scheduleOf({ cron: text }), until + 1, { count: 500, after: from });
        expect(iso(back)).toEqual(iso(expected));
      }),
      { numRuns: 1_000 },
    );
  });

  test('next is later, in whole seconds, and the same from everywhere before it', () => {
    const offset = fc.integer({ min: -2 * DAY, max: 2 * DAY });
    fc.assert(
      fc.property(
        expression({ ...full, seconds: true }),
        change,
        offset,
        fc.nat(999),
        (cron, at, by, part) => {
          const schedule = scheduleOf({ cron: cron.text, timezone: at.timezone });
          const after = at.instantMs + by;
          const next = nextInstant(schedule, after);
          if (next === null) return;
          expect(next).toBeGreaterThan(after);
          expect(next % 1_000).toBe(0);
          expect(nextInstant(schedule, after + Math.floor(((next - after) * part) / 1_000))).toBe(next);
          expect(nextInstant(schedule, next - 1)).toBe(next);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

const walls = new Map<string, number>();

/** The wall clock at a whole second; Intl is asked once for each minute of each change. */
function wallAt(timezone: string, instant: number): number {
  const minute = instant - (instant % MINUTE);
  const key = `${timezone}${minute}`;
  let wall = walls.get(key);
  if (wall === undefined) walls.set(key, (wall = wallMs(timezone, minute)));
  return wall + (instant - minute);
}

/** The rule as written down: what a clock reads decides, but for readings that are skipped or come again. */
function lookAtAll(
  cron: Expression,
  dst: DstPolicy,
  range: Change & { from: number; until: number },
): number[] {
  const step = cron.text.split(' ').length === 6 ? 1_000 : MINUTE;
  const gap = dst.gap ?? (isWildcard(cron) ? 'skip' : 'run-once');
  const overlap = dst.overlap ?? (isWildcard(cron) ? 'both' : 'first');
  const found: number[] = [];
  let latest = -Infinity;
  for (let instant = range.from; instant <= range.until; instant += step) {
    const wall = wallAt(range.timezone, instant);
    const again = wall <= latest;
    let fires = matches(cron, wallOf(wall)) && !(again && overlap === 'first');
    // Readings between the latest one and this one were skipped.
    for (let missed = latest + step; missed < wall && latest > -Infinity; missed += step) {
      if (gap === 'run-once' && matches(cron, wallOf(missed))) fires = true;
    }
    if (fires && instant > range.from) found.push(instant);
    latest = Math.max(latest, wall);
  }
  return found;
}

describe('repeats', () => {
  const period = fc
    .record({
      months: fc.nat(14),
      days: fc.nat(40),
      ms: fc.oneof(
        fc.constant(0),
        fc.nat(3 * 86_400).map((s) => s * 1_000),
      ),
    })
    .filter(({ months, days, ms }) => months + days + ms > 0);
  const anchor = fc.oneof(
    change.chain(({ instantMs }) => instantBetween(instantMs - 3 * DAY, instantMs + DAY)),
    instantBetween(Date.UTC(2000, 0, 1), Date.UTC(2030, 0, 1)),
  );
  const repeat = fc.record({
    period,
    start: anchor.map((ms) => ms - (ms % 1_000)),
    timezone: fc.constantFrom(...zones, 'UTC'),
    count: fc.integer({ min: 1, max: 60 }),
    fromEnd: fc.boolean(),
  });
  type Repeat = typeof repeat extends fc.Arbitrary<infer T> ? T : never;

  function textOf({ period: p, start, count, fromEnd }: Repeat): string {
    const date = new Date(start).toISOString().slice(0, 19);
    const duration = `P${p.months}M${p.days}DT${p.ms / 1_000}S`;
    return fromEnd ? `R${count}/${duration}/${date}` : `R${count}/${date}/${duration}`;
  }

  /** Each instant from the anchor by itself: months with the day cut, days, the zone, then exact time. */
  function oneByOne({ period: p, start, timezone, count, fromEnd }: Repeat): number[] {
    const instants = new Set<number>();
    for (let run = 0; run < count; run += 1) {
      const k = fromEnd ? run - count + 1 : run;
      const date = new Date(start);
      const wanted = date.getUTCDate();
      date.setUTCDate(1);
      date.setUTCMonth(date.getUTCMonth() + k * p.months);
      const length = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
      date.setUTCDate(Math.min(wanted, length) + k * p.days);
      const exact = BigInt(instantOf(timezone, date.getTime())) + BigInt(k) * BigInt(p.ms);
      instants.add(Number(exact));
    }
    return [...instants];
  }

  test('the instants are the anchor plus k periods, each worked out by itself', () => {
    fc.assert(
      fc.property(repeat, (each) => {
        const schedule = scheduleOf({ every: textOf(each), timezone: each.timezone });
        expect(iso(instantsFrom(schedule, -8.64e15, { count: 100 }))).toEqual(iso(oneByOne(each)));
        expect(iso(instantsBefore(schedule, 8.64e15, { count: 100 }))).toEqual(iso(oneByOne(each)));
      }),
      { numRuns: 1_000 },
    );
  });

  test('from any moment the next is the first of all that are later', () => {
    fc.assert(
      fc.property(repeat, fc.double({ min: -0.1, max: 1.1, noNaN: true }), (each, share) => {
        const instants = oneByOne(each);
        const [first, last] = [instants[0]!, instants.at(-1)!];
        const after = Math.floor(first + (last - first) * share);
        const schedule = scheduleOf({ every: textOf(each), timezone: each.timezone });
        expect(nextInstant(schedule, after)).toBe(instants.find((instant) => instant > after) ?? null);
        expect(previousInstant(schedule, after)).toBe(
          instants.findLast((instant) => instant < after) ?? null,
        );
      }),
      { numRuns: 1_000 },
    );
  });
});

const basicSchedule: fc.Arbitrary<MemberInput> = fc.oneof(
  fc
    .tuple(expression({ ...full, seconds: true }), fc.constantFrom(...zones, 'UTC', '+05:30'))
    .map(([cron, timezone]) => ({ cron: cron.text, timezone })),
  fc
    .tuple(
      fc.constantFrom('PT7S', 'PT1H', 'P1D', 'P1M', 'P3DT5M', 'PT1.25S'),
      fc.constantFrom('R', 'R40', 'R1'),
      fc.constantFrom(...zones),
    )
    .map(([duration, count, timezone]) => ({ every: `${count}/2023-10-29T01:30:00/${duration}`, timezone })),
  fc.constantFrom(...zones).map((timezone) => ({ at: '2023-11-05T01:30:00', timezone })),
);
const memberSchedule: fc.Arbitrary<MemberInput> = fc.oneof(
  { weight: 3, arbitrary: basicSchedule },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        basicSchedule.filter((input) => !('at' in input)),
        fc.constantFrom('2023-10-29', '2023-11-05T01:30:00'),
        fc.constantFrom('2023-11-05T02:30:00', '2023-12-01'),
      )
      .map(([input, start, end]) => ({ ...input, start, end })),
  },
);
const anySchedule: fc.Arbitrary<ScheduleInput> = fc.oneof(
  { weight: 4, arbitrary: memberSchedule },
  { weight: 1, arbitrary: fc.array(memberSchedule, { minLength: 1, maxLength: 3 }).map((any) => ({ any })) },
);

test('a schedule written out and read again is the same', () => {
  fc.assert(
    fc.property(anySchedule, (input) => {
      const schedule = scheduleOf(input);
      const written = formatSchedule(schedule);
      expect(compileSchedule(written)).toEqual(schedule);
      expect(formatSchedule(compileSchedule(written))).toEqual(written);
      expect(scheduleOf(written)).toEqual(schedule);
    }),
    { numRuns: 1_000 },
  );
});

test('the previous of the next, and the next of the previous, are where one came from', () => {
  const moment = fc.oneof(
    fc
      .tuple(fc.oneof(change, farChange), fc.integer({ min: -2 * DAY, max: 2 * DAY }))
      .map(([{ instantMs }, by]) => instantMs + by),
    instantBetween(Date.UTC(1890, 0, 1), Date.UTC(2140, 0, 1)),
    instantBetween(Date.UTC(2500, 0, 1), Date.UTC(9999, 11, 31)),
  );
  // Samoa and Kwajalein skipped a whole day.
  const skippedDay = fc.constantFrom<[string, number]>(
    ['Pacific/Apia', Date.UTC(2011, 11, 30)],
    ['Pacific/Kwajalein', Date.UTC(1993, 7, 21)],
  );
  const odd = fc
    .tuple(expression({ ...full, seconds: true }), skippedDay, fc.integer({ min: -3 * DAY, max: 3 * DAY }))
    .map(([cron, [timezone, day], by]): [ScheduleInput, number] => [{ cron: cron.text, timezone }, day + by]);
  fc.assert(
    fc.property(fc.oneof(fc.tuple(anySchedule, moment), odd), ([input, at]) => {
      const schedule = scheduleOf(input);
      const [previous, next] = [previousInstant(schedule, at), nextInstant(schedule, at)];
      if (next !== null && next - at < 49 * 365 * DAY) {
        // What lies between, at most `at` itself.
        const before = previousInstant(schedule, next);
        expect(before).toBe(nextInstant(schedule, at - 1) === at ? at : previous);
      }
      if (previous !== null && at - previous < 49 * 365 * DAY) {
        expect(previous).toBeLessThan(at);
        const after = nextInstant(schedule, previous);
        expect(after).toBe(previousInstant(schedule, at + 1) === at ? at : next);
        expect(nextInstant(schedule, previous - 1)).toBe(previous);
      }
    }),
    { numRuns: 5_000 },
  );
});

test('what lies between two instants is what going through them finds', () => {
  const around = Date.UTC(2023, 10, 5);
  const range = fc.record({
    afterMs: instantBetween(around - 20 * DAY, around + 2 * DAY),
    length: fc.oneof(fc.nat(2 * HOUR), fc.nat(40 * DAY)),
    keep: fc.nat(5),
    countLimit: fc.integer({ min: 1, max: 3_000 }),
  });
  fc.assert(
    fc.property(anySchedule, range, (input, { afterMs, length, keep, countLimit }) => {
      const schedule = scheduleOf(input);
      const upToMs = afterMs + length;
      const instants = instantsFrom(schedule, afterMs, { count: 30_000, until: upToMs });
      fc.pre(instants.length < 30_000);
      expect(instantsBetween(schedule, { afterMs, upToMs, keep, countLimit })).toEqual({
        count: Math.min(instants.length, countLimit),
        more: instants.length > countLimit,
        first: instants[0] ?? null,
        last: instants.slice(Math.max(0, instants.length - keep)),
      });
    }),
    { numRuns: 500 },
  );
});
