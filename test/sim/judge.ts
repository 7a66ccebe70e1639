/**
 * Watches what becomes durable, what engines start and what people were told, and says at once what must never
 * be. Keeps its own account of everything, from the writes alone, in plain maps.
 */

import { EXTERNAL } from '../../src/scheduler/job/external.ts';
import { policyFor, policyOf } from '../../src/scheduler/job/policy.ts';
import type { LaunchSpec } from '../../src/scheduler/job/spec.ts';
import type { Job, JobState, JobStats, LedgerLine, Run } from '../../src/scheduler/model/model.ts';
import { textOrNull } from '../../src/scheduler/model/reason.ts';
import { isEnded } from '../../src/scheduler/model/run-state.ts';
import { decidedAt } from '../../src/scheduler/records/stored.ts';
import { byKind, type Rules, type Write, type WrittenName } from '../../src/scheduler/records/table.ts';
import type { Schedule } from '../../src/scheduler/schedule/model.ts';
import { compileSchedule } from '../../src/scheduler/schedule/parse.ts';
import { freshCursor } from '../../src/scheduler/state/fresh-cursor.ts';
import { allTime } from '../../src/scheduler/stats/stats.ts';
import { AccessJudge } from './access.ts';
import { AlertJudge } from './alerts.ts';
import { BackfillJudge } from './backfills.ts';
import { CalendarJudge } from './calendars.ts';
import type { Engine } from './engine.ts';
import { ledgerFaults, lineFault, runFault, said } from './ledger.ts';
import { roundFault } from './rounds.ts';

/** A job from its creation to its removal. */
export interface JobLife {
  job: Job;
  schedule: Schedule | null;
  /** Instants behind this one are this schedule's. */
  begins: number;
  /** Up to here nothing need be said of its instants. */
  blankUpTo: number;
  state: JobState | null;
  stats: JobStats | null;
  /** By id. */
  readonly runs: Map<string, Run>;
  readonly lines: Map<number, Said>;
  readonly ended: Record<string, number>;
  attemptsEnded: number;
  /** What it waits for, or how, is no longer what it was: not every rule about its past can be checked. */
  changed: boolean;
}

/** A line of the ledger, and the schedule that it was said under. */
export interface Said {
  readonly line: LedgerLine;
  readonly schedule: Schedule | null;
  /** It was late enough to be taken back when the clock is set back. */
  readonly isLeap: boolean;
}

/** Clocks of nodes that are closer count as equal. */
const CLOCKS_MS = 2_500;
/** The longest between a decision and its commit. */
const DECIDING_MS = 60_000;
/** The longest that a launch takes while nobody looks. */
const LAUNCH_UNSEEN_MS = 60_000;
/** The longest without a leader, or with one that knows no better. */
const ABSENCE_MS = 900_000;

export interface JudgeParts {
  readonly onWrong: (what: string) => void;
  readonly engines: () => Iterable<Engine>;
  /** Milliseconds since the beginning, by a clock that is never wrong. */
  readonly time: () => number;
  /** When a wall clock was last set, likewise. */
  readonly clockSetAt: () => number;
  /** What the wall clock of the node shows that had this term. */
  readonly clockOf: (term: number) => number | null;
  /** The latest time that any node's clock ever showed. */
  readonly latest: () => number;
}

