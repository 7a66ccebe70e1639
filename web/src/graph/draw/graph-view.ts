/**
 * The picture on a canvas: keeps the camera, draws only after changes, and converts pointer and key events to
 * movements. Independent of React and the server.
 *
 * Zoomed in, the visible cards (some hundred) are redrawn for each frame. Zoomed out, tiles are copied.
 */

import type { Standing } from '../state.ts';
import { between, type Camera, centred, fitted, panned, resized, zoomed } from './camera.ts';
import { drawCard, readableFrom } from './cards.ts';
import { Names } from './names.ts';
import {
  type Brush,
  isCardSeen,
  paintBright,
  paintEdges,
  paintMarkedEdges,
  paintRim,
  paintVeil,
} from './paint.ts';
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
  /** Not moved by the user yet: the picture is fitted to the first size of the view. */
  #untouched = true;

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas;
    this.#context = canvas.getContext('2d', { alpha: false })!;
    this.#palette = paletteOf(canvas);
  }

  get camera(): Camera {
    return this.#camera;
  }

  /** Shows a new picture completely, until the user moves it. */
  show(scene: Scene): void {
    this.#scene = scene;
    this.#tiles = new Tiles(scene, this.#palette);
    this.#names = new Names(scene);
    this.#marks = noMarks;
    this.#untouched = true;
    this.#fitUntouched();
    this.redraw();
  }

  /** Keeps the centre in place, and that of the target while the picture glides: a selection opens the panel. */
  resize(width: number, height: number, ratio: number): void {
    const before = this.#size;
    this.#size = { width, height, ratio };
    const kept = (camera: Camera) => resized(camera, before, this.#size);
    this.#camera = kept(this.#camera);
    if (this.#glide !== null) {
      const { from, to, start } = this.#glide;
      this.#glide = { from: kept(from), to: kept(to), start };
    }
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.#fitUntouched();
    // At once: resizing clears a canvas.
    this.#draw();
  }

  /** Call it when the theme has changed. */
  recolour(): void {
    this.#palette = paletteOf(this.canvas);
    if (this.#scene !== null) this.#tiles = new Tiles(this.#scene, this.#palette);
    this.redraw();
  }

  /** Updates the states of the cards and their second lines. */
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

  /** Zooms around a point of the view. Default: its centre. */
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
    if (!this.#untouched || this.#scene === null) return;
    this.#glide = null;
    this.#camera = fitted(this.#scene.layout, this.#size);
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
    if (this.#camera.scale >= readableFrom) this.#drawNear(scene);
    else this.#drawFar(scene);
  }

  #drawNear(scene: Scene): void {
    const brush = this.#brush();
    paintEdges(brush, scene, this.#marks);
    paintMarkedEdges(brush, scene, this.#marks);
    scene.cards.within(brush.seen, (card) => {
      if (isCardSeen(scene, card, brush.seen)) drawCard(brush, scene, card, this.#marks);
    });
  }

  #drawFar(scene: Scene): void {
    const { selected, bright } = this.#marks;
    if (this.#tiles?.draw(this.#context, this.#camera, this.#size) === false) this.redraw();
    const brush = this.#brush();
    if (bright !== null) paintVeil(brush);
    paintMarkedEdges(brush, scene, this.#marks);
    if (bright !== null) paintBright(brush, scene, bright);
    if (selected >= 0) paintRim(brush, scene, selected);
    const { ratio } = this.#size;
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#names?.draw(this.#context, this.#marks, {
      camera: this.#camera,
      size: this.#size,
      palette: this.#palette,
    });
  }

  /** Sets the canvas transformation to that of the camera. */
  #brush(): Brush {
    const { x, y, scale } = this.#camera;
    const { width, height, ratio } = this.#size;
    this.#context.setTransform(scale * ratio, 0, 0, scale * ratio, -x * scale * ratio, -y * scale * ratio);
    const seen = { left: x, top: y, right: x + width / scale, bottom: y + height / scale };
    return { context: this.#context, palette: this.#palette, scale, seen };
  }
}
