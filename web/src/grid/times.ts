/** The times above the columns: days and hours, or months and days. Words are made once: they take long. */

import { calendarDay, clockTime } from '../parts/time.ts';
import type { Picture } from './picture.ts';
import type { Sheet, Spot } from './sheet.ts';
import { cellSize, type GridColours } from './signs.ts';

const dayMs = 86_400_000;

interface Head {
  /** The first column of a day, or of a month. */
  readonly isFirst: boolean;
  /** `Nov 2026`, `Sat 21 Nov` */
  readonly period: string;
  /** `02:00`, `21`; with a star if a user started it. */
  readonly text: string;
}

interface Heads {
  readonly isDaily: boolean;
  readonly heads: readonly Head[];
}

const made = new WeakMap<Sheet['columns'], Heads>();

export function headsOf(sheet: Sheet): Heads {
  const known = made.get(sheet.columns);
  if (known !== undefined) return known;
  const daily = isDaily(sheet);
  let before = '';
  const heads = sheet.columns.map(({ from, manual }): Head => {
    const day = calendarDay(from);
    const key = daily ? day.slice(0, 7) : day;
    const isFirst = key !== before;
    before = key;
    const text = daily ? day.slice(8) : clockTime(from).slice(0, 5);
    return { isFirst, period: periodName(from, daily), text: manual ? `${text}*` : text };
  });
  const all = { isDaily: daily, heads };
  made.set(sheet.columns, all);
  return all;
}

/** Columns are days, or rounds about a day or more apart: then days of a month are written, else times of a day. */
const isDaily = ({ by, columns }: Sheet): boolean => {
  const [first, last] = [columns[0], columns.at(-1)];
  if (by === 'days') return true;
  return (
    first !== undefined &&
    last !== undefined &&
    last.from - first.from >= (columns.length - 1) * 0.8 * dayMs &&
    columns.length > 1
  );
};

const formats = {
  month: new Intl.DateTimeFormat('en', { month: 'short', year: 'numeric' }),
  day: new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short' }),
} as const;

const periodName = (from: number, daily: boolean): string => formats[daily ? 'month' : 'day'].format(from);

export function drawTimes(
  context: CanvasRenderingContext2D,
  picture: Picture,
  { first, last, colours }: { readonly first: number; readonly last: number; readonly colours: GridColours },
): void {
  const { sheet, names, hovered, cursor } = picture;
  const { isDaily, heads } = headsOf(sheet);
  context.textBaseline = 'middle';
  let free = names;
  for (let column = first; column <= last; column++) {
    const of = heads[column];
    if (of === undefined) continue;
    const x = names + column * cellSize - picture.left;
    // The name of the period in which the picture begins stays in view.
    if (column === first || of.isFirst) {
      const at = Math.max(x, names) + 4;
      const text = of.period;
      context.font = `600 11.5px ${colours.font}`;
      const room = roomFor(heads, column, last);
      if (at >= free && context.measureText(text).width <= room * cellSize + (x - Math.max(x, names)) - 6) {
        context.textAlign = 'left';
        context.fillStyle = colours.text;
        context.fillText(text, at, 13);
        free = at + context.measureText(text).width + 10;
      }
    }
    const isMarked = hovered?.column === column || cursor?.column === column;
    if (isDaily || isMarked || (column % 2 === 0 && !isNear(column, hovered, cursor))) {
      context.font = `${isMarked ? '600 ' : ''}11px ${colours.font}`;
      context.textAlign = 'center';
      context.fillStyle = isMarked ? colours.text : colours.muted;
      context.fillText(of.text, x + cellSize / 2, 32);
    }
  }
}

/** Beside a column whose time is written anyway. */
const isNear = (column: number, ...marked: (Spot | null)[]): boolean =>
  marked.some((spot) => spot !== null && spot.column >= 0 && Math.abs(spot.column - column) === 1);

/** Columns up to the next period, or to the end of the picture, where it goes on. */
function roomFor(heads: readonly Head[], column: number, last: number): number {
  for (let at = column + 1; at <= last; at++) if (heads[at]?.isFirst === true) return at - column;
  return Number.POSITIVE_INFINITY;
}
