/** What is drawn of the grid, and where: sizes, and the cell at a point. Pure. */

import type { Sheet, Spot } from './sheet.ts';
import { cellSize } from './signs.ts';

export const headHeight = 44;

export interface Picture {
  readonly sheet: Sheet;
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
  /** Width of the names. */
  readonly names: number;
  readonly cursor: Spot | null;
  readonly area: { readonly from: Spot; readonly to: Spot } | null;
  readonly hovered: Spot | null;
}

export const sizeOf = ({ rows, columns }: Sheet, names: number) => ({
  width: names + columns.length * cellSize + 8,
  height: headHeight + rows.length * cellSize + 8,
});

/** Row -1: the times. Column -1: the names. Null: beside it. */
export function spotAt(picture: Picture, x: number, y: number): Spot | null {
  const { sheet, names, left, top } = picture;
  const column = x < names ? -1 : Math.floor((x - names + left) / cellSize);
  const row = y < headHeight ? -1 : Math.floor((y - headHeight + top) / cellSize);
  return column >= sheet.columns.length || row >= sheet.rows.length ? null : { row, column };
}
