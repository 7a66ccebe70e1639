/**
 * One round of a join: which parents have ended in it and how, what it still waits for, and what that means
 * for the child's trigger rule. `ready.ts` decides which round a result belongs to.
 *
 * Everything here is plain JSON and never changed in place. Look parents up only with `entryOf`:
 * `constructor` and `__proto__` are valid job names.
 */

export type Trigger = 'all-succeeded' | 'all-done' | 'any-succeeded' | 'any-failed' | 'all-failed';

/** How one parent must have ended. */
export type Condition = 'succeeded' | 'failed' | 'done';

/** Killed, timed out and lost count as failed; missed counts as skipped. */
export type Outcome = 'succeeded' | 'failed' | 'skipped';

/** What began the chain of runs that a run belongs to. */
export type Lineage = 'scheduled' | 'manual' | 'rerun';

/** A run of a parent has ended, and no retry follows. */
export interface ParentEnd {
  readonly parent: string;
  readonly runId: string;
  /** Due time in epoch milliseconds; for a rerun, that of the original. */
  readonly due: number;
  /** Empty for scheduled runs; an unused trigger id for runs started by a user. */
  readonly variant: string;
  readonly outcome: Outcome;
  readonly kind: Lineage;
  /**
   * All parents of the child have ended with this due time and variant, and are reported one after another.
   */
  readonly whole?: boolean;
}

/** What a child waits for. */
export interface JoinSpec {
  readonly parents: readonly string[];
  readonly when: Trigger;
  /** Parents with a condition of their own; for the others `when` says it. */
  readonly conditions?: ReadonlyMap<string, Condition>;
  /** The parents share one cadence, so their rounds are identified by due time. */
  readonly aligned: boolean;
  /** The round is an interval that every parent must complete. */
  readonly per?: {
    /** The interval that contains a due time. */
    key(due: number): string;
    /** Number of runs of the parent's schedule in the interval of `due`, at least 1. */
    expected(parent: string, due: number): number;
  };
}

/** Why a round does not run the child; `more`: parents that are not named. */
export type Unmet =
  | { readonly code: 'parents'; readonly ends: readonly UnmetEnd[]; readonly more: number }
  | { readonly code: 'round-given-up'; readonly jobs: readonly string[]; readonly more: number }
  /** The round went with the parents that it waited for. */
  | { readonly code: 'parents-changed' };

/** A parent that has not ended as the child asks. */
export interface UnmetEnd {
  readonly job: string;
  readonly due: number;
  readonly variant: string;
  readonly outcome: Outcome;
  /** Of an interval: so many of its runs did not. */
  readonly runs?: { readonly unmet: number; readonly ended: number };
}

/** A parent's runs in one interval. */
export interface Tally {
  readonly ended: number;
  readonly failed: number;
  readonly skipped: number;
  /** The latest unsuccessful runs, by due time, so that a rerun can correct them. */
  readonly unmet: readonly { readonly due: number; readonly outcome: Outcome }[];
  /** The latest run ids, so that a duplicate report counts once. */
  readonly seen: readonly string[];
}

/** How a parent ended in a round: its latest run there, and with `tally` the sum over the interval. */
export interface RoundEntry {
  readonly runId: string;
  readonly due: number;
  readonly variant: string;
  /** Left out: scheduled. */
  readonly lineage?: Lineage;
  readonly outcome: Outcome;
  readonly tally?: Tally;
}

export interface Round {
  readonly key: string;
  /** Until the round is decided, the latest due time seen; afterwards that of the firing. */
  readonly due: number;
  readonly variant: string;
  /** Left out: scheduled. */
  readonly lineage?: Lineage;
  readonly ends: Readonly<Record<string, RoundEntry>>;
  /** The parents that this round waits for, if not all of them. */
  readonly parents?: readonly string[];
  /** The child was made due to run for this round. */
  readonly fired: boolean;
  /** An earlier round with this due time may have fired and been dropped. */
  readonly again?: boolean;
  /** Variants of the reruns for which the child was made due again. */
  readonly refired?: readonly string[];
}

/**
 * Failures of one parent that reruns can correct within one interval. With more, the interval stays failed.
 */
