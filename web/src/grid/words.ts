/** Cells and columns in words, for tips, tables and screen readers. */

import { calendarDay, shortTime, weekday } from '../parts/time.ts';
import type { Selected } from './address.ts';
import { wordOf } from './looks.ts';
import { areaOf, type Sheet, type SheetColumn, type Shown, shownAt, spotOf } from './sheet.ts';

/** `Sat 2026-11-21 02:00`, and without a time for a day. */
export const columnName = (sheet: Sheet, { from, manual }: SheetColumn): string =>
  `${weekday(from)} ${calendarDay(from)}${sheet.by === 'days' ? '' : ` ${shortTime(from)}`}` +
  (manual ? ', started by a user' : '');

/** `Failed`, `Failed, 2 of 24 due times`, `Succeeded, run again` */
export function cellText({ state, again, count, worst }: Shown): string {
  const word = wordOf(state);
  if (count > 1)
    return worst === count ? `${word}, all of ${count} due times` : `${word}, ${worst} of ${count} due times`;
  return again ? `${word}, run again` : word;
}

export function spokenCell(sheet: Sheet, selected: Selected): string {
  const { row, column } = spotOf(sheet, selected.cursor);
  const of = sheet.columns[column];
  if (of === undefined || row < 0) return 'The selected cell is not shown.';
  const area = areaOf(sheet, selected);
  const size =
    area === null ? 1 : (area.to.row - area.from.row + 1) * (area.to.column - area.from.column + 1);
  const more = size > 1 ? ` ${size} cells selected.` : '';
  return `${selected.cursor.job}, ${columnName(sheet, of)}: ${cellText(shownAt(sheet, row, column))}.${more}`;
}
