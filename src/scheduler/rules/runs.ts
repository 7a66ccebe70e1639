/**
 * The life of a run: decided, replaced, killed. attempts.ts handles its attempts, placing.ts its start, closing.ts its
 * end, and endings.ts what follows from that. Each function changes the state in place and adds what
 * must be durable to the draft.
 */

import { emptyJoin, startedAs } from '../../dag/ready.ts';
import { CarillonError } from '../../errors.ts';
import { EXTERNAL, isExternal } from '../job/external.ts';
import { jitterOf } from '../job/jitter.ts';
import { type Params, withDefaults } from '../job/params.ts';
import { policyFor, policyOf } from '../job/policy.ts';
import { runId } from '../model/ids.ts';
import type { BackfillStep, Interval, Lineage, Run, RunTrigger } from '../model/model.ts';
import { type Reason, refTo } from '../model/reason.ts';
import { awaitsCallback, isEnded } from '../model/run-state.ts';
import type { Schedule } from '../schedule/model.ts';
import { memberAt, nextInstant } from '../schedule/next.ts';
import { intervalOf } from '../state/interval.ts';
import type { Entry, State } from '../state/state.ts';
import type { Turn } from '../state/turn.ts';
import { holdOf } from './calendars/holds.ts';
import { closeRun } from './closing.ts';
import { unmetCondition } from './given/launched.ts';
import { isOfToday, overlapOf, starts } from './overlap.ts';
import { startOrWait } from './placing.ts';

/** What creates a run: when, why, and whether it is skipped from the start. */
export interface Seed {
  readonly due: number;
  readonly variant: string;
  readonly lineage: Lineage;
  readonly root: string | null;
  readonly trigger: RunTrigger;
  readonly params?: Params;
  /** What a user gave, for the jobs that follow. */
  readonly shared?: Params | undefined;
  readonly catchesUp?: number;
  /** One of several late due times that run one after another. */
  readonly inRow?: boolean;
  /** Default: by its due time. */
  readonly interval?: Interval;
  /** Why the run is skipped before it starts. Null: it is not. */
  readonly skip?: Reason | null;
  /** The user who marks the run as succeeded without running it. */
  readonly marked?: string;
  readonly backfill?: BackfillStep;
  /** Default: that of the job. */
  readonly priority?: number;
}

/** A run that the schedule makes due, with the parameters of the first of several schedules that do. */
export function ofSchedule({ job, schedule }: Entry, due: number, isLate: boolean): Seed {
  const member = schedule === null ? -1 : memberAt(schedule, due);
  const params = job.definition.schedule?.any?.[member]?.params;
  return {
    due,
    variant: '',
    lineage: 'scheduled',
    root: null,
    trigger: isLate ? { kind: 'schedule', catchUp: true } : { kind: 'schedule' },
    ...(params !== undefined && { params }),
  };
}

/** Decides a run: launched, queued, waiting for its turn, or skipped, according to the overlap policy. */
export function openRun(turn: Turn, entry: Entry, seed: Seed): Run {
  const { state, draft } = turn;
  const policy = policyFor(entry.job.definition);
  // The id is the identity: deciding the same run again has no effect.
  const known = state.runs.get(runId(entry.job.name, seed.due, seed.variant));
  if (known !== undefined) return known;
  const run = newRun(state, entry, seed, draft.now);
  const others = entry.runs;
  state.putRun(run);
  entry.runs = [...others, run];
  if (seed.marked !== undefined) {
    closeRun(turn, run, 'succeeded', { code: 'marked-succeeded', by: seed.marked });
    return run;
  }
  const unmet = (seed.skip ?? null) === null && entry.fault === null ? unmetCondition(entry.job, run) : null;
  if (unmet !== null) {
    closeRun(turn, run, unmet.end, unmet.reason);
    return run;
  }
  const overlap =
    seed.backfill === undefined ? overlapOf(policy, others.filter(isOfToday), seed.inRow === true) : starts;
  const skip =
    seed.skip ?? blackedOut(turn, entry, seed) ?? (overlap.kind === 'skip' ? overlap.reason : null);
  if (skip !== null) {
    closeRun(turn, run, 'skipped', skip);
    return run;
  }
  if (overlap.kind === 'wait') {
    for (const other of overlap.replaces) replaceRun(turn, other, run);
    run.reason = overlap.reason;
    draft.run(run);
  } else startOrWait(turn, entry, run);
  if (isEnded(run.state)) return run;
  if (isExternal(entry.job.definition)) giveUpOldest(turn, others.filter(isOfToday));
  state.watch(run);
  state.watchLate(run, draft.now);
  return run;
}

