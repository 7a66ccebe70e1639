/**
 * Decides due times that have been reached: run, skipped, missed or caught up, each with its ledger entry.
 * Every due time up to the cursor is decided, and the cursor moves in the same group as the decision, so none
 * is decided twice and none is forgotten.
 */

import { type Policy, policyFor } from '../job/policy.ts';
import type { LedgerLine, Run } from '../model/model.ts';
import { isSame, type Reason } from '../model/reason.ts';
import { instantsBetween } from '../schedule/between.ts';
import { nextInstant } from '../schedule/next.ts';
import { addLeap, COUNT_LIMIT, LEAP_MS, moveCursor, takeBack, undecidedUpTo } from '../state/decided.ts';
import type { Entry } from '../state/state.ts';
import type { Turn } from '../state/turn.ts';
import { alertOfMissed } from './alerts/alerts.ts';
import { outUpTo } from './calendars/out.ts';
import { setPaused } from './calendars/pause.ts';
import { propagateEnds } from './endings.ts';
import { isOfToday, isWaiting } from './overlap.ts';
import { idleReason, ofSchedule, openRun } from './runs.ts';

/**
 * A due time processed within this time counts as on time and runs whatever the catch-up policy is. It covers
 * a busy loop and a takeover, and is shorter than what people consider late.
 */
export const ON_TIME_MS = 5_000;
/** Maximum on-time due times of one job: the interval is at least a second. */
export const MAX_ON_TIME = ON_TIME_MS / 1_000 + 1;

/**
 * Due times are decided this long before they come, so that nothing but the start is left to do when they do: longer than
 * a commit and the preparation of a process usually take, and too short for people to notice.
 */
export const AHEAD_MS = 20;

/** True if the job's next due time can be decided ahead: nothing that ends until then would change the decision. */
export function isForeseeable(entry: Entry): boolean {
  const isAlone = !entry.runs.some(isOfToday) || policyFor(entry.job.definition).overlap === 'allow';
  return isAlone && idleReason(entry) === null;
}

/** Decides all due times of the job up to now. */
export function decideDue(turn: Turn, entry: Entry): void {
  const { state, draft } = turn;
  const { schedule, due, out } = entry;
  if (schedule === null) return;
  if (out !== null && out <= draft.now && (due === null || due > draft.now)) passOver(turn, entry);
  if (due === null || due > draft.now) return;
  if ((entry.state.paused?.until ?? Infinity) <= draft.now) {
    endPause(turn, entry);
    return;
  }
  const idle = idleReason(entry);
  const following = nextInstant(schedule, due);
  const single = following === null || following > draft.now;
  if (idle === null && single && draft.now - due <= ON_TIME_MS) {
    runAt(turn, entry, due);
  } else if (idle !== null) decideIdle(turn, entry, idle);
  else decideMany(turn, entry);
  propagateEnds(turn);
  draft.cut();
  state.plan(entry);
}

/** Opens the run of a due time. */
export function runAt(
  turn: Turn,
  entry: Entry,
  due: number,
  late: { catchesUp?: number; inRow?: boolean } = {},
): Run {
  advance(turn, entry, due);
  entry.openLine = null;
  turn.draft.state(entry.state);
  const isLate = turn.draft.now - due > ON_TIME_MS;
  return openRun(turn, entry, { ...ofSchedule(entry, due, isLate), ...late });
}

/** A paused or disabled job: extends one ledger entry, with no effect on children. */
function decideIdle(turn: Turn, entry: Entry, reason: Reason, upTo = turn.draft.now): void {
  const stretch = undecided(entry, upTo, 1);
  const to = stretch.last.at(-1);
  if (to === undefined) return;
  advance(turn, entry, to);
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

/** Several due times, or late ones: the catch-up policy decides. */
function decideMany(turn: Turn, entry: Entry): void {
  const { draft } = turn;
  const policy = policyFor(entry.job.definition);
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
    // Due times without a run all come before those with one.
    const to = firstWanted === undefined ? (stretch.last.at(-1) ?? draft.now) : firstWanted - 1;
    let catching: Run | null = null;
    if (policy.catchUp === 'latest' && firstWanted !== undefined) {
      catching = runAt(turn, entry, firstWanted, { catchesUp: passed });
      wanted.shift();
    } else advance(turn, entry, to);
    writeStretch(turn, entry, {
      from: stretch.first,
      to,
      count: passed,
      more: stretch.more,
      end: catching === null ? 'missed' : 'caught-up',
      reason: catching === null ? missedReason(policy) : null,
      run: catching?.id ?? null,
    });
    if (catching === null) {
      entry.state.missed += passed;
      alertOfMissed(turn, entry, passed, missedReason(policy));
    }
    draft.state(entry.state);
    propagateEnds(turn);
    draft.cut();
  }
  for (const due of wanted) {
    runAt(turn, entry, due, { inRow });
    propagateEnds(turn);
    draft.cut();
  }
}

