/**
 * Applies many definitions at once. The set is checked as it would be afterwards, so parents may come after
 * their children and edges may change direction. Each job is accepted or rejected by itself, and jobs that
 * depend on a rejected new job are rejected with it.
 */

import { applyOrder, unknownParent } from '../../dag/check.ts';
import { CarillonError, shortened } from '../../errors.ts';
import type { Asker } from '../access/principal.ts';
import type { Accepted, AppliedDefinition, ApplyResult, Checked, Judged, Prune } from '../command.ts';
import { hasLabels } from '../job/node-choice.ts';
import { parentNames } from '../job/parents.ts';
import { nearest } from '../job/schema/nearest.ts';
import type { StoredCalendar } from '../model/calendar.ts';
import { compile } from '../state/calendars.ts';
import type { State } from '../state/state.ts';
import type { Permits } from './access/permits.ts';
import {
  type CalendarNames,
  type CheckedAgainst,
  checkJob,
  isUnchanged,
  type Known,
  nextRevision,
  type Stamp,
} from './define.ts';

export interface Plan {
  /** In the order in which they are stored: parents first. */
  readonly accepted: readonly Accepted[];
  /** Jobs to delete, children first. Empty if a definition was rejected. */
  readonly pruned: readonly string[];
  /** One per definition, in the given order, then one per pruned job. */
  readonly results: readonly ApplyResult[];
}

/** One step per definition. Changes nothing. */
export function* judgeAll(
  state: State,
  definitions: readonly AppliedDefinition[],
  stamp: Stamp,
): Generator<void, Judged[]> {
  const judged: Judged[] = [];
  for (const each of definitions) {
    judged.push(judge(state, each, stamp));
    yield;
  }
  return judged;
}

function judge(state: State, of: AppliedDefinition, stamp: Stamp): Judged {
  const name = nameIn(of.definition);
  const { before, past } = known(state, name);
  return { of, name, before: before?.job ?? null, past, fate: fateOf(state, of, stamp) };
}

function fateOf(state: State, { definition, source }: AppliedDefinition, stamp: Stamp): Judged['fate'] {
  try {
    const checked = checkJob(definition, source, { ...storedIn(state), ...stamp });
    const there = known(state, checked.definition.name);
    const same = there.before !== null && isUnchanged(there.before.job, checked.definition, state.settings);
    const next = same ? null : nextRevision(checked, there, stamp);
    return { checked, next, warnings: next?.warnings ?? checked.warnings };
  } catch (error) {
    if (error instanceof CarillonError) return error;
    throw error;
  }
}

function stillHolds({ name, before, past }: Judged, state: State): boolean {
  const now = known(state, name);
  return (now.before?.job ?? null) === before && now.past === past;
}

/** `judged`: results of an earlier check. Definitions whose job has changed since are checked again. */
export function planApply(
  state: State,
  request: {
    readonly definitions: readonly AppliedDefinition[];
    readonly judged?: readonly Judged[];
    readonly assumed?: readonly StoredCalendar[];
    readonly prune: Prune | null;
    readonly by: string;
  },
  {
    now,
    permits,
    asker,
  }: { readonly now: number; readonly permits: Permits; readonly asker: Asker | undefined },
): Plan {
  const results: (ApplyResult | null)[] = request.definitions.map(() => null);
  const calendars = calendarsFor(state, request.assumed);
  const candidates = new Map<string, { at: number; accepted: Accepted; warnings: readonly string[] }>();
  request.definitions.forEach((of, at) => {
    const earlier = request.judged?.[at];
    const holds = earlier !== undefined && stillHolds(earlier, state);
    const { name, fate: judged } = holds
      ? earlier
      : judge(state, of, { now, by: request.by, asker, calendars });
    const fate = permits.faultIn(of.definition)?.from(of.source) ?? judged;
    if (fate instanceof CarillonError) results[at] = refused(name, fate);
    else if (candidates.has(name)) results[at] = refused(name, twice(fate.checked));
    else candidates.set(name, { at, accepted: fate, warnings: fate.warnings });
  });
  const listed = new Set(request.definitions.map(({ definition }) => nameIn(definition)));
  const others = request.prune === null ? [] : prunable(state, request.prune, { listed, permits });
  const goes = new Set(others);
  const exists: Exists = (name, parent) => permits.mayFollow(name, parent) && !goes.has(parent);
  const order = orderAll(state, candidates, { exists, permits }, (name, error) => {
    const candidate = candidates.get(name);
    candidates.delete(name);
    if (candidate !== undefined) results[candidate.at] = refused(name, error);
  });
  // A rejected definition may be an existing job with a typo in its name, so nothing is pruned.
  const pruned = results.some((result) => result !== null) ? [] : others;
  for (const { at, accepted, warnings } of candidates.values())
    results[at] = outcome(state, accepted, warnings);
  return {
    accepted: order.flatMap((name) => candidates.get(name)?.accepted ?? []),
    pruned,
    results: [...(results as ApplyResult[]), ...pruned.map((name) => deletion(state, name))],
  };
}

/** What a definition is checked against. */
export const storedIn = ({ settings, jobs }: State): Pick<CheckedAgainst, 'settings' | 'stored'> => ({
  settings,
  stored: (name) => jobs.get(name)?.job ?? null,
});