export const MAX_UNMET = 32;
/** Duplicates occur only around a change of leader, so they follow shortly after the first report. */
export const MAX_SEEN = 8;
/** Number of parents named in a reason, which people read in one line. */
export const MAX_NAMED = 3;

/** Identifies the child's run of a round, together with what began its chain. */
export interface Named {
  readonly due: number;
  readonly variant: string;
  readonly lineage: Lineage;
}

/** The stored field of a round or an entry. Left out if a schedule began it. */
export const begun = (lineage: Lineage): { lineage?: Lineage } =>
  lineage === 'scheduled' ? {} : { lineage };

export function newRound(key: string, end: ParentEnd, again: boolean): Round {
  const { due, variant, kind } = end;
  return { key, due, variant, ...begun(kind), ends: {}, fired: false, ...(again && { again }) };
}

export function entryOf(round: Round, parent: string): RoundEntry | undefined {
  return Object.hasOwn(round.ends, parent) ? round.ends[parent] : undefined;
}

/** The parents that the round waits for. */
export function awaitedIn(round: Round, spec: JoinSpec): readonly string[] {
  return round.parents ?? spec.parents;
}

/**
 * Whether the original of the rerun `end` is the parent's entry here. An interval does not keep its runs one
 * by one.
 */
export function hasOriginal(round: Round, end: ParentEnd): boolean {
  const entry = entryOf(round, end.parent);
  return entry !== undefined && entry.tally === undefined && entry.due === end.due;
}

/** Whether this result has already been counted here. */
export function hasSeen(round: Round, end: ParentEnd): boolean {
  const entry = entryOf(round, end.parent);
  return (
    entry !== undefined && (entry.runId === end.runId || (entry.tally?.seen.includes(end.runId) ?? false))
  );
}

/**
 * The round with one more result; `expected` runs of the parent make up its interval, if the round has one.
 */
export function record(round: Round, end: ParentEnd, expected: number | undefined): Round {
  const { due, outcome } = end;
  const prior = entryOf(round, end.parent);
  const tally = expected === undefined ? undefined : tallied(prior?.tally, end, expected);
  const named = { runId: end.runId, due, variant: end.variant, ...begun(end.kind) };
  const entry: RoundEntry =
    tally === undefined ? { ...named, outcome } : { ...named, outcome: total(tally), tally };
  const latest = round.fired ? round.due : Math.max(round.due, due);
  return { ...round, due: latest, ends: { ...round.ends, [end.parent]: entry } };
}

function tallied(prior: Tally | undefined, end: ParentEnd, expected: number): Tally {
  const tally = prior ?? { ended: 0, failed: 0, skipped: 0, unmet: [], seen: [] };
  const again = end.kind === 'rerun';
  const before = again ? tally.unmet.find((each) => each.due === end.due)?.outcome : undefined;
  const unmet = tally.unmet.filter((each) => !again || each.due !== end.due);
  if (end.outcome !== 'succeeded') unmet.push({ due: end.due, outcome: end.outcome });
  const change = (outcome: Outcome) => Number(end.outcome === outcome) - Number(before === outcome);
  return {
    // A rerun in an unknown interval stands for the parent's whole interval: the rest ended long ago.
    ended: again ? (prior?.ended ?? expected) : tally.ended + 1,
    failed: tally.failed + change('failed'),
    skipped: tally.skipped + change('skipped'),
    unmet: unmet.slice(-MAX_UNMET),
    seen: [...tally.seen, end.runId].slice(-MAX_SEEN),
  };
}

function total(tally: Tally): Outcome {
  if (tally.failed > 0) return 'failed';
  return tally.skipped > 0 ? 'skipped' : 'succeeded';
}

/** The parents that an open round still waits for, for display. */
export function missingParents(round: Round, spec: JoinSpec): string[] {
  return awaitedIn(round, spec).filter((parent) => !hasEnded(round, spec, parent));
}

export function isComplete(round: Round, spec: JoinSpec): boolean {
  return awaitedIn(round, spec).every((parent) => hasEnded(round, spec, parent));
}

