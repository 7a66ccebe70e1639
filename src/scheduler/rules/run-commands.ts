/** Commands about runs: trigger, run again, mark as succeeded, report a result, kill. */

import { CarillonError } from '../../errors.ts';
import type { Command } from '../command.ts';
import { EXTERNAL } from '../job/external.ts';
import { readParams } from '../job/params.ts';
import { policyOf } from '../job/policy.ts';
import { manualVariant, rerunVariant } from '../model/ids.ts';
import type { Run } from '../model/model.ts';
import { isEnded } from '../model/run-state.ts';
import { copyRun } from '../state/decision.ts';
import type { State } from '../state/state.ts';
import type { Turn } from '../state/turn.ts';
import { noted } from './access/audit.ts';
import { reportResult } from './attempts.ts';
import { propagateEnds } from './endings.ts';
import { sharedBy } from './given/shared.ts';
import { refuseExternal } from './reports.ts';
import { killRun, openStarted, runEnded } from './runs.ts';

type Kind = 'trigger' | 'rerun' | 'mark-success' | 'complete' | 'kill';
type CommandOf<K extends Kind> = Extract<Command, { kind: K }>;
type Change = (turn: Turn) => Run;

/** Context of a check: the current state, and the time at which it will be changed. */
interface Before {
  readonly state: State;
  readonly now: number;
}

export const runCommands: { readonly [K in Kind]: (before: Before, command: CommandOf<K>) => Change } = {
  trigger,
  rerun,
  'mark-success': markSuccess,
  complete,
  kill,
};

function trigger({ state, now }: Before, command: CommandOf<'trigger'>): Change {
  const entry = state.entry(command.name);
  refuseExternal(entry, 'started');
  const params = readParams(entry.job.definition.params, command.params);
  const trigger = { kind: 'manual', by: command.by } as const;
  const seed = {
    due: now,
    variant: manualVariant(command.triggerId),
    lineage: trigger.kind,
    root: command.name,
    trigger,
    params,
    shared: sharedBy(state, entry, params),
  };
  return once(command.name, seed.variant, (turn) => openStarted(turn, entry, seed));
}

function rerun({ state }: Before, { run, triggerId, by }: CommandOf<'rerun'>): Change {
  const entry = state.entry(run.job);
  refuseExternal(entry, 'started again');
  if (!isEnded(run.state)) {
    throw new CarillonError('RUN_NOT_ENDED', `Run ${run.id} is ${run.state}.`, {
      field: 'id',
      value: run.id,
    });
  }
  const trigger = { kind: 'rerun', by, of: run.id } as const;
  const seed = {
    due: run.due,
    variant: rerunVariant(triggerId),
    lineage: trigger.kind,
    root: run.job,
    trigger,
    params: run.params,
    ...(run.interval !== undefined && { interval: run.interval }),
    ...(run.shared !== undefined && { shared: run.shared }),
  };
  return once(run.job, seed.variant, (turn) => openStarted(turn, entry, seed));
}

/** The same trigger id returns the run that it created before. */
function once(job: string, variant: string, open: Change): Change {
  return (turn) => {
    const { state } = turn;
    const known = state.triggered(job, variant);
    if (known !== undefined) return copyRun(state.runs.get(known.id) ?? known);
    const run = open(turn);
    noted(turn, { on: run.id, after: begunBy(run) });
    propagateEnds(turn);
    state.remember(copyRun(run));
    return copyRun(run);
  };
}

/** Of parameters only the names: they are values of the environment. */
const begunBy = ({ trigger, params }: Run) => ({
  ...(trigger.kind === 'rerun' && { of: trigger.of }),
  ...(Object.keys(params).length > 0 && { params: Object.keys(params).sort() }),
});

/**
 * Recorded as a rerun of the run it stands for, so that the rounds of its children treat that as succeeded.
 */
function markSuccess({ state, now }: Before, { name, triggerId, by }: CommandOf<'mark-success'>): Change {
  const entry = state.entry(name);
  const { last } = entry.state;
  const seed =
    last === null || last.state === 'succeeded'
      ? { due: now, variant: manualVariant(triggerId), trigger: { kind: 'manual', by } as const }
      : {
          due: last.due,
          variant: rerunVariant(triggerId),
          trigger: { kind: 'rerun', by, of: last.id } as const,
        };
  const whole = { ...seed, lineage: seed.trigger.kind, root: name, marked: by };
  return once(name, seed.variant, (turn) => openStarted(turn, entry, whole));
}

function complete({ state }: Before, { runId, succeeded, by }: CommandOf<'complete'>): Change {
  const run = unfinished(state, runId);
  refuseExternal(state.entry(run.job), 'ended here');
  if (policyOf(state.entry(run.job).job.definition.policy).completion !== 'callback') {
    throw new CarillonError(
      'OUTCOME_NOT_AWAITED',
      `The run ${run.id} ends with its command, because its job does not have policy.completion: callback.`,
      { field: 'id', value: run.id, allowed: 'runs of jobs with policy.completion: callback' },
    );
  }
  return (turn) => {
    turn.draft.act({ kind: 'run.reported', job: run.job, run: run.id, by, succeeded });
    noted(turn, { on: run.id, before: { state: run.state }, after: { succeeded } });
    reportResult(turn, run, { succeeded, by });
    propagateEnds(turn);
    return copyRun(run);
  };
}

function unfinished(state: State, id: string): Run {
  const run = state.runs.get(id);
  if (run === undefined) throw runEnded(id);
  return run;
}

function kill({ state }: Before, { runId, by }: CommandOf<'kill'>): Change {
  const run = unfinished(state, runId);
  const attempt = run.attempts.at(-1);
  if (attempt === undefined || attempt.engine === EXTERNAL) refuseExternal(state.entry(run.job), 'killed');
  return (turn) => {
    if (run.kill?.as !== 'killed') {
      turn.draft.act({ kind: 'run.kill-requested', job: run.job, run: run.id, by });
      noted(turn, { on: run.id, before: { state: run.state } });
    }
    killRun(turn, run, { by, as: 'killed', reason: { code: 'killed', by } });
    propagateEnds(turn);
    return copyRun(run);
  };
}
