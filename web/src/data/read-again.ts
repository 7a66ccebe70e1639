/** Reloads data after a possible change. */

import type { QueryClient, QueryFilters } from '@tanstack/react-query';

/**
 * Reloads displayed data that matches `filters`, and marks the rest as stale. A read in progress may return
 * data from before the change. It is allowed to finish, because on a slow connection a read that is always
 * restarted never ends, and is then repeated once.
 */
export async function readAgain(client: QueryClient, filters: QueryFilters = {}): Promise<void> {
  const underWay = client.getQueryCache().findAll({ ...filters, fetchStatus: 'fetching' });
  const rest = client.invalidateQueries(filters, { cancelRefetch: false });
  await Promise.allSettled(underWay.map((query) => query.promise));
  await client.invalidateQueries(
    { predicate: (query) => underWay.includes(query) },
    // Another change may have started the repeat already.
    { cancelRefetch: false },
  );
  await rest;
}
