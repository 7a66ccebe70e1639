/** The last and the coming hours: what ran, what runs, what is late, and what is to come with its usual length. */

import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import type { WireTimeline } from '../../../src/api/schema-plots.ts';
import { useNow } from '../parts/now.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { useQueryState } from '../parts/query-state.ts';
import { type RunState, runWord } from '../parts/state-mark.tsx';
import { clockTime, duration, shortInstant } from '../parts/time.ts';
import { chartColours } from './colours.ts';
import { axisHeight, barAt, drawGantt, type GanttPicture, rowHeight } from './gantt-draw.ts';
import { type Bar, rowsOf } from './gantt-rows.ts';
import { timelineQuery } from './queries.ts';

const hourMs = 3_600_000;
/** Two thirds of each are past, one third is to come. */
const spans = [
  { name: '15min', text: '15 min', ms: hourMs / 4 },
  { name: '1h', text: '1 h', ms: hourMs },
  { name: '3h', text: '3 h', ms: 3 * hourMs },
  { name: '12h', text: '12 h', ms: 12 * hourMs },
  { name: '24h', text: '24 h', ms: 24 * hourMs },
] as const;
/** Asked for in steps of the window's fraction, so that the same answer serves for a while. */
const fractions = 60;
const mostHeight = 560;

