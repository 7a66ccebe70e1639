/** Skips or moves one due time of a job. The exception is part of its schedule, so that everybody who reads it knows. */

import { CarillonError } from '../../../errors.ts';
import type { CommandAnswers, ExceptionCommand } from '../../command.ts';
import type { Exception } from '../../schedule/model.ts';
import { nextInstant, previousInstant } from '../../schedule/next.ts';
import type { Entry, State } from '../../state/state.ts';
import type { Turn } from '../../state/turn.ts';
import { noted } from '../access/audit.ts';
import { checkDeadlines } from '../alerts/deadlines.ts';
import { checkReason, checkUntil, invalid } from './until.ts';

const MAX_EXCEPTIONS = 100;
/** Exceptions of the past are still shown, and intervals count from them. */
const KEPT_MS = 32 * 86_400_000;

type Kind = ExceptionCommand['kind'];
type Check<K extends Kind> = (
  before: { readonly state: State; readonly now: number },
  command: Extract<ExceptionCommand, { kind: K }>,
) => (turn: Turn) => CommandAnswers[K];

export const exceptionCommands: { readonly [K in Kind]: Check<K> } = {
  'skip-next'({ state, now }, { name, reason, by }) {
    const entry = state.entry(name);
    checkReason(reason, { required: false });
    const at = upcoming(entry, now);
    return put(entry, now, { at: originOfMove(entry, at), to: null, by, reason });
  },
  'move-due'({ state, now }, { name, from, to, reason, by }) {
    const entry = state.entry(name);
    checkReason(reason, { required: false });
    const { schedule } = entry;
    if (schedule === null || from <= now || nextInstant(schedule, from - 1) !== from)
      throw invalid('from', new Date(from).toISOString(), allowedFrom(entry, now));
    checkUntil(to, now, 'to');
    if (nextInstant(schedule, to - 1) === to || to === from)
      throw invalid('to', new Date(to).toISOString(), 'a time at which the job is not due');
    const between = to < from ? previousInstant(schedule, from) : null;
    if (between !== null && between > to)
      throw invalid(
        'to',
        new Date(to).toISOString(),
        `a time after ${new Date(between).toISOString()}, the due time before`,
      );
    return put(entry, now, { at: originOfMove(entry, from), to, by, reason });
  },
  'clear-exception'({ state, now }, { name, at, by: _ }) {
    const entry = state.entry(name);
    const { exceptions = [] } = entry.state;
    const found = exceptions.find((each) => each.at === at);
    if (found === undefined || at <= now || (found.to !== null && found.to <= now))
      throw new CarillonError('INVALID_FIELD', 'Nothing to come was skipped or moved there.', {
        field: 'at',
        value: new Date(at).toISOString(),
        allowed: exceptions.filter((each) => each.at > now).map((each) => new Date(each.at).toISOString()),
      });
    return (turn) => {
      store(
        turn,
        entry,
        exceptions.filter((each) => each !== found),
      );
      noted(turn, { on: name, before: shown(found) });
      return { name, exception: found };
    };
  },
};

/** The next due time, or why there is none. */
function upcoming({ job, schedule, state }: Entry, now: number): number {
  const at = schedule === null ? null : nextInstant(schedule, Math.max(now, state.cursor));
  if (at !== null) return at;
  throw new CarillonError('INVALID_FIELD', `Job '${job.name}' has no next due time.`, {
    field: 'name',
    value: job.name,
    allowed: 'a job with a schedule that has a due time to come',
  });
}

/** A due time that somebody has moved here before. */
const originOfMove = ({ state }: Entry, at: number): number =>
  state.exceptions?.find(({ to }) => to === at)?.at ?? at;

function put(entry: Entry, now: number, exception: Exception) {
  const { exceptions = [] } = entry.state;
  const kept = exceptions.filter(
    ({ at, to }) => at !== exception.at && Math.max(at, to ?? at) > now - KEPT_MS,
  );
  if (kept.length >= MAX_EXCEPTIONS)
    throw new CarillonError('LIMIT_EXCEEDED', `${kept.length} due times of the job are skipped or moved.`, {
      field: 'name',
      value: entry.job.name,
      allowed: `at most ${MAX_EXCEPTIONS}; a calendar has more`,
    });
  return (turn: Turn) => {
    store(
      turn,
      entry,
      [...kept, exception].sort((a, b) => a.at - b.at),
    );
    noted(turn, { on: entry.job.name, after: shown(exception) });
    return { name: entry.job.name, exception };
  };
}

function store(turn: Turn, entry: Entry, exceptions: readonly Exception[]): void {
  const { state, draft } = turn;
  entry.state.exceptions = exceptions;
  draft.state(entry.state);
  state.reschedule(entry);
  state.plan(entry);
  checkDeadlines(turn, entry);
  const { name, revision } = entry.job;
  draft.notice({ kind: 'job', name, change: 'changed', revision });
}

function allowedFrom({ schedule, state }: Entry, now: number): string {
  const next = schedule === null ? null : nextInstant(schedule, Math.max(now, state.cursor));
  return next === null ? 'a due time to come' : `a due time to come, such as ${new Date(next).toISOString()}`;
}

const shown = ({ at, to, reason }: Exception): Record<string, unknown> => ({
  at: new Date(at).toISOString(),
  movedTo: to === null ? null : new Date(to).toISOString(),
  ...(reason !== '' && { reason }),
});
