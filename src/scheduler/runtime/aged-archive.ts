/**
 * Reads of the past without records that are older than they may be. Stores remove these as they write newer ones,
 * which may be later.
 */

import type { Archive, Clock, Store } from '../ports.ts';
import { pastKinds } from '../records/stored.ts';

export interface AgeParts {
  readonly store: Pick<Store, 'archive'>;
  readonly clock: Clock;
  readonly auditRetentionMs?: number;
}

export function withinAge({ store, clock, auditRetentionMs }: AgeParts): Archive {
  const { archive } = store;
  return {
    ...archive,
    past(kind, query) {
      const age = pastKinds.get(kind)?.age;
      if (age === undefined) return archive.past(kind, query);
      const first = age.from(clock.now() - (auditRetentionMs ?? age.keepMs));
      const from = query.from !== undefined && query.from > first ? query.from : first;
      return archive.past(kind, { ...query, from, withPrevious: false });
    },
  };
}
