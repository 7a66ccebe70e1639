/** Finds cards and jobs by the search text. Pure. */

import type { WireGraph, WireGraphNode } from '../../../src/api/wire/views.ts';
import type { Model } from './model.ts';
import { type Standing, standingOf } from './state.ts';

/** The card of this id, or the one that contains the job of this name; -1 if there is none. */
export const cardNamed = ({ cards, cardOf }: Model, id: string): number =>
  cardOf.get(id) ?? cards.findIndex((each) => each.id === id);

/** Cards with the text in their title or in the name of one of their jobs. Null: no search. */
export function matches({ cards }: Model, search: string): number[] | null {
  const text = search.trim().toLowerCase();
  if (text === '') return null;
  const hit = (name: string) => name.toLowerCase().includes(text);
  return [...cards.keys()].filter((i) => hit(cards[i]!.title) || cards[i]!.jobs.some(hit));
}

/** The jobs with the text in their name, in the selected state. */
export function jobsThat(
  { nodes }: WireGraph,
  { search, state }: { readonly search: string; readonly state: Standing | null },
): readonly WireGraphNode[] {
  const text = search.trim().toLowerCase();
  return nodes.filter(
    (node) => node.name.toLowerCase().includes(text) && (state === null || standingOf(node) === state),
  );
}
