/** The pages of a grid as one: rows and columns, and what stands where they meet. Pure. */

import type { WireGrid } from '../../../src/api/wire/grid.ts';
import type { WireRun } from '../../../src/api/wire/schema.ts';
import type { Place, Selected, Span } from './address.ts';
import { type CellState, stateOfLetter } from './looks.ts';

export type GridJob = WireGrid['jobs'][number];

export interface SheetColumn {
  /** Epoch milliseconds. A round lasts until the next one. */
  readonly from: number;
  readonly to: number;
  readonly manual: boolean;
}

export type Row =
  | { readonly kind: 'group'; readonly title: string; readonly jobs: number }
  | { readonly kind: 'job'; readonly job: GridJob; readonly letters: string; readonly index: number };

export interface Sheet {
  readonly by: Span;
  readonly rows: readonly Row[];
  readonly columns: readonly SheetColumn[];
  readonly counts: readonly (readonly number[])[] | null;
  readonly worst: readonly (readonly number[])[] | null;
  readonly total: number;
}

/** `pages`: newest columns first, as they are read. The newest one says which jobs there are. */
export function sheetOf(pages: readonly WireGrid[], group: string | null): Sheet {
  const [newest] = pages;
  if (newest === undefined)
    return { by: 'rounds', rows: [], columns: [], counts: null, worst: null, total: 0 };
  const oldestFirst = [...pages].reverse();
  const places = oldestFirst.map(({ jobs }) => new Map(jobs.map(({ name }, index) => [name, index])));
  const across = <T>(
    name: string,
    of: (page: WireGrid, index: number) => T,
    none: (page: WireGrid) => T,
  ): T[] =>
    oldestFirst.map((page, at) => {
      const index = places[at]?.get(name);
      return index === undefined ? none(page) : of(page, index);
    });
  const letters = newest.jobs.map(({ name }) =>
    across(
      name,
      (page, index) => page.cells[index] ?? '',
      ({ columns }) => '.'.repeat(columns.length),
    ).join(''),
  );
  const numbers = (which: 'counts' | 'worst'): number[][] | null =>
    newest[which] === null
      ? null
      : newest.jobs.map(({ name }) =>
          across(
            name,
            (page, index) => page[which]?.[index] ?? [],
            ({ columns }) => columns.map(() => 0),
          ).flat(),
        );
  return {
    by: newest.by,
    rows: rowsOf(newest.jobs, letters, group),
    columns: columnsOf(oldestFirst),
    counts: numbers('counts'),
    worst: numbers('worst'),
    total: newest.total,
  };
}

/** After all due times that can be asked for. */
const FAR_MS = Date.UTC(9_000, 0);

function columnsOf(oldestFirst: readonly WireGrid[]): SheetColumn[] {
  const all = oldestFirst.flatMap(({ columns }) => columns);
  return all.map(({ from, to, manual }, index) => {
    const next = all[index + 1]?.from;
    const end = to ?? next;
    return { from: Date.parse(from), to: end === undefined ? FAR_MS : Date.parse(end), manual };
  });
}

function rowsOf(jobs: readonly GridJob[], letters: readonly string[], group: string | null): Row[] {
  const rowOf = (job: GridJob, index: number): Row => ({
    kind: 'job',
    job,
    letters: letters[index] ?? '',
    index,
  });
  if (group === null) return jobs.map(rowOf);
  const groups = new Map<string, Row[]>();
  for (const [index, job] of jobs.entries()) {
    const value = job.labels[group] ?? '';
    const rows = groups.get(value) ?? [];
    rows.push(rowOf(job, index));
    groups.set(value, rows);
  }
  return [...groups]
    .sort(([a], [b]) => (a === '' ? 1 : b === '' ? -1 : a < b ? -1 : 1))
    .flatMap(([value, rows]) => [
      {
        kind: 'group' as const,
        title: value === '' ? `no ${group}` : value,
        jobs: rows.length,
      },
      ...rows,
    ]);
}

