/**
 * The past of the jobs that somebody sees. What was before the present job was created is of another job, that was removed:
 * its labels are not known any more.
 */

import type { Alert, Notification } from '../model/alert.ts';
import type { Backfilled } from '../model/backfill.ts';
import { calendarOwner } from '../model/calendar.ts';
import type { LedgerLine, Revision, Run } from '../model/model.ts';
import { AUDIT_OWNER } from '../model/token.ts';
import type { Archive } from '../ports.ts';
import type { Day, PastName, ValueOf } from '../records/table.ts';
import { seesBackfill } from './reader.ts';
import type { Redaction } from './redaction.ts';
import type { Sight } from './sight.ts';

export function archiveFor(inner: Archive, sight: Sight, redaction: Redaction): Archive {
  /** Whose past it is: a job's, or with a `~` something else's. */
  const sees = (owner: string): boolean => {
    if (!owner.startsWith('~')) return sight.seesName(owner);
    if (owner.startsWith(calendarOwner(''))) return true;
    return owner === AUDIT_OWNER ? sight.mayAll('admin') : sight.isOfAll;
  };
  return {
    past: async (kind, query) => {
      const isSeen = ofSeveralJobs[kind];
      if (isSeen !== undefined)
        return (await inner.past(kind, query)).filter((value) => isSeen(sight, value as never));
      if (!sees(query.owner)) return [];
      const values = await inner.past(kind, query);
      const seen = query.owner.startsWith('~')
        ? values
        : values.filter((value) => sight.seesName(query.owner, begunAt(kind, value)));
      return seen.map((value) => shownValue(redaction, kind, value));
    },
    // A page may have fewer runs than there are; `next` says whether it was the last.
    runs: async (query) => {
      if (query.job !== undefined && !sight.seesName(query.job)) return { items: [], next: null };
      const { items, next } = await inner.runs(query);
      const last = items.at(-1);
      const seen = items.filter((run) => redaction.seesRun(run)).map((run) => redaction.run(run));
      return { items: seen, next, ...(last !== undefined && { last: { due: last.due, id: last.id } }) };
    },
    run: async (id) => {
      const run = await inner.run(id);
      return run === null || !redaction.seesRun(run) ? null : redaction.run(run);
    },
    revisions: async (job) => {
      if (!sight.seesName(job)) return [];
      const seen = (await inner.revisions(job)).filter(({ at }) => sight.seesName(job, at));
      return seen.map((revision) => redaction.revision(revision));
    },
    ledger: async (query) => {
      if (!sight.seesName(query.job)) return [];
      const lines = (await inner.ledger(query)).filter(({ from }) => sight.seesName(query.job, from));
      return lines.map((line) => ({ ...line, reason: redaction.reason(line.reason, line.job) }));
    },
    days: async (query) => {
      if (!sight.seesName(query.job)) return [];
      return (await inner.days(query)).filter(({ day }) => sight.seesName(query.job, Date.parse(day)));
    },
  };
}

/** Kinds that are about several jobs. */
const ofSeveralJobs: Partial<Record<PastName, (sight: Sight, value: never) => boolean>> = {
  'backfill-ended': seesBackfill,
};

/** When that began what a record of a job tells of. */
function begunAt(kind: PastName, value: unknown): number {
  const begun: Partial<Record<PastName, () => number>> = {
    revision: () => (value as Revision).at,
    'run-ended': () => (value as Run).createdAt,
    ledger: () => (value as LedgerLine).from,
    backfilled: () => (value as Backfilled).at,
    // The day of its creation may have been one of the removed job, too.
    day: () => Date.parse((value as Day).day),
    'alert-ended': () => (value as Alert).since,
    'notification-ended': () => (value as Notification).alert.since,
  };
  return begun[kind]?.() ?? Number.NEGATIVE_INFINITY;
}

function shownValue<K extends PastName>(redaction: Redaction, kind: K, value: ValueOf<K>): ValueOf<K> {
  const shown = {
    revision: (each: unknown) => redaction.revision(each as Revision),
    'run-ended': (each: unknown) => redaction.run(each as Run),
    ledger: (each: unknown) => each,
    backfilled: (each: unknown) => each,
    day: (each: unknown) => each,
    'alert-ended': (each: unknown) => redaction.alert(each as Alert),
    'notification-ended': (each: unknown) => redaction.notification(each as Notification),
  } as const satisfies Partial<Record<PastName, (each: unknown) => unknown>>;
  const show = (shown as Partial<Record<PastName, (each: unknown) => unknown>>)[kind];
  return show === undefined ? value : (show(value) as ValueOf<K>);
}
