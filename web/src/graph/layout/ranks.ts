/**
 * The column of each node: after all its parents, and close to them.
 *
 * Longest-path ranking gives the smallest number of columns. Alone it would put a source that feeds only a
 * late job in the first column, with an edge across the whole picture. So nodes are then moved towards the
 * side on which they have more edges, as far as their neighbours allow.
 *
 * Cycles come only from collapsed groups (jobs have none). Edges that close a cycle are left out here and
 * point backwards in the picture.
 */

import { type Adjacency, adjacency, type Edges, neighbours } from './adjacency.ts';

/**
 * Each pass lets a node move once; the second follows nodes that moved in the first. More passes change
 * nothing.
 */
const tightenings = 2;

/** The column of each node; `rank[from] < rank[to]` for every edge of a graph without cycles. */
export function ranks(count: number, edges: Edges): Int32Array {
  const children = adjacency(count, edges.from, edges.to);
  const order = orderOf(count, edges, children);
  const place = new Int32Array(count);
  order.forEach((node, at) => {
    place[node] = at;
  });
  const forward = forwardOnly(edges, place);
  const down = adjacency(count, forward.from, forward.to);
  const up = adjacency(count, forward.to, forward.from);
  const rank = longestWays(order, down);
  for (let pass = 0; pass < tightenings; pass += 1) tighten(order, { rank, up, down });
  return rank;
}

/** Parents first. If only cycles are left, continues with their first node. */
function orderOf(count: number, { to }: Edges, children: Adjacency): Int32Array {
  const missing = new Int32Array(count);
  for (const node of to) missing[node]! += 1;
  const order = new Int32Array(count);
  const placed = new Uint8Array(count);
  let length = 0;
  const put = (node: number) => {
    placed[node] = 1;
    order[length++] = node;
  };
  for (let node = 0; node < count; node += 1) if (missing[node] === 0) put(node);
  let stuckFrom = 0;
  for (let head = 0; head < count; head += 1) {
    if (head === length) {
      while (placed[stuckFrom] === 1) stuckFrom += 1;
      put(stuckFrom);
    }
    for (const child of neighbours(children, order[head]!)) {
      missing[child]! -= 1;
      if (missing[child] === 0 && placed[child] === 0) put(child);
    }
  }
  return order;
}

function forwardOnly({ from, to }: Edges, place: Int32Array): Edges {
  const kept = [...from.keys()].filter((e) => place[from[e]!]! < place[to[e]!]!);
  return {
    from: Int32Array.from(kept, (e) => from[e]!),
    to: Int32Array.from(kept, (e) => to[e]!),
  };
}

function longestWays(order: Int32Array, down: Adjacency): Int32Array {
  const rank = new Int32Array(order.length);
  for (const node of order) {
    const behind = rank[node]! + 1;
    for (const child of neighbours(down, node)) if (rank[child]! < behind) rank[child] = behind;
  }
  return rank;
}

interface Ranked {
  readonly rank: Int32Array;
  readonly up: Adjacency;
  readonly down: Adjacency;
}

/** From the end to the start, so that a chain moves as one. */
function tighten(order: Int32Array, { rank, up, down }: Ranked): void {
  for (let at = order.length - 1; at >= 0; at -= 1) {
    const node = order[at]!;
    const children = neighbours(down, node);
    if (children.length === 0 || children.length < neighbours(up, node).length) continue;
    let nearest = Number.POSITIVE_INFINITY;
    for (const child of children) nearest = Math.min(nearest, rank[child]!);
    rank[node] = nearest - 1;
  }
}
