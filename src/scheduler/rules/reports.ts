/**
 * Reports about the runs of a job that somebody else runs. Each due time opens a run that waits for its report.
 *
 * 1. Reports with the same key are about the same run. An end without a key ends the newest running run without one.
 * 2. Otherwise a report belongs to the awaited due time that is nearest to its start (or to its end, if the start is
 * not known). It may come up to 30 seconds before the due time, and at most a quarter of the interval.
 * 3. If that due time was given up, the report is recorded as a rerun of the run that was given up, and the ledger says that
 * it caught up.
 * 4. A report that belongs to no due time is a run of its own, like a manual one.
 * 5. A report that was made before changes nothing.
 */

import { CarillonError } from '../../errors.ts';
import type { Command, ReportAnswer } from '../command.ts';
import { EXTERNAL, isExternal } from '../job/external.ts';
import { hash53 } from '../job/hash.ts';
import { launchName, manualVariant, rerunVariant } from '../model/ids.ts';
import type { Attempt, Run } from '../model/model.ts';
import type { Reason } from '../model/reason.ts';
import { isEnded, nextRunState } from '../model/run-state.ts';
import { nextInstant } from '../schedule/next.ts';
import { copyRun } from '../state/decision.ts';
import type { Entry, State } from '../state/state.ts';
import type { Turn } from '../state/turn.ts';
import { endLateness } from './alerts/alerts.ts';
import { finishAttempt } from './attempts.ts';
import { decideDue, runAt } from './due.ts';
import { propagateEnds } from './endings.ts';
import { giveUp, idleReason, openStarted } from './runs.ts';

type Report = Extract<Command, { kind: 'report' }>;

/** Clocks of other hosts may be ahead, and timers fire early. */
export const EARLY_MS = 30_000;
/** Older reports are refused. */
export const MAX_REPORT_AGE_MS = 7 * 86_400_000;
/** Keys of ended runs that are remembered. */
const MAX_HEARD = 64;

/** JOB_RUNS_ELSEWHERE if somebody else runs the job. */
export function refuseExternal({ job }: Entry, done: string): void {
  if (!isExternal(job.definition)) return;
  throw new CarillonError(
    'JOB_RUNS_ELSEWHERE',
    `Runs of '${job.name}' cannot be ${done}: somebody else runs the job, and only reports to Carillon.`,
    { field: 'name', value: job.name, allowed: 'jobs with run' },
  );
}

/** After an edit: what the job no longer does itself, or nobody reports any more. */
export function endForeign(turn: Turn, entry: Entry): void {
  const external = isExternal(entry.job.definition);
  for (const run of entry.runs) {
    const attempt = run.attempts.at(-1);
    const isOnEngine = attempt !== undefined && attempt.engine !== EXTERNAL && run.state !== 'waiting';
    if (
      external ? !isOnEngine && attempt !== undefined : attempt === undefined || attempt.engine === EXTERNAL
    )
      giveUp(turn, run, { code: 'runs-elsewhere' });
  }
  propagateEnds(turn);
}

/** When what is reported began, as far as it is known, and when it ended. */
interface Times {
  readonly at: number;
  readonly startedAt: number | null;
}

export function report(
  { state, now }: { readonly state: State; readonly now: number },
  command: Report,
): (turn: Turn) => ReportAnswer {
  const entry = state.entry(command.name);
  if (!isExternal(entry.job.definition)) {
    throw new CarillonError(
      'REPORT_NOT_AWAITED',
      `Carillon runs '${command.name}' itself, so nobody else reports its runs. Remove run from the job if somebody else runs it.`,
      { field: 'name', value: command.name, allowed: 'jobs without run' },
    );
  }
  const at = now - command.agoMs;
  const { durationMs, step } = command;
  const startedAt = step === 'start' ? at : durationMs === null ? null : at - durationMs;
  return (turn) => {
    const answer = accept(turn, entry, command, { at, startedAt });
    propagateEnds(turn);
    return answer;
  };
}

function accept(turn: Turn, entry: Entry, command: Report, times: Times): ReportAnswer {
  const { key, step } = command;
  if (key !== null && entry.state.heard.includes(hashed(key))) return { run: null, repeated: true };
  const known = knownRun(entry, command);
  if (known !== null && step === 'start') return { run: copyRun(known), repeated: true };
  const run = known ?? newRun(turn, entry, command, times);
  // Of a report without a key, by which it is found.
  if (isEnded(run.state)) return { run: copyRun(run), repeated: true };
  if (known === null) begin(turn, entry, run, { ...times, key });
  if (step !== 'start') end(turn, entry, run, command, times);
  return { run: copyRun(run), repeated: false };
}

const hashed = (key: string): string => hash53(key).toString(36);

const isAwaited = ({ attempts }: Run): boolean => attempts.length === 0;

function knownRun({ runs }: Entry, { key, step }: Report): Run | null {
  const running = runs.filter((run) => run.attempts.at(-1)?.engine === EXTERNAL);
  if (key !== null) return running.find(({ reportKey }) => reportKey === key) ?? null;
  return step === 'start' ? null : (running.findLast(({ reportKey }) => reportKey === undefined) ?? null);
}

