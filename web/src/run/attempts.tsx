/** The attempts of a run: where each was launched, under which name, and how it ended. */

import type { WireAttempt, WireRun } from '../../../src/api/wire/schema.ts';
import { Exact } from '../parts/instant.tsx';
import { Panel } from '../parts/panel.tsx';
import { TableScroll } from '../parts/table-scroll.tsx';
import { duration, memory } from '../parts/time.ts';

export function Attempts({ run }: { readonly run: WireRun }) {
  if (run.attempts.length === 0) return null;
  const isMeasured = run.attempts.some(({ cpuMs }) => cpuMs !== null);
  const hasDisk = run.attempts.some(({ readBytes }) => readBytes !== null);
  return (
    <Panel title={run.attempts.length === 1 ? 'Attempt' : 'Attempts'}>
      <TableScroll className="attempts">
        <table className="table">
          <thead>
            <tr>
              <th scope="col" className="number">
                No.
              </th>
              <th scope="col">Launched as</th>
              <th scope="col">Started</th>
              <th scope="col" className="number">
                Duration
              </th>
              {isMeasured && (
                <>
                  <th scope="col" className="number">
                    CPU time
                  </th>
                  <th scope="col" className="number">
                    Peak memory
                  </th>
                </>
              )}
              {hasDisk && (
                <>
                  <th scope="col" className="number" title="From disks, not from caches">
                    Read
                  </th>
                  <th scope="col" className="number" title="To disks">
                    Written
                  </th>
                </>
              )}
              <th scope="col" className="number">
                Exit code
              </th>
              <th scope="col" className="wide">
                Reason
              </th>
            </tr>
          </thead>
          <tbody>
            {/* Newest first: it is the one that counts. */}
            {run.attempts.toReversed().map((attempt) => (
              <Line key={attempt.number} attempt={attempt} isMeasured={isMeasured} hasDisk={hasDisk} />
            ))}
          </tbody>
        </table>
      </TableScroll>
    </Panel>
  );
}

interface LineProps {
  readonly attempt: WireAttempt;
  readonly isMeasured: boolean;
  readonly hasDisk: boolean;
}

function Line({ attempt, isMeasured, hasDisk }: LineProps) {
  const { number, engine, host, launchName, image, startedAt, endedAt, exitCode, reason } = attempt;
  const isExternal = engine === 'external';
  const took = startedAt === null || endedAt === null ? null : Date.parse(endedAt) - Date.parse(startedAt);
  return (
    <tr>
      <td className="number">{number}</td>
      <td>
        {isExternal ? 'By somebody else' : <code className="nowrap">{launchName}</code>}
        <div className="muted">
          {!isExternal && engine}
          {host !== null && !isExternal && ` on ${host}`}
          {image !== null && `, ${image}`}
        </div>
      </td>
      <td>
        {startedAt === null ? (
          <span className="faint">{isExternal ? 'not reported' : 'not started'}</span>
        ) : (
          <Exact at={startedAt} />
        )}
      </td>
      <td className="number">{duration(took)}</td>
      {isMeasured && (
        <>
          <td className="number">
            <Used text={duration(attempt.cpuMs)} attempt={attempt} />
          </td>
          <td className="number">
            <Used text={memory(attempt.peakMemoryBytes)} attempt={attempt} />
          </td>
        </>
      )}
      {hasDisk && (
        <>
          <td className="number">{memory(attempt.readBytes)}</td>
          <td className="number">{memory(attempt.writtenBytes)}</td>
        </>
      )}
      <td className={`number ${exitCode !== null && exitCode !== 0 ? 'tone-fail' : ''}`}>
        {exitCode ?? '–'}
      </td>
      <td className="wide muted">{reason}</td>
    </tr>
  );
}

/** A lower bound says so, and until when it was measured. */
function Used({ text, attempt: { usageUntil } }: { readonly text: string; readonly attempt: WireAttempt }) {
  if (usageUntil === null || text === '–') return text;
  return <span title={`Measured at ${usageUntil}. What was used later is missing.`}>≥ {text}</span>;
}
