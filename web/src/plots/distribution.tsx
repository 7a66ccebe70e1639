/** The distribution of a job's run times. */

import { useMemo } from 'react';
import uPlot from 'uplot';
import type { WireRunDistribution } from '../../../src/api/wire/plots.ts';
import { duration } from '../parts/time.ts';
import { binsOf } from './bins.ts';
import { Chart } from './chart.tsx';
import { axis, type ChartColours, faded } from './colours.ts';

const mostBins = 40;

export function Distribution({ distribution }: { readonly distribution: WireRunDistribution }) {
  const bins = useMemo(() => binsOf(distribution.buckets, mostBins), [distribution]);
  const data = useMemo<uPlot.AlignedData>(
    () => [bins.map((_, i) => i), bins.map(({ count }) => count)],
    [bins],
  );
  const options = useMemo(() => {
    const edge = (at: number) => duration(Math.round(bins[Math.round(at)]?.fromMs ?? Number.NaN));
    return (colours: ChartColours) => optionsOf(colours, bins.length, edge);
  }, [bins]);
  const { count, p50, p95, max } = distribution.summary;
  if (count === 0) return <p className="empty">No runs counted yet.</p>;
  return (
    <Chart
      summary={
        `${count} runs: median ${duration(p50)}, 95th percentile ${duration(p95)}, maximum ` +
        `${duration(max)}.`
      }
      data={data}
      options={options}
      table={
        <table className="table">
          <thead>
            <tr>
              <th>From</th>
              <th>To</th>
              <th className="number">Runs</th>
            </tr>
          </thead>
          <tbody>
            {bins
              .filter((bin) => bin.count > 0)
              .map((bin) => (
                <tr key={bin.fromMs}>
                  <td>{duration(Math.round(bin.fromMs))}</td>
                  <td>{duration(Math.round(bin.toMs))}</td>
                  <td className="number">{bin.count}</td>
                </tr>
              ))}
          </tbody>
        </table>
      }
    />
  );
}

const optionsOf = (
  colours: ChartColours,
  bins: number,
  edge: (at: number) => string,
): Omit<uPlot.Options, 'width' | 'height'> => ({
  scales: {
    x: { time: false, range: [-0.5, bins - 0.5] },
    y: { range: (_, __, most) => [0, Math.max(1, most) * 1.08] },
  },
  series: [
    { label: 'From', value: (_, value) => (value === null ? '–' : edge(value)) },
    {
      label: 'Runs',
      stroke: colours.accent,
      width: 0,
      fill: faded(colours.accent, 75),
      paths: uPlot.paths.bars!({ size: [0.86, 60], radius: 0.15 }),
      points: { show: false },
    },
  ],
  axes: [
    axis(colours, edge, { grid: { show: false }, space: 80, incrs: [1, 2, 5, 10, 20] }),
    axis(colours, String, { size: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000, 100_000] }),
  ],
  cursor: { y: false },
});
