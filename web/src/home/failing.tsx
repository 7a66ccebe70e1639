/** Failing jobs: number of failures, reason, and downstream jobs. */

import { Link } from 'wouter';
import type { WireOverview } from '../../../src/api/wire/plots.ts';
import { Relative } from '../parts/instant.tsx';
import { Panel } from '../parts/panel.tsx';
import { Reason } from '../parts/reason.tsx';
import { JobMark } from '../parts/state-mark.tsx';
import { TableScroll } from '../parts/table-scroll.tsx';
import { Rest } from './rest.tsx';
import { HangsOnIt, TroubledJob } from './trouble.tsx';

const shown = 6;

export function Failing({ failing: { total, items } }: { readonly failing: WireOverview['failing'] }) {
  const first = items.slice(0, shown);
  return (
    <Panel title={<JobMark look="failing" />}>
      <TableScroll>
        <table className="table trouble stacked">
          <thead>
            <tr>
              <th scope="col">Job</th>
              <th scope="col">Reason</th>
              <th scope="col">Failed runs</th>
              <th scope="col">Last</th>
              <th scope="col">Downstream jobs</th>
            </tr>
          </thead>
          <tbody>
            {first.map(({ job, owner, consecutiveFailures, last, reason, why, dependents }) => (
              <tr key={job}>
                <TroubledJob job={job} owner={owner} />
                <td data-label="Reason" className="trouble-why">
                  <Reason why={why} text={reason ?? last?.state ?? ''} job={job} />
                </td>
                <td data-label="Failed runs" className="nowrap">
                  {consecutiveFailures} in a row
                </td>
                <td data-label="Last" className="nowrap">
                  {last !== null && (
                    <Link href={`/runs/${last.id}`}>
                      <Relative at={last.endedAt} />
                    </Link>
                  )}
                </td>
                <HangsOnIt job={job} dependents={dependents} />
              </tr>
            ))}
          </tbody>
        </table>
      </TableScroll>
      <Rest shown={first.length} total={total} to="/jobs?state=failing&sort=failures&order=desc" />
    </Panel>
  );
}
