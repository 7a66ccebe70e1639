/**
 * The vertical position of each node: as close as possible to the mean of its neighbours, in the order of its
 * column, and never closer to the next node than both allow.
 *
 * One column against its neighbours is a least-squares problem with an order constraint, which pooling
 * adjacent violators solves exactly in one pass. Sweeping in both directions settles the whole. Bends weigh
 * more than nodes, so that long edges are straight.
 */

import { type Adjacency, adjacency, neighbours } from './adjacency.ts';
import type { Steps } from './trunks.ts';

export interface Spacing {
  /**
   * Distance between the centres of two neighbours in a column: of two nodes, or if one of them is a bend.
   */
  readonly node: number;
  readonly bend: number;
}

const sweeps = 12;
const nodeWeight = 1;
const bendWeight = 6;

/** The centre of each node and bend. Numbers below `nodes` are nodes. */
export function heights(
  steps: Steps,
  columns: readonly Int32Array[],
  { nodes, spacing }: { readonly nodes: number; readonly spacing: Spacing },
): Float64Array {
  const count = steps.rank.length;
  const up = adjacency(count, steps.to, steps.from);
  const down = adjacency(count, steps.from, steps.to);
  const y = new Float64Array(count);
  const offsets = columns.map((column) => offsetsOf(column, nodes, spacing));
  columns.forEach((column, r) => {
    const middle = offsets[r]!.at(-1)! / 2;
    column.forEach((node, at) => {
      y[node] = offsets[r]![at]! - middle;
    });
  });
  for (let sweep = 0; sweep < sweeps; sweep += 1) {
    const last = sweep >= sweeps - 2;
    const order = sweep % 2 === 0 ? [...columns.keys()] : [...columns.keys()].reverse();
    for (const r of order) {
      const sides = last ? [up, down] : [sweep % 2 === 0 ? up : down];
      settle(columns[r]!, { offsets: offsets[r]!, sides, nodes, y });
    }
  }
  return y;
}

/** The minimum distance of each from the first of its column. */
function offsetsOf(column: Int32Array, nodes: number, spacing: Spacing): Float64Array {
  const offsets = new Float64Array(column.length);
  for (let at = 1; at < column.length; at += 1) {
    const twoNodes = column[at]! < nodes && column[at - 1]! < nodes;
    offsets[at] = offsets[at - 1]! + (twoNodes ? spacing.node : spacing.bend);
  }
  return offsets;
}

interface Settling {
  readonly offsets: Float64Array;
  readonly sides: readonly Adjacency[];
  readonly nodes: number;
  readonly y: Float64Array;
}

/** Pools: groups at minimum distance, each at the weighted mean of its members' wanted positions. */
function settle(column: Int32Array, { offsets, sides, nodes, y }: Settling): void {
  const sum = new Float64Array(column.length);
  const weight = new Float64Array(column.length);
  const end = new Int32Array(column.length);
  let pools = 0;
  for (let at = 0; at < column.length; at += 1) {
    const node = column[at]!;
    weight[pools] = node < nodes ? nodeWeight : bendWeight;
    sum[pools] = (wanted(node, sides, y) - offsets[at]!) * weight[pools]!;
    end[pools] = at + 1;
    pools += 1;
    while (pools > 1 && sum[pools - 2]! * weight[pools - 1]! > sum[pools - 1]! * weight[pools - 2]!) {
      pools -= 1;
      sum[pools - 1]! += sum[pools]!;
      weight[pools - 1]! += weight[pools]!;
      end[pools - 1] = end[pools]!;
    }
  }
  let at = 0;
  for (let pool = 0; pool < pools; pool += 1) {
    const base = sum[pool]! / weight[pool]!;
    for (; at < end[pool]!; at += 1) y[column[at]!] = base + offsets[at]!;
  }
}

/** The mean height of the neighbours, or its own if it has none. */
function wanted(node: number, sides: readonly Adjacency[], y: Float64Array): number {
  let sum = 0;
  let count = 0;
  for (const side of sides) {
    for (const other of neighbours(side, node)) {
      sum += y[other]!;
      count += 1;
    }
  }
  return count === 0 ? y[node]! : sum / count;
}
