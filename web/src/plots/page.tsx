/**
 * Plots of the installation: runs as bars over time, runs per minute, the slowest and the most failing jobs.
 */

import { usePageTitle } from '../parts/page-title.ts';
import { Panel } from '../parts/panel.tsx';
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
      <Panel title="Runs per minute" aside={<span className="aside muted">the last hour, by due time</span>}>
        <div className="panel-body">
          <Rate />
        </div>
      </Panel>
      <div className="plot-grid">
        <Panel
          title="Slowest jobs"
          aside={<span className="aside muted">p95 of the run time, all-time</span>}
        >
          <div className="panel-body">
            <TopJobs by="p95" />
          </div>
        </Panel>
        <Panel
          title="Most failing jobs"
          aside={<span className="aside muted">failed of all runs, all-time</span>}
        >
          <div className="panel-body">
            <TopJobs by="failures" />
          </div>
        </Panel>
      </div>
    </main>
  );
}
