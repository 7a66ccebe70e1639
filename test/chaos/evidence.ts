/** A history looked up from all sides: what the rules of the checker read. */

import { disturbances, type Stretch } from './calm.ts';
import {
  type AttemptRecord,
  type ChaosJob,
  type Fault,
  type History,
  iso,
  type JobLine,
  type LedgerRecord,
  plannedExit,
  type RunRecord,
  type Violation,
} from './history.ts';

/** A job's uptime clock ticks in hundredths of a second and is read a little before the line is written. */
export const CLOCK_GRAIN_MS = 30;

export interface Evidence {
  readonly history: History;
  readonly jobs: ReadonlyMap<string, ChaosJob>;
  /** What the leader says. */
  readonly runs: ReadonlyMap<string, RunRecord>;
  readonly runsOf: ReadonlyMap<string, readonly RunRecord[]>;
  readonly ledgerOf: ReadonlyMap<string, readonly LedgerRecord[]>;
  /** Of one run, in order of time. */
  readonly launchesOf: ReadonlyMap<string, readonly JobLine[]>;
  readonly donesOf: ReadonlyMap<string, readonly JobLine[]>;
  readonly schedulerFaults: readonly Fault[];
  disturbed(job: ChaosJob): readonly Stretch[];
}

export function evidenceOf(history: History): Evidence {
  const said = history.answers[0] ?? { node: 'none', runs: [], ledger: [] };
  const roster = { schedulers: history.schedulers.length, zookeepers: history.zookeepers.length };
  const stretches = {
    process: disturbances(history.faults, roster, history.bounds, 'process'),
    container: disturbances(history.faults, roster, history.bounds, 'container'),
  };
  // What the leader says now counts; what it forgot since was read before.
  const known = new Map([...history.collected, ...said.runs].map((run) => [run.id, run]));
  const lines = [...history.lines].sort((a, b) => a.at - b.at);
  return {
    history,
    jobs: new Map(history.jobs.map((job) => [job.name, job])),
    runs: known,
    runsOf: groups([...known.values()], (run) => run.job),
    ledgerOf: groups(said.ledger, (line) => line.job),
    launchesOf: groups(
      lines.filter(({ event }) => event === 'launch'),
      ({ run }) => run,
    ),
    donesOf: groups(
      lines.filter(({ event }) => event === 'done'),
      ({ run }) => run,
    ),
    schedulerFaults: history.faults.filter(({ on }) => on === 'scheduler'),
    disturbed: (job) => stretches[job.engine],
  };
}

export function groups<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = found.get(key);
    if (group === undefined) found.set(key, [item]);
    else group.push(item);
  }
  return found;
}

/** The runs that the schedule made, by due instant; those of triggers are left out. */
export function scheduledRuns(evidence: Evidence, job: ChaosJob): Map<number, RunRecord> {
  const runs = evidence.runsOf.get(job.name) ?? [];
  return new Map(
    runs.filter(({ kind }) => kind === 'schedule' || kind === 'parents').map((run) => [run.due, run]),
  );
}

/** It ended otherwise than the job itself ends: the system says that it lost sight of it. */
export const isLost = (job: ChaosJob, { number, endedAt, exitCode }: AttemptRecord): boolean =>
  endedAt !== null && exitCode !== plannedExit(job, number);

/** When the attempt that succeeded said that it was done; null without such a line. */
export function doneAt({ donesOf }: Evidence, run: RunRecord): number | null {
  return donesOf.get(run.id)?.findLast(({ exitCode }) => exitCode === 0)?.at ?? null;
}

/** The job, the instant, and what was seen, in one sentence. */
export function violation(
  rule: string,
  about: { readonly job: string | null; readonly due: number | null; readonly at?: number },
  seen: string,
): Violation {
  const { job, due } = about;
  const place = [job ?? 'the cluster', ...(due === null ? [] : [`due ${iso(due)}`])].join(' ');
  return { rule, job, due, at: about.at ?? due ?? 0, message: `${place}: ${seen}` };
}
