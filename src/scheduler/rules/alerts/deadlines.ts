/**
 * Deadlines of jobs whose run does not exist yet, and of pipelines: looked at when the deadline passes, and once a
 * minute while it may still be missed or an alert is open.
 *
 * - *late*: `expect.finishBy` has passed, and the round of a job with parents still waits for some of them.
 * - *at-risk*: by the usual times of what is pending above it, the job will not end by `expect.finishBy`.
 * - *pipeline-late*: `expect.pipelineBy` has passed, and the job or one below it has not ended.
 */

import type { Condition } from '../../model/alert.ts';
import type { DeadlineTimer, Entry } from '../../state/entry.ts';
import { finish, notFinished } from '../../state/late.ts';
import { lateRound, lateSpan, spansAt, unfinishedIn, usualWayMs } from '../../state/rounds.ts';
import type { State } from '../../state/state.ts';
import type { Turn } from '../../state/turn.ts';
import { endAlert, endLateness, isOpen, raise } from './alerts.ts';

const LOOK_MS = 60_000;

/** Adds the time at which to look at the deadlines of the job next, if it has any. */
export function planDeadlines(state: State, entry: Entry, now: number, isWatched = false): void {
  const times = [nextFinish(state, entry, now), nextPipeline(entry, now)].filter((at) => at !== null);
  if (times.length === 0) {
    state.deadlines.delete(entry.job.name);
    return;
  }
  state.deadlineAt(entry, isWatched ? Math.min(now + LOOK_MS, ...times) : Math.min(...times));
}

function nextFinish(state: State, entry: Entry, now: number): number | null {
  const { finishBy, zone } = finish(entry);
  if (finishBy === undefined || state.graph.parentsOf(entry.job.name).length === 0) return null;
  const { next } = spansAt(finishBy, zone, now);
  const riskFrom = next.to - usualWayMs(state, entry);
  // A moment after it: what ends at the deadline is on time.
  return now < riskFrom ? riskFrom : Math.min(now + LOOK_MS, next.to + 1);
}

function nextPipeline(entry: Entry, now: number): number | null {
  const { pipelineBy, zone } = finish(entry);
  return pipelineBy === undefined ? null : spansAt(pipelineBy, zone, now).next.to + 1;
}

/** The time has come, if nothing else was planned meanwhile. */
export function deadlinesDue(turn: Turn, instant: number, { deadlineOf }: DeadlineTimer): void {
  const { state } = turn;
  if (state.deadlines.get(deadlineOf) !== instant) return;
  state.deadlines.delete(deadlineOf);
  const entry = state.jobs.get(deadlineOf);
  if (entry !== undefined) checkDeadlines(turn, entry);
}

/** Opens and ends alerts about the deadlines of the job. */
export function checkDeadlines(turn: Turn, entry: Entry): void {
  const { state, draft } = turn;
  const isIdle = entry.state.paused !== null || entry.state.disabled !== null;
  const late = isIdle ? null : lateRound(state, entry, draft.now);
  if (late !== null && !isOpen(turn, entry, late.condition)) {
    if (late.condition === 'late') endAlert(turn, entry, 'at-risk', 'overdue');
    raise(turn, entry, late.condition, { run: null, attempt: null, reason: late.reason }, 1);
  }
  endLateness(turn, entry);
  checkPipeline(turn, entry);
  const watched: readonly Condition[] = ['late', 'at-risk', 'pipeline-late'];
  planDeadlines(
    state,
    entry,
    draft.now,
    watched.some((condition) => isOpen(turn, entry, condition)),
  );
}

/** A new leader looks at all of them. */
export function checkAllDeadlines(turn: Turn): void {
  for (const entry of turn.state.jobs.values()) {
    const { expect } = entry.job.definition;
    if (expect?.finishBy === undefined && expect?.pipelineBy === undefined) continue;
    checkDeadlines(turn, entry);
    turn.draft.cut();
  }
}

function checkPipeline(turn: Turn, entry: Entry): void {
  const { pipelineBy, zone } = finish(entry);
  const pending =
    pipelineBy === undefined
      ? []
      : unfinishedIn(
          turn.state,
          entry,
          lateSpan(turn.state, entry, 'pipeline-late', pipelineBy, zone, turn.draft.now),
        );
  if (pending.length === 0) endAlert(turn, entry, 'pipeline-late', 'recovered');
  else if (pipelineBy !== undefined && !isOpen(turn, entry, 'pipeline-late'))
    raise(
      turn,
      entry,
      'pipeline-late',
      { run: null, attempt: null, reason: notFinished(pipelineBy, zone, pending) },
      1,
    );
}
