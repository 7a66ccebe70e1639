/** The outcome of every due time as a calendar. A cell opens its ledger entries. */

import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { WireLedgerLine } from '../../../src/api/wire/schema.ts';
import { ledgerQuery, nextQuery } from '../data/queries.ts';
import { choiceIn, millisecondsIn } from '../parts/address-values.ts';
import { Choices } from '../parts/choices.tsx';
import { failures, fateOf, fates } from '../parts/fate.ts';
import { Icon } from '../parts/icon.tsx';
import { Exact } from '../parts/instant.tsx';
import { useNow } from '../parts/now.ts';
import { Panel } from '../parts/panel.tsx';
import { ReadProblem } from '../parts/problem-note.tsx';
import { useQueryState } from '../parts/query-state.ts';
import { Reason } from '../parts/reason.tsx';
import { FateMark, fateWord } from '../parts/state-mark.tsx';
import { TableScroll } from '../parts/table-scroll.tsx';
import { calendarDay, clockTime } from '../parts/time.ts';
import {
  type Cell,
  cellsOf,
  type Fates,
  type Scale,
  scaleFor,
  scales,
  stretch,
  sumOf,
  total,
} from './calendar.ts';

/** Maximum entries shown per cell; the cell shows the total. */
const mostLines = 120;

export function Ledger({ name }: { readonly name: string }) {
  const now = useNow();
  const [parameters, change] = useQueryState();
  const { data: next } = useQuery(nextQuery(name, 2));
  const scale = choiceIn(parameters.get('scale'), scales) ?? scaleFor(gapOf(next?.instants ?? []));
  const at = millisecondsIn(parameters.get('at')) ?? now;
  const span = stretch(scale, at);
  const { data, error } = useQuery(
    ledgerQuery(name, { from: new Date(span.fromMs).toISOString(), to: new Date(span.toMs).toISOString() }),
  );
  const lines = data?.lines ?? [];
  const cells = cellsOf(scale, span, lines);
  const cell = millisecondsIn(parameters.get('cell'));
  const chosen = cells.find(({ fromMs }) => fromMs === cell) ?? null;
  const go = (by: number) => change({ at: String(stretch(scale, at, by).fromMs), cell: null });
  return (
    <Panel
      title={titleOf(scale, span.fromMs)}
      aside={
        <>
          <Legend counts={sumOf(cells)} />
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
              aria-label={`Previous ${scale}`}
              onClick={() => go(-1)}
            >
              <Icon name="left" />
            </button>
            <button
              type="button"
              className="icon-button"
              aria-label={`Next ${scale}`}
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
          There are too many due times to show: those after {clockTime(Date.parse(lines.at(-1)?.to ?? ''))}{' '}
          are omitted. Choose a finer scale.
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

const Legend = ({ counts }: { readonly counts: Fates }) => (
  <ul className="ledger-legend">
    {fates
      .filter((fate) => counts[fate] > 0)
      .map((fate) => (
        <li key={fate}>
          <FateMark fate={fate}>
            {counts[fate].toLocaleString('en')} {fateWord(fate).toLowerCase()}
          </FateMark>
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
          title={inWords(cell.counts)}
          onClick={() => onChoose(cell.fromMs)}
        >
          <span className="cell-head">
            <span>
              {cell.label}
              <span className="visually-hidden">: {inWords(cell.counts)}</span>
            </span>
            <Failures counts={cell.counts} />
          </span>
          <CellBar counts={cell.counts} />
        </button>
      ))}
    </div>
  );
}

function inWords(counts: Fates): string {
  const parts = fates
    .filter((fate) => counts[fate] > 0)
    .map((fate) => `${counts[fate]} ${fateWord(fate).toLowerCase()}`);
  return parts.length === 0 ? 'nothing recorded' : parts.join(', ');
}

/** Number of failed runs in the cell, with a shape if all failed the same way. */
function Failures({ counts }: { readonly counts: Fates }) {
  const count = total(counts, failures);
  if (count === 0) return null;
  const only = failures.find((fate) => counts[fate] === count) ?? 'failed';
  return (
    <span aria-hidden="true">
      <FateMark fate={only}>{count.toLocaleString('en')}</FateMark>
    </span>
  );
}

const CellBar = ({ counts }: { readonly counts: Fates }) => (
  <span className="cell-bar" aria-hidden="true">
    {fates.map(
      (fate) =>
        counts[fate] > 0 && <i key={fate} className={`fate-${fate}`} style={{ flexGrow: counts[fate] }} />,
    )}
  </span>
);

function CellLines({ cell, lines }: { readonly cell: Cell; readonly lines: readonly WireLedgerLine[] }) {
  const within = lines.filter(
    ({ from, to }) => Date.parse(to) >= cell.fromMs && Date.parse(from) < cell.toMs,
  );
  if (within.length === 0)
    return <p className="empty">No entries: nothing was due, or the entries are no longer kept.</p>;
  return (
    <TableScroll>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Due</th>
            <th scope="col">Outcome</th>
            <th scope="col">Reason</th>
            <th scope="col">Run</th>
          </tr>
        </thead>
        <tbody>
          {within.slice(0, mostLines).map((line) => (
            <LedgerRow key={line.from} line={line} />
          ))}
        </tbody>
      </table>
      {within.length > mostLines && (
        <p className="empty">
          The first {mostLines} of {within.length}.
        </p>
      )}
    </TableScroll>
  );
}

/** For a due time that was caught up or backfilled: how that run ended. */
const outcomeOf = ({ end, state }: WireLedgerLine): string | undefined =>
  (end === 'caught-up' || end === 'backfilled') && state !== null
    ? `${fateWord(end)}: ${fateWord(state).toLowerCase()}`
    : undefined;

function LedgerRow({ line }: { readonly line: WireLedgerLine }) {
  const { from, to, count, more, reason, run } = line;
  return (
    <tr>
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
        <FateMark fate={fateOf(line)}>{outcomeOf(line)}</FateMark>
      </td>
      <td className="muted">{reason !== null && <Reason why={line.why} text={reason} job={line.job} />}</td>
      <td>{run !== null && <Link href={`/runs/${run}`}>Show the run</Link>}</td>
    </tr>
  );
}
