/**
 * Gathers histogram buckets into a few bins, each the same factor wide: run times span orders of magnitude,
 * and bins of equal width would put nearly all runs into the first. Pure.
 */

export interface Bucket {
  readonly fromMs: number;
  /** Upper bound, included. */
  readonly toMs: number;
  readonly count: number;
}

export interface Bin {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

/** Without gaps, from the first to the last bucket. A bucket counts where its centre is. */
export function binsOf(buckets: readonly Bucket[], most: number): Bin[] {
  const first = buckets[0];
  const last = buckets.at(-1);
  if (first === undefined || last === undefined) return [];
  const least = Math.max(1, first.fromMs);
  const end = Math.max(least, last.toMs) + 1;
  // Bins narrower than 10 % would show the edges of the buckets.
  const count = Math.max(1, Math.min(most, Math.ceil(Math.log(end / least) / Math.log(1.1))));
  const factor = (end / least) ** (1 / count);
  const bins = Array.from({ length: count }, (_, i) => ({
    fromMs: i === 0 ? first.fromMs : least * factor ** i,
    toMs: least * factor ** (i + 1),
    count: 0,
  }));
  for (const { fromMs, toMs, count: runs } of buckets) {
    const middle = Math.max(least, (fromMs + toMs) / 2);
    const at = Math.min(count - 1, Math.floor(Math.log(middle / least) / Math.log(factor)));
    bins[at]!.count += runs;
  }
  return bins;
}
