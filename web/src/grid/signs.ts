/** The signs of the cells, and the colours of the theme for a canvas, which knows no custom properties. */

import type { Tone } from '../parts/state-mark.tsx';
import { type CellState, looks, toneOf } from './looks.ts';

export const cellSize = 24;
const signSize = 14;

export interface GridColours {
  readonly surface: string;
  readonly sunken: string;
  readonly hover: string;
  readonly line: string;
  readonly text: string;
  readonly muted: string;
  readonly accent: string;
  readonly accentSoft: string;
  readonly font: string;
  readonly fill: Record<Tone, string>;
  readonly ink: Record<Tone, string>;
}

export function coloursOf(element: Element): GridColours {
  const style = getComputedStyle(element);
  const token = (name: string) => style.getPropertyValue(name).trim();
  const tones = (suffix: string): Record<Tone, string> => ({
    ok: token(`--ok${suffix}`),
    fail: token(`--fail${suffix}`),
    late: token(`--late${suffix}`),
    run: token(`--run${suffix}`),
    wait: token(`--wait${suffix}`),
  });
  return {
    surface: token('--surface'),
    sunken: token('--sunken'),
    hover: token('--hover'),
    line: token('--line'),
    text: token('--text'),
    muted: token('--muted'),
    accent: token('--accent'),
    accentSoft: token('--accent-soft'),
    font: style.fontFamily,
    fill: tones('-fill'),
    ink: tones(''),
  };
}

interface SignOptions {
  readonly again: boolean;
  readonly worst: number;
}

/** Signs painted once for each theme and scale, and copied: a frame has thousands of cells. */
export class Signs {
  readonly #made = new Map<string, OffscreenCanvas>();
  readonly #colours: GridColours;
  readonly #scale: number;

  constructor(colours: GridColours, scale: number) {
    this.#colours = colours;
    this.#scale = scale;
  }

  /** `worst`: how many of several due times have the state; 1: it is one of one. */
  of(state: CellState | 'unknown', { again, worst }: SignOptions): OffscreenCanvas {
    const counted = worst > 1 ? Math.min(worst, 100) : 1;
    const key = `${state} ${again} ${counted}`;
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const size = Math.ceil(cellSize * this.#scale);
    const canvas = new OffscreenCanvas(size, size);
    const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
    context.scale(size / cellSize, size / cellSize);
    if (counted > 1) drawCount(context, { state, count: counted }, this.#colours);
    else drawSign(context, state, this.#colours);
    if (again) drawCorner(context, this.#colours.text);
    this.#made.set(key, canvas);
    return canvas;
  }
}

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

function drawSign(context: Context, state: CellState | 'unknown', { fill, ink, surface }: GridColours): void {
  const { full, path, dashed } = looks[state];
  const tone = toneOf(state);
  const begin = (cellSize - signSize) / 2;
  if (full) {
    context.fillStyle = fill[tone];
    context.beginPath();
    context.roundRect(begin - 1, begin - 1, signSize + 2, signSize + 2, 3);
    context.fill();
  }
  context.save();
  context.translate(begin, begin);
  context.scale(signSize / 12, signSize / 12);
  context.strokeStyle = full ? surface : ink[tone];
  context.lineWidth = full ? 1.7 : 1.4;
  context.lineCap = 'round';
  if (dashed === true) context.setLineDash([1.6, 2.2]);
  context.stroke(new Path2D(path));
  context.restore();
}

interface Counted {
  readonly state: CellState | 'unknown';
  readonly count: number;
}

/** The number in place of the sign, on a filled or a pale box as the sign is. */
function drawCount(context: Context, { state, count }: Counted, colours: GridColours): void {
  const { full } = looks[state];
  const tone = toneOf(state);
  context.fillStyle = full ? colours.fill[tone] : colours.sunken;
  context.beginPath();
  context.roundRect(2, 4, cellSize - 4, cellSize - 8, 3);
  context.fill();
  context.fillStyle = full ? colours.surface : colours.ink[tone];
  context.font = `600 10.5px ${colours.font}`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(count > 99 ? '99+' : String(count), cellSize / 2, cellSize / 2 + 0.5);
}

/** The newest of several runs is shown. */
function drawCorner(context: Context, colour: string): void {
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(cellSize - 8, 2);
  context.lineTo(cellSize - 2, 2);
  context.lineTo(cellSize - 2, 8);
  context.closePath();
  context.fill();
}