/** Why the run is skipped because of its due time. Runs that a user begins wait instead. */
function blackedOut({ state, draft }: Turn, entry: Entry, { lineage }: Seed): Reason | null {
  const hold = lineage === 'scheduled' ? holdOf(state, entry, draft.now) : null;
  return hold?.then === 'skip' ? hold.reason : null;
}

/** The same for a run that a user begins. Other jobs may run under the same variant, and this one may follow them. */
export function openStarted(turn: Turn, entry: Entry, seed: Seed): Run {
  const parents = turn.state.graph.parentsOf(entry.job.name);
  if (parents.length > 0) {
    entry.state.join = startedAs(entry.state.join ?? emptyJoin, parents, seed);
    turn.draft.state(entry.state);
  }
  const run = openRun(turn, entry, seed);
  const { trigger, marked } = seed;
  if (marked !== undefined)
    turn.draft.act({ kind: 'run.marked-succeeded', job: run.job, run: run.id, by: marked });
  else if (trigger.kind === 'manual' || trigger.kind === 'rerun')
    turn.draft.act({ kind: 'run.triggered', job: run.job, run: run.id, by: trigger.by });
  return run;
}

export const runEnded = (id: string): CarillonError =>
  new CarillonError('RUN_ENDED', `Run ${id} has ended or never existed.`, { field: 'id', value: id });

/** A new run before anything has happened to it. */
export function newRun(state: State, entry: Entry, seed: Seed, now: number): Run {
  const policy = policyOf(entry.job.definition.policy);
  const interval = seed.interval ?? intervalOf(state, entry, seed);
  const jitter = seed.trigger.kind === 'schedule' ? jitterOf(entry.job.definition, seed.due) : 0;
  return {
    id: runId(entry.job.name, seed.due, seed.variant),
    job: entry.job.name,
    due: seed.due,
    variant: seed.variant,
    lineage: seed.lineage,
    root: seed.root,
    trigger: seed.trigger,
    params: paramsOf(entry, seed),
    ...(seed.shared !== undefined && { shared: seed.shared }),
    priority: seed.priority ?? policy.priority,
    createdAt: now,
    catchesUp: seed.catchesUp ?? 0,
    ...(seed.inRow === true && { inRow: true as const }),
    ...(seed.backfill !== undefined && { backfill: seed.backfill }),
    ...(interval !== null && { interval }),
    ...(jitter > 0 && { jitter }),
    revision: entry.job.revision,
    state: 'waiting',
    reason: null,
    notBefore: null,
    startBy: startBy(entry, seed, now, jitter),
    kill: null,
    attempts: [],
    endedAt: null,
  };
}

/** The defaults of a job that cannot be read here are not known. */
const paramsOf = ({ job, fault }: Entry, { params = {} }: Seed): Params =>
  fault === null ? withDefaults(job.definition.params, params) : params;

/** A start window counts from the due time with its jitter; for a child, from the end of its parents. A backfill takes its time. */
function startBy({ job, schedule }: Entry, seed: Seed, now: number, jitter: number): number | null {
  if (seed.backfill !== undefined) return null;
  const { startWithinMs } = policyOf(job.definition.policy);
  if (startWithinMs === null) return isExternal(job.definition) ? reportedBy(schedule, seed, now) : null;
  return (seed.trigger.kind === 'schedule' ? seed.due + jitter : now) + startWithinMs;
}

