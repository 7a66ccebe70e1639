/** Running runs with their estimated progress and expected end. */

import { Link } from 'wouter';
import type { WireOverview } from '../../../src/api/wire/plots.ts';
import { Done } from '../parts/done.tsx';
import { useNow } from '../parts/now.ts';
import { Panel } from '../parts/panel.tsx';
import { duration } from '../parts/time.ts';
import { Rest } from './rest.tsx';

const shown = 10;
const leastShare = 0.01;

type Item = WireOverview['running']['items'][number];

export function Running({ running: { total, items } }: { readonly running: WireOverview['running'] }) {
  const first = items.slice(0, shown);
  return (
    <Panel title="Running" aside={<span className="aside muted">expected end (p50 – p95)</span>}>
      {first.length === 0 ? (
        <p className="empty">No runs in progress.</p>
      ) : (
        <ul className="lines-list">
          {first.map((item) => (
            <Line key={item.run} item={item} />
          ))}
        </ul>
      )}
      <Rest shown={first.length} total={total} to="/runs?state=running&state=launching" />
    </Panel>
  );
}

function Line({ item: { job, run, startedAt, done } }: { readonly item: Item }) {
  const now = useNow();
  const started = startedAt === null ? null : Date.parse(startedAt);
  return (
    <li>
      <Link href={`/runs/${run}`}>{job}</Link>
      <span className="muted nowrap">
        {started === null ? 'starting' : duration(Math.max(0, now - started))}
      </span>
      <span className="nowrap line-end">
        <Done forecast={done} />
      </span>
      <Progress startedMs={started} doneMs={done === null ? null : Date.parse(done.p50)} nowMs={now} />
    </li>
  );
}

interface ProgressProps {
  readonly startedMs: number | null;
  readonly doneMs: number | null;
  readonly nowMs: number;
}

function Progress({ startedMs, doneMs, nowMs }: ProgressProps) {
  if (startedMs === null || doneMs === null) return null;
  const share = (nowMs - startedMs) / Math.max(1, doneMs - startedMs);
  // Below this width the bar looks like a speck of dirt.
  if (share < leastShare) return null;
  const width = `${Math.min(100, share * 100).toFixed(1)}%`;
  return (
    <span className="line-progress" aria-hidden="true">
      <i style={{ width }} />
    </span>
  );
}
