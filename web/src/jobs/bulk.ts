/** One action on all jobs of a filter: who they are, what hangs on them, and one request after another. */

import type { WireJob, WireJobList } from '../../../src/api/wire/schema.ts';
import type { WireGraph } from '../../../src/api/wire/views.ts';
import { type Dependents, deleteJob, newKey, pauseJob, resumeJob, triggerJob } from '../actions/requests.ts';
import { get, problemOf, type Query } from '../data/client.ts';
import { childrenFirst, type Starts, startsOf } from './bulk-order.ts';

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

/**
 * Which of the jobs are to be triggered, and which follow. Of a graph that is too large to be read, only the jobs' own
 * children are known.
 */
export async function findStarts(jobs: readonly WireJob[], signal: AbortSignal): Promise<Starts<WireJob>> {
  const own = jobs.flatMap(({ name, children }) => children.map((to) => ({ from: name, to })));
  if (own.length === 0) return { start: jobs, follow: [] };
  const { edges } = await get<Pick<WireGraph, 'edges'>>('/graph', { linked: true }, signal).catch(
    (error: unknown) => {
      if (problemOf(error).code !== 'LIMIT_EXCEEDED') throw error;
      return { edges: own };
    },
  );
  return startsOf(jobs, edges);
}

/** Those that the action would change. */
export function affected(kind: BulkKind, jobs: readonly WireJob[]): WireJob[] {
  const stands = ({ status }: WireJob) => status === 'paused' || status === 'disabled';
  if (kind === 'pause') return jobs.filter(({ status }) => status !== 'paused');
  if (kind === 'resume') return jobs.filter(stands);
  return [...jobs];
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
    else if (kind === 'trigger') await triggerJob(name, {}, newKey());
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
