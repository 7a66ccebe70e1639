/**
 * The ledger's part of the verdict: every due instant lies in exactly one line, the line says what the runs
 * say, and an instant that did not run did not because the job's policy allows it.
 */

import { beginBy } from './calm.ts';
import { type Evidence, scheduledRuns, violation } from './evidence.ts';
import { type ChaosJob, instantsOf, type LedgerRecord, type RunRecord, type Violation } from './history.ts';

/** What is seen within this long is on time, whatever the catch-up policy: as the scheduler promises. */
const ON_TIME_MS = 5_000;

export const isCaughtUp = ({ createdAt, due }: RunRecord): boolean => createdAt - due > ON_TIME_MS;

export function checkLedger(evidence: Evidence, job: ChaosJob): Violation[] {
  const lines = evidence.ledgerOf.get(job.name) ?? [];
  const runs = scheduledRuns(evidence, job);
  // A child's instants are those of the runs it has.
  const instants = job.schedule.kind === 'after' ? [...runs.keys()] : instantsOf(job);
  const found: Violation[] = [];
  for (const due of instants) {
    const about = { job: job.name, due };
    const holding = lines.filter(({ from, to }) => from <= due && due <= to);
    const [line] = holding;
    const said = holding.map(({ end, run, reason }) => `${end} ${run ?? reason ?? ''}`.trim()).join(', ');
    if (holding.length !== 1)
      found.push(violation('ledger', about, `it is in ${holding.length} ledger lines (${said})`));
    else if (line !== undefined) {
      const fault = wrongLine(evidence, job, due, line);
      if (fault !== null) found.push(violation('ledger', about, `the ledger says ${said}: ${fault}`));
    }
  }
  if (job.schedule.kind !== 'repeat') return found;
  for (const line of lines) {
    const counted = instants.filter((due) => line.from <= due && due <= line.to).length;
    if (counted !== line.count)
      found.push(
        violation(
          'ledger',
          { job: job.name, due: line.from },
          `a line counts ${line.count} instants where there are ${counted}`,
        ),
      );
  }
  return found;
}

/** What is wrong with the only line of an instant; null when nothing is. */
function wrongLine(evidence: Evidence, job: ChaosJob, due: number, line: LedgerRecord): string | null {
  const run = scheduledRuns(evidence, job).get(due);
  switch (line.end) {
    case 'ran':
      if (run === undefined || line.run !== run.id)
        return `the run of this instant is ${run?.id ?? 'unknown'}`;
      return run.state === line.state ? null : `the run is ${run.state}, and the line says ${line.state}`;
    case 'skipped':
      return wrongSkip(evidence, job, due);
    case 'missed':
      if (job.catchUp !== 'none') return `catch-up is ${job.catchUp}`;
      return wasDelayed(evidence, job, due) ? null : 'nothing kept it from being on time';
    case 'caught-up': {
      if (job.catchUp !== 'latest') return `catch-up is ${job.catchUp}`;
      if (line.run === null || !evidence.runs.has(line.run)) return 'the run that caught it up is not known';
      return wasDelayed(evidence, job, due) ? null : 'nothing kept it from being on time';
    }
  }
}

/** Skipped is allowed while another run of the job was under way, and where a parent was lost. */
function wrongSkip(evidence: Evidence, job: ChaosJob, due: number): string | null {
  const run = scheduledRuns(evidence, job).get(due);
  if (job.schedule.kind === 'after') {
    const lost = (run?.parents ?? []).some((id) => evidence.runs.get(id)?.state !== 'succeeded');
    return lost ? null : 'its parents succeeded';
  }
  if (job.overlap !== 'skip') return `overlap is ${job.overlap}`;
  const at = run?.createdAt ?? due;
  const under = (evidence.runsOf.get(job.name) ?? []).some(
    (other) => other.due !== due && other.createdAt <= at && (other.endedAt ?? Infinity) >= at - 1,
  );
  return under ? null : 'no other run of it was under way';
}

function wasDelayed(evidence: Evidence, job: ChaosJob, due: number): boolean {
  return beginBy(due, evidence.disturbed(job), evidence.history.bounds) > due + ON_TIME_MS;
}
