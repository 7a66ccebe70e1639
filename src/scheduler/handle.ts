/**
 * The scheduler's interface for the API, the tests and the composition root, which see nothing else of it.
 * Reads are synchronous over this node's memory, which is the leader's state or a follower's copy. The past
 * is read from the archive.
 */

import type { Asker } from './access/principal.ts';
import type { AnswerTo, Command, ReportAnswer } from './command.ts';
import type { Alert, Notification } from './model/alert.ts';
import type { Backfill } from './model/backfill.ts';
import type { MaintenanceMode, StoredCalendar } from './model/calendar.ts';
import type { Job, JobState, JobStats, Run } from './model/model.ts';
import type { SigningKey, Token } from './model/token.ts';
import type {
  Archive,
  HostDescription,
  LocalEngine,
  LogChunk,
  LogQuery,
  Member,
  StoreStatus,
} from './ports.ts';
import type { Calendar } from './schedule/calendar/calendar.ts';
import type { Schedule } from './schedule/model.ts';
import type { Summary } from './stats/stats.ts';
import type { Buckets } from './stats/tally.ts';

export interface RunReport extends Omit<Extract<Command, { kind: 'report' }>, 'kind' | 'output' | 'givenUp'> {
  readonly output: Uint8Array | null;
}

export interface RunLogQuery extends LogQuery {
  readonly attempt?: number;
  /** Also if it was printed on another host: from an archive, or LOGS_GONE. */
  readonly anywhere?: boolean;
}

export interface RunLogChunk extends LogChunk {
  readonly attempt: number;
}

/**
 * A job as stored in memory, for reads of many jobs. It keeps changing and belongs to the scheduler, so read
 * it at once and do not keep it.
 */
export interface JobGlance {
  readonly job: Job;
  readonly state: Readonly<JobState>;
  /** Null before the first ended run. */
  readonly stats: JobStats | null;
  /** The compiled time schedule. Null for dependent and manual jobs. */
  readonly schedule: Schedule | null;
  /** Why this node cannot use the job and therefore blocks it. Null: it can. */
  readonly fault: string | null;
  /** The next undecided due time, whether the job is paused or not. Null if there is none. */
  readonly due: number | null;
  /** Unfinished runs. */
  readonly runs: readonly Run[];
}

/** A job with everything that is known about it. */
export interface JobView extends JobGlance {
  /** The next due time. Null if there is none, or the job is paused or disabled. */
  readonly nextDue: number | null;
  /** Unfinished runs, oldest due time first. */
  readonly runs: readonly Run[];
  readonly parents: readonly string[];
  readonly children: readonly string[];
  readonly status: JobStatus;
}

/** An unfinished round of a job with parents: its due time, and the parents that it waits for. */
export interface Lacking {
  readonly due: number;
  readonly parents: readonly string[];
}

/** Sort orders of jobs; see ranking.ts. */
export const jobOrders = ['name', 'nextDue', 'last', 'p50', 'p95', 'failures', 'state'] as const;
export type JobOrder = (typeof jobOrders)[number];

/** All jobs in an order, as of the request. */
export interface RankedJobs {
  readonly count: number;
  /** The job at an index from 0 to `count`; it may have been deleted since. */
  at(place: number): JobGlance;
  /** The sort key of the job at the index. Null: it has none, so it comes last. */
  key(place: number): number | null;
  /** The first index after a job with this key and name, which need not exist any more. */
  behind(key: number | null, name: string): number;
}

/** Work in steps, so that other work gets its turn in between; the last step returns the result. */
export type Steps<T> = Generator<void, T>;

/** Cheap reads of many jobs. */
export interface JobReader {
  /** Undefined if there is no such job. */
  readonly glance: (name: string) => JobGlance | undefined;
  /** The jobs that depend on this one directly, sorted by name. */
  readonly childrenOf: (name: string) => readonly string[];
  /** The parents of the job, in the order of the definition. */
  readonly parentsOf: (name: string) => readonly string[];
  /** All jobs by `order`. Jobs without a key come last; equal keys are sorted by name. */
  readonly ranked: (order: JobOrder, descending: boolean) => Steps<RankedJobs>;
  /** Unfinished backfills with their plans, oldest first. */
  readonly backfills: () => readonly Backfill[];
  /** The parents that the unfinished rounds of a job wait for, oldest first; empty for an unknown job. */
  readonly lacking: (name: string) => Lacking[];
}

