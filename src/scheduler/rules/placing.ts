/**
 * Decides when a run starts: at once if every limit has a free slot; otherwise it is queued in a lane (see
 * slots.ts) and gets freed slots in the order of starts. Runs that wait for an earlier run of their job
 * arrive here when it is their turn.
 */

import { heldBy } from '../chronos/held.ts';
import { allows, choiceOf } from '../job/node-choice.ts';
import { policyFor } from '../job/policy.ts';
import type { OtherNode, Run } from '../model/model.ts';
import { isSame, type Reason } from '../model/reason.ts';
import { isHeld, nextRunState, readyAt } from '../model/run-state.ts';
import { inOrder, type Lane, type Limit } from '../state/slots.ts';
import type { Entry, State } from '../state/state.ts';
import type { Turn } from '../state/turn.ts';
import { whatThrows } from '../state/usable.ts';
import { type Hold, holdOf } from './calendars/holds.ts';
import { closeRun } from './closing.ts';
import { engineFor, policyRefusal } from './engine-choice.ts';
import { tryLaunched } from './given/launched.ts';
import { hostOf, launchRun, limitsOf, nextLaunch } from './launch.ts';
import { isSpread, leastLoaded, limitAt, limitFor } from './nodes.ts';
import { isOfToday } from './overlap.ts';

/** Silent hosts that a reason names. */
const silentShown = 3;

/**
 * Launches the run if every limit has a free slot; otherwise queues it for one that has none. Ends it if the run policy refuses it,
 * which may have changed since the job was put.
 */
export function placeRun(turn: Turn, entry: Entry, run: Run): void {
  const choice = chooseEngine(turn.state, entry);
  if ('obstacle' in choice) {
    queueRun(turn, run, choice.obstacle);
    return;
  }
  const hold = holdOf(turn.state, entry, turn.draft.now);
  if (hold !== null) {
    holdRun(turn, run, hold);
    return;
  }
  const own = limitFor(turn.state, entry, choice.engine);
  if (own?.among?.length === 0) {
    queueRun(turn, run, noNode(turn.state, entry, choice.engine));
    return;
  }
  const limits = limitsOf(turn.state, entry, own);
  const busy = busyLimit(turn, limits);
  if (busy === null) admit(turn, entry, { run, engine: choice.engine, limits });
  else queueRun(turn, run, allInUse(turn.state.slots.wait(run, limits, busy)));
}

/** The same once the jitter of a run that is due is over; until then, it waits. */
export function startOrWait(turn: Turn, entry: Entry, run: Run): void {
  const at = readyAt(run);
  if (run.jitter === undefined || at <= turn.draft.now) {
    placeRun(turn, entry, run);
    return;
  }
  run.notBefore = at;
  run.reason = { code: 'jitter', at };
  turn.draft.run(run);
  turn.state.watch(run);
}

/** The engine, or why the job has none: an accepted job may no longer be launchable here. */
function chooseEngine(state: State, { job, fault }: Entry): { engine: string } | { obstacle: Reason } {
  if (fault !== null) return { obstacle: { code: 'job-held', text: fault } };
  const { run } = job.definition;
  if (run === undefined) return { obstacle: { code: 'awaits-report' } };
  const choice = whatThrows(() => {
    const held = heldBy(job.definition);
    return held === null
      ? { engine: engineFor(run, state.settings) }
      : { obstacle: { code: 'job-held' as const, text: held } };
  });
  return typeof choice === 'string' ? { obstacle: { code: 'cannot-launch', text: choice } } : choice;
}

/** The limit for which a run must wait. Null if it may start. */
function busyLimit({ state, freed }: Turn, limits: readonly Limit[]): Limit | null {
  const full = state.slots.full(limits);
  if (full !== null) return full;
  const [first] = limits;
  if (first === undefined || state.slots.best(freed) === null) return null;
  // A slot freed in this turn goes to the run that starts first, which may be in a lane: fillSlots decides.
  freed.add(first.key);
  return first;
}

function admit(
  turn: Turn,
  entry: Entry,
  { run, engine, limits }: { run: Run; engine: string; limits: readonly Limit[] },
): void {
  const { slots, settings } = turn.state;
  const group = limits.find(({ among }) => among !== undefined);
  const node = group?.among === undefined ? null : leastLoaded(slots, group.among, run);
  const host = node === null ? hostOf(settings, engine) : node.host;
  const launched = tryLaunched(entry.job, run);
  if ('failure' in launched) {
    closeRun(turn, run, 'failed', launched.failure);
    return;
  }
  const policy = whatThrows(() => ({
    refusal: policyRefusal({ ...entry.job, ...launched }, engine, settings),
  }));
  if (typeof policy !== 'string' && policy.refusal !== null) {
    closeRun(turn, run, 'failed', policy.refusal);
    return;
  }
  const next = typeof policy === 'string' ? policy : nextLaunch(turn, entry, run, { engine, host });
  if (typeof next === 'string') {
    queueRun(turn, run, { code: 'cannot-launch', text: next });
    return;
  }
  slots.take(run, node === null ? limits : limits.map((limit) => (limit === group ? node : limit)));
  launchRun(turn, entry, run, next);
}

