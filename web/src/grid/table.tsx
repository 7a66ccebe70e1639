/** The grid as a table, for those who cannot or do not want to use a picture: some rows and columns at a time. */

import { useState } from 'react';
import { Link } from 'wouter';
import { TableScroll } from '../parts/table-scroll.tsx';
import type { Selected } from './address.ts';
import { toneOf } from './looks.ts';
import { placeAt, type Sheet, shownAt } from './sheet.ts';
import { Sign } from './sign.tsx';
import { cellText, columnName } from './words.ts';

const mostRows = 50;
const mostColumns = 20;

interface Props {
  readonly sheet: Sheet;
  readonly onSelect: (selected: Selected) => void;
  /** Reads older columns. Null: there are none. */
  readonly onOlder: (() => void) | null;
}

export function GridTable({ sheet, onSelect, onOlder }: Props) {
  const [top, setTop] = useState(0);
  /** Columns that are newer than those shown. */
  const [newer, setNewer] = useState(0);
  const { rows, columns } = sheet;
  const end = Math.max(0, columns.length - newer);
  const begin = Math.max(0, end - mostColumns);
  const shownRows = rows.slice(top, top + mostRows);
  const shownColumns = columns.slice(begin, end);
  const older = () => {
    if (begin - mostColumns < 0) onOlder?.();
    setNewer(newer + mostColumns);
  };
  return (
    <section className="grid-table panel" aria-label="Jobs and how they ended">
      <div className="actions grid-table-pages">
        <button
          type="button"
          className="button button-small"
          disabled={begin === 0 && onOlder === null}
          onClick={older}
        >
          Older
        </button>
        <button
          type="button"
          className="button button-small"
          disabled={newer === 0}
          onClick={() => setNewer(Math.max(0, newer - mostColumns))}
        >
          Newer
        </button>
        {rows.length > mostRows && (
          <>
            <button
              type="button"
              className="button button-small"
              disabled={top === 0}
              onClick={() => setTop(Math.max(0, top - mostRows))}
            >
              Previous jobs
            </button>
            <button
              type="button"
              className="button button-small"
              disabled={top + mostRows >= rows.length}
              onClick={() => setTop(top + mostRows)}
            >
              Next jobs
            </button>
          </>
        )}
      </div>
      <TableScroll>
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Job</th>
              {shownColumns.map((column) => (
                <th key={column.from} scope="col">
                  {columnName(sheet, column)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shownRows.map((row, index) =>
              row.kind === 'group' ? (
                <tr key={`group ${row.title}`}>
                  <th scope="rowgroup" colSpan={shownColumns.length + 1}>
                    {row.title}
                  </th>
                </tr>
              ) : (
                <tr key={row.job.name}>
                  <th scope="row">
                    <Link href={`/jobs/${row.job.name}`}>{row.job.name}</Link>
                  </th>
                  {shownColumns.map((column, at) => (
                    <TableCell
                      key={column.from}
                      sheet={sheet}
                      row={top + index}
                      column={begin + at}
                      onSelect={onSelect}
                    />
                  ))}
                </tr>
              ),
            )}
          </tbody>
        </table>
      </TableScroll>
    </section>
  );
}

interface CellProps {
  readonly sheet: Sheet;
  readonly row: number;
  readonly column: number;
  readonly onSelect: (selected: Selected) => void;
}

function TableCell({ sheet, row, column, onSelect }: CellProps) {
  const shown = shownAt(sheet, row, column);
  const place = placeAt(sheet, { row, column });
  if (shown.state === null || place === null)
    return (
      <td>
        <span className="visually-hidden">nothing was due</span>
      </td>
    );
  return (
    <td>
      <button
        type="button"
        className={`grid-table-cell state tone-${toneOf(shown.state)}`}
        onClick={() => onSelect({ cursor: place, anchor: place })}
      >
        <Sign state={shown.state} />
        {cellText(shown)}
      </button>
    </td>
  );
}
