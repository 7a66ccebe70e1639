/** Late jobs: reason, since when, downstream jobs, expected end, and downstream end. */

import { Link } from 'wouter';
import type { WireOverview } from '../../../src/api/wire/plots.ts';
import { Done } from '../parts/done.tsx';
import { Instant, Relative } from '../parts/instant.tsx';
import { Panel } from '../parts/panel.tsx';
import { Reason } from '../parts/reason.tsx';
import { JobMark } from '../parts/state-mark.tsx';
import { TableScroll } from '../parts/table-scroll.tsx';
import { Rest } from './rest.tsx';
import { HangsOnIt, TroubledJob } from './trouble.tsx';

/** As many as fit; the job list has all. */
const shown = 8;

export function LateJobs({ late: { total, items } }: { readonly late: WireOverview['late'] }) {
  const first = items.slice(0, shown);
  return (
    <Panel className="panel-late" title={<JobMark look="late" />}>
      <TableScroll>
        <table className="table trouble stacked">
          <thead>
            <tr>
              <th scope="col">Job</th>
              <th scope="col">Reason</th>
              <th scope="col">Since</th>
              <th scope="col">Downstream jobs</th>
              <th scope="col">Expected end</th>
              <th scope="col">Downstream end</th>
            </tr>
          </thead>
          <tbody>
            {first.map(({ job, owner, reason, why, since, run, dependents, done, allDone }) => (
              <tr key={job}>
                <TroubledJob job={job} owner={owner} />
                <td data-label="Reason" className="trouble-why">
                  <p>
                    <Reason why={why} text={reason} job={job} />
                    {run !== null && (
                      <>
                        {' '}
                        <Link href={`/runs/${run}`}>Show the run</Link>
                      </>
                    )}
                  </p>
                </td>
                <td data-label="Since" className="nowrap">
                  <Relative at={since} />
                  <small>
                    <Instant at={since} />
                  </small>
                </td>
                <HangsOnIt job={job} dependents={dependents} />
                <td data-label="Expected end" className="nowrap">
                  <Done forecast={done} />
                </td>
                <td data-label="Downstream end" className="nowrap">
                  {dependents === 0 ? <span className="faint">–</span> : <Done forecast={allDone} />}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableScroll>
      <Rest shown={first.length} total={total} to="/jobs?state=late" />
    </Panel>
  );
}
