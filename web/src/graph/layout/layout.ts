/**
 * The whole layout: components, columns, order, heights, packing. Pure: the same graph gives the same picture
 * on every machine. States are not part of it, so nothing moves while jobs run.
 *
 * Edges run from left to right, like names. Each component is laid out by itself; jobs without edges are in a
 * separate block.
 */

import { components, type Edges } from './adjacency.ts';
import { columns } from './crossings.ts';
import { heights } from './heights.ts';
import { pack } from './packing.ts';
import { ranks } from './ranks.ts';
import { steps } from './trunks.ts';

/** Pixels at a zoom of 1. */
export const nodeSize = { width: 184, height: 40 } as const;
const gaps = { column: 88, node: 14, bend: 8, part: 56 } as const;
/** Number of ordering sweeps: as many as improve a small graph, and as few as a large graph has time for. */
const sweepsOf = (edges: number): number => Math.max(4, Math.min(24, Math.floor(400_000 / (edges + 1))));
/**
 * Distance between columns. A tall component gets wider gaps: edges between hundreds of rows would be
 * vertical lines.
 */
const pitchOf = (height: number, columns: number): number =>
  nodeSize.width +
  Math.round(Math.max(gaps.column, Math.min(8 * gaps.column, height / 2 / columns - nodeSize.width)));

/** Numbers per segment in `Layout.steps`: the curve from (x1, y1) to (x2, y2), then level to x3. */
export const stepStride = 5;

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Upper left corners. */
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** `stepStride` numbers per segment. */
  readonly steps: Float32Array;
  /** The previous segment of each, or -1 at a node. */
  readonly before: Int32Array;
  /** The last segment of each edge. */
  readonly last: Int32Array;
}

export function layOut(count: number, edges: Edges): Layout {
  const parts = components(count, edges);
  const linked = parts.filter((nodes) => nodes.length > 1).map((nodes) => ({ nodes, edges: [] as number[] }));
  const partOf = new Int32Array(count).fill(-1);
  linked.forEach(({ nodes }, part) => {
    for (const node of nodes) partOf[node] = part;
  });
  edges.from.forEach((node, e) => {
    linked[partOf[node]!]!.edges.push(e);
  });
  const alone = parts.filter((nodes) => nodes.length === 1).map((nodes) => nodes[0]!);
  const sweeps = sweepsOf(edges.from.length);
  const pictures = linked.map((part) => pictureOf(part, edges, sweeps));
  if (alone.length > 0) pictures.push(block(alone));
  return assemble(count, edges.from.length, pictures);
}

/**
 * One component, with its upper left corner at 0, 0. `nodes` and `edges` are its numbers in the whole graph.
 */
interface Picture {
  readonly width: number;
  readonly height: number;
  readonly nodes: Int32Array;
  readonly edges: Int32Array;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly steps: Float32Array;
  readonly before: Int32Array;
  readonly last: Int32Array;
}

interface Part {
  readonly nodes: Int32Array;
  readonly edges: readonly number[];
}

function pictureOf({ nodes, edges: own }: Part, all: Edges, sweeps: number): Picture {
  const local = new Map<number, number>();
  nodes.forEach((node, i) => {
    local.set(node, i);
  });
  const edges = {
    from: Int32Array.from(own, (e) => local.get(all.from[e]!)!),
    to: Int32Array.from(own, (e) => local.get(all.to[e]!)!),
  };
  const cut = steps(ranks(nodes.length, edges), edges);
  const spacing = { node: nodeSize.height + gaps.node, bend: nodeSize.height / 2 + gaps.bend };
  const middle = heights(cut, columns(cut, sweeps), { nodes: nodes.length, spacing });
  const top = middle.reduce((least, y) => Math.min(least, y), 0) - nodeSize.height / 2;
  // Whole pixels: lines stay sharp, and 32-bit arrays store them exactly.
  const y = middle.map((each) => Math.round(each - top));
  const height = y.reduce((most, each) => Math.max(most, each), 0) + nodeSize.height / 2;
  const lastRank = cut.rank.reduce((most, rank) => Math.max(most, rank), 0);
  const pitch = pitchOf(height, lastRank + 1);
  const lines = new Float32Array(cut.from.length * stepStride);
  for (let s = 0; s < cut.from.length; s += 1) {
    const a = cut.from[s]!;
    const b = cut.to[s]!;
    const x2 = cut.rank[b]! * pitch;
    lines[s * stepStride] = cut.rank[a]! * pitch + nodeSize.width;
    lines[s * stepStride + 1] = y[a]!;
    lines[s * stepStride + 2] = x2;
    lines[s * stepStride + 3] = y[b]!;
    lines[s * stepStride + 4] = b < nodes.length ? x2 : x2 + nodeSize.width;
  }
  return {
    width: lastRank * pitch + nodeSize.width,
    height,
    nodes,
    edges: Int32Array.from(own),
    x: Float32Array.from(nodes, (_, i) => cut.rank[i]! * pitch),
    y: Float32Array.from(nodes, (_, i) => y[i]! - nodeSize.height / 2),
    steps: lines,
    before: cut.before,
    last: cut.last,
  };
}

/** Jobs without edges, in rows, by name. */
function block(nodes: readonly number[]): Picture {
  const row = nodeSize.height + gaps.node;
  const column = nodeSize.width + gaps.node;
  const across = Math.max(1, Math.round(Math.sqrt((nodes.length * row * 1.6) / column)));
  return {
    width: Math.min(across, nodes.length) * column - gaps.node,
    height: Math.ceil(nodes.length / across) * row - gaps.node,
    nodes: Int32Array.from(nodes),
    edges: new Int32Array(0),
    x: Float32Array.from(nodes, (_, i) => (i % across) * column),
    y: Float32Array.from(nodes, (_, i) => Math.floor(i / across) * row),
    steps: new Float32Array(0),
    before: new Int32Array(0),
    last: new Int32Array(0),
  };
}

function assemble(count: number, edgeCount: number, pictures: readonly Picture[]): Layout {
  const places = pack(pictures, gaps.part);
  const stepCount = pictures.reduce((sum, { before }) => sum + before.length, 0);
  const whole = {
    x: new Float32Array(count),
    y: new Float32Array(count),
    steps: new Float32Array(stepCount * stepStride),
    before: new Int32Array(stepCount),
    last: new Int32Array(edgeCount).fill(-1),
  };
  let width = 0;
  let height = 0;
  let offset = 0;
  pictures.forEach((part, i) => {
    const { x, y } = places[i]!;
    width = Math.max(width, x + part.width);
    height = Math.max(height, y + part.height);
    part.nodes.forEach((node, at) => {
      whole.x[node] = x + part.x[at]!;
      whole.y[node] = y + part.y[at]!;
    });
    part.steps.forEach((value, at) => {
      whole.steps[offset * stepStride + at] =
        value + (at % stepStride === 1 || at % stepStride === 3 ? y : x);
    });
    part.before.forEach((step, at) => {
      whole.before[offset + at] = step < 0 ? -1 : step + offset;
    });
    part.edges.forEach((edge, at) => {
      whole.last[edge] = part.last[at]! < 0 ? -1 : part.last[at]! + offset;
    });
    offset += part.before.length;
  });
  return { width, height, ...whole };
}
