/**
 * The words of the domain as types. Everything here is plain data: it can be compared, stored as JSON and
 * sent over a wire. Instants are epoch milliseconds, durations end in `Ms`; text forms live in the
 * definition (what a person wrote) and in the API.
 */

import type { Join, Outcome, ParentEnd, Trigger } from '../../dag/ready.ts';
import type { JobDefinition } from '../job/definition.ts';
import type { EngineAbilities } from '../job/engine-abilities.ts';
import type { ScheduleInput } from '../schedule/model.ts';

/** A job as accepted: what was written, and what had to be fixed at that moment to make it repeatable. */
export interface Job {
  readonly name: string;
  readonly definition: JobDefinition;
  /** The time schedule with H expanded and an omitted start filled in; null for `after` and manual jobs. */
  readonly resolved: ScheduleInput | null;
  /** Counts from 1 with each accepted change. */
  readonly revision: number;
  readonly createdAt: number;
  /** When it was restored from a backup: launches that are decided since have names of their own; see restored.ts. */
  readonly restoredAt?: number;
  readonly updatedAt: number;
  readonly updatedBy: string;
}

/** One accepted change of a job; a removal has no definition. */
export interface Revision {
  readonly job: string;
  readonly revision: number;
  readonly at: number;
  readonly by: string;
  readonly definition: JobDefinition | null;
}

/** What changes as a job runs. Written with each ending, so it is kept small. */
export interface JobState {
  readonly name: string;
  /** Every due instant up to and including this one is decided: it has a run or a ledger line. */
  cursor: number;
  /** Stretches behind the cursor that are decided already; filled only when the clock was set back. Bounded. */
  ahead: readonly Stretch[];
  /** Up to here nothing was decided under the schedule that the job has now. */
  begins: number;
  /** What was decided under schedules that the job had before. Bounded. */
  eras: readonly Stretch[];
  /** Lines of the ledger that a clock which is set back takes back; see decided.ts. */
  leaps: readonly Leap[];
  paused: { readonly at: number; readonly by: string } | null;
  /** Set by `disableAfterFailures`; cleared by resume. */
  disabled: { readonly at: number; readonly reason: string } | null;
  /** Progress of the rounds of a job with parents. */
  join: Join | null;
  /** Endings of parents in a rerun, or a start by hand, whose other branches have not ended; see lineage.ts. */
  held: readonly ParentEnd[];
  succeeded: number;
  failed: number;
  skipped: number;
  missed: number;
  /** Of the failed ones: ended on somebody's word. */
  killed: number;
  consecutiveFailures: number;
  lastSucceededAt: number | null;
  /** Failed, timed out or lost. */
  lastFailedAt: number | null;
  last: LastRun | null;
  /** Set when the job was removed: its past waits for a job of the same name. */
  removed: Removal | null;
}

