/**
 * The canvas of the Gantt chart: as wide as its container, scrolling by rows, with a text for the bar under
 * the pointer.
 */

import { useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { clockTime, duration } from '../parts/time.ts';
import { chartColours } from './colours.ts';
import { axisHeight, barAt, drawGantt, type GanttPicture, rowHeight } from './gantt-draw.ts';
import type { Bar, Row } from './gantt-rows.ts';
import { stateText } from './gantt-table.tsx';

const mostHeight = 560;

interface CanvasProps {
  readonly rows: readonly Row[];
  readonly window: { readonly from: number; readonly to: number };
  readonly now: number;
  readonly label: string;
}

export function GanttCanvas({ rows, window, now, label }: CanvasProps) {
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
      aria-label="Bars of all jobs; the table below has the same data"
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
  const { wire, due, ready, from, to, until } = bar;
  const left = Math.min(x + 12, width - 250);
  return (
    <div className="gantt-tip" style={{ left, top: y + scrolled + 16 }} aria-hidden="true">
      <strong>{wire.job}</strong>
      <span>{stateText(wire)}</span>
      <span className="muted">
        due {clockTime(due)}
        {from - ready > 1_000 && `, started ${duration(from - ready)} late`}
      </span>
      <span className="muted">
        {wire.kind === 'ended' && `took ${duration(to - from)}`}
        {wire.kind !== 'ended' && until > from && `usually takes ${duration(until - from)}`}
      </span>
    </div>
  );
}
