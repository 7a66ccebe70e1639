/**
 * Which due times of a job are decided. Under its current schedule these are all from `begins` to the cursor;
 * under earlier schedules, those in `eras`. When the clock is set back behind the cursor, the range in
 * between stays decided: it moves to `ahead`, and the job continues with undecided due times.
 *
 * The exception is a leap: a long range that was passed over in one step, because no node led or the clock
 * was wrong. If a clock that ran a year ahead for a minute could decide a year, the job would be silent for a
 * year. So when the clock is set back, the part of a leap that is then in the future is revoked, in the
 * ledger too. No due time in it has run: runs start after a leap.
 */

import { emptyJoin } from '../../dag/ready.ts';
import { sameJson } from '../job/same.ts';
import type { JobState, Leap, LedgerLine, Stretch } from '../model/model.ts';
import { instantsBetween } from '../schedule/between.ts';
import type { Schedule, ScheduleInput } from '../schedule/model.ts';
import { excludedBetween, nextExcluded, nextInstant } from '../schedule/next.ts';
import { compileSchedule } from '../schedule/parse.ts';

/**
 * Ranges passed over in one step that are longer than this are leaps. Cron also treats a larger change of the
 * clock as a correction.
 */
export const LEAP_MS = 3 * 3_600_000;
/** Due times are counted exactly up to here, then as "at least". */
export const COUNT_LIMIT = 100_000;
/** Leaps and eras kept per job. Whatever is dropped stays decided. */
const MAX_LEAPS = 4;
const MAX_ERAS = 20;
/** Parts decided ahead of the cursor that are remembered: twice what one set-back makes of all eras. */
const MAX_AHEAD = 40;
/** Instants of two schedules that are compared one by one; the rest of a stretch counts as decided. */
const MAX_COMPARED = 10_000;

/** Due times taken out that are counted one by one in one step. */
export const MAX_OUT = 10_000;

const nothing: readonly never[] = Object.freeze([]);

interface Scheduled {
  readonly schedule: Schedule | null;
  readonly state: JobState;
}

/** The next undecided due time after the cursor. */
export function nextUndecided({ schedule, state }: Scheduled): number | null {
  if (schedule === null) return null;
  let due = nextInstant(schedule, state.cursor);
  for (let compared = 0; due !== null; compared++) {
    const at = due;
    const stretch = state.ahead.find((each) => includes(each, at));
    if (stretch === undefined) return due;
    const whole = stretch.schedule == null || compared >= MAX_COMPARED;
    due = nextInstant(schedule, whole ? stretch.to : due);
  }
  return null;
}

/** The next undecided due time after the cursor that is taken out. What was decided ahead has its entry. */
export function nextOut({ schedule, state }: Scheduled): number | null {
  if (schedule?.kind !== 'calendared') return null;
  let out = nextExcluded(schedule, state.cursor);
  for (let passed = 0; out !== null && passed < MAX_AHEAD; passed++) {
    const { at } = out;
    const stretch = state.ahead.find(({ from, to }) => from <= at && at <= to);
    if (stretch === undefined) return at;
    out = nextExcluded(schedule, stretch.to);
  }
  return out?.at ?? null;
}

/** The end of the undecided range that starts at `due`, at most `now`. */
export function undecidedUpTo({ schedule, state }: Scheduled, due: number, now: number): number {
  let upTo = now;
  for (const stretch of state.ahead) {
    if (schedule === null || stretch.to < due || stretch.from > upTo) continue;
    const first = firstDecided(schedule, stretch, { from: Math.max(due, stretch.from), upTo });
    if (first !== null) upTo = first - 1;
  }
  return upTo;
}

/** Moves the cursor forward, past what was decided ahead of it. */
export function moveCursor({ state }: Pick<Scheduled, 'state'>, to: number): void {
  state.cursor = to;
  if (state.ahead.length === 0) return;
  const passed = state.ahead.filter((stretch) => stretch.to <= to && stretch.schedule !== undefined);
  state.eras = boundEras([...state.eras, ...passed]);
  state.ahead = state.ahead.filter((stretch) => stretch.to > to);
}

/** Keeps an entry that passes over a long range; the shortest is dropped first. */
export function addLeap(state: JobState, line: LedgerLine): void {
  const length = ({ line: { from, to } }: Leap): number => to - from;
  const leaps = [...state.leaps, { line }];
  if (leaps.length > MAX_LEAPS) {
    const shortest = leaps.reduce((least, each) => (length(each) < length(least) ? each : least));
    leaps.splice(leaps.indexOf(shortest), 1);
  }
  state.leaps = leaps;
}

