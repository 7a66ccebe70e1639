/** The stretch of time that the bars are drawn in: around now, or back in time up to a given end. Pure. */

export interface Window {
  readonly from: number;
  readonly to: number;
}

/** Two thirds are past, one third is to come. */
const past = 2 / 3;
/** Asked for in steps of the window's fraction, so that the same answer serves for a while. */
const fractions = 60;

/** `until`: the end; null: around now. */
export function windowOf(spanMs: number, until: number | null, now: number): Window {
  if (until !== null) return { from: until - spanMs, to: until };
  const grain = spanMs / fractions;
  const from = Math.floor((now - spanMs * past) / grain) * grain;
  return { from, to: from + spanMs + grain };
}

/** Half a window on: the end for the address; null once that reaches what is around now. */
export function shifted({ from, to }: Window, way: 'earlier' | 'later', now: number): string | null {
  const spanMs = to - from;
  const end = to + (way === 'earlier' ? -spanMs / 2 : spanMs / 2);
  return way === 'later' && end >= now + spanMs * (1 - past) ? null : new Date(end).toISOString();
}
