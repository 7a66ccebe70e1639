/**
 * The content of the picture, derived from the server's graph: cards for jobs and collapsed groups, and the
 * edges between them, numbered so that layout and drawing can use flat arrays. Pure. States are not part of
 * it: the same jobs and edges give the same model, so nothing is laid out again when a job runs.
 */

import type { WireGraph, WireGraphNode } from '../../../src/api/wire/views.ts';
import type { Edges } from './layout/adjacency.ts';

export interface Card {
  /** The job's name, or `group:` and the name of the group. */
  readonly id: string;
  readonly title: string;
  /** Job names: one, or all of a collapsed group. */
  readonly jobs: readonly string[];
  readonly isGroup: boolean;
}

export interface Model {
  readonly cards: readonly Card[];
  readonly edges: Edges;
  /** The number of the card that shows a job. */
  readonly cardOf: ReadonlyMap<string, number>;
}

export interface Grouping {
  /** A label's name. */
  readonly by: string;
  /** Expanded groups, whose jobs are shown. */
  readonly open: ReadonlySet<string>;
}

/** A job without the label is its own card. */
export function modelOf({ nodes, edges }: WireGraph, grouping: Grouping | null): Model {
  const groups = new Map<string, { readonly card: number; readonly jobs: string[] }>();
  const cards: Card[] = [];
  const cardOf = new Map<string, number>();
  for (const node of nodes) {
    const group = groupOf(node, grouping);
    const known = group === null ? undefined : groups.get(group);
    known?.jobs.push(node.name);
    cardOf.set(node.name, known?.card ?? cards.length);
    if (known !== undefined) continue;
    const jobs = [node.name];
    if (group !== null) groups.set(group, { card: cards.length, jobs });
    cards.push(
      group === null
        ? { id: node.name, title: node.name, jobs, isGroup: false }
        : { id: `group:${group}`, title: group, jobs, isGroup: true },
    );
  }
  return { cards, edges: edgesBetween(edges, cardOf, cards.length), cardOf };
}

function groupOf(node: WireGraphNode, grouping: Grouping | null): string | null {
  // A label may have the name of a property that every object has.
  if (grouping === null || !Object.hasOwn(node.labels, grouping.by)) return null;
  const value = node.labels[grouping.by] as string;
  return grouping.open.has(value) ? null : value;
}

function edgesBetween(edges: WireGraph['edges'], cardOf: ReadonlyMap<string, number>, count: number): Edges {
  const from: number[] = [];
  const to: number[] = [];
  const seen = new Set<number>();
  for (const edge of edges) {
    const a = cardOf.get(edge.from);
    const b = cardOf.get(edge.to);
    if (a === undefined || b === undefined || a === b || seen.has(a * count + b)) continue;
    seen.add(a * count + b);
    from.push(a);
    to.push(b);
  }
  return { from: Int32Array.from(from), to: Int32Array.from(to) };
}

/** Whether two models have the same layout. */
export function sameStructure(a: Model, b: Model): boolean {
  return (
    a.cards.length === b.cards.length &&
    a.edges.from.length === b.edges.from.length &&
    a.cards.every(({ id, jobs }, i) => id === b.cards[i]!.id && jobs.length === b.cards[i]!.jobs.length) &&
    a.edges.from.every((node, e) => node === b.edges.from[e] && a.edges.to[e] === b.edges.to[e])
  );
}

/** The direct predecessors and successors of a card, in order. */
export function neighboursOf(
  { cards, edges }: Model,
  card: number,
): { readonly parents: readonly Card[]; readonly children: readonly Card[] } {
  const ends = (here: Int32Array, there: Int32Array): Card[] =>
    [...here.keys()].filter((e) => here[e] === card).map((e) => cards[there[e]!]!);
  return { parents: ends(edges.to, edges.from), children: ends(edges.from, edges.to) };
}

/** The subgraph of the nodes that match. */
export function partOf(graph: WireGraph, keep: (node: WireGraphNode) => boolean): WireGraph {
  const nodes = graph.nodes.filter(keep);
  if (nodes.length === graph.nodes.length) return graph;
  const names = new Set(nodes.map(({ name }) => name));
  return { ...graph, nodes, edges: graph.edges.filter(({ from, to }) => names.has(from) && names.has(to)) };
}
