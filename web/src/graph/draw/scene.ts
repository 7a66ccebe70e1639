/**
 * All that is drawn: cards and steps with their places, how each card stands, and what is marked. Built once for
 * a layout; standings and marks change in place, as they do many times a second.
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
  /** How much a card matters where not all names have room: the number of its edges. */
  readonly weight: Int32Array;
}

export interface Marks {
  /** The selected card, or -1. */
  readonly selected: number;
  /** Cards that stand out; null: all are alike. */
  readonly bright: ReadonlySet<number> | null;
  /** Edges that stand out. */
  readonly edges: readonly number[];
  /** Edges along which a waiting child still lacks its parent. */
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

/** The middle of a card. */
export const middleOf = ({ layout }: Scene, card: number): { readonly x: number; readonly y: number } => ({
  x: layout.x[card]! + nodeSize.width / 2,
  y: layout.y[card]! + nodeSize.height / 2,
});