/** The due times to run, ascending. All earlier ones are passed over. */
export function chooseRuns(policy: Policy, last: readonly number[], now: number): number[] {
  const onTime = last.filter((due) => now - due <= ON_TIME_MS);
  const late = last.slice(0, last.length - onTime.length);
  const within =
    policy.startWithinMs === null ? late : late.filter((due) => now - due <= (policy.startWithinMs ?? 0));
  switch (policy.catchUp) {
    case 'none':
      return [...(policy.startWithinMs === null ? [] : newest(within, policy.catchUpLimit)), ...onTime];
    case 'latest':
      // One run stands for all that passed, so that a long downtime of a frequent job ends with one start.
      return late.length === 0 ? onTime : [...within, ...onTime].slice(-1);
    case 'all':
      return [...newest(within, policy.catchUpLimit), ...onTime];
  }
}

const newest = (ascending: readonly number[], limit: number): readonly number[] =>
  ascending.slice(Math.max(0, ascending.length - limit));

function missedReason(policy: Policy): Reason {
  if (policy.startWithinMs !== null) return { code: 'start-window', because: null };
  return policy.catchUp === 'all'
    ? { code: 'catch-up-limit', limit: policy.catchUpLimit }
    : { code: 'catch-up-none' };
}

interface Stretch {
  readonly first: number;
  readonly count: number;
  readonly more: boolean;
  readonly last: number[];
}

/** The due times from the first undecided one to now, at most up to the next that is already decided. */
function undecided(entry: Entry, now: number, keep: number): Stretch {
  const { schedule, due } = entry;
  if (schedule === null || due === null) return { first: now, count: 0, more: false, last: [] };
  const range = { afterMs: due - 1, upToMs: undecidedUpTo(entry, due, now), keep, countLimit: COUNT_LIMIT };
  const { count, more, last } = instantsBetween(schedule, range);
  return { first: due, count, more, last };
}

/** Nobody looked when the pause ended: what was due before is skipped, and the catch-up policy decides about the rest. */
function endPause(turn: Turn, entry: Entry): void {
  const until = entry.state.paused?.until ?? turn.draft.now;
  const idle = idleReason(entry);
  if (idle !== null && entry.due !== null && entry.due < until) decideIdle(turn, entry, idle, until - 1);
  setPaused(entry, 'schedule', { paused: false })(turn);
  turn.draft.cut();
  entry.due = null;
  turn.state.plan(entry);
}

/** Decides due times that are taken out, up to now. */
function passOver(turn: Turn, entry: Entry): void {
  advance(turn, entry, turn.draft.now);
  turn.draft.state(entry.state);
  turn.draft.cut();
  turn.state.plan(entry);
}

/** Moves the cursor, and writes entries for due times before it that are taken out: with no run and no effect on children. */
function advance(turn: Turn, entry: Entry, to: number): void {
  const stretches = outUpTo(entry, to);
  moveCursor(entry, to);
  for (const stretch of stretches) {
    writeStretch(turn, entry, { ...stretch, end: 'skipped', run: null });
    entry.state.skipped += stretch.count;
  }
}

/** Writes the entry, or extends the previous one if it continues in the same way. */
function writeStretch(
  turn: Turn,
  entry: Entry,
  stretch: Omit<LedgerLine, 'job' | 'more'> & { more: boolean },
): void {
  const { more, ...rest } = stretch;
  const { state, openLine: open } = entry;
  let line: LedgerLine = { job: entry.job.name, ...rest, ...(more ? { more } : {}) };
  // A leap has its own entry, so that it can be revoked.
  const isLeap = turn.draft.now - line.from > LEAP_MS;
  if (isLeap) addLeap(state, line);
  else if (open !== null && open.end === line.end && isSame(open.reason, line.reason) && line.run === null)
    line = { ...line, from: open.from, count: open.count + line.count };
  // Ahead of a clock that was set back, other entries may lie between this one and the next.
  entry.openLine = line.run === null && !isLeap && state.ahead.length === 0 ? line : null;
  turn.draft.ledger(line);
}

/** A smaller step back only makes jobs wait until the clock has caught up. */
export const CLOCK_BACK_MS = 60_000;

/**
 * The wall clock was set back, or a leader with a different clock had this state. Otherwise a job with a
 * cursor in the future would be silent until that time. Decided due times stay decided; see decided.ts.
 */
export function clockSetBack(turn: Turn, byMs: number): void {
  for (const entry of turn.state.jobs.values())
    if (entry.schedule !== null && entry.state.cursor > turn.draft.now + byMs) setBack(turn, entry);
}

/** Moves the job's cursor back to now. */
export function setBack(turn: Turn, entry: Entry): void {
  const { state, draft } = turn;
  for (const line of takeBack(entry, draft.now)) draft.ledger(line);
  entry.openLine = null;
  draft.state(entry.state);
  draft.cut();
  state.plan(entry);
}
