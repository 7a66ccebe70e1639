/**
 * Encodes domain values to stored values and back. Stored values omit fields at their default; only this file
 * knows how.
 */

import type { JobDefinition } from '../job/definition.ts';
import { type Alert, freshAlert, type Notification } from '../model/alert.ts';
import type { CalendarRevision, MaintenanceMode, StoredCalendar } from '../model/calendar.ts';
import { freshState } from '../model/fresh-state.ts';
import type {
  Attempt,
  Histograms,
  Job,
  JobState,
  JobStats,
  LedgerLine,
  Revision,
  Run,
  Stretch,
} from '../model/model.ts';
import type { AuditLine, SessionsEnd, SigningKey, Token } from '../model/token.ts';
import { emptyHistograms } from '../stats/stats.ts';
import type { Share, Stored } from './kind.ts';

/** The fields of the value that differ from the defaults. */
function without(value: object, defaults: object): Stored {
  const kept: Stored = {};
  for (const [key, each] of Object.entries(value)) {
    const usual = (defaults as Stored)[key];
    if (each !== usual && !(Array.isArray(each) && each.length === 0 && Array.isArray(usual)))
      kept[key] = each;
  }
  return kept;
}

/** Cached distinct parts; above this the cache is cleared. */
const MAX_SHARED = 50_000;
/** Longer parts are rarely equal. */
const MAX_SHARED_LENGTH = 512;

/**
 * Makes equal parts of jobs one object in memory while it is used: a fleet has few distinct policies, labels
 * and schedules. Parts of a job are never changed in place.
 */
export function createSharing(): Share {
  const known = new Map<string, unknown>();
  return <T>(part: T): T => {
    if (typeof part !== 'object' || part === null) return part;
    const text = JSON.stringify(part);
    if (text.length > MAX_SHARED_LENGTH) return part;
    const same = known.get(text);
    if (same !== undefined) return same as T;
    if (known.size >= MAX_SHARED) known.clear();
    known.set(text, part);
    return part;
  };
}

/** Shares the object's object parts. The object must not be in use elsewhere yet. */
function shareParts(object: Stored, share: Share): void {
  for (const [key, part] of Object.entries(object)) {
    if (typeof part === 'object' && part !== null) object[key] = share(part);
  }
}

export function encodeJob({ name: _, definition, resolved, ...rest }: Job): Stored {
  const { name: __, ...parts } = definition;
  return resolved === null ? { ...rest, definition: parts } : { ...rest, definition: parts, resolved };
}

type StoredJob = Omit<Job, 'name' | 'definition'> & { definition: Omit<JobDefinition, 'name'> };

/** `stored` becomes part of the result. */
export function decodeJob(name: string, stored: Stored, share: Share): Job {
  const { definition, resolved, ...rest } = stored as unknown as StoredJob;
  if (definition.run !== undefined) shareParts(definition.run, share);
  for (const part of ['schedule', 'policy', 'labels', 'alerts', 'expect'] as const) {
    if (definition[part] !== undefined) (definition as Stored)[part] = share(definition[part]);
  }
  return {
    name,
    ...rest,
    definition: { name, ...definition },
    resolved: resolved === undefined ? null : share(resolved),
  };
}

const usualState = freshState('', 0);

export function encodeState(state: JobState): Stored {
  const { name: _, ...rest } = state;
  return { ...without(rest, usualState), cursor: state.cursor };
}

export function decodeState(name: string, stored: Stored): JobState {
  // Older versions stored timestamps.
  const ahead = ((stored.ahead ?? []) as (number | Stretch)[]).map((each) =>
    typeof each === 'number' ? { from: each, to: each } : each,
  );
  return { ...freshState(name, 0), ...stored, ahead } as JobState;
}

const usualRun = {
  variant: '',
  lineage: 'scheduled',
  root: null,
  priority: 0,
  catchesUp: 0,
  reason: null,
  notBefore: null,
  startBy: null,
  kill: null,
  endedAt: null,
};
const usualAttempt = { host: null, startedAt: null, endedAt: null, exitCode: null, reason: null };

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
  return { ...usualRun, params: {}, ...stored, attempts } as unknown as Run;
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

/** The newest revision of a stored job, in stored form. */
export function storedRevisionOf(name: string, { updatedAt, updatedBy, definition }: Stored): Stored {
  return { at: updatedAt, by: updatedBy, definition: { name, ...(definition as object) } };
}

export function encodeAlert({ labels, ...rest }: Alert): Stored {
  const written = without(rest, freshAlert);
  return Object.keys(labels).length === 0 ? written : { ...written, labels };
}

export const decodeAlert = (stored: Stored): Alert =>
  ({ ...freshAlert, labels: {}, ...stored }) as unknown as Alert;

const usualNotification = { state: 'waiting', error: null, endedAt: null };

export const encodeNotification = ({ alert, ...rest }: Notification): Stored => ({
  ...without(rest, usualNotification),
  alert: encodeAlert(alert),
});

export const decodeNotification = (stored: Stored): Notification =>
  ({
    ...usualNotification,
    ...stored,
    alert: decodeAlert(stored.alert as Stored),
  }) as unknown as Notification;

const usualToken = { expiresAt: null, usedAt: null, usedFrom: null };

export const encodeToken = ({ id: _, ...rest }: Token): Stored => without(rest, usualToken);

export const decodeToken = (id: string, stored: Stored): Token =>
  ({ id, ...usualToken, ...stored }) as unknown as Token;

export const encodeSigningKey = ({ secret, createdAt }: SigningKey): Stored => ({ secret, createdAt });

export const decodeSigningKey = (id: string, stored: Stored): SigningKey =>
  ({ id, ...stored }) as unknown as SigningKey;

export const encodeSessionsEnd = ({ at }: SessionsEnd): Stored => ({ at });

export const decodeSessionsEnd = (id: string, { at }: Stored): SessionsEnd => ({ id, at: at as number });

const usualLine = {
  from: null,
  via: null,
  on: null,
  outcome: 'done',
  code: null,
  reason: null,
  before: null,
  after: null,
};

export const encodeAuditLine = (line: AuditLine): Stored => without(line, usualLine);

export const decodeAuditLine = (stored: Stored): AuditLine =>
  ({ ...usualLine, ...stored }) as unknown as AuditLine;

const usualCalendar = { expanded: [], expandedUntil: null };

export const encodeCalendar = ({ name: _, ...rest }: StoredCalendar): Stored => without(rest, usualCalendar);

export const decodeCalendar = (name: string, stored: Stored): StoredCalendar =>
  ({ name, ...usualCalendar, ...stored }) as unknown as StoredCalendar;

export const encodeCalendarRevision = ({ at, by, document }: CalendarRevision): Stored => ({
  at,
  by,
  document,
});

export const decodeCalendarRevision = (
  calendar: string,
  revision: number,
  stored: Stored,
): CalendarRevision => ({ calendar, revision, ...stored }) as unknown as CalendarRevision;

export const encodeMaintenance = ({ id: _, ...rest }: MaintenanceMode): Stored => ({ ...rest });

export const decodeMaintenance = (id: string, stored: Stored): MaintenanceMode =>
  ({ id, ...stored }) as unknown as MaintenanceMode;
