/** Runs as a table: state, due time, start lateness, duration and reason. */

import { Link } from 'wouter';
import type { WireRun } from '../../../src/api/wire/schema.ts';
import { Exact } from './instant.tsx';
import { useNow } from './now.ts';
import { Reason } from './reason.tsx';
import { RunMark } from './state-mark.tsx';
import { TableScroll } from './table-scroll.tsx';
import { duration } from './time.ts';

interface Props {
  /** Null: not loaded yet. */
  readonly runs: readonly WireRun[] | null;
  readonly showJob?: boolean;
  /** Shown if there are no runs. */
  readonly none?: string;
}

export function RunTable({ runs, showJob = false, none = 'No runs match.' }: Props) {
  if (runs === null) return <div className="table-pending" />;
  if (runs.length === 0) return <p className="empty">{none}</p>;
  return (
    <TableScroll>
      <table className="table run-table">
        <thead>
          <tr>
            <th scope="col">State</th>
            {showJob && <th scope="col">Job</th>}
            <th scope="col">Due</th>
            <th scope="col" className="number">
              Late
            </th>
            <th scope="col" className="number">
              Duration
            </th>
            <th scope="col" className="wide">
              Reason
            </th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.id}>
              <td className="cell-state">
                <RunMark state={run.state} />
              </td>
              {showJob && (
                <td className="cell-job">
                  <Link href={`/jobs/${run.job}`}>{run.job}</Link>
                </td>
              )}
              <td className="cell-due">
                <Link href={`/runs/${run.id}`}>
                  <Exact at={run.due} />
                </Link>
              </td>
              <td className="number cell-late">{duration(run.lateMs)}</td>
              <td className="number cell-took">
                <Took run={run} />
              </td>
              <td className="wide muted cell-why">
                <Why run={run} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableScroll>
  );
}

function Took({ run }: { readonly run: WireRun }) {
  const now = useNow();
  const started = run.attempts.at(-1)?.startedAt ?? null;
  if (run.runMs !== null || started === null || run.endedAt !== null) return duration(run.runMs);
  return <span className="tone-run">{duration(now - Date.parse(started))}</span>;
}

function Why({ run }: { readonly run: WireRun }) {
  const circumstances = circumstancesOf(run).join(', ');
  return (
    <>
      {circumstances}
      {circumstances !== '' && run.reason !== null && ', '}
      {run.reason !== null && <Reason why={run.why} text={run.reason} job={run.job} />}
    </>
  );
}

function circumstancesOf({ trigger, attempts }: WireRun): string[] {
  const parts: string[] = [];
  if (trigger.kind === 'manual') parts.push(`triggered by ${trigger.by ?? 'unknown'}`);
  if (trigger.kind === 'rerun') parts.push(`rerun by ${trigger.by ?? 'unknown'}`);
  if (attempts.length > 1) parts.push(`${attempts.length} attempts`);
  return parts;
}
