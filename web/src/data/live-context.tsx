/** The single live connection, shared by all components. */

import {
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import type { WireEvent } from '../../../src/api/wire/views.ts';
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

/** Whether live changes arrive, and if not, since when the data is stale. */
export function useLive(): LiveState {
  const connection = useContext(Connection);
  return useSyncExternalStore(
    (listener) => connection?.subscribe(listener) ?? (() => {}),
    () => connection?.state ?? never,
  );
}

/** Calls the latest `watcher` with each event. */
export function useLiveEvents(watcher: (event: WireEvent) => void): void {
  const connection = useContext(Connection);
  const newest = useRef(watcher);
  newest.current = watcher;
  useEffect(() => connection?.watch((event) => newest.current(event)), [connection]);
}

/** Maximum age of the responding node's copy. */
export const useFreshness = (): Freshness => useSyncExternalStore(onFreshness, lastFreshness);
