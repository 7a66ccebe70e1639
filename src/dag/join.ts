/**
 * The open and remembered rounds of a child, and their limits: which lane a round belongs to, how it closes,
 * and what happens to rounds that parents leave behind. `ready.ts` explains the rules.
 */
import { byName } from './graph.ts';
import { entryOf, hasOriginal, type JoinSpec, missingParents, type ParentEnd, type Round } from './round.ts';
import {
  type DueAndVariant,
  dueKey,
  intervalKey,
  isSingle,
  kindOf,
  looseKey,
  type RoundKind,
  rerunsKey,
  startKey,
} from './round-key.ts';

/** Progress of a child: plain JSON, bounded, never changed in place. */
export interface Join {
  /** By due time, at most MAX_OPEN_ROUNDS. */
  readonly open: readonly Round[];
  /** Closed rounds in the order in which they closed, kept for reruns, at most MAX_RECENT_ROUNDS. */
  readonly recent: readonly Round[];
  /** The latest due time for which a loose round was decided. */
  readonly mark?: number;
  /**
   * The latest due time that had fired when the parents or their cadence changed, that a loose round took from a
   * schedule, or that was given up. For dropped rounds up to it, it is unknown whether they were decided.
   */
  readonly changed?: number;
  /** Ranges that contain the due times of all decided rounds, ascending; see `rememberDecided`. */
  readonly decided?: readonly Span[];
  /**
   * Due times and variants of runs that a user began at the child itself, and of its rounds in starts of several jobs.
   * Other jobs run under the same variants, so their results may reach the child.
   */
  readonly started?: readonly DueAndVariant[];
}

/** Both ends included. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** One parent may be ahead of another by an hour of minutely runs; beyond that the oldest round is given up. */
export const MAX_OPEN_ROUNDS = 64;
/** A day of hourly rounds: what failed at night can still be rerun in the morning. */
export const MAX_RECENT_ROUNDS = 24;
/**
 * For all open rounds together, and for all recent rounds together, so that wide joins fit a stored node as
 * well.
 */
export const MAX_ENTRIES = 256;
/** For any number of parents: with fewer rounds, overlapping ones could not be told apart. */
export const MIN_ROUNDS = 4;
/** Decided rounds closer than this share a range: corrections of a clock are mostly larger. */
export const SPAN_GAP_MS = 3_600_000;
/** Ranges of decided rounds. Above this, the closest ones are merged. */
export const MAX_SPANS = 8;

/** Remembered runs that a user began. */
export const MAX_STARTED_AS = 16;

export const emptyJoin: Join = Object.freeze({ open: Object.freeze([]), recent: Object.freeze([]) });

/** Progress while an ended run is processed: the lists are copies, the rounds themselves never change. */
export interface JoinDraft {
  readonly open: Round[];
  readonly recent: Round[];
  mark: number | undefined;
  changed: number | undefined;
  decided: readonly Span[];
  started: readonly DueAndVariant[];
}

export function draftOf({ open, recent, mark, changed, decided = [], started = [] }: Join): JoinDraft {
  return { open: [...open], recent: [...recent], mark, changed, decided, started };
}

export function joinOf(
  { open, recent, mark, changed, decided, started }: JoinDraft,
  parents: readonly string[],
): Join {
  // For a single parent, remembered rounds only absorb duplicate reports: its reruns need no memory.
  const most = parents.length === 1 ? MIN_ROUNDS : bound(MAX_RECENT_ROUNDS, parents);
  return {
    open: open.sort(byDue),
    recent: recent.slice(-most),
    ...(mark !== undefined && { mark }),
    ...(changed !== undefined && { changed }),
    ...(decided.length > 0 && { decided }),
    ...(started.length > 0 && { started }),
  };
}

/**
 * Remembers, longer than the round itself, that a round of this due time was decided. A job that no longer
 * waits for parents must not run again at such a time, and after a clock was ahead, they may lie anywhere
 * before the latest.
 */
export function rememberDecided(draft: JoinDraft, due: number): void {
  const spans: Span[] = [];
  for (const span of [...draft.decided, { from: due, to: due }].sort((a, b) => a.from - b.from)) {
    const last = spans.at(-1);
    if (last === undefined || span.from - last.to > SPAN_GAP_MS) spans.push(span);
    else spans[spans.length - 1] = { from: last.from, to: Math.max(last.to, span.to) };
  }
  if (spans.length > MAX_SPANS) {
    const gaps = spans.slice(1).map(({ from }, at) => from - (spans[at] as Span).to);
    const at = gaps.indexOf(Math.min(...gaps));
    const [left, right] = spans.slice(at, at + 2) as [Span, Span];
    spans.splice(at, 2, { from: left.from, to: right.to });
  }
  draft.decided = spans;
}