/** The run of a due time, or one of its own. */
function newRun(turn: Turn, entry: Entry, command: Report, { at, startedAt }: Times): Run {
  const { name } = entry.job;
  const from = startedAt ?? at;
  const { givenUp, key, by, triggerId } = command;
  if (givenUp !== null && givenUp.reportKey !== undefined && givenUp.reportKey === key)
    return caughtUp(turn, entry, command, givenUp);
  const awaited = awaitedRun(turn, entry, from);
  if (awaited !== null) return awaited;
  if (givenUp !== null && isAbout(entry, givenUp, from)) return caughtUp(turn, entry, command, givenUp);
  const trigger = { kind: 'manual', by } as const;
  return started(turn, entry, {
    due: from,
    variant: manualVariant(triggerId),
    lineage: trigger.kind,
    root: name,
    trigger,
  });
}

function started(turn: Turn, entry: Entry, seed: Parameters<typeof openStarted>[2]): Run {
  const known = turn.state.triggered(entry.job.name, seed.variant);
  if (known !== undefined) return turn.state.runs.get(known.id) ?? known;
  const run = openStarted(turn, entry, seed);
  turn.state.remember(run);
  return run;
}

/** The run of the awaited due time that is nearest. */
function awaitedRun(turn: Turn, entry: Entry, from: number): Run | null {
  if (entry.due !== null && entry.due <= turn.draft.now) decideDue(turn, entry);
  const past = entry.runs
    .filter((run) => isAwaited(run) && run.due - from <= earlyMs(entry, run.due))
    .reduce<Run | null>(
      (best, run) => (best === null || isNearer(run.due, best.due, from) ? run : best),
      null,
    );
  const { due } = entry;
  if (due === null || due - from > earlyMs(entry, due) || idleReason(entry) !== null) return past;
  if (past !== null && !isNearer(due, past.due, from)) return past;
  const run = runAt(turn, entry, due);
  turn.state.plan(entry);
  return run;
}

const isNearer = (a: number, b: number, from: number): boolean => Math.abs(a - from) < Math.abs(b - from);

/** How long before a due time a report may belong to it. */
function earlyMs({ schedule }: Entry, due: number): number {
  const next = schedule === null ? null : nextInstant(schedule, due);
  return next === null ? EARLY_MS : Math.min(EARLY_MS, (next - due) / 4);
}

/** Whether it is about the due time of this run, and no other was nearer. */
function isAbout(entry: Entry, { job, due, state, variant }: Run, from: number): boolean {
  if (job !== entry.job.name || state !== 'missed' || variant !== '' || due - from > earlyMs(entry, due))
    return false;
  const { schedule } = entry;
  const next = schedule === null ? null : nextInstant(schedule, due);
  return next === null || from < next - earlyMs(entry, next) || isNearer(due, next, from);
}

function caughtUp(
  turn: Turn,
  entry: Entry,
  { by, triggerId }: Report,
  { id, due, state, variant }: Run,
): Run {
  const trigger = { kind: 'rerun', by, of: id } as const;
  const run = started(turn, entry, {
    due,
    variant: rerunVariant(triggerId),
    lineage: trigger.kind,
    root: entry.job.name,
    trigger,
  });
  if (state === 'missed' && variant === '') {
    // It is counted as the ledger has it.
    entry.state.missed = Math.max(0, entry.state.missed - 1);
    turn.draft.state(entry.state);
    turn.draft.ledger({
      job: entry.job.name,
      from: due,
      to: due,
      count: 1,
      end: 'caught-up',
      reason: null,
      run: run.id,
    });
  }
  return run;
}

function begin(
  turn: Turn,
  entry: Entry,
  run: Run,
  { at, startedAt, key }: Times & { key: string | null },
): void {
  const { state, draft } = turn;
  const number = run.attempts.length + 1;
  const attempt: Attempt = {
    number,
    engine: EXTERNAL,
    host: null,
    launchName: launchName({
      installation: state.installation,
      job: entry.job,
      run: run.id,
      attempt: number,
    }),
    term: state.term,
    createdAt: startedAt ?? at,
    startedAt,
    seenAt: draft.now,
    endedAt: null,
    exitCode: null,
    reason: null,
  };
  run.state = nextRunState(nextRunState(run.state, 'launch'), 'start');
  run.reason = null;
  run.revision = entry.job.revision;
  if (key !== null) run.reportKey = key;
  run.attempts.push(attempt);
  state.putRun(run);
  draft.run(run);
  state.watch(run);
  state.watchLate(run, draft.now);
  endLateness(turn, entry);
}

function end(turn: Turn, entry: Entry, run: Run, command: Report, { at, startedAt }: Times): void {
  const { state } = turn;
  const { output, key, step, exitCode, by } = command;
  let attempt = run.attempts.at(-1) as Attempt;
  if (output !== null) {
    // The output is kept under this name.
    state.launches.delete(attempt.launchName);
    attempt = { ...attempt, ...output };
    run.attempts.splice(-1, 1, attempt);
    state.putRun(run);
  }
  attempt.startedAt ??= startedAt;
  attempt.exitCode = step === 'success' ? 0 : exitCode;
  if (key !== null) entry.state.heard = [...entry.state.heard, hashed(key)].slice(-MAX_HEARD);
  const failure: Reason =
    exitCode === null ? { code: 'reported-failed', by } : { code: 'exit-code', exitCode };
  const verdict =
    step === 'success'
      ? ({ outcome: 'succeeded', reason: null } as const)
      : ({ outcome: 'failed', reason: failure } as const);
  finishAttempt(turn, entry, run, { ...verdict, at });
}
