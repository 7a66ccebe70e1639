/**
 * Parses values in the address. Users can type any address, so an invalid or out-of-range value counts as
 * absent. A page therefore only gets values that it can show.
 */

/** Times of these years can be displayed, moved by a month, and requested. */
const firstMs = 0;
const lastMs = Date.UTC(9_000, 0);

/** Epoch milliseconds. */
export function millisecondsIn(text: string | null): number | null {
  return wholeIn(text, firstMs, lastMs);
}

/** An ISO 8601 time as epoch milliseconds. */
export function instantIn(text: string | null): number | null {
  const ms = text === null || !/^\d{4}-\d{2}-\d{2}T/.test(text) ? Number.NaN : Date.parse(text);
  return ms >= firstMs && ms <= lastMs ? ms : null;
}

/** A whole number in decimal digits, within these bounds. */
export function wholeIn(text: string | null, min: number, max: number): number | null {
  const value = text !== null && /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : null;
}

/** One of these. */
export const choiceIn = <T extends string>(text: string | null, choices: readonly T[]): T | null =>
  choices.find((each) => each === text) ?? null;