/** The stored calendars, and those that are to be stored. */
export function calendarsFor({ calendars }: State, assumed: readonly StoredCalendar[] = []): CalendarNames {
  const more = new Map(assumed.map((each) => [each.name, compile(each)]));
  return {
    find: (name) => more.get(name) ?? calendars.compiled(name),
    names: () => [...new Set([...calendars.names(), ...more.keys()])].sort(),
  };
}

export function known(state: State, name: string): Known {
  return { before: state.jobs.get(name) ?? null, past: state.pasts.get(name)?.state ?? null };
}

function twice({ definition: { name }, source }: Checked): CarillonError {
  return new CarillonError(
    'INVALID_FIELD',
    `Job '${name}' is defined more than once. Only its first definition counts.`,
    {
      field: 'name',
      value: name,
      source,
      allowed: 'each job once',
    },
  );
}

function nameIn(definition: unknown): string {
  const name = (definition as { name?: unknown } | null)?.name;
  return typeof name === 'string' ? name : '';
}

/** Only jobs that the asker may edit, and on which no other job depends that stays. */
function prunable(
  state: State,
  prune: Prune,
  { listed, permits }: { readonly listed: ReadonlySet<string>; readonly permits: Permits },
): string[] {
  const names = [...state.jobs.values()]
    .filter(({ job }) => !listed.has(job.name) && hasLabels(job.definition.labels ?? {}, prune.labels))
    .map(({ job }) => job.name)
    .filter((name) => permits.may('edit', name));
  // Children first, so that no job is deleted before the jobs that depend on it.
  const parents = names.map((name) => ({ name, parents: state.graph.parentsOf(name) }));
  const pruned = new Set<string>();
  for (const name of applyOrder(parents, state.graph, () => true).reverse()) {
    // A job that stays would depend on one that does not exist.
    const stays = (child: string): boolean => !listed.has(child) && !pruned.has(child);
    if (!state.graph.childrenOf(name).some(stays)) pruned.add(name);
  }
  return [...pruned];
}

/** Whether the job may depend on this one, which is not applied with it. */
type Exists = (name: string, parent: string) => boolean;

/** The order in which all can be stored; jobs that prevent an order are rejected until there is one. */
function orderAll(
  state: State,
  candidates: ReadonlyMap<string, { accepted: Accepted }>,
  { exists, permits }: { readonly exists: Exists; readonly permits: Permits },
  refuse: (name: string, error: unknown) => void,
): string[] {
  const suggest = (unknown: string): string[] => {
    const near = nearest(unknown, [...candidates.keys(), ...permits.seen(state.graph.linked())]);
    return near === null ? [] : [near];
  };
  refuseOrphans(candidates, exists, suggest, refuse);
  for (;;) {
    const jobs = [...candidates].map(([name, { accepted }]) => ({ name, parents: parentsIn(accepted) }));
    try {
      // Those with a missing parent are refused by now.
      return applyOrder(jobs, state.graph, () => true, suggest);
    } catch (error) {
      if (!(error instanceof CarillonError) || error.code !== 'DEPENDENCY_CYCLE') throw error;
      const shown = permits.concealed(error);
      for (const name of new Set(error.details.names)) if (candidates.has(name)) refuse(name, shown);
      refuseOrphans(candidates, exists, suggest, refuse);
    }
  }
}

/** Rejects jobs with a missing parent, then jobs that depend on those. */
function refuseOrphans(
  candidates: ReadonlyMap<string, { accepted: Accepted }>,
  exists: Exists,
  suggest: (unknown: string) => string[],
  refuse: (name: string, error: unknown) => void,
): void {
  for (let again = true; again; ) {
    again = false;
    for (const [name, { accepted }] of candidates) {
      const missing = parentsIn(accepted).find((parent) => !candidates.has(parent) && !exists(name, parent));
      if (missing === undefined) continue;
      again = true;
      refuse(name, unknownParent(name, missing, suggest));
    }
  }
}

const parentsIn = (accepted: Accepted): readonly string[] =>
  parentNames(accepted.checked.definition.schedule?.after);

function refused(name: string, error: unknown): ApplyResult {
  if (!(error instanceof CarillonError)) throw error;
  return {
    name: shortened(name),
    outcome: 'refused',
    revision: null,
    error: { code: error.code, message: error.message, details: error.details },
    warnings: [],
    before: null,
    after: null,
  };
}

function outcome(state: State, accepted: Accepted, warnings: readonly string[]): ApplyResult {
  const { definition } = accepted.checked;
  const before = state.jobs.get(definition.name)?.job ?? null;
  const changes = accepted.next !== null;
  return {
    name: definition.name,
    outcome: !changes ? 'unchanged' : before === null ? 'created' : 'changed',
    revision: accepted.next?.job.revision ?? before?.revision ?? null,
    error: null,
    warnings,
    before: changes ? (before?.definition ?? null) : null,
    after: changes ? definition : null,
  };
}

function deletion(state: State, name: string): ApplyResult {
  const before = state.entry(name).job;
  return {
    name,
    outcome: 'deleted',
    revision: before.revision + 1,
    error: null,
    warnings: [],
    before: before.definition,
    after: null,
  };
}
