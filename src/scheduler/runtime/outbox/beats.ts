/**
 * Tells services outside that jobs run (`heartbeat` of a job). What is told is durable before, and is told in the order of
 * each job. It is not owed: these services take the time at which they are told for the time of the run, so that what is
 * late is wrong. It is tried for a minute, and a new leader tells what the last minute was about again.
 */

import type { JobGlance, Notice, SchedulerHandle } from '../../handle.ts';
import { type Beat, beats } from '../../job/schema/heartbeat.ts';
import type { EndState, Run } from '../../model/model.ts';
import { isEnded } from '../../model/run-state.ts';
import type { JobBeat, Notifier } from '../../notifier.ts';
import type { Clock, Log } from '../../ports.ts';
import { sleep } from '../../waiting.ts';

/** Since it happened. */
const USEFUL_MS = 60_000;
const RETRY_MS = [1_000, 5_000, 20_000] as const;
/** More are dropped: a service that takes a second for each has been late for long. */
const MAX_WAITING = 1_000;

export interface BeatsParts {
  readonly notifier?: Notifier | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

type BeatsJobs = Pick<SchedulerHandle, 'reader' | 'jobNames' | 'subscribe'>;

export class Beats {
  readonly #parts: BeatsParts;
  readonly #jobs: BeatsJobs;
  /** By job and service: what is told last. */
  readonly #lines = new Map<string, Promise<void>>();
  /** Unfinished runs whose start was told. */
  readonly #started = new Set<string>();
  #waiting = 0;
  #isLeading = false;
  /** Increases with each change of leadership. */
  #turn = 0;

  constructor(parts: BeatsParts, jobs: BeatsJobs) {
    this.#parts = parts;
    this.#jobs = jobs;
    if (parts.notifier?.beat !== undefined) jobs.subscribe((notice) => this.#heard(notice));
  }

  #heard(notice: Notice): void {
    if (notice.kind === 'run' && this.#isLeading) this.#run(notice.run);
    if (notice.kind !== 'leader') return;
    this.#turn += 1;
    this.#isLeading = notice.leading;
    this.#started.clear();
    this.#lines.clear();
    if (notice.leading) this.#begin();
  }

  /** The last leader may have died before it told of what happened in its last minute. */
  #begin(): void {
    const since = this.#parts.clock.now() - USEFUL_MS;
    const { glance } = this.#jobs.reader();
    for (const name of this.#jobs.jobNames(null)) {
      const { job, state, runs } = glance(name) as JobGlance;
      if (job.definition.heartbeat === undefined) continue;
      const { last } = state;
      const ended = last === null || last.endedAt < since ? null : beatOfEnd(last.state);
      if (last !== null && ended !== null) this.#tellAll(name, last.id, ended);
      for (const run of runs)
        if ((run.attempts[0]?.startedAt ?? 0) >= since) this.#run(run);
        else if (run.state === 'running') this.#started.add(run.id);
    }
  }

  #run({ id, job, state, attempts }: Run): void {
    if (state === 'running') {
      if (this.#started.has(id)) return;
      this.#started.add(id);
      this.#tellAll(job, id, 'start');
    } else if (isEnded(state)) {
      this.#started.delete(id);
      const beat = attempts.length === 0 ? null : beatOfEnd(state);
      if (beat !== null) this.#tellAll(job, id, beat);
    }
  }

  #tellAll(job: string, run: string, beat: Beat): void {
    const { to = [], on = beats } = this.#jobs.reader().glance(job)?.job.definition.heartbeat ?? {};
    if (on.includes(beat)) for (const service of new Set(to)) this.#add(service, { job, run, beat });
  }

  #add(service: string, beat: JobBeat): void {
    const { clock, log } = this.#parts;
    if (this.#waiting >= MAX_WAITING) {
      log.warn({ ...beat, service, reason: 'too many are waiting' }, 'heartbeat.not-sent');
      return;
    }
    this.#waiting += 1;
    const line = `${beat.job}/${service}`;
    const turn = this.#turn;
    const at = clock.now();
    const told = (this.#lines.get(line) ?? Promise.resolve())
      .then(() => this.#tell(service, beat, { at, turn }))
      .finally(() => {
        this.#waiting -= 1;
        if (this.#lines.get(line) === told) this.#lines.delete(line);
      });
    this.#lines.set(line, told);
  }

  async #tell(
    service: string,
    beat: JobBeat,
    { at, turn }: { readonly at: number; readonly turn: number },
  ): Promise<void> {
    const { notifier, clock, log } = this.#parts;
    let reason = 'it is too late';
    for (const delayMs of [0, ...RETRY_MS]) {
      if (delayMs > 0) await sleep(clock, delayMs);
      if (turn !== this.#turn) return;
      if (clock.now() - at > USEFUL_MS) break;
      try {
        await notifier?.beat?.(service, beat);
        return;
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
      }
    }
    log.warn({ ...beat, service, reason }, 'heartbeat.not-sent');
  }
}

/** Nothing is told of a run that did not run: that nothing is told is what the service notices. */
function beatOfEnd(state: EndState): Beat | null {
  if (state === 'skipped' || state === 'missed') return null;
  return state === 'succeeded' ? 'success' : 'failure';
}
