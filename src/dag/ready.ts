/**
 * Decides when a child of one or more parents is due, from the results of its parents. Pure.
 *
 *  1. A child runs once per round: when each parent has ended as `when` requires since the child's last round.
 *  2. Runs of parents with the same cadence are matched by due time: A@D and B@D belong to one round, whatever
 *     the order in which they end, and a slow D1 may complete after D2. The same holds for each run of a
 *     single parent.
 *  3. A manual start from which all parents descend is a round of its own. So is a start of several jobs, which
 *     opens its rounds when it is decided and names the parents that each waits for. Everything else goes into
 *     one loose round, "since the child's last round": a parent's latest result replaces its earlier one, and
 *     the round is due at its latest entry. A later round of the schedule, or of one manual start, drops older
 *     loose entries, because they came before it.
 *  4. `any-*` fires once per round, as soon as one parent has ended as required; the round stays open to absorb
 *     the others. In the loose round, a parent that ends again after the firing begins the next round. `all-*`
 *     is decided when all have ended, and so is the round of a start of several jobs, whatever `when` is. If
 *     the condition of a decided round is not met, that is reported with the reason. A parent may have a condition
 *     of its own: then that one, and not `when`, says how it must have ended; whether all must, or any, `when` says.
 *  5. A rerun replaces the entry of the original, in a closed round too. If it ended as required and the
 *     condition is now met, the child is due again under the rerun's variant: once per variant, however many
 *     parents were rerun under it. A rerun never reports a skip. If the round is no longer known, the rerun of a
 *     single parent triggers the child, and with several parents it opens a round that waits for reruns of the
 *     others.
 *  6. With `per` a round is an interval, and a parent has ended in it when all its expected runs have ended. That
 *     one parent has the interval makes it the round of all of them.
 *  7. Two rounds of one child never fire with the same due time and variant, nor with those of a run that a user
 *     began at the child, and a duplicate result counts once (as far back as rounds are kept).
 *
 * When parents begin or stop to share a cadence, nothing needs to be called: the next result merges open rounds
 * that no longer fit into the loose one. When the child's parents are edited, call `reshape`; when its intervals
 * become others, call `withoutIntervals`. A round in `announced` that is gone afterwards must be reported as skipped:
 * other jobs of the start wait for the child.
 *
 * Assumes that due times and run ids are unique to a run, and that the variant of a manual run or a rerun is new.
 */
import {
  close,
  closedRound,
  closeOldest,
  draftOf,
  dropOlderLoose,
  foldStrangers,
  isStarted,
  type Join,
  type JoinDraft,
  joinOf,
  keyOf,
  raiseChanged,
  rememberDecided,
  rememberStarted,
  replace,
} from './join.ts';
import {
  begun,
  entryOf,
  givenUp,
  hasSeen,
  isComplete,
  isMet,
  type JoinSpec,
  type Lineage,
  lastEntry,
  type Named,
  newRound,
  type ParentEnd,
  type Round,
  record,
  runIds,
  skipReason,
  type Unmet,
  verdict,
} from './round.ts';
import { type DueAndVariant, isSingle, kindOf, looseKey, startKey } from './round-key.ts';

export {
  announced,
  emptyJoin,
  forgetEnds,
  type Join,
  MAX_OPEN_ROUNDS,
  MAX_RECENT_ROUNDS,
  reshape,
  withoutAnnounced,
  withoutIntervals,
} from './join.ts';
export {
  type Condition,
  isWanted,
  type JoinSpec,
  type Lineage,
  missingParents,
  type Outcome,
  type ParentEnd,
  type Round,
  type RoundEntry,
  type Trigger,
  type Unmet,
  type UnmetEnd,
} from './round.ts';

/** Remembered reruns of one round that have fired; each was started by a user. */
export const MAX_REFIRED = 16;

/** The child is due to run (`run`), or its round was decided and its condition is not met. */
export type Firing = {
  readonly due: number;
  readonly variant: string;
  readonly lineage: Lineage;
  /** The due time of the round. */
  readonly key: string;
  /** The run ids that decided it, in the order of the parents. */
  readonly parents: string[];
} & ({ readonly run: true } | { readonly run: false; readonly reason: Unmet });

interface Step {
  readonly draft: JoinDraft;
  readonly spec: JoinSpec;
  readonly end: ParentEnd;
  readonly firings: Firing[];
}

/**
 * A parent ended: returns the new progress, and what becomes due (usually nothing or one firing). A duplicate
 * report, or one for a job that is not a parent, changes nothing.
 */
export function parentEnded(join: Join, spec: JoinSpec, end: ParentEnd): { join: Join; firings: Firing[] } {
  const isKnown = [...join.open, ...join.recent].some((round) => hasSeen(round, end));
  if (isKnown || !spec.parents.includes(end.parent)) return { join, firings: [] };
  const step: Step = { draft: draftOf(join), spec, end, firings: [] };
  const { draft } = step;
  foldStrangers(draft, spec);
  const key = keyOf(draft, spec, end);
  const closed = closedRound(draft, key, end);
  if (closed === undefined) workIn(step, key);
  else replace(draft.recent, closed, refire(step, addEnd(step, closed)));
  return finish(step);
}

/** The due time and variant of all runs of one start, and the parents that the child waits for in it. */
export interface Start extends DueAndVariant {
  readonly parents: readonly string[];
}

/** Opens the child's round in a start that is sure to end each of these parents. */
export function openStart(join: Join, spec: JoinSpec, start: Start): { join: Join; firings: Firing[] } {
  const { due, variant, parents } = start;
  const draft = draftOf(join);
  foldStrangers(draft, spec);
  const round = { key: startKey(start), due, variant, ...begun('manual'), ends: {}, parents, fired: false };
  draft.open.push(round);
  rememberStarted(draft, start);
  return finish({ draft, spec, firings: [] });
}

