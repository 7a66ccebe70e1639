/** The plots of one job, for its page. */

import { useQuery } from '@tanstack/react-query';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Distribution } from './distribution.tsx';
import { PercentileDays } from './percentile-days.tsx';
import './plots.css';
import { daysQuery, distributionQuery } from './queries.ts';

export default function JobPlots({ name }: { readonly name: string }) {
  const days = useQuery(daysQuery(name));
  const distribution = useQuery(distributionQuery(name));
  const error = days.error ?? distribution.error;
  if (error !== null) return <ProblemNote error={error} />;
  return (
    <div className="plot-grid">
      <section className="panel">
        <div className="panel-head">
          <h2>Run time by day</h2>
        </div>
        <div className="panel-body">
          {days.data === undefined ? (
            <div className="chart-pending" />
          ) : (
            <PercentileDays days={days.data.days} measure="runTime" />
          )}
        </div>
      </section>
      <section className="panel">
        <div className="panel-head">
          <h2>Start lateness by day</h2>
        </div>
        <div className="panel-body">
          {days.data === undefined ? (
            <div className="chart-pending" />
          ) : (
            <PercentileDays days={days.data.days} measure="startLateness" />
          )}
        </div>
      </section>
      <section className="panel plot-wide">
        <div className="panel-head">
          <h2>How long it takes</h2>
        </div>
        <div className="panel-body">
          {distribution.data === undefined ? (
            <div className="chart-pending" />
          ) : (
            <Distribution distribution={distribution.data} />
          )}
        </div>
      </section>
    </div>
  );
}
