/** Draws edge segments on a canvas that has the camera's transformation. */

import { type Layout, nodeSize, stepStride } from '../layout/layout.ts';

/** Below this scale a curve in the gap between cards is invisible, and straight lines cost half. */
const curvesFrom = 0.12;

/** Adds a segment to the current path. */
export function traceStep(context: Path, { steps }: Layout, step: number, scale: number): void {
  const at = step * stepStride;
  const x1 = steps[at]!;
  const y1 = steps[at + 1]!;
  const x2 = steps[at + 2]!;
  const y2 = steps[at + 3]!;
  const x3 = steps[at + 4]!;
  context.moveTo(x1, y1);
  if (scale < curvesFrom || y1 === y2) context.lineTo(x2, y2);
  else {
    const bend = (x1 + x2) / 2;
    context.bezierCurveTo(bend, y1, bend, y2, x2, y2);
  }
  if (x3 !== x2) context.lineTo(x3, y2);
}

export type Path = Pick<CanvasRenderingContext2D, 'moveTo' | 'lineTo' | 'bezierCurveTo'>;

/** Yields the segments of an edge from its end to its start, including segments shared with other edges. */
export function* stepsOf({ before, last }: Layout, edge: number): Generator<number> {
  for (let step = last[edge]!; step >= 0; step = before[step]!) yield step;
}

/**
 * Draws an edge that points backwards (between collapsed groups): it has no segments and passes below both
 * cards.
 */
export function traceBack(context: Path, { x, y }: Layout, { from, to }: { from: number; to: number }): void {
  const x1 = x[from]! + nodeSize.width;
  const x2 = x[to]!;
  const y1 = y[from]! + nodeSize.height / 2;
  const y2 = y[to]! + nodeSize.height / 2;
  const below = Math.max(y1, y2) + nodeSize.height;
  context.moveTo(x1, y1);
  context.bezierCurveTo(x1 + nodeSize.height, y1, x1 + nodeSize.height, below, (x1 + x2) / 2, below);
  context.bezierCurveTo(x2 - nodeSize.height, below, x2 - nodeSize.height, y2, x2, y2);
}