/** Of dropped rounds up to this time, it is unknown whether they were decided. */
export function raiseChanged(draft: JoinDraft, due: number): void {
  draft.changed = Math.max(draft.changed ?? due, due);
}

/** Remembers a run that a user began. For those that are forgotten, it is unknown whether they were. */
export function rememberStarted(draft: JoinDraft, { due, variant }: DueAndVariant): void {
  const started = [...draft.started.filter((each) => !isAs(each, due, variant)), { due, variant }];
  for (const forgotten of started.slice(0, -MAX_STARTED_AS)) raiseChanged(draft, forgotten.due);
  draft.started = started.slice(-MAX_STARTED_AS);
}

/** Whether a user began a run of this due time and variant. */
export const isStarted = ({ started }: JoinDraft, due: number, variant: string): boolean =>
  started.some((each) => isAs(each, due, variant));

const isAs = (each: DueAndVariant, due: number, variant: string): boolean =>
  each.due === due && each.variant === variant;

/** The open rounds of starts of several jobs: each says which parents it waits for. */
export function announced({ open }: Join): readonly Round[] {
  return open.filter(({ parents }) => parents !== undefined);
}

/** Drops the rounds of starts, because the ends that they wait for will not come. */
export function withoutAnnounced(join: Join): Join {
  return { ...join, open: join.open.filter(({ parents }) => parents === undefined) };
}

/** The key of the round that the ending belongs to. */
export function keyOf(draft: JoinDraft, spec: JoinSpec, end: ParentEnd): string {
  const { due, kind } = end;
  if (kind === 'rerun') {
    const original = [...draft.recent, ...draft.open].findLast((round) => hasOriginal(round, end));
    if (original !== undefined) return original.key;
    if (spec.per !== undefined) return intervalKey(spec.per.key(due));
    return isByDue(spec) ? dueKey({ due, variant: '' }) : rerunsKey;
  }
  const start = startKey(end);
  const isAnnounced = () => [...draft.open, ...draft.recent].some(({ key }) => key === start);
  if (kind === 'manual' && (end.whole || isAnnounced())) return start;
  if (spec.per !== undefined) return kind === 'scheduled' ? intervalKey(spec.per.key(due)) : looseKey;
  if (spec.parents.length > 1 && (kind === 'manual' || !spec.aligned)) return looseKey;
  return dueKey(end);
}

function isByDue(spec: JoinSpec): boolean {
  return spec.per === undefined && (spec.aligned || spec.parents.length === 1);
}

/** The closed round that the ended run belongs to, unless an open one takes it. */
export function closedRound(draft: JoinDraft, key: string, end: ParentEnd): Round | undefined {
  if (key === looseKey && end.kind !== 'rerun') return undefined;
  // All loose rounds have one key, so a rerun belongs to the round with the original run.
  const fits = (round: Round) => round.key === key && (isSingle(round.key) || hasOriginal(round, end));
  return draft.open.some(fits) ? undefined : draft.recent.findLast(fits);
}

export function replace(rounds: Round[], before: Round, after: Round): void {
  rounds[rounds.indexOf(before)] = after;
}

/** Moves a round from the open to the remembered ones. */
export function close(draft: JoinDraft, round: Round): void {
  draft.open.splice(draft.open.indexOf(round), 1);
  draft.recent.push(round);
}

/**
 * The schedule's round of `due` was decided and is the child's last one, so older loose entries came before
 * it.
 */
export function dropOlderLoose(draft: JoinDraft, due: number): void {
  const loose = draft.open.find((round) => round.key === looseKey);
  if (loose === undefined) return;
  if (loose.fired) {
    if (loose.due < due) close(draft, loose);
    return;
  }
  const left = Object.entries(loose.ends).filter(([, entry]) => entry.due >= due);
  if (left.length > 0) replace(draft.open, loose, { ...loose, ends: Object.fromEntries(left) });
  else draft.open.splice(draft.open.indexOf(loose), 1);
}

/**
 * These parents will end again: their earlier results do not count for the loose round, which waits for them.
 */
export function forgetEnds(join: Join, parents: readonly string[]): Join {
  const draft = draftOf(join);
  const loose = draft.open.find((round) => round.key === looseKey && !round.fired);
  if (loose === undefined) return join;
  const left = Object.entries(loose.ends).filter(([parent]) => !parents.includes(parent));
  if (left.length > 0) replace(draft.open, loose, { ...loose, ends: Object.fromEntries(left) });
  else draft.open.splice(draft.open.indexOf(loose), 1);
  return { ...join, open: draft.open };
}

