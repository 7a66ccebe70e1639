/**
 * What is highlighted in the picture: the selected card with all ancestors and descendants, or the cards that
 * match a filter. Pure.
 */

import type { WireGraphNode } from '../../../src/api/wire/views.ts';
import type { Marks } from './draw/scene.ts';
import { type Adjacency, adjacency, neighbours } from './layout/adjacency.ts';
import type { Model } from './model.ts';
import { type Standing, standingOf } from './state.ts';

interface Asked {
  readonly selected: number;
  readonly state: Standing | null;
  /** Cards that match the search. Null: no search. */
  readonly found: readonly number[] | null;
}

export function marksOf(model: Model, nodes: ReadonlyMap<string, WireGraphNode>, asked: Asked): Marks {
  const { selected, state, found } = asked;
  const lacking = lackingEdges(model, nodes);
  if (selected >= 0) {
    const { cards, edges } = lineage(model, selected);
    return { selected, bright: cards, edges, lacking };
  }
  const passing = found ?? (state === null ? null : cardsThat(model, nodes, state));
  return { selected, bright: passing === null ? null : new Set(passing), edges: [], lacking };
}

/** The card, all its ancestors and descendants, and the edges between; not its siblings. */
export function lineage(
  { cards, edges }: Model,
  card: number,
): { readonly cards: ReadonlySet<number>; readonly edges: readonly number[] } {
  const below = reached(card, adjacency(cards.length, edges.from, edges.to));
  const above = reached(card, adjacency(cards.length, edges.to, edges.from));
  const onTheWay = [...edges.from.keys()].filter((e) => {
    const from = edges.from[e]!;
    const to = edges.to[e]!;
    return (below.has(from) && below.has(to)) || (above.has(from) && above.has(to));
  });
  return { cards: new Set([...above, ...below]), edges: onTheWay };
}

function reached(start: number, next: Adjacency): Set<number> {
  const found = new Set([start]);
  for (const card of found) for (const other of neighbours(next, card)) found.add(other);
  return found;
}

function cardsThat(model: Model, nodes: ReadonlyMap<string, WireGraphNode>, state: Standing): number[] {
  const passes = (job: string) => {
    const node = nodes.get(job);
    return node !== undefined && standingOf(node) === state;
  };
  return [...model.cards.keys()].filter((card) => model.cards[card]!.jobs.some(passes));
}

/** The edges from parents that the oldest waiting round of a child waits for. */
function lackingEdges({ edges, cardOf }: Model, nodes: ReadonlyMap<string, WireGraphNode>): number[] {
  const lacked = new Set<string>();
  for (const { name, lacking } of nodes.values()) {
    for (const parent of lacking[0]?.parents ?? []) lacked.add(`${cardOf.get(parent)} ${cardOf.get(name)}`);
  }
  if (lacked.size === 0) return [];
  return [...edges.from.keys()].filter((e) => lacked.has(`${edges.from[e]} ${edges.to[e]}`));
}
