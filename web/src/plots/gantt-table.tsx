/** The bars of the Gantt chart as a table, and their states as text. */

import { Link } from 'wouter';
import type { WireTimeline } from '../../../src/api/wire/plots.ts';
import { type RunState, runWord } from '../parts/state-mark.tsx';
import { TableScroll } from '../parts/table-scroll.tsx';
import { shortInstant } from '../parts/time.ts';

export function stateText({ kind, state, late }: WireTimeline['bars'][number]): string {
  const word = kind === 'coming' || state === null ? 'Upcoming' : runWord(state as RunState);
  return late ? `${word}, late` : word;
}

/** A limit for the table; the list of runs has all. */
const mostRows = 200;

export function BarTable({ bars }: { readonly bars: WireTimeline['bars'] }) {
  const now = Date.now();
  const at = (instant: string | null) => (instant === null ? '–' : shortInstant(Date.parse(instant), now));
  return (
    <TableScroll className="chart-table">
      <table className="table">
        <thead>
          <tr>
            <th>Job</th>
            <th>State</th>
            <th>Due</th>
            <th>Started</th>
            <th>Ended</th>
            <th>Expected end</th>
          </tr>
        </thead>
        <tbody>
          {bars.slice(-mostRows).map((bar) => (
            <tr key={`${bar.job} ${bar.run ?? bar.due}`}>
              <td>{bar.run === null ? bar.job : <Link href={`/runs/${bar.run}`}>{bar.job}</Link>}</td>
              <td>{stateText(bar)}</td>
              <td className="nowrap">{at(bar.due)}</td>
              <td className="nowrap">{bar.kind === 'coming' ? '–' : at(bar.start)}</td>
              <td className="nowrap">{at(bar.end)}</td>
              <td className="nowrap">{at(bar.expectedEnd)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {bars.length > mostRows && (
        <p className="muted">
          The last {mostRows} of {bars.length}.
        </p>
      )}
    </TableScroll>
  );
}
