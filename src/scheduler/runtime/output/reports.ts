/**
 * A report about a run that somebody else runs: its output is kept, and what was given up is looked up in the archive, before
 * it is decided.
 */

import type { Asker } from '../../access/principal.ts';
import type { KeptOutput, ReportAnswer } from '../../command.ts';
import type { RunReport, SchedulerHandle } from '../../handle.ts';
import { isExternal } from '../../job/external.ts';
import type { Run } from '../../model/model.ts';
import type { Archive, Clock } from '../../ports.ts';
import type { ReportedOutput } from '../../reported-output.ts';
import { isPermitted } from '../../rules/access/needs.ts';
import { EARLY_MS, MAX_REPORT_AGE_MS } from '../../rules/reports.ts';
import type { State } from '../../state/state.ts';

/** Names of kept output begin with it. */
export const REPORTED = 'report-';

/** Of one job, the newest that may be meant. */
const LOOKED_AT = 50;

export interface ReportParts {
  readonly archive: Archive;
  /** Absent: output is not kept. */
  readonly reportedOutput?: ReportedOutput;
  readonly clock: Clock;
  readonly scheduler: Pick<SchedulerHandle, 'submit'>;
}

export async function submitReport(
  parts: ReportParts,
  state: State,
  report: RunReport,
  asker?: Asker,
): Promise<ReportAnswer> {
  const command = { ...report, kind: 'report', output: null, givenUp: null } as const;
  const job = state.jobs.get(report.name)?.job;
  // Else it is refused when it is decided, and nothing is kept for it.
  if (job === undefined || !isExternal(job.definition) || !isPermitted(state, command, asker))
    return parts.scheduler.submit(command, asker);
  const output = await keep(parts.reportedOutput, report);
  const givenUp = await givenUpRun(parts, report);
  return parts.scheduler.submit({ ...command, output, givenUp }, asker);
}

async function keep(
  output: ReportedOutput | undefined,
  { output: bytes, triggerId }: RunReport,
): Promise<KeptOutput | null> {
  if (output === undefined || bytes === null || bytes.length === 0) return null;
  const launchName = `${REPORTED}${triggerId}`;
  await output.keep(launchName, bytes);
  return { launchName, host: output.host };
}

/** The run that reports with this key were about, or the newest missed due time before it. */
async function givenUpRun(
  { archive, clock }: ReportParts,
  { name, key, agoMs, durationMs }: RunReport,
): Promise<Run | null> {
  const from = clock.now() - agoMs - (durationMs ?? 0);
  const { items } = await archive.runs({
    job: name,
    states: ['missed', 'timed-out', 'lost'],
    fromMs: from - MAX_REPORT_AGE_MS,
    toMs: from + EARLY_MS + 1,
    limit: LOOKED_AT,
  });
  const known = key === null ? undefined : items.find(({ reportKey }) => reportKey === key);
  if (known !== undefined) return known;
  const missed = items.find(({ state, variant }) => state === 'missed' && variant === '');
  if (missed === undefined) return null;
  const [line] = await archive.ledger({ job: name, fromMs: missed.due, toMs: missed.due + 1, limit: 1 });
  // Otherwise another report has caught it up.
  return line?.end === 'missed' ? missed : null;
}
