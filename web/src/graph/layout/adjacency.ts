/**
 * Adjacency as flat arrays: the neighbours of node `i` are `list[start[i]]` up to, but not including,
 * `list[start[i + 1]]`, in the order of the given edges. Ten thousand small arrays would take longer to
 * create than the layout.
 */

export interface Edges {
  readonly from: Int32Array;
  readonly to: Int32Array;
}

export interface Adjacency {
  readonly start: Int32Array;
  readonly list: Int32Array;
}

/** For `count` nodes, along `keys[e]` → `values[e]`. Swap the two for the other direction. */
export function adjacency(count: number, keys: Int32Array, values: Int32Array): Adjacency {
  const start = new Int32Array(count + 1);
  for (const key of keys) start[key + 1]! += 1;
  for (let i = 0; i < count; i += 1) start[i + 1]! += start[i]!;
  const next = start.slice(0, count);
  const list = new Int32Array(keys.length);
  for (let e = 0; e < keys.length; e += 1) list[next[keys[e]!]!++] = values[e]!;
  return { start, list };
}

export function neighbours({ start, list }: Adjacency, node: number): Int32Array {
  return list.subarray(start[node]!, start[node + 1]!);
}

/** The connected components, each in ascending order, sorted by first node. */
export function components(count: number, { from, to }: Edges): Int32Array[] {
  const root = Int32Array.from({ length: count }, (_, i) => i);
  const find = (node: number): number => {
    let at = node;
    while (root[at] !== at) at = root[at] = root[root[at]!]!;
    return at;
  };
  for (let e = 0; e < from.length; e += 1) {
    const a = find(from[e]!);
    const b = find(to[e]!);
    root[Math.max(a, b)] = Math.min(a, b);
  }
  const members = new Map<number, number[]>();
  for (let i = 0; i < count; i += 1) {
    const top = find(i);
    const found = members.get(top);
    if (found === undefined) members.set(top, [i]);
    else found.push(i);
  }
  return [...members.values()].map((nodes) => Int32Array.from(nodes));
}