/**
 * At most `MAX_ERAS`: the oldest become one, in which every instant counts as decided, because its schedules are
 * forgotten. A clock that is set back that far then finds some instants passed over, of which the ledger says nothing,
 * and none that runs twice.
 */
function boundEras(eras: readonly Stretch[]): readonly Stretch[] {
  if (eras.length <= MAX_ERAS) return eras;
  const ascending = [...eras].sort((a, b) => a.from - b.from);
  const oldest = ascending.splice(0, eras.length - MAX_ERAS + 1);
  const { from } = oldest[0] as Stretch;
  return [{ from, to: Math.max(...oldest.map(({ to }) => to)), schedule: null }, ...ascending];
}

/**
 * At most `MAX_AHEAD`, of ascending ones: the neighbours that are the shortest together become one, in which every
 * instant counts as decided, so that the time in which the job passes over instants is short.
 */
function boundAhead(ahead: readonly Stretch[]): readonly Stretch[] {
  const bounded = [...ahead];
  while (bounded.length > MAX_AHEAD) {
    const pairs = bounded.slice(1).map((next, i) => {
      const { from, to } = bounded[i] as Stretch;
      return { at: i, both: { from, to: Math.max(to, next.to), schedule: null } };
    });
    const length = ({ both }: (typeof pairs)[number]): number => both.to - both.from;
    const { at, both } = pairs.reduce((least, pair) => (length(pair) < length(least) ? pair : least));
    bounded.splice(at, 2, both);
  }
  return bounded;
}

/** The job gets another schedule, which holds from `cursor` on; `before` is the one that it had. */
export function beginSchedule(state: JobState, before: ScheduleInput | null, cursor: number): void {
  const under = <T extends { readonly schedule?: ScheduleInput | null }>(each: T): T[] => {
    if (each.schedule !== undefined) return [each];
    return before === null ? [] : [{ ...each, schedule: before }];
  };
  const era = { from: state.begins + 1, to: state.cursor };
  state.ahead = state.ahead.flatMap(under);
  state.leaps = state.leaps.flatMap(under);
  state.eras = boundEras([...state.eras, ...(era.from > era.to ? [] : under<Stretch>(era))]);
  moveCursor({ state }, Math.max(cursor, state.cursor));
  state.begins = state.cursor;
}

/**
 * Runs from parents and runs from a schedule can have the same name: a due time with a run of one kind has
 * none of the other kind, nor of the same kind once its rounds are dropped. `before` is the previous
 * schedule.
 */
export function beginNames(state: JobState, before: ScheduleInput | null, now: number): void {
  const rounds = (state.join?.decided ?? []).map((span) => ({ ...span, schedule: null }));
  const known = [...rounds, ...state.ahead, ...(before === null ? [] : [{ to: state.cursor }])];
  const last = Math.max(...known.map(({ to }) => to), state.join?.changed ?? Number.NEGATIVE_INFINITY);
  if (last === Number.NEGATIVE_INFINITY) return;
  const { started } = state.join ?? emptyJoin;
  state.join = { ...emptyJoin, changed: last, ...(started !== undefined && { started }) };
  if (rounds.length === 0) return;
  // It is unknown here which of these due times had runs, so the schedule begins after all of them.
  state.ahead = joined([...state.ahead, ...rounds]);
  moveCursor({ state }, Math.max(state.cursor, ...rounds.map(({ to }) => Math.min(to, now))));
  state.ahead = boundAhead(state.ahead);
  state.begins = state.cursor;
}

/** Moves the cursor back to `now`. Returns the ledger entries that change. */
export function takeBack({ schedule, state }: Scheduled, now: number): LedgerLine[] {
  const lines: LedgerLine[] = [];
  const leaps: Leap[] = [];
  let decided: Stretch[] = [...state.eras, { from: state.begins + 1, to: state.cursor }];
  for (const leap of state.leaps) {
    const { line } = leap;
    if (line.to > now) {
      const under = leap.schedule === undefined ? schedule : compiled(leap.schedule);
      const left = cut(line, under, now);
      if (line.end !== 'caught-up' && line.end !== 'ran') state[line.end] -= line.count - left.count;
      lines.push(left);
      if (left.count > 0) leaps.push({ ...leap, line: left });
      // Other schedules decided other due times of the same range.
      decided = decided.flatMap((stretch) =>
        sameJson(stretch.schedule, leap.schedule) ? without(stretch, line) : [stretch],
      );
    } else leaps.push(leap);
  }
  const future = decided
    .map((stretch) => ({ ...stretch, from: Math.max(stretch.from, now + 1) }))
    .filter(({ from, to }) => from <= to);
  state.ahead = boundAhead(joined([...future, ...state.ahead]));
  state.leaps = leaps.length === 0 ? nothing : leaps;
  state.eras = clipped(state.eras, now);
  state.begins = Math.min(state.begins, now);
  state.cursor = now;
  return lines;
}