/** What the next job of the name must know of the one that was removed. */
export interface Removal {
  readonly at: number;
  readonly by: string;
  /** The number of the removal among the revisions. */
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

/** A line for a long stretch, made at once; `schedule` is the one it was made under, unless the job has it still. */
export interface Leap {
  readonly line: LedgerLine;
  readonly schedule?: ScheduleInput;
}

/** The newest ended run, kept beside the counters so that lists need no history. */
export interface LastRun {
  readonly id: string;
  readonly state: EndState;
  readonly due: number;
  readonly endedAt: number;
}

export const endStates = ['succeeded', 'failed', 'killed', 'timed-out', 'lost', 'skipped', 'missed'] as const;
export type EndState = (typeof endStates)[number];
/** The ends of a run that ran. */
export type RanState = Exclude<EndState, 'skipped' | 'missed'>;
export const liveStates = ['waiting', 'queued', 'launching', 'running'] as const;
export type LiveState = (typeof liveStates)[number];
export type RunState = LiveState | EndState;

/** Why a run exists. */
export type RunTrigger =
  | { readonly kind: 'schedule' }
  | { readonly kind: 'parents'; readonly runs: readonly string[] }
  | { readonly kind: 'manual'; readonly by: string }
  | { readonly kind: 'rerun'; readonly by: string; readonly of: string };

/** One job at one due instant (or trigger). Its identity is (job, due, variant). */
export interface Run {
  readonly id: string;
  readonly job: string;
  readonly due: number;
  /** Empty for what a schedule made; `m…` or `r…` for manual runs, reruns, and what hangs on them. */
  readonly variant: string;
  /** The job whose trigger or rerun this run goes back to; null for what a schedule made. */
  readonly root: string | null;
  readonly trigger: RunTrigger;
  readonly params: Readonly<Record<string, string>>;
  readonly priority: number;
  /** When it was decided, by the leader's clock; until it ends, it moves with that clock. See durations.ts. */
  createdAt: number;
  /** The leader's clock when it last decided something about the run; the next leader compares its own with it. */
  decidedAt?: number;
  /** How many earlier due instants this run stands for (catch-up `latest`). */
  readonly catchesUp: number;
  /** One of a row of due instants that passed unseen and are run one after the other; see overlap.ts. */
  readonly inRow?: true;
  /** The job's revision that the newest attempt was launched with. */
  revision: number;
  state: RunState;
  /** Why it waits, or why it ended so; null when there is nothing to say. */
  reason: string | null;
  /** Waiting until this instant (retry back-off), or queued until then (engine without a place for it). */
  notBefore: number | null;
  /** Ends as missed when no attempt was launched by then. */
  startBy: number | null;
  /** A kill was asked for and its result is awaited. */
  kill: Kill | null;
  /** How the newest attempt did, told before its command had ended; see `completion: callback`. */
  told?: { readonly at: number; readonly by: string; readonly succeeded: boolean } | undefined;
  attempts: Attempt[];
  endedAt: number | null;
}

export interface Kill {
  readonly at: number;
  readonly by: string;
  /** How the run will end. */
  readonly as: 'killed' | 'timed-out';
  readonly reason: string;
}

/** One launch of a run. */
export interface Attempt {
  readonly number: number;
  readonly engine: string;
  /** The node whose own engine it is; null where every node reaches the engine. */
  readonly host: string | null;
  readonly launchName: string;
  /** The leadership that decided it. */
  readonly term: number;
  createdAt: number;
  startedAt: number | null;
  /** The leader's clock when it saw the start happen; left out where it learned of it later. */
  seenAt?: number;
  endedAt: number | null;
  /** The image it ran, by its digest; left out until its engine has said so, and for processes. */
  image?: string;
  exitCode: number | null;
  reason: string | null;
  /** Of its oldest output; null: some, which its engine does not count. Left out: none that is known. */
  bytesDropped?: number | null;
}

/** What became of due instants: one line for one, or for a stretch that ended alike. */
export interface LedgerLine {
  readonly job: string;
  readonly from: number;
  readonly to: number;
  /** How many due instants lie in [from, to]; a lower bound when `more`; 0 when the line was taken back. */
  readonly count: number;
  readonly more?: boolean;
  readonly end: 'ran' | 'skipped' | 'missed' | 'caught-up';
  /** How the run of a line that ran ended; absent from lines that were stored before this was recorded. */
  readonly state?: RanState;
  /** Why the instants were skipped or missed, or why the run failed. */
  readonly reason: string | null;
  /** The run that ran, or that caught up. */
  readonly run: string | null;
}

/** A sparse histogram: delta-coded pairs as compact text. See stats.ts. */
export type PackedHistogram = string;

/** Milliseconds, all of them. */
export interface Histograms {
  /** Start to end of attempts that succeeded. */
  runTime: PackedHistogram;
  /** Start to end of attempts that did not. */
  failedRunTime: PackedHistogram;
  /** Due instant to the first start; for a run with parents, from when they were done. */
  startLateness: PackedHistogram;
  /** Decision that the run is due until its first start. */
  queueWait: PackedHistogram;
}

/** `today` grows with each ending; at the first ending of a later day it is added to `before`. */
export interface JobStats {
  readonly name: string;
  /** UTC day of `today`: `2026-11-21`. */
  day: string;
  today: Histograms;
  before: Histograms;
}

export type { Join, Outcome, Trigger };

export interface EngineSettings {
  /** Attempts it may have at once; null: no bound. */
  readonly concurrency: number | null;
  readonly abilities: EngineAbilities;
  /** Starts it is given at a time; left out: as many as every other. */
  readonly startsInFlight?: number;
  /** The node that alone reaches it; left out where every node does, or there is only one. */
  readonly host?: string;
  /** How long an ended launch is remembered by the engine: longer than any pause of a leader we tolerate. */
  readonly tombstoneMs: number;
}

/** An engine that this program has, whether it is configured here or not. */
export interface KnownEngine {
  readonly name: string;
  readonly abilities: EngineAbilities;
  /** The flag by which a scheduler gets it; null: it always has it. */
  readonly flag: string | null;
}

/** What the core must know of the configuration. */
export interface Settings {
  /** Those configured here. A job that names none gets the first that can run it. */
  readonly engines: Readonly<Record<string, EngineSettings>>;
  /** For messages; left out: no others are known. */
  readonly known?: readonly KnownEngine[];
  /** Named pools and how many attempts each may have at once. */
  readonly pools: Readonly<Record<string, number>>;
}
