/**
 * Everything a leader holds in memory, and the indexes over it. `decide` changes it in place: a refused
 * commit means that this whole value is thrown away and loaded anew.
 */

import { byName, Graph } from '../../dag/graph.ts';
import { type JoinSpec, reshape } from '../../dag/ready.ts';
import { CarillonError } from '../../errors.ts';
import { policyOf } from '../job/policy.ts';
import { freshState } from '../model/fresh-state.ts';
import type { Job, JobState, JobStats, LedgerLine, Run, Settings } from '../model/model.ts';
import { byKind, type LoadedItem, type PresentName, type Rules } from '../records/table.ts';
import type { Schedule } from '../schedule/model.ts';
import { nextInstant } from '../schedule/next.ts';
import { StartTimes } from '../stats/start-times.ts';
import { cadenceOf, joinSpecOf } from './cadence.ts';
import { nextDeadline } from './deadline.ts';
import { nextUndecided } from './decided.ts';
import { branchesOf } from './lineage.ts';
import { Places } from './places.ts';
import { SortedSet } from './sorted-set.ts';
import { Timetable } from './timetable.ts';
import { usableJob } from './usable.ts';

/** A job and all that hangs on it. */
export interface Entry {
  job: Job;
  state: JobState;
  stats: JobStats | null;
  schedule: Schedule | null;
  /** Why it can't be used here, and so is held; null: it can. See usable.ts. */
  fault: string | null;
  /** The next undecided due instant, paused or not; null when there is none. */
  due: number | null;
  /** Unfinished runs, oldest decision first. */
  runs: readonly Run[];
  priority: number;
  /** The ledger line that the next skipped or missed instant may extend. */
  openLine: LedgerLine | null;
}

/** Counters, cursor and percentiles of a removed job. */
export interface Past {
  readonly state: JobState;
  readonly stats: JobStats | null;
}

/** An unfinished run in the timetable. */
export interface RunTimer {
  readonly run: Run;
  readonly priority: number;
}

/** Triggers whose ids are remembered, so that a request sent again does not run the job again. */
const MAX_TRIGGERS = 10_000;
/** Roots whose branches are remembered; few are under way at once. */
const MAX_BRANCHES = 256;
/** Removed jobs whose past is kept for a job of their name: more than a fleet that is removed by mistake. */
export const MAX_PASTS = 10_000;
/** Shared by all jobs without unfinished runs. */
const noRuns: readonly Run[] = Object.freeze([]);

export class State {
  readonly settings: Settings;
  readonly cluster: string;
  term = 0;
  readonly jobs = new Map<string, Entry>();
  readonly runs = new Map<string, Run>();
  /** Run by the launch name of its newest attempt. */
  readonly launches = new Map<string, Run>();
  /** Of removed jobs, by name, the one removed longest ago first; bounded by `MAX_PASTS`. */
  readonly pasts = new Map<string, Past>();
  readonly graph = new Graph();
  readonly timetable = new Timetable<Entry | RunTimer>();
  /** Who has and who waits for a place; kept by places.ts. */
  readonly places = new Places();
  /** Of this leadership alone. */
  readonly startTimes = new StartTimes();
  /** By engine and launch name: since when nobody needs it any more, by a clock that is never set. */
  readonly tombstones = new Map<string, ReadonlyMap<string, number>>();
  /** How often an engine could not be reached, by launch name. */
  readonly deferrals = new Map<string, number>();
  /**
   * Launches that this leader has decided, and asked for no more than once. Of others an engine may come to have what
   * it says it does not have: an earlier call may still be under way.
   */
  readonly askedOnce = new Set<string>();
  /** What people started lately, by trigger, so that a repeated request finds its run; bounded. */
  readonly #triggered = new Map<string, Run>();
  /** Of all jobs. */
  readonly names = new SortedSet<string>(byName);
  /** Derived from schedules and edges; forgotten when any job changes. */
  readonly #cadences = new Map<string, string | null>();
  readonly #joinSpecs = new Map<string, JoinSpec>();
  readonly #branches = new Map<string, ReadonlySet<string>>();

