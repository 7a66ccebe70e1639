/**
 * Ports: what the core needs from outside, in the core's terms. Each has a real adapter in an edge folder,
 * and a conformance suite under test/conformance that every adapter passes.
 */

import type { Expiries } from './expiry.ts';
import type { LaunchSpec } from './job/spec.ts';
import type { EndState, Histograms, LedgerLine, Revision, Run, RunPage, Usage } from './model/model.ts';
import type { EndCause } from './model/reason.ts';
import type { LoadedItem, PastName, ValueOf, Write, WriteGroup } from './records/table.ts';

/** A part with a life cycle: `start` resolves when it is ready; `stop` is idempotent and waits. */
export interface Service {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A stop signal without platform types. `AbortSignal` satisfies it. */
export interface StopSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export interface Clock {
  /** Wall time, epoch milliseconds. It may jump in either direction. */
  now(): number;
  /** Milliseconds that never decrease. Only differences are meaningful. */
  monotonicMs(): number;
  /**
   * Calls back once after at least `delayMs`, as far as the platform guarantees it. Returns a function that
   * cancels.
   */
  after(delayMs: number, callback: () => void): () => void;
}

export interface Log {
  info(fields: object, event: string): void;
  warn(fields: object, event: string): void;
  error(fields: object, event: string): void;
  debug(fields: object, event: string): void;
}

/**
 * Limits of commits. The loop packs whole groups up to `maxWrites` and never splits a group. Up to `inFlight`
 * commits are in progress. Bytes are not counted: a store splits what is too large for one request
 * (zookeeper/log.ts).
 */
export interface StoreLimits {
  readonly maxWrites: number;
  readonly inFlight: number;
}

export interface Store {
  readonly limits: StoreLimits;
  /** Fails with STORE_IN_USE or STORE_UNAVAILABLE. */
  open(): Promise<void>;
  close(): Promise<void>;
  /** Identity of this installation, created at the first open. Names and labels of launches contain it. */
  installation(): Promise<string>;
  /** Streams everything that a leader needs in memory, in any order, so that a million jobs fit. */
  load(): AsyncIterable<readonly LoadedItem[]>;
  /**
   * Makes all groups durable in one atomic step, in order, if `term` is still current. NOT_LEADING: there is
   * a newer term, and nothing was written. STORE_UNAVAILABLE: it is unknown whether anything was written.
   */
  commit(term: number, groups: readonly WriteGroup[]): Promise<void>;
  /** Reports what others commit from now on, in order. It may include what was already loaded. */
  watch(watcher: Watcher): Watching;
  status(): StoreStatus;
  /**
   * A snapshot at one commit, no older than the call, as the bytes of a file that `carillon restore` reads.
   * Commits continue meanwhile. Return the iterator to stop early. STORE_UNAVAILABLE.
   */
  backup(taken: BackupTaken): AsyncIterable<Uint8Array>;
  readonly archive: Archive;
}

export interface BackupTaken {
  /** Version of the program. */
  readonly version: string;
  /** Wall time. */
  readonly now: number;
}

export interface Watcher {
  /** The watcher may keep and change the writes. They were decided at most `maxAgeMs` ago. */
  onWrites(writes: readonly Write[], maxAgeMs: number): void;
  /** Too much was missed: load the state again. Nothing is reported until then. */
  onGap(): void;
}

export interface Watching {
  /** Resolves when everything committed before this call has been reported. STORE_UNAVAILABLE. */
  caughtUp(): Promise<void>;
  /** Maximum age of what was reported. Null if unknown. */
  lagMs(): number | null;
  stop(): void;
}

export interface StoreStatus {
  readonly reachable: boolean;
  /** For people: its address, or why it is unavailable. */
  readonly detail: string | null;
}

export interface RunQuery {
  readonly job?: string;
  readonly states?: readonly EndState[];
  /** Due times in [fromMs, toMs). */
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly limit: number;
  /** Continues after this position, from an earlier `next`. */
  readonly cursor?: string;
}

/** Past records of one owner, by the first part of their positions. */
export interface PastQuery {
  readonly owner: string;
  readonly from?: number | string;
  /** Upper bound, not included. */
  readonly below?: number | string;
  /** Also the last record before `from`, which may extend into the range. */
  readonly withPrevious?: boolean;
  readonly newestFirst?: boolean;
  readonly limit?: number;
}

/** The stored past, limited by number and age, and read from disk on request. */
export interface Archive {
  /** Records of any past kind. */
  past<K extends PastName>(kind: K, query: PastQuery): Promise<ValueOf<K>[]>;
  /** Ended runs, newest due time first; equal due times by id in descending code-unit order. */
  runs(query: RunQuery): Promise<RunPage>;
  run(id: string): Promise<Run | null>;
  /** Newest first. */
  revisions(job: string): Promise<Revision[]>;
  /** Entries that overlap [fromMs, toMs), oldest first, at most `limit`. */
  ledger(query: { job: string; fromMs: number; toMs: number; limit: number }): Promise<LedgerLine[]>;
  /** Histograms per day, oldest first. Days such as `2026-11-21`, both included. */
  days(query: {
    job: string;
    fromDay: string;
    toDay: string;
  }): Promise<{ day: string; histograms: Histograms }[]>;
}

/** One node of the installation. Its `id` survives restarts; clients ask it at `url`. */
export interface Member {
  readonly id: string;
  readonly url: string;
  /** For other nodes. Absent without any, and on nodes up to 0.2.0. */
  readonly peerUrl?: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  /** By which jobs choose nodes. Absent on nodes up to 0.2.0. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Maximum concurrent attempts of each engine that only this node reaches. Absent on nodes up to 0.2.0. */
  readonly capacity?: Readonly<Record<string, number>>;
}

/** Elects the leader. `term` increases with each leadership and is checked by every commit. */
export interface Election extends Service {
  onElected(listener: (term: number) => void): void;
  onDeposed(listener: (reason: string) => void): void;
  /** False if the monotonic clock cannot prove that leadership is current; then nothing is started. */
  isFresh(): boolean;
  /** All current candidates that this node knows, including itself once it stands. */
  members(): readonly Member[];
  /** The last elected leader that this node knows. */
  leader(): Member | null;
  /** The newest term that this node knows. */
  term(): number;
}

/** Why a launch ended: in words, and as data. Nodes of 0.1.0 report no cause. */
export interface EndReason {
  readonly reason: string;
  readonly cause: EndCause;
}

/** What an engine reports about a launch, by the name under which it was created. */
export type Observation =
  /** It cannot start yet, with the reason for people (such as the progress of an image pull). */
  | { readonly kind: 'preparing'; readonly launchName: string; readonly at: number; readonly detail: string }
  | {
      readonly kind: 'started';
      readonly launchName: string;
      readonly at: number;
      /** Digest of the image, if there is one. */
      readonly image?: string;
    }
  /** It runs, and some of its output was dropped: the total number of bytes. */
  | {
      readonly kind: 'output-dropped';
      readonly launchName: string;
      readonly at: number;
      readonly bytesDropped: number;
    }
  | {
      readonly kind: 'ended';
      readonly launchName: string;
      readonly at: number;
      /** When it started, if the engine knows and the start was not observed. */
      readonly startedAt?: number;
      /** Null if the exit code is unknown: the attempt is then lost. */
      readonly exitCode: number | null;
      readonly reason?: string;
      readonly cause?: EndCause;
      /** The job did not cause the end (engine restarted, machine died). */
      readonly infrastructure?: boolean;
      /** Bytes of output that were dropped. Null: an unknown number. Absent: none known. */
      readonly bytesDropped?: number | null;
      readonly usage?: Usage;
    };

/** One entry of an engine's inventory. */
export interface LaunchReport {
  readonly launchName: string;
  readonly state: 'created' | 'running' | 'ended';
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** Digest of the image. */
  readonly image?: string;
  readonly exitCode?: number | null;
  readonly reason?: string;
  readonly cause?: EndCause;
  readonly infrastructure?: boolean;
  readonly bytesDropped?: number | null;
  readonly usage?: Usage;
}

/** How much of each stream a reader has: bytes from the first one ever printed, those that are not kept any more included. */
export interface LogPosition {
  readonly stdout: number;
  readonly stderr: number;
}

export interface LogChunk {
  readonly stream: 'stdout' | 'stderr';
  /** Output, or a line of ours in the place of output that is missing. Empty: only the position is news. */
  readonly bytes: Uint8Array;
  /** Where a reader continues that has this chunk; left out where the engine cannot continue. */
  readonly next?: LogPosition;
  /** With `timestamps`, if the engine knows: when it was printed, and whether it begins within a line. */
  readonly printed?: { readonly timeNs: bigint; readonly inLine: boolean };
}

export interface LogQuery {
  readonly stream?: 'stdout' | 'stderr';
  /** Only this many last lines. */
  readonly tail?: number;
  /** Only what follows; then `tail` does not count. */
  readonly after?: LogPosition;
  /** Stay until the launch has ended. */
  readonly follow?: boolean;
  /** Each piece that was printed by itself, with its time. */
  readonly timestamps?: boolean;
  readonly signal?: StopSignal;
}

/**
 * Starts attempts on one engine. The launch name is the lock: an existing launch is adopted and never started
 * again; one that an older term created and never started is removed and created again. Observations of one
 * name arrive in order and may be repeated.
 */
export interface Launcher extends Service {
  readonly engine: string;
  onObservation(listener: (observation: Observation) => void): void;
  /**
   * Resolves once the engine has started the launch, or has found it started; the `started` observation
   * follows. LAUNCH_REFUSED: this attempt cannot run, and nothing runs. NO_PLACE: no capacity at the moment,
   * for the reason in the message, and nothing was created. ENGINE_UNAVAILABLE: unknown; repeat the call
   * later. `mayStart` is called directly before anything is created and started: a leader that was paused may
   * have been deposed, and the run of this name may have ended and been removed.
   */
  launch(spec: LaunchSpec, mayStart?: () => boolean): Promise<void>;
  /**
   * The same, called a moment before `at`: it starts then, by the wall clock of this host, also if `mayStart` was called
   * before. Absent: the engine cannot wait.
   */
  launchAt?(spec: LaunchSpec, at: number, mayStart: () => boolean): Promise<void>;
  /** TERM, then KILL after `graceMs`. Resolves when requested, not when ended. Unknown names are ignored. */
  kill(launchName: string, graceMs: number): Promise<void>;
  /** Removes a launch that was created and never started. A started one stays. Unknown names are ignored. */
  takeBack(launchName: string): Promise<void>;
  /** Removes an ended launch; its logs are kept within their limits. Unknown names are ignored. */
  remove(launchName: string): Promise<void>;
  /**
   * All launches of this installation that the engine knows. For ended launches that are not wanted, the name
   * and the state suffice, because there are many. ENGINE_UNAVAILABLE if it cannot be reached.
   */
  inventory(isWanted?: (launchName: string) => boolean): Promise<LaunchReport[]>;
  /** LOGS_GONE if they are no longer kept. */
  logs(launchName: string, query: LogQuery): AsyncIterable<LogChunk>;
  /** For `GET /engines`. Never rejects: an engine that does not respond is reported as not reachable. */
  describe(): Promise<EngineDescription>;
  /** Absent: nothing that it needs has an end. */
  readonly expiries?: Expiries;
  /** Absent if the engine gains nothing by preparing launches. */
  readonly ahead?: LaunchesAhead;
  /** Present if every launch is on a host that the core chooses, and every node reaches these hosts. */
  readonly hosts?: EngineHosts;
}

/** A host of an engine, by its name. */
export interface EngineHost {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Maximum concurrent attempts. */
  readonly slots: number;
  /** It stands for all others together: a launch on it runs on each of them that its job allows, and ends as one. */
  readonly isAll?: true;
}

export interface EngineHosts {
  /** Those that take launches. */
  list(): readonly EngineHost[];
  /** Undefined if it is not known. */
  at(host: string): HostLauncher | undefined;
}

/** The launches on one host. */
export interface HostLauncher extends Required<LocalEngine>, Pick<Launcher, 'logs' | 'describe'> {}

/** A position in what an engine of another node has observed. It proves how recently that node was heard. */
export interface Ticket {
  /** Which start of the node's process issued it. */
  readonly boot: number;
  /** When, by the monotonic clock of that node. */
  readonly at: number;
  /** The next observation. */
  readonly seq: number;
}

export interface Changes {
  /** Continue here. */
  readonly ticket: Ticket;
  /** Since the last ticket. Null: unknown, so an inventory is needed. */
  readonly observations: readonly Observation[] | null;
}

/** Requests of other nodes to an engine that only this node reaches. */
export interface LocalEngine extends Pick<Launcher, 'inventory' | 'kill' | 'takeBack' | 'remove'> {
  /**
   * Returns what has happened since `after`, at the latest after a second. From then on the node starts nothing for older
   * terms. Null: it is a node of 0.2.0 or older, which takes no launches. Absent: it is this node's own engine.
   */
  changes?(term: number, after: Ticket | null): Promise<Changes | null>;
  /**
   * Like `Launcher.launch`. NO_PLACE: the term or the ticket is too old, or nothing was sent. Where the ticket is not checked,
   * `mayStart` is.
   */
  launchFor?(spec: LaunchSpec, ticket: Ticket, mayStart?: () => boolean): Promise<void>;
}

/** Launches prepared before they are due. */
export interface LaunchesAhead {
  /**
   * Prepares a coming launch as far as the engine can without running any of it. A launch with an equal spec
   * uses the preparation; otherwise it expires after `forMs`. It is never reported as a run. Resolves when it
   * is ready or will not be; rejects like `launch`, and then nothing is left.
   */
  prepare(spec: LaunchSpec, how: Preparation): Promise<void>;
  /** True if it waits at its gate, so that launching it takes almost no time. */
  isHeld(launchName: string): boolean;
  /** Discards a preparation. Unknown names are ignored. */
  discard(launchName: string): Promise<void>;
}

export interface Preparation {
  /** Also start it, and stop it at the gate before its program. */
  readonly warm: boolean;
  /** When the preparation expires. */
  readonly forMs: number;
  /** Called directly before anything is created and started. */
  readonly mayStart: () => boolean;
}

/** One of an engine's hosts. */
export interface HostDescription {
  readonly name: string;
  readonly reachable: boolean;
  /** For people: its address, or why it does not respond. */
  readonly detail: string | null;
}

export interface EngineDescription {
  readonly reachable: boolean;
  readonly version: string | null;
  /** For people: its address, or why it is unavailable. */
  readonly detail: string | null;
  /** Total capacity, not what is free. Absent if the engine does not report it. */
  readonly cpus?: number;
  readonly memoryBytes?: number;
  /** Of an engine with hosts. */
  readonly hosts?: readonly HostDescription[];
}
