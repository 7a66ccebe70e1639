/**
 * What follows from a round of the schedule and has not ended yet: whether a job with parents, or a pipeline as a
 * whole, will end by its deadline although its own run does not exist yet.
 *
 * Something is pending in a job if it has an unfinished run, or an open round that waits for parents. Only due times
 * since the deadline before count, and those since the deadline that an open alert is about.
 */

import { missingParents, type Round } from '../../dag/ready.ts';
import type { JobGlance } from '../handle.ts';
import type { Run } from '../model/model.ts';
import type { Reason } from '../model/reason.ts';
import { alertKey } from '../records/table.ts';
import { runTimes, USUAL_FROM } from '../stats/run-times.ts';
import type { Entry } from './entry.ts';
import { atRisk, finish, localTimeAfter, notFinished } from './late.ts';
import type { State } from './state.ts';

/** Jobs that one question looks at; beyond it nothing is foreseen. */
const MAX_LOOKED_AT = 5_000;
const MAX_NAMED = 5;

/** The due times with the same deadline: from the one before it. */
export interface Span {
  readonly from: number;
  /** The deadline. */
  readonly to: number;
}

interface Spans {
  readonly last: Span;
  readonly next: Span;
}

/** By time and zone, as they were asked for last: thousands of jobs with the same deadline ask at once. */
const spans = new Map<string, Spans>();
const MAX_SPANS = 1_000;

/** The deadline that has passed last, and the one that comes next, each with the time since the one before it. */
export function spansAt(time: string, zone: string, now: number): Spans {
  const key = `${time} ${zone}`;
  const before = spans.get(key);
  if (before !== undefined && now > before.last.to && now <= before.next.to) return before;
  if (spans.size >= MAX_SPANS) spans.clear();
  const found = spansOf(time, zone, now);
  spans.set(key, found);
  return found;
}

function spansOf(time: string, zone: string, now: number): Spans {
  // Two of them at least lie in the two days and two hours before, whatever clocks were set.
  const times = [localTimeAfter(time, zone, now - 50 * 3_600_000)];
  while ((times.at(-1) as number) < now) times.push(localTimeAfter(time, zone, times.at(-1) as number));
  const [from, last, next] = times.slice(-3) as [number, number, number];
  return { last: { from, to: last }, next: { from: last, to: next } };
}

export interface LateRound {
  readonly condition: 'late' | 'at-risk';
  readonly reason: Reason;
}

/** Whether the round of a job with parents is late, or will be, while the job has no run for it. */
export function lateRound(state: State, entry: Entry, now: number): LateRound | null {
  const { finishBy, zone } = finish(entry);
  if (finishBy === undefined || state.graph.parentsOf(entry.job.name).length === 0) return null;
  const { next } = spansAt(finishBy, zone, now);
  const awaited = awaitedIn(state, entry, lateSpan(state, entry, 'late', finishBy, zone, now));
  if (awaited.length > 0) return { condition: 'late', reason: notFinished(finishBy, zone, awaited) };
  const coming = awaitedIn(state, entry, next);
  const expected = coming.length === 0 ? null : expectedEnd(state, entry, next, now);
  if (expected === null || expected <= next.to) return null;
  return { condition: 'at-risk', reason: atRisk(finishBy, zone, expected, coming) };
}

/** What the last deadline was for, and what was late before if that is known: it is late until it has ended. */
export function lateSpan(
  { alerts }: State,
  { job: { name } }: Entry,
  condition: 'late' | 'pipeline-late',
  time: string,
  zone: string,
  now: number,
): Span {
  const { last } = spansAt(time, zone, now);
  const { since = now } = alerts.get(alertKey({ job: name, condition })) ?? {};
  return since > last.to ? last : { ...last, from: spansOf(time, zone, since).last.from };
}

/** The jobs above this one in which something of the span is pending that its round waits for, nearest first. */
function awaitedIn(state: State, entry: Entry, span: Span): string[] {
  if (entry.runs.some((run) => isIn(run, span))) return [];
  return pendingIn(state, state.graph.ancestors(entry.job.name), span);
}

/** The jobs below this one, and itself, in which something of the span is pending. */
export function unfinishedIn(state: State, entry: Entry, span: Span): string[] {
  const { name } = entry.job;
  return pendingIn(state, [name, ...state.graph.descendants(name)], span);
}

function pendingIn(state: State, names: readonly string[], span: Span): string[] {
  const found: string[] = [];
  for (const name of names.slice(0, MAX_LOOKED_AT)) {
    const entry = state.jobs.get(name);
    if (entry === undefined || !isPending(state, entry, span)) continue;
    found.push(name);
    if (found.length === MAX_NAMED) break;
  }
  return found;
}

const isIn = ({ due, lineage }: Run, { from, to }: Span): boolean =>
  lineage === 'scheduled' && due >= from && due < to;

