/**
 * Commands, in two steps. The check reads the state without changing it and may fail in any way: an error
 * rejects only that command. It returns the change, which must not fail, because an error there leaves a
 * state that cannot be trusted.
 */

import { checkParents } from '../../dag/check.ts';
import { emptyJoin, startedAs } from '../../dag/ready.ts';
import { CarillonError, invariant } from '../../errors.ts';
import type { Asker } from '../access/principal.ts';
import type { AnswerTo, ApplyResult, Checked, Command, CommandAnswers, JobAnswer } from '../command.ts';
import type { JobDefinition } from '../job/definition.ts';
import { isExternal } from '../job/external.ts';
import { parentNames, withoutParent } from '../job/parents.ts';
import { sameJson } from '../job/same.ts';
import { nearest } from '../job/schema/nearest.ts';
import type { Job } from '../model/model.ts';
import { beginNames, beginSchedule } from '../state/decided.ts';
import type { Entry, State } from '../state/state.ts';
import type { Turn } from '../state/turn.ts';
import { noted } from './access/audit.ts';
import { changedJob } from './access/changed.ts';
import { accessCommands } from './access/commands.ts';
import { permit } from './access/needs.ts';
import { Permits } from './access/permits.ts';
import { alertOfHeld, alertOfHeldBelow } from './alerts/alerts.ts';
import { alertCommands } from './alerts/commands.ts';
import { checkDeadlines } from './alerts/deadlines.ts';
import { reviewJob } from './alerts/notifications.ts';
import { calendarsFor, known, planApply, storedIn } from './apply.ts';
import { backfillCommands } from './backfill/commands.ts';
import { calendarCommands } from './calendars/commands.ts';
import { exceptionCommands } from './calendars/exceptions.ts';
import { setPaused } from './calendars/pause.ts';
import { checkUntil } from './calendars/until.ts';
import { checkJob, isUnchanged, nextRevision, type Stamp } from './define.ts';
import { setBack } from './due.ts';
import { propagateEnds, skipLostStarts } from './endings.ts';
import { pipelineCommands } from './pipelines/commands.ts';
import { reviseLimits } from './placing.ts';
import { removeJob, revivedState } from './removal.ts';
import { endForeign, report } from './reports.ts';
import { runCommands } from './run-commands.ts';
import { start } from './start.ts';

/** Applies a checked command to the state and returns the answer. */
export type Change<Answer> = (turn: Turn) => Answer;

/** Context of a check: the current state, and the time at which it will be changed. */
interface Before {
  readonly state: State;
  readonly now: number;
  readonly permits: Permits;
  readonly asker: Asker | undefined;
}

type CommandOf<K extends Command['kind']> = Extract<Command, { kind: K }>;
type Check<K extends Command['kind']> = (before: Before, command: CommandOf<K>) => Change<CommandAnswers[K]>;

const checks: { readonly [K in Command['kind']]: Check<K> } = {
  'put-job': putJob,
  apply,
  'delete-job': deleteJob,
  pause: ({ state, now }, { name, until, by }) => {
    if (until !== undefined) checkUntil(until, now);
    return setPaused(state.entry(name), by, { paused: true, ...(until !== undefined && { until }) });
  },
  resume: ({ state }, { name, by }) => setPaused(state.entry(name), by, { paused: false }),
  start,
  report,
  ...runCommands,
  ...pipelineCommands,
  ...alertCommands,
  ...calendarCommands,
  ...backfillCommands,
  ...exceptionCommands,
  ...accessCommands,
};

/** Checks one command without changing anything. Throws a `CarillonError` if it is rejected. */
export function check<C extends Command>(
  { state, now }: { readonly state: State; readonly now: number },
  command: C,
  asker?: Asker,
): Change<AnswerTo<C>> {
  permit(state, command, asker);
  const own = checks[command.kind] as unknown as (before: Before, command: C) => Change<AnswerTo<C>>;
  return own({ state, now, permits: new Permits(state, asker), asker }, command);
}

