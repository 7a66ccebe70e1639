/**
 * Commands, in two steps. The check reads the state without changing it and may fail in any way: an error
 * rejects only that command. It returns the change, which must not fail, because an error there leaves a
 * state that cannot be trusted.
 */

import { checkParents } from '../../dag/check.ts';
import { emptyJoin, startedAs } from '../../dag/ready.ts';
import { CarillonError, invariant } from '../../errors.ts';
import type { AnswerTo, ApplyResult, Checked, Command, CommandAnswers, JobAnswer } from '../command.ts';
import type { JobDefinition } from '../job/definition.ts';
import { EXTERNAL, isExternal } from '../job/external.ts';
import { policyOf } from '../job/policy.ts';
import { sameJson } from '../job/same.ts';
import { nearest } from '../job/schema/nearest.ts';
import { manualVariant, rerunVariant } from '../model/ids.ts';
import type { Job, Run } from '../model/model.ts';
import { isEnded } from '../model/run-state.ts';
import { beginNames, beginSchedule } from '../state/decided.ts';
import { copyRun } from '../state/decision.ts';
import type { Entry, State } from '../state/state.ts';
import type { Turn } from '../state/turn.ts';
import { alertOfHeld, alertOfHeldBelow, endAlert } from './alerts/alerts.ts';
import { alertCommands } from './alerts/commands.ts';
import { checkDeadlines } from './alerts/deadlines.ts';
import { reviewJob } from './alerts/notifications.ts';
import { known, planApply, storedIn } from './apply.ts';
import { reportResult } from './attempts.ts';
import { checkJob, nextRevision } from './define.ts';
import { setBack } from './due.ts';
import { propagateEnds, skipLostStarts } from './endings.ts';
import { checkParams } from './params.ts';
import { reviseLimits } from './placing.ts';
import { removeJob, revivedState } from './removal.ts';
import { endForeign, refuseExternal, report } from './reports.ts';
import { killRun, openStarted } from './runs.ts';
import { start } from './start.ts';

/** Applies a checked command to the state and returns the answer. */
export type Change<Answer> = (turn: Turn) => Answer;

/** Context of a check: the current state, and the time at which it will be changed. */
interface Before {
  readonly state: State;
  readonly now: number;
}

type CommandOf<K extends Command['kind']> = Extract<Command, { kind: K }>;
type Check<K extends Command['kind']> = (before: Before, command: CommandOf<K>) => Change<CommandAnswers[K]>;

const checks: { readonly [K in Command['kind']]: Check<K> } = {
  'put-job': putJob,
  apply,
  'delete-job': deleteJob,
  pause: ({ state }, { name, by }) => setPaused(state.entry(name), by, true),
  resume: ({ state }, { name, by }) => setPaused(state.entry(name), by, false),
  trigger,
  start,
  rerun,
  kill,
  complete,
  report,
  'mark-success': markSuccess,
  ...alertCommands,
};

/** Checks one command without changing anything. Throws a `CarillonError` if it is rejected. */
export function check<C extends Command>(before: Before, command: C): Change<AnswerTo<C>> {
  const own = checks[command.kind] as unknown as (before: Before, command: C) => Change<AnswerTo<C>>;
  return own(before, command);
}

function putJob({ state, now }: Before, command: CommandOf<'put-job'>): Change<JobAnswer> {
  const checked = checkJob(command.definition, command.source, { ...storedIn(state), now });
  const { definition } = checked;
  const before = state.jobs.get(definition.name) ?? null;
  if (before !== null && command.mode === 'create') {
    throw new CarillonError('JOB_EXISTS', `A job named '${definition.name}' already exists.`, {
      field: 'name',
      value: definition.name,
    });
  }
  if (command.expected !== undefined && (before?.job.revision ?? 0) !== command.expected) {
    throw new CarillonError(
      'REVISION_CONFLICT',
      `Job '${definition.name}' is at revision ${before?.job.revision ?? 0}, not ${command.expected}.`,
      { field: 'revision', value: command.expected, allowed: String(before?.job.revision ?? 0) },
    );
  }
  const parents = definition.schedule?.after?.parents ?? [];
  checkParents(
    state.graph,
    definition.name,
    parents,
    (name) => state.jobs.has(name),
    (unknown) => {
      const near = nearest(unknown, state.jobs.size <= 10_000 ? state.jobs.keys() : state.graph.linked());
      return near === null ? [] : [near];
    },
  );
  if (before !== null && sameJson(before.job.definition, definition)) {
    const { job, state } = before;
    return () => ({ job, state: { ...state }, outcome: 'unchanged', warnings: checked.warnings });
  }
  const next = nextRevision(checked, known(state, definition.name), { now, by: command.by });
  return (turn) => {
    const entry = accept(turn, checked, next);
    propagateEnds(turn);
    return {
      job: entry.job,
      state: { ...entry.state },
      outcome: before === null ? 'created' : 'changed',
      warnings: next.warnings,
    };
  };
}