  constructor(settings: Settings, cluster: string) {
    this.settings = settings;
    this.cluster = cluster;
  }

  /** The job, or JOB_NOT_FOUND. */
  entry(name: string): Entry {
    const entry = this.jobs.get(name);
    if (entry === undefined) {
      throw new CarillonError('JOB_NOT_FOUND', `there is no job named '${name}'`, {
        field: 'name',
        value: name,
      });
    }
    return entry;
  }

  /** Takes in what the store holds; call `ready` when all of it is in. Items may come in any order. */
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
  };
  readonly #loaded = new Map<string, JobState>();
  readonly #loadedStats = new Map<string, JobStats>();

  /** Joins jobs, states and runs. */
  ready(): void {
    for (const entry of this.jobs.values()) {
      entry.state = this.#loaded.get(entry.job.name) ?? entry.state;
      entry.stats = this.#loadedStats.get(entry.job.name) ?? null;
      this.foresee(entry);
    }
    const removed = [...this.#loaded.values()].filter(
      ({ name, removed }) => removed !== null && !this.jobs.has(name),
    );
    for (const state of removed.sort((a, b) => removedAt(a) - removedAt(b)).slice(-MAX_PASTS))
      this.pasts.set(state.name, { state, stats: this.#loadedStats.get(state.name) ?? null });
    this.#loaded.clear();
    this.#loadedStats.clear();
    // Now, and not when somebody first looks at the list.
    this.names.sort();
    // Stores load in any order, and the oldest run of a job is the one whose turn it is.
    for (const run of [...this.runs.values()].sort(byAge)) {
      const entry = this.jobs.get(run.job);
      if (entry !== undefined) entry.runs = [...entry.runs, run];
    }
  }

  /**
   * Creates or replaces the job; its state is kept, or made by `freshCursor` where there is none. The percentiles of a
   * removed job of the name become its own.
   */
  putJob(job: Job, state: JobState | null): Entry {
    this.#forgetDerived();
    const known = this.jobs.get(job.name);
    const { schedule, parents, fault } = usableJob(job);
    const priority = policyOf(job.definition.policy).priority;
    if (parents.length > 0 || known !== undefined) this.graph.setParents(job.name, parents);
    if (known === undefined) {
      const entry: Entry = {
        job,
        state: state ?? freshState(job.name, freshCursor(schedule, job.updatedAt)),
        stats: this.pasts.get(job.name)?.stats ?? null,
        schedule,
        fault,
        due: null,
        runs: noRuns,
        priority,
        openLine: null,
      };
      this.jobs.set(job.name, entry);
      this.pasts.delete(job.name);
      this.names.add(job.name);
      return entry;
    }
    known.job = job;
    known.schedule = schedule;
    known.fault = fault;
    known.priority = priority;
    known.openLine = null;
    if (state !== null) known.state = state;
    // Under a schedule the cursor and what is beside it know of the rounds; see `beginNames`.
    if (known.state.join !== null)
      known.state.join = schedule === null ? reshape(known.state.join, parents) : null;
    return known;
  }

  /** Takes the job out; `keepPast` says what is kept of it. Of a removed one the past is forgotten. */
  removeJob(name: string): void {
    const entry = this.jobs.get(name);
    this.pasts.delete(name);
    if (entry === undefined) return;
    entry.due = null;
    this.#forgetDerived();
    this.jobs.delete(name);
    this.graph.remove(name);
    this.names.remove(name);
  }

  /** The job is removed, and a job of its name will continue from here. */
  keepPast(past: Past): void {
    const { name } = past.state;
    this.pasts.delete(name);
    this.pasts.set(name, past);
  }

  /** Puts every job into the timetable: from now on due instants are decided here. */
  planAll(): void {
    for (const entry of this.jobs.values()) if (entry.due !== null) this.timetable.add(entry.due, entry);
  }

  /** Computes the next due instant behind the cursor, for those who only look. */
  foresee(entry: Entry): void {
    entry.due = nextUndecided(entry);
  }

  /** Computes the next due instant behind the cursor and puts it into the timetable. */
  plan(entry: Entry): void {
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

  /** The run that this trigger has made already, as far as it is remembered. */
  triggered(job: string, variant: string): Run | undefined {
    return this.#triggered.get(`${job}/${variant}`);
  }

  /** Remembers what a person started. */
  remember(run: Run): void {
    if (run.trigger.kind !== 'manual' && run.trigger.kind !== 'rerun') return;
    this.#triggered.set(`${run.job}/${run.variant}`, run);
    if (this.#triggered.size > MAX_TRIGGERS)
      this.#triggered.delete(this.#triggered.keys().next().value as string);
  }

  /** Takes back the newest attempt, of which nothing came to be: the next one has its number and name. */
  dropAttempt(run: Run): void {
    const attempt = run.attempts.pop();
    if (attempt === undefined) return;
    this.launches.delete(attempt.launchName);
    this.askedOnce.delete(attempt.launchName);
  }

  /** Takes an ended run out of everything that holds unfinished ones. */
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

  /** Puts the run's next deadline into the timetable. */
  watch(run: Run): void {
    const at = nextDeadline(run, this.jobs.get(run.job));
    if (at !== null) this.timetable.add(at, { run, priority: run.priority });
  }

  /** The jobs that a rerun, or a start by hand, of the root is sure to reach; see lineage.ts. */
  branches(root: string): ReadonlySet<string> {
    let branches = this.#branches.get(root);
    if (branches === undefined) {
      if (this.#branches.size >= MAX_BRANCHES) this.#branches.clear();
      branches = branchesOf(this.graph, [root]);
      this.#branches.set(root, branches);
    }
    return branches;
  }

  #forgetDerived(): void {
    this.#cadences.clear();
    this.#joinSpecs.clear();
    this.#branches.clear();
  }

  /** How the job's rounds are made; null for a job without parents. */
  joinSpec(entry: Entry): JoinSpec | null {
    const after = entry.job.definition.schedule?.after;
    if (after === undefined || entry.fault !== null) return null;
    let spec = this.#joinSpecs.get(entry.job.name);
    if (spec === undefined) {
      spec = joinSpecOf(
        after,
        (parent) => this.#cadence(parent),
        (parent) => this.#timeSchedule(parent),
      );
      this.#joinSpecs.set(entry.job.name, spec);
    }
    return spec;
  }

  /** A text that is equal for jobs which become due at the same instants; null when there is none. */
  #cadence(name: string): string | null {
    const cadence = cadenceOf(name, (job) => ({
      schedule: this.jobs.get(job)?.schedule ?? null,
      parents: this.graph.parentsOf(job),
      known: this.#cadences.get(job),
    }));
    this.#cadences.set(name, cadence);
    return cadence;
  }

  /** The schedule that drives a job: its own, or that of its first scheduled ancestor. */
  #timeSchedule(name: string): Schedule | null {
    const own = this.jobs.get(name)?.schedule ?? null;
    if (own !== null) return own;
    for (const ancestor of this.graph.ancestors(name)) {
      const schedule = this.jobs.get(ancestor)?.schedule ?? null;
      if (schedule !== null) return schedule;
    }
    return null;
  }
}

const removedAt = ({ removed }: JobState): number => removed?.at ?? 0;

/** Where a job that never ran begins: cron from now, a repeat or a single instant from its own start. */
export function freshCursor(schedule: Schedule | null, now: number): number {
  if (schedule === null || schedule.kind === 'cron') return now;
  const first = nextInstant(schedule, BEFORE_ALL);
  return first === null ? now : Math.min(now, first - 1);
}

/** The earliest instant a date can hold. */
export const BEFORE_ALL = -8.64e15;

/** Runs of one decision are made in the order of their due instants. */
function byAge(a: Run, b: Run): number {
  return a.createdAt - b.createdAt || a.due - b.due || (a.id < b.id ? -1 : 1);
}
