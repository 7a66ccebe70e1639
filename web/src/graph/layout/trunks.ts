/**
 * The graph with its long edges cut into segments from column to column.
 *
 * An edge across several columns needs a way past the nodes between: a *bend* in each column. All long edges
 * of one node share their bends, as a trunk with branches. That keeps the picture calm and limits the number
 * of bends to nodes × columns, instead of edges × columns.
 *
 * Nodes are numbered as given; bends follow. A *step* is a segment between two neighbouring columns.
 * `before[s]` is the step that leads to the start of step `s`, or -1 at a node: following it from `last[e]`
 * walks the edge `e` backwards.
 */

import type { Edges } from './adjacency.ts';

export interface Steps extends Edges {
  readonly before: Int32Array;
  /** The last step of each edge; -1 for an edge that points backwards and has none. */
  readonly last: Int32Array;
  /** Column of each node and bend. */
  readonly rank: Int32Array;
}

export function steps(rank: Int32Array, edges: Edges): Steps {
  const ranks = [...rank];
  const from: number[] = [];
  const to: number[] = [];
  const before: number[] = [];
  const last = new Int32Array(edges.from.length).fill(-1);
  /** Per node: the steps of its trunk, in order. */
  const trunks = new Map<number, number[]>();

  const step = (a: number, b: number, previous: number): number => {
    from.push(a);
    to.push(b);
    before.push(previous);
    return from.length - 1;
  };
  for (let e = 0; e < edges.from.length; e += 1) {
    const parent = edges.from[e]!;
    const child = edges.to[e]!;
    const bends = rank[child]! - rank[parent]! - 1;
    if (bends < 0) continue;
    const trunk = trunks.get(parent) ?? [];
    trunks.set(parent, trunk);
    while (trunk.length < bends) {
      const previous = trunk.at(-1) ?? -1;
      ranks.push(rank[parent]! + trunk.length + 1);
      trunk.push(step(previous < 0 ? parent : to[previous]!, ranks.length - 1, previous));
    }
    const previous = bends === 0 ? -1 : trunk[bends - 1]!;
    last[e] = step(previous < 0 ? parent : to[previous]!, child, previous);
  }
  return {
    from: Int32Array.from(from),
    to: Int32Array.from(to),
    before: Int32Array.from(before),
    last,
    rank: Int32Array.from(ranks),
  };
}
