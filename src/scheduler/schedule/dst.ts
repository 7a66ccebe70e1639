/**
 * The effect of upcoming clock changes on a schedule, so that users can be warned in advance: which local
 * times are skipped or repeated, and whether any of them is a due time.
 */

import { civilOf, DAY_MS, MAX_INSTANT_MS, MONTH_MS, yearOf } from './civil.ts';
import { isTreated, nextWall } from './cron/next.ts';
import { isCalendar } from './iso.ts';
import type { CronSchedule, MemberSchedule, RepeatSchedule, Schedule } from './model.ts';
import { addCalendar } from './period.ts';
import { cover, segmentAt, tableAt } from './zone.ts';
import { eraShiftMs } from './zone-rules.ts';

export interface DstChange {
  /** The first timestamp with the new offset. */
  readonly atMs: number;
  /** The size of the change: positive skips local times, negative repeats them. */
  readonly shiftMs: number;
  /**
   * What happens to due times among these local times. `unaffected`: there are none. `runs-once-after`: one
   * run at `atMs` for all of them. `moved`: later by the shift. `first-pass` and `both-passes`: for repeated
   * ones.
   */
  readonly effect: 'unaffected' | 'lost' | 'runs-once-after' | 'moved' | 'first-pass' | 'both-passes';
}

/**
 * The changes of the schedule's zone in (fromMs, toMs], ascending. Empty for a zone or schedule without any.
 * The range is at most 50 years long.
 */
export function dstChanges(schedule: Schedule, fromMs: number, toMs: number): DstChange[] {
  if (schedule.kind === 'calendared') return dstChanges(schedule.open, fromMs, toMs);
  if (schedule.kind === 'any') return changesOfAny(schedule.members, fromMs, toMs);
  if (schedule.kind === 'adjusted') {
    const [from, to] = [Math.max(fromMs, schedule.fromMs), Math.min(toMs, schedule.untilMs)];
    return from > to ? [] : dstChanges(schedule.basic, from, to);
  }
  if (schedule.kind === 'at') return [];
  const table = tableAt(schedule.zone, fromMs);
  const shiftMs = eraShiftMs(fromMs);
  const untilMs = Math.min(toMs, MAX_INSTANT_MS) - shiftMs;
  const found: DstChange[] = [];
  let index = segmentAt(table, fromMs - shiftMs) + 1;
  cover(table, untilMs);
  for (; index < table.starts.length && table.starts[index]! <= untilMs; index += 1) {
    const atMs = table.starts[index]! + shiftMs;
    const before = atMs + table.offsets[index - 1]!;
    const after = atMs + table.offsets[index]!;
    const readings = { from: Math.min(before, after), until: Math.max(before, after) };
    const effect =
      schedule.kind === 'cron'
        ? cronEffect(schedule, after - before, readings)
        : repeatEffect(schedule, after - before, readings);
    found.push({ atMs, shiftMs: after - before, effect });
  }
  return found;
}

/** Those of all members, ascending. Of equal ones the first that affects a due time, or else the first. */
function changesOfAny(members: readonly MemberSchedule[], fromMs: number, toMs: number): DstChange[] {
  const found = new Map<string, DstChange>();
  for (const change of members.flatMap((member) => dstChanges(member, fromMs, toMs))) {
    const key = `${change.atMs} ${change.shiftMs}`;
    if (found.get(key) === undefined || found.get(key)?.effect === 'unaffected') found.set(key, change);
  }
  return [...found.values()].sort((a, b) => a.atMs - b.atMs);
}

interface Readings {
  readonly from: number;
  readonly until: number;
}

function cronEffect(schedule: CronSchedule, shiftMs: number, readings: Readings): DstChange['effect'] {
  // The last year limits the search; a match that far away is not among these local times anyway.
  const lastYear = yearOf(civilOf(Math.floor(readings.until / DAY_MS))) + 1;
  if (nextWall(schedule.fields, readings.from, lastYear) >= readings.until) return 'unaffected';
  const treated = isTreated(shiftMs);
  if (shiftMs > 0) return treated && schedule.gap === 'run-once' ? 'runs-once-after' : 'lost';
  return treated && schedule.overlap === 'first' ? 'first-pass' : 'both-passes';
}

function repeatEffect(schedule: RepeatSchedule, shiftMs: number, readings: Readings): DstChange['effect'] {
  // Exact intervals do not depend on the clock.
  if (!isCalendar(schedule.period)) return 'unaffected';
  const { months, days } = schedule.period;
  const estimate = Math.floor((readings.from - schedule.anchorWallMs) / (months * MONTH_MS + days * DAY_MS));
  // The length of a month differs from the mean by less than one month.
  let k = Math.max(schedule.first, estimate - 2);
  let wall = addCalendar(schedule.anchorWallMs, schedule.period, k);
  while (k <= schedule.last && wall < readings.from) {
    k += 1;
    wall = addCalendar(schedule.anchorWallMs, schedule.period, k);
  }
  if (k > schedule.last || wall >= readings.until) return 'unaffected';
  return shiftMs > 0 ? 'moved' : 'first-pass';
}
