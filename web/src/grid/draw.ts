/** Draws the visible part of the grid: names frozen at the left, times at the top, a sign in each cell. */

import { headHeight, type Picture } from './picture.ts';
import { type Spot, shownAt } from './sheet.ts';
import { cellSize, type GridColours, type Signs } from './signs.ts';
import { drawTimes, headsOf } from './times.ts';

const indent = { wide: 12, narrow: 6 } as const;

export function drawGrid(
  context: CanvasRenderingContext2D,
  picture: Picture,
  { colours, signs }: { readonly colours: GridColours; readonly signs: Signs },
): void {
  const { sheet, width, height, left, top, names } = picture;
  context.fillStyle = colours.surface;
  context.fillRect(0, 0, width, height);
  const rows = {
    first: Math.max(0, Math.floor(top / cellSize)),
    last: Math.min(sheet.rows.length - 1, Math.floor((top + height - headHeight) / cellSize)),
  };
  const columns = {
    first: Math.max(0, Math.floor(left / cellSize)),
    last: Math.min(sheet.columns.length - 1, Math.floor((left + width - names) / cellSize)),
  };
  clipped(context, { x: names, y: headHeight, width: width - names, height: height - headHeight }, () => {
    drawBands(context, picture, { rows, columns, colours });
    for (let row = rows.first; row <= rows.last; row++)
      for (let column = columns.first; column <= columns.last; column++)
        drawCell(context, picture, { row, column }, signs);
    drawFrames(context, picture, colours);
  });
  clipped(context, { x: 0, y: headHeight, width: names, height: height - headHeight }, () => {
    for (let row = rows.first; row <= rows.last; row++) drawName(context, picture, row, colours);
  });
  clipped(context, { x: names, y: 0, width: width - names, height: headHeight }, () =>
    drawTimes(context, picture, { ...columns, colours }),
  );
  context.fillStyle = colours.line;
  context.fillRect(names - 1, 0, 1, height);
  context.fillRect(0, headHeight - 1, width, 1);
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function clipped(context: CanvasRenderingContext2D, { x, y, width, height }: Box, draw: () => void): void {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  draw();
  context.restore();
}

const xOf = ({ names, left }: Picture, column: number): number => names + column * cellSize - left;
const yOf = ({ top }: Picture, row: number): number => headHeight + row * cellSize - top;

interface Visible {
  readonly rows: { readonly first: number; readonly last: number };
  readonly columns: { readonly first: number; readonly last: number };
  readonly colours: GridColours;
}

function drawBands(
  context: CanvasRenderingContext2D,
  picture: Picture,
  { rows, columns, colours }: Visible,
): void {
  const { sheet, width, height, hovered, area } = picture;
  for (let row = rows.first; row <= rows.last; row++) {
    const isGroup = sheet.rows[row]?.kind === 'group';
    if (!isGroup && hovered?.row !== row) continue;
    context.fillStyle = isGroup ? colours.sunken : colours.hover;
    context.fillRect(0, yOf(picture, row), width, cellSize);
  }
  if (hovered !== null && hovered.column >= 0) {
    context.fillStyle = colours.hover;
    context.fillRect(xOf(picture, hovered.column), headHeight, cellSize, height);
  }
  if (area !== null) {
    context.fillStyle = colours.accentSoft;
    const x = xOf(picture, area.from.column);
    const y = yOf(picture, area.from.row);
    context.fillRect(x, y, xOf(picture, area.to.column + 1) - x, yOf(picture, area.to.row + 1) - y);
  }
  context.fillStyle = colours.line;
  const { heads } = headsOf(sheet);
  for (let column = columns.first; column <= columns.last; column++)
    if (heads[column]?.isFirst === true) context.fillRect(xOf(picture, column), headHeight, 1, height);
}

function drawCell(context: CanvasRenderingContext2D, picture: Picture, spot: Spot, signs: Signs): void {
  const { state, again, worst } = shownAt(picture.sheet, spot.row, spot.column);
  if (state === null) return;
  const x = xOf(picture, spot.column);
  const y = yOf(picture, spot.row);
  const isCounted = picture.sheet.by === 'days' && state !== 'succeeded' && state !== 'unknown';
  const sign = signs.of(state, { again, worst: isCounted ? worst : 1 });
  context.drawImage(sign, x, y, cellSize, cellSize);
}

function drawFrames(context: CanvasRenderingContext2D, picture: Picture, colours: GridColours): void {
  const { cursor, area } = picture;
  context.strokeStyle = colours.accent;
  if (area !== null) {
    context.lineWidth = 1;
    const x = xOf(picture, area.from.column);
    const y = yOf(picture, area.from.row);
    const width = xOf(picture, area.to.column + 1) - x;
    context.strokeRect(x + 0.5, y + 0.5, width - 1, yOf(picture, area.to.row + 1) - y - 1);
  }
  if (cursor !== null) {
    context.lineWidth = 2;
    context.strokeRect(
      xOf(picture, cursor.column) + 1,
      yOf(picture, cursor.row) + 1,
      cellSize - 2,
      cellSize - 2,
    );
  }
}

function drawName(
  context: CanvasRenderingContext2D,
  picture: Picture,
  row: number,
  colours: GridColours,
): void {
  const of = picture.sheet.rows[row];
  const y = yOf(picture, row);
  const isChosen = picture.cursor?.row === row;
  context.fillStyle =
    of?.kind === 'group' ? colours.sunken : picture.hovered?.row === row ? colours.hover : colours.surface;
  context.fillRect(0, y, picture.names, cellSize);
  if (of === undefined) return;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  const isIdle = of.kind === 'job' && of.job.status !== 'active';
  context.font = `${of.kind === 'group' || isChosen ? '600 ' : ''}12.5px ${colours.font}`;
  context.fillStyle = of.kind === 'group' || isIdle ? colours.muted : colours.text;
  // Deep pipelines would leave no room for the name.
  const x =
    12 +
    (of.kind === 'job' ? Math.min(of.job.level, 4) * (picture.names < 160 ? indent.narrow : indent.wide) : 0);
  const text = of.kind === 'group' ? `${of.title} (${of.jobs})` : of.job.name;
  const note = isIdle && of.kind === 'job' ? ` ${of.job.status}` : '';
  context.fillText(cut(context, text + note, picture.names - x - 8), x, y + cellSize / 2);
}

/** Names that were cut, by font and room: measuring takes longer than drawing. Bounded by starting over. */
const cuts = new Map<string, string>();
const mostCuts = 5_000;

function cut(context: CanvasRenderingContext2D, text: string, room: number): string {
  const key = `${context.font} ${room} ${text}`;
  const known = cuts.get(key);
  if (known !== undefined) return known;
  if (cuts.size >= mostCuts) cuts.clear();
  const short = shortened(context, text, room);
  cuts.set(key, short);
  return short;
}

/** Keeps both ends of a name: many differ in their last letters only. */
function shortened(context: CanvasRenderingContext2D, text: string, room: number): string {
  if (context.measureText(text).width <= room) return text;
  for (let kept = text.length - 1; kept > 2; kept--) {
    const end = Math.floor(kept * 0.4);
    const short = `${text.slice(0, kept - end)}…${text.slice(text.length - end)}`;
    if (context.measureText(short).width <= room) return short;
  }
  return '…';
}