/** A report may arrive this long after the next due time, with which the previous one is given up. */
const REPORT_DELAY_MS = 60_000;
/** Of a due time without a next one. */
const REPORT_WITHIN_MS = 3_600_000;
/** Unfinished runs of a job that somebody else runs. */
export const MAX_REPORTED_RUNS = 100;

/** Until when somebody else may report a run: a bit longer than to the next due time. */
function reportedBy(schedule: Schedule | null, seed: Seed, now: number): number | null {
  if (seed.trigger.kind !== 'schedule') return null;
  const from = Math.max(seed.due, now);
  const next = schedule === null ? null : nextInstant(schedule, from);
  return next === null ? from + REPORT_WITHIN_MS : next + REPORT_DELAY_MS;
}

/** Nothing may ever be reported of the others of a new run. Those that run are the last to go. */
function giveUpOldest(turn: Turn, others: readonly Run[]): void {
  const surplus = others.length + 1 - MAX_REPORTED_RUNS;
  if (surplus <= 0) return;
  const hasBegun = ({ attempts }: Run): boolean => attempts.length > 0;
  const inTurn = [...others.filter((run) => !hasBegun(run)), ...others.filter(hasBegun)];
  for (const run of inTurn.slice(0, surplus)) giveUp(turn, run);
}

/** Nobody reports this run any more. */
export function giveUp(turn: Turn, run: Run, reason?: Reason): void {
  const attempt = run.attempts.at(-1);
  if (attempt === undefined) closeRun(turn, run, 'missed', reason ?? { code: 'not-reported' });
  else {
    attempt.endedAt = turn.draft.now;
    closeRun(turn, run, 'lost', reason ?? { code: 'end-not-reported' });
  }
}

/** Why the job does not launch runs at the moment. Null if it is active. */
export function idleReason({ fault, state }: Entry): Reason | null {
  if (fault !== null) return { code: 'job-held', text: fault };
  if (state.paused !== null) return { code: 'job-paused' };
  return state.disabled && { code: 'job-disabled', because: state.disabled.reason };
}

function replaceRun(turn: Turn, other: Run, by: Run): void {
  if (isEnded(other.state)) return;
  killRun(turn, other, { by: by.id, as: 'killed', reason: { code: 'replaced', run: refTo(by) } });
}

/** Requests the end of a run: at once if nothing runs, otherwise through the engine. */
export function killRun(
  turn: Turn,
  run: Run,
  kill: { by: string; as: 'killed' | 'timed-out'; reason: Reason },
): void {
  const attempt = run.attempts.at(-1);
  if (run.state === 'waiting' || run.state === 'queued' || attempt === undefined) {
    closeRun(turn, run, 'killed', kill.reason);
    return;
  }
  if (awaitsCallback(run) || attempt.engine === EXTERNAL) {
    // Nothing of it runs on the engine any more.
    attempt.endedAt = turn.draft.now;
    closeRun(turn, run, kill.as, kill.reason);
    return;
  }
  if (run.kill !== null) {
    // It is already being ended. A timeout may be retried, but a kill by a user may not.
    if (run.kill.as === 'timed-out' && kill.as === 'killed') {
      run.kill = { ...run.kill, ...kill };
      run.reason = kill.reason;
      turn.draft.run(run);
    }
    return;
  }
  run.kill = { at: turn.draft.now, ...kill };
  run.reason = kill.reason;
  turn.draft.run(run);
  turn.draft.effect({
    kind: 'kill',
    engine: attempt.engine,
    host: attempt.host,
    launchName: attempt.launchName,
    graceMs: policyOf(turn.state.jobs.get(run.job)?.job.definition.policy).killAfterMs,
  });
  turn.state.watch(run);
}
