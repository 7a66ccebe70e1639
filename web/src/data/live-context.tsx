/** The one live connection, for all components. */

import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from 'react';
import { type Freshness, lastFreshness, onFreshness } from './client.ts';
import { LiveConnection, type LiveState } from './live.ts';
import { queryClient } from './query-client.ts';

const Connection = createContext<LiveConnection | null>(null);

export function LiveProvider({ children }: { readonly children: ReactNode }) {
  const [connection] = useState(() => new LiveConnection(queryClient));
  useEffect(() => {
    connection.open();
    return () => connection.close();
  }, [connection]);
  return <Connection value={connection}>{children}</Connection>;
}

const never: LiveState = { connected: false, asOf: null };

/** Whether live changes arrive, and if not, since when the picture stands still. */
export function useLive(): LiveState {
  const connection = useContext(Connection);
  return useSyncExternalStore(
    (listener) => connection?.subscribe(listener) ?? (() => {}),
    () => connection?.state ?? never,
  );
}

/** How old the answering node's copy may be. */
export const useFreshness = (): Freshness => useSyncExternalStore(onFreshness, lastFreshness);
