/** Runs per minute by end state, stacked, with failures at the bottom where they are visible. */

import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import uPlot from 'uplot';
import type { WireRate } from '../../../src/api/wire/plots.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { clockTime } from '../parts/time.ts';
import { Chart } from './chart.tsx';
import { axis, type ChartColours } from './colours.ts';
import { rateQuery } from './queries.ts';
import { stacked } from './stack.ts';

const step = 'PT1M';

export function Rate() {
  const { data, error } = useQuery(rateQuery(step));
  if (data === undefined)
    return error === null ? <div className="chart-pending" /> : <ProblemNote error={error} />;
  return <Stacks rate={data} />;
}

const bands = [
  { label: 'Failed', colour: 'fail' },
  { label: 'Missed', colour: 'late' },
  { label: 'Skipped', colour: 'wait' },
  { label: 'Succeeded', colour: 'ok' },
  { label: 'In progress', colour: 'run' },
] as const;

function countsOf({ ended, unfinished }: WireRate['steps'][number]): number[] {
  const sum = (...states: string[]) => states.reduce((total, state) => total + (ended[state] ?? 0), 0);
  return [
    sum('failed', 'killed', 'timed-out', 'lost'),
    sum('missed'),
    sum('skipped'),
    sum('succeeded'),
    unfinished,
  ];
}

function Stacks({ rate }: { readonly rate: WireRate }) {
  const rows = useMemo(() => rate.steps.map(countsOf), [rate]);
  const data = useMemo<uPlot.AlignedData>(() => {
    const times = rate.steps.map(({ at }) => Date.parse(at) / 1_000);
    // Drawn from the highest sum to the lowest: each covers the lower part of the previous one.
    return [times, ...stacked(rows, bands.length).reverse()];
  }, [rate, rows]);
  const totals = bands.map((_, band) => rows.reduce((sum, row) => sum + row[band]!, 0));
  const all = totals.reduce((sum, each) => sum + each, 0);
  const summary = `${all} runs were due in the last hour: ${bands
    .map(({ label }, band) => `${totals[band]} ${label.toLowerCase()}`)
    .join(
      ', ',
    )}.${rate.complete ? '' : ` Only those due since ${clockTime(Date.parse(rate.knownFrom))} are counted completely.`}`;
  return (
    <Chart
      summary={summary}
      height={180}
      data={data}
      options={options}
      table={
        <table className="table">
          <thead>
            <tr>
              <th>Minute</th>
              {bands.map(({ label }) => (
                <th key={label} className="number">
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rate.steps.map(({ at }, i) => (
              <tr key={at}>
                <td>{clockTime(Date.parse(at)).slice(0, 5)}</td>
                {bands.map(({ label }, band) => (
                  <td key={label} className="number">
                    {rows[i]![band]}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      }
    />
  );
}

const options = (colours: ChartColours): Omit<uPlot.Options, 'width' | 'height'> => ({
  scales: { y: { range: (_, __, most) => [0, Math.max(1, most) * 1.08] } },
  series: [
    { label: 'Minute', value: (_, value) => (value === null ? '–' : clockTime(value * 1_000).slice(0, 5)) },
    ...[...bands].reverse().map(
      ({ label, colour }, i): uPlot.Series => ({
        label,
        width: 0,
        fill: colours[colour],
        paths: uPlot.paths.bars!({ size: [0.8, 40] }),
        points: { show: false },
        // The band's own count, not the sum up to it.
        value: (plot, value, series, index) => {
          const below = index === null ? 0 : ((plot.data[series + 1]?.[index] as number | undefined) ?? 0);
          return value === null ? '–' : String(value - (i === bands.length - 1 ? 0 : below));
        },
      }),
    ),
  ],
  axes: [
    axis(colours, (seconds) => clockTime(seconds * 1_000).slice(0, 5), { grid: { show: false }, space: 60 }),
    axis(colours, String, { size: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, 10_000] }),
  ],
  cursor: { y: false },
});