export class Judge {
  readonly jobs = new Map<string, JobLife>();
  /** Every run that was ever durable, of removed jobs too. */
  readonly runs = new Map<string, Run>();
  readonly starts = new Map<string, string[]>();
  /** How runs ended that somebody else runs, by their key. */
  readonly reported = new Map<string, 'success' | 'fail'>();
  /** When each run of a schedule became durable, and in which term. */
  readonly #births = new Map<string, { readonly at: number; readonly term: number }>();
  /** When each launch was first started. */
  readonly #startedAt = new Map<string, number>();
  /** `name@revision` of every definition that was ever durable. */
  readonly revisions = new Set<string>();
  /** What jobs that were removed last were, by name, and the number of the removal. */
  readonly #pasts = new Map<string, { readonly life: JobLife; readonly revision: number }>();
  readonly alerts = new AlertJudge((what) => this.#wrong(what));
  readonly calendars = new CalendarJudge();
  readonly access = new AccessJudge((what) => this.#wrong(what));
  readonly backfills = new BackfillJudge(this.runs, (what) => this.#wrong(what));
  commits = 0;
  #term = 0;
  /** Of the newest commit that decided something about a run. */
  #commitAt = 0;
  /** A clock was set while nobody led, or the leader has followed no other: it cannot know how long older attempts have run. */
  #blindAt = 0;
  /** By launch name: the run of each durable attempt. */
  readonly #attempts = new Map<string, string>();
  /** Runs with their first attempt in the commit that is looked at. */
  readonly #launched: Run[] = [];
  /** All runs in that commit. */
  readonly #decided: Run[] = [];
  readonly #parts: JudgeParts;

  constructor(parts: JudgeParts) {
    this.#parts = parts;
  }

  #wrong(what: string): void {
    this.#parts.onWrong(what);
  }

  /** A commit becomes durable; everything before it is. Its leader has followed the log since `followedSince`. */
  applied(term: number, writes: readonly Write[], followedSince: number): void {
    this.commits += 1;
    if (term < this.#term) this.#wrong(`a write of term ${term} was applied after one of term ${this.#term}`);
    const followed = followedSince < this.#commitAt;
    if (term > this.#term && (!followed || this.#parts.clockSetAt() >= this.#commitAt))
      this.#blindAt = this.#parts.time();
    if (writes.some((write) => decidedAt(write) !== undefined)) this.#commitAt = this.#parts.time();
    this.#term = Math.max(this.#term, term);
    const touched = new Set<string>();
    for (const write of writes) {
      const name = byKind(this.#takes, undefined, write);
      if (name !== null) touched.add(name);
    }
    this.access.committed();
    this.backfills.committed();
    for (const name of touched) this.#count(name);
    for (const run of this.#launched.splice(0)) this.#beside(run);
    for (const run of this.#decided.splice(0)) {
      const fault = roundFault(run, this);
      if (fault !== null) this.#wrong(fault);
    }
  }

  /** Each answers the job whose counters may have changed. */
  readonly #takes: Rules<WrittenName, undefined, string | null> = {
    job: (_, job) => {
      this.#job(job);
      return null;
    },
    'job-removed': (_, { job, revision }) => {
      this.#remove(job, revision);
      return null;
    },
    state: (_, state) => {
      this.#state(state);
      return state.name;
    },
    stats: (_, stats) => {
      const life = this.jobs.get(stats.name);
      if (life !== undefined) life.stats = stats;
      return stats.name;
    },
    run: (_, run) => this.#run(run, false),
    'run-ended': (_, run) => this.#run(run, true),
    ledger: (_, line) => {
      // What a job that comes back takes back stands before the job.
      const life = this.jobs.get(line.job) ?? this.#pasts.get(line.job)?.life;
      const fault = life === undefined ? null : lineFault(life, line);
      if (fault !== null) this.#wrong(fault);
      life?.lines.set(line.from, said(life, line, this.#parts.latest()));
      return null;
    },
    alert: (_, alert) => {
      this.alerts.write(alert);
      return null;
    },
    'alert-ended': (_, alert) => {
      this.alerts.write(alert);
      return null;
    },
    notification: (_, notification) => {
      this.alerts.owe(notification);
      return null;
    },
    'notification-ended': (_, notification) => {
      this.alerts.end(notification);
      return null;
    },
    ...this.access.takes,
    ...this.calendars.takes,
    ...this.backfills.takes,
  };

  #remove(name: string, revision: number): void {
    const life = this.jobs.get(name);
    if (life === undefined || revision !== life.job.revision + 1)
      this.#wrong(`${name}: revision ${revision} removes ${life?.job.revision ?? 'nothing'}`);
    this.access.changed(name, revision);
    this.jobs.delete(name);
    if (life !== undefined) this.#pasts.set(name, { life, revision });
  }

  #job(job: Job): void {
    this.revisions.add(`${job.name}@${job.revision}`);
    this.access.changed(job.name, job.revision);
    const life = this.jobs.get(job.name);
    const past = this.#pasts.get(job.name);
    const schedule = job.resolved === null ? null : compileSchedule(job.resolved);
    const before = life?.job.revision ?? past?.revision ?? 0;
    if (job.revision !== before + 1) this.#wrong(`${job.name}: revision ${job.revision} follows ${before}`);
    if (life === undefined) {
      this.#pasts.delete(job.name);
      this.jobs.set(job.name, {
        job,
        schedule,
        // Of a name with a past the state in the same group says where it begins.
        begins: past === undefined ? freshCursor(schedule, job.updatedAt) : Number.NaN,
        blankUpTo: Number.NEGATIVE_INFINITY,
        state: past?.life.state ?? null,
        stats: past?.life.stats ?? null,
        runs: new Map(past?.life.runs),
        lines: new Map(past?.life.lines),
        ended: { ...past?.life.ended },
        attemptsEnded: past?.life.attemptsEnded ?? 0,
        changed: false,
      });
      return;
    }
    if (JSON.stringify(life.job.resolved) !== JSON.stringify(job.resolved)) {
      for (const fault of ledgerFaults(life)) this.#wrong(`${fault}, and now its schedule changes`);
      life.schedule = schedule;
      // The state in the same group says where it begins.
      life.begins = Number.NaN;
    }
    life.changed = true;
    life.job = job;
  }

  #state(state: JobState): void {
    const life = this.jobs.get(state.name);
    if (life === undefined) {
      const past = this.#pasts.get(state.name);
      if (past === undefined || past.revision !== state.removed?.revision)
        this.#wrong(`${state.name}: its state is kept and there is no such job`);
      return;
    }
    // When the clock is set back behind the beginning of a schedule, that comes again.
    if (Number.isNaN(life.begins)) {
      life.begins = state.begins;
      life.blankUpTo = Number.NEGATIVE_INFINITY;
    } else life.begins = Math.min(life.begins, state.begins);
    // Instants that its parents may have used, or schedules that are forgotten.
    for (const { schedule, to } of [...state.ahead, ...state.eras])
      if (schedule === null) life.blankUpTo = Math.max(life.blankUpTo, to);
    for (const key of ['succeeded', 'failed'] as const)
      if (state[key] < (life.state?.[key] ?? 0))
        this.#wrong(`${state.name}: ${key} goes back from ${life.state?.[key]} to ${state[key]}`);
    life.state = state;
  }

  #run(run: Run, ended: boolean): string {
    this.#decided.push(run);
    const before = this.runs.get(run.id);
    const life = this.jobs.get(run.job);
    if (ended !== isEnded(run.state)) this.#wrong(`${run.id} is kept as ended and is ${run.state}`);
    // Its own condition and its own exit code skip any run.
    const isOwn = run.reason?.code === 'skip-exit-code' || run.reason?.code === 'condition-false';
    if (run.inRow === true && !isOwn && (run.state === 'skipped' || run.reason?.code === 'replaced'))
      this.#wrong(`${run.id} is to be caught up, and is ${run.state} (${textOrNull(run.reason)})`);
    const waits = run.state === 'waiting' && run.attempts.length === 0 && run.inRow !== true;
    if (waits && life?.changed === false && policyFor(life.job.definition).overlap === 'skip')
      this.#wrong(
        `${run.id} is to be skipped where another is unfinished, and waits (${textOrNull(run.reason)})`,
      );
    if (before !== undefined && isEnded(before.state))
      this.#wrong(`${run.id} ended as ${before.state} and is ${run.state} now`);
    if (before !== undefined && before.attempts.length > run.attempts.length) this.#putBack(run, before);
    if (run.attempts.length === 1 && (before?.attempts.length ?? 0) === 0) this.#launched.push(run);
    this.runs.set(run.id, run);
    this.backfills.run(run);
    if (life === undefined) this.#wrong(`${run.id} is kept and there is no job ${run.job}`);
    else if (before === undefined) {
      const fault = runFault(life, run);
      if (fault !== null) this.#wrong(fault);
    }
    life?.runs.set(run.id, run);
    for (const { launchName } of run.attempts) this.#attempts.set(launchName, run.id);
    if (run.trigger.kind === 'schedule' && !this.#births.has(run.id))
      this.#births.set(run.id, { at: this.#parts.time(), term: this.#term });
    this.#newlyEnded(run, before, life);
    if (before?.kill == null && run.kill?.as === 'timed-out' && life?.changed === false)
      this.#timedOut(run, life);
    if (ended && life !== undefined) life.ended[run.state] = (life.ended[run.state] ?? 0) + 1;
    return run.job;
  }

  /** There was no place for the newest attempt: from here on it may neither be created nor started. */
  #putBack(run: Run, before: Run): void {
    const launchName = before.attempts.at(-1)?.launchName ?? '';
    if (run.state !== 'queued' || run.attempts.length !== before.attempts.length - 1)
      this.#wrong(`${run.id} had ${before.attempts.length} attempts and has ${run.attempts.length}`);
    if (this.starts.has(launchName)) this.#wrong(`${run.id} is put back and ${launchName} was started`);
    this.#attempts.delete(launchName);
  }

  /** Unless its policy allows it, a job has one run under way. */
  #beside(run: Run): void {
    if (run.backfill !== undefined) return;
    const life = this.jobs.get(run.job);
    if (life === undefined || life.changed || policyFor(life.job.definition).overlap === 'allow') return;
    const isUnderWay = ({ state, backfill }: Run): boolean =>
      backfill === undefined && (state === 'launching' || state === 'running');
    const other = [...life.runs.values()].find((each) => each.id !== run.id && isUnderWay(each));
    if (isUnderWay(life.runs.get(run.id) ?? run) && other !== undefined)
      this.#wrong(`${run.id} is launched while ${other.id} is ${other.state}`);
  }

  /** A timeout is a duration: whatever clocks show, the attempt has had it, and not much more. */
  #timedOut({ attempts, kill }: Run, { job }: JobLife): void {
    const isTotal = kill?.reason.code === 'total-timeout';
    const { launchName = '', seenAt } = attempts.at(isTotal ? 0 : -1) ?? {};
    const startedAt = this.#startedAt.get(launchName);
    const policy = policyOf(job.definition.policy);
    const timeoutMs = (isTotal ? policy.totalTimeoutMs : policy.timeoutMs) ?? 0;
    if (startedAt === undefined || startedAt <= this.#blindAt) return;
    const ranMs = this.#parts.time() - startedAt;
    // Where its start was not seen, the engine's clock is believed, as far as that can be.
    const earlyMs = seenAt === undefined ? LAUNCH_UNSEEN_MS : CLOCKS_MS;
    if (ranMs < timeoutMs - earlyMs || ranMs > timeoutMs + ABSENCE_MS)
      this.#wrong(`${launchName} is ended by its timeout of ${timeoutMs} ms when it has run for ${ranMs} ms`);
  }

  /** Attempts that ended with this write: was that so? */
  #newlyEnded(run: Run, before: Run | undefined, life: JobLife | undefined): void {
    for (const attempt of run.attempts) {
      if (attempt.endedAt === null || before?.attempts[attempt.number - 1]?.endedAt != null) continue;
      // Of one that was given up it is not known how long it took.
      const isGivenUp = attempt.engine === EXTERNAL && run.state === 'lost';
      // One that had nothing to do says nothing of how long the job takes.
      const isMeasured = !isGivenUp && attempt.reason?.code !== 'skip-exit-code';
      if (attempt.startedAt !== null && life !== undefined && isMeasured) life.attemptsEnded += 1;
      const { launchName, exitCode, reason } = attempt;
      if (attempt.engine === EXTERNAL) {
        if (exitCode === 0 && this.reported.get(run.reportKey ?? '') !== 'success')
          this.#wrong(`${run.id} is taken for a success, and nobody reported it`);
        continue;
      }
      const held = [...this.#parts.engines()].flatMap((engine) => engine.held.get(launchName) ?? []);
      const forgotten = [...this.#parts.engines()].some((engine) => engine.forgotten.has(launchName));
      if (reason?.code === 'engine-forgot' && held.length > 0 && !forgotten)
        this.#wrong(`${launchName} is taken for forgotten, and the engine has it: ${held[0]?.report.state}`);
      if (exitCode === 0 && !held.some(({ report }) => report.exitCode === 0) && !forgotten)
        this.#wrong(`${launchName} is taken for a success, and no engine says so`);
    }
  }

  /** Counters and histograms are those of what ended. */
  #count(name: string): void {
    const life = this.jobs.get(name);
    if (life?.state == null) return;
    const { state, stats, ended, attemptsEnded } = life;
    const failed = (ended.failed ?? 0) + (ended.killed ?? 0) + (ended['timed-out'] ?? 0) + (ended.lost ?? 0);
    if (state.succeeded !== (ended.succeeded ?? 0) || state.failed !== failed)
      this.#wrong(
        `${name}: counted ${state.succeeded} succeeded and ${state.failed} failed, there are ${ended.succeeded ?? 0} and ${failed}`,
      );
    if (stats === null) return;
    const all = allTime(stats);
    const good = countOf(all.runTime);
    const counted = good + countOf(all.failedRunTime);
    if (counted !== attemptsEnded || good > state.succeeded)
      this.#wrong(`${name}: ${counted} attempts are counted, ${attemptsEnded} ended; ${good} of them well`);
  }

