/** Output of a run, read from the engine of an attempt. A follower of the output waits for the attempt to start. */

import { CarillonError } from '../../../errors.ts';
import type { RunLogChunk, RunLogQuery, SchedulerHandle } from '../../handle.ts';
import { EXTERNAL } from '../../job/external.ts';
import type { Attempt, Run, Settings } from '../../model/model.ts';
import { isEnded } from '../../model/run-state.ts';
import type { Launcher, LogChunk } from '../../ports.ts';
import type { ReportedOutput } from '../../reported-output.ts';
import { hostOf } from '../../rules/launch.ts';
import { nextChange } from '../next-change.ts';
import { REPORTED } from './reports.ts';

export interface RunOutputParts {
  readonly runs: Pick<SchedulerHandle, 'liveRun' | 'run' | 'subscribe'>;
  readonly launchers: ReadonlyMap<string, Launcher>;
  /** Absent: the output of reported runs is not kept. */
  readonly reportedOutput?: ReportedOutput;
  readonly settings: Settings;
  /** This node has stopped, or is stopping. */
  readonly isStopped: () => boolean;
}

/** See `SchedulerHandle.logs`. */
export async function* runOutput(
  parts: RunOutputParts,
  runId: string,
  query: RunLogQuery,
): AsyncGenerator<RunLogChunk> {
  const { runs, isStopped } = parts;
  let run = await runs.run(runId);
  const wanted = (): Run['attempts'][number] | undefined =>
    query.attempt === undefined
      ? run.attempts.at(-1)
      : run.attempts.find((each) => each.number === query.attempt);
  while (
    query.follow === true &&
    wanted()?.startedAt == null &&
    !isEnded(run.state) &&
    query.signal?.aborted !== true
  ) {
    run = await nextChange(runs, run, query.signal);
  }
  const attempt = wanted();
  if (attempt === undefined) {
    if (query.attempt === undefined) return;
    throw new CarillonError('RUN_NOT_FOUND', `Run '${runId}' has no attempt ${query.attempt}.`, {
      field: 'attempt',
      value: query.attempt,
      allowed: run.attempts.map((each) => String(each.number)),
    });
  }
  const kept = attempt.engine === EXTERNAL ? reported(parts, attempt, query) : printed(parts, attempt, query);
  for await (const chunk of kept) yield { ...chunk, attempt: attempt.number };
  // A launcher that stops ends what it reads, and the output may go on.
  if (query.follow === true && isStopped())
    throw new CarillonError('STORE_UNAVAILABLE', 'This node is stopping.');
}

function printed(
  { launchers, settings }: RunOutputParts,
  attempt: Attempt,
  query: RunLogQuery,
): AsyncIterable<LogChunk> {
  const { engine, host, launchName, startedAt } = attempt;
  const launcher = launchers.get(engine);
  if (launcher === undefined)
    throw new CarillonError('LOGS_GONE', `The engine '${engine}' is no longer configured.`);
  // Refused before anything ran: there is no output, and that is no error.
  if (startedAt === null) return nothing();
  const onHost = host === null ? undefined : launcher.hosts?.at(host);
  if (host !== null && !onHost && host !== hostOf(settings, engine) && !query.anywhere) throw isOn(host);
  return (onHost ?? launcher).logs(launchName, query);
}

/** What whoever ran it has sent with the end. */
function reported(
  { reportedOutput: output }: RunOutputParts,
  { host, launchName }: Attempt,
  query: RunLogQuery,
): AsyncIterable<LogChunk> {
  // Otherwise the name is that of the run, under which nothing was sent.
  if (output === undefined || !launchName.startsWith(REPORTED)) return nothing();
  if (host !== null && host !== output.host && !query.anywhere) throw isOn(host);
  return output.read(launchName, query);
}

const isOn = (host: string): CarillonError =>
  new CarillonError('LOGS_GONE', `The output is on ${host}.`, { field: 'host', value: host });

async function* nothing(): AsyncGenerator<LogChunk> {}
