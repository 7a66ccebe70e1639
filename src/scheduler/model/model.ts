/**
 * The domain model as types. Everything here is plain data that can be compared, stored as JSON and sent over
 * a wire. Timestamps are epoch milliseconds, and names of durations end in `Ms`. Text forms exist only in the
 * definition (as written by a user) and in the API.
 */

import type { Join, Lineage, Outcome, ParentEnd, Trigger } from '../../dag/ready.ts';
import type { Role } from '../access/principal.ts';
import type { JobDefinition } from '../job/definition.ts';
import type { EngineAbilities } from '../job/engine-abilities.ts';
import type { Labels } from '../job/node-choice.ts';
import type { RunPolicy } from '../run-policy/policy.ts';
import type { Exception, ScheduleInput } from '../schedule/model.ts';
import type { Maintenance, Mute, Route } from './alert.ts';
import type { Reason } from './reason.ts';

/** An accepted job: the definition as written, and the values fixed at acceptance to make it repeatable. */
export interface Job {
  readonly name: string;
  readonly definition: JobDefinition;
  /** The time schedule with H expanded and an omitted start filled in. Null for dependent and manual jobs. */
  readonly resolved: ScheduleInput | null;
  /** Increases by 1 with each accepted change, starting at 1. */
  readonly revision: number;
  readonly createdAt: number;
  /** When the job was restored from a backup: later launches have different names; see restored.ts. */
  readonly restoredAt?: number;
  readonly updatedAt: number;
  readonly updatedBy: string;
  /** What the one who put it may on it, which the run policy asks for. Absent: unknown. */
  readonly role?: Role;
  /** It was put with templates. Absent: `{{` in its texts means nothing, as in jobs that earlier releases stored. */
  readonly templates?: true;
}

/** One accepted change of a job. A deletion has no definition. */
export interface Revision {
  readonly job: string;
  readonly revision: number;
  readonly at: number;
  readonly by: string;
  readonly definition: JobDefinition | null;
}

/** State that changes as a job runs. Written with each ended run, so it is kept small. */
export interface JobState {
  readonly name: string;
  /** Every due time up to and including this one is decided: it has a run or a ledger entry. */
  cursor: number;
  /** Stretches behind the cursor that are decided already; filled only when the clock was set back. Bounded. */
  ahead: readonly Stretch[];
  /** Nothing up to this time was decided under the job's current schedule. */
  begins: number;
  /** What was decided under schedules that the job had before. Bounded. */
  eras: readonly Stretch[];
  /** Ledger entries that are revoked if the clock is set back; see decided.ts. */
  leaps: readonly Leap[];
  paused: {
    readonly at: number;
    readonly by: string;
    /** It is resumed by itself then. Absent: never. */
    readonly until?: number;
  } | null;
  /** Due times that somebody has skipped or moved, with those of the last month. Bounded. Absent: none. */
  exceptions?: readonly Exception[];
  /** Set by `disableAfterFailures`, cleared by resume. */
  disabled: { readonly at: number; readonly reason: Reason } | null;
  /** Alerts of the job are not sent for a while. */
  muted: Mute | null;
  /** Due time of the last run whose pipeline has not ended; only of jobs that report it. See pipelines.ts. */
  pipeline: number | null;
  /** Progress of the rounds of a job with parents. */
  join: Join | null;
  /** Results of parents in a rerun or manual start whose other branches have not ended; see lineage.ts. */
  held: readonly ParentEnd[];
  /** Keys of the newest reported runs that have ended, hashed, so that a repeated report changes nothing. Bounded. */
  heard: readonly string[];
  succeeded: number;
  failed: number;
  skipped: number;
  missed: number;
  /** Failed runs that were killed by a user. */
  killed: number;
  consecutiveFailures: number;
  lastSucceededAt: number | null;
  /** Last run that failed, timed out or was lost. */
  lastFailedAt: number | null;
  last: LastRun | null;
  /** Set when the job was removed: its past is kept for a job of the same name. */
  removed: Removal | null;
}

/** What the next job of the same name must know about the removed one. */
export interface Removal {
  readonly at: number;
  readonly by: string;
  /** The revision number of the removal. */
  readonly revision: number;
  readonly resolved: ScheduleInput | null;
}

/**
 * Due instants in [from, to] that are decided: those of `schedule`, or of the job's own. With null it is every instant:
 * parents made the runs, or schedules that are forgotten did, and it is not known at which of them.
 */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly schedule?: ScheduleInput | null;
}

/**
 * An entry for a long range, written in one step. `schedule` is the one it was written under, unless the job
 * still has it.
 */
export interface Leap {
  readonly line: LedgerLine;
  readonly schedule?: ScheduleInput;
}

/** The newest ended run, stored with the counters so that lists need no history. */
export interface LastRun {
  readonly id: string;
  readonly state: EndState;
  readonly due: number;
  readonly endedAt: number;
}

