/**
 * Durations are measured with a monotonic clock. Deadlines count from wall-clock timestamps, so that they can
 * be stored, shown and understood by the next leader. When the wall clock is set, those of unfinished runs
 * are moved by the same amount: an attempt that has run for three seconds has still run for three seconds.
 * Due times are not durations, so they are not moved.
 *
 * Where the step is not known exactly, deadlines are moved by the most that it can be, so that no duration becomes
 * shorter, and the timestamps that people see by the least.
 */

import type { ClockAhead } from '../event.ts';
import type { Alert } from '../model/alert.ts';
import type { Run } from '../model/model.ts';
import type { Turn } from './turn.ts';

/** Moves the timestamps of unfinished runs to a wall clock that is ahead. */
export function moveInstants(turn: Turn, ahead: ClockAhead): void {
  const { state, draft } = turn;
  for (const run of [...state.runs.values()]) {
    moveRun(run, ahead);
    draft.run(run);
    draft.cut();
    state.watch(run);
    state.watchLate(run, draft.now);
  }
  for (const [key, alert] of state.alerts) {
    if (alert.notifiedAt === null || ahead.leastMs === 0) continue;
    const moved = moveAlert(alert, ahead);
    state.alerts.set(key, moved);
    draft.alert(moved);
    draft.cut();
  }
  const { leastMs } = ahead;
  state.troubles = new Map([...state.troubles].map(([key, since]) => [key, since + leastMs]));
  state.queueLengths = state.queueLengths.map(({ at, queued }) => ({ at: at + leastMs, queued }));
}

/** What repetitions and escalations count from. Its age is not moved: it is part of its key. */
const moveAlert = (alert: Alert, { leastMs }: ClockAhead): Alert => ({
  ...alert,
  notifiedAt: alert.notifiedAt === null ? null : alert.notifiedAt + leastMs,
  repeatedAt: alert.repeatedAt === null ? null : alert.repeatedAt + leastMs,
});

/** Whether a deadline of the run counts from one of its timestamps. */
export const isCounted = ({ attempts, startBy, kill, notBefore }: Run): boolean =>
  attempts.length > 0 || startBy !== null || kill !== null || notBefore !== null;

/** Moves all timestamps, so that the runs of a job keep their order, also with later ones. */
function moveRun(run: Run, { leastMs, mostMs }: ClockAhead): void {
  run.createdAt += leastMs;
  if (run.startBy !== null) run.startBy += mostMs;
  if (run.kill !== null) run.kill = { ...run.kill, at: run.kill.at + mostMs };
  if (run.notBefore !== null) {
    const at = run.notBefore + mostMs;
    if (run.reason?.code === 'retry') run.reason = { ...run.reason, at };
    run.notBefore = at;
  }
  for (const attempt of run.attempts) {
    attempt.createdAt += leastMs;
    if (attempt.startedAt !== null) attempt.startedAt += leastMs;
    if (attempt.seenAt !== undefined) attempt.seenAt += mostMs;
    if (attempt.endedAt !== null) attempt.endedAt += leastMs;
  }
}
