/** Says whether what is shown is live, as of when it is not, and how far behind the node is that answers. */

import { useEffect, useState } from 'react';
import { useFreshness, useLive } from '../data/live-context.tsx';
import { clockTime, duration } from '../parts/time.ts';

/** A reconnect within this is no news. */
const graceMs = 1_500;
/** A copy this far behind is said; less is the network. */
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
    ? 'The connection is lost. What you see is as it was then; the page comes back by itself.'
    : behind
      ? 'This node follows, and its copy is behind the leader by this much.'
      : 'Changes are shown within a second.';
  return (
    <span className={`live live-${tone}`} role="status" title={title}>
      <i aria-hidden="true" />
      <span>{text}</span>
    </span>
  );
}

/** Not connected for longer than a hiccup. */
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