export interface Shown {
  /** Null: nothing was due. `unknown`: there was too much to read. */
  readonly state: CellState | 'unknown' | null;
  /** It was run more than once. */
  readonly again: boolean;
  readonly count: number;
  readonly worst: number;
}

const nothing: Shown = { state: null, again: false, count: 0, worst: 0 };

export function shownAt(sheet: Sheet, row: number, column: number): Shown {
  const of = sheet.rows[row];
  const letter = of?.kind === 'job' ? of.letters[column] : undefined;
  if (of?.kind !== 'job' || letter === undefined || letter === '.') return nothing;
  if (letter === '?') return { ...nothing, state: 'unknown' };
  const small = letter.toLowerCase();
  return {
    state: stateOfLetterIn(letter),
    again: letter !== small,
    count: sheet.counts?.[of.index]?.[column] ?? 1,
    worst: sheet.worst?.[of.index]?.[column] ?? 1,
  };
}

/** Null for a letter that stands for no state. */
export const stateOfLetterIn = (letter: string): CellState | null =>
  stateOfLetter[letter.toLowerCase()] ?? null;

/** Places in rows and columns; -1: not there. */
export interface Spot {
  readonly row: number;
  readonly column: number;
}

export function spotOf({ rows, columns }: Sheet, { job, at }: Place): Spot {
  return {
    row: rows.findIndex((row) => row.kind === 'job' && row.job.name === job),
    column: columns.findIndex(({ from }) => from === at),
  };
}

export function placeAt({ rows, columns }: Sheet, { row, column }: Spot): Place | null {
  const of = rows[row];
  const at = columns[column]?.from;
  return of?.kind === 'job' && at !== undefined ? { job: of.job.name, at } : null;
}

/** The rectangle of the selection. Null: nothing of it is shown. */
export function areaOf(
  sheet: Sheet,
  selected: Selected | null,
): { readonly from: Spot; readonly to: Spot } | null {
  if (selected === null) return null;
  const a = spotOf(sheet, selected.cursor);
  const b = spotOf(sheet, selected.anchor);
  if (Math.min(a.row, a.column) < 0) return null;
  const other = Math.min(b.row, b.column) < 0 ? a : b;
  return {
    from: { row: Math.min(a.row, other.row), column: Math.min(a.column, other.column) },
    to: { row: Math.max(a.row, other.row), column: Math.max(a.column, other.column) },
  };
}

/** The nearest row of a job in the direction of the step, or the row itself. */
export function rowTowards({ rows }: Sheet, row: number, step: number): number {
  const last = rows.length - 1;
  const aim = Math.min(last, Math.max(0, row + step));
  const way = step < 0 ? -1 : 1;
  for (let at = aim; at >= 0 && at <= last; at += way) if (rows[at]?.kind === 'job') return at;
  for (let at = aim; at >= 0 && at <= last; at -= way) if (rows[at]?.kind === 'job') return at;
  return row;
}

/** The page with the state of a run that has changed. The page itself: it does not show the run. */
export function withRun(page: WireGrid, run: WireRun): WireGrid {
  if (page.by !== 'rounds') return page;
  const row = page.jobs.findIndex(({ name }) => name === run.job);
  const column = page.columns.findLastIndex(({ from }) => from <= run.due);
  const text = page.cells[row];
  const letter = Object.keys(page.letters).find((each) => page.letters[each] === run.state);
  if (column < 0 || text === undefined || letter === undefined) return page;
  const was = text[column] ?? '.';
  // The run of a rerun comes on top of one that is there.
  const again = was !== was.toLowerCase() || (run.trigger.kind === 'rerun' && was !== '.');
  const next = again ? letter.toUpperCase() : letter;
  if (next === was) return page;
  const cells = [...page.cells];
  cells[row] = text.slice(0, column) + next + text.slice(column + 1);
  return { ...page, cells };
}
