/** One action on all jobs of a filter: the jobs, their dependents, and the requests. */

import type { WireJob, WireJobList } from '../../../src/api/wire/schema.ts';
import type { Declared } from '../actions/param-fields.tsx';
import { type Dependents, deleteJob, pauseJob, resumeJob, triggerJobs } from '../actions/requests.ts';
import { get, problemOf, type Query } from '../data/client.ts';
import { childrenFirst } from './bulk-order.ts';

export type BulkKind = 'trigger' | 'pause' | 'resume' | 'delete';

/** More at once is usually a mistake; the message says so. */
export const mostJobs = 5_000;
/** Concurrent requests: fast, but other requests still get their turn. */
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

/** The jobs that the action would change. */
export function affected(kind: BulkKind, jobs: readonly WireJob[]): WireJob[] {
  const stands = ({ status }: WireJob) => status === 'paused' || status === 'disabled';
  if (kind === 'pause') return jobs.filter(({ status }) => status !== 'paused');
  if (kind === 'resume') return jobs.filter(stands);
  return [...jobs];
}

export interface Outcome {
  readonly job: string;
  /** Null: success. */
  readonly problem: string | null;
}

/**
 * One request for all jobs: either all are started in order, or none. Repeating it with the same key has no
 * further effect.
 */
export async function startAll(
  jobs: readonly WireJob[],
  params: Readonly<Record<string, string>>,
  key: string,
): Promise<Outcome[]> {
  const start = await triggerJobs(
    jobs.map(({ name }) => name),
    params,
    key,
  );
  return start.jobs.flatMap(({ job, run }) =>
    run === null ? [] : [{ job, problem: run.state === 'skipped' ? (run.reason ?? 'skipped') : null }],
  );
}

/** What the jobs declare, by name. Where they differ, the value is a text, and the server says what a job may have. */
export function declaredBy(jobs: readonly WireJob[]): Declared {
  const all = new Map<string, Declared[string]>();
  for (const { definition } of jobs) {
    for (const [name, { required: _, ...param }] of Object.entries(definition.params ?? {})) {
      const other = all.get(name);
      const differs = other !== undefined && JSON.stringify(other) !== JSON.stringify(param);
      all.set(name, differs ? { description: 'The jobs declare it differently.' } : param);
    }
  }
  return Object.fromEntries([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
}

interface Work {
  readonly kind: Exclude<BulkKind, 'trigger'>;
  readonly jobs: readonly WireJob[];
  readonly dependents: Dependents;
  readonly onOutcome: (outcome: Outcome) => void;
}

/** Runs the action, several requests at a time. Deletes start with the leaves of the graph, one by one. */
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
