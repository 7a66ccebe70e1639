/**
 * The life of a run from its decision to its end; what happens to its attempts is in attempts.ts. Each function
 * changes the state in place and puts what must be durable into the draft; `settle` then tells children and
 * successors, so that an ending and what follows from it are one decision. Nothing here recurses: a chain of any
 * length settles in one loop.
 */

import { emptyJoin, type JoinSpec, type ParentEnd, parentEnded } from '../../dag/ready.ts';
import { heldBy } from '../chronos/held.ts';
import { type Policy, policyOf } from '../job/policy.ts';
import { runId } from '../model/ids.ts';
import type { EndState, LedgerLine, Outcome, Run, RunTrigger } from '../model/model.ts';
import { awaitsWord, isEnded, nextRunState } from '../model/run-state.ts';
import { holdBack } from '../state/lineage.ts';
import { inOrder, type Lane, type Limit } from '../state/places.ts';
import type { Entry } from '../state/state.ts';
import type { Turn } from '../state/turn.ts';
import { whatThrows } from '../state/usable.ts';
import { engineFor } from './engine-choice.ts';
import { launchRun, limitsOf, nextLaunch } from './launch.ts';
import { overlapOf } from './overlap.ts';

/** What makes a run: when, why, and whether it is skipped from the start. */
export interface Seed {
  readonly due: number;
  readonly variant: string;
  readonly root: string | null;
  readonly trigger: RunTrigger;
  readonly params?: Readonly<Record<string, string>>;
  readonly catchesUp?: number;
  /** One of several late due instants that are run one after the other. */
  readonly inRow?: boolean;
  /** Why the run is skipped before it began; null: it is wanted. */
  readonly skip?: string | null;
  /** Who says that the run has succeeded, without running it. */
  readonly marked?: string;
}

/** Decides a run: launched, queued, waiting for its turn, or skipped, as the overlap policy says. */
export function openRun(turn: Turn, entry: Entry, seed: Seed): Run {
  const { state, draft } = turn;
  const policy = policyOf(entry.job.definition.policy);
  // The id is the identity: deciding it again decides nothing.
  const known = state.runs.get(runId(entry.job.name, seed.due, seed.variant));
  if (known !== undefined) return known;
  const run = newRun(entry, seed, draft.now);
  const others = entry.runs;
  state.putRun(run);
  entry.runs = [...others, run];
  if (seed.marked !== undefined) {
    closeRun(turn, run, 'succeeded', `marked as succeeded by ${seed.marked}`);
    return run;
  }
  const overlap = overlapOf(policy, others, {
    byClock: seed.trigger.kind === 'schedule',
    inRow: seed.inRow === true,
  });
  const skip = seed.skip ?? (overlap.kind === 'skip' ? overlap.reason : null);
  if (skip !== null) {
    closeRun(turn, run, 'skipped', skip);
    return run;
  }
  if (overlap.kind === 'wait') {
    for (const other of overlap.replaces) replaceRun(turn, other, run);
    run.reason = overlap.reason;
    draft.run(run);
  } else placeRun(turn, entry, run);
  state.watch(run);
  return run;
}

/** A run as it is before anything became of it. */
export function newRun(entry: Entry, seed: Seed, now: number): Run {
  const policy = policyOf(entry.job.definition.policy);
  return {
    id: runId(entry.job.name, seed.due, seed.variant),
    job: entry.job.name,
    due: seed.due,
    variant: seed.variant,
    root: seed.root,
    trigger: seed.trigger,
    params: seed.params ?? {},
    priority: policy.priority,
    createdAt: now,
    catchesUp: seed.catchesUp ?? 0,
    ...(seed.inRow === true && { inRow: true as const }),
    revision: entry.job.revision,
    state: 'waiting',
    reason: null,
    notBefore: null,
    startBy: startBy(policy, seed, now),
    kill: null,
    attempts: [],
    endedAt: null,
  };
}

/** A start window counts from the due instant; for a child from when its parents were done. */
function startBy(policy: Policy, seed: Seed, now: number): number | null {
  if (policy.startWithinMs === null) return null;
  return (seed.trigger.kind === 'schedule' ? seed.due : now) + policy.startWithinMs;
}

function replaceRun(turn: Turn, other: Run, by: Run): void {
  if (isEnded(other.state)) return;
  killRun(turn, other, { by: by.id, as: 'killed', reason: `replaced by ${by.id}` });
}