/** Puts a checked revision into effect. Pending runs stay and are launched with it. */
function accept(turn: Turn, { definition }: Checked, next: { job: Job; cursor: number | null }): Entry {
  const { state, draft } = turn;
  const { name } = next.job;
  const before = state.jobs.get(name);
  const isNew = before === undefined;
  const join = before?.state.join ?? null;
  const wasPaused = (before?.state.paused ?? null) !== null;
  const changesHands = before !== undefined && isExternal(before.job.definition) !== isExternal(definition);
  const parents = before?.job.definition.schedule?.after?.parents;
  const followed = parents !== undefined;
  if (before !== undefined && next.cursor !== null) {
    // The current schedule determines what that is; see `beginSchedule`.
    if (before.state.cursor > draft.now) setBack(turn, before);
    beginSchedule(before.state, before.job.resolved, next.cursor);
    beginNames(before.state, before.job.resolved, draft.now);
  }
  const revived = isNew ? revivedState(turn, name, next.cursor ?? draft.now) : null;
  const entry = state.putJob(next.job, revived);
  if (!followed && (!isNew || revived !== null)) keepStartedNames(state, entry);
  if (definition.paused !== undefined) {
    entry.state.paused = definition.paused ? { at: draft.now, by: next.job.updatedBy } : null;
  }
  // A timeout, a grace or a time at which it is late may have come nearer.
  for (const run of entry.runs) {
    state.watch(run);
    state.watchLate(run, draft.now);
  }
  if (changesHands) endForeign(turn, entry);
  if (!isNew) reviseLimits(turn, entry);
  draft.job(next.job);
  // The state of a job with a new name follows from the job; see `State.putJob`.
  if (!isNew || revived !== null || entry.state.paused !== null) draft.state(entry.state);
  skipLostStarts(turn, entry, join);
  checkDeadlines(turn, entry);
  const isMoved = !sameJson(parents, definition.schedule?.after?.parents);
  if (!isNew && (isMoved || (entry.state.paused !== null) !== wasPaused)) alertOfHeldBelow(turn, entry);
  else alertOfHeld(turn, entry);
  reviewJob(turn, entry);
  const { revision, updatedBy: by } = next.job;
  const change = isNew ? 'created' : 'changed';
  draft.notice({ kind: 'job', name, change, revision });
  draft.act({ kind: `job.${change}`, job: name, revision, by });
  draft.cut();
  state.plan(entry);
  return entry;
}

/** A job that begins to follow others, which may still run under the variants of its own runs. */
function keepStartedNames(state: State, entry: Entry): void {
  const parents = entry.job.definition.schedule?.after?.parents ?? [];
  if (parents.length === 0) return;
  for (const run of state.startedRuns(entry.job.name))
    entry.state.join = startedAs(entry.state.join ?? emptyJoin, parents, run);
}

function apply({ state, now }: Before, command: CommandOf<'apply'>): Change<readonly ApplyResult[]> {
  const plan = planApply(state, command, now);
  if (command.dryRun) return () => plan.results;
  return (turn) => {
    // Edges first: while the jobs are stored one by one, the graph must not show a cycle that does not exist
    // afterwards.
    for (const { checked } of plan.accepted) {
      const parents = checked.definition.schedule?.after?.parents ?? [];
      if (parents.length > 0) turn.state.graph.setParents(checked.definition.name, parents);
    }
    for (const { checked, next } of plan.accepted) if (next !== null) accept(turn, checked, next);
    for (const name of plan.pruned) removeJob(turn, turn.state.entry(name), command.by);
    propagateEnds(turn);
    return plan.results;
  };
}

function deleteJob(
  { state, now }: Before,
  { name, dependents, by }: CommandOf<'delete-job'>,
): Change<CommandAnswers['delete-job']> {
  const entry = state.entry(name);
  const children = [...state.graph.childrenOf(name)];
  if (children.length > 0 && dependents === 'refuse') {
    throw new CarillonError(
      'JOB_HAS_DEPENDENTS',
      `${children.length} ${children.length === 1 ? 'job depends' : 'jobs depend'} on '${name}': ${children.slice(0, 5).join(', ')}${children.length > 5 ? ', …' : ''}`,
      { field: 'dependents', value: 'refuse', allowed: ['cascade', 'detach'], names: children },
    );
  }
  if (dependents === 'cascade') {
    const doomed = [name, ...state.graph.descendants(name)];
    return (turn) => {
      for (const each of [...doomed].reverse()) removeJob(turn, state.entry(each), by);
      return { deleted: doomed, detached: [] };
    };
  }
  const revisions = children.map((child) => detached(state.entry(child), name, { now, by }));
  return (turn) => {
    for (const { checked, next } of revisions) accept(turn, checked, next);
    removeJob(turn, entry, by);
    return { deleted: [name], detached: children };
  };
}