export const endStates = ['succeeded', 'failed', 'killed', 'timed-out', 'lost', 'skipped', 'missed'] as const;
export type EndState = (typeof endStates)[number];
/** End states of runs that ran. */
export type RanState = Exclude<EndState, 'skipped' | 'missed'>;
export const liveStates = ['waiting', 'queued', 'launching', 'running'] as const;
export type LiveState = (typeof liveStates)[number];
export type RunState = LiveState | EndState;

/** A step of a backfill; see backfill.ts. */
export interface BackfillStep {
  readonly id: string;
  readonly step: number;
}

/** What made the run itself due. */
export type RunTrigger =
  /** `catchUp`: its due time had passed when it was decided, and a policy asks for it all the same. */
  | { readonly kind: 'schedule'; readonly catchUp?: true }
  | { readonly kind: 'parents'; readonly runs: readonly string[] }
  | { readonly kind: 'manual'; readonly by: string }
  | { readonly kind: 'rerun'; readonly by: string; readonly of: string };

/** One job at one due time or trigger. Its identity is (job, due, variant). */
export interface Run {
  readonly id: string;
  readonly job: string;
  readonly due: number;
  /** Distinguishes runs of one due time. Empty for scheduled runs. A part of the key and nothing else. */
  readonly variant: string;
  /** What began the chain of runs that led to this one; its trigger is the last link. */
  readonly lineage: Lineage;
  /** The job whose trigger or rerun this run originates from. Null for scheduled runs. */
  readonly root: string | null;
  readonly trigger: RunTrigger;
  /** With the defaults of those that it was not given. */
  readonly params: Readonly<Record<string, string>>;
  /** What a user gave to the start of this run or of those before it, for the jobs that follow. Absent: nothing. */
  readonly shared?: Readonly<Record<string, string>>;
  readonly priority: number;
  /** When it was decided, by the leader's clock; until it ends, it moves with that clock. See durations.ts. */
  createdAt: number;
  /**
   * The leader's clock at its last decision about the run; the next leader compares its own clock with it.
   */
  decidedAt?: number;
  /** Number of earlier due times that this run stands for (catch-up `latest`). */
  readonly catchesUp: number;
  /** One of a row of due instants that passed unseen and are run one after the other; see overlap.ts. */
  readonly inRow?: true;
  /** It is a step of this backfill: overlap passes it over, its children are told by the plan, and it never alerts. */
  readonly backfill?: BackfillStep;
  /** Its start is this much after its due time, in milliseconds; see `schedule.jitter`. */
  readonly jitter?: number;
  /** What it stands for. Absent: a user began it, or its due time follows no other. See state/interval.ts. */
  readonly interval?: Interval;
  /** Revision of the job with which the newest attempt was launched. */
  revision: number;
  state: RunState;
  /** What the run is waiting for, or why it ended this way. Null: nothing to report. */
  reason: Reason | null;
  /** Waiting until this time (retry delay), or queued until then (engine without capacity). */
  notBefore: number | null;
  /** The run ends as missed if no attempt was launched by then. */
  startBy: number | null;
  /** A kill was requested and has not been confirmed. */
  kill: Kill | null;
  /** The result of the newest attempt, reported before its command ended; see `completion: callback`. */
  told?: { readonly at: number; readonly by: string; readonly succeeded: boolean } | undefined;
  /** Equal in all reports about this run of a job that somebody else runs, if its reporter gave one. */
  reportKey?: string;
  attempts: Attempt[];
  endedAt: number | null;
}

/** From `from`, inclusive, to `to`, exclusive. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

export interface Kill {
  readonly at: number;
  readonly by: string;
  /** The end state of the run. */
  readonly as: 'killed' | 'timed-out';
  readonly reason: Reason;
}

/** One launch of a run. */
export interface Attempt {
  readonly number: number;
  readonly engine: string;
  /** The node whose local engine runs it. Null if all nodes reach the engine. */
  readonly host: string | null;
  readonly launchName: string;
  /** The term of the leader that decided it. */
  readonly term: number;
  createdAt: number;
  startedAt: number | null;
  /** The leader's clock when it observed the start. Absent if it learned of the start later. */
  seenAt?: number;
  endedAt: number | null;
  /** Digest of the image that ran. Absent until the engine reports it, and for processes. */
  image?: string;
  exitCode: number | null;
  reason: Reason | null;
  /** Bytes of output that were dropped. Null: an unknown number. Absent: none known. */
  bytesDropped?: number | null;
  /** Absent if the engine does not measure it, and before the end. */
  usage?: Usage;
}

