/** Graphs for the tests of the picture: random ones, and what the server would say of them. */

import fc from 'fast-check';
import type { WireGraph, WireGraphNode } from '../../src/api/wire/views.ts';
import type { Edges } from '../../web/src/graph/layout/adjacency.ts';

export interface Graph {
  readonly count: number;
  readonly pairs: readonly (readonly [from: number, to: number])[];
}

export const edgesOf = ({ pairs }: Graph): Edges => ({
  from: Int32Array.from(pairs, ([from]) => from),
  to: Int32Array.from(pairs, ([, to]) => to),
});

/** Without repeated edges and loops; numbers say nothing about the order. */
const graphs = (acyclic: boolean): fc.Arbitrary<Graph> =>
  fc.integer({ min: 1, max: 36 }).chain((count) =>
    fc
      .record({
        pairs: fc.array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), { maxLength: 80 }),
        names: fc.shuffledSubarray([...Array(count).keys()], { minLength: count, maxLength: count }),
      })
      .map(({ pairs, names }) => {
        const distinct = new Map<string, readonly [number, number]>();
        for (const [a, b] of pairs) {
          if (a === b) continue;
          const [from, to] = acyclic && a > b ? [b, a] : [a, b];
          distinct.set(`${from} ${to}`, [names[from]!, names[to]!]);
        }
        return { count, pairs: [...distinct.values()] };
      }),
  );

export const dags = graphs(true);
export const anyGraphs = graphs(false);

export const wireNode = (name: string, said: Partial<WireGraphNode> = {}): WireGraphNode => ({
  name,
  kind: 'time',
  owner: null,
  labels: {},
  status: 'active',
  last: null,
  nextDue: null,
  running: 0,
  waiting: 0,
  consecutiveFailures: 0,
  late: null,
  lateWhy: null,
  lacking: [],
  heldBackBy: [],
  p50Ms: null,
  p95Ms: null,
  level: 0,
  ...said,
});

export const wireGraph = (
  nodes: readonly WireGraphNode[],
  edges: readonly (readonly [from: string, to: string])[] = [],
): WireGraph => ({
  nodes: [...nodes],
  edges: edges.map(([from, to]) => ({ from, to })),
  criticalPath: { jobs: [], p50Ms: 0 },
});
