/** What the installation did and will do, plotted: hours as bars, runs per minute, the slowest and most failing. */

import { usePageTitle } from '../parts/page-title.ts';
import { Gantt } from './gantt.tsx';
import './plots.css';
import { Rate } from './rate.tsx';
import { TopJobs } from './top-jobs.tsx';

export default function PlotsPage() {
  usePageTitle('Plots');
  return (
    <main className="page" id="main" tabIndex={-1}>
      <div className="page-head">
        <h1>Plots</h1>
      </div>
      <Gantt />
      <section className="panel">
        <div className="panel-head">
          <h2>Runs per minute</h2>
          <span className="aside muted">the last hour, by due instant</span>
        </div>
        <div className="panel-body">
          <Rate />
        </div>
      </section>
      <div className="plot-grid">
        <section className="panel">
          <div className="panel-head">
            <h2>Slowest jobs</h2>
            <span className="aside muted">p95 of the run time, all time</span>
          </div>
          <div className="panel-body">
            <TopJobs by="p95" />
          </div>
        </section>
        <section className="panel">
          <div className="panel-head">
            <h2>Most failing jobs</h2>
            <span className="aside muted">failed of all runs, all time</span>
          </div>
          <div className="panel-body">
            <TopJobs by="failures" />
          </div>
        </section>
      </div>
    </main>
  );
}
