/**
 * A plot: uPlot in the theme's colours, as wide as its container, with a text summary and a table for users
 * who cannot see it.
 */

import { type ReactNode, useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import './plots.css';
import { TableScroll } from '../parts/table-scroll.tsx';
import { type ChartColours, chartColours } from './colours.ts';

export interface ChartProps {
  /** A summary in one sentence. */
  readonly summary: string;
  readonly height?: number;
  readonly data: uPlot.AlignedData;
  /** Called again when the theme changes. Pass the same function as long as the plot is the same. */
  readonly options: (colours: ChartColours) => Omit<uPlot.Options, 'width' | 'height'>;
  readonly table: ReactNode;
}

export function Chart({ summary, height = 220, data, options, table }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const newest = useRef(data);
  newest.current = data;

  useEffect(() => {
    const element = place.current!;
    const make = () => {
      plot.current?.destroy();
      const size = { width: Math.max(1, element.clientWidth), height };
      const made = options(chartColours(element));
      plot.current = new uPlot(
        { ...made, ...size, hooks: { setLegend: [sayLast] } },
        newest.current,
        element,
      );
      sayLast(plot.current);
    };
    make();
    const sizes = new ResizeObserver(() =>
      plot.current?.setSize({ width: Math.max(1, element.clientWidth), height }),
    );
    sizes.observe(element);
    const theme = new MutationObserver(make);
    theme.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
      sizes.disconnect();
      theme.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [options, height]);

  useEffect(() => plot.current?.setData(data), [data]);

  return (
    <figure className="chart">
      <div ref={place} role="img" aria-label={summary} style={{ minHeight: height }} />
      <figcaption>
        <p>{summary}</p>
        <details>
          <summary>Show as table</summary>
          <TableScroll className="chart-table">{table}</TableScroll>
        </details>
      </figcaption>
    </figure>
  );
}

/** Without a pointer, the legend shows the newest values instead of none. */
function sayLast(plot: uPlot): void {
  const last = plot.data[0].length - 1;
  if (plot.legend.idx == null && last >= 0) plot.setLegend({ idx: last }, false);
}
