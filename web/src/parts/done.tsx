/** Expected end of a run: the median and the 95th percentile. */

import type { WireForecast } from '../../../src/api/wire/plots.ts';
import { useNow } from './now.ts';
import { clockTime, dateTime, shortInstant } from './time.ts';

/** Within this time, seconds are shown. */
const nearMs = 10 * 60_000;

export function Done({ forecast }: { readonly forecast: WireForecast | null }) {
  const now = useNow();
  if (forecast === null) return <span className="faint">unknown</span>;
  const usual = Date.parse(forecast.p50);
  const slow = Date.parse(forecast.p95);
  const title = `Median (p50): ${dateTime(usual)}\n95th percentile (p95): ${dateTime(slow)}`;
  if (slow <= now) {
    return (
      <span className="tone-late" title={title}>
        longer than usual
      </span>
    );
  }
  const text = (ms: number): string => (ms - now < nearMs ? clockTime(ms) : shortInstant(ms, now));
  const first = text(Math.max(usual, now));
  const last = text(slow);
  return <span title={title}>{first === last ? first : `${first} – ${last}`}</span>;
}
