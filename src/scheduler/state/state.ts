/**
 * Everything that a leader keeps in memory, with indexes. `decide` changes it in place. After a refused
 * commit the whole value is discarded and loaded again.
 */

import { byName, Graph } from '../../dag/graph.ts';
import { reshape, withoutIntervals } from '../../dag/ready.ts';
import { CarillonError } from '../../errors.ts';
import { calendarsIn } from '../job/calendar/used.ts';
import { isExternal } from '../job/external.ts';
import { intervalsText } from '../job/parents.ts';
import { policyOf } from '../job/policy.ts';
import type { Alert } from '../model/alert.ts';
import { freshState } from '../model/fresh-state.ts';
import type { Job, JobState, JobStats, OtherNode, Run, Settings } from '../model/model.ts';
import type { SigningKey, Token } from '../model/token.ts';
import { alertKey, byKind, type LoadedItem, type PresentName, type Rules } from '../records/table.ts';
import { StartTimes } from '../stats/start-times.ts';
import { Backfills } from './backfills.ts';
import { Calendars } from './calendars.ts';
import { nextDeadline } from './deadline.ts';
import { nextOut, nextUndecided } from './decided.ts';
import { Derived } from './derived.ts';
import type { EndTimer, Entry, Past, Timed } from './entry.ts';
import { BEFORE_ALL, freshCursor } from './fresh-cursor.ts';
import { nextLate } from './late.ts';
import { Outbox } from './outbox.ts';
import { Slots } from './slots.ts';
import { SortedSet } from './sorted-set.ts';
import { Timetable } from './timetable.ts';
import { type Takes, usableJob } from './usable.ts';

/**
 * Alerts about lateness are decided at most this long after it, many at once, and between the seconds at which runs
 * are due.
 */
const LATE_TOLERANCE_MS = 5_000;
const LATE_OFFSET_MS = 500;

/** Remembered trigger ids, so that a repeated request does not run the job again. */
const MAX_TRIGGERS = 10_000;
/**
 * Removed jobs whose past is kept for a job of the same name: more than a fleet that is removed by mistake.
 */
export const MAX_PASTS = 10_000;
/** Shared by all jobs without unfinished runs. */
const noRuns: readonly Run[] = Object.freeze([]);

export type { Entry } from './entry.ts';

export class State {
  readonly settings: Settings;
  readonly installation: string;
  term = 0;
  readonly jobs = new Map<string, Entry>();
  readonly runs = new Map<string, Run>();
  /** Run by the launch name of its newest attempt. */
  readonly launches = new Map<string, Run>();
  /** Removed jobs by name, the earliest removed first; limited to `MAX_PASTS`. */
  readonly pasts = new Map<string, Past>();
  readonly graph = new Graph();
  readonly timetable = new Timetable<Timed>();
  /** Slots in use and waiting runs; see slots.ts. */
  readonly slots = new Slots();
  /** Open alerts; see `alertKey`. */
  readonly alerts = new Map<string, Alert>();
  /** What is wrong with the system and since when, by the key of its alert. Of this leadership only. */
  troubles: ReadonlyMap<string, number> = new Map();
  /** Of the last minutes, oldest first. */
  queueLengths: readonly { readonly at: number; readonly queued: number }[] = [];
  /** The routes and maintenance windows by which all open alerts were reviewed last. */
  reviewedBy: { readonly routes: object | null; readonly maintenance: object | null } = {
    routes: null,
    maintenance: null,
  };
  /** When to look at open alerts, by id. */
  readonly reviews = new Map<string, number>();
  /** Jobs with an unfinished pipeline that is to be reported. */
  readonly pipelines = new Set<string>();
  /** When to look at deadlines of jobs. */
  readonly deadlines = new Map<string, number>();
  readonly outbox = new Outbox();
  /** With maintenance. */
  readonly calendars = new Calendars();
  readonly backfills = new Backfills();
  /** By id. */
  readonly tokens = new Map<string, Token>();
  /** By id. */
  readonly keys = new Map<string, SigningKey>();
  /** Sessions of this person, or of everybody (`*`), that began before then are ended. */
  readonly sessionsEnd = new Map<string, number>();
  /** The term of the newest line of the audit that this node has seen as a follower. Null: none. */
  ledBefore: number | null = null;
  /** Lines of the audit that this leadership has written. */
  audited = 0;
  /** By principal: refused commands in its last minute with one. Of this leadership only. */
  readonly refusals = new Map<string, { readonly minute: number; readonly count: number }>();
  /** Other nodes that take launches from this leader. */
  others: readonly OtherNode[] = [];
  /** Of this leadership only. */
  readonly startTimes = new StartTimes();
  /** By engine and launch name: since when it is no longer needed, by a monotonic clock. */
  readonly tombstones = new Map<string, ReadonlyMap<string, number>>();
  /** How often an engine was unreachable, by launch name. */
  readonly deferrals = new Map<string, number>();
  /**
   * Launches that this leader has decided and requested at most once. Other launches may still appear on an
   * engine that does not report them yet, because an earlier request may be in progress.
   */
  readonly askedOnce = new Set<string>();
  /** Recent manual runs by trigger, so that a repeated request finds its run; limited. */
  readonly #triggered = new Map<string, Run>();
  /** Of all jobs. */
  readonly names = new SortedSet<string>(byName);
  /** What follows from schedules and edges; forgotten when any job changes. */
  readonly derived = new Derived(this.jobs, this.graph);