/** `completed`: a time schedule without a further due time. */
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

/** A host of an engine, and attempts on it. */
export interface EngineHostView extends HostDescription {
  readonly labels: Readonly<Record<string, string>>;
  /** Maximum concurrent attempts. */
  readonly attempts: number;
  /** Attempts that were launched and have not ended; not those that run on all hosts. */
  readonly running: number;
}

export interface EngineView {
  readonly name: string;
  readonly reachable: boolean;
  readonly version: string | null;
  readonly detail: string | null;
  readonly capacity: {
    /** Maximum concurrent attempts, of all these nodes together. Null: no limit. */
    readonly attempts: number | null;
    /** Number of nodes that have the engine for themselves and respond. 1 if all nodes share it. */
    readonly nodes: number;
    /** As reported by the engine. Null if it does not report it. */
    readonly cpus: number | null;
    readonly memoryBytes: number | null;
  };
  /** Attempts that were launched and have not ended. */
  readonly running: number;
  /** Launches that wait for a slot in the start queue. */
  readonly startQueue: number;
  /** Runs that wait for a slot of this engine. */
  readonly queued: number;
  /** Milliseconds from an attempt's decision to its start. Null: none since this node leads. */
  readonly startLatency: Summary | null;
  /** In the order of their file. Absent: the engine has none. */
  readonly hosts?: readonly EngineHostView[];
}

export interface CalendarView {
  readonly stored: StoredCalendar;
  /** Null: this node cannot use it. */
  readonly compiled: Calendar | null;
  /** Jobs that use it, in order of name. */
  readonly users: readonly string[];
}

export interface CalendarReads {
  /** In order of name. */
  all(): readonly CalendarView[];
  /** CALENDAR_NOT_FOUND. */
  one(name: string): CalendarView;
  names(): readonly string[];
  /** What keeps runs from starting now, in no order. */
  maintenance(): Iterable<MaintenanceMode>;
  /** Compiled, for schedules. Undefined: there is none, or this node cannot use it. */
  readonly find: (name: string) => Calendar | undefined;
}

export interface PoolView {
  readonly name: string;
  /** Maximum concurrent attempts. */
  readonly places: number;
  /** Slots in use. Exceeds `places` if the pool was made smaller while attempts were running. */
  readonly taken: number;
  /** Runs that wait for a slot of this pool. */
  readonly queued: number;
}

export interface ClusterView {
  readonly role: 'leader' | 'follower' | 'starting';
  readonly term: number;
  readonly leader: Member | null;
  readonly self: Member;
  readonly members: readonly Member[];
  /** Maximum age of this node's copy. 0 on the leader, null if unknown. */
  readonly lagMs: number | null;
  readonly store: StoreStatus;
  /** No node has led for longer than a takeover takes; see runtime/health/unled.ts. */
  readonly unled: boolean;
  /** When this node last became leader, and the time from its election. Null if it never led. */
  readonly takeover: { readonly at: number; readonly tookMs: number; readonly term: number } | null;
}

/** Commits of this node since its process began, in all its terms as leader. */
export interface CommitFigures {
  /** Durations of successful commits. */
  readonly times: Buckets;
  /** Refused commits, and those with an unknown outcome. */
  readonly failed: number;
}

/** With what the leader knows of its delivery: `error` is the newest one. */
export interface OwedNotification extends Notification {
  /** How often it was tried without success since this leader began, or it was asked for again. */
  readonly tries: number;
}

/** Deliveries that were tried, tests included. */
export interface Tries {
  readonly delivered: number;
  /** To be tried again. */
  readonly failed: number;
  readonly refused: number;
}

/** Spans since this process began. */
export interface TraceFigures {
  readonly exported: number;
  /** The collector did not take them. */
  readonly refused: number;
  /** Too many waited, or the collector was away at the stop. */
  readonly dropped: number;
  readonly waiting: number;
}