/** What an attempt used of its machine. A field that the engine does not measure is absent. */
export interface Usage {
  /** Processor time of all processes, user and system, in milliseconds. */
  readonly cpuMs?: number;
  /** Peak memory: of a process, the resident set of its largest process; of a container, all of it with its page cache. */
  readonly peakBytes?: number;
  /** Read from disks, and written to them, by all processes. Absent in attempts stored before this was recorded. */
  readonly readBytes?: number;
  readonly writtenBytes?: number;
  /** When it was measured, if that was before the end: what was used later is missing. Absent: at the end. */
  readonly until?: number;
}

/** The outcome of due times: one entry for a single one, or for a range with the same outcome. */
export interface LedgerLine {
  readonly job: string;
  readonly from: number;
  readonly to: number;
  /** Number of due times in [from, to]; a lower bound if `more`; 0 if the entry was revoked. */
  readonly count: number;
  readonly more?: boolean;
  readonly end: 'ran' | 'skipped' | 'missed' | 'caught-up';
  /** How the run of an entry that ran ended. Absent in entries stored before this was recorded. */
  readonly state?: RanState;
  /** Why the due times were skipped or missed, or why the run failed. */
  readonly reason: Reason | null;
  /** The run of the due time, or the one that caught it up. */
  readonly run: string | null;
}

/** A sparse histogram: delta-coded pairs as compact text. See stats.ts. */
export type PackedHistogram = string;

/** In milliseconds, except memory. */
export interface Histograms {
  /** Durations of attempts that succeeded. */
  runTime: PackedHistogram;
  /** Durations of attempts that did not. */
  failedRunTime: PackedHistogram;
  /** From the due time to the first start. For a run with parents, from the end of the parents. */
  startLateness: PackedHistogram;
  /** From the decision that the run is due to its first start. */
  queueWait: PackedHistogram;
  /** Processor time of attempts, whatever their outcome, if the engine measures it. */
  cpuTime: PackedHistogram;
  /** Peak memory of attempts in bytes, whatever their outcome, if the engine measures it. */
  peakMemory: PackedHistogram;
}

/** `today` grows with each ended run. The first one on a later day adds it to `before`. */
export interface JobStats {
  readonly name: string;
  /** UTC day of `today`: `2026-11-21`. */
  day: string;
  today: Histograms;
  before: Histograms;
}

export type { Join, Lineage, Outcome, Trigger };

export interface EngineSettings {
  /** Maximum concurrent attempts. Null: no limit. */
  readonly concurrency: number | null;
  readonly abilities: EngineAbilities;
  /** Concurrent starts. Absent: the general setting. */
  readonly startsInFlight?: number;
  /** The only node that reaches it. Absent if all nodes do, or there is only one. */
  readonly host?: string;
  /** Every attempt is on a host of the engine. All nodes reach them; the state has them among the other nodes. */
  readonly onHosts?: true;
  /** How long the engine remembers an ended launch: longer than any tolerated pause of a leader. */
  readonly tombstoneMs: number;
}

/** An engine of this program, configured here or not. */
export interface KnownEngine {
  readonly name: string;
  readonly abilities: EngineAbilities;
  /** The flag that enables it. Null: it is always enabled. */
  readonly flag: string | null;
}

/** The part of the configuration that the core needs. Routes, receivers and the run policy may be others at each decision. */
export interface Settings {
  /** Engines configured here. A job that names none gets the first one that can run it. */
  readonly engines: Readonly<Record<string, EngineSettings>>;
  /** For messages. Absent: no other engines are known. */
  readonly known?: readonly KnownEngine[];
  /** Named pools with the maximum concurrent attempts of each. */
  readonly pools: Readonly<Record<string, number>>;
  /** Receivers of the alerts of jobs that name none. Absent: no routes. */
  readonly routes?: readonly Route[];
  readonly maintenance?: readonly Maintenance[];
  /** Null or absent: jobs may ask for everything. */
  readonly runPolicy?: RunPolicy | null;
  /** Names of receivers, for warnings. Absent: unknown. */
  readonly receivers?: readonly string[];
  /** Names of services that are told of runs, for warnings. */
  readonly services?: readonly string[];
  /** Of this node, by which jobs choose nodes. */
  readonly labels?: Labels;
  /** Spans of runs are exported, and attempts learn theirs. */
  readonly traced?: boolean;
}

/** Another node that responds and takes launches. */
export interface OtherNode {
  readonly id: string;
  readonly labels: Labels;
  /** Maximum concurrent attempts of each engine that runs them there. */
  readonly capacity: Readonly<Record<string, number>>;
  /** It stands for all hosts of an engine together: a launch on it runs on each of them that its job allows. */
  readonly isAll?: true;
  /** Why engines take no launches there now; then they are not in `capacity`. */
  readonly silent?: Readonly<Record<string, string>>;
}

/** Runs of the past, as they are read. */
export interface RunPage {
  readonly items: Run[];
  /** Null: there are no others. */
  readonly next: string | null;
  /** The last run that was read, if it is not the last of `items`: that are those of the page that somebody may see. */
  readonly last?: Pick<Run, 'due' | 'id'>;
}
