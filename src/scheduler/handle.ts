/**
 * The scheduler as others hold it: the API, the tests and the composition root see this and nothing behind
 * it. Reads are synchronous over what this node holds in memory, the leader's state or a follower's copy of it;
 * what is past comes from the archive.
 */

import type { AnswerTo, Command } from './command.ts';
import type { Job, JobState, JobStats, Run } from './model/model.ts';
import type { Archive, Launcher, LogChunk, LogQuery, Member, StoreStatus } from './ports.ts';
import type { Schedule } from './schedule/model.ts';
import type { Summary } from './stats/stats.ts';

export interface RunLogQuery extends LogQuery {
  readonly attempt?: number;
}

export interface RunLogChunk extends LogChunk {
  readonly attempt: number;
}

/**
 * A job as it lies in memory, for those who look at all of them: it goes on changing, so it is read at once
 * and not kept, and what it holds belongs to the scheduler.
 */
export interface JobGlance {
  readonly job: Job;
  readonly state: Readonly<JobState>;
  /** Null before the first ending. */
  readonly stats: JobStats | null;
  /** The compiled time schedule; null for `after` and manual jobs. */
  readonly schedule: Schedule | null;
  /** Why this node can't use it, and so holds it; null: it can. */
  readonly fault: string | null;
  /** The next undecided due instant, paused or not; null when there is none. */
  readonly due: number | null;
  /** Unfinished runs. */
  readonly runs: readonly Run[];
}

/** A job with all that is known of it now. */
export interface JobView extends JobGlance {
  /** The next due instant; null when there is none, or the job is paused or disabled. */
  readonly nextDue: number | null;
  /** Unfinished runs, oldest due first. */
  readonly runs: readonly Run[];
  readonly parents: readonly string[];
  readonly children: readonly string[];
  readonly status: JobStatus;
}

/** A round of a job with parents that has begun and waits: since which due instant, and for whom. */
export interface Lacking {
  readonly due: number;
  readonly parents: readonly string[];
}

/** What jobs can be ordered by; see ranking.ts. */
export const jobOrders = ['name', 'nextDue', 'last', 'p50', 'p95', 'failures', 'state'] as const;
export type JobOrder = (typeof jobOrders)[number];

/** All jobs in an order, as they were when it was asked for. */
export interface RankedJobs {
  readonly count: number;
  /** The job at a place from 0 to `count`; it may have been deleted since. */
  at(place: number): JobGlance;
  /** What the job at the place is ordered by; null: nothing to order it by, so it comes last. */
  key(place: number): number | null;
  /** The first place behind a job that had this key and this name; it need not be there any more. */
  behind(key: number | null, name: string): number;
}

/** Work that is done step by step, so that others have a turn in between; the last step returns its result. */
export type Steps<T> = Generator<void, T>;

/** Cheap reads of many jobs. */
export interface Look {
  /** Undefined where there is no such job. */
  readonly glance: (name: string) => JobGlance | undefined;
  /** The jobs that wait for this one directly, sorted by name. */
  readonly childrenOf: (name: string) => readonly string[];
  /** The jobs that it waits for, in the order in which they were written. */
  readonly parentsOf: (name: string) => readonly string[];
  /** All jobs by `order`; those that have nothing to be ordered by come last, and names decide between equals. */
  readonly ranked: (order: JobOrder, descending: boolean) => Steps<RankedJobs>;
  /** Which parents the begun rounds of a job still wait for, oldest first; of an unknown job none. */
  readonly lacking: (name: string) => Lacking[];
}

/** `completed`: a time schedule without a further instant. */
export type JobStatus = 'active' | 'paused' | 'disabled' | 'completed';

/** Live changes, in the order in which they became durable. */
export type Notice =
  | {
      readonly kind: 'job';
      readonly name: string;
      readonly change: 'created' | 'changed' | 'deleted' | 'paused' | 'resumed' | 'disabled';
      readonly revision: number;
    }
  | { readonly kind: 'run'; readonly run: Run }
  | { readonly kind: 'leader'; readonly term: number; readonly leading: boolean };