/** Outputs of runs that were copied to the archive since this process began. */
/** Lines of the audit for `--audit-log`, since the node started. */
export interface AuditFigures {
  readonly written: number;
  readonly failed: number;
}

export interface ArchiveFigures {
  readonly uploaded: number;
  /** Tries that failed. */
  readonly failed: number;
  readonly waiting: number;
}

export interface Receivers {
  readonly names: readonly string[];
  /** See `Notifier.problem`. */
  readonly problem: string | null;
  /** What this process sent, by receiver; with an empty name, to all that do not exist. */
  readonly tries: ReadonlyMap<string, Tries>;
  /** Sends a message that says that it is a test. NOTIFICATION_REFUSED, NOTIFICATION_FAILED. */
  test(receiver: string): Promise<void>;
}

export interface SchedulerHandle {
  /**
   * Resolves when the change is durable. Rejects with a `CarillonError`: from the first two parts of the
   * catalogue if the request is wrong, FORBIDDEN if the asker lacks a permission; NOT_LEADING or STORE_UNAVAILABLE if
   * the node cannot serve it. Without an asker, it is the program itself.
   */
  submit<C extends Command>(command: C, asker?: Asker): Promise<AnswerTo<C>>;
  /** A report about a run that somebody else runs, with its output. Resolves and rejects like `submit`. */
  report(report: RunReport, asker?: Asker): Promise<ReportAnswer>;
  /** JOB_NOT_FOUND. */
  job(name: string): JobView;
  jobCount(): number;
  /** All jobs as this node knows them now. Call it again for each request. */
  reader(): JobReader;
  /** Names after `after` in ascending code-unit order, to page through all jobs. */
  jobNames(after: string | null): Iterable<string>;
  /** An unfinished run. Undefined if it has ended or never existed. */
  liveRun(id: string): Run | undefined;
  /** Unfinished runs, and recently ended ones that the archive does not have yet. */
  liveRuns(): Iterable<Run>;
  readonly archive: Archive;
  /** The unfinished or archived run. RUN_NOT_FOUND. */
  run(id: string): Promise<Run>;
  /** Output of a run's newest (or the given) attempt. RUN_NOT_FOUND, LOGS_GONE. */
  logs(runId: string, query: RunLogQuery): AsyncIterable<RunLogChunk>;
  engines(): Promise<EngineView[]>;
  /** Pools by name. The leader assigns slots: on other nodes nothing is in use and nothing waits. */
  pools(): PoolView[];
  commits(): CommitFigures;
  leadership(): { readonly term: number; readonly leading: boolean };
  cluster(): ClusterView;
  /** True if this node's copy has everything that was committed before the call; false after `withinMs`. */
  caughtUp(withinMs: number): Promise<boolean>;
  /**
   * An engine that only this node reaches, for a leader on another node. ENGINE_NOT_CONFIGURED; NOT_LEADING
   * while this node leads itself, is still handing over or is stopping.
   */
  local(engine: string): Required<LocalEngine>;
  /** In no order. */
  tokens(): Iterable<Token>;
  /** Undefined if it does not exist. */
  token(id: string): Token | undefined;
  /** Newest first. */
  signingKeys(): readonly SigningKey[];
  /**
   * Sessions of this person, or of everybody (`*`), that began before then are ended. `-Infinity`: none of them. It
   * includes what holds for everybody.
   */
  sessionsEndedAt(id: string): number;
  /** As this node knows them now. Call it again for each request. */
  calendars(): CalendarReads;
  /** Open alerts, in no order. */
  alerts(): Iterable<Alert>;
  /** Messages that are owed, or could not be delivered, in the order in which their receivers get them. */
  notifications(): readonly OwedNotification[];
  /** Receivers of this node. */
  receivers(): Receivers;
  /** A snapshot at one commit, as the bytes of a file that `carillon restore` reads; see `Store.backup`. */
  backup(): AsyncIterable<Uint8Array>;
  subscribe(listener: (notice: Notice) => void): () => void;
  /** Wall time of the scheduler. */
  now(): number;
}
