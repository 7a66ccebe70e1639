/**
 * When an unfinished run is late, or will be, since when and why. Lists, the overview and alerts use the same rules:
 *
 * 1. It has not started `expect.startWithin` after it became due. Default: one minute; an hour if somebody else runs it,
 * who may report nothing but its end.
 * 2. It has not ended by `expect.finishBy`, the first such local time after its due time.
 * 3. An attempt runs longer than `expect.finishWithin`. Without it and without `finishBy`: more than twice as long as
 * 95 % of the successful ones, and at least a minute. At least ten must have been counted.
 * 4. It is at risk if it will not end by `finishBy` in its usual time: the median of at least ten successful
 * attempts, or the 95th percentile once an attempt has run for longer than the median.
 */

import type { JobGlance } from '../handle.ts';
import { isExternal } from '../job/external.ts';
import { timezoneOf } from '../job/time-schedule.ts';
import type { Run } from '../model/model.ts';
import type { Reason } from '../model/reason.ts';
import { isHeld, readyAt } from '../model/run-state.ts';
import { DAY_MS } from '../schedule/civil.ts';
import { durationMs } from '../schedule/period.ts';
import { instantOfWall, offsetAt, zoneOf } from '../schedule/zone.ts';
import { type RunTimes, runTimes, USUAL_FROM } from '../stats/run-times.ts';

/** More than a busy minute of a healthy installation needs, less than anyone wants to wait. */
export const LATE_AFTER_MS = 60_000;
const LATE_REPORT_MS = 3_600_000;
const USUAL = 2;

/** When an unfinished run becomes late, if it is then as it is now. */
interface Bound {
  readonly condition: 'late' | 'long' | 'at-risk';
  readonly kind: 'not-started' | 'not-ended';
  /** It is late after this time. */
  readonly since: number;
  /** And no longer in this way after that one. Absent: until it starts or ends. */
  readonly until?: number;
  readonly reason: Reason;
}

export interface LateRun extends Bound {
  readonly run: Run;
}

/** How an unfinished run is late. Empty if it is on time. */
export function lateRuns(job: JobGlance, run: Run, now: number): LateRun[] {
  return boundsOf(job, run).flatMap((bound) =>
    now > bound.since && now <= (bound.until ?? now) ? [{ ...bound, run }] : [],
  );
}

/** When the run becomes late next after that, in one way or another. Null: never, unless something happens to it. */
export function nextLate(job: JobGlance, run: Run, after: number): number | null {
  const coming = boundsOf(job, run).filter(({ since }) => since >= after);
  return coming.length === 0 ? null : Math.min(...coming.map(({ since }) => since));
}

const startedAt = (run: Run): number | null =>
  run.attempts.find((each) => each.startedAt !== null)?.startedAt ?? null;

function boundsOf(job: JobGlance, run: Run): Bound[] {
  return [startBound(job, run), ...endBounds(job, run), longBound(job, run)].filter(
    (bound) => bound !== null,
  );
}

function startBound({ job, fault }: JobGlance, run: Run): Bound | null {
  // It is known until when it waits, and why.
  if (startedAt(run) !== null || isHeld(run)) return null;
  const written = fault === null ? job.definition.expect?.startWithin : undefined;
  const usual = isExternal(job.definition) ? LATE_REPORT_MS : LATE_AFTER_MS;
  const within = written === undefined ? usual : durationMs(written, 'expect.startWithin');
  const launching = run.state === 'launching';
  const reason = { code: 'not-started', launching, because: run.reason } as const;
  return { condition: 'late', kind: 'not-started', since: readyAt(run) + within, reason };
}

function endBounds(job: JobGlance, run: Run): Bound[] {
  const { finishBy, zone } = finish(job);
  if (finishBy === undefined) return [];
  // For a rerun or a manual start, the next such time counts, not that of the original day.
  const since = localTimeAfter(finishBy, zone, run.lineage === 'scheduled' ? run.due : readyAt(run));
  const late = {
    condition: 'late',
    kind: 'not-ended',
    since,
    reason: notFinished(finishBy, zone, []),
  } as const;
  const risk = riskFrom(runTimes(job.stats), runningSince(run), since);
  if (risk === null) return [late];
  const reason = atRisk(finishBy, zone, risk.expected, []);
  return [{ condition: 'at-risk', kind: 'not-ended', since: risk.from, until: since, reason }, late];
}

const runningSince = (run: Run): number | null =>
  run.state === 'running' ? (run.attempts.at(-1)?.startedAt ?? null) : null;

/** From when on the end is expected after the deadline, and when. Null: it is not, or nothing is known. */
function riskFrom(
  { count, p50Ms, p95Ms }: RunTimes,
  runsSince: number | null,
  deadline: number,
): { from: number; expected: number } | null {
  if (count < USUAL_FROM || p50Ms === null || p95Ms === null) return null;
  if (runsSince === null) return { from: deadline - p50Ms, expected: deadline };
  if (runsSince + p50Ms > deadline) return { from: deadline - p50Ms, expected: runsSince + p50Ms };
  if (runsSince + p95Ms > deadline) return { from: runsSince + p50Ms, expected: runsSince + p95Ms };
  return null;
}

function longBound({ job, stats, fault }: JobGlance, run: Run): Bound | null {
  const since = runningSince(run);
  if (since === null) return null;
  const { finishBy, finishWithin } = (fault === null ? job.definition.expect : undefined) ?? {};
  const long = { condition: 'long', kind: 'not-ended' } as const;
  if (finishWithin !== undefined) {
    const withinMs = durationMs(finishWithin, 'expect.finishWithin');
    return { ...long, since: since + withinMs, reason: { code: 'runs-beyond', within: finishWithin } };
  }
  const { count, p95Ms } = runTimes(stats);
  if (finishBy !== undefined || p95Ms === null || count < USUAL_FROM) return null;
  const usualMs = Math.max(USUAL * p95Ms, LATE_AFTER_MS);
  return { ...long, since: since + usualMs, reason: { code: 'runs-long', times: USUAL } };
}

export function atRisk(time: string, timezone: string, expected: number, jobs: readonly string[]): Reason {
  return { code: 'deadline-at-risk', time, timezone, expected, jobs };
}

export function notFinished(time: string, timezone: string, jobs: readonly string[]): Reason {
  return { code: 'not-finished-by', time, timezone, jobs };
}

/** The local times by which the job, and all that follow from it, should have ended. */
export function finish({ job, fault }: JobGlance): {
  finishBy: string | undefined;
  pipelineBy: string | undefined;
  zone: string;
} {
  const { expect, schedule } = job.definition;
  const zone = timezoneOf(schedule);
  if (fault !== null) return { finishBy: undefined, pipelineBy: undefined, zone: 'UTC' };
  return { finishBy: expect?.finishBy, pipelineBy: expect?.pipelineBy, zone };
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
