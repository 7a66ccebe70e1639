/** Log-ins and log-outs of this browser, and what becomes of the data on its pages. */

import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import type { WireMe } from '../../../src/api/wire/access.ts';
import { send } from '../data/client.ts';
import { meQuery } from '../data/queries.ts';
import { readAgain } from '../data/read-again.ts';
import { noteSignedIn, whileLeaving } from '../data/session.ts';

/** After a log-in: pages of the same user are read again, and another one gets new ones. */
export async function takeIn(client: QueryClient): Promise<void> {
  const before = client.getQueryData<WireMe>(meQuery.queryKey);
  const me = await client.fetchQuery({ ...meQuery, staleTime: 0 });
  if (before !== undefined && before.kind === me.kind && before.id === me.id) {
    noteSignedIn();
    await readAgain(client);
    return;
  }
  client.removeQueries({ predicate: ({ queryKey: [scope] }) => scope !== 'me' });
  noteSignedIn();
}

/** Returns the function that logs out. `everywhere`: in all browsers and programs of this user. */
export function useLogOut(): (everywhere: boolean) => Promise<void> {
  const client = useQueryClient();
  return async (everywhere) => {
    await whileLeaving(async () => {
      if (everywhere) await send('POST', '/sessions/end', { body: {} });
      await send('POST', '/logout');
      client.clear();
    });
    // Whoever is known without a session, by the connection, is so again. Everybody else sees the log-in page.
    await client.fetchQuery(meQuery).catch(() => undefined);
  };
}
