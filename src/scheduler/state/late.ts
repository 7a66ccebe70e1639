/**
 * When an unfinished run is late, since when and why. Lists, the overview and alerts use the same rules:
 *
 * 1. It has not started `expect.startWithin` after it became due. Default: one minute; an hour if somebody else runs it,
 * who may report nothing but its end.
 * 2. It has not ended by `expect.finishBy`, the first such local time after its due time.
 * 3. Without `finishBy`: an attempt runs more than twice as long as 95 % of the successful ones, and at
 * least a minute. At least ten must have been counted.
 */

import type { JobGlance } from '../handle.ts';
import { isExternal } from '../job/external.ts';
import type { Run } from '../model/model.ts';
import type { Reason } from '../model/reason.ts';
import { readyAt } from '../model/run-state.ts';
import { DAY_MS } from '../schedule/civil.ts';
import { durationMs } from '../schedule/period.ts';
import { instantOfWall, offsetAt, zoneOf } from '../schedule/zone.ts';
import { runTimes, USUAL_FROM } from '../stats/run-times.ts';

/** More than a busy minute of a healthy installation needs, less than anyone wants to wait. */
export const LATE_AFTER_MS = 60_000;
const LATE_REPORT_MS = 3_600_000;
const USUAL = 2;

/** When an unfinished run becomes late, if it is then as it is now. */
interface Bound {
  readonly condition: 'late' | 'long';
  readonly kind: 'not-started' | 'not-ended';
  /** It is late after this time. */
  readonly since: number;
  readonly reason: Reason;
}

export interface LateRun extends Bound {
  readonly run: Run;
}

/** How an unfinished run is late. Empty if it is on time. */
export function lateRuns(job: JobGlance, run: Run, now: number): LateRun[] {
  return boundsOf(job, run).flatMap((bound) => (now > bound.since ? [{ ...bound, run }] : []));
}

/** When the run becomes late next after that, in one way or another. Null: never, unless something happens to it. */
export function nextLate(job: JobGlance, run: Run, after: number): number | null {
  const coming = boundsOf(job, run).filter(({ since }) => since >= after);
  return coming.length === 0 ? null : Math.min(...coming.map(({ since }) => since));
}

const startedAt = (run: Run): number | null =>
  run.attempts.find((each) => each.startedAt !== null)?.startedAt ?? null;

function boundsOf(job: JobGlance, run: Run): Bound[] {
  return [startBound(job, run), endBound(job, run)].filter((bound) => bound !== null);
}

function startBound({ job, fault }: JobGlance, run: Run): Bound | null {
  if (startedAt(run) !== null) return null;
  const written = fault === null ? job.definition.expect?.startWithin : undefined;
  const usual = isExternal(job.definition) ? LATE_REPORT_MS : LATE_AFTER_MS;
  const within = written === undefined ? usual : durationMs(written, 'expect.startWithin');
  const launching = run.state === 'launching';
  const reason = { code: 'not-started', launching, because: run.reason } as const;
  return { condition: 'late', kind: 'not-started', since: readyAt(run) + within, reason };
}

function endBound(job: JobGlance, run: Run): Bound | null {
  const { finishBy, zone } = finish(job);
  if (finishBy !== undefined) {
    // For a rerun or a manual start, the next such time counts, not that of the original day.
    const since = localTimeAfter(finishBy, zone, run.lineage === 'scheduled' ? run.due : readyAt(run));
    return { condition: 'late', kind: 'not-ended', since, reason: notFinished(finishBy, zone, []) };
  }
  const attempt = run.attempts.at(-1);
  if (run.state !== 'running' || attempt?.startedAt == null) return null;
  const { count, p95Ms } = runTimes(job.stats);
  if (p95Ms === null || count < USUAL_FROM) return null;
  const since = attempt.startedAt + Math.max(USUAL * p95Ms, LATE_AFTER_MS);
  return { condition: 'long', kind: 'not-ended', since, reason: { code: 'runs-long', times: USUAL } };
}

export function notFinished(time: string, timezone: string, jobs: readonly string[]): Reason {
  return { code: 'not-finished-by', time, timezone, jobs };
}

export function finish({ job, fault }: JobGlance): { finishBy: string | undefined; zone: string } {
  if (fault !== null) return { finishBy: undefined, zone: 'UTC' };
  const { expect, schedule } = job.definition;
  return { finishBy: expect?.finishBy, zone: schedule?.timezone ?? 'UTC' };
}

/** The first time after `afterMs` at which clocks in the zone show `HH:MM`. */
export function localTimeAfter(time: string, zoneName: string, afterMs: number): number {
  const zone = zoneOf(zoneName);
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  const wall = afterMs + offsetAt(zone, afterMs);
  const midnight = Math.floor(wall / DAY_MS) * DAY_MS;
  const at = midnight + (hours * 60 + minutes) * 60_000;
  const today = instantOfWall(zone, at);
  return today > afterMs ? today : instantOfWall(zone, at + DAY_MS);
}
