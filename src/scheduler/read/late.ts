/**
 * Decides what is late, since when and why. Lists, the overview and alerts use the same rules:
 *
 * 1. A run has not started `expect.startWithin` after it became due. Default: one minute.
 * 2. A run has not ended by `expect.finishBy`, the first such local time after its due time.
 * 3. Without `finishBy`: an attempt runs more than twice as long as 95 % of the successful ones, and at
 * least a minute. At least ten must have been counted.
 * 4. `finishBy` has passed, and the round of a job with parents still waits for some of them.
 * 5. A due time is a minute past and undecided: no node leads, or this copy is stale.
 *
 * A paused or disabled job is late only with existing runs. A job that waits for a late parent is not late
 * itself: it counts as downstream of the parent.
 */

import type { JobGlance, Lacking } from '../handle.ts';
import type { Run } from '../model/model.ts';
import type { Reason } from '../model/reason.ts';
import { readyAt } from '../model/run-state.ts';
import { DAY_MS } from '../schedule/civil.ts';
import { durationMs } from '../schedule/period.ts';
import { instantOfWall, offsetAt, zoneOf } from '../schedule/zone.ts';
import { runTimes } from '../stats/run-times.ts';

/** More than a busy minute of a healthy installation needs, less than anyone wants to wait. */
export const LATE_AFTER_MS = 60_000;
/** With fewer runs, the usual duration is unknown. */
const COUNTED = 10;
const USUAL = 2;

export interface Late {
  readonly kind: 'not-started' | 'not-ended' | 'not-decided';
  /** When the job became late. */
  readonly since: number;
  readonly reason: Reason;
  /** The late run. Null if it does not exist yet. */
  readonly run: Run | null;
}

/** Null if the job is on time. `lacking` is only called if needed. */
export function lateness(job: JobGlance, now: number, lacking: (name: string) => Lacking[]): Late | null {
  for (const run of job.runs) {
    const late = lateStart(job, run, now) ?? lateEnd(job, run, now);
    if (late !== null) return late;
  }
  if (job.fault !== null || job.state.paused !== null || job.state.disabled !== null) return null;
  return lateRound(job, now, lacking) ?? undecided(job, now);
}

const startedAt = (run: Run): number | null =>
  run.attempts.find((each) => each.startedAt !== null)?.startedAt ?? null;

function lateStart({ job, fault }: JobGlance, run: Run, now: number): Late | null {
  if (startedAt(run) !== null) return null;
  const written = fault === null ? job.definition.expect?.startWithin : undefined;
  const within = written === undefined ? LATE_AFTER_MS : durationMs(written, 'expect.startWithin');
  const since = readyAt(run) + within;
  if (now <= since) return null;
  const launching = run.state === 'launching';
  const reason = { code: 'not-started', launching, because: run.reason } as const;
  return { kind: 'not-started', since, reason, run };
}

function lateEnd(job: JobGlance, run: Run, now: number): Late | null {
  const { finishBy, zone } = finish(job);
  if (finishBy !== undefined) {
    // For a rerun or a manual start, the next such time counts, not that of the original day.
    const since = localTimeAfter(finishBy, zone, run.lineage === 'scheduled' ? run.due : readyAt(run));
    if (now <= since) return null;
    return { kind: 'not-ended', since, reason: notFinished(finishBy, zone, []), run };
  }
  const attempt = run.attempts.at(-1);
  if (run.state !== 'running' || attempt?.startedAt == null) return null;
  const { count, p95Ms } = runTimes(job.stats);
  if (p95Ms === null || count < COUNTED) return null;
  const since = attempt.startedAt + Math.max(USUAL * p95Ms, LATE_AFTER_MS);
  if (now <= since) return null;
  return { kind: 'not-ended', since, reason: { code: 'runs-long', times: USUAL }, run };
}

function lateRound(job: JobGlance, now: number, lacking: (name: string) => Lacking[]): Late | null {
  const { finishBy, zone } = finish(job);
  if (finishBy === undefined || job.state.join === null) return null;
  const [oldest] = lacking(job.job.name);
  if (oldest === undefined) return null;
  const since = localTimeAfter(finishBy, zone, oldest.due);
  if (now <= since) return null;
  return { kind: 'not-ended', since, reason: notFinished(finishBy, zone, oldest.parents), run: null };
}

function undecided({ due }: JobGlance, now: number): Late | null {
  if (due === null || now <= due + LATE_AFTER_MS) return null;
  return { kind: 'not-decided', since: due + LATE_AFTER_MS, reason: { code: 'not-decided' }, run: null };
}

function notFinished(time: string, timezone: string, jobs: readonly string[]): Reason {
  return { code: 'not-finished-by', time, timezone, jobs };
}

function finish({ job, fault }: JobGlance): { finishBy: string | undefined; zone: string } {
  if (fault !== null) return { finishBy: undefined, zone: 'UTC' };
  const { expect, schedule } = job.definition;
  return { finishBy: expect?.finishBy, zone: schedule?.timezone ?? 'UTC' };
}

/** The first time after `afterMs` at which clocks in the zone show `HH:MM`. */
function localTimeAfter(time: string, zoneName: string, afterMs: number): number {
  const zone = zoneOf(zoneName);
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  const wall = afterMs + offsetAt(zone, afterMs);
  const midnight = Math.floor(wall / DAY_MS) * DAY_MS;
  const at = midnight + (hours * 60 + minutes) * 60_000;
  const today = instantOfWall(zone, at);
  return today > afterMs ? today : instantOfWall(zone, at + DAY_MS);
}
