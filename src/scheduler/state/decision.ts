/**
 * What a decision consists of. `Draft` collects it: writes in atomic groups, effects that may start only
 * when every group is durable, and notices for whoever watches. Values are copied when they are written, so
 * that later decisions can't reach into a commit that is under way.
 */

import type { Notice } from '../handle.ts';
import type { LaunchSpec } from '../job/spec.ts';
import type { Job, JobState, JobStats, LedgerLine, Revision, Run } from '../model/model.ts';
import type { Write, WriteGroup } from '../records/table.ts';

/**
 * What is to be done in the world once the writes are durable. If the leader dies
 * - before: the writes are not durable either, or `reconcile` finds a launching run and asks again;
 * - during: the launch name tells whether the engine has it, and `reconcile` adopts or asks again;
 * - after: `reconcile` adopts it.
 */
export type Effect =
  | {
      readonly kind: 'launch';
      readonly spec: LaunchSpec;
      readonly priority: number;
      /** Null: at once. */
      readonly delayMs: number | null;
    }
  | ({ readonly kind: 'kill'; readonly graceMs: number } & Launched)
  | ({ readonly kind: 'take-back' } & Launched)
  | ({ readonly kind: 'remove' } & Launched);

/** One launch, and where it is: on an engine that every node reaches, or on the host's own. */
export interface Launched {
  readonly engine: string;
  readonly host: string | null;
  readonly launchName: string;
}

export interface Decision {
  /** Durable in this order, each whole, before any effect starts. */
  readonly groups: readonly WriteGroup[];
  readonly effects: readonly Effect[];
  readonly notices: readonly Notice[];
  /** There is more to decide at this instant: ask again with the same event. */
  readonly more: boolean;
}

export class Draft {
  readonly now: number;
  readonly effects: Effect[] = [];
  readonly notices: Notice[] = [];
  readonly #groups: Write[][] = [];
  #group: Write[] = [];
  /** Where in the group each job's state and each run stands. */
  readonly #places = new Map<string, number>();

  constructor(now: number) {
    this.now = now;
  }

  /** Ends the atomic group: what follows may become durable later than what came before. */
  cut(): void {
    if (this.#group.length > 0) this.#groups.push(this.#group);
    this.#group = [];
    this.#places.clear();
  }

  job(job: Job): void {
    this.#group.push({ kind: 'job', value: job });
  }

  jobRemoved(revision: Revision): void {
    this.#group.push({ kind: 'job-removed', value: revision });
    // What is written of its state from now on stands behind the removal.
    this.#places.delete(`state/${revision.job}`);
  }

  /** One write per job and group: a later one replaces the earlier. */
  state(state: JobState): void {
    this.#put(`state/${state.name}`, { kind: 'state', value: { ...state } });
  }

  stats(stats: JobStats): void {
    this.#group.push({ kind: 'stats', value: stats });
  }

  run(run: Run): void {
    run.decidedAt = this.now;
    const copy = copyRun(run);
    this.#put(`run/${run.id}`, { kind: copy.endedAt === null ? 'run' : 'run-ended', value: copy });
    this.notices.push({ kind: 'run', run: copy });
  }

  #put(key: string, write: Write): void {
    const at = this.#places.get(key);
    if (at === undefined) {
      this.#places.set(key, this.#group.length);
      this.#group.push(write);
    } else this.#group[at] = write;
  }

  ledger(line: LedgerLine): void {
    this.#group.push({ kind: 'ledger', value: line });
  }

  effect(effect: Effect): void {
    this.effects.push(effect);
  }

  notice(notice: Notice): void {
    this.notices.push(notice);
  }

  done(more = false): Decision {
    this.cut();
    return { groups: this.#groups, effects: this.effects, notices: this.notices, more };
  }
}

/** A run that shares nothing that can change. */
export function copyRun(run: Run): Run {
  return { ...run, attempts: run.attempts.map((attempt) => ({ ...attempt })) };
}