/** The child's revision without this parent. Without any parent it becomes a manual job. */
function detached(
  child: Entry,
  parent: string,
  stamp: { readonly now: number; readonly by: string },
): { checked: Checked; next: ReturnType<typeof nextRevision> } {
  const { schedule, ...rest } = child.job.definition;
  const after = schedule?.after;
  invariant(after !== undefined, `${child.job.name} depends on ${parent}`);
  const parents = after.parents.filter((name) => name !== parent);
  const definition: JobDefinition =
    parents.length === 0 ? rest : { ...rest, schedule: { ...schedule, after: { ...after, parents } } };
  const checked: Checked = { definition, source: 'detach', warnings: [] };
  return { checked, next: nextRevision(checked, { before: child, past: null }, stamp) };
}

function setPaused(entry: Entry, by: string, paused: boolean): Change<CommandAnswers['pause']> {
  return (turn) => {
    const { state, job } = entry;
    const changes = paused ? state.paused === null : state.paused !== null || state.disabled !== null;
    if (changes) {
      state.paused = paused ? { at: turn.draft.now, by } : null;
      if (!paused && state.disabled !== null) {
        state.disabled = null;
        endAlert(turn, entry, 'disabled', 'recovered');
        state.consecutiveFailures = 0;
      }
      turn.draft.state(state);
      const change = paused ? 'paused' : 'resumed';
      const { name, revision } = job;
      turn.draft.notice({ kind: 'job', name, change, revision });
      turn.draft.act({ kind: `job.${change}`, job: name, revision, by });
      alertOfHeldBelow(turn, entry);
    }
    return { job, state: { ...state } };
  };
}

function trigger({ state, now }: Before, command: CommandOf<'trigger'>): Change<Run> {
  const entry = state.entry(command.name);
  refuseExternal(entry, 'started');
  checkParams(command.params);
  const trigger = { kind: 'manual', by: command.by } as const;
  const seed = {
    due: now,
    variant: manualVariant(command.triggerId),
    lineage: trigger.kind,
    root: command.name,
    trigger,
    params: command.params,
  };
  return once(command.name, seed.variant, (turn) => openStarted(turn, entry, seed));
}

function rerun({ state }: Before, { run, triggerId, by }: CommandOf<'rerun'>): Change<Run> {
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
  };
  return once(run.job, seed.variant, (turn) => openStarted(turn, entry, seed));
}

/** The same trigger id returns the run that it created before. */
function once(job: string, variant: string, open: Change<Run>): Change<Run> {
  return (turn) => {
    const { state } = turn;
    const known = state.triggered(job, variant);
    if (known !== undefined) return copyRun(state.runs.get(known.id) ?? known);
    const run = open(turn);
    propagateEnds(turn);
    state.remember(copyRun(run));
    return copyRun(run);
  };
}

/**
 * Recorded as a rerun of the run it stands for, so that the rounds of its children treat that as succeeded.
 */
function markSuccess(
  { state, now }: Before,
  { name, triggerId, by }: CommandOf<'mark-success'>,
): Change<Run> {
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

function complete({ state }: Before, { runId, succeeded, by }: CommandOf<'complete'>): Change<Run> {
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
    reportResult(turn, run, { succeeded, by });
    propagateEnds(turn);
    return copyRun(run);
  };
}

function unfinished(state: State, id: string): Run {
  const run = state.runs.get(id);
  if (run !== undefined) return run;
  throw new CarillonError('RUN_ENDED', `Run ${id} has ended or never existed.`, { field: 'id', value: id });
}

function kill({ state }: Before, { runId, by }: CommandOf<'kill'>): Change<Run> {
  const run = unfinished(state, runId);
  const attempt = run.attempts.at(-1);
  if (attempt === undefined || attempt.engine === EXTERNAL) refuseExternal(state.entry(run.job), 'killed');
  return (turn) => {
    if (run.kill?.as !== 'killed')
      turn.draft.act({ kind: 'run.kill-requested', job: run.job, run: run.id, by });
    killRun(turn, run, { by, as: 'killed', reason: { code: 'killed', by } });
    propagateEnds(turn);
    return copyRun(run);
  };
}
