/** What is selected: the runs of a cell with their reasons, or how many cells there are, and what can be done with them. */

import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { useMaySome } from '../access/may.ts';
import { fateOf } from '../parts/fate.ts';
import { Icon } from '../parts/icon.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Reason } from '../parts/reason.tsx';
import { FateMark, RunMark } from '../parts/state-mark.tsx';
import { duration, shortTime } from '../parts/time.ts';
import { roundPath } from '../round/round-query.ts';
import type { Selected } from './address.ts';
import { type CellAsked, cellQuery } from './cell-query.ts';
import { areaOf, type Sheet, shownAt } from './sheet.ts';
import { cellText, columnName } from './words.ts';

interface Props {
  readonly sheet: Sheet;
  readonly selected: Selected;
  /** The job whose rounds are shown. Null: of all. */
  readonly root: string | null;
  readonly onRerun: () => void;
  readonly onClose: () => void;
}

export function Details({ sheet, selected, root, onRerun, onClose }: Props) {
  const area = areaOf(sheet, selected);
  const mayRun = useMaySome('operate');
  if (area === null) return null;
  const rows = area.to.row - area.from.row + 1;
  const columns = area.to.column - area.from.column + 1;
  const column = sheet.columns[area.from.column];
  const last = sheet.columns[area.to.column];
  if (column === undefined || last === undefined) return null;
  const isOne = rows * columns === 1;
  return (
    <aside className="grid-details" aria-label="Selection">
      <div className="grid-details-head">
        <h2>
          {isOne ? (
            <Link href={`/jobs/${selected.cursor.job}`}>{selected.cursor.job}</Link>
          ) : (
            `${rows * columns} cells`
          )}
        </h2>
        <span className="muted">
          {columnName(sheet, column)}
          {columns > 1 && ` to ${columnName(sheet, last)}`}
          {isOne && `: ${cellText(shownAt(sheet, area.from.row, area.from.column))}`}
        </span>
        <div className="actions">
          {isOne && sheet.by === 'rounds' && (
            <Link
              className="button button-small"
              href={roundPath(root ?? selected.cursor.job, new Date(column.from).toISOString())}
            >
              Show the round
            </Link>
          )}
          {mayRun && (
            <button type="button" className="button button-small" onClick={onRerun}>
              <Icon name="again" /> Run again…
            </button>
          )}
          <button type="button" className="icon-button" aria-label="Clear the selection" onClick={onClose}>
            <Icon name="close" />
          </button>
        </div>
      </div>
      {isOne ? (
        <CellRuns job={selected.cursor.job} from={column.from} to={column.to} />
      ) : (
        <p className="muted">{summaryOf(sheet, area)}</p>
      )}
    </aside>
  );
}

function CellRuns(asked: CellAsked) {
  const { data, error } = useQuery(cellQuery(asked));
  if (data === undefined) return error === null ? null : <ProblemNote error={error} />;
  const gaps = data.lines.filter(({ run }) => run === null);
  if (data.runs.length + gaps.length === 0)
    return <p className="muted">No run and no entry of the ledger is kept for it.</p>;
  return (
    <ul className="grid-runs">
      {data.runs.map((run) => (
        <li key={run.id}>
          <RunMark state={run.state} />
          <Link href={`/runs/${run.id}`}>{shortTime(Date.parse(run.due))}</Link>
          {run.trigger.kind === 'rerun' && <span className="muted">run again</span>}
          {run.runMs !== null && <span className="muted">{duration(run.runMs)}</span>}
          {run.reason !== null && <Reason why={run.why} text={run.reason} job={run.job} />}
        </li>
      ))}
      {gaps.map((line) => (
        <li key={line.from}>
          <FateMark fate={fateOf(line)} />
          <span className="muted">
            {line.count} {line.count === 1 ? 'due time' : 'due times'}
          </span>
          {line.reason !== null && <Reason why={line.why} text={line.reason} job={asked.job} />}
        </li>
      ))}
      {data.more && (
        <li>
          <Link href={`/jobs/${asked.job}/runs`}>All runs</Link>
        </li>
      )}
    </ul>
  );
}

function summaryOf(sheet: Sheet, { from, to }: NonNullable<ReturnType<typeof areaOf>>): string {
  const counts = new Map<string, number>();
  for (let row = from.row; row <= to.row; row++)
    for (let column = from.column; column <= to.column; column++) {
      const { state } = shownAt(sheet, row, column);
      if (state !== null) counts.set(state, (counts.get(state) ?? 0) + 1);
    }
  const parts = [...counts].map(([state, count]) => `${count} ${state}`);
  return parts.length === 0 ? 'Nothing was due in them.' : parts.join(', ');
}
