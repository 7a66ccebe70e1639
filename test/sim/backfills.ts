/**
 * Watches backfills, from the writes alone: each step of one has one run and ends exactly once, none is lost, and what
 * today brings never waits for one.
 */

import { type Backfill, type BackfillPlan, signs, stateOf } from '../../src/scheduler/model/backfill.ts';
import { runningSteps, stepsOf } from '../../src/scheduler/model/backfill-steps.ts';
import type { Run } from '../../src/scheduler/model/model.ts';
import { idOf, refsOf } from '../../src/scheduler/model/reason.ts';
import { isEnded } from '../../src/scheduler/model/run-state.ts';
import type { Rules } from '../../src/scheduler/records/table.ts';

type Kind = 'backfill' | 'backfill-plan' | 'backfill-ended' | 'backfilled';

export class BackfillJudge {
  /** Unfinished ones. */
  readonly open = new Map<string, Backfill>();
  readonly ended = new Map<string, Backfill>();
  readonly #plans = new Map<string, BackfillPlan>();
  readonly #runs: ReadonlyMap<string, Run>;
  readonly #wrong: (what: string) => void;
  /** By backfill and step. */
  readonly #runOf = new Map<string, string>();
  /** Looked at once the whole commit is. */
  readonly #changed = new Set<string>();

  constructor(runs: ReadonlyMap<string, Run>, wrong: (what: string) => void) {
    this.#runs = runs;
    this.#wrong = wrong;
  }

  readonly takes: Rules<Kind, undefined, null> = {
    backfill: (_, backfill) => {
      this.#written(backfill);
      this.open.set(backfill.id, backfill);
      return null;
    },
    'backfill-plan': (_, plan) => {
      if (this.#plans.has(plan.id)) this.#wrong(`the plan of the backfill ${plan.id} is written again`);
      this.#plans.set(plan.id, plan);
      return null;
    },
    'backfill-ended': (_, backfill) => {
      this.#written(backfill);
      this.open.delete(backfill.id);
      this.ended.set(backfill.id, backfill);
      if (runningSteps(backfill.progress) > 0)
        this.#wrong(`the backfill ${backfill.id} ends with steps that run: ${backfill.progress}`);
      if (backfill.state !== 'cancelling' && backfill.progress.includes(signs.waiting))
        this.#wrong(`the backfill ${backfill.id} loses steps: ${backfill.progress}`);
      return null;
    },
    backfilled: (_, { run, state }) => {
      const known = this.#runs.get(run);
      if (known?.state !== state) this.#wrong(`${run} is backfilled as ${state}, and is ${known?.state}`);
      return null;
    },
  };

  #written({ id, progress, options: { atOnce } }: Backfill): void {
    const before = this.open.get(id);
    this.#changed.add(id);
    if (this.ended.has(id)) this.#wrong(`the backfill ${id} has ended and is written again`);
    if (runningSteps(progress) > atOnce)
      this.#wrong(`the backfill ${id} has ${runningSteps(progress)} runs at once, of ${atOnce}`);
    if (before === undefined) return;
    if (before.progress.length !== progress.length) this.#wrong(`the backfill ${id} has other steps now`);
    for (let step = 0; step < progress.length; step++) {
      const [was, is] = [stateOf(before.progress, step), stateOf(progress, step)];
      const isNext = was === 'waiting' || (was === 'running' && is !== 'waiting');
      if (was !== is && !isNext) this.#wrong(`step ${step} of the backfill ${id} was ${was} and is ${is}`);
    }
  }

  /** A run is durable as it is. */
  run(run: Run): void {
    const { backfill } = run;
    if (backfill === undefined) {
      if (run.lineage === 'scheduled') this.#today(run);
      return;
    }
    const key = `${backfill.id}/${backfill.step}`;
    const known = this.#runOf.get(key);
    if (known !== undefined && known !== run.id)
      this.#wrong(`step ${key} has the runs ${known} and ${run.id}`);
    this.#runOf.set(key, run.id);
    this.#changed.add(backfill.id);
    const step = this.#stepsOf(backfill.id)?.[backfill.step];
    if (step?.lane.job !== run.job || step.due !== run.due) this.#wrong(`${run.id} is not step ${key}`);
  }

  /** It never waits for a step of a backfill, nor is it skipped or replaced because of one. */
  #today({ id, state, reason }: Run): void {
    if (reason === null || reason.code === 'parents') return;
    for (const ref of refsOf(reason)) {
      const other = 'run' in ref ? this.#runs.get(idOf(ref.run)) : undefined;
      if (other?.backfill !== undefined) this.#wrong(`${id} is ${state} because of the step ${other.id}`);
    }
  }

  #stepsOf(id: string) {
    const plan = this.#plans.get(id);
    return plan === undefined ? undefined : stepsOf(plan);
  }

  /** All writes of a commit were looked at: progress and runs agree. */
  committed(): void {
    for (const id of this.#changed) {
      const backfill = this.open.get(id) ?? this.ended.get(id);
      if (backfill === undefined) {
        this.#wrong(`there are runs of the backfill ${id}, and there is none`);
        continue;
      }
      if (this.#stepsOf(id)?.length !== backfill.progress.length)
        this.#wrong(`the backfill ${id} has ${backfill.progress.length} steps, and its plan has others`);
      for (let step = 0; step < backfill.progress.length; step++) this.#compare(backfill, step);
    }
    this.#changed.clear();
  }

  #compare({ id, progress }: Backfill, step: number): void {
    const is = stateOf(progress, step);
    const run = this.#runs.get(this.#runOf.get(`${id}/${step}`) ?? '');
    const ofRun = run === undefined ? null : isEnded(run.state) ? run.state : 'running';
    const expected = ofRun ?? (is === 'dropped' ? 'dropped' : 'waiting');
    if (is !== expected) this.#wrong(`step ${step} of the backfill ${id} is ${is}, and its run is ${ofRun}`);
  }

  /** Everything is quiet: what is not paused has ended, or waits for a job that is held up. */
  faults(): string[] {
    return [...this.open.values()].flatMap(({ id, state, progress }) =>
      state === 'paused' || progress.includes(signs.running)
        ? []
        : [`the backfill ${id} is ${state} and does not go on: ${progress}`],
    );
  }
}
