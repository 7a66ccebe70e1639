/**
 * Prepares the launches of jobs with `prestage` or `warmStart`, and of processes that are due soon, and discards those that have
 * changed. Preparation is best effort: without it, a job starts the normal way.
 */

import { sameJson } from '../job/same.ts';
import type { LaunchSpec } from '../job/spec.ts';
import type { Clock } from '../ports.ts';
import { comingLaunch, isHeldUnasked, UNASKED_MS } from '../rules/coming.ts';
import { ON_TIME_MS } from '../rules/due.ts';
import type { State } from '../state/state.ts';
import { Timetable } from '../state/timetable.ts';

/** Delay after a due time until its decision is certain to be made; only then is the next one prepared. */
const CHECK_AGAIN_MS = 100;
/** Pause between looks for what is due soon. */
const LOOK_AGAIN_MS = 100;
/** Those that were not asked for leave room for others: engines hold twice as many. */
const MOST_UNASKED = 128;
/** Maximum sleep: limits what a suspend or a step of the wall clock can delay. */
const MAX_SLEEP_MS = 1_000;

/** A preparation. */
export interface Favour {
  readonly spec: LaunchSpec;
  readonly priority: number;
  readonly warm: boolean;
  /** When the preparation expires. */
  readonly forMs: number;
}

export interface AheadParts {
  readonly state: State;
  readonly clock: Clock;
  readonly prepare: (favour: Favour) => void;
  readonly discard: (launch: Pick<LaunchSpec, 'engine' | 'launchName'>) => void;
}

interface Made {
  readonly due: number;
  readonly spec: LaunchSpec;
  readonly warm: boolean;
}

interface PlannedCheck {
  readonly job: string;
  readonly priority: number;
}

export class Ahead {
  readonly #parts: AheadParts;
  /** When to check which job again; outdated entries are harmless. */
  readonly #checks = new Timetable<PlannedCheck>();
  /** By job. */
  readonly #made = new Map<string, Made>();
  readonly #looksForUnasked: boolean;
  /** When to look again for what is due soon. */
  #lookAt = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | null = null;
  #wakeAt = Number.POSITIVE_INFINITY;
  #running = false;

  constructor(parts: AheadParts) {
    this.#parts = parts;
    this.#looksForUnasked = Object.values(parts.state.settings.engines).some(isHeldUnasked);
  }

  start(): void {
    this.#running = true;
    for (const name of this.#parts.state.jobs.keys()) this.#check(name);
    this.#rearm();
  }

  /** Discards all preparations; the engines finish on their own. */
  stop(): void {
    this.#running = false;
    this.#cancel?.();
    this.#cancel = null;
    for (const { spec } of this.#made.values()) this.#parts.discard(spec);
    this.#made.clear();
  }

  /** Call it when a job was changed, paused, resumed, disabled or deleted. */
  changed(job: string): void {
    if (!this.#running) return;
    this.#check(job);
    this.#rearm();
  }

  #check(job: string): void {
    const { state, clock, discard } = this.#parts;
    const now = clock.now();
    const entry = state.jobs.get(job);
    const coming = entry === undefined ? null : comingLaunch(state, entry, now);
    let made = this.#made.get(job);
    if (made !== undefined && (coming === null || !sameJson(made.spec, coming.spec))) {
      // Once it is decided or due, its launch uses it or it expires.
      if (now < made.due && !state.launches.has(made.spec.launchName)) discard(made.spec);
      this.#made.delete(job);
      made = undefined;
    }
    if (entry === undefined || coming === null) return;
    const { due, isAsked, spec, steps } = coming;
    const step = steps.findLast(({ at }) => at <= now);
    if (!isAsked && made === undefined && this.#made.size >= MOST_UNASKED) return;
    if (step !== undefined && now < due && made?.warm !== step.warm) {
      this.#made.set(job, { due, spec, warm: step.warm });
      this.#parts.prepare({ spec, warm: step.warm, priority: entry.priority, forMs: due - now + ON_TIME_MS });
    }
    const next = steps.find(({ at }) => at > now)?.at ?? Math.max(due, now) + CHECK_AGAIN_MS;
    this.#checks.add(next, { job, priority: entry.priority });
  }

  /** Prepares what did not ask for it. Where hundreds are due, all take seconds, and to have prepared some only delays others. */
  #look(now: number): void {
    this.#lookAt = now + LOOK_AGAIN_MS;
    const soon = this.#parts.state.timetable.upTo(now + UNASKED_MS, MOST_UNASKED + 1);
    if (soon.length > MOST_UNASKED) return;
    for (const subject of soon)
      if ('due' in subject && this.#made.get(subject.job.name)?.due !== subject.due)
        this.#check(subject.job.name);
  }

  #rearm(): void {
    const { clock, state } = this.#parts;
    const soon = this.#looksForUnasked
      ? Math.max(this.#lookAt, state.timetable.earliest() - UNASKED_MS)
      : Number.POSITIVE_INFINITY;
    const earliest = Math.min(this.#checks.earliest(), soon);
    if (earliest === Number.POSITIVE_INFINITY) return;
    const now = clock.now();
    const at = Math.min(earliest, now + MAX_SLEEP_MS);
    if (this.#cancel !== null && this.#wakeAt <= at) return;
    this.#cancel?.();
    this.#wakeAt = at;
    this.#cancel = clock.after(Math.max(0, at - now), () => this.#woken());
  }

  #woken(): void {
    this.#cancel = null;
    const now = this.#parts.clock.now();
    const jobs = new Set<string>();
    for (let check = this.#checks.takeDue(now); check !== null; check = this.#checks.takeDue(now))
      jobs.add(check.subject.job);
    for (const job of jobs) this.#check(job);
    if (this.#looksForUnasked && now >= this.#lookAt) this.#look(now);
    this.#rearm();
  }
}
