/**
 * Pipelines: a run of a job that has no parents, its root, and all runs that follow from it. A pipeline is not stored: what
 * belongs to it follows from the runs, which name the runs of parents that made them due. Pure; the caller reads the past.
 */

import type { JobGlance } from '../handle.ts';
import type { Run } from '../model/model.ts';
import { didRun, followsFrom, isEnded } from '../model/run-state.ts';
import { finish, localTimeAfter } from '../state/late.ts';
import type { RoundJob } from './round.ts';

/** Jobs of a pipeline that are looked at. */
export const MAX_PIPELINE_JOBS = 2_000;

/** `pending`: it waits for runs of the pipeline. `none`: nothing of the pipeline has reached it, or will. */
export type PartState = Run['state'] | 'pending' | 'none';

/** A job of the pipeline, and what it did in it. */
export interface Part {
  readonly job: string;
  readonly state: PartState;
  /** The newest run. */
  readonly run: Run | null;
  /** Its parents in the pipeline. */
  readonly after: readonly string[];
}

export interface Pipeline {
  readonly root: Run;
  readonly state: 'running' | 'succeeded' | 'failed' | 'skipped';
  /** Parents before their children. */
  readonly parts: readonly Part[];
  /** Null while something of it is unfinished. */
  readonly endedAt: number | null;
  /** There are more jobs. */
  readonly cut: boolean;
}

/** Collects the runs of a pipeline: ask for the jobs in their order, parents first. */
export class Members {
  readonly #ids: Set<string>;
  readonly #runs = new Map<string, Run[]>();

  constructor(root: Run) {
    this.#ids = new Set([root.id]);
    this.#runs.set(root.job, [root]);
  }

  /** Keeps those of the job's runs that follow from what is known. Returns whether there are any. */
  add(job: string, candidates: readonly Run[]): boolean {
    const kept = this.#runs.get(job) ?? [];
    let more = true;
    // A rerun may be of a run that stands behind it in the list.
    while (more) {
      more = false;
      for (const run of candidates) {
        if (this.#ids.has(run.id) || !followsFrom(run, this.#ids)) continue;
        this.#ids.add(run.id);
        kept.push(run);
        more = true;
      }
    }
    this.#runs.set(job, kept);
    return kept.length > 0;
  }

  newest(job: string): Run | null {
    return (this.#runs.get(job) ?? []).reduce<Run | null>(
      (newest, run) => (newest === null || isNewer(run, newest) ? run : newest),
      null,
    );
  }
}

const isNewer = (run: Run, other: Run): boolean =>
  run.createdAt > other.createdAt || (run.createdAt === other.createdAt && run.attempts.length > 0);

/**
 * `jobs`: the root first, parents before children; `cut`: there are more. `awaits`: whether the job has an open round of this due
 * time that waits for parents.
 */
export function pipelineOf(
  root: Run,
  members: Members,
  below: {
    readonly jobs: readonly RoundJob[];
    readonly cut: boolean;
    readonly awaits: (job: string, due: number) => boolean;
  },
): Pipeline {
  const { jobs, cut, awaits } = below;
  const states = new Map<string, PartState>();
  const parts = jobs.map(({ name: job, parents: after }): Part => {
    const run = members.newest(job);
    const isPending = after.some((parent) => isOpen(states.get(parent) ?? 'none')) || awaits(job, root.due);
    const state = run?.state ?? (isPending ? 'pending' : 'none');
    states.set(job, state);
    return { job, state, run, after };
  });
  const isRunning = parts.some(({ state }) => isOpen(state));
  return {
    root,
    state: isRunning ? 'running' : endOf(parts),
    parts,
    endedAt: isRunning ? null : lastEnd(parts),
    cut,
  };
}

const isOpen = (state: PartState): boolean => state === 'pending' || (state !== 'none' && !isEnded(state));

function endOf(parts: readonly Part[]): 'succeeded' | 'failed' | 'skipped' {
  if (parts.some(({ state }) => hasFailed(state))) return 'failed';
  return parts.some(({ state }) => state === 'succeeded') ? 'succeeded' : 'skipped';
}

const lastEnd = (parts: readonly Part[]): number =>
  Math.max(...parts.flatMap(({ run }) => (run?.endedAt === null || run === null ? [] : [run.endedAt])));

export const hasFailed = (state: PartState): boolean =>
  state !== 'pending' && state !== 'none' && isEnded(state) && didRun(state) && state !== 'succeeded';

/** The failed runs from which all other failures and skips follow: none of the jobs above them has failed. */
export function firstFailures({ parts }: Pipeline): Run[] {
  const below = new Set<string>();
  const first: Run[] = [];
  for (const { job, state, run, after } of parts) {
    const isBelow = after.some((parent) => below.has(parent));
    if (isBelow || hasFailed(state)) below.add(job);
    if (!isBelow && hasFailed(state) && run !== null) first.push(run);
  }
  return first;
}

/**
 * By when the pipeline should have ended: `expect.pipelineBy` of its first job. Null: nothing is expected, or somebody began it, as
 * in a backfill.
 */
export function expectedBy(job: JobGlance, { due, trigger }: Run): number | null {
  const { pipelineBy, zone } = finish(job);
  return pipelineBy === undefined || trigger.kind !== 'schedule'
    ? null
    : localTimeAfter(pipelineBy, zone, due);
}
