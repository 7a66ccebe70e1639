/** Shows whether the data is live, since when it is not, and how far the responding node lags. */

import { useEffect, useState } from 'react';
import { useFreshness, useLive } from '../data/live-context.tsx';
import { clockTime, duration } from '../parts/time.ts';

/** A reconnect within this time is not shown. */
const graceMs = 1_500;
/** A lag below this is normal network delay and not shown. */
const lagWorthSayingMs = 3_000;

export function LiveMark() {
  const { connected, asOf } = useLive();
  const { lagMs } = useFreshness();
  const stale = useStale(connected);
  const behind = lagMs !== null && lagMs > lagWorthSayingMs;
  const tone = stale ? 'stale' : behind ? 'behind' : 'live';
  const text = stale
    ? asOf === null
      ? 'Not connected'
      : `Not live since ${clockTime(asOf)}`
    : behind
      ? `${duration(lagMs)} behind`
      : 'Live';
  const title = stale
    ? 'Connection lost. The page shows the last known state and reconnects automatically.'
    : behind
      ? 'This node is a follower. Its copy of the state lags behind the leader by up to this much.'
      : 'Changes appear within a second.';
  return (
    <span className={`live live-${tone}`} role="status" title={title}>
      <i aria-hidden="true" />
      <span>{text}</span>
    </span>
  );
}

/** Disconnected for longer than a brief interruption. */
function useStale(connected: boolean): boolean {
  const [stale, setStale] = useState(false);
  useEffect(() => {
    if (connected) {
      setStale(false);
      return;
    }
    const timer = setTimeout(() => setStale(true), graceMs);
    return () => clearTimeout(timer);
  }, [connected]);
  return stale;
}
