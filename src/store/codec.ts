/**
 * Domain values to what is stored and back. Stored values are shorter than the domain's: what is at its
 * default is left out, and nobody but this file knows how.
 */

import { CarillonError } from '../errors.ts';
import type {
  Attempt,
  Histograms,
  Job,
  JobState,
  JobStats,
  LedgerLine,
  Revision,
  Run,
} from '../scheduler/model.ts';
import { freshState } from '../scheduler/state.ts';
import { emptyHistograms } from '../scheduler/stats.ts';

/** Of the stored form; a store with a larger one was written by a later version. */
export const FORMAT = 1;

/** Refuses what a later version wrote rather than misread it. */
export function checkFormat(stored: number, where: string): void {
  if (stored <= FORMAT) return;
  throw new CarillonError(
    'STORE_UNAVAILABLE',
    `${where} was written by a later version (format ${stored}, this one reads up to ${FORMAT})`,
  );
}

type Stored = Record<string, unknown>;

/** The value's fields that differ from the defaults. */
function without(value: object, defaults: object): Stored {
  const kept: Stored = {};
  for (const [key, each] of Object.entries(value)) {
    const usual = (defaults as Stored)[key];
    if (each !== usual && !(Array.isArray(each) && each.length === 0 && Array.isArray(usual)))
      kept[key] = each;
  }
  return kept;
}

/**
 * Equal parts of jobs become one object in memory: a fleet has few distinct policies, labels and schedules.
 * Bounded; when it is full it starts anew.
 */
const MAX_SHARED = 50_000;
/** Longer parts are rarely equal. */
const MAX_SHARED_LENGTH = 512;
const shared = new Map<string, unknown>();

function share<T>(value: T): T {
  if (value === undefined || value === null || typeof value !== 'object') return value;
  const text = JSON.stringify(value);
  if (text.length > MAX_SHARED_LENGTH) return value;
  const known = shared.get(text);
  if (known !== undefined) return known as T;
  if (shared.size >= MAX_SHARED) shared.clear();
  shared.set(text, value);
  return value;
}

export function encodeJob(job: Job): Stored {
  const { name: _, resolved, ...rest } = job;
  return resolved === null ? rest : { ...rest, resolved };
}

export function decodeJob(name: string, stored: Stored): Job {
  const { definition, resolved, ...rest } = stored as unknown as Omit<Job, 'name'>;
  const { schedule, run, policy, labels, ...others } = definition;
  return {
    name,
    ...rest,
    definition: {
      ...others,
      name,
      run: share(run),
      ...(schedule === undefined ? {} : { schedule: share(schedule) }),
      ...(policy === undefined ? {} : { policy: share(policy) }),
      ...(labels === undefined ? {} : { labels: share(labels) }),
    },
    resolved: resolved === undefined ? null : share(resolved),
  };
}

const usualState = freshState('', 0);

export function encodeState(state: JobState): Stored {
  const { name: _, ...rest } = state;
  return { ...without(rest, usualState), cursor: state.cursor };
}

export function decodeState(name: string, stored: Stored): JobState {
  return { ...usualState, ...stored, name } as JobState;
}

const usualRun = {
  variant: '',
  root: null,
  params: {},
  priority: 0,
  catchesUp: 0,
  reason: null,
  notBefore: null,
  startBy: null,
  kill: null,
  endedAt: null,
};
const usualAttempt = { startedAt: null, endedAt: null, exitCode: null, reason: null };

export function encodeRun(run: Run): Stored {
  const { params, attempts, ...rest } = run;
  return {
    ...without(rest, usualRun),
    ...(Object.keys(params).length === 0 ? {} : { params }),
    attempts: attempts.map((attempt) => without(attempt, usualAttempt)),
  };
}

export function decodeRun(stored: Stored): Run {
  const attempts = (stored.attempts as Stored[]).map(
    (attempt) => ({ ...usualAttempt, ...attempt }) as unknown as Attempt,
  );
  return { ...usualRun, ...stored, attempts } as unknown as Run;
}

export function encodeHistograms(histograms: Histograms): Stored {
  return without(histograms, emptyHistograms);
}

export function decodeHistograms(stored: Stored): Histograms {
  return { ...emptyHistograms, ...stored } as Histograms;
}

export function encodeStats(stats: JobStats): Stored {
  return { day: stats.day, today: encodeHistograms(stats.today), before: encodeHistograms(stats.before) };
}

export function decodeStats(name: string, stored: Stored): JobStats {
  return {
    name,
    day: stored.day as string,
    today: decodeHistograms(stored.today as Stored),
    before: decodeHistograms(stored.before as Stored),
  };
}

export function encodeLine(line: LedgerLine): Stored {
  const { job: _, from: __, ...rest } = line;
  return without(rest, { count: 1, reason: null, run: null, more: undefined });
}

export function decodeLine(job: string, from: number, stored: Stored): LedgerLine {
  return { job, from, count: 1, reason: null, run: null, ...stored } as unknown as LedgerLine;
}

export function encodeRevision(revision: Revision): Stored {
  return { at: revision.at, by: revision.by, definition: revision.definition };
}

export function decodeRevision(job: string, number: number, stored: Stored): Revision {
  return { job, revision: number, ...stored } as unknown as Revision;
}

/** A job's revision as of its newest change. */
export function revisionOf(job: Job): Revision {
  return {
    job: job.name,
    revision: job.revision,
    at: job.updatedAt,
    by: job.updatedBy,
    definition: job.definition,
  };
}