function hasEnded(round: Round, spec: JoinSpec, parent: string): boolean {
  const entry = entryOf(round, parent);
  if (entry?.tally === undefined || spec.per === undefined) return entry !== undefined;
  return entry.tally.ended >= spec.per.expected(parent, round.due);
}

/** Whether the child runs, is skipped, or the round still waits. */
export function verdict(round: Round, spec: JoinSpec): 'run' | 'skip' | 'wait' {
  const holds = (parent: string) => isMet(entryOf(round, parent)?.outcome, spec, parent);
  const parents = awaitedIn(round, spec);
  const complete = isComplete(round, spec);
  // A start runs each job once, after all that it waits for.
  if (!complete && round.parents !== undefined) return 'wait';
  if (spec.when === 'any-succeeded' || spec.when === 'any-failed') {
    if (parents.some((parent) => holds(parent) && hasEnded(round, spec, parent))) return 'run';
    return complete ? 'skip' : 'wait';
  }
  if (!complete) return 'wait';
  return parents.every(holds) ? 'run' : 'skip';
}

/** The entry with the latest due time; of several, one started by a user, then the first in order of the parents. */
export function lastEntry(round: Round, spec: JoinSpec): Named & { readonly parent: string } {
  const none = Number.NEGATIVE_INFINITY;
  let last: Named & { parent: string } = { parent: '', due: none, variant: '', lineage: 'scheduled' };
  for (const parent of awaitedIn(round, spec)) {
    const entry = entryOf(round, parent);
    if (entry === undefined) continue;
    const { due, variant, lineage = 'scheduled' } = entry;
    const isByPerson = last.lineage === 'scheduled' && lineage !== 'scheduled';
    if (due > last.due || (due === last.due && isByPerson)) last = { parent, due, variant, lineage };
  }
  return last;
}

/** The run ids of the entries, in the order of the parents. */
export function runIds(round: Round, spec: JoinSpec): string[] {
  return awaitedIn(round, spec).flatMap((parent) => entryOf(round, parent)?.runId ?? []);
}

const conditions: Readonly<Record<Trigger, Condition>> = {
  'all-succeeded': 'succeeded',
  'all-done': 'done',
  'any-succeeded': 'succeeded',
  'any-failed': 'failed',
  'all-failed': 'failed',
};

/** Whether this result meets the parent's own condition, or else `when`. */
export function isWanted(outcome: Outcome, when: Trigger, own: Condition | undefined): boolean {
  const wanted = own ?? conditions[when];
  return wanted === 'done' || outcome === wanted;
}

/** Whether the parent has ended with a result that the child waits for. */
export function isMet(
  outcome: Outcome | undefined,
  { when, conditions: own }: Pick<JoinSpec, 'when' | 'conditions'>,
  parent: string,
): boolean {
  return outcome !== undefined && isWanted(outcome, when, own?.get(parent));
}

/**
 * Why the condition of a decided round is not met: `parents a failed (id), b was skipped (id) +3 more`.
 */
export function skipReason(round: Round, spec: JoinSpec): Unmet {
  const ends = awaitedIn(round, spec).flatMap((job): UnmetEnd[] => {
    const entry = entryOf(round, job);
    if (entry === undefined || isMet(entry.outcome, spec, job)) return [];
    const { due, variant, outcome, tally } = entry;
    const runs = tally && { unmet: failures(tally), ended: tally.ended };
    return [{ job, due, variant, outcome, ...(runs !== undefined && { runs }) }];
  });
  return { code: 'parents', ends: ends.slice(0, MAX_NAMED), more: Math.max(0, ends.length - MAX_NAMED) };
}

/** Why a round that still waited is closed: too many later ones are open. */
export function givenUp(round: Round, spec: JoinSpec): Unmet {
  const jobs = missingParents(round, spec);
  const more = Math.max(0, jobs.length - MAX_NAMED);
  return { code: 'round-given-up', jobs: jobs.slice(0, MAX_NAMED), more };
}

function failures(tally: Tally): number {
  return tally.failed > 0 ? tally.failed : tally.skipped > 0 ? tally.skipped : tally.ended;
}