function putJob({ state, now, permits, asker }: Before, command: CommandOf<'put-job'>): Change<JobAnswer> {
  const calendars = calendarsFor(state);
  const checked = checkJob(command.definition, command.source, {
    ...storedIn(state),
    ...{ calendars, now, asker },
  });
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
  const parents = parentNames(definition.schedule?.after);
  permits.concealing(() =>
    checkParents(
      state.graph,
      definition.name,
      parents,
      (name) => permits.mayFollow(definition.name, name),
      (unknown) => {
        const names = state.jobs.size <= 10_000 ? state.jobs.keys() : state.graph.linked();
        const near = nearest(unknown, permits.seen(names));
        return near === null ? [] : [near];
      },
    ),
  );
  if (before !== null && isUnchanged(before.job, definition, state.settings)) {
    const { job, state } = before;
    return () => ({ job, state: { ...state }, outcome: 'unchanged', warnings: checked.warnings });
  }
  const next = nextRevision(checked, known(state, definition.name), {
    now,
    by: command.by,
    asker,
    calendars,
  });
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
  const change = changedJob(before?.job ?? null, next.job);
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
    // They are of the schedule before.
    delete before.state.exceptions;
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
  const did = isNew ? 'created' : 'changed';
  draft.notice({ kind: 'job', name, change: did, revision });
  draft.act({ kind: `job.${did}`, job: name, revision, by });
  noted(turn, { on: name, ...change });
  draft.cut();
  state.plan(entry);
  return entry;
}

/** A job that begins to follow others, which may still run under the variants of its own runs. */
function keepStartedNames(state: State, entry: Entry): void {
  const parents = parentNames(entry.job.definition.schedule?.after);
  if (parents.length === 0) return;
  for (const run of state.startedRuns(entry.job.name))
    entry.state.join = startedAs(entry.state.join ?? emptyJoin, parents, run);
}

function apply(
  { state, now, permits, asker }: Before,
  command: CommandOf<'apply'>,
): Change<readonly ApplyResult[]> {
  const plan = planApply(state, command, { now, permits, asker });
  if (command.dryRun) return () => plan.results;
  return (turn) => {
    // Edges first: while the jobs are stored one by one, the graph must not show a cycle that does not exist
    // afterwards.
    for (const { checked } of plan.accepted) {
      const parents = parentNames(checked.definition.schedule?.after);
      if (parents.length > 0) turn.state.graph.setParents(checked.definition.name, parents);
    }
    for (const { checked, next } of plan.accepted) if (next !== null) accept(turn, checked, next);
    for (const name of plan.pruned) removeJob(turn, turn.state.entry(name), command.by);
    propagateEnds(turn);
    return plan.results;
  };
}

function deleteJob(
  { state, now, permits }: Before,
  { name, dependents, by }: CommandOf<'delete-job'>,
): Change<CommandAnswers['delete-job']> {
  const entry = state.entry(name);
  const children = [...state.graph.childrenOf(name)];
  if (children.length > 0 && dependents === 'refuse') throw hasDependents(name, children, permits);
  if (dependents === 'cascade') {
    const below = state.graph.descendants(name);
    permits.needOnDependents(name, below);
    const doomed = [name, ...below];
    return (turn) => {
      for (const each of [...doomed].reverse()) removeJob(turn, state.entry(each), by);
      return { deleted: doomed, detached: [] };
    };
  }
  permits.needOnDependents(name, children);
  const calendars = calendarsFor(state);
  const revisions = children.map((child) => detached(state.entry(child), name, { now, by, calendars }));
  return (turn) => {
    for (const { checked, next } of revisions) accept(turn, checked, next);
    removeJob(turn, entry, by);
    return { deleted: [name], detached: children };
  };
}

function hasDependents(name: string, children: readonly string[], permits: Permits): CarillonError {
  const names = [...permits.seen(children)];
  const some = names.length === 0 ? '' : `: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}`;
  const message =
    names.length === children.length
      ? `${names.length} ${names.length === 1 ? 'job depends' : 'jobs depend'} on '${name}'${some}`
      : `Jobs depend on '${name}', among them some that you cannot read${some}`;
  const choice = { field: 'dependents', value: 'refuse', allowed: ['cascade', 'detach'] };
  return new CarillonError('JOB_HAS_DEPENDENTS', message, { ...choice, names });
}

/** The child's revision without this parent. Without any parent it becomes a manual job. */
function detached(
  child: Entry,
  parent: string,
  stamp: Omit<Stamp, 'asker'>,
): { checked: Checked; next: ReturnType<typeof nextRevision> } {
  const { schedule, ...rest } = child.job.definition;
  const after = schedule?.after;
  invariant(after !== undefined, `${child.job.name} depends on ${parent}`);
  const parents = withoutParent(after, parent);
  const definition: JobDefinition =
    parents.length === 0 ? rest : { ...rest, schedule: { ...schedule, after: { ...after, parents } } };
  const checked: Checked = { definition, source: 'detach', warnings: [] };
  const next = nextRevision(checked, { before: child, past: null }, { ...stamp, asker: undefined });
  // What it runs is what was put before.
  const { role } = child.job;
  return { checked, next: { ...next, job: { ...next.job, ...(role !== undefined && { role }) } } };
}