export function Gantt() {
  const [parameters, change] = useQueryState();
  const span = spans.find(({ name }) => name === parameters.get('span')) ?? spans[1];
  const q = parameters.get('q') ?? '';
  const now = useNow();
  const grain = span.ms / fractions;
  const from = Math.floor((now - (span.ms * 2) / 3) / grain) * grain;
  const to = from + span.ms + grain;
  const iso = (ms: number) => new Date(ms).toISOString();
  const { data, error } = useQuery(timelineQuery({ from: iso(from), to: iso(to), q }));
  return (
    <section className="panel" aria-labelledby="gantt-title">
      <div className="panel-head">
        <h2 id="gantt-title">The last and the coming hours</h2>
        <div className="actions">
          <input
            type="search"
            className="input gantt-filter"
            placeholder="Only jobs with…"
            aria-label="Only jobs with this in their name or owner"
            value={q}
            onChange={({ target }) => change({ q: target.value })}
          />
          <fieldset className="gantt-spans" aria-label="How long a time">
            {spans.map(({ name, text }) => (
              <button
                key={name}
                type="button"
                aria-pressed={name === span.name}
                onClick={() => change({ span: name })}
              >
                {text}
              </button>
            ))}
          </fieldset>
        </div>
      </div>
      <div className="panel-body">
        {error !== null && data === undefined && <ProblemNote error={error} />}
        {error === null && data === undefined && <div className="gantt-pending" />}
        {data !== undefined && <Rows timeline={data} window={{ from, to }} now={now} />}
      </div>
    </section>
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
  const summary = `${count('ended')} ended, ${count('unfinished')} under way, ${count('coming')} to come, ${late} late.`;
  return (
    <figure className="chart">
      {rows.length === 0 ? (
        <p className="empty">Nothing in this time.</p>
      ) : (
        <Canvas rows={rows} window={window} now={now} label={summary} />
      )}
      <figcaption>
        <p>
          {summary}
          {cutBefore !== null &&
            ` Runs due before ${clockTime(Date.parse(cutBefore))} are left out: too many.`}
          {cutAfter !== null &&
            ` What is due after ${clockTime(Date.parse(cutAfter))} is left out: too much.`}
        </p>
        {bars.length > 0 && (
          <details>
            <summary>As a table</summary>
            <BarTable bars={bars} />
          </details>
        )}
      </figcaption>
    </figure>
  );
}

interface CanvasProps {
  readonly rows: ReturnType<typeof rowsOf>;
  readonly window: { readonly from: number; readonly to: number };
  readonly now: number;
  readonly label: string;
}

function Canvas({ rows, window, now, label }: CanvasProps) {
  const [, navigate] = useLocation();
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState({ width: 0, theme: 0 });
  const [scrolled, setScrolled] = useState(0);
  const [hovered, setHovered] = useState<{
    readonly bar: Bar;
    readonly x: number;
    readonly y: number;
  } | null>(null);
  const height = Math.min(mostHeight, axisHeight + rows.length * rowHeight + 4);
  const picture: GanttPicture = {
    rows,
    ...window,
    now,
    width: size.width,
    height,
    scrolled: Math.min(scrolled, Math.max(0, axisHeight + rows.length * rowHeight + 4 - height)),
    names: size.width < 600 ? 96 : 190,
    hovered: hovered?.bar ?? null,
  };

  useEffect(() => {
    const element = scroller.current!;
    const sizes = new ResizeObserver(() => setSize(({ theme }) => ({ width: element.clientWidth, theme })));
    sizes.observe(element);
    const theme = new MutationObserver(() => setSize((was) => ({ ...was, theme: was.theme + 1 })));
    theme.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
      sizes.disconnect();
      theme.disconnect();
    };
  }, []);

  useEffect(() => {
    const element = canvas.current!;
    element.width = Math.round(size.width * devicePixelRatio);
    element.height = Math.round(height * devicePixelRatio);
    const context = element.getContext('2d')!;
    context.scale(devicePixelRatio, devicePixelRatio);
    drawGantt(context, picture, chartColours(element));
  });

  const point = (event: { readonly clientX: number; readonly clientY: number }) => {
    const box = canvas.current!.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  return (
    <section
      ref={scroller}
      className="gantt"
      style={{ height }}
      aria-label="Bars of all jobs; the table below has the same"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keys
      tabIndex={0}
      onScroll={({ currentTarget }) => setScrolled(currentTarget.scrollTop)}
    >
      <div className="gantt-all" style={{ height: axisHeight + rows.length * rowHeight + 4 }}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={label}
          style={{ height, width: size.width }}
          className={hovered?.bar.wire.run != null ? 'gantt-link' : undefined}
          onPointerMove={(event) => {
            const at = point(event);
            const bar = barAt(picture, at.x, at.y);
            setHovered(bar === null ? null : { bar, ...at });
          }}
          onPointerLeave={() => setHovered(null)}
          onClick={(event) => {
            const at = point(event);
            const run = barAt(picture, at.x, at.y)?.wire.run;
            if (run != null) navigate(`/runs/${run}`);
          }}
        />
        {hovered !== null && <Tip {...hovered} width={size.width} scrolled={picture.scrolled} />}
      </div>
    </section>
  );
}

interface TipProps {
  readonly bar: Bar;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly scrolled: number;
}

function Tip({ bar, x, y, width, scrolled }: TipProps) {
  const { wire, due, from, to, until } = bar;
  const left = Math.min(x + 12, width - 250);
  return (
    <div className="gantt-tip" style={{ left, top: y + scrolled + 16 }} aria-hidden="true">
      <strong>{wire.job}</strong>
      <span>{stateText(wire)}</span>
      <span className="muted">
        due {clockTime(due)}
        {from - due > 1_000 && `, began ${duration(from - due)} later`}
      </span>
      <span className="muted">
        {wire.kind === 'ended' && `took ${duration(to - from)}`}
        {wire.kind !== 'ended' && until > from && `usually takes ${duration(until - from)}`}
      </span>
    </div>
  );
}

function stateText({ kind, state, late }: WireTimeline['bars'][number]): string {
  const word = kind === 'coming' || state === null ? 'To come' : runWord(state as RunState);
  return late ? `${word}, late` : word;
}

/** The table says what the picture shows; the list of runs has all. */
const mostRows = 200;

function BarTable({ bars }: { readonly bars: WireTimeline['bars'] }) {
  const now = Date.now();
  const at = (instant: string | null) => (instant === null ? '–' : shortInstant(Date.parse(instant), now));
  return (
    <div className="table-scroll chart-table">
      <table className="table">
        <thead>
          <tr>
            <th>Job</th>
            <th>State</th>
            <th>Due</th>
            <th>Began</th>
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
    </div>
  );
}
