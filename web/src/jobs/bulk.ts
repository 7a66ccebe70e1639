/** One action on all jobs of a filter: who they are, what hangs on them, and the requests. */

import type { WireJob, WireJobList } from '../../../src/api/wire/schema.ts';
import { type Dependents, deleteJob, pauseJob, resumeJob, triggerJobs } from '../actions/requests.ts';
import { get, problemOf, type Query } from '../data/client.ts';
import { childrenFirst } from './bulk-order.ts';

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

export interface Outcome {
  readonly job: string;
  /** Null: done. */
  readonly problem: string | null;
}

/** One request for all of them: either all are started in order, or none. Asked again with the same key, it is the same. */
export async function startAll(jobs: readonly WireJob[], key: string): Promise<Outcome[]> {
  const start = await triggerJobs(
    jobs.map(({ name }) => name),
    key,
  );
  return start.jobs.flatMap(({ job, run }) =>
    run === null ? [] : [{ job, problem: run.state === 'skipped' ? (run.reason ?? 'skipped') : null }],
  );
}

interface Work {
  readonly kind: Exclude<BulkKind, 'trigger'>;
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
