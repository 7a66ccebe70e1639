/** The past of the jobs that somebody sees. */

import type { Alert, Notification } from '../model/alert.ts';
import type { Revision, Run } from '../model/model.ts';
import { AUDIT_OWNER } from '../model/token.ts';
import type { Archive } from '../ports.ts';
import type { PastName, ValueOf } from '../records/table.ts';
import type { Redaction } from './redaction.ts';
import type { Sight } from './sight.ts';

export function archiveFor(inner: Archive, sight: Sight, redaction: Redaction): Archive {
  /** Whose past it is: a job's, or with a `~` something else's. */
  const sees = (owner: string): boolean => {
    if (!owner.startsWith('~')) return sight.seesName(owner);
    return owner === AUDIT_OWNER ? sight.mayAll('admin') : sight.isOfAll;
  };
  return {
    past: async (kind, query) => {
      if (!sees(query.owner)) return [];
      const values = await inner.past(kind, query);
      return values.map((value) => shownValue(redaction, kind, value));
    },
    // A page may have fewer runs than there are; `next` says whether it was the last.
    runs: async (query) => {
      if (query.job !== undefined && !sight.seesName(query.job)) return { items: [], next: null };
      const { items, next } = await inner.runs(query);
      return { items: items.filter(({ job }) => sight.seesName(job)).map((run) => redaction.run(run)), next };
    },
    run: async (id) => {
      const run = await inner.run(id);
      return run === null || !sight.seesName(run.job) ? null : redaction.run(run);
    },
    revisions: async (job) => {
      if (!sight.seesName(job)) return [];
      return (await inner.revisions(job)).map((revision) => redaction.revision(revision));
    },
    ledger: async (query) => {
      if (!sight.seesName(query.job)) return [];
      const lines = await inner.ledger(query);
      return lines.map((line) => ({ ...line, reason: redaction.reason(line.reason, line.job) }));
    },
    days: async (query) => (sight.seesName(query.job) ? inner.days(query) : []),
  };
}

function shownValue<K extends PastName>(redaction: Redaction, kind: K, value: ValueOf<K>): ValueOf<K> {
  const shown = {
    revision: (each: unknown) => redaction.revision(each as Revision),
    'run-ended': (each: unknown) => redaction.run(each as Run),
    ledger: (each: unknown) => each,
    day: (each: unknown) => each,
    'alert-ended': (each: unknown) => redaction.alert(each as Alert),
    'notification-ended': (each: unknown) => redaction.notification(each as Notification),
  } as const satisfies Partial<Record<PastName, (each: unknown) => unknown>>;
  const show = (shown as Partial<Record<PastName, (each: unknown) => unknown>>)[kind];
  return show === undefined ? value : (show(value) as ValueOf<K>);
}
