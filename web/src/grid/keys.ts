/** Where keys move the cursor. Pure. */

import { rowTowards, type Sheet, type Spot } from './sheet.ts';

const pageRows = 10;

interface Pressed {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
}

/** The next place of the cursor; of the first key, the newest cell at the top. Null: the key moves nothing. */
export function moved(
  sheet: Sheet,
  at: Spot | null,
  { key, ctrlKey, metaKey, altKey }: Pressed,
): Spot | null {
  const { rows, columns } = sheet;
  const last = columns.length - 1;
  if (altKey || last < 0 || !keys.has(key)) return null;
  if (at === null)
    return rows.some(({ kind }) => kind === 'job') ? { row: rowTowards(sheet, 0, 0), column: last } : null;
  const far = ctrlKey || metaKey;
  const { row, column } = at;
  switch (key) {
    case 'ArrowLeft':
      return { row, column: far ? 0 : Math.max(0, column - 1) };
    case 'ArrowRight':
      return { row, column: far ? last : Math.min(last, column + 1) };
    case 'ArrowUp':
      return { row: rowTowards(sheet, row, far ? -rows.length : -1), column };
    case 'ArrowDown':
      return { row: rowTowards(sheet, row, far ? rows.length : 1), column };
    case 'PageUp':
      return { row: rowTowards(sheet, row, -pageRows), column };
    case 'PageDown':
      return { row: rowTowards(sheet, row, pageRows), column };
    case 'Home':
      return { row: far ? rowTowards(sheet, row, -rows.length) : row, column: 0 };
    default:
      return { row: far ? rowTowards(sheet, row, rows.length) : row, column: last };
  }
}

/** What a key does with the selection. Null: nothing. */
export function actionOf({ key, ctrlKey, metaKey, altKey }: Pressed): 'clear' | 'open' | 'rerun' | null {
  if (ctrlKey || metaKey || altKey) return null;
  if (key === 'Escape') return 'clear';
  if (key === 'Enter') return 'open';
  return key === 'r' || key === 'R' ? 'rerun' : null;
}

const keys = new Set([
  'ArrowLeft',
  'ArrowRight',
  'ArrowUp',
  'ArrowDown',
  'PageUp',
  'PageDown',
  'Home',
  'End',
]);
