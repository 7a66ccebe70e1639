/**
 * The run state machine, as a table: an input that is not listed for a state is a broken invariant.
 *
 *                           ┌───queue───┐
 *   waiting ──queue──► queued ──launch──► launching ──start──► running ──► ended
 *      ▲  └──────────launch─────────────────▲  │                  │
 *      └───────────────retry───────────────────┴──────────────────┘
 *
 * A run is born waiting. `waiting`: for its turn (overlap) or for an instant (retry). `queued`: ready, but a
 * limit is reached, or its engine has no place for it. `launching`: an attempt is durable and the engine was
 * asked. `running`: the engine has started it. Ended: succeeded, failed, killed, timed-out, lost, skipped, missed;
 * these never change again.
 */

import { InvariantError } from '../../errors.ts';
import { type EndState, endStates, type LiveState, type RanState, type Run, type RunState } from './model.ts';

export type RunInput = 'queue' | 'launch' | 'start' | 'retry' | EndState;

/** Transitions of each unfinished state. */
export const runTransitions: Readonly<Record<LiveState, Readonly<Partial<Record<RunInput, RunState>>>>> = {
  waiting: {
    queue: 'queued',
    launch: 'launching',
    killed: 'killed',
    skipped: 'skipped',
    missed: 'missed',
    // Marked as succeeded by a user.
    succeeded: 'succeeded',
    // A retry that is no longer possible ends like its last attempt. The run policy refuses launches.
    failed: 'failed',
    lost: 'lost',
    'timed-out': 'timed-out',
  },
  queued: {
    launch: 'launching',
    killed: 'killed',
    skipped: 'skipped',
    missed: 'missed',
    // The run policy refuses the launch, or it has no time left.
    failed: 'failed',
    'timed-out': 'timed-out',
  },
  launching: {
    start: 'running',
    // The engine has no capacity and created nothing.
    queue: 'queued',
    retry: 'waiting',
    succeeded: 'succeeded',
    failed: 'failed',
    killed: 'killed',
    'timed-out': 'timed-out',
    lost: 'lost',
    missed: 'missed',
    // Its exit code says that there was nothing to do.
    skipped: 'skipped',
  },
  running: {
    retry: 'waiting',
    succeeded: 'succeeded',
    failed: 'failed',
    killed: 'killed',
    'timed-out': 'timed-out',
    lost: 'lost',
    skipped: 'skipped',
  },
};

/** The state after `input`. An unlisted pair throws an `InvariantError`. */
export function nextRunState(state: RunState, input: RunInput): RunState {
  const next = isEnded(state) ? undefined : runTransitions[state][input];
  if (next === undefined) throw new InvariantError(`a run that is ${state} cannot accept '${input}'`);
  return next;
}

export function isEnded(state: RunState): state is EndState {
  return (endStates as readonly string[]).includes(state);
}

/** On an engine, or on the way to it. */
export const isRunning = (state: RunState): boolean => state === 'launching' || state === 'running';

export const isWaiting = (state: RunState): boolean => state === 'waiting' || state === 'queued';

/** The command has exited with 0 and the result has not been reported; see `completion: callback`. */
export function awaitsCallback(run: Run): boolean {
  const attempt = run.attempts.at(-1);
  return run.state === 'running' && attempt?.endedAt === null && attempt.exitCode !== null;
}

/** One of these runs, as a parent, made the run due. */
export const isTriggeredBy = ({ trigger }: Pick<Run, 'trigger'>, ids: ReadonlySet<string>): boolean =>
  trigger.kind === 'parents' && trigger.runs.some((id) => ids.has(id));

/** The same, or it is a rerun of one of them. */
export const followsFrom = (run: Pick<Run, 'trigger'>, ids: ReadonlySet<string>): boolean =>
  isTriggeredBy(run, ids) || (run.trigger.kind === 'rerun' && ids.has(run.trigger.of));

/** When the run could start: its due time with its jitter, or when its parents or a user triggered it. */
export function readyAt({
  trigger,
  due,
  jitter = 0,
  createdAt,
}: Pick<Run, 'trigger' | 'due' | 'jitter' | 'createdAt'>): number {
  return trigger.kind === 'schedule' ? due + jitter : createdAt;
}

/** Whether a run that ended so ever ran. */
export const didRun = (end: EndState): end is RanState => end !== 'skipped' && end !== 'missed';

/** Whether the run waits for the end of a maintenance or a blackout. */
export const isHeld = ({ reason }: Pick<Run, 'reason'>): boolean =>
  reason !== null && (reason.code === 'maintenance' || reason.code === 'blackout');
