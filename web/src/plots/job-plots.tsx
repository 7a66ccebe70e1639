/** The plots of one job, for its page. */

import { useQuery } from '@tanstack/react-query';
import { Panel } from '../parts/panel.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Distribution } from './distribution.tsx';
import { PercentileDays } from './percentile-days.tsx';
import './plots.css';
import { daysQuery, distributionQuery } from './queries.ts';

const measures = [
  ['runTime', 'Run time by day'],
  ['startLateness', 'Start lateness by day'],
] as const;

export default function JobPlots({ name }: { readonly name: string }) {
  const days = useQuery(daysQuery(name));
  const distribution = useQuery(distributionQuery(name));
  const error = days.error ?? distribution.error;
  if (error !== null) return <ProblemNote error={error} />;
  return (
    <div className="plot-grid">
      {measures.map(([measure, title]) => (
        <Panel key={measure} title={title}>
          <div className="panel-body">
            {days.data === undefined ? (
              <div className="chart-pending" />
            ) : (
              <PercentileDays days={days.data.days} measure={measure} />
            )}
          </div>
        </Panel>
      ))}
      <Panel className="plot-wide" title="Distribution of run times">
        <div className="panel-body">
          {distribution.data === undefined ? (
            <div className="chart-pending" />
          ) : (
            <Distribution distribution={distribution.data} />
          )}
        </div>
      </Panel>
    </div>
  );
}
