/** What became of every due instant, as a calendar; a cell opens the lines behind it. */

import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { WireLedgerLine } from '../../../src/api/schema.ts';
import { ledgerQuery, nextQuery } from '../data/queries.ts';
import { Choices } from '../parts/choices.tsx';
import { Icon } from '../parts/icon.tsx';
import { Exact } from '../parts/instant.tsx';
import { useNow } from '../parts/now.ts';
import { Panel } from '../parts/panel.tsx';
import { ReadProblem } from '../parts/problem-note.tsx';
import { useQueryState } from '../parts/query-state.ts';
import { calendarDay, clockTime } from '../parts/time.ts';
import { type Cell, cellsOf, type Ended, type Scale, scaleFor, scales, stretch } from './calendar.ts';

const words: Record<WireLedgerLine['end'], string> = {
  ran: 'ran',
  'caught-up': 'caught up',
  skipped: 'skipped',
  missed: 'missed',
};
const ends = ['ran', 'caught-up', 'skipped', 'missed'] as const;
/** Lines of one cell; the cell says how many there are. */
const mostLines = 120;

export function Ledger({ name }: { readonly name: string }) {
  const now = useNow();
  const [parameters, change] = useQueryState();
  const { data: next } = useQuery(nextQuery(name, 2));
  const scale =
    scales.find((each) => each === parameters.get('scale')) ?? scaleFor(gapOf(next?.instants ?? []));
  const at = Number(parameters.get('at')) || now;
  const span = stretch(scale, at);
  const { data, error } = useQuery(
    ledgerQuery(name, { from: new Date(span.fromMs).toISOString(), to: new Date(span.toMs).toISOString() }),
  );
  const lines = data?.lines ?? [];
  const cells = cellsOf(scale, span, lines);
  const chosen = cells.find(({ fromMs }) => fromMs === Number(parameters.get('cell'))) ?? null;
  const go = (by: number) => change({ at: String(stretch(scale, at, by).fromMs), cell: null });
  return (
    <Panel
      title={titleOf(scale, span.fromMs)}
      aside={
        <>
          <Legend total={sum(cells)} />
          <div className="actions">
            <Choices
              className="segments"
              name="Scale"
              choices={scales.map((each) => [each, each] as const)}
              isChosen={(each) => each === scale}
              onChoose={(each) =>
                change({ scale: each, at: String(chosen === null ? at : chosen.fromMs), cell: null })
              }
            />
            <button
              type="button"
              className="icon-button"
              aria-label={`The ${scale} before`}
              onClick={() => go(-1)}
            >
              <Icon name="left" />
            </button>
            <button
              type="button"
              className="icon-button"
              aria-label={`The ${scale} after`}
              disabled={span.toMs > now}
              onClick={() => go(1)}
            >
              <Icon name="right" />
            </button>
          </div>
        </>
      }
    >
      <ReadProblem error={error} shown={data !== undefined} />
      {data?.cut === true && (
        <p className="callout callout-late ledger-cut">
          More due instants than can be shown: those after {clockTime(Date.parse(lines.at(-1)?.to ?? ''))} are
          left out. Choose a finer scale.
        </p>
      )}
      <Calendar
        scale={scale}
        cells={cells}
        chosen={chosen}
        nowMs={now}
        onChoose={(fromMs) => change({ cell: String(fromMs) })}
      />
      {chosen !== null && <CellLines cell={chosen} lines={lines} />}
    </Panel>
  );
}

function gapOf([first, second]: readonly string[]): number | null {
  return first === undefined || second === undefined ? null : Date.parse(second) - Date.parse(first);
}

function titleOf(scale: Scale, fromMs: number): string {
  if (scale === 'month') return new Date(fromMs).toLocaleDateString('en', { month: 'long', year: 'numeric' });
  return scale === 'day' ? calendarDay(fromMs) : `${calendarDay(fromMs)} ${clockTime(fromMs).slice(0, 2)} h`;
}

function sum(cells: readonly Cell[]): Ended {
  const total = { ran: 0, skipped: 0, missed: 0, 'caught-up': 0 };
  for (const { ended } of cells) for (const end of ends) total[end] += ended[end];
  return total;
}

const Legend = ({ total }: { readonly total: Ended }) => (
  <ul className="ledger-legend">
    {ends.map((end) => (
      <li key={end}>
        <i className={`ended-${end}`} aria-hidden="true" /> {total[end].toLocaleString('en')} {words[end]}
      </li>
    ))}
  </ul>
);

interface CalendarProps {
  readonly scale: Scale;
  readonly cells: readonly Cell[];
  readonly chosen: Cell | null;
  readonly nowMs: number;
  readonly onChoose: (fromMs: number) => void;
}

const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

function Calendar({ scale, cells, chosen, nowMs, onChoose }: CalendarProps) {
  const first = cells[0];
  // Weeks begin on Monday.
  const lead = scale === 'month' && first !== undefined ? (new Date(first.fromMs).getDay() + 6) % 7 : 0;
  return (
    <div className={`calendar by-${scale}`}>
      {scale === 'month' &&
        weekdays.map((day) => (
          <span key={day} className="calendar-day muted" aria-hidden="true">
            {day}
          </span>
        ))}
      {weekdays.slice(0, lead).map((day) => (
        <span key={`before ${day}`} />
      ))}
      {cells.map((cell) => (
        <button
          key={cell.fromMs}
          type="button"
          className="cell"
          disabled={cell.fromMs > nowMs}
          aria-pressed={cell === chosen}
          aria-label={`${cell.label}: ${inWords(cell.ended)}`}
          title={inWords(cell.ended)}
          onClick={() => onChoose(cell.fromMs)}
        >
          <span>{cell.label}</span>
          <CellBar ended={cell.ended} />
        </button>
      ))}
    </div>
  );
}

function inWords(ended: Ended): string {
  const parts = ends.filter((end) => ended[end] > 0).map((end) => `${ended[end]} ${words[end]}`);
  return parts.length === 0 ? 'nothing was due' : parts.join(', ');
}

function CellBar({ ended }: { readonly ended: Ended }) {
  return (
    <span className="cell-bar" aria-hidden="true">
      {ends.map(
        (end) =>
          ended[end] > 0 && <i key={end} className={`ended-${end}`} style={{ flexGrow: ended[end] }} />,
      )}
    </span>
  );
}

function CellLines({ cell, lines }: { readonly cell: Cell; readonly lines: readonly WireLedgerLine[] }) {
  const within = lines.filter(
    ({ from, to }) => Date.parse(to) >= cell.fromMs && Date.parse(from) < cell.toMs,
  );
  if (within.length === 0) return <p className="empty">Nothing was due then.</p>;
  return (
    <div className="table-scroll">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Due</th>
            <th scope="col">Became</th>
            <th scope="col">Why</th>
            <th scope="col">Run</th>
          </tr>
        </thead>
        <tbody>
          {within.slice(0, mostLines).map(({ from, to, count, more, end, reason, run }) => (
            <tr key={from}>
              <td>
                <Exact at={from} />
                {count > 1 && (
                  <span className="muted">
                    {' '}
                    to <Exact at={to} />, {count}
                    {more ? ' or more' : ''}
                  </span>
                )}
              </td>
              <td>
                <i className={`ended-mark ended-${end}`} aria-hidden="true" /> {words[end]}
              </td>
              <td className="muted">{reason}</td>
              <td>{run !== null && <Link href={`/runs/${run}`}>See the run</Link>}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {within.length > mostLines && (
        <p className="empty">
          The first {mostLines} of {within.length}.
        </p>
      )}
    </div>
  );
}
