/**
 * The picture on a canvas: holds the camera, draws when something has changed and not otherwise, and turns
 * pointers and keys into movements. Knows nothing of React and of the server.
 *
 * Near, what is seen is drawn anew for each frame: some hundred cards. From afar it is copied from tiles.
 */

import { nodeSize, stepStride } from '../layout/layout.ts';
import type { Standing } from '../state.ts';
import { between, type Camera, centred, fitted, panned, zoomed } from './camera.ts';
import { drawCard, readableFrom } from './cards.ts';
import type { Bounds } from './grid.ts';
import { stepsOf, traceBack, traceStep } from './lines.ts';
import { Names } from './names.ts';
import { type Palette, paletteOf } from './palette.ts';
import { cardAt, type Marks, middleOf, noMarks, type Scene } from './scene.ts';
import { Tiles } from './tiles.ts';

const glideMs = 260;
const calmMotion = matchMedia('(prefers-reduced-motion: reduce)');

export class GraphView {
  readonly canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  #size = { width: 1, height: 1, ratio: 1 };
  #camera: Camera = { x: 0, y: 0, scale: 1 };
  #palette: Palette;
  #scene: Scene | null = null;
  #tiles: Tiles | null = null;
  #names: Names | null = null;
  #marks: Marks = noMarks;
  #frame = 0;
  #glide: { readonly from: Camera; readonly to: Camera; readonly start: number } | null = null;
  /** Not looked at yet: the first size that it gets is fitted. */
  #untouched = true;

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas;
    this.#context = canvas.getContext('2d', { alpha: false })!;
    this.#palette = paletteOf(canvas);
  }

  get camera(): Camera {
    return this.#camera;
  }

  /** Another picture: all of it is shown, until somebody moves. */
  show(scene: Scene): void {
    this.#scene = scene;
    this.#tiles = new Tiles(scene, this.#palette);
    this.#names = new Names(scene);
    this.#marks = noMarks;
    this.#untouched = true;
    this.#fitUntouched();
    this.redraw();
  }

  /** What is in the middle stays there. */
  resize(width: number, height: number, ratio: number): void {
    const { x, y, scale } = this.#camera;
    this.#camera = {
      x: x + (this.#size.width - width) / 2 / scale,
      y: y + (this.#size.height - height) / 2 / scale,
      scale,
    };
    this.#size = { width, height, ratio };
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.#fitUntouched();
    // At once: a canvas is empty after its size was set.
    this.#draw();
  }

  /** The theme has changed. */
  recolour(): void {
    this.#palette = paletteOf(this.canvas);
    if (this.#scene !== null) this.#tiles = new Tiles(this.#scene, this.#palette);
    this.redraw();
  }

  /** How cards stand now, and their second lines. */
  stand(standing: readonly Standing[], note: readonly string[]): void {
    const scene = this.#scene;
    if (scene === null) return;
    const changed: number[] = [];
    standing.forEach((each, card) => {
      if (scene.standing[card] !== each) changed.push(card);
      scene.standing[card] = each;
      scene.note[card] = note[card] ?? '';
    });
    if (changed.length > 0) this.#tiles?.repaint(changed);
    this.redraw();
  }

  mark(marks: Marks): void {
    this.#marks = marks;
    this.redraw();
  }

  pan(dx: number, dy: number): void {
    this.#move(panned(this.#camera, dx, dy));
  }

  /** Around a point of the view; around its middle unless said. */
  zoom(factor: number, at = { x: this.#size.width / 2, y: this.#size.height / 2 }): void {
    this.#move(zoomed(this.#camera, factor, at));
  }

  fit(): void {
    if (this.#scene !== null) this.#glideTo(fitted(this.#scene.layout, this.#size));
  }

  centreOn(card: number): void {
    if (this.#scene === null) return;
    this.#untouched = false;
    this.#glideTo(centred(this.#camera, middleOf(this.#scene, card), { ...this.#size, least: 0.8 }));
  }

  /** The card under a point of the view, or -1. */
  cardAt(x: number, y: number): number {
    if (this.#scene === null) return -1;
    const camera = this.#camera;
    return cardAt(this.#scene, camera.x + x / camera.scale, camera.y + y / camera.scale);
  }

  redraw(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  close(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = -1;
  }

  #fitUntouched(): void {
    if (this.#untouched && this.#scene !== null) this.#camera = fitted(this.#scene.layout, this.#size);
  }

  #move(camera: Camera): void {
    this.#untouched = false;
    this.#glide = null;
    this.#camera = camera;
    this.redraw();
  }

  #glideTo(camera: Camera): void {
    if (calmMotion.matches) {
      this.#move(camera);
      return;
    }
    this.#glide = { from: this.#camera, to: camera, start: performance.now() };
    this.redraw();
  }

  #advance(): void {
    if (this.#glide === null) return;
    const { from, to, start } = this.#glide;
    const part = Math.min(1, (performance.now() - start) / glideMs);
    this.#camera = between(from, to, 1 - (1 - part) ** 3, this.#size);
    if (part === 1) this.#glide = null;
    else this.redraw();
  }

  #draw(): void {
    this.#advance();
    const context = this.#context;
    const { width, height, ratio } = this.#size;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = this.#palette.background;
    context.fillRect(0, 0, width, height);
    const scene = this.#scene;
    if (scene === null) return;
    const near = this.#camera.scale >= readableFrom;
    if (!near && this.#tiles?.draw(context, this.#camera, this.#size) === false) this.redraw();
    if (!near && this.#marks.bright !== null) this.#veil();
    this.#toPicture();
    const seen = this.#seen();
    if (near) this.#drawSteps(scene, seen);
    this.#drawMarkedEdges(scene, seen);
    if (near) this.#drawCards(scene, seen);
    else this.#drawBrightBlocks(scene, seen);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (!near) {
      const seenBy = { camera: this.#camera, size: this.#size, palette: this.#palette };
      this.#names?.draw(context, this.#marks, seenBy);
    }
  }

  #toPicture(): void {
    const scale = this.#camera.scale * this.#size.ratio;
    this.#context.setTransform(scale, 0, 0, scale, -this.#camera.x * scale, -this.#camera.y * scale);
  }

  #seen(): Bounds {
    const { x, y, scale } = this.#camera;
    return {
      left: x,
      top: y,
      right: x + this.#size.width / scale,
      bottom: y + this.#size.height / scale,
    };
  }

  #drawSteps({ steps, layout, model }: Scene, seen: Bounds): void {
    const context = this.#context;
    context.beginPath();
    steps.within(seen, (step) => traceStep(context, layout, step, this.#camera.scale));
    layout.last.forEach((step, edge) => {
      if (step >= 0) return;
      traceBack(context, layout, { from: model.edges.from[edge]!, to: model.edges.to[edge]! });
    });
    context.strokeStyle = this.#palette.edge;
    context.lineWidth = 1.2 / Math.max(0.6, this.#camera.scale);
    context.globalAlpha = this.#marks.edges.length > 0 ? 0.5 : 1;
    context.stroke();
    context.globalAlpha = 1;
  }

  #drawMarkedEdges({ layout }: Scene, seen: Bounds): void {
    const context = this.#context;
    const { scale } = this.#camera;
    const trace = (edges: readonly number[]) => {
      const traced = new Set<number>();
      context.beginPath();
      for (const edge of edges) {
        for (const step of stepsOf(layout, edge)) {
          // The rest of this edge's trunk was traced with it.
          if (traced.has(step)) break;
          traced.add(step);
          if (isSeen(layout.steps, step, seen)) traceStep(context, layout, step, scale);
        }
      }
    };
    trace(this.#marks.edges);
    context.strokeStyle = this.#palette.accent;
    context.lineWidth = 1.8 / Math.max(0.1, scale);
    context.stroke();
    trace(this.#marks.lacking);
    context.strokeStyle = this.#palette.fill.late;
    context.lineWidth = 2 / Math.max(0.1, scale);
    context.setLineDash([6 / scale, 5 / scale]);
    context.stroke();
    context.setLineDash([]);
  }

  #drawCards(scene: Scene, seen: Bounds): void {
    const pen = { context: this.#context, palette: this.#palette, scale: this.#camera.scale };
    scene.cards.within(seen, (card) => {
      if (isCardSeen(scene, card, seen)) drawCard(pen, scene, card, this.#marks);
    });
  }

  /** From afar, what does not stand out steps back behind it. */
  #veil(): void {
    const context = this.#context;
    context.globalAlpha = 0.72;
    context.fillStyle = this.#palette.background;
    context.fillRect(0, 0, this.#size.width, this.#size.height);
    context.globalAlpha = 1;
  }

  #drawBrightBlocks(scene: Scene, seen: Bounds): void {
    const { selected, bright } = this.#marks;
    const context = this.#context;
    const { x, y } = scene.layout;
    for (const card of bright ?? []) {
      if (!isCardSeen(scene, card, seen)) continue;
      context.fillStyle = this.#palette.block[scene.standing[card]!];
      context.fillRect(x[card]!, y[card]!, nodeSize.width, nodeSize.height);
    }
    if (selected < 0) return;
    const rim = 2 / this.#camera.scale;
    context.strokeStyle = this.#palette.accent;
    context.lineWidth = rim;
    context.strokeRect(
      x[selected]! - rim,
      y[selected]! - rim,
      nodeSize.width + 2 * rim,
      nodeSize.height + 2 * rim,
    );
  }
}

function isSeen(steps: Float32Array, step: number, seen: Bounds): boolean {
  const at = step * stepStride;
  if (steps[at]! > seen.right || steps[at + 4]! < seen.left) return false;
  const y1 = steps[at + 1]!;
  const y2 = steps[at + 3]!;
  return Math.min(y1, y2) <= seen.bottom && Math.max(y1, y2) >= seen.top;
}

function isCardSeen({ layout }: Scene, card: number, seen: Bounds): boolean {
  const x = layout.x[card]!;
  const y = layout.y[card]!;
  return (
    x <= seen.right && y <= seen.bottom && x + nodeSize.width >= seen.left && y + nodeSize.height >= seen.top
  );
}
