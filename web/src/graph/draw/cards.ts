/**
 * Draws cards that are close enough to read: the whole card with its second line if there is room, otherwise
 * only the name, enlarged to stay readable.
 */

import { nodeSize } from '../layout/layout.ts';
import { type Standing, shapes, standings, tones } from '../state.ts';
import type { Brush } from './paint.ts';
import type { Marks, Scene } from './scene.ts';

/** Below this, cards are coloured blocks and only some have names. */
export const readableFrom = 0.34;
/** From this scale on, the second line is readable. */
const completeFrom = 0.72;
const smallestText = 10.5;

/** Draws a whole card. */
export function drawCard({ context, palette, scale }: Brush, scene: Scene, card: number, marks: Marks): void {
  const x = scene.layout.x[card]!;
  const y = scene.layout.y[card]!;
  const { width, height } = nodeSize;
  const standing = scene.standing[card]!;
  const tone = tones[standing];
  const { title, isGroup, jobs } = scene.model.cards[card]!;
  const selected = marks.selected === card;
  context.globalAlpha = marks.bright === null || marks.bright.has(card) ? 1 : 0.28;
  if (isGroup) {
    box(context, x + 5, y + 5, palette.surface, palette.line);
  }
  box(
    context,
    x,
    y,
    isUrgent(standing) ? palette.soft[tone] : palette.surface,
    selected ? palette.accent : isUrgent(standing) ? palette.fill[tone] : palette.line,
    selected ? 2.5 / scale : 1 / Math.max(scale, 0.7),
  );
  const complete = scale >= completeFrom;
  const textSize = complete ? 13 : Math.min(26, Math.max(13, smallestText / scale));
  const iconSize = complete ? 12 : textSize * 0.85;
  drawShape(context, standing, {
    x: x + 10,
    y: y + height / 2 - iconSize / 2,
    size: iconSize,
    colour: palette.ink[tone],
  });
  const left = x + 10 + iconSize + 8;
  const room = x + width - 8 - left;
  context.fillStyle = palette.text;
  context.textBaseline = 'middle';
  context.font = `${isGroup ? 600 : 500} ${textSize}px ${palette.font}`;
  const line = complete ? y + 14 : y + height / 2;
  context.fillText(shortened(context, title, room), left, line);
  if (complete) {
    context.fillStyle = palette.muted;
    context.font = `11px ${palette.font}`;
    const note = isGroup ? `${jobs.length} jobs · ${scene.note[card]}` : scene.note[card]!;
    context.fillText(shortened(context, note, room), left, y + 29);
  }
  context.globalAlpha = 1;
}

const isUrgent = (standing: Standing): boolean =>
  standing === 'failing' || standing === 'late' || standing === 'running' || standing === 'disabled';

function box(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  fill: string,
  stroke: string,
  lineWidth = 1,
): void {
  context.beginPath();
  context.roundRect(x, y, nodeSize.width, nodeSize.height, 7);
  context.fillStyle = fill;
  context.fill();
  context.strokeStyle = stroke;
  context.lineWidth = lineWidth;
  context.stroke();
}

const paths = new Map<Standing, Path2D>(standings.map((each) => [each, new Path2D(shapes[each])]));

interface ShapeAt {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly colour: string;
}

export function drawShape(
  context: CanvasRenderingContext2D,
  standing: Standing,
  { x, y, size, colour }: ShapeAt,
): void {
  const scale = size / 12;
  context.save();
  context.translate(x, y);
  context.scale(scale, scale);
  context.strokeStyle = colour;
  context.lineWidth = 1.7;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  context.stroke(paths.get(standing)!);
  if (standing === 'running') {
    context.fillStyle = colour;
    context.fill(paths.get(standing)!);
  }
  context.restore();
}

/**
 * Cached shortened texts, cleared when there are too many: measuring is the most expensive part of drawing
 * text.
 */
const measured = new Map<string, string>();
const mostMeasured = 20_000;

/** Shortens in the middle: job names differ at both ends. */
function shortened(context: CanvasRenderingContext2D, text: string, room: number): string {
  const key = `${context.font}|${Math.round(room)}|${text}`;
  const known = measured.get(key);
  if (known !== undefined) return known;
  const short = cut(context, text, room);
  if (measured.size >= mostMeasured) measured.clear();
  measured.set(key, short);
  return short;
}

function cut(context: CanvasRenderingContext2D, text: string, room: number): string {
  if (context.measureText(text).width <= room) return text;
  let least = 1;
  let most = text.length - 1;
  while (least < most) {
    const length = Math.ceil((least + most) / 2);
    if (context.measureText(ellipsis(text, length)).width <= room) least = length;
    else most = length - 1;
  }
  return ellipsis(text, least);
}

const ellipsis = (text: string, length: number): string =>
  `${text.slice(0, Math.ceil(length / 2))}…${length < 2 ? '' : text.slice(-Math.floor(length / 2))}`;