const isPending = (state: State, entry: Entry, span: Span): boolean =>
  entry.runs.some((run) => isIn(run, span)) || hasOpenRound(state, entry, span);

export function hasOpenRound(state: State, entry: Entry, { from, to }: Span): boolean {
  const { join } = entry.state;
  const spec = join === null || join.open.length === 0 ? null : state.derived.joinSpec(entry);
  if (join === null || spec === null) return false;
  return join.open.some(
    (round) =>
      isOfSchedule(round) && round.due >= from && round.due < to && missingParents(round, spec).length > 0,
  );
}

/** Open, and not of a start by a user: that one may wait for parents that nobody starts. */
const isOfSchedule = ({ fired, lineage = 'scheduled' }: Round): boolean => !fired && lineage === 'scheduled';

/**
 * When the job is expected to end its round of the span, if nothing above it waits. Null: nothing is pending
 * above it, or it is too far to be foreseen.
 */
function expectedEnd(state: State, entry: Entry, span: Span, now: number): number | null {
  const ends = new Map<string, number>();
  for (const name of ordered(state, entry)) {
    const each = state.jobs.get(name);
    if (each === undefined) continue;
    const own = each.runs.find((run) => isIn(run, span));
    const above = state.graph.parentsOf(name).flatMap((parent) => ends.get(parent) ?? []);
    if (own !== undefined) ends.set(name, endOf(each, own, now));
    else if (above.length > 0) ends.set(name, Math.max(...above) + usualMs(each));
  }
  return ends.get(entry.job.name) ?? null;
}

/** How long the longest way to the end of the job usually takes, itself included. */
export function usualWayMs(state: State, entry: Entry): number {
  const lengths = new Map<string, number>();
  for (const name of ordered(state, entry)) {
    const above = state.graph.parentsOf(name).map((parent) => lengths.get(parent) ?? 0);
    const each = state.jobs.get(name);
    lengths.set(name, Math.max(0, ...above) + (each === undefined ? 0 : usualMs(each)));
  }
  return lengths.get(entry.job.name) ?? 0;
}

/** The job and those above it, parents first. Empty if there are too many. A job above may have many others below it. */
function ordered({ graph }: State, { job }: Entry): string[] {
  const entered = new Set<string>();
  const found = new Set<string>();
  const stack = [job.name];
  for (let name = stack.at(-1); name !== undefined; name = stack.at(-1)) {
    if (entered.has(name)) {
      found.add(name);
      stack.pop();
      continue;
    }
    entered.add(name);
    if (entered.size > MAX_LOOKED_AT) return [];
    for (const parent of graph.parentsOf(name)) if (!entered.has(parent)) stack.push(parent);
  }
  return [...found];
}

function endOf(job: JobGlance, run: Run, now: number): number {
  const { count, p50Ms, p95Ms } = runTimes(job.stats);
  const startedAt = run.state === 'running' ? run.attempts.at(-1)?.startedAt : null;
  if (startedAt == null) return now + usualMs(job);
  if (count < USUAL_FROM || p50Ms === null || p95Ms === null) return now;
  return Math.max(now, startedAt + (startedAt + p50Ms > now ? p50Ms : p95Ms));
}

/** Zero if it is not known. */
function usualMs({ stats }: JobGlance): number {
  const { count, p50Ms } = runTimes(stats);
  return count < USUAL_FROM ? 0 : (p50Ms ?? 0);
}

/** Why open rounds of the job cannot go on: a job that they wait for is paused or disabled, or one above it. */
export function heldRound(state: State, entry: Entry): Reason | null {
  const blockers = new Map<string, 'paused' | 'disabled'>();
  const seen = new Set<string>();
  const pending = awaited(state, entry);
  for (const name of pending) {
    if (seen.has(name) || seen.size > MAX_LOOKED_AT) continue;
    seen.add(name);
    const parent = state.jobs.get(name);
    if (parent === undefined || parent.runs.length > 0) continue;
    const status = idleStatus(parent);
    if (status !== null) blockers.set(name, status);
    else {
      const further = awaited(state, parent);
      pending.push(...(further.length > 0 ? further : state.graph.parentsOf(name)));
    }
  }
  const [first] = blockers;
  if (first === undefined) return null;
  return { code: 'parent-idle', job: first[0], status: first[1], more: blockers.size - 1 };
}

function idleStatus({ state: { paused, disabled } }: Entry): 'paused' | 'disabled' | null {
  return disabled !== null ? 'disabled' : paused !== null ? 'paused' : null;
}

/** The parents that its open rounds wait for. */
function awaited(state: State, entry: Entry): string[] {
  const { join } = entry.state;
  const spec = join === null || join.open.length === 0 ? null : state.derived.joinSpec(entry);
  if (join === null || spec === null) return [];
  return join.open.filter(isOfSchedule).flatMap((round) => missingParents(round, spec));
}
