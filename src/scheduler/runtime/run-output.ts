/** Output of a run, read from the engine of an attempt. A follower of the output waits for the attempt to start. */

import { CarillonError } from '../../errors.ts';
import type { RunLogChunk, RunLogQuery, SchedulerHandle } from '../handle.ts';
import type { Run, Settings } from '../model/model.ts';
import { isEnded } from '../model/run-state.ts';
import type { Launcher } from '../ports.ts';
import { hostOf } from '../rules/launch.ts';
import { nextChange } from './next-change.ts';

export interface RunOutputParts {
  readonly runs: Pick<SchedulerHandle, 'liveRun' | 'run' | 'subscribe'>;
  readonly launchers: ReadonlyMap<string, Launcher>;
  readonly settings: Settings;
  /** This node has stopped, or is stopping. */
  readonly isStopped: () => boolean;
}

/** See `SchedulerHandle.logs`. */
export async function* runOutput(
  { runs, launchers, settings, isStopped }: RunOutputParts,
  runId: string,
  query: RunLogQuery,
): AsyncGenerator<RunLogChunk> {
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
  const launcher = launchers.get(attempt.engine);
  if (launcher === undefined) {
    throw new CarillonError('LOGS_GONE', `The engine '${attempt.engine}' is no longer configured.`);
  }
  // Refused before anything ran: there is no output, and that is no error.
  if (attempt.startedAt === null) return;
  const { host } = attempt;
  const onHost = host === null ? undefined : launcher.hosts?.at(host);
  if (host !== null && !onHost && host !== hostOf(settings, attempt.engine)) {
    throw new CarillonError('LOGS_GONE', `The output is on ${host}.`, {
      field: 'host',
      value: host,
    });
  }
  for await (const chunk of (onHost ?? launcher).logs(attempt.launchName, query))
    yield { ...chunk, attempt: attempt.number };
  // A launcher that stops ends what it reads, and the output may go on.
  if (query.follow === true && isStopped())
    throw new CarillonError('STORE_UNAVAILABLE', 'This node is stopping.');
}
