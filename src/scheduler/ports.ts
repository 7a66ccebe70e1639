/**
 * What the core needs of the world, in the core's words. Each port has a real adapter in an edge folder and
 * a conformance suite under test/conformance that every adapter passes.
 */

import type { LaunchSpec } from './job/spec.ts';
import type { EndState, Histograms, LedgerLine, Revision, Run } from './model/model.ts';
import type { LoadedItem, PastName, ValueOf, Write, WriteGroup } from './records/table.ts';

/** Something with a life: `start` resolves when it is ready, `stop` is idempotent and waits. */
export interface Service {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A stop signal without platform types; `AbortSignal` satisfies it. */
export interface StopSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export interface Clock {
  /** Wall time, epoch milliseconds; may jump either way. */
  now(): number;
  /** Milliseconds that never run backwards; only differences mean anything. */
  monotonicMs(): number;
  /** Calls once after at least `delayMs`, as far as the platform keeps its word; returns the cancel. */
  after(delayMs: number, callback: () => void): () => void;
}

export interface Log {
  info(fields: object, event: string): void;
  warn(fields: object, event: string): void;
  error(fields: object, event: string): void;
  debug(fields: object, event: string): void;
}

/**
 * Bounds of commits. The loop packs whole groups up to `maxWrites` and never splits a group; `inFlight` commits are sent
 * at a time. Bytes are not counted: a store splits what is too large for one request (zookeeper/log.ts).
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
  /** Identity of this installation, made at the first open; names and labels of launches carry it. */
  cluster(): Promise<string>;
  /** Everything a leader needs in memory, in any order, streamed so that a million jobs fit. */
  load(): AsyncIterable<readonly LoadedItem[]>;
  /**
   * Makes all groups durable in one atomic step, in order, if `term` is still the current one.
   * NOT_LEADING: a newer term exists and nothing was written. STORE_UNAVAILABLE: nothing is known to be written.
   */
  commit(term: number, groups: readonly WriteGroup[]): Promise<void>;
  /** Tells what others commit from now on, in order. What was loaded before may be among it. */
  watch(watcher: Watcher): Watching;
  status(): StoreStatus;
  /**
   * Everything at one commit, no older than the call, as the bytes of a file that `carillon restore` reads. Commits go on
   * meanwhile. Whoever stops reading returns the iterator. STORE_UNAVAILABLE.
   */
  backup(taken: BackupTaken): AsyncIterable<Uint8Array>;
  readonly archive: Archive;
}

export interface BackupTaken {
  /** Of the program. */
  readonly version: string;
  /** Wall time. */
  readonly now: number;
}

export interface Watcher {
  /** The writes are the watcher's own. */
  onWrites(writes: readonly Write[]): void;
  /** Too much was missed to go on: load anew. Nothing is told until then. */
  onGap(): void;
}

export interface Watching {
  /** Resolves when everything that was committed before this call has been told. STORE_UNAVAILABLE. */
  caughtUp(): Promise<void>;
  /** How old what was told may be; null when nothing is known. */
  lagMs(): number | null;
  stop(): void;
}

export interface StoreStatus {
  readonly reachable: boolean;
  /** For people: where it is, and what is wrong. */
  readonly detail: string | null;
}

export interface RunQuery {
  readonly job?: string;
  readonly states?: readonly EndState[];
  /** Due instants in [fromMs, toMs). */
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly limit: number;
  /** Continue behind this one, as answered in `next`. */
  readonly cursor?: string;
}

/** Past records of one owner, by the first part of their places. */
export interface PastQuery {
  readonly owner: string;
  readonly from?: number | string;
  /** Up to here, and without it. */
  readonly below?: number | string;
  /** Also the last record before `from`, which may reach into the range. */
  readonly withPrevious?: boolean;
  readonly newestFirst?: boolean;
  readonly limit?: number;
}

/** What is kept of the past; bounded by count and age, read from disk when asked for. */
export interface Archive {
  /** Records of any past kind. */
  past<K extends PastName>(kind: K, query: PastQuery): Promise<ValueOf<K>[]>;
  /** Ended runs, newest due first; among equal instants ids in descending code-unit order. */
  runs(query: RunQuery): Promise<{ items: Run[]; next: string | null }>;
  run(id: string): Promise<Run | null>;
  /** Newest first. */
  revisions(job: string): Promise<Revision[]>;
  /** Lines that touch [fromMs, toMs), oldest first, at most `limit`. */
  ledger(query: { job: string; fromMs: number; toMs: number; limit: number }): Promise<LedgerLine[]>;
  /** Per-day histograms, oldest first; days as `2026-11-21`, both ends included. */
  days(query: {
    job: string;
    fromDay: string;
    toDay: string;
  }): Promise<{ day: string; histograms: Histograms }[]>;
}

/** One node of the installation, as others reach it. */
export interface Member {
  /** Stays over restarts. */
  readonly id: string;
  readonly url: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
}

/** Decides who leads. `term` grows with each leadership and is checked by every commit. */
export interface Election extends Service {
  onElected(listener: (term: number) => void): void;
  onDeposed(listener: (reason: string) => void): void;
  /** False when leadership can't be proven fresh by the monotonic clock: then nothing is started. */
  isFresh(): boolean;
  /** Everyone who stands now, as far as this node knows; itself among them once it stands. */
  members(): readonly Member[];
  /** Who was elected last, as far as this node knows. */
  leader(): Member | null;
  /** The newest term, as far as this node knows. */
  term(): number;
}

