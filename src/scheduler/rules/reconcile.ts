/**
 * Compares the state with what an engine reports, after a takeover and at intervals. Pure: the same state and
 * report give the same decision.
 */

import type { Inventory } from '../event.ts';
import type { Run } from '../model/model.ts';
import { isSame } from '../model/reason.ts';
import type { LaunchReport } from '../ports.ts';
import { inOrder } from '../state/slots.ts';
import type { Entry, State } from '../state/state.ts';
import type { Turn } from '../state/turn.ts';
import { attemptEnded, attemptOutputDropped, attemptStarted, reported } from './attempts.ts';
import { closeRun } from './closing.ts';
import { propagateEnds } from './endings.ts';
import { askToLaunch, hostOf, limitsOf } from './launch.ts';
import { isSpread, limitAt } from './nodes.ts';
import { placeRun, startWaiting } from './placing.ts';

/** Maximum ended launches removed per inventory; the next inventory continues. */
const MAX_REMOVALS = 1_000;
/** Time between TERM and KILL for a launch that belongs to no run. */
const ORPHAN_GRACE_MS = 10_000;

/** Rebuilds what is not stored and lets runs go on that wait for nothing; before any inventory. */
export function resume(turn: Turn): void {
  const { state, draft } = turn;
  const runs = [...state.runs.values()];
  for (const run of runs) {
    const entry = state.jobs.get(run.job);
    const attempt = run.attempts.at(-1);
    state.watch(run);
    if (entry === undefined || attempt === undefined || run.state === 'waiting' || run.state === 'queued')
      continue;
    state.slots.take(run, limitsOf(state, entry, limitAt(state, attempt.engine, attempt.host)));
    if (run.state === 'launching') sayEngineGone(turn, run, attempt.engine);
  }
  // A kill ends a run that was not launched at once, so a pending one came from a backup; see restored.ts.
  for (const run of runs)
    if (run.kill !== null && (run.state === 'waiting' || isQueued(run)))
      closeRun(turn, run, run.kill.as, run.kill.reason);
  propagateEnds(turn);
  draft.cut();
  // Runs that waited for a slot go first, in the order in which they would have got it.
  for (const run of runs.filter((each) => isQueued(each) && each.notBefore === null).sort(inOrder)) {
    const entry = state.jobs.get(run.job);
    if (entry === undefined) continue;
    placeRun(turn, entry, run);
    draft.cut();
  }
  for (const run of runs) {
    if (isQueued(run) || !state.jobs.has(run.job)) continue;
    startWaiting(turn, run.job);
    draft.cut();
  }
}

/** It may have been started there, so the run keeps its attempt: no other engine can tell. */
function sayEngineGone({ state, draft }: Turn, run: Run, engine: string): void {
  if (Object.hasOwn(state.settings.engines, engine)) return;
  const reason = { code: 'engine-missing', engine } as const;
  if (isSame(run.reason, reason)) return;
  run.reason = reason;
  draft.run(run);
}

const isQueued = (run: Run): boolean => run.state === 'queued';

/** The launches of one engine that are known to run. */
export function runningOn(state: State, engine: string, host: string | null): ReadonlySet<string> {
  const running = new Set<string>();
  for (const run of state.runs.values()) {
    const attempt = run.attempts.at(-1);
    if (run.state === 'running' && attempt?.engine === engine && attempt.host === host)
      running.add(attempt.launchName);
  }
  return running;
}

/** Applies one engine's inventory. */
export function reconcile(turn: Turn, inventory: Inventory): void {
  const { state, draft } = turn;
  const byName = new Map(inventory.reports.map((report) => [report.launchName, report]));
  for (const run of [...state.runs.values()]) {
    const attempt = run.attempts.at(-1);
    if (!isLive(run) || attempt?.engine !== inventory.engine || attempt.host !== inventory.host) continue;
    const report = byName.get(attempt.launchName);
    if (report === undefined) missing(turn, run, inventory);
    else adopt(turn, run, report, inventory);
    propagateEnds(turn);
    draft.cut();
  }
  sweep(turn, inventory);
}

function isLive(run: Run): boolean {
  return run.state === 'launching' || run.state === 'running';
}

/** A node does not come back: its launches are lost, and the retry policy decides. */
export function hostLost(turn: Turn, engine: string, host: string): void {
  for (const run of [...turn.state.runs.values()]) {
    const attempt = run.attempts.at(-1);
    if (!isLive(run) || attempt?.engine !== engine || attempt.host !== host) continue;
    attemptEnded(turn, run, {
      at: turn.draft.now,
      startedAt: attempt.startedAt,
      exitCode: null,
      reason: { code: 'node-lost', node: host },
      infrastructure: true,
    });
    propagateEnds(turn);
    turn.draft.cut();
  }
}

