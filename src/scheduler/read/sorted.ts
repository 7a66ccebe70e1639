/** Sorts in steps, for lists with an entry per job. */

import type { Steps } from '../handle.ts';

/** Items sorted at once: less than a millisecond. */
const AT_ONCE = 1_024;
/** Items merged per step. */
const STEP = 256;

/** A sorted copy. The sort is stable, and `items` is not changed. */
export function* sorted<T>(items: readonly T[], order: (a: T, b: T) => number): Steps<T[]> {
  const count = items.length;
  let from: T[] = [];
  for (let at = 0; at < count; at += AT_ONCE) {
    for (const item of items.slice(at, at + AT_ONCE).sort(order)) from.push(item);
    yield;
  }
  for (let width = AT_ONCE; width < count; width *= 2) {
    const to: T[] = [];
    for (let at = 0; at < count; at += 2 * width) {
      const middle = Math.min(at + width, count);
      const end = Math.min(at + 2 * width, count);
      let left = at;
      let right = middle;
      while (left < middle || right < end) {
        if (to.length % STEP === STEP - 1) yield;
        const isLeft = left < middle && (right >= end || order(from[left] as T, from[right] as T) <= 0);
        to.push((isLeft ? from[left++] : from[right++]) as T);
      }
    }
    from = to;
  }
  return from;
}