/** A user began a run of the child itself. Its rounds never use the same due time and variant. */
export function startedAs(join: Join, parents: readonly string[], run: DueAndVariant): Join {
  const draft = draftOf(join);
  rememberStarted(draft, run);
  return joinOf(draft, parents);
}

/** Gives up the oldest of too many open rounds, and remembers what was decided. */
function finish({ draft, spec, firings }: Omit<Step, 'end'>): { join: Join; firings: Firing[] } {
  for (const round of closeOldest(draft, spec)) {
    if (!round.fired) firings.push(giveUp(round, spec));
    // Results it waited for may still arrive after the round was dropped.
    raiseChanged(draft, round.due);
  }
  // Runs started by a user have names of their own.
  for (const { due, variant } of firings) if (variant === '') rememberDecided(draft, due);
  return { join: joinOf(draft, spec.parents), firings };
}

/**
 * Adds the result to the open round of this key, decides the round if possible, and closes it if complete.
 */
function workIn(step: Step, key: string): void {
  const { draft, spec, end } = step;
  let before = draft.open.find((round) => round.key === key);
  const isNext = key === looseKey && end.kind !== 'rerun' && before?.fired;
  if (before !== undefined && isNext && entryOf(before, end.parent) !== undefined) {
    close(draft, before);
    before = undefined;
  }
  const again = key !== looseKey && draft.changed !== undefined && end.due <= draft.changed;
  const added = addEnd(step, before ?? newRound(key, end, again));
  const after = added.fired ? refire(step, added) : decide(step, added);
  if (before === undefined) draft.open.push(after);
  else replace(draft.open, before, after);
  if (isSingle(after.key) && verdict(after, spec) !== 'wait') dropOlderLoose(draft, after.due);
  if (isComplete(after, spec)) close(draft, after);
}

function addEnd({ spec, end }: Step, round: Round): Round {
  const expected = kindOf(round.key) === 'interval' ? spec.per?.expected(end.parent, end.due) : undefined;
  return record(round, end, expected);
}

/** The first decision of a round. An unmet condition is reported, unless a rerun caused it. */
function decide(step: Step, round: Round): Round {
  const { draft, spec, end, firings } = step;
  const decision = verdict(round, spec);
  if (decision === 'wait' || (decision === 'skip' && end.kind === 'rerun')) return round;
  const { due, variant, lineage } = identity(step, round);
  const firing = { due, variant, lineage, key: round.key, parents: runIds(round, spec) };
  if (decision === 'run') firings.push({ ...firing, run: true });
  else firings.push({ ...firing, run: false, reason: skipReason(round, spec) });
  if (round.key === looseKey) draft.mark = Math.max(draft.mark ?? due, due);
  // Once the parents share a cadence, a round of theirs may be due at the same instant, and this one be forgotten.
  if (round.key === looseKey && variant === '') raiseChanged(draft, due);
  const { lineage: _, ...rest } = round;
  return { ...rest, due, variant, ...begun(lineage), fired: decision === 'run' };
}

/**
 * A round after its first decision: the child is due again if a rerun ended as required and the condition is
 * met.
 */
function refire({ draft, spec, end, firings }: Step, round: Round): Round {
  const before = round.refired ?? [];
  const isFresh =
    !before.includes(end.variant) &&
    !(round.fired && round.variant === end.variant) &&
    !isStarted(draft, round.due, end.variant);
  const carriesOn =
    end.kind === 'rerun' && isMet(end.outcome, spec, end.parent) && verdict(round, spec) === 'run';
  if (!carriesOn || !isFresh) return round;
  const { due, key } = round;
  const { variant, kind } = end;
  firings.push({ due, variant, lineage: kind, key, parents: runIds(round, spec), run: true });
  return { ...round, fired: true, refired: [...before, end.variant].slice(-MAX_REFIRED) };
}

/**
 * The due time and variant of the child's run. A late result may make a loose round due at a time that an
 * earlier round has used, and so may any result after the parents or their cadence have changed. Then the
 * parent that decides the due time is added to the variant: each of its runs counts in one round only, so the
 * pair is new. (No name contains a `~`.)
 */
function identity({ draft, spec, end }: Step, round: Round): Named {
  const last = lastEntry(round, spec);
  const due = isSingle(round.key) ? round.due : last.due;
  const { variant, lineage = 'scheduled' } =
    end.kind === 'rerun' ? { variant: end.variant, lineage: end.kind } : isSingle(round.key) ? round : last;
  const used = Math.max(draft.mark ?? Number.NEGATIVE_INFINITY, draft.changed ?? Number.NEGATIVE_INFINITY);
  const isLate = round.again === true || (round.key === looseKey && due <= used);
  const decided = [...draft.recent, ...draft.open.filter((other) => other.fired)];
  const isUsed =
    // The round of a start has its name from there.
    (round.parents === undefined && isStarted(draft, due, variant)) ||
    decided.some(
      (other) => other.due === due && (other.variant === variant || other.refired?.includes(variant)),
    );
  return { due, variant: isLate || isUsed ? `${variant}~${last.parent}` : variant, lineage };
}

function giveUp(round: Round, spec: JoinSpec): Firing {
  const { due, key, lineage = 'scheduled' } = round;
  const variant = round.again ? `${round.variant}~${lastEntry(round, spec).parent}` : round.variant;
  const parents = runIds(round, spec);
  return { due, variant, lineage, key, parents, run: false, reason: givenUp(round, spec) };
}