function queueRun(turn: Turn, run: Run, reason: Reason, notBefore: number | null = null): void {
  if (run.state === 'queued' && isSame(run.reason, reason) && run.notBefore === notBefore) return;
  if (run.state !== 'queued') run.state = nextRunState(run.state, 'queue');
  run.notBefore = notBefore;
  run.reason = reason;
  turn.draft.run(run);
}

/** It is placed again at the end of the hold. */
function holdRun(turn: Turn, run: Run, { reason, until }: Hold): void {
  turn.state.slots.leave(run);
  queueRun(turn, run, reason, until);
  turn.state.watch(run);
}

/** What holds runs has changed, or the clock: runs that are held, or are to be, are placed again. */
export function holdsChanged(turn: Turn): void {
  const { state, draft } = turn;
  const queued = [...state.runs.values()].filter((run) => {
    const entry = state.jobs.get(run.job);
    if (run.state !== 'queued' || entry === undefined) return false;
    return isHeld(run) || (run.notBefore === null && holdOf(state, entry, draft.now) !== null);
  });
  for (const run of queued) state.slots.leave(run);
  for (const run of queued.sort(inOrder)) {
    placeRun(turn, state.entry(run.job), run);
    draft.cut();
  }
}

/** Starts the oldest run that waits for its turn, once no other run of the job is unfinished. */
export function startWaiting(turn: Turn, job: string): void {
  const entry = turn.state.jobs.get(job);
  if (entry === undefined) return;
  const [next, ...others] = entry.runs.filter(isOfToday);
  if (next === undefined || next.state !== 'waiting' || next.notBefore !== null || next.kill !== null) return;
  // After an edit of the policy, a younger run may be unfinished.
  const { overlap } = policyFor(entry.job.definition);
  if (overlap !== 'allow' && others.some((other) => other.state !== 'waiting')) return;
  turn.draft.cut();
  startOrWait(turn, entry, next);
}

/** Gives freed slots to waiting runs, as long as one of them can start. */
export function fillSlots(turn: Turn): void {
  const { state, draft, freed } = turn;
  const { slots } = state;
  for (let lane = slots.best(freed); lane !== null; lane = slots.best(freed)) {
    const full = slots.full(lane.limits);
    const run = lane.runs[0] as Run;
    if (slots.isFull(lane.at)) freed.delete(lane.at.key);
    else if (full !== null) moveLane(turn, lane, full);
    else {
      const entry = state.entry(run.job);
      slots.leave(run);
      draft.cut();
      const hold = holdOf(state, entry, draft.now);
      if (hold !== null) holdRun(turn, run, hold);
      else
        admit(turn, entry, {
          run,
          engine: engineFor(entry.job.definition.run ?? {}, state.settings),
          limits: lane.limits,
        });
    }
  }
  freed.clear();
}

/** Stores only the first run's reason: thousands may wait behind it, and no decision depends on the text. */
function moveLane({ state, draft }: Turn, lane: Lane, to: Limit): void {
  state.slots.park(lane, to);
  const reason = allInUse(to);
  for (const run of lane.runs) run.reason = reason;
  draft.run(lane.runs[0] as Run);
}

/**
 * After an edit of the job: unfinished runs count towards its new limits, and waiting runs wait for those.
 */
export function reviseLimits(turn: Turn, entry: Entry): void {
  const { state, freed } = turn;
  const queued: Run[] = [];
  for (const run of entry.runs) {
    const attempt = run.attempts.at(-1);
    if (run.state === 'queued') queued.push(run);
    if (attempt === undefined || (run.state !== 'launching' && run.state !== 'running')) continue;
    for (const key of state.slots.release(run)) freed.add(key);
    state.slots.take(run, limitsOf(state, entry, limitAt(state, attempt.engine, attempt.host)));
  }
  for (const run of queued.sort(inOrder)) {
    state.slots.leave(run);
    placeRun(turn, entry, run);
  }
}

/** Nodes came, went, or stopped responding: runs that may be placed on them are placed again. */
export function nodesChanged(turn: Turn, nodes: readonly OtherNode[]): void {
  const { state, draft } = turn;
  state.others = nodes;
  const queued = [...state.runs.values()].filter(
    ({ state: is, notBefore, job }) =>
      is === 'queued' && notBefore === null && state.jobs.has(job) && mayBeSpread(state, state.entry(job)),
  );
  for (const run of queued) state.slots.leave(run);
  for (const run of queued.sort(inOrder)) {
    placeRun(turn, state.entry(run.job), run);
    draft.cut();
  }
}

/** False as long as the job has no engine. */
function mayBeSpread(state: State, entry: Entry): boolean {
  const choice = chooseEngine(state, entry);
  return 'engine' in choice && isSpread(state, entry, choice.engine);
}

function noNode({ others }: State, { job }: Entry, engine: string): Reason {
  const on = choiceOf(job.definition.run ?? {});
  const silent = others.flatMap(({ id, labels, silent: why }) =>
    why?.[engine] !== undefined && (on === undefined || allows(on, labels)) ? [`${id}: ${why[engine]}`] : [],
  );
  const text =
    silent.length > 0
      ? `nothing on which the job may run responds: ${silent.slice(0, silentShown).join('; ')}`
      : on === undefined
        ? `the engine ${engine} has no hosts`
        : `no node that responds has ${on}`;
  return { code: 'no-capacity', text };
}

function allInUse({ kind, name, slots }: Limit): Reason {
  return { code: 'limit-reached', limit: kind, name, places: slots };
}
