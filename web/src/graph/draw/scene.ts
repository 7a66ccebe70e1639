/**
 * The drawn scene: cards and edge segments with their positions, states, and marks. Built once per layout.
 * States and marks change in place, many times a second.
 */

import { type Layout, nodeSize, stepStride } from '../layout/layout.ts';
import type { Model } from '../model.ts';
import type { Standing } from '../state.ts';
import { Grid } from './grid.ts';

export interface Scene {
  readonly model: Model;
  readonly layout: Layout;
  readonly cards: Grid;
  readonly steps: Grid;
  readonly standing: Standing[];
  /** The second line of a card: `next 02:00`, `waits for 2`. */
  readonly note: string[];
  /** Importance of a card when not all names have room: its number of edges. */
  readonly weight: Int32Array;
}

export interface Marks {
  /** The selected card, or -1. */
  readonly selected: number;
  /** Highlighted cards. Null: no highlighting. */
  readonly bright: ReadonlySet<number> | null;
  /** Highlighted edges. */
  readonly edges: readonly number[];
  /** Edges along which a waiting child waits for its parent. */
  readonly lacking: readonly number[];
}

export const noMarks: Marks = { selected: -1, bright: null, edges: [], lacking: [] };

export function sceneOf(model: Model, layout: Layout): Scene {
  const count = model.cards.length;
  const weight = new Int32Array(count);
  for (const ends of [model.edges.from, model.edges.to]) for (const card of ends) weight[card]! += 1;
  return {
    model,
    layout,
    cards: new Grid(count, layout, (i) => {
      const left = layout.x[i]!;
      const top = layout.y[i]!;
      return { left, top, right: left + nodeSize.width, bottom: top + nodeSize.height };
    }),
    steps: new Grid(layout.before.length, layout, (s) => {
      const at = s * stepStride;
      const y1 = layout.steps[at + 1]!;
      const y2 = layout.steps[at + 3]!;
      return {
        left: layout.steps[at]!,
        top: Math.min(y1, y2),
        right: layout.steps[at + 4]!,
        bottom: Math.max(y1, y2),
      };
    }),
    standing: Array.from({ length: count }, () => 'idle'),
    note: Array.from({ length: count }, () => ''),
    weight,
  };
}

/** The card at a point of the picture, or -1. */
export function cardAt({ cards, layout }: Scene, x: number, y: number): number {
  let found = -1;
  cards.within({ left: x, top: y, right: x, bottom: y }, (i) => {
    const dx = x - layout.x[i]!;
    const dy = y - layout.y[i]!;
    if (dx >= 0 && dy >= 0 && dx <= nodeSize.width && dy <= nodeSize.height) found = i;
  });
  return found;
}

/** The centre of a card. */
export const middleOf = ({ layout }: Scene, card: number): { readonly x: number; readonly y: number } => ({
  x: layout.x[card]! + nodeSize.width / 2,
  y: layout.y[card]! + nodeSize.height / 2,
});
