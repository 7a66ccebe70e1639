/**
 * Paints the visible part of a scene on a canvas that has the camera's transformation: edges, cards, marks.
 */

import { nodeSize, stepStride } from '../layout/layout.ts';
import type { Bounds } from './grid.ts';
import { stepsOf, traceBack, traceStep } from './lines.ts';
import type { Palette } from './palette.ts';
import type { Marks, Scene } from './scene.ts';

export interface Brush {
  readonly context: CanvasRenderingContext2D;
  readonly palette: Palette;
  /** Camera scale, in page pixels. */
  readonly scale: number;
  readonly seen: Bounds;
}

/**
 * Zoomed out further, dashes are longer than edges and take most of the frame time if thousands of jobs wait.
 */
const dashesFrom = 0.12;

/** All edges, in a quiet colour. */
export function paintEdges({ context, palette, scale, seen }: Brush, scene: Scene, marks: Marks): void {
  const { steps, layout, model } = scene;
  context.beginPath();
  steps.within(seen, (step) => traceStep(context, layout, step, scale));
  layout.last.forEach((step, edge) => {
    if (step >= 0) return;
    traceBack(context, layout, { from: model.edges.from[edge]!, to: model.edges.to[edge]! });
  });
  context.strokeStyle = palette.edge;
  context.lineWidth = 1.2 / Math.max(0.6, scale);
  context.globalAlpha = marks.edges.length > 0 ? 0.5 : 1;
  context.stroke();
  context.globalAlpha = 1;
}

/**
 * The edges of the selected card's ancestors and descendants, and dashed the edges along which a job waits.
 */
export function paintMarkedEdges(brush: Brush, scene: Scene, { edges, lacking }: Marks): void {
  const { context, palette, scale } = brush;
  const widest = Math.max(0.1, scale);
  trace(brush, scene, edges);
  context.strokeStyle = palette.accent;
  context.lineWidth = 1.8 / widest;
  context.stroke();
  if (scale < dashesFrom) return;
  trace(brush, scene, lacking);
  context.strokeStyle = palette.fill.late;
  context.lineWidth = 2 / widest;
  context.setLineDash([6 / scale, 5 / scale]);
  context.stroke();
  context.setLineDash([]);
}

function trace({ context, scale, seen }: Brush, { layout }: Scene, edges: readonly number[]): void {
  const traced = new Set<number>();
  context.beginPath();
  for (const edge of edges) {
    for (const step of stepsOf(layout, edge)) {
      // The rest of this edge's trunk was already traced.
      if (traced.has(step)) break;
      traced.add(step);
      if (isStepSeen(layout.steps, step, seen)) traceStep(context, layout, step, scale);
    }
  }
}

/** Zoomed out: dims unmarked cards and paints marked cards again above them. */
export function paintBright(
  { context, palette, seen }: Brush,
  scene: Scene,
  bright: ReadonlySet<number>,
): void {
  const { x, y } = scene.layout;
  for (const card of bright) {
    if (!isCardSeen(scene, card, seen)) continue;
    context.fillStyle = palette.block[scene.standing[card]!];
    context.fillRect(x[card]!, y[card]!, nodeSize.width, nodeSize.height);
  }
}

export function paintVeil({ context, palette, seen }: Brush): void {
  context.globalAlpha = 0.72;
  context.fillStyle = palette.background;
  context.fillRect(seen.left, seen.top, seen.right - seen.left, seen.bottom - seen.top);
  context.globalAlpha = 1;
}

/** Zoomed out: outlines the selected card. */
export function paintRim({ context, palette, scale }: Brush, { layout }: Scene, card: number): void {
  const rim = 2 / scale;
  context.strokeStyle = palette.accent;
  context.lineWidth = rim;
  context.strokeRect(
    layout.x[card]! - rim,
    layout.y[card]! - rim,
    nodeSize.width + 2 * rim,
    nodeSize.height + 2 * rim,
  );
}

function isStepSeen(steps: Float32Array, step: number, seen: Bounds): boolean {
  const at = step * stepStride;
  if (steps[at]! > seen.right || steps[at + 4]! < seen.left) return false;
  const y1 = steps[at + 1]!;
  const y2 = steps[at + 3]!;
  return Math.min(y1, y2) <= seen.bottom && Math.max(y1, y2) >= seen.top;
}

export function isCardSeen({ layout }: Scene, card: number, seen: Bounds): boolean {
  const x = layout.x[card]!;
  const y = layout.y[card]!;
  return (
    x <= seen.right && y <= seen.bottom && x + nodeSize.width >= seen.left && y + nodeSize.height >= seen.top
  );
}
