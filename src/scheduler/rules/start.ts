/**
 * One start of several jobs, decided as a whole. Each of them runs once: at once, or after those of its
 * parents that the start is sure to bring to an end, which are the named jobs and jobs that depend only on
 * these. The parents that a job waits for are written into its rounds in the same decision, so a crash leaves
 * nothing half started.
 */

import { byName } from '../../dag/graph.ts';
import { emptyJoin, forgetEnds, openStart } from '../../dag/ready.ts';
import { CarillonError } from '../../errors.ts';
import type { Command, StartedJob } from '../command.ts';
import { policyOf } from '../job/policy.ts';
import { manualVariant } from '../model/ids.ts';
import type { Run } from '../model/model.ts';
import type { Reason } from '../model/reason.ts';
import { copyRun } from '../state/decision.ts';
import { branchesOf } from '../state/lineage.ts';
import type { Entry, State } from '../state/state.ts';
import type { Turn } from '../state/turn.ts';
import { noted } from './access/audit.ts';
import { fire, propagateEnds } from './endings.ts';
import { paramsOfStart, type StartParams } from './given/start.ts';
import { overlapOf } from './overlap.ts';
import { refuseExternal } from './reports.ts';
import { idleReason, openStarted } from './runs.ts';

/**
 * Jobs that one start may reach: limited by how long one decision may block the loop, and by the size of one
 * commit.
 */
export const MAX_STARTED = 20_000;

type Start = Extract<Command, { kind: 'start' }>;

interface Plan {
  /** The named jobs in order of name. */
  readonly jobs: readonly Omit<StartedJob, 'run'>[];
  /** Per job with parents in the start: these parents, in the job's order. */
  readonly rounds: ReadonlyMap<Entry, readonly string[]>;
  /** Per job that depends on several jobs of the start and on others: those of the start. */
  readonly outside: ReadonlyMap<Entry, readonly string[]>;
}

/**
 * Checks a start and returns the function that performs it. With the trigger id of an earlier start that has
 * no effect.
 */
export function start(
  { state, now }: { readonly state: State; readonly now: number },
  command: Start,
): (turn: Turn) => readonly StartedJob[] {
  const plan = planStart(state, command.names);
  const foreseen = () => plan.jobs.map((job) => ({ ...job, run: null }));
  // Whoever asks what would start may not know yet what it will be given.
  if (command.dryRun && command.params === undefined) return foreseen;
  const given = paramsOfStart(
    plan.jobs.map(({ job, after }) => ({ entry: state.entry(job), follows: after.length > 0 })),
    command.params ?? {},
  );
  if (command.dryRun) return foreseen;
  const variant = manualVariant(command.triggerId);
  return (turn) => {
    const known = plan.jobs.some(({ job }) => state.triggered(job, variant) !== undefined);
    if (!known) {
      begin(turn, plan, { due: now, variant, by: command.by, given });
      const params = Object.keys(command.params ?? {}).sort();
      noted(turn, {
        on: plan.jobs.map(({ job }) => job).join(', '),
        after: { jobs: plan.jobs.length, ...(params.length > 0 && { params }) },
      });
    }
    return plan.jobs.map((job) => {
      const run = state.triggered(job.job, variant);
      return run === undefined
        ? { ...job, run: null }
        : { ...job, skip: null, run: copyRun(state.runs.get(run.id) ?? run) };
    });
  };
}

function planStart(state: State, names: readonly string[]): Plan {
  const named = [...new Set(names)].sort(byName).map((name) => entryOf(state, name));
  const branches = branchesOf(
    state.graph,
    named.map(({ job }) => job.name),
  );
  if (branches.size > MAX_STARTED) {
    throw new CarillonError(
      'LIMIT_EXCEEDED',
      `${branches.size} jobs would start or follow, but the maximum is ${MAX_STARTED}. Name fewer jobs.`,
      { field: 'jobs', allowed: `at most ${MAX_STARTED} jobs, including those that follow` },
    );
  }
  const parentsIn = (name: string) => state.graph.parentsOf(name).filter((parent) => branches.has(parent));
  const jobs = named.map((entry) => {
    const { name } = entry.job;
    const after = parentsIn(name);
    const others =
      after.length === 0 ? [] : state.graph.parentsOf(name).filter((each) => !branches.has(each));
    return { job: name, after, others, skip: after.length === 0 ? overlapping(entry) : idleReason(entry) };
  });
  const rounds = new Map<Entry, readonly string[]>();
  const below = new Set<string>();
  for (const name of branches) {
    const parents = parentsIn(name);
    if (parents.length > 0) rounds.set(state.entry(name), parents);
    for (const child of state.graph.childrenOf(name)) if (!branches.has(child)) below.add(child);
  }
  const outside = new Map<Entry, readonly string[]>();
  for (const name of below) {
    const parents = parentsIn(name);
    if (parents.length > 1) outside.set(state.entry(name), parents);
  }
  return { jobs, rounds, outside };
}

function entryOf(state: State, name: string): Entry {
  const entry = state.jobs.get(name);
  if (entry === undefined) throw notStarted(name);
  refuseExternal(entry, 'started');
  return entry;
}

export const notStarted = (name: string): CarillonError =>
  new CarillonError('JOB_NOT_FOUND', `There is no job named '${name}', so no job was started.`, {
    field: 'jobs',
    value: name,
  });

/** Why a run that starts now would be skipped. Null: it would not. */
function overlapping({ job, runs }: Entry): Reason | null {
  const overlap = overlapOf(policyOf(job.definition.policy), runs, false);
  return overlap.kind === 'skip' ? overlap.reason : null;
}

interface Seed {
  readonly due: number;
  readonly variant: string;
  readonly by: string;
  readonly given: StartParams;
}

function begin(turn: Turn, { jobs, rounds, outside }: Plan, { due, variant, by, given }: Seed): void {
  const { state, draft } = turn;
  // Before the runs: a skipped one ends at once and notifies its children.
  for (const [entry, parents] of rounds) {
    const spec = state.derived.joinSpec(entry);
    if (spec === null) continue;
    const opened = openStart(entry.state.join ?? emptyJoin, spec, { due, variant, parents });
    entry.state.join = opened.join;
    draft.state(entry.state);
    fire(turn, entry, opened.firings, null);
  }
  for (const [entry, parents] of outside) {
    if (entry.state.join === null) continue;
    entry.state.join = forgetEnds(entry.state.join, parents);
    draft.state(entry.state);
  }
  const runs: Run[] = [];
  for (const { job, after } of jobs) {
    if (after.length > 0) continue;
    const trigger = { kind: 'manual', by } as const;
    const { shared } = given;
    const params = given.own.get(job) ?? {};
    const seed = { due, variant, lineage: trigger.kind, root: job, trigger, params, shared };
    runs.push(openStarted(turn, state.entry(job), seed));
  }
  propagateEnds(turn);
  for (const run of runs) state.remember(copyRun(run));
}