  constructor(settings: Settings, installation: string) {
    this.settings = settings;
    this.installation = installation;
  }

  /** The job, or JOB_NOT_FOUND. */
  entry(name: string): Entry {
    const entry = this.jobs.get(name);
    if (entry === undefined) throw jobNotFound(name);
    return entry;
  }

  /** Adds what the store contains, in any order. Call `ready` when everything is loaded. */
  load(items: readonly LoadedItem[]): void {
    for (const item of items) byKind(this.#loads, undefined, item);
  }

  readonly #loads: Rules<PresentName, undefined, void> = {
    job: (_, job) => void this.putJob(job, null),
    state: (_, state) => void this.#loaded.set(state.name, state),
    stats: (_, stats) => void this.#loadedStats.set(stats.name, stats),
    run: (_, run) => {
      this.putRun(run);
      this.remember(run);
    },
    alert: (_, alert) => void this.alerts.set(alertKey(alert), alert),
    notification: (_, notification) => this.outbox.put(notification),
    token: (_, token) => void this.tokens.set(token.id, token),
    'signing-key': (_, key) => void this.keys.set(key.id, key),
    'sessions-end': (_, { id, at }) => void this.sessionsEnd.set(id, at),
    calendar: (_, calendar) => this.calendars.put(calendar),
    maintenance: (_, mode) => void this.calendars.maintenance.set(mode.id, mode),
    backfill: (_, backfill) => this.backfills.put(backfill),
    'backfill-plan': (_, plan) => this.backfills.putPlan(plan),
  };
  readonly #loaded = new Map<string, JobState>();
  readonly #loadedStats = new Map<string, JobStats>();
  #isReady = false;