/** Launches the run if every limit has a place, else lets it wait for one that has none. */
export function placeRun(turn: Turn, entry: Entry, run: Run): void {
  const { state, freed } = turn;
  // It was accepted, and can't be launched here: its engine is not configured any more, or it can't be read.
  const chosen =
    entry.fault ??
    whatThrows(() => {
      const held = heldBy(entry.job.definition);
      return { held, engine: held === null ? engineFor(entry.job.definition.run, state.settings) : '' };
    });
  if (typeof chosen === 'string' || chosen.held !== null) {
    queueRun(turn, run, typeof chosen === 'string' ? chosen : (chosen.held ?? ''));
    return;
  }
  const { engine } = chosen;
  const limits = limitsOf(state, entry, engine);
  const [first] = limits;
  const full = state.places.full(limits);
  if (full === null && (first === undefined || state.places.best(freed) === null)) {
    admit(turn, entry, { run, engine, limits });
    return;
  }
  // What came free in this turn is for those that waited, if they start before this one: `fillPlaces` decides.
  if (full === null && first !== undefined) freed.add(first.key);
  const at = state.places.wait(run, limits, full ?? (first as Limit));
  queueRun(turn, run, allTaken(at));
}

function admit(
  turn: Turn,
  entry: Entry,
  { run, engine, limits }: { run: Run; engine: string; limits: readonly Limit[] },
): void {
  const next = nextLaunch(turn, entry, run, engine);
  if (typeof next === 'string') {
    queueRun(turn, run, next);
    return;
  }
  turn.state.places.take(run, limits);
  launchRun(turn, entry, run, next);
}

function allTaken({ label, places }: Limit): string {
  return places === 1 ? `${label}: its only place is taken` : `${label}: all ${places} places are taken`;
}

/** After an edit of the job: what is under way counts for its limits of now, and what waits, waits for those. */
export function reviseLimits(turn: Turn, entry: Entry): void {
  const { state, freed } = turn;
  const queued: Run[] = [];
  for (const run of entry.runs) {
    const attempt = run.attempts.at(-1);
    if (run.state === 'queued') queued.push(run);
    if (attempt === undefined || (run.state !== 'launching' && run.state !== 'running')) continue;
    for (const key of state.places.release(run)) freed.add(key);
    state.places.take(run, limitsOf(state, entry, attempt.engine));
  }
  for (const run of queued.sort(inOrder)) {
    state.places.leave(run);
    placeRun(turn, entry, run);
  }
}

function queueRun(turn: Turn, run: Run, reason: string): void {
  if (run.state === 'queued' && run.reason === reason && run.notBefore === null) return;
  if (run.state !== 'queued') run.state = nextRunState(run.state, 'queue');
  run.notBefore = null;
  run.reason = reason;
  turn.draft.run(run);
}

