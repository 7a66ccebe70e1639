/** What must hold of a run that its parents made due: they have ended, as it asks, and it is one of its round. */

import type { Run } from '../../src/scheduler/model/model.ts';
import { isEnded } from '../../src/scheduler/model/run-state.ts';
import type { JobLife } from './judge.ts';

/** A leader whose clock is ahead decides earlier than its successor thinks. */
const CLOCKS_APART_MS = 600_000;

interface Account {
  readonly jobs: ReadonlyMap<string, JobLife>;
  readonly runs: ReadonlyMap<string, Run>;
}

type Outcome = 'succeeded' | 'failed' | 'skipped';

function outcomeOf(run: Run): Outcome {
  if (run.state === 'succeeded') return 'succeeded';
  return run.state === 'skipped' || run.state === 'missed' ? 'skipped' : 'failed';
}

interface ParentEnd {
  readonly outcome: Outcome;
  /** The parent's own condition. */
  readonly own: string | undefined;
}

function holds(when: string, ends: readonly ParentEnd[]): boolean {
  const [quantity, usual] = when.split('-');
  const isWanted = ({ outcome, own = usual }: ParentEnd): boolean => own === 'done' || own === outcome;
  return quantity === 'all' ? ends.every(isWanted) : ends.some(isWanted);
}

/** What is wrong with it as it is written, or null. */
export function roundFault(run: Run, { jobs, runs }: Account): string | null {
  const life = jobs.get(run.job);
  if (run.trigger.kind !== 'parents' || run.state === 'skipped' || life === undefined) return null;
  const parents = run.trigger.runs.map((id) => ({ id, run: runs.get(id) }));
  const early = parents.find((parent) => parent.run === undefined || !isEnded(parent.run.state));
  if (early !== undefined)
    return `${run.id} is due before its parent's run ${early.id} has ended: it is ${early.run?.state ?? 'not there'}`;
  if (!parents.some((parent) => parent.run?.lineage === run.lineage))
    return `${run.id} is ${run.lineage}, and none of its parents' runs is`;
  const after = life.job.definition.schedule?.after;
  if (after === undefined || life.changed) return null;
  const own = new Map(
    after.parents.map((each) => (typeof each === 'string' ? [each, undefined] : [each.job, each.when])),
  );
  const ends = parents.map((parent) => ({
    outcome: outcomeOf(parent.run as Run),
    own: own.get((parent.run as Run).job),
  }));
  if (!holds(after.when ?? 'all-succeeded', ends))
    return `${run.id} runs when ${after.when ?? 'all-succeeded'}, and its parents ended ${ends.map(({ outcome, own: wanted }) => `${outcome}${wanted === undefined ? '' : `, wanted ${wanted}`}`).join(', ')}`;
  return null;
}

/** Rounds of one cadence: where every parent has ended at an instant, the child has exactly one run of it. */
export function missedRounds(child: JobLife, { jobs }: Account): string[] {
  const after = child.job.definition.schedule?.after;
  if (after === undefined || child.changed || !(after.when ?? 'all-succeeded').startsWith('all-')) return [];
  const parents = after.parents.map((each) => jobs.get(typeof each === 'string' ? each : each.job));
  const [first] = parents;
  const alike = parents.every(
    (parent) =>
      parent?.schedule != null &&
      !parent.changed &&
      JSON.stringify(parent.job.resolved) === JSON.stringify(first?.job.resolved) &&
      // A parent that was made anew after its child has another past than the child knows.
      parent.job.createdAt <= child.job.createdAt,
  );
  if (!alike || first == null) return [];
  const known = duesOf(child, isScheduled);
  const ended = parents.map((parent) =>
    duesOf(parent as JobLife, (run) => isScheduled(run) && isEnded(run.state)),
  );
  return [...(ended[0] ?? [])]
    .filter((due) => due > child.job.createdAt + CLOCKS_APART_MS && !known.has(due))
    .filter((due) => ended.every((dues) => dues.has(due)))
    .map(
      (due) =>
        `${child.job.name}: all its parents ended at ${new Date(due).toISOString()}, and it has no run`,
    );
}

const isScheduled = ({ lineage }: Run): boolean => lineage === 'scheduled';

function duesOf(life: JobLife, wanted: (run: Run) => boolean): Set<number> {
  return new Set([...life.runs.values()].filter(wanted).map(({ due }) => due));
}
