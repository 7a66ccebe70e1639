/** What the picture of the graph promises, whatever the graph is. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adjacency } from '../../web/src/graph/layout/adjacency.ts';
import { columns, crossingsOf } from '../../web/src/graph/layout/crossings.ts';
import { type Layout, layOut, nodeSize, stepStride } from '../../web/src/graph/layout/layout.ts';
import { pack } from '../../web/src/graph/layout/packing.ts';
import { ranks } from '../../web/src/graph/layout/ranks.ts';
import { steps } from '../../web/src/graph/layout/trunks.ts';
import { anyGraphs, dags, edgesOf, type Graph } from './graph-support.ts';

const laidOut = (graph: Graph): Layout => layOut(graph.count, edgesOf(graph));

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width - 0.01 &&
  b.x < a.x + a.width - 0.01 &&
  a.y < b.y + b.height - 0.01 &&
  b.y < a.y + a.height - 0.01;

function overlaps(boxes: readonly Box[]): [number, number][] {
  return boxes.flatMap((a, i) =>
    boxes.flatMap((b, j): [number, number][] => (i < j && overlap(a, b) ? [[i, j]] : [])),
  );
}

const boxesOf = ({ x, y }: Layout): Box[] => [...x].map((left, i) => ({ x: left, y: y[i]!, ...nodeSize }));

const stepAt = (layout: Layout, step: number) => {
  const [x1, y1, x2, y2, x3] = layout.steps.subarray(step * stepStride, (step + 1) * stepStride);
  return { x1: x1!, y1: y1!, x2: x2!, y2: y2!, x3: x3! };
};

/** From the parent to the child. */
function wayOf(layout: Layout, edge: number) {
  const way = [];
  for (let step = layout.last[edge]!; step >= 0; step = layout.before[step]!)
    way.unshift(stepAt(layout, step));
  return way;
}

describe('the layout', () => {
  it('lets every edge run to the right', () => {
    fc.assert(
      fc.property(dags, (graph) => {
        const { x } = laidOut(graph);
        for (const [from, to] of graph.pairs) expect(x[to]!).toBeGreaterThan(x[from]! + nodeSize.width);
      }),
    );
  });

  it('lets no two cards overlap, with cycles too', () => {
    fc.assert(
      fc.property(anyGraphs, (graph) => {
        expect(overlaps(boxesOf(laidOut(graph)))).toEqual([]);
      }),
    );
  });

  it('keeps all cards inside of the picture', () => {
    fc.assert(
      fc.property(anyGraphs, (graph) => {
        const layout = laidOut(graph);
        for (const { x, y, width, height } of boxesOf(layout)) {
          expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
          expect(x + width).toBeLessThanOrEqual(layout.width + 0.01);
          expect(y + height).toBeLessThanOrEqual(layout.height + 0.01);
        }
      }),
    );
  });

  it('leads each edge without a gap from its parent to its child', () => {
    fc.assert(
      fc.property(dags, (graph) => {
        const layout = laidOut(graph);
        graph.pairs.forEach(([from, to], edge) => {
          const way = wayOf(layout, edge);
          expect(way[0]).toMatchObject({
            x1: layout.x[from]! + nodeSize.width,
            y1: layout.y[from]! + nodeSize.height / 2,
          });
          expect(way.at(-1)).toMatchObject({
            x3: layout.x[to]!,
            y2: layout.y[to]! + nodeSize.height / 2,
          });
          for (let i = 1; i < way.length; i += 1) {
            expect([way[i]!.x1, way[i]!.y1]).toEqual([way[i - 1]!.x3, way[i - 1]!.y2]);
          }
        });
      }),
    );
  });

  it('lets all edges run to the right but those that close cycles', () => {
    fc.assert(
      fc.property(anyGraphs, (graph) => {
        const { last, x } = laidOut(graph);
        const backwards = graph.pairs.filter((_, edge) => last[edge]! < 0);
        if (!graph.pairs.some(([from, to]) => reaches(graph.pairs, to, from))) expect(backwards).toEqual([]);
        for (const [edge, [from, to]] of graph.pairs.entries()) {
          if (last[edge]! >= 0) expect(x[to]!).toBeGreaterThan(x[from]!);
        }
      }),
    );
  });

  it('gives the same picture for the same graph', () => {
    fc.assert(
      fc.property(anyGraphs, (graph) => {
        expect(laidOut(graph)).toEqual(laidOut(graph));
      }),
    );
  });

  it('keeps parts that do not hang together apart', () => {
    fc.assert(
      fc.property(dags, (graph) => {
        const layout = laidOut(graph);
        const parts = new Map<number, number[]>();
        for (let node = 0; node < graph.count; node += 1) {
          const part = partOf(graph, node);
          if (graph.pairs.some((pair) => pair.includes(node)))
            parts.set(part, [...(parts.get(part) ?? []), node]);
        }
        const boxes = [...parts.values()].map((nodes) => {
          const x = Math.min(...nodes.map((node) => layout.x[node]!));
          const y = Math.min(...nodes.map((node) => layout.y[node]!));
          return {
            x,
            y,
            width: Math.max(...nodes.map((node) => layout.x[node]!)) + nodeSize.width - x,
            height: Math.max(...nodes.map((node) => layout.y[node]!)) + nodeSize.height - y,
          };
        });
        expect(overlaps(boxes)).toEqual([]);
      }),
    );
  });

  it('draws a chain as a straight line', () => {
    const { y } = laidOut({
      count: 5,
      pairs: [
        [0, 1],
        [1, 2],
        [2, 3],
        [3, 4],
      ],
    });
    expect(new Set(y).size).toBe(1);
  });

  it('draws a tree without crossings', () => {
    const pairs = [...Array(40).keys()].slice(1).map((i): [number, number] => [Math.floor((i - 1) / 3), i]);
    const cut = steps(ranks(40, edgesOf({ count: 40, pairs })), edgesOf({ count: 40, pairs }));
    expect(naiveCrossings(columns(cut, 8), cut)).toBe(0);
  });

  it('puts a source right before the only job that it feeds', () => {
    const { x } = laidOut({
      count: 5,
      pairs: [
        [0, 1],
        [1, 2],
        [2, 3],
        [4, 3],
      ],
    });
    expect(x[4]).toBe(x[2]);
  });

  it('shares one way among the long edges of a parent', () => {
    // 0 → 1 → 2 → 3 → 4, and 0 feeds 3 and 4 as well.
    const layout = laidOut({
      count: 5,
      pairs: [
        [0, 1],
        [1, 2],
        [2, 3],
        [3, 4],
        [0, 3],
        [0, 4],
      ],
    });
    const [near, far] = [wayOf(layout, 4), wayOf(layout, 5)];
    expect(far.slice(0, 2)).toEqual(near.slice(0, 2));
  });
});