  /** Joins jobs, states and runs. */
  ready(): void {
    this.#isReady = true;
    for (const entry of this.jobs.values()) {
      entry.state = this.#loaded.get(entry.job.name) ?? entry.state;
      entry.stats = this.#loadedStats.get(entry.job.name) ?? null;
      if (entry.state.exceptions !== undefined || calendarsIn(entry.job.definition).length > 0)
        this.reschedule(entry);
      if (entry.state.pipeline !== null) this.pipelines.add(entry.job.name);
      this.foresee(entry);
    }
    const removed = [...this.#loaded.values()].filter(
      ({ name, removed }) => removed !== null && !this.jobs.has(name),
    );
    for (const state of removed.sort((a, b) => removedAt(a) - removedAt(b)).slice(-MAX_PASTS))
      this.pasts.set(state.name, { state, stats: this.#loadedStats.get(state.name) ?? null });
    this.#loaded.clear();
    this.#loadedStats.clear();
    // Now, and not at the first read of the list.
    this.names.sort();
    // Stores load in any order, but the oldest run of a job has its turn first.
    for (const run of [...this.runs.values()].sort(byAge)) {
      const entry = this.jobs.get(run.job);
      if (entry !== undefined) entry.runs = [...entry.runs, run];
    }
  }

  /**
   * Creates or replaces the job. Its state is kept, or created by `freshCursor` if there is none. It inherits
   * the percentiles of a removed job of the same name.
   */
  putJob(job: Job, state: JobState | null): Entry {
    this.derived.forget();
    const known = this.jobs.get(job.name);
    const { schedule, parents, fault } = usableJob(job, this.#takesOf(state ?? known?.state));
    const priority = policyOf(job.definition.policy).priority;
    if (parents.length > 0 || known !== undefined) this.graph.setParents(job.name, parents);
    if (known === undefined) {
      const entry: Entry = {
        job,
        // Nobody was asked to report before.
        state:
          state ??
          freshState(job.name, freshCursor(isExternal(job.definition) ? null : schedule, job.updatedAt)),
        stats: this.pasts.get(job.name)?.stats ?? null,
        schedule,
        fault,
        due: null,
        out: null,
        runs: noRuns,
        priority,
        openLine: null,
      };
      this.jobs.set(job.name, entry);
      this.pasts.delete(job.name);
      this.names.add(job.name);
      return entry;
    }
    const follows = known.job.definition.schedule?.after;
    const isSame = intervalsText(follows) === intervalsText(job.definition.schedule?.after);
    known.job = job;
    known.schedule = schedule;
    known.fault = fault;
    known.priority = priority;
    known.openLine = null;
    if (state !== null) known.state = state;
    // With a schedule, the cursor and its neighbours include the rounds; see `beginNames`.
    if (known.state.join !== null && !isSame) known.state.join = withoutIntervals(known.state.join);
    if (known.state.join !== null)
      known.state.join = schedule === null ? reshape(known.state.join, parents) : null;
    return known;
  }

  /** Removes the job; `keepPast` defines what is kept of it. For a removed job, drops its past. */
  removeJob(name: string): void {
    const entry = this.jobs.get(name);
    this.pasts.delete(name);
    if (entry === undefined) return;
    entry.due = null;
    this.deadlines.delete(name);
    this.derived.forget();
    this.jobs.delete(name);
    this.graph.remove(name);
    this.names.remove(name);
  }

  /** The job is removed, and a new job of the same name will continue from here. */
  keepPast(past: Past): void {
    const { name } = past.state;
    this.pasts.delete(name);
    this.pasts.set(name, past);
  }

  /** Adds every job to the timetable: from now on due times are decided here. */
  planAll(): void {
    for (const entry of this.jobs.values()) {
      for (const at of [entry.due, entry.out]) if (at !== null) this.timetable.add(at, entry);
      const { until } = entry.state.paused ?? {};
      if (until !== undefined) this.endsAt('pause', entry.job.name, until);
    }
    for (const { id, until } of this.calendars.maintenance.values()) this.endsAt('maintenance', id, until);
  }

  /** Adds the end of a maintenance or of a pause. */
  endsAt(ends: EndTimer['ends'], key: string, at: number): void {
    this.timetable.add(at, { ends, key, priority: 0 });
  }

  /** Before everything is loaded, nothing is known of calendars. */
  #takesOf(state: JobState | undefined): Takes {
    return { find: this.#isReady ? this.calendars.compiled : null, exceptions: state?.exceptions ?? [] };
  }

  /** A calendar of the job has changed, or its exceptions. */
  reschedule(entry: Entry): void {
    this.derived.forget();
    const { schedule, fault } = usableJob(entry.job, this.#takesOf(entry.state));
    Object.assign(entry, { schedule, fault, openLine: null });
  }

  /** Computes the next due time after the cursor, for reads only. */
  foresee(entry: Entry): void {
    entry.due = nextUndecided(entry);
    entry.out = nextOut(entry);
  }

  /** Computes the next due time after the cursor and adds it to the timetable. */
  plan(entry: Entry): void {
    const out = nextOut(entry);
    if (out !== entry.out && out !== null) this.timetable.add(out, entry);
    entry.out = out;
    const due = nextUndecided(entry);
    if (due === entry.due) return;
    entry.due = due;
    if (due !== null) this.timetable.add(due, entry);
  }

  /** Indexes a run that is new or changed. */
  putRun(run: Run): void {
    this.runs.set(run.id, run);
    const attempt = run.attempts.at(-1);
    if (attempt !== undefined) this.launches.set(attempt.launchName, run);
  }

  /** The run that this trigger has already created, if it is remembered. */
  triggered(job: string, variant: string): Run | undefined {
    return this.#triggered.get(`${job}/${variant}`);
  }

  /** The remembered runs that a user began. */
  startedRuns(job: string): Run[] {
    return [...this.#triggered.values()].filter((run) => run.job === job);
  }

  /** Remembers a manual run. */
  remember(run: Run): void {
    if (run.backfill !== undefined || (run.trigger.kind !== 'manual' && run.trigger.kind !== 'rerun')) return;
    this.#triggered.set(`${run.job}/${run.variant}`, run);
    if (this.#triggered.size > MAX_TRIGGERS)
      this.#triggered.delete(this.#triggered.keys().next().value as string);
  }

  /** Removes the newest attempt, of which nothing was created: the next one gets its number and name. */
  dropAttempt(run: Run): void {
    const attempt = run.attempts.pop();
    if (attempt === undefined) return;
    this.launches.delete(attempt.launchName);
    this.askedOnce.delete(attempt.launchName);
  }

  /** Removes an ended run from all indexes of unfinished runs. */
  dropRun(run: Run): void {
    this.runs.delete(run.id);
    for (const { launchName } of run.attempts) {
      this.launches.delete(launchName);
      this.askedOnce.delete(launchName);
    }
    const entry = this.jobs.get(run.job);
    if (entry === undefined) return;
    const left = entry.runs.filter((other) => other.id !== run.id);
    entry.runs = left.length === 0 ? noRuns : left;
  }

  /** Adds the run's next deadline to the timetable. */
  watch(run: Run): void {
    const at = nextDeadline(run, this.jobs.get(run.job));
    if (at !== null) this.timetable.add(at, { run, priority: run.priority });
  }

  /** The run is new or changed: adds the time at which it becomes late, or at which it still is. */
  watchLate(run: Run, now: number): void {
    this.#watchLate(run, BEFORE_ALL, now + LATE_TOLERANCE_MS);
  }

  /** What is late now is known: adds the time at which the run becomes late next. */
  watchLater(run: Run, now: number): void {
    this.#watchLate(run, now, now);
  }

  #watchLate(run: Run, after: number, earliest: number): void {
    const entry = this.jobs.get(run.job);
    const at = entry === undefined || run.backfill !== undefined ? null : nextLate(entry, run, after);
    if (at === null) return;
    const slot = Math.floor((Math.max(at, earliest) - LATE_OFFSET_MS) / LATE_TOLERANCE_MS) + 1;
    this.timetable.add(slot * LATE_TOLERANCE_MS + LATE_OFFSET_MS, { lateRun: run, priority: run.priority });
  }

  /** Adds the time at which to look at the open alert. */
  reviewAt(alert: Alert, at: number): void {
    if (this.reviews.get(alert.id) === at) return;
    this.reviews.set(alert.id, at);
    this.timetable.add(at, { alert: alert.id, key: alertKey(alert), priority: 0 });
  }

  /** Adds the time at which to look at the job's deadlines. */
  deadlineAt({ job: { name } }: Entry, at: number): void {
    if (this.deadlines.get(name) === at) return;
    this.deadlines.set(name, at);
    this.timetable.add(at, { deadlineOf: name, priority: 0 });
  }
}

export const jobNotFound = (name: string): CarillonError =>
  new CarillonError('JOB_NOT_FOUND', `There is no job named '${name}'.`, { field: 'name', value: name });

const removedAt = ({ removed }: JobState): number => removed?.at ?? 0;

/** Runs of one decision are created in the order of their due times. */
function byAge(a: Run, b: Run): number {
  return a.createdAt - b.createdAt || a.due - b.due || (a.id < b.id ? -1 : 1);
}