/**
 * Merges open rounds of a cadence that the parents no longer share into the loose one; the later entry stays.
 */
export function foldStrangers(draft: JoinDraft, spec: JoinSpec): void {
  const own: RoundKind = spec.per !== undefined ? 'interval' : isByDue(spec) ? 'due' : 'loose';
  const isStranger = ({ key }: Round): boolean =>
    isSingle(key) && kindOf(key) !== 'start' && kindOf(key) !== own;
  rememberLast(draft, isStranger);
  for (const stranger of draft.open.filter(isStranger)) {
    if (stranger.fired) {
      close(draft, stranger);
      continue;
    }
    draft.open.splice(draft.open.indexOf(stranger), 1);
    const loose = draft.open.find((round) => round.key === looseKey);
    if (loose === undefined || loose.fired) {
      if (loose !== undefined) close(draft, loose);
      draft.open.push({ ...stranger, key: looseKey });
      continue;
    }
    const later = Object.entries(loose.ends).filter(([parent, entry]) => {
      const other = entryOf(stranger, parent);
      return other === undefined || entry.due >= other.due;
    });
    replace(draft.open, loose, { ...loose, ends: { ...stranger.ends, ...Object.fromEntries(later) } });
  }
}

/** Includes closed rounds that have not fired: these were skipped, which is a run as well. */
function rememberLast(draft: JoinDraft, isLeft: (round: Round) => boolean): void {
  for (const round of [...draft.open.filter(({ fired }) => fired), ...draft.recent])
    if (isLeft(round)) raiseChanged(draft, round.due);
}

/**
 * The intervals of the child's rounds are others now: drops the rounds of the earlier ones. In an interval that has
 * passed at the change, nobody knows any more which runs have ended.
 */
export function withoutIntervals(join: Join): Join {
  const isInterval = ({ key }: Round): boolean => kindOf(key) === 'interval';
  const draft = draftOf(join);
  rememberLast(draft, isInterval);
  return {
    ...join,
    open: join.open.filter((round) => !isInterval(round)),
    recent: join.recent.filter((round) => !isInterval(round)),
    ...(draft.changed !== undefined && { changed: draft.changed }),
  };
}

/** Closes the oldest of too many open rounds, and returns them. The number of loose rounds does not grow. */
export function closeOldest(draft: JoinDraft, spec: JoinSpec): Round[] {
  const excess = draft.open.length - bound(MAX_OPEN_ROUNDS, spec.parents);
  if (excess <= 0) return [];
  const oldest = draft.open
    .filter(({ key }) => isSingle(key))
    .sort(byDue)
    .slice(0, excess);
  for (const round of oldest) close(draft, round);
  return oldest;
}

function bound(rounds: number, parents: readonly string[]): number {
  return Math.max(MIN_ROUNDS, Math.min(rounds, Math.floor(MAX_ENTRIES / Math.max(1, parents.length))));
}

function byDue(a: Round, b: Round): number {
  return a.due - b.due || byName(a.key, b.key);
}

/**
 * The parents of the child were edited: keeps the progress of remaining parents and fires nothing. A round
 * that only waited for a removed parent is closed; the child runs again with the next round. A round that has
 * fired stays known even if its parents are removed: it must not fire again.
 */
export function reshape(join: Join, parents: readonly string[]): Join {
  const stay = new Set(parents);
  const shaped = (round: Round): Round => {
    const ends = Object.fromEntries(Object.entries(round.ends).filter(([parent]) => stay.has(parent)));
    const awaited = round.parents?.filter((parent) => stay.has(parent));
    return { ...round, ends, ...(awaited !== undefined && { parents: awaited }) };
  };
  const isKnown = ({ fired, ends, parents: awaited = [] }: Round) =>
    fired || Object.keys(ends).length > 0 || awaited.length > 0;
  const before = draftOf(join);
  rememberLast(before, ({ key }) => isSingle(key));
  const draft: JoinDraft = {
    ...before,
    open: join.open.map(shaped).filter(isKnown),
    recent: join.recent.map(shaped).filter(isKnown),
  };
  const spec: JoinSpec = { parents, when: 'all-done', aligned: false };
  for (const round of [...draft.open]) {
    // The progress of an interval is known when the next ended run reports the expected number.
    if (kindOf(round.key) !== 'interval' && missingParents(round, spec).length === 0) close(draft, round);
  }
  closeOldest(draft, spec);
  return joinOf(draft, parents);
}
