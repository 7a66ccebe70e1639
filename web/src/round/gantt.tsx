/** The runs of a round as bars under each other, with lines along the critical path. */

import { useRef } from 'react';
import { Link } from 'wouter';
import { useSize } from '../grid/drawing.ts';
import { runTone, runWord } from '../parts/state-mark.tsx';
import { clockTime, duration } from '../parts/time.ts';
import type { Span } from './spans.ts';

const rowHeight = 26;
const barHeight = 12;
const leastWidth = 3;

interface Props {
  readonly spans: readonly Span[];
  readonly path: readonly string[];
  readonly extent: { readonly from: number; readonly to: number };
}

export function RoundGantt({ spans, path, extent }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  const x = (at: number): number =>
    ((at - extent.from) / (extent.to - extent.from)) * Math.max(0, width - 8) + 2;
  const height = spans.length * rowHeight;
  return (
    <div className="round-gantt">
      <ul>
        {spans.map(({ name, run, isCritical }) => (
          <li key={name} style={{ height: rowHeight }}>
            {run === null ? (
              <span className="muted">{name}</span>
            ) : (
              <Link href={`/runs/${run.id}`} className={isCritical ? 'round-critical' : undefined}>
                {name}
              </Link>
            )}
          </li>
        ))}
      </ul>
      <div ref={box}>
        <svg
          width={width}
          height={height}
          role="img"
          aria-label="Runs of the round in time; the table below has the same data"
        >
          {spans.map((span, row) => (
            <Bar key={span.name} span={span} x={x} y={row * rowHeight} />
          ))}
          <path className="round-path" d={linesAlong(spans, path, x)} />
        </svg>
        <p className="round-scale muted" aria-hidden="true">
          <span>{clockTime(extent.from)}</span>
          <span>{duration(extent.to - extent.from)}</span>
          <span>{clockTime(extent.to)}</span>
        </p>
      </div>
    </div>
  );
}

interface BarProps {
  readonly span: Span;
  readonly x: (at: number) => number;
  readonly y: number;
}

function Bar({ span: { name, run, ready, start, end, tookMs, isCritical }, x, y }: BarProps) {
  if (run === null) return null;
  const middle = y + rowHeight / 2;
  const tone = runTone(run.state);
  if (start === null || end === null) {
    // Skipped, or still waiting.
    return (
      <circle
        className={`tone-${tone}`}
        cx={x(ready ?? 0) + 4}
        cy={middle}
        r={3.5}
        fill="none"
        stroke="currentColor"
        strokeWidth={1.5}
      >
        <title>{`${name}: ${runWord(run.state)}`}</title>
      </circle>
    );
  }
  return (
    <g className={`tone-${tone}`}>
      <title>{`${name}: ${runWord(run.state)}, took ${duration(tookMs)}`}</title>
      {ready !== null && start > ready && (
        <rect
          x={x(ready)}
          y={middle - 1}
          width={x(start) - x(ready)}
          height={2}
          fill="currentColor"
          opacity={0.45}
        />
      )}
      <rect
        className={isCritical ? 'round-bar round-bar-critical' : 'round-bar'}
        x={x(start)}
        y={middle - barHeight / 2}
        width={Math.max(leastWidth, x(end) - x(start))}
        height={barHeight}
        rx={2}
      />
    </g>
  );
}

/** From the end of each job of the path down to the beginning of the next. */
function linesAlong(spans: readonly Span[], path: readonly string[], x: (at: number) => number): string {
  const rows = new Map(spans.map((span, row) => [span.name, { span, row }]));
  return path
    .slice(1)
    .map((name, index) => {
      const from = rows.get(path[index] ?? '');
      const to = rows.get(name);
      if (from?.span.end == null || to?.span.start == null) return '';
      const [x1, x2] = [x(from.span.end), x(to.span.start)];
      const [y1, y2] = [from.row * rowHeight + rowHeight / 2, to.row * rowHeight + rowHeight / 2];
      return `M${x1} ${y1}V${y2}H${x2}`;
    })
    .join('');
}