  created(engine: Engine, spec: LaunchSpec): void {
    if (!this.#attempts.has(spec.launchName))
      this.#wrong(`${spec.launchName} is created on ${engine.place} before its attempt is durable`);
  }

  started(engine: Engine, spec: LaunchSpec): void {
    const { launchName } = spec;
    const places = this.starts.get(launchName) ?? [];
    places.push(`${engine.place} (term ${spec.term})`);
    this.starts.set(launchName, places);
    if (places.length === 1) this.#startedAt.set(launchName, this.#parts.time());
    if (!this.#attempts.has(launchName))
      this.#wrong(`${launchName} is started on ${engine.place} before its attempt is durable`);
    this.#early(spec);
    const ended = this.runs
      .get(this.#attempts.get(launchName) ?? '')
      ?.attempts.find((attempt) => attempt.launchName === launchName && attempt.endedAt !== null);
    if (ended !== undefined)
      this.#wrong(`${launchName} is started after its end (${textOrNull(ended.reason)})`);
    const forgotten = [...this.#parts.engines()].some((each) => each.forgotten.has(launchName));
    if (places.length > 1 && !forgotten)
      this.#wrong(`${launchName} is started ${places.length} times: ${places.join(', ')}`);
  }

  /** Nothing starts before it is due, by the clock of the leader that decided and requested it, unless clocks were set. */
  #early({ launchName, term, due }: LaunchSpec): void {
    const birth = this.#births.get(this.#attempts.get(launchName) ?? '');
    if (birth?.term !== term || this.#parts.clockSetAt() > birth.at - DECIDING_MS) return;
    const now = this.#parts.clockOf(term);
    if (now !== null && now < due) this.#wrong(`${launchName} is started ${due - now} ms before it is due`);
  }
}

/** Without opening a histogram: entries are `delta.count`, and a count of one is left out. */
function countOf(packed: string): number {
  if (packed === '') return 0;
  let count = 0;
  for (const entry of packed.split(',')) {
    const dot = entry.indexOf('.');
    count += dot < 0 ? 1 : Number.parseInt(entry.slice(dot + 1), 36);
  }
  return count;
}
