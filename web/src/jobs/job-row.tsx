// biome-ignore-all lint/a11y/useSemanticElements: cells of a table whose rows are placed one by one.
/** The cells of one job in the list. */

import { memo } from 'react';
import { Link } from 'wouter';
import type { WireJobRow } from '../../../src/api/wire/schema.ts';
import { Instant, Relative } from '../parts/instant.tsx';
import { JobMark } from '../parts/state-mark.tsx';
import { Strip } from '../parts/strip.tsx';
import { duration, shortTime, viewerZone } from '../parts/time.ts';

export const JobRow = memo(function JobRow({ row }: { readonly row: WireJobRow | null }) {
  if (row === null) {
    return (
      <span role="cell" className="row-pending">
        <span className="visually-hidden">Loading …</span>
      </span>
    );
  }
  const labels = Object.entries(row.labels);
  return (
    <>
      <span role="cell" className="cell-name">
        <Link href={`/jobs/${row.name}`}>{row.name}</Link>
        <small>{labels.map(([key, value]) => `${key}=${value}`).join('  ') || row.owner}</small>
      </span>
      <span role="cell" className="cell-schedule" title={row.scheduleText}>
        {row.scheduleText}
      </span>
      <span role="cell" className="cell-next">
        {row.nextDue === null ? (
          <span className="faint">–</span>
        ) : (
          <>
            <Relative at={row.nextDue} zone={row.timezone} />
            <small>
              <Instant at={row.nextDue} zone={row.timezone} />
              <OwnZone row={row} at={row.nextDue} />
            </small>
          </>
        )}
      </span>
      <span role="cell" className="cell-strip">
        <Strip runs={row.recent} />
      </span>
      <span role="cell" className="number cell-p50">
        {duration(row.p50Ms)}
      </span>
      <span role="cell" className="number cell-p95">
        {duration(row.p95Ms)}
      </span>
      <span role="cell" className="cell-state">
        <RowState row={row} />
      </span>
    </>
  );
});

function OwnZone({ row: { timezone }, at }: { readonly row: WireJobRow; readonly at: string }) {
  if (timezone === viewerZone) return null;
  const city = timezone.slice(timezone.lastIndexOf('/') + 1).replaceAll('_', ' ');
  return (
    <span className="faint">
      {' '}
      · {shortTime(Date.parse(at), timezone)} {city}
    </span>
  );
}

/** The most urgent state first. */
function RowState({ row }: { readonly row: WireJobRow }) {
  if (row.late !== null)
    return (
      <span title={row.late}>
        <JobMark look="late" />
      </span>
    );
  if (row.running > 0)
    return <JobMark look="running">{row.running > 1 ? `${row.running} running` : 'Running'}</JobMark>;
  if (row.status === 'disabled' || row.status === 'paused') {
    return (
      <span title={row.statusReason ?? ''}>
        <JobMark look={row.status} />
      </span>
    );
  }
  if (row.consecutiveFailures > 0)
    return <JobMark look="failing">{`Failing ×${row.consecutiveFailures}`}</JobMark>;
  if (row.waiting > 0) return <JobMark look="waiting" />;
  return <JobMark look={row.status} />;
}
