/** Jobs that become due within the next hour. */

import { Link } from 'wouter';
import type { WireOverview } from '../../../src/api/wire/plots.ts';
import { Instant, Relative } from '../parts/instant.tsx';
import { Panel } from '../parts/panel.tsx';
import { duration } from '../parts/time.ts';
import { Rest } from './rest.tsx';

const shown = 10;

export function NextHour({ next: { total, items } }: { readonly next: WireOverview['nextHour'] }) {
  const first = items.slice(0, shown);
  return (
    <Panel title="Next hour" aside={<span className="aside muted">duration (p50, p95)</span>}>
      {first.length === 0 ? (
        <p className="empty">No jobs are due within the next hour.</p>
      ) : (
        <ul className="lines-list">
          {first.map(({ job, due, p50Ms, p95Ms }) => (
            <li key={job}>
              <Link href={`/jobs/${job}`}>{job}</Link>
              <span className="nowrap">
                <Instant at={due} />{' '}
                <span className="muted">
                  <Relative at={due} />
                </span>
              </span>
              <span className="muted nowrap line-end">
                {p50Ms === null ? '' : `${duration(p50Ms)}, ${duration(p95Ms)}`}
              </span>
            </li>
          ))}
        </ul>
      )}
      <Rest shown={first.length} total={total} to="/jobs?sort=nextDue" />
    </Panel>
  );
}
