/**
 * Pipelines: a run of a job that has no parents, its root, and all runs that follow from it. A pipeline is not stored: what
 * belongs to it follows from the runs, which name the runs of parents that made them due. Pure; the caller reads the past.
 */

import type { JobGlance } from '../handle.ts';
import type { Run } from '../model/model.ts';
import { didRun, isEnded } from '../model/run-state.ts';
import { finish, localTimeAfter } from '../state/late.ts';

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

interface Jobs {
  childrenOf(name: string): readonly string[];
  parentsOf(name: string): readonly string[];
}

/** The job and all that depend on it, parents before their children. */
export function jobsBelow(
  jobs: Jobs,
  root: string,
): { readonly names: readonly string[]; readonly cut: boolean } {
  const found = new Set([root]);
  let cut = false;
  for (const name of found)
    for (const child of jobs.childrenOf(name)) {
      if (found.size < MAX_PIPELINE_JOBS) found.add(child);
      else cut ||= !found.has(child);
    }
  const names: string[] = [];
  const waits = new Map([...found].map((name) => [name, within(jobs.parentsOf(name), found).length]));
  const ready = [root];
  for (const name of ready) {
    names.push(name);
    for (const child of within(jobs.childrenOf(name), found)) {
      const left = (waits.get(child) ?? 0) - 1;
      waits.set(child, left);
      if (left === 0) ready.push(child);
    }
  }
  return { names, cut };
}

const within = (names: readonly string[], found: ReadonlySet<string>): string[] =>
  [...new Set(names)].filter((name) => found.has(name));

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
        if (this.#ids.has(run.id) || !this.#follows(run)) continue;
        this.#ids.add(run.id);
        kept.push(run);
        more = true;
      }
    }
    this.#runs.set(job, kept);
    return kept.length > 0;
  }

  #follows({ trigger }: Run): boolean {
    if (trigger.kind === 'parents') return trigger.runs.some((id) => this.#ids.has(id));
    return trigger.kind === 'rerun' && this.#ids.has(trigger.of);
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

/** `awaits`: whether the job has an open round of this due time that waits for parents. */
export function pipelineOf(
  root: Run,
  members: Members,
  jobs: Jobs & { awaits(job: string, due: number): boolean },
): Pipeline {
  const { names, cut } = jobsBelow(jobs, root.job);
  const found = new Set(names);
  const states = new Map<string, PartState>();
  const parts = names.map((job): Part => {
    const run = members.newest(job);
    const after = job === root.job ? [] : within(jobs.parentsOf(job), found);
    const state = run?.state ?? (isPending(job) ? 'pending' : 'none');
    states.set(job, state);
    return { job, state, run, after };

    function isPending(name: string): boolean {
      return after.some((parent) => isOpen(states.get(parent) ?? 'none')) || jobs.awaits(name, root.due);
    }
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
