/**
 * The zoomed-out picture as tiles that are painted once and then copied: ten thousand cards and twenty
 * thousand edges take about fifty milliseconds to paint, and a frame has sixteen.
 *
 * Each zoom level has its own tiles, a factor √2 apart. When a card changes, it is painted again in the tiles
 * that show it. Cards are above all edges and aligned to whole pixels, so the new block covers the old one.
 */

import { nodeSize } from '../layout/layout.ts';
import type { Camera, Size } from './camera.ts';
import type { Bounds } from './grid.ts';
import { traceStep } from './lines.ts';
import type { Palette } from './palette.ts';
import type { Scene } from './scene.ts';

const side = 512;
/** Enough for two 4K screens, at 1 MB per tile. */
const mostTiles = 96;
/** Maximum time per frame for painting tiles; the rest waits for the next frame. */
const paintBudgetMs = 5;

interface Tile {
  readonly canvas: HTMLCanvasElement;
  readonly level: number;
  readonly bounds: Bounds;
}

export class Tiles {
  readonly #scene: Scene;
  readonly #palette: Palette;
  /** In order of use. */
  readonly #tiles = new Map<string, Tile>();

  constructor(scene: Scene, palette: Palette) {
    this.#scene = scene;
    this.#palette = palette;
  }

  /** Copies existing tiles to the view and paints missing ones. False: some are still missing. */
  draw(context: CanvasRenderingContext2D, camera: Camera, view: Size & { readonly ratio: number }): boolean {
    const level = Math.ceil(Math.log2(camera.scale * view.ratio) * 2 - 1e-6);
    const span = side / scaleOf(level);
    const right = Math.min(camera.x + view.width / camera.scale, this.#scene.layout.width);
    const bottom = Math.min(camera.y + view.height / camera.scale, this.#scene.layout.height);
    const until = performance.now() + paintBudgetMs;
    let complete = true;
    for (let row = Math.max(0, Math.floor(camera.y / span)); row * span <= bottom; row += 1) {
      for (let column = Math.max(0, Math.floor(camera.x / span)); column * span <= right; column += 1) {
        const tile = this.#find(level, column, row, performance.now() < until);
        if (tile === null) complete = false;
        else this.#copy(context, tile, camera);
      }
    }
    return complete;
  }

  /** Repaints cards whose state changed. */
  repaint(cards: readonly number[]): void {
    const { layout } = this.#scene;
    for (const { canvas, level, bounds } of this.#tiles.values()) {
      const context = canvas.getContext('2d', { alpha: false })!;
      for (const card of cards) {
        const x = layout.x[card]!;
        const y = layout.y[card]!;
        if (x > bounds.right || y > bounds.bottom) continue;
        if (x + nodeSize.width < bounds.left || y + nodeSize.height < bounds.top) continue;
        this.#block(context, card, level, bounds);
      }
    }
  }

  #find(level: number, column: number, row: number, mayPaint: boolean): Tile | null {
    const key = `${level}/${column}/${row}`;
    const known = this.#tiles.get(key);
    if (known === undefined && !mayPaint) return null;
    const tile = known ?? this.#paint(level, column, row);
    this.#tiles.delete(key);
    this.#tiles.set(key, tile);
    if (this.#tiles.size > mostTiles) this.#tiles.delete(this.#tiles.keys().next().value!);
    return tile;
  }

  #copy(context: CanvasRenderingContext2D, { canvas, bounds }: Tile, { x, y, scale }: Camera): void {
    // Whole pixels, so that adjacent tiles meet without a seam.
    const left = Math.round((bounds.left - x) * scale);
    const top = Math.round((bounds.top - y) * scale);
    const right = Math.round((bounds.right - x) * scale);
    const bottom = Math.round((bounds.bottom - y) * scale);
    context.drawImage(canvas, left, top, right - left, bottom - top);
  }

  #paint(level: number, column: number, row: number): Tile {
    const scale = scaleOf(level);
    const span = side / scale;
    const bounds = {
      left: column * span,
      top: row * span,
      right: (column + 1) * span,
      bottom: (row + 1) * span,
    };
    const canvas = document.createElement('canvas');
    canvas.width = side;
    canvas.height = side;
    const context = canvas.getContext('2d', { alpha: false })!;
    context.fillStyle = this.#palette.background;
    context.fillRect(0, 0, side, side);
    context.setTransform(scale, 0, 0, scale, -bounds.left * scale, -bounds.top * scale);
    context.beginPath();
    this.#scene.steps.within(bounds, (step) => traceStep(context, this.#scene.layout, step, scale));
    context.strokeStyle = this.#palette.edge;
    context.lineWidth = Math.max(0.5, scale * 2) / scale;
    context.globalAlpha = Math.min(1, 0.35 + scale * 2);
    context.stroke();
    context.globalAlpha = 1;
    context.setTransform(1, 0, 0, 1, 0, 0);
    this.#scene.cards.within(bounds, (card) => this.#block(context, card, level, bounds));
    return { canvas, level, bounds };
  }

  #block(context: CanvasRenderingContext2D, card: number, level: number, bounds: Bounds): void {
    const scale = scaleOf(level);
    const { layout, standing } = this.#scene;
    const left = Math.round((layout.x[card]! - bounds.left) * scale);
    const top = Math.round((layout.y[card]! - bounds.top) * scale);
    context.fillStyle = this.#palette.block[standing[card]!];
    context.fillRect(
      left,
      top,
      Math.max(2, Math.round(nodeSize.width * scale)),
      Math.max(1, Math.round(nodeSize.height * scale)),
    );
  }
}

const scaleOf = (level: number): number => 2 ** (level / 2);
