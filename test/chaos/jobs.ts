/** The jobs of a run: a mix from the seed, and what each looks like to the API. */

import { testImage } from '../support/dockerd.ts';
import type { ChaosJob } from './history.ts';
import { plannedFailure } from './history.ts';
import type { Random } from './random.ts';

export interface Mix {
  readonly startMs: number;
  /** No instant of a schedule is due after this. */
  readonly endMs: number;
  readonly docker: boolean;
}

/** A retry covers an attempt that is lost with its host; without any, a lost attempt ends its run. */
const sturdy = { limit: 5, delayMs: 1_000 } as const;

export function makeJobs(random: Random, mix: Mix): ChaosJob[] {
  const job = (name: string, given: Partial<ChaosJob> = {}): ChaosJob => ({
    name,
    engine: 'process',
    schedule: { kind: 'manual' },
    overlap: 'allow',
    catchUp: 'all',
    retries: sturdy,
    failsFirst: 0,
    durationMs: random.between(2, 15) * 100,
    ...given,
  });
  const every = (seconds: number): Pick<ChaosJob, 'schedule'> => {
    const intervalMs = seconds * 1_000;
    // Not all at the same instant.
    const startMs = mix.startMs + random.between(0, seconds * 10 - 1) * 100;
    const count = Math.max(1, Math.floor((mix.endMs - startMs) / intervalMs));
    return { schedule: { kind: 'repeat', startMs, intervalMs, count } };
  };
  const after = (...parents: string[]): Pick<ChaosJob, 'schedule'> => ({
    schedule: { kind: 'after', parents },
  });
  const shared = every(random.between(4, 6));
  const jobs = [
    job('tick', { ...every(1), durationMs: 200 }),
    job('flaky', { ...every(random.between(3, 4)), failsFirst: random.between(1, 2), durationMs: 300 }),
    job('long', { ...every(random.between(4, 8)), durationMs: 5_000 }),
    job('once', { ...every(random.between(2, 4)), retries: { limit: 0, delayMs: 0 }, reports: true }),
    job('extract-a', shared),
    job('extract-b', { ...shared, failsFirst: 1 }),
    job('join', after('extract-a', 'extract-b')),
    job('load', { ...after('join'), reports: true }),
    job('latest', { ...every(random.between(2, 5)), catchUp: 'latest' }),
    job('none', { ...every(random.between(2, 5)), catchUp: 'none' }),
    job('skipping', { ...every(2), overlap: 'skip', durationMs: random.between(15, 40) * 100 }),
    job('queueing', { ...every(random.between(5, 10)), overlap: 'queue-all', durationMs: 2_000 }),
    job('by-hand'),
    job('anywhere', { ...every(1), on: 'any', durationMs: 300 }),
    job('anywhere-long', { ...every(random.between(4, 8)), on: 'any', durationMs: 5_000 }),
  ];
  if (!mix.docker) return jobs;
  const container = { engine: 'container' } as const;
  return [
    ...jobs,
    job('box', { ...every(random.between(2, 4)), ...container, durationMs: 300 }),
    job('box-flaky', { ...every(random.between(5, 9)), ...container, failsFirst: 1 }),
    job('box-long', { ...every(random.between(7, 10)), ...container, durationMs: 5_000 }),
    job('box-child', { ...after('box-flaky'), ...container }),
    job('box-by-hand', container),
  ];
}

/** The job as a definition for the API; its launches write to `file`, whose folder containers see too. */
export function definitionOf(job: ChaosJob, folder: string): object {
  const seconds = (ms: number): string => `PT${ms / 1_000}S`;
  const { schedule, retries } = job;
  const when =
    schedule.kind === 'repeat'
      ? {
          schedule: {
            every: `R${schedule.count}/${new Date(schedule.startMs).toISOString()}/${seconds(schedule.intervalMs)}`,
          },
        }
      : schedule.kind === 'after'
        ? { schedule: { after: { parents: schedule.parents } } }
        : {};
  const container = { image: testImage, pull: 'never', volumes: [`${folder}:${folder}`] };
  return {
    name: job.name,
    ...when,
    run: {
      command: commandOf(job, `${folder}/lines`),
      ...(job.on !== undefined && { on: job.on }),
      ...(job.engine === 'container' ? container : {}),
    },
    ...(job.reports && { alerts: { on: ['succeeded'] } }),
    policy: {
      overlap: job.overlap,
      catchUp: job.catchUp,
      ...(job.catchUp === 'all' ? { catchUpLimit: 1_000 } : {}),
      retries: { limit: retries.limit, delay: seconds(retries.delayMs), factor: 1, jitter: false },
    },
  };
}

/** Counts itself when it begins and when it ends, each with one appending write. */
function commandOf({ durationMs, failsFirst }: ChaosJob, file: string): string {
  const line = (event: string, rest: string): string =>
    `read up idle </proc/uptime; echo "${event} $CARILLON_JOB $CARILLON_DUE $CARILLON_RUN $CARILLON_ATTEMPT $up${rest}" >>${file}`;
  return [
    line('launch', ''),
    `sleep ${durationMs / 1_000}`,
    `code=0; [ "$CARILLON_ATTEMPT" -gt ${failsFirst} ] || code=${plannedFailure}`,
    line('done', ' $code'),
    'exit $code',
  ].join('\n');
}