/** The entry up to `now`; a count of 0 means that nothing of it is left. */
function cut(line: LedgerLine, schedule: Schedule | null, now: number): LedgerLine {
  const { more: _, ...rest } = line;
  if (isTakenOut(line)) return cutTakenOut(line, schedule, now);
  const range = { afterMs: line.from - 1, upToMs: now, keep: 1, countLimit: COUNT_LIMIT };
  const left =
    schedule === null || line.from > now
      ? { count: 0, more: false, last: [] }
      : instantsBetween(schedule, range);
  const to = left.last.at(-1) ?? line.from;
  return { ...rest, to, count: left.count, ...(left.more ? { more: true } : {}) };
}

/** Of due times that a calendar or an exception took out. */
const isTakenOut = ({ reason }: LedgerLine): boolean =>
  ['calendar', 'taken-out'].includes(reason?.code ?? '');

function cutTakenOut(line: LedgerLine, schedule: Schedule | null, now: number): LedgerLine {
  const { more: _, ...rest } = line;
  const left =
    schedule === null || line.from > now
      ? []
      : excludedBetween(schedule, {
          afterMs: line.from - 1,
          upToMs: Math.min(now, line.to),
          most: Math.min(line.count, MAX_OUT),
        });
  return { ...rest, to: left.at(-1)?.at ?? line.from, count: left.length };
}

/** The rest of the range outside [from, to]. */
function without(stretch: Stretch, { from, to }: { readonly from: number; readonly to: number }): Stretch[] {
  const parts = [
    { ...stretch, to: Math.min(stretch.to, from - 1) },
    { ...stretch, from: Math.max(stretch.from, to + 1) },
  ];
  return stretch.to < from || stretch.from > to ? [stretch] : parts.filter((part) => part.from <= part.to);
}

const clipped = (stretches: readonly Stretch[], upTo: number): readonly Stretch[] =>
  stretches
    .map((stretch) => ({ ...stretch, to: Math.min(stretch.to, upTo) }))
    .filter(({ from, to }) => from <= to);

/** Ascending; adjacent ranges of the same schedule are merged. */
function joined(stretches: readonly Stretch[]): Stretch[] {
  const result: Stretch[] = [];
  for (const stretch of [...stretches].sort((a, b) => a.from - b.from)) {
    const at = result.findIndex(
      ({ to, schedule }) => to + 1 >= stretch.from && sameJson(schedule, stretch.schedule),
    );
    const known = result[at];
    if (known === undefined) result.push(stretch);
    else result[at] = { ...known, to: Math.max(known.to, stretch.to) };
  }
  return result;
}

function includes({ from, to, schedule }: Stretch, at: number): boolean {
  if (at < from || at > to) return false;
  const under = schedule == null ? null : compiled(schedule);
  return under === null || nextInstant(under, at - 1) === at;
}

/**
 * Null if this machine cannot read it, for example because of an unknown zone: then every due time counts.
 */
export function compiled(schedule: ScheduleInput): Schedule | null {
  try {
    return compileSchedule(schedule);
  } catch {
    return null;
  }
}

/** The first decided due time of the schedule that is in the range and in [from, upTo]. */
function firstDecided(
  schedule: Schedule,
  stretch: Stretch,
  { from, upTo }: { readonly from: number; readonly upTo: number },
): number | null {
  const end = Math.min(stretch.to, upTo);
  let at = nextInstant(schedule, from - 1);
  const other = stretch.schedule == null ? null : compiled(stretch.schedule);
  if (other === null) return at !== null && at <= end ? at : null;
  for (let compared = 0; at !== null && at <= end && compared < MAX_COMPARED; compared++) {
    const there = nextInstant(other, at - 1);
    if (there === at || there === null) return there;
    at = nextInstant(schedule, there - 1);
  }
  return at !== null && at <= end ? at : null;
}