describe('the number of crossings', () => {
  it('is that of comparing every pair of steps', () => {
    fc.assert(
      fc.property(dags, (graph) => {
        const edges = edgesOf(graph);
        const cut = steps(ranks(graph.count, edges), edges);
        const found = columns(cut, 0);
        const place = new Int32Array(cut.rank.length);
        for (const column of found) for (const [at, node] of column.entries()) place[node] = at;
        const down = adjacency(cut.rank.length, cut.from, cut.to);
        expect(crossingsOf(found, down, place)).toBe(naiveCrossings(found, cut));
      }),
    );
  });

  it('is never more after further sweeps', () => {
    fc.assert(
      fc.property(dags, (graph) => {
        const edges = edgesOf(graph);
        const cut = steps(ranks(graph.count, edges), edges);
        const counts = [0, 1, 2, 3, 4, 8].map((sweeps) => naiveCrossings(columns(cut, sweeps), cut));
        expect(counts).toEqual([...counts].sort((a, b) => b - a));
      }),
      { numRuns: 300 },
    );
  });
});

describe('packing', () => {
  const boxes = fc.array(
    fc.record({ width: fc.integer({ min: 1, max: 900 }), height: fc.integer({ min: 1, max: 900 }) }),
    { maxLength: 40 },
  );

  it('keeps boxes at least the gap apart', () => {
    fc.assert(
      fc.property(boxes, (all) => {
        const places = pack(all, 10);
        const grown = all.map(({ width, height }, i) => ({
          ...places[i]!,
          width: width + 10,
          height: height + 10,
        }));
        expect(overlaps(grown)).toEqual([]);
      }),
    );
  });

  it('wastes less than half of the picture on equal boxes', () => {
    const all = Array.from({ length: 60 }, () => ({ width: 100, height: 60 }));
    const places = pack(all, 0);
    const width = Math.max(...places.map(({ x }) => x)) + 100;
    const height = Math.max(...places.map(({ y }) => y)) + 60;
    expect(width * height).toBeLessThan(2 * 60 * 100 * 60);
  });
});

function reaches(pairs: Graph['pairs'], start: number, end: number): boolean {
  const seen = new Set([start]);
  for (const node of seen) for (const [from, to] of pairs) if (from === node) seen.add(to);
  return seen.has(end);
}

/** The least node that hangs together with it. */
function partOf({ pairs }: Graph, node: number): number {
  const seen = new Set([node]);
  for (const each of seen) {
    for (const [from, to] of pairs) {
      if (from === each) seen.add(to);
      if (to === each) seen.add(from);
    }
  }
  return Math.min(...seen);
}

function naiveCrossings(found: readonly Int32Array[], { from, to, rank }: ReturnType<typeof steps>): number {
  const place = new Map(
    found.flatMap((column) => [...column].map((node, at): [number, number] => [node, at])),
  );
  let crossings = 0;
  for (let a = 0; a < from.length; a += 1) {
    for (let b = a + 1; b < from.length; b += 1) {
      if (rank[from[a]!] !== rank[from[b]!]) continue;
      const left = place.get(from[a]!)! - place.get(from[b]!)!;
      const right = place.get(to[a]!)! - place.get(to[b]!)!;
      if (left * right < 0) crossings += 1;
    }
  }
  return crossings;
}
