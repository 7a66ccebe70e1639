/**
 * Draws the visible rows of a Gantt chart on a canvas: names on the left, hours at the top, the current time
 * as a line.
 */

import { clockTime } from '../parts/time.ts';
import { type ChartColours, faded } from './colours.ts';
import type { Bar, Look, Row } from './gantt-rows.ts';

export const rowHeight = 24;
export const axisHeight = 26;
/** Keeps a failure of one millisecond visible. */
const leastWidth = 3;

export interface GanttPicture {
  readonly rows: readonly Row[];
  readonly from: number;
  readonly to: number;
  readonly now: number;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  readonly scrolled: number;
  readonly names: number;
  readonly hovered: Bar | null;
}

export const xOf = ({ from, to, width, names }: GanttPicture, at: number): number =>
  names + ((at - from) / (to - from)) * (width - names);

export function drawGantt(
  context: CanvasRenderingContext2D,
  picture: GanttPicture,
  colours: ChartColours,
): void {
  const { rows, width, height, scrolled, names } = picture;
  context.clearRect(0, 0, width, height);
  drawHours(context, picture, colours);
  const first = Math.max(0, Math.floor(scrolled / rowHeight));
  const last = Math.min(rows.length - 1, Math.floor((scrolled + height - axisHeight) / rowHeight));
  context.save();
  context.beginPath();
  context.rect(0, axisHeight, width, height - axisHeight);
  context.clip();
  for (let row = first; row <= last; row += 1) {
    const top = axisHeight + row * rowHeight - scrolled;
    drawName(context, rows[row]!, { top, room: names - 16 }, colours);
    context.save();
    context.beginPath();
    context.rect(names, top, width - names, rowHeight);
    context.clip();
    for (const bar of rows[row]!.bars) drawBar(context, bar, { picture, top, colours });
    context.restore();
  }
  context.restore();
  drawNow(context, picture, colours);
}

const steps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720].map((minutes) => minutes * 60_000);

function drawHours(context: CanvasRenderingContext2D, picture: GanttPicture, colours: ChartColours): void {
  const { from, to, width, height, names } = picture;
  const room = ((to - from) / (width - names)) * 64;
  const step = steps.find((each) => each >= room) ?? 86_400_000;
  // Full hours of the viewer's clock, which may be offset from UTC by half an hour.
  const offset = new Date(from).getTimezoneOffset() * 60_000;
  context.font = `11px ${colours.font}`;
  context.textBaseline = 'middle';
  context.textAlign = 'center';
  for (let at = Math.ceil((from - offset) / step) * step + offset; at < to; at += step) {
    const x = Math.round(xOf(picture, at)) + 0.5;
    context.strokeStyle = colours.line;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x, axisHeight);
    context.lineTo(x, height);
    context.stroke();
    context.fillStyle = colours.muted;
    context.fillText(clockTime(at).slice(0, 5), x, axisHeight / 2);
  }
  context.textAlign = 'left';
}

interface NameAt {
  readonly top: number;
  readonly room: number;
}

function drawName(context: CanvasRenderingContext2D, row: Row, at: NameAt, colours: ChartColours): void {
  if (!row.first) return;
  context.font = `12px ${colours.font}`;
  context.textBaseline = 'middle';
  context.fillStyle = colours.text;
  let text = row.job;
  while (text.length > 1 && context.measureText(text).width > at.room) {
    text = text.endsWith('…') ? `${text.slice(0, -2)}…` : `${text.slice(0, -1)}…`;
  }
  context.fillText(text, 0, at.top + rowHeight / 2);
}

interface BarAt {
  readonly picture: GanttPicture;
  readonly top: number;
  readonly colours: ChartColours;
}

function drawBar(context: CanvasRenderingContext2D, bar: Bar, { picture, top, colours }: BarAt): void {
  const colour = colourOf(bar.look, colours);
  const y = top + 5;
  const height = rowHeight - 10;
  const x1 = xOf(picture, bar.from);
  const x2 = xOf(picture, bar.to);
  const x3 = xOf(picture, bar.until);
  if (bar.from - bar.ready > 1_000) {
    // From when it could start: the time that it waited.
    context.fillStyle = faded(colour, 55);
    context.fillRect(xOf(picture, bar.ready), y + height / 2 - 1, x1 - xOf(picture, bar.ready), 2);
  }
  if (x3 > x2 || bar.look === 'coming')
    hatch(context, { x: x2, y, width: Math.max(leastWidth, x3 - x2), height }, colour);
  if (bar.look !== 'coming') {
    context.fillStyle = colour;
    context.beginPath();
    context.roundRect(x1, y, Math.max(leastWidth, x2 - x1), height, 2);
    context.fill();
    // Failed runs are taller, so that they differ not only by colour.
    if (bar.look === 'fail') context.fillRect(x1, y - 3, leastWidth, height + 6);
  }
  if (picture.hovered === bar) {
    context.strokeStyle = colours.text;
    context.lineWidth = 1.5;
    context.strokeRect(x1 - 1, y - 1, Math.max(leastWidth, x3 - x1) + 2, height + 2);
  }
}

interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Hatches the expected part of a bar. */
function hatch(context: CanvasRenderingContext2D, { x, y, width, height }: Area, colour: string): void {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.fillStyle = faded(colour, 14);
  context.fill();
  context.clip();
  context.strokeStyle = faded(colour, 75);
  context.lineWidth = 1.2;
  context.beginPath();
  // Starts at a multiple of the distance, so that the stripes do not move while the bar grows.
  for (let at = Math.floor((x - height) / 5) * 5; at < x + width; at += 5) {
    context.moveTo(at, y + height);
    context.lineTo(at + height, y);
  }
  context.stroke();
  context.restore();
}

function drawNow(context: CanvasRenderingContext2D, picture: GanttPicture, colours: ChartColours): void {
  if (picture.now < picture.from || picture.now > picture.to) return;
  const x = Math.round(xOf(picture, picture.now)) + 0.5;
  context.strokeStyle = colours.accent;
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(x, axisHeight - 6);
  context.lineTo(x, picture.height);
  context.stroke();
}

function colourOf(look: Look, colours: ChartColours): string {
  return look === 'coming' ? colours.wait : colours[look];
}

/** The bar at a point of the canvas. */
export function barAt(picture: GanttPicture, x: number, y: number): Bar | null {
  if (x < picture.names || y < axisHeight) return null;
  const row = picture.rows[Math.floor((y - axisHeight + picture.scrolled) / rowHeight)];
  // A short bar is hard to hit, so three pixels on each side count too.
  return (
    row?.bars.findLast((bar) => {
      const x1 = xOf(picture, bar.from);
      return x >= x1 - 3 && x <= Math.max(x1 + leastWidth, xOf(picture, bar.until)) + 3;
    }) ?? null
  );
}
