/** Reading again what something may have changed. */

import type { QueryClient, QueryFilters } from '@tanstack/react-query';

/**
 * Reads again what of `filters` is shown, and marks the rest as old. A reading that is under way may answer with what
 * was before the change: it is let finish, since on a slow line a reading that is always begun anew never comes to an
 * end, and then read once more.
 */
export async function readAgain(client: QueryClient, filters: QueryFilters = {}): Promise<void> {
  const underWay = client.getQueryCache().findAll({ ...filters, fetchStatus: 'fetching' });
  const rest = client.invalidateQueries(filters, { cancelRefetch: false });
  await Promise.allSettled(underWay.map((query) => query.promise));
  await client.invalidateQueries(
    { predicate: (query) => underWay.includes(query) },
    // Another change may have begun to read it again already.
    { cancelRefetch: false },
  );
  await rest;
}
