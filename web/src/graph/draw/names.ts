/**
 * Names in the zoomed-out picture, where only a few have room: the selected card first, then jobs in trouble,
 * then cards with the most edges, each only if it covers no other name.
 *
 * They are chosen for the whole picture at one zoom level and kept while panning: changing names are
 * unreadable, and choosing among ten thousand for each frame would take half of its time.
 */

import { nodeSize } from '../layout/layout.ts';
import { tones } from '../state.ts';
import type { Camera, Size } from './camera.ts';
import type { Palette } from './palette.ts';
import type { Marks, Scene } from './scene.ts';

const textSize = 11.5;
const longest = 24;
/** Pixels reserved for a name, with margins. */
const room = { width: 170, height: 44 } as const;
/** States change many times a second; the names follow at this interval. */
const chooseAgainMs = 1_000;

interface View {
  readonly camera: Camera;
  readonly size: Size;
  readonly palette: Palette;
}

export class Names {
  readonly #scene: Scene;
  #chosen: readonly number[] = [];
  #for: { readonly scale: number; readonly marks: Marks; readonly at: number } | null = null;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  draw(context: CanvasRenderingContext2D, marks: Marks, { camera, size, palette }: View): void {
    const { layout, model, standing } = this.#scene;
    context.font = `500 ${textSize}px ${palette.font}`;
    context.textBaseline = 'middle';
    for (const card of this.#choose(camera.scale, marks)) {
      const x = (layout.x[card]! - camera.x) * camera.scale;
      const y = (layout.y[card]! + nodeSize.height / 2 - camera.y) * camera.scale;
      if (x < -room.width || y < -room.height || x > size.width || y > size.height + room.height) continue;
      const text = shortened(model.cards[card]!.title);
      context.beginPath();
      context.roundRect(x, y - 9, context.measureText(text).width + 12, 18, 5);
      context.fillStyle = palette.surface;
      context.fill();
      context.strokeStyle = card === marks.selected ? palette.accent : palette.fill[tones[standing[card]!]];
      context.lineWidth = 1;
      context.stroke();
      context.fillStyle = palette.text;
      context.fillText(text, x + 6, y + 0.5);
    }
  }

  #choose(scale: number, marks: Marks): readonly number[] {
    const now = performance.now();
    const known = this.#for;
    if (known?.scale === scale && known.marks === marks && now - known.at < chooseAgainMs)
      return this.#chosen;
    this.#for = { scale, marks, at: now };
    this.#chosen = chosen(this.#scene, marks, scale);
    return this.#chosen;
  }
}

/** Best first; each placed name blocks the area around it. */
export function chosen(scene: Scene, marks: Marks, scale: number): number[] {
  const worth = worths(scene, marks);
  const order = [...worth.keys()]
    .filter((card) => worth[card]! > 1)
    .sort((a, b) => worth[b]! - worth[a]! || a - b);
  const taken = new Map<string, { readonly x: number; readonly y: number }[]>();
  const found: number[] = [];
  for (const card of order) {
    const x = scene.layout.x[card]! * scale;
    const y = scene.layout.y[card]! * scale;
    const column = Math.floor(x / room.width);
    const row = Math.floor(y / room.height);
    const near = [column - 1, column, column + 1].flatMap((c) =>
      [row - 1, row, row + 1].flatMap((r) => taken.get(`${c} ${r}`) ?? []),
    );
    if (near.some((other) => Math.abs(other.x - x) < room.width && Math.abs(other.y - y) < room.height))
      continue;
    const key = `${column} ${row}`;
    taken.set(key, [...(taken.get(key) ?? []), { x, y }]);
    found.push(card);
  }
  return found;
}

/** The rank of a card: its edges, with a large bonus for trouble; zero for dimmed cards. */
function worths({ weight, standing }: Scene, { selected, bright }: Marks): Float64Array {
  return Float64Array.from(weight, (edges, card) => {
    if (card === selected) return 1e9;
    if (bright !== null && !bright.has(card)) return 0;
    const wrong = standing[card] === 'failing' || standing[card] === 'late' || standing[card] === 'disabled';
    return edges + (wrong ? 1e3 : 0) + (bright === null ? 0 : 2);
  });
}

const shortened = (title: string): string =>
  title.length > longest ? `${title.slice(0, longest / 2)}…${title.slice(1 - longest / 2)}` : title;