export interface EngineView {
  readonly name: string;
  readonly reachable: boolean;
  readonly version: string | null;
  readonly detail: string | null;
  readonly capacity: {
    /** Attempts it may have at once; null: no bound. */
    readonly attempts: number | null;
    /** What the engine says it has; null where it doesn't. */
    readonly cpus: number | null;
    readonly memoryBytes: number | null;
  };
  /** Attempts launched and not ended. */
  readonly running: number;
  /** Launches decided that wait for a start place. */
  readonly startQueue: number;
  /** Runs that wait because all of its places are taken. */
  readonly queued: number;
  /** From an attempt's decision to its start, in milliseconds; null: none since this node leads. */
  readonly startLatency: Summary | null;
}

export interface PoolView {
  readonly name: string;
  /** Attempts that may share it at once. */
  readonly places: number;
  /** More than `places` where fewer were set while they ran. */
  readonly taken: number;
  /** Runs that wait because all places are taken. */
  readonly queued: number;
}

export interface ClusterView {
  readonly role: 'leader' | 'follower' | 'starting';
  readonly term: number;
  readonly leader: Member | null;
  readonly self: Member;
  readonly members: readonly Member[];
  /** How old this node's copy may be; 0 on the leader, null when it is not known. */
  readonly lagMs: number | null;
  readonly store: StoreStatus;
  /** Nobody has led for longer than a taking over takes; see runtime/unled.ts. */
  readonly unled: boolean;
  /** When this node last took over, and how long that took from its election; null when it never led. */
  readonly takeover: { readonly at: number; readonly tookMs: number; readonly term: number } | null;
}

/** What another node may ask of an engine that only this one reaches. */
export type LocalEngine = Pick<Launcher, 'inventory' | 'kill' | 'takeBack' | 'remove'>;

export interface SchedulerHandle {
  /**
   * Resolves when the change is durable. Rejects with a `CarillonError`: of the catalogue's first two parts
   * for what is wrong with the request, NOT_LEADING or STORE_UNAVAILABLE for what is wrong with the node.
   */
  submit<C extends Command>(command: C): Promise<AnswerTo<C>>;
  /** JOB_NOT_FOUND. */
  job(name: string): JobView;
  jobCount(): number;
  /** All jobs at a glance, of what this node knows now: to be asked for anew with each request. */
  look(): Look;
  /** Names after `after` in ascending code-unit order; the way to page through all jobs. */
  jobNames(after: string | null): Iterable<string>;
  /** An unfinished run; undefined when it ended or never was. */
  liveRun(id: string): Run | undefined;
  /** Unfinished runs, and those that ended so lately that the archive does not have them yet. */
  liveRuns(): Iterable<Run>;
  readonly archive: Archive;
  /** The unfinished or archived run. RUN_NOT_FOUND. */
  run(id: string): Promise<Run>;
  /** Output of a run's newest (or the given) attempt. RUN_NOT_FOUND, LOGS_GONE. */
  logs(runId: string, query: RunLogQuery): AsyncIterable<RunLogChunk>;
  engines(): Promise<EngineView[]>;
  /** By name. Places are kept by the leader: elsewhere nothing is taken and nothing waits. */
  pools(): PoolView[];
  leadership(): { readonly term: number; readonly leading: boolean };
  cluster(): ClusterView;
  /** True when this node's copy has everything that was committed before the call; false when `withinMs` passed. */
  caughtUp(withinMs: number): Promise<boolean>;
  /**
   * An engine of this node alone, for the leader on another one. ENGINE_NOT_CONFIGURED; NOT_LEADING while this
   * node leads itself or has not let go yet.
   */
  local(engine: string): LocalEngine;
  /** Everything at one commit, as the bytes of a file that `carillon restore` reads; see `Store.backup`. */
  backup(): AsyncIterable<Uint8Array>;
  subscribe(listener: (notice: Notice) => void): () => void;
  /** Wall time as the scheduler sees it. */
  now(): number;
}