/** Asks for the run's end: at once where nothing runs, else through the engine. */
export function killRun(
  turn: Turn,
  run: Run,
  kill: { by: string; as: 'killed' | 'timed-out'; reason: string },
): void {
  const attempt = run.attempts.at(-1);
  if (run.state === 'waiting' || run.state === 'queued' || attempt === undefined) {
    closeRun(turn, run, 'killed', kill.reason);
    return;
  }
  if (awaitsWord(run)) {
    // Nothing of it runs on the engine any more.
    attempt.endedAt = turn.draft.now;
    closeRun(turn, run, kill.as, kill.reason);
    return;
  }
  if (run.kill !== null) {
    // It is being ended already. A timeout may be retried, and what somebody asked to end may not.
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

/** Ends the run: counters, statistics, ledger and history; `settle` does what follows from it. */
export function closeRun(turn: Turn, run: Run, end: EndState, reason: string | null): void {
  const { state, draft } = turn;
  const entry = state.jobs.get(run.job);
  run.state = nextRunState(run.state, end);
  run.reason = reason;
  run.notBefore = null;
  run.endedAt = draft.now;
  for (const key of state.places.release(run)) turn.freed.add(key);
  state.places.leave(run);
  state.dropRun(run);
  if (entry !== undefined) {
    countRun(turn, entry, run, end);
    if (run.variant === '') draft.ledger(ledgerLine(run, end));
    entry.openLine = null;
    draft.state(entry.state);
  }
  draft.run(run);
  turn.ended.push(run);
}

function ledgerLine(run: Run, end: EndState): LedgerLine {
  const became = end === 'skipped' || end === 'missed' ? { end } : { end: 'ran' as const, state: end };
  return {
    job: run.job,
    from: run.due,
    to: run.due,
    count: 1,
    ...became,
    reason: run.reason,
    run: run.id,
  };
}

function countRun(turn: Turn, entry: Entry, run: Run, end: EndState): void {
  const { state } = entry;
  state.last = { id: run.id, state: end, due: run.due, endedAt: turn.draft.now };
  if (end === 'succeeded') {
    state.succeeded += 1;
    state.consecutiveFailures = 0;
    state.lastSucceededAt = turn.draft.now;
  } else if (end === 'skipped') state.skipped += 1;
  else if (end === 'missed') state.missed += 1;
  else {
    state.failed += 1;
    // A kill is a person's doing and says nothing about the job.
    if (end === 'killed') state.killed += 1;
    else {
      state.consecutiveFailures += 1;
      state.lastFailedAt = turn.draft.now;
    }
  }
  const limit = policyOf(entry.job.definition.policy).disableAfterFailures;
  if (limit !== null && state.consecutiveFailures >= limit && state.disabled === null && end !== 'skipped') {
    state.disabled = { at: turn.draft.now, reason: `${state.consecutiveFailures} failed runs in a row` };
    turn.draft.notice({ kind: 'job', name: state.name, change: 'disabled', revision: entry.job.revision });
  }
}

/** Tells children and successors of all that ended in this turn, then gives freed places to who waits. */
export function settle(turn: Turn): void {
  // Grows while it is walked: a child that is skipped ends too. One group until here: see `closeRun`.
  for (const run of turn.ended) tellChildren(turn, run);
  for (const run of turn.ended) takeTurn(turn, run.job);
  turn.ended.length = 0;
  fillPlaces(turn);
}

const outcomes: Readonly<Record<EndState, Outcome>> = {
  succeeded: 'succeeded',
  failed: 'failed',
  killed: 'failed',
  'timed-out': 'failed',
  lost: 'failed',
  skipped: 'skipped',
  missed: 'skipped',
};

/** How children take the ending. A kill is no failure of the job, and is never passed over. */
function outcomeOf({ state }: Turn, job: string, end: EndState): Outcome {
  const continues = policyOf(state.jobs.get(job)?.job.definition.policy).onFailure === 'continue';
  return continues && end !== 'killed' && outcomes[end] === 'failed' ? 'succeeded' : outcomes[end];
}

/** By the first letter of a run's variant. */
const lineage: Readonly<Record<string, ParentEnd['kind']>> = { m: 'manual', r: 'rerun' };

function tellChildren(turn: Turn, run: Run): void {
  const { state, draft } = turn;
  if (!isEnded(run.state)) return;
  const end: ParentEnd = {
    parent: run.job,
    runId: run.id,
    due: run.due,
    variant: run.variant,
    outcome: outcomeOf(turn, run.job, run.state),
    kind: lineage[run.variant.charAt(0)] ?? 'scheduled',
  };
  const branches = run.root === null ? null : state.branches(run.root);
  for (const name of state.graph.childrenOf(run.job)) {
    const child = state.jobs.get(name);
    const spec = child === undefined ? null : state.joinSpec(child);
    if (child === undefined || spec === null) continue;
    const meeting = branches === null ? [] : spec.parents.filter((parent) => branches.has(parent));
    const { held, released } = holdBack(child.state.held, end, meeting.length > 1 ? meeting : []);
    child.state.held = held;
    draft.state(child.state);
    const whole = meeting.length > 1 && meeting.length === spec.parents.length;
    for (const each of released) tellChild(turn, child, spec, { ...each, whole }, run.root);
  }
}

function tellChild(turn: Turn, child: Entry, spec: JoinSpec, end: ParentEnd, root: string | null): void {
  const { join, firings } = parentEnded(child.state.join ?? emptyJoin, spec, end);
  child.state.join = join;
  turn.draft.state(child.state);
  for (const firing of firings) {
    openRun(turn, child, {
      due: firing.due,
      variant: firing.variant,
      root,
      trigger: { kind: 'parents', runs: firing.parents },
      skip: firing.run ? idleReason(child) : firing.reason,
    });
  }
}

/** Why nothing of the job is launched now; null when it is active. */
export function idleReason(entry: Entry): string | null {
  if (entry.fault !== null) return entry.fault;
  if (entry.state.paused !== null) return 'the job is paused';
  return entry.state.disabled === null ? null : `the job is disabled: ${entry.state.disabled.reason}`;
}

/** Lets the oldest run that waits for its turn go, once nothing else of the job is under way. */
export function takeTurn(turn: Turn, job: string): void {
  const entry = turn.state.jobs.get(job);
  if (entry === undefined) return;
  const [next, ...others] = entry.runs;
  if (next === undefined || next.state !== 'waiting' || next.notBefore !== null || next.kill !== null) return;
  // After an edit of the policy a younger run may be under way.
  const { overlap } = policyOf(entry.job.definition.policy);
  if (overlap !== 'allow' && others.some((other) => other.state !== 'waiting')) return;
  turn.draft.cut();
  placeRun(turn, entry, next);
}

/** Gives the places that came free to those that wait, as long as one of them can start. */
function fillPlaces(turn: Turn): void {
  const { state, draft, freed } = turn;
  const { places } = state;
  for (let lane = places.best(freed); lane !== null; lane = places.best(freed)) {
    const full = places.full(lane.limits);
    const run = lane.runs[0] as Run;
    if (places.isFull(lane.at)) freed.delete(lane.at.key);
    else if (full !== null) moveLane(turn, lane, full);
    else {
      const entry = state.entry(run.job);
      places.leave(run);
      draft.cut();
      admit(turn, entry, {
        run,
        engine: engineFor(entry.job.definition.run, state.settings),
        limits: lane.limits,
      });
    }
  }
  freed.clear();
}

/** Only the first is written: thousands may stand behind it, and nothing is decided by the words. */
function moveLane({ state, draft }: Turn, lane: Lane, to: Limit): void {
  state.places.park(lane, to);
  for (const run of lane.runs) run.reason = allTaken(to);
  draft.run(lane.runs[0] as Run);
}