/** What an engine says of one launch, by the name it was created under. */
export type Observation =
  /** It can't start yet: what for, in words for people (an image that is being pulled, and how far it is). */
  | { readonly kind: 'preparing'; readonly launchName: string; readonly at: number; readonly detail: string }
  | {
      readonly kind: 'started';
      readonly launchName: string;
      readonly at: number;
      /** The image by its digest, where there is one. */
      readonly image?: string;
    }
  /** It runs, and some of its oldest output is not kept any more: so many bytes in all. */
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
      /** When it began, if the engine knows and the start was not seen. */
      readonly startedAt?: number;
      /** Null when no code could be learned: then the attempt is lost. */
      readonly exitCode: number | null;
      readonly reason?: string;
      /** The end was not the job's doing (engine restarted, machine died). */
      readonly infrastructure?: boolean;
      /** Of its oldest output; null: some, which its engine does not count. Left out: none that is known. */
      readonly bytesDropped?: number | null;
    };

/** One entry of an engine's inventory. */
export interface LaunchReport {
  readonly launchName: string;
  readonly state: 'created' | 'running' | 'ended';
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** The image by its digest. */
  readonly image?: string;
  readonly exitCode?: number | null;
  readonly reason?: string;
  readonly infrastructure?: boolean;
  readonly bytesDropped?: number | null;
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
  /** Where a reader continues that has this chunk; left out where the engine can't continue. */
  readonly next?: LogPosition;
}

export interface LogQuery {
  readonly stream?: 'stdout' | 'stderr';
  /** Only the last this many lines. */
  readonly tail?: number;
  /** Only what follows; then `tail` does not count. */
  readonly after?: LogPosition;
  /** Stay until the launch has ended. */
  readonly follow?: boolean;
  readonly signal?: StopSignal;
}

/**
 * Starts attempts on one engine. The launch name is the lock: a name that exists is adopted, never started
 * again; one that was created by an older term and never started is removed and created anew.
 * Observations for one name come in order and may be repeated.
 */
export interface Launcher extends Service {
  readonly engine: string;
  onObservation(listener: (observation: Observation) => void): void;
  /**
   * Resolves once the engine has started it (or it was found started); the `started` observation follows.
   * LAUNCH_REFUSED: this attempt can't run, and nothing runs. NO_PLACE: it can't now, for the reason that the message
   * gives to people, and nothing was created. ENGINE_UNAVAILABLE: not known; the same call may be made again later.
   * `mayStart` is asked right before anything is created and started: a leader that
   * was paused in between may have been deposed, and what the name was a lock for may be over and forgotten.
   */
  launch(spec: LaunchSpec, mayStart?: () => boolean): Promise<void>;
  /** TERM, then KILL after `graceMs`. Resolves when asked for, not when ended; unknown names are no error. */
  kill(launchName: string, graceMs: number): Promise<void>;
  /** Removes a launch that was created and never started; what runs or ran stays. Unknown names are no error. */
  takeBack(launchName: string): Promise<void>;
  /** Forgets an ended launch; its logs stay within their bounds. Unknown names are no error. */
  remove(launchName: string): Promise<void>;
  /**
   * All launches of this installation that the engine knows. Of ended ones that are not wanted, that they have
   * ended is enough: they are many. ENGINE_UNAVAILABLE when it can't be asked.
   */
  inventory(isWanted?: (launchName: string) => boolean): Promise<LaunchReport[]>;
  /** LOGS_GONE when they are no longer kept. */
  logs(launchName: string, query: LogQuery): AsyncIterable<LogChunk>;
  /** For `GET /engines`. Never rejects: what can't be asked is not reachable. */
  describe(): Promise<EngineDescription>;
  /** Left out where an engine has nothing to gain by it. */
  readonly ahead?: LaunchesAhead;
}

/** Launches made ready before they are due. */
export interface LaunchesAhead {
  /**
   * Makes a coming launch ready, as far as the engine can without running any of it. The launch takes what was made
   * ready for an equal spec; what it does not take within `forMs` is gone by itself. Nothing of it is ever reported as
   * a run. Resolves when it is ready or will not be; rejects as `launch` does, and then nothing is left.
   */
  prepare(spec: LaunchSpec, how: Preparation): Promise<void>;
  /** It is held, and launching it is next to nothing. */
  isHeld(launchName: string): boolean;
  /** Gives up what was made ready. Unknown names are no error. */
  discard(launchName: string): Promise<void>;
}

export interface Preparation {
  /** Start it too, and hold it before its own first instruction. */
  readonly warm: boolean;
  /** How long it is worth keeping. */
  readonly forMs: number;
  /** Asked right before anything is created and started. */
  readonly mayStart: () => boolean;
}

export interface EngineDescription {
  readonly reachable: boolean;
  readonly version: string | null;
  /** For people: where it is, or what is wrong. */
  readonly detail: string | null;
  /** What it has in all, not what is free; left out where it doesn't say. */
  readonly cpus?: number;
  readonly memoryBytes?: number;
}
