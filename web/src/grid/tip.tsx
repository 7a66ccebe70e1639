/** What is under the pointer: the cell in words, and why its due time was skipped or failed. */

import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { duration } from '../parts/time.ts';
import { type CellAsked, cellQuery } from './cell-query.ts';
import { type Sheet, type Spot, shownAt } from './sheet.ts';
import { cellSize } from './signs.ts';
import { cellText, columnName } from './words.ts';

interface Props {
  readonly sheet: Sheet;
  readonly spot: Spot;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A pointer that passes over a cell asks for nothing. */
const restMs = 120;
const tipWidth = 280;

export function Tip({ sheet, spot, x, y, width, height }: Props) {
  const row = sheet.rows[spot.row];
  const column = sheet.columns[spot.column];
  const shown = shownAt(sheet, spot.row, spot.column);
  const isName = spot.column < 0;
  if (row?.kind !== 'job' || (column === undefined && !isName)) return null;
  const isLow = y > height - 120;
  return (
    <div
      className="grid-tip"
      aria-hidden="true"
      style={{
        left: Math.max(4, Math.min(x + 14, width - tipWidth - 8)),
        ...(isLow ? { bottom: height - y + cellSize / 2 } : { top: y + cellSize / 2 + 6 }),
      }}
    >
      <strong>{row.job.name}</strong>
      {column === undefined ? (
        <span className="muted">
          {row.job.status}
          {row.job.parents.length > 0 && `, after ${row.job.parents.slice(0, 4).join(', ')}`}
        </span>
      ) : (
        <>
          <span className="muted">{columnName(sheet, column)}</span>
          <span>{cellText(shown)}</span>
          {shown.state !== null && <Why job={row.job.name} from={column.from} to={column.to} />}
        </>
      )}
    </div>
  );
}

function Why(asked: CellAsked) {
  const [rested, setRested] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setRested(true), restMs);
    return () => clearTimeout(timer);
  }, []);
  const { data } = useQuery({ ...cellQuery(asked), enabled: rested, staleTime: 5_000 });
  if (data === undefined) return null;
  const [newest] = [...data.runs].sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  const reason = newest?.reason ?? data.lines.find((line) => line.reason !== null)?.reason ?? null;
  const took = newest?.runMs ?? null;
  return (
    <>
      {reason !== null && <span className="grid-tip-reason">{reason}</span>}
      {took !== null && <span className="muted">took {duration(took)}</span>}
    </>
  );
}
