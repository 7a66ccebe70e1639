/** One action on all jobs of a filter: who they are, what hangs on them, and one request after another. */

import type { WireJob, WireJobList } from '../../../src/api/schema.ts';
import { type Dependents, deleteJob, pauseJob, resumeJob, triggerJob } from '../actions/requests.ts';
import { get, problemOf, type Query } from '../data/client.ts';

export type BulkKind = 'trigger' | 'pause' | 'resume' | 'delete';

/** More at once is a mistake more often than a wish; the message says so. */
export const mostJobs = 5_000;
/** Requests on their way at one time: quick, and others still get their turn. */
const lanes = 6;
const pageSize = 500;

export interface Subjects {
  readonly jobs: readonly WireJob[];
  /** There are more than `mostJobs`: nothing is done. */
  readonly tooMany: boolean;
}

export async function findSubjects(query: Query, signal: AbortSignal): Promise<Subjects> {
  const jobs: WireJob[] = [];
  let cursor: string | null = null;
  do {
    const page: WireJobList = await get<WireJobList>('/jobs', { ...query, limit: pageSize, cursor }, signal);
    jobs.push(...page.items);
    cursor = page.next;
  } while (cursor !== null && jobs.length <= mostJobs);
  return { jobs: jobs.slice(0, mostJobs), tooMany: jobs.length > mostJobs };
}

/** Those that the action would change. */
export function affected(kind: BulkKind, jobs: readonly WireJob[]): WireJob[] {
  const stands = ({ status }: WireJob) => status === 'paused' || status === 'disabled';
  if (kind === 'pause') return jobs.filter(({ status }) => status !== 'paused');
  if (kind === 'resume') return jobs.filter(stands);
  return [...jobs];
}

/** Children that are not among the jobs themselves. */
export function hangingOn(jobs: readonly WireJob[]): string[] {
  const own = new Set(jobs.map(({ name }) => name));
  return [...new Set(jobs.flatMap(({ children }) => children))].filter((name) => !own.has(name)).sort();
}

export interface Outcome {
  readonly job: string;
  /** Null: done. */
  readonly problem: string | null;
}

interface Work {
  readonly kind: BulkKind;
  readonly jobs: readonly WireJob[];
  readonly dependents: Dependents;
  readonly onOutcome: (outcome: Outcome) => void;
}

/** Does it, some at a time. Deletes go from the ends of the graph upwards, one by one. */
export async function doBulk({ kind, jobs, dependents, onOutcome }: Work): Promise<void> {
  const queue = kind === 'delete' ? childrenFirst(jobs) : [...jobs];
  const gone = new Set<string>();
  const one = async ({ name }: WireJob): Promise<void> => {
    if (gone.has(name)) return;
    if (kind === 'delete') for (const each of (await deleteJob(name, dependents)).deleted) gone.add(each);
    else if (kind === 'trigger') await triggerJob(name, {}, crypto.randomUUID());
    else await (kind === 'pause' ? pauseJob(name) : resumeJob(name));
  };
  const lane = async (): Promise<void> => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      const { name } = job;
      const problem = await one(job).then(
        () => null,
        (error: unknown) => problemOf(error).detail,
      );
      onOutcome({ job: name, problem });
    }
  };
  await Promise.all(Array.from({ length: kind === 'delete' ? 1 : lanes }, lane));
}

function childrenFirst(jobs: readonly WireJob[]): WireJob[] {
  const byName = new Map(jobs.map((job) => [job.name, job]));
  const placed = new Set<string>();
  const order: WireJob[] = [];
  // Explicit stack: chains may be longer than the call stack is deep.
  for (const root of jobs) {
    const path = [root];
    while (path.length > 0) {
      const job = path.at(-1) as WireJob;
      const child = job.children.find((name) => byName.has(name) && !placed.has(name));
      if (child !== undefined) {
        path.push(byName.get(child) as WireJob);
        continue;
      }
      path.pop();
      if (!placed.has(job.name)) order.push(job);
      placed.add(job.name);
    }
  }
  return order;
}
