/**
 * What becomes of due instants when the clock reaches them: run, or skipped, missed or caught up, each with
 * its ledger line. Every instant up to the cursor is decided, and the cursor moves in the same group as what
 * was decided, so none is decided twice and none is forgotten.
 */

import { type Policy, policyOf } from '../job/policy.ts';
import type { LedgerLine, Run } from '../model/model.ts';
import { instantsBetween } from '../schedule/between.ts';
import { nextInstant } from '../schedule/next.ts';
import { addLeap, COUNT_LIMIT, LEAP_MS, moveCursor, takeBack, undecidedUpTo } from '../state/decided.ts';
import type { Entry } from '../state/state.ts';
import type { Turn } from '../state/turn.ts';
import { settle } from './endings.ts';
import { isWaiting } from './overlap.ts';
import { idleReason, openRun } from './runs.ts';

/**
 * A due instant seen within this long is on time: it runs whatever the catch-up policy says. It covers a
 * busy loop and a take-over, and is shorter than people would call late.
 */
export const ON_TIME_MS = 5_000;
/** On-time instants of one job at most: periods are at least a second. */
export const MAX_ON_TIME = ON_TIME_MS / 1_000 + 1;

/** Decides all instants of the job that are due by now. */
export function decideDue(turn: Turn, entry: Entry): void {
  const { state, draft } = turn;
  const { schedule, due } = entry;
  if (schedule === null || due === null || due > draft.now) return;
  const idle = idleReason(entry);
  const following = nextInstant(schedule, due);
  const single = following === null || following > draft.now;
  if (idle === null && single && draft.now - due <= ON_TIME_MS) {
    runAt(turn, entry, due);
  } else if (idle !== null) decideIdle(turn, entry, idle);
  else decideMany(turn, entry);
  settle(turn);
  draft.cut();
  state.plan(entry);
}

function runAt(
  turn: Turn,
  entry: Entry,
  due: number,
  late: { catchesUp?: number; inRow?: boolean } = {},
): Run {
  moveCursor(entry, due);
  entry.openLine = null;
  turn.draft.state(entry.state);
  return openRun(turn, entry, { due, variant: '', root: null, trigger: { kind: 'schedule' }, ...late });
}

/** A paused or disabled job: one ledger line that grows, and nothing for its children. */
function decideIdle(turn: Turn, entry: Entry, reason: string): void {
  const stretch = undecided(entry, turn.draft.now, 1);
  const to = stretch.last.at(-1);
  if (to === undefined) return;
  moveCursor(entry, to);
  writeStretch(turn, entry, {
    from: stretch.first,
    to,
    count: stretch.count,
    more: stretch.more,
    end: 'skipped',
    reason,
    run: null,
  });
  entry.state.skipped += stretch.count;
  turn.draft.state(entry.state);
}

/** Several instants, or late ones: the catch-up policy decides. */
function decideMany(turn: Turn, entry: Entry): void {
  const { draft } = turn;
  const policy = policyOf(entry.job.definition.policy);
  const keep = MAX_ON_TIME + (policy.catchUp === 'latest' ? 1 : policy.catchUpLimit);
  const stretch = undecided(entry, draft.now, keep);
  // Those of an earlier absence may still wait.
  const catchUpLimit = policy.catchUpLimit - entry.runs.filter((run) => run.inRow && isWaiting(run)).length;
  const wanted = chooseRuns({ ...policy, catchUpLimit }, stretch.last, draft.now);
  const [firstWanted] = wanted;
  // All that passed before somebody looked, with the newest, which may still be on time.
  const inRow =
    policy.catchUp !== 'latest' && firstWanted !== undefined && draft.now - firstWanted > ON_TIME_MS;
  const passed = stretch.count - wanted.length;
  if (passed > 0) {
    // Those that are not run all lie before those that are.
    const to = firstWanted === undefined ? (stretch.last.at(-1) ?? draft.now) : firstWanted - 1;
    let catching: Run | null = null;
    if (policy.catchUp === 'latest' && firstWanted !== undefined) {
      catching = runAt(turn, entry, firstWanted, { catchesUp: passed });
      wanted.shift();
    } else moveCursor(entry, to);
    writeStretch(turn, entry, {
      from: stretch.first,
      to,
      count: passed,
      more: stretch.more,
      end: catching === null ? 'missed' : 'caught-up',
      reason: catching === null ? missedReason(policy) : null,
      run: catching?.id ?? null,
    });
    if (catching === null) entry.state.missed += passed;
    draft.state(entry.state);
    settle(turn);
    draft.cut();
  }
  for (const due of wanted) {
    runAt(turn, entry, due, { inRow });
    settle(turn);
    draft.cut();
  }
}

