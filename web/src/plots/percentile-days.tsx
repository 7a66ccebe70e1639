/** Percentiles of a job by day, computed from the histograms of each day. */

import { useMemo } from 'react';
import uPlot from 'uplot';
import type { WireRunDays } from '../../../src/api/wire/plots.ts';
import { duration } from '../parts/time.ts';
import { Chart } from './chart.tsx';
import { axis, type ChartColours, faded } from './colours.ts';

type Measure = 'runTime' | 'startLateness';

const shown = ['p50', 'p95', 'p99'] as const;
const titles: Record<Measure, string> = { runTime: 'Run time', startLateness: 'Start lateness' };

interface PercentileDaysProps {
  readonly days: WireRunDays['days'];
  readonly measure: Measure;
}

export function PercentileDays({ days, measure }: PercentileDaysProps) {
  const counted = useMemo(() => days.filter((day) => day[measure].count > 0), [days, measure]);
  const data = useMemo<uPlot.AlignedData>(() => {
    const before = leadIn(counted[0]?.day ?? '1970-01-01', counted.length);
    return [
      [...before, ...counted.map(({ day }) => Date.parse(day) / 1_000)],
      ...shown.map((name) => [...before.map(() => null), ...counted.map((day) => day[measure][name])]),
    ];
  }, [counted, measure]);
  const last = counted.at(-1);
  if (last === undefined) return <p className="empty">No runs counted yet.</p>;
  const summary =
    `${titles[measure]} on ${last.day}: median ${duration(last[measure].p50)}, 95th percentile ` +
    `${duration(last[measure].p95)}; ${counted.length} ${counted.length === 1 ? 'day' : 'days'}.`;
  return (
    <Chart
      summary={summary}
      data={data}
      options={options}
      table={
        <table className="table">
          <thead>
            <tr>
              <th>Day</th>
              <th className="number">Runs</th>
              {shown.map((name) => (
                <th key={name} className="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {counted.map((day) => (
              <tr key={day.day}>
                <td>{day.day}</td>
                <td className="number">{day[measure].count}</td>
                {shown.map((name) => (
                  <td key={name} className="number">
                    {duration(day[measure][name])}
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

function options(colours: ChartColours): Omit<uPlot.Options, 'width' | 'height'> {
  const line = (label: string, stroke: string, more: Partial<uPlot.Series> = {}): uPlot.Series => ({
    label,
    stroke,
    width: 2,
    // A single day has no line, so its point is drawn.
    points: { size: 5, fill: stroke, stroke },
    value: (_, value) => duration(value),
    ...more,
  });
  return {
    // Days are in UTC, here and on the server.
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC'),
    scales: { y: { range: (_, __, most) => [0, Math.max(1, most) * 1.08] } },
    series: [
      { label: 'Day', value: (_, value) => (value === null ? '–' : dayText(value)) },
      line('p50', colours.accent, { fill: faded(colours.accent, 10) }),
      line('p95', colours.late),
      line('p99', faded(colours.fail, 80), { width: 1.5, dash: [4, 4] }),
    ],
    axes: [
      axis(colours, dayText, {
        grid: { show: false },
        space: 70,
        incrs: [daySeconds, 2 * daySeconds, 7 * daySeconds],
      }),
      axis(colours, duration, { size: 68 }),
    ],
    cursor: { y: false, points: { size: 7 } },
  };
}

const daySeconds = 86_400;

/** Adds empty days before the first to fill a week: an axis of one day has no length. */
function leadIn(first: string, days: number): number[] {
  const seconds = Date.parse(first) / 1_000;
  return Array.from({ length: Math.max(0, 7 - days) }, (_, i) => seconds - (7 - days - i) * daySeconds);
}

const dayText = (seconds: number): string => new Date(seconds * 1_000).toISOString().slice(5, 10);
