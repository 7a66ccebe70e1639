/**
 * The order within each column, chosen so that few edges cross.
 *
 * Sugiyama's method: a walk from the sources gives the first order. Then sweeps in both directions put each
 * node at the mean position of its neighbours in the previous column, and the best order seen is kept. Ties
 * keep their order, so the result depends only on the graph.
 */

import { type Adjacency, adjacency, neighbours } from './adjacency.ts';
import type { Steps } from './trunks.ts';

/** The nodes and bends of each column, top to bottom, after at most this many sweeps. */
export function columns(steps: Steps, sweeps: number): Int32Array[] {
  const count = steps.rank.length;
  const down = adjacency(count, steps.from, steps.to);
  const up = adjacency(count, steps.to, steps.from);
  const current = firstOrder(steps.rank, up, down);
  const place = new Int32Array(count);
  for (const column of current) number(column, place);
  let best = current.map((column) => column.slice());
  let fewest = crossingsOf(current, down, place);
  for (let sweep = 0; sweep < sweeps && fewest > 0; sweep += 1) {
    const towards = sweep % 2 === 0 ? up : down;
    const order = sweep % 2 === 0 ? current.keys() : [...current.keys()].reverse();
    for (const r of order) sortByMean(current[r]!, towards, place);
    const crossings = crossingsOf(current, down, place);
    if (crossings < fewest) {
      fewest = crossings;
      best = current.map((column) => column.slice());
    }
  }
  return best;
}

/** Depth first from each source, so that related nodes are adjacent. */
function firstOrder(rank: Int32Array, up: Adjacency, down: Adjacency): Int32Array[] {
  const found: number[][] = [];
  const seen = new Uint8Array(rank.length);
  const stack: number[] = [];
  for (let source = 0; source < rank.length; source += 1) {
    if (neighbours(up, source).length > 0) continue;
    stack.push(source);
    while (stack.length > 0) {
      const node = stack.pop()!;
      if (seen[node] === 1) continue;
      seen[node] = 1;
      (found[rank[node]!] ??= []).push(node);
      const next = neighbours(down, node);
      for (let i = next.length - 1; i >= 0; i -= 1) stack.push(next[i]!);
    }
  }
  return found.map((column) => Int32Array.from(column));
}

function number(column: Int32Array, place: Int32Array): void {
  for (let at = 0; at < column.length; at += 1) place[column[at]!] = at;
}

/** Nodes without neighbours on that side keep their position. */
function sortByMean(column: Int32Array, towards: Adjacency, place: Int32Array): void {
  const { start, list } = towards;
  const means = new Float64Array(column.length);
  for (let at = 0; at < column.length; at += 1) {
    const node = column[at]!;
    const first = start[node]!;
    const end = start[node + 1]!;
    let sum = 0;
    for (let i = first; i < end; i += 1) sum += place[list[i]!]!;
    means[at] = end > first ? sum / (end - first) : at;
  }
  const order = Array.from(column.keys()).sort((a, b) => means[a]! - means[b]! || a - b);
  const before = column.slice();
  order.forEach((from, at) => {
    column[at] = before[from]!;
  });
  number(column, place);
}

/** How many pairs of steps cross: inversions, counted with a Fenwick tree over the next column. */
export function crossingsOf(columns: readonly Int32Array[], down: Adjacency, place: Int32Array): number {
  let crossings = 0;
  for (let r = 0; r + 1 < columns.length; r += 1) {
    const size = columns[r + 1]!.length;
    const tree = new Int32Array(size + 1);
    let inserted = 0;
    for (const node of columns[r]!) {
      const ends = neighbours(down, node);
      for (const end of ends) {
        let notAbove = 0;
        for (let i = place[end]! + 1; i > 0; i -= i & -i) notAbove += tree[i]!;
        crossings += inserted - notAbove;
      }
      for (const end of ends) for (let i = place[end]! + 1; i <= size; i += i & -i) tree[i]! += 1;
      inserted += ends.length;
    }
  }
  return crossings;
}