function adopt(turn: Turn, run: Run, report: LaunchReport, inventory: Inventory): void {
  const entry = turn.state.jobs.get(run.job);
  if (entry === undefined) return;
  if (report.state === 'created') {
    if (run.state === 'running') missing(turn, run, inventory);
    else if (inventory.takeOver) askAgain(turn, entry, run, inventory);
    return;
  }
  // Ended without a start: refused by a node, or killed while waiting for one.
  if (report.state === 'running' || report.startedAt !== undefined)
    attemptStarted(turn, run, report.startedAt ?? turn.draft.now, report.image);
  if (report.state === 'ended') {
    attemptEnded(turn, run, {
      at: report.endedAt ?? turn.draft.now,
      startedAt: report.startedAt ?? null,
      exitCode: report.exitCode ?? null,
      reason: reported(report),
      infrastructure: report.infrastructure ?? false,
      bytesDropped: report.bytesDropped,
      usage: report.usage,
    });
    return;
  }
  attemptOutputDropped(turn, run, report.bytesDropped ?? 0);
  if (inventory.takeOver && run.kill !== null) repeatKill(turn, run);
}

/** The leader that requested the kill may have died before the engine received it. */
function repeatKill(turn: Turn, run: Run): void {
  const attempt = run.attempts.at(-1);
  if (attempt === undefined) return;
  const { engine, host, launchName } = attempt;
  turn.draft.effect({ kind: 'kill', engine, host, launchName, graceMs: ORPHAN_GRACE_MS });
}

/**
 * Created and never started, by a leader that is gone. On this node, the engine removes it and creates it
 * again. On another node its start may still be in progress, so it is only revoked, and launched once it
 * is gone.
 */
function askAgain(turn: Turn, entry: Entry, run: Run, inventory: Inventory): void {
  const { engine, host } = inventory;
  const { launchName = '', term } = run.attempts.at(-1) ?? {};
  if (host === hostOf(turn.state.settings, engine)) askToLaunch(turn, entry, run, null);
  else if (term !== turn.state.term) turn.draft.effect({ kind: 'take-back', engine, host, launchName });
}

/**
 * Requests an attempt that its engine does not have: the name is the lock. An attempt that another node did not
 * start, and no longer will because it knows of this term, is taken over: it stays there if the job may be
 * placed, and otherwise is assigned to this node before it is launched here.
 */
function launchMissing(turn: Turn, entry: Entry, run: Run, { engine, host }: Inventory): void {
  const { state, draft, freed } = turn;
  const here = hostOf(state.settings, engine);
  const attempt = run.attempts.at(-1);
  if (attempt === undefined) return;
  if (here !== host) {
    // This leader's own requests are answered soon.
    if (attempt.term === state.term) return;
    const stays = isSpread(state, entry, engine);
    run.attempts.splice(-1, 1, { ...attempt, host: stays ? host : here, term: state.term });
    draft.run(run);
    for (const key of state.slots.release(run)) freed.add(key);
    state.slots.take(run, limitsOf(state, entry, limitAt(state, engine, stays ? host : here)));
  }
  askToLaunch(turn, entry, run, null);
}

function missing(turn: Turn, run: Run, inventory: Inventory): void {
  const { state } = turn;
  const entry = state.jobs.get(run.job);
  const attempt = run.attempts.at(-1);
  if (entry === undefined || attempt === undefined) return;
  // Not by timestamps: the engine's clock may be behind ours, and ours may have been set since.
  if (!inventory.running.has(attempt.launchName)) {
    // This leader's own requests are still in the start queue, or answered soon.
    const isAsked = !inventory.takeOver || state.askedOnce.has(attempt.launchName);
    if (run.state === 'launching' && !isAsked) launchMissing(turn, entry, run, inventory);
    return;
  }
  attemptEnded(turn, run, {
    at: turn.draft.now,
    startedAt: attempt.startedAt,
    exitCode: null,
    reason: { code: 'engine-forgot', engine: inventory.engine },
    infrastructure: true,
  });
}

/**
 * Kills launches that belong to no unfinished run, and removes ended ones after a grace period. It counts
 * from when this leader first saw them, because the clocks of engine and leader may differ by more than the
 * grace.
 */
function sweep(turn: Turn, inventory: Inventory): void {
  const { state, draft } = turn;
  const { engine, host, monotonicMs } = inventory;
  const tombstoneMs = state.settings.engines[engine]?.tombstoneMs ?? Number.POSITIVE_INFINITY;
  const place = `${engine}@${host ?? ''}`;
  const before = state.tombstones.get(place);
  const tombstones = new Map<string, number>();
  let removals = 0;
  for (const { launchName, state: is } of inventory.reports) {
    const run = state.launches.get(launchName);
    if (run !== undefined && run.attempts.at(-1)?.launchName === launchName) continue;
    if (is === 'running') {
      draft.act({ kind: 'launch.unwanted', engine, ...(host !== null && { host }), launch: launchName });
      draft.effect({ kind: 'kill', engine, host, launchName, graceMs: ORPHAN_GRACE_MS });
      continue;
    }
    const since = before?.get(launchName) ?? monotonicMs;
    tombstones.set(launchName, since);
    if (monotonicMs - since >= tombstoneMs && removals < MAX_REMOVALS) {
      removals += 1;
      draft.effect({ kind: 'remove', engine, host, launchName });
    }
  }
  state.tombstones.set(place, tombstones);
}