/** The instants to run, ascending; all that come before the first of them are passed over. */
export function chooseRuns(policy: Policy, last: readonly number[], now: number): number[] {
  const onTime = last.filter((due) => now - due <= ON_TIME_MS);
  const late = last.slice(0, last.length - onTime.length);
  const within =
    policy.startWithinMs === null ? late : late.filter((due) => now - due <= (policy.startWithinMs ?? 0));
  switch (policy.catchUp) {
    case 'none':
      return [...(policy.startWithinMs === null ? [] : newest(within, policy.catchUpLimit)), ...onTime];
    case 'latest':
      // One run stands for all that passed, so that a long absence of a frequent job ends with one start.
      return late.length === 0 ? onTime : [...within, ...onTime].slice(-1);
    case 'all':
      return [...newest(within, policy.catchUpLimit), ...onTime];
  }
}

const newest = (ascending: readonly number[], limit: number): readonly number[] =>
  ascending.slice(Math.max(0, ascending.length - limit));

function missedReason(policy: Policy): string {
  if (policy.startWithinMs !== null) return 'the start window had passed';
  return policy.catchUp === 'all'
    ? `more than ${policy.catchUpLimit} runs to catch up`
    : 'not seen in time, and catch-up is none';
}

interface Stretch {
  readonly first: number;
  readonly count: number;
  readonly more: boolean;
  readonly last: number[];
}

/** The instants from the first undecided one to now; at most up to the next that is decided already. */
function undecided(entry: Entry, now: number, keep: number): Stretch {
  const { schedule, due } = entry;
  if (schedule === null || due === null) return { first: now, count: 0, more: false, last: [] };
  const range = { afterMs: due - 1, upToMs: undecidedUpTo(entry, due, now), keep, countLimit: COUNT_LIMIT };
  const { count, more, last } = instantsBetween(schedule, range);
  return { first: due, count, more, last };
}

/** Writes the line, or extends the one before it where it goes on in the same way. */
function writeStretch(
  turn: Turn,
  entry: Entry,
  stretch: Omit<LedgerLine, 'job' | 'more'> & { more: boolean },
): void {
  const { more, ...rest } = stretch;
  const { state, openLine: open } = entry;
  let line: LedgerLine = { job: entry.job.name, ...rest, ...(more ? { more } : {}) };
  // A leap has a line of its own, so that it can be taken back.
  const isLeap = turn.draft.now - line.from > LEAP_MS;
  if (isLeap) addLeap(state, line);
  else if (open !== null && open.end === line.end && open.reason === line.reason && line.run === null)
    line = { ...line, from: open.from, count: open.count + line.count };
  // Ahead of a clock that was set back, the next line may have others between itself and this one.
  entry.openLine = line.run === null && !isLeap && state.ahead.length === 0 ? line : null;
  turn.draft.ledger(line);
}

/** A clock that is set back by less only makes jobs wait until it is there again. */
export const CLOCK_BACK_MS = 60_000;

/**
 * The wall clock was set back, or a leader with another clock had this state. Without this a job whose cursor lies in
 * the future would stay silent until the clock is there again. What is decided stays so; see decided.ts.
 */
export function clockSetBack(turn: Turn, byMs: number): void {
  for (const entry of turn.state.jobs.values())
    if (entry.schedule !== null && entry.state.cursor > turn.draft.now + byMs) setBack(turn, entry);
}

/** Brings the job's cursor back to now. */
export function setBack(turn: Turn, entry: Entry): void {
  const { state, draft } = turn;
  for (const line of takeBack(entry, draft.now)) draft.ledger(line);
  entry.openLine = null;
  draft.state(entry.state);
  draft.cut();
  state.plan(entry);
}
