/** Past and upcoming hours: ended, running, late and upcoming runs with their usual duration. */

import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { WireTimeline } from '../../../src/api/wire/plots.ts';
import { instantIn } from '../parts/address-values.ts';
import { Choices } from '../parts/choices.tsx';
import { Icon } from '../parts/icon.tsx';
import { useNow } from '../parts/now.ts';
import { Panel } from '../parts/panel.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { useQueryState } from '../parts/query-state.ts';
import { clockTime, dateTime } from '../parts/time.ts';
import { GanttCanvas } from './gantt-canvas.tsx';
import { rowsOf } from './gantt-rows.ts';
import { BarTable } from './gantt-table.tsx';
import { shifted, windowOf } from './gantt-window.ts';
import { timelineQuery } from './queries.ts';

const hourMs = 3_600_000;
const spans = [
  { name: '15min', text: '15 min', ms: hourMs / 4 },
  { name: '1h', text: '1 h', ms: hourMs },
  { name: '3h', text: '3 h', ms: 3 * hourMs },
  { name: '12h', text: '12 h', ms: 12 * hourMs },
  { name: '24h', text: '24 h', ms: 24 * hourMs },
] as const;
export function Gantt() {
  const [parameters, change] = useQueryState();
  const span = spans.find(({ name }) => name === parameters.get('span')) ?? spans[1];
  const q = parameters.get('q') ?? '';
  const now = useNow();
  const until = instantIn(parameters.get('until'));
  const window = windowOf(span.ms, until, now);
  const { from, to } = window;
  const iso = (ms: number) => new Date(ms).toISOString();
  const { data, error } = useQuery(timelineQuery({ from: iso(from), to: iso(to), q }));
  return (
    <Panel
      title={until === null ? 'Past and upcoming hours' : `Until ${dateTime(to).slice(0, 16)}`}
      aside={
        <div className="actions">
          <button
            type="button"
            className="icon-button"
            aria-label="Earlier"
            onClick={() => change({ until: shifted(window, 'earlier', now) })}
          >
            <Icon name="left" />
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label="Later"
            disabled={until === null}
            onClick={() => change({ until: shifted(window, 'later', now) })}
          >
            <Icon name="right" />
          </button>
          {until !== null && (
            <button type="button" className="button button-small" onClick={() => change({ until: null })}>
              Now
            </button>
          )}
          <input
            type="search"
            className="input gantt-filter"
            placeholder="Filter jobs…"
            aria-label="Filter by job name or owner"
            value={q}
            onChange={({ target }) => change({ q: target.value })}
          />
          <Choices
            className="gantt-spans"
            name="Period"
            choices={spans.map(({ name, text }) => [name, text] as const)}
            isChosen={(name) => name === span.name}
            onChoose={(name) => change({ span: name })}
          />
        </div>
      }
    >
      <div className="panel-body">
        {error !== null && data === undefined && <ProblemNote error={error} />}
        {error === null && data === undefined && <div className="gantt-pending" />}
        {data !== undefined && <Rows timeline={data} window={window} now={now} />}
      </div>
    </Panel>
  );
}

interface RowsProps {
  readonly timeline: WireTimeline;
  readonly window: { readonly from: number; readonly to: number };
  readonly now: number;
}

function Rows({ timeline, window, now }: RowsProps) {
  const rows = useMemo(() => rowsOf(timeline.bars, Date.parse(timeline.now)), [timeline]);
  const { bars, cutBefore, cutAfter } = timeline;
  const count = (kind: WireTimeline['bars'][number]['kind']) =>
    bars.filter((bar) => bar.kind === kind).length;
  const late = bars.filter((bar) => bar.late).length;
  const summary =
    `${count('ended')} ended, ${count('unfinished')} in progress, ${count('coming')} upcoming, ${late} ` +
    'late.';
  return (
    <figure className="chart">
      {rows.length === 0 ? (
        <p className="empty">No runs in this period.</p>
      ) : (
        <GanttCanvas rows={rows} window={window} now={now} label={summary} />
      )}
      <figcaption>
        <p>
          {summary}
          {cutBefore !== null &&
            ` Runs due before ${clockTime(Date.parse(cutBefore))} are omitted, because there are too many.`}
          {cutAfter !== null &&
            ` Runs due after ${clockTime(Date.parse(cutAfter))} are omitted, because there are too many.`}
        </p>
        {bars.length > 0 && (
          <details>
            <summary>Show as table</summary>
            <BarTable bars={bars} />
          </details>
        )}
      </figcaption>
    </figure>
  );
}
