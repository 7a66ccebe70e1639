/** The displayed period: around now, or back in time from a given end. Pure. */

export interface Window {
  readonly from: number;
  readonly to: number;
}

/** Two thirds are past, one third is ahead. */
const past = 2 / 3;
/** Requested in steps of this fraction of the window, so that a response can be reused for a while. */
const fractions = 60;

/** `until`: the end. Null: around now. */
export function windowOf(spanMs: number, until: number | null, now: number): Window {
  if (until !== null) return { from: until - spanMs, to: until };
  const grain = spanMs / fractions;
  const from = Math.floor((now - spanMs * past) / grain) * grain;
  return { from, to: from + spanMs + grain };
}

/** Moves by half a window. Returns the end for the address, or null once it reaches the window around now. */
export function shifted({ from, to }: Window, way: 'earlier' | 'later', now: number): string | null {
  const spanMs = to - from;
  const end = to + (way === 'earlier' ? -spanMs / 2 : spanMs / 2);
  return way === 'later' && end >= now + spanMs * (1 - past) ? null : new Date(end).toISOString();
}
