/**
 * Limits per job, pool and engine, held to an oracle that keeps plain lists and looks through all of them each
 * time: after every step exactly those runs are under way that it would have started. Those that their engine has no
 * place for are in nobody's way.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Settings } from '../../src/scheduler/model/model.ts';
import { abilities } from '../support/engines.ts';
import { Rig } from '../support/rig.ts';

const jobs = ['a', 'b', 'c', 'd', 'e'];

interface Policy {
  readonly pool?: string;
  readonly concurrency?: number;
  readonly priority: number;
  readonly overlap: 'allow' | 'queue-all';
}
interface Plan {
  readonly engine: 'process' | 'docker';
  readonly policy: Policy;
}
interface Sizes {
  readonly process: number;
  readonly docker: number;
  readonly etl: number;
  readonly reports: number;
}
interface Known {
  readonly id: string;
  readonly job: string;
  readonly priority: number;
  readonly due: number;
  state: 'waiting' | 'queued' | 'under way' | 'nowhere';
}

const optional = <T>(arbitrary: fc.Arbitrary<T>, name: string) =>
  fc.option(arbitrary, { nil: undefined }).map((value) => (value === undefined ? {} : { [name]: value }));

const plan: fc.Arbitrary<Plan> = fc
  .tuple(
    fc.constantFrom('process' as const, 'docker' as const),
    optional(fc.constantFrom('etl', 'reports'), 'pool'),
    optional(fc.integer({ min: 1, max: 3 }), 'concurrency'),
    fc.integer({ min: 0, max: 2 }),
    fc.constantFrom('allow' as const, 'allow' as const, 'queue-all' as const),
  )
  .map(([engine, pool, concurrency, priority, overlap]) => ({
    engine,
    policy: { ...pool, ...concurrency, priority, overlap },
  }));
const few = fc.integer({ min: 1, max: 3 });
const sizes: fc.Arbitrary<Sizes> = fc.record({ process: few, docker: few, etl: few, reports: few });

type Step =
  | { readonly do: 'trigger'; readonly job: string; readonly after: number }
  | { readonly do: 'end' | 'kill' | 'no place'; readonly which: number }
  | { readonly do: 'ask again' }
  | { readonly do: 'edit'; readonly job: string; readonly plan: Plan }
  | { readonly do: 'take over'; readonly sizes: Sizes };

const job = fc.constantFrom(...jobs);
const which = fc.nat(100);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('trigger' as const), job, after: fc.nat(2) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('end' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const), which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('no place' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('ask again' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('edit' as const), job, plan }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('take over' as const), sizes }) },
);

/** The rule, in lists. */
class Oracle {
  runs: Known[] = [];
  readonly plans: Map<string, Plan>;
  sizes: Sizes;

  constructor(plans: Map<string, Plan>, size: Sizes) {
    this.plans = plans;
    this.sizes = size;
  }

  limits(name: string): [label: string, places: number, covers: (job: string) => boolean][] {
    const { engine, policy } = this.plans.get(name) as Plan;
    const { pool, concurrency } = policy;
    const limits: ReturnType<Oracle['limits']> = [
      [`engine ${engine}`, this.sizes[engine], (other) => this.plans.get(other)?.engine === engine],
    ];
    if (concurrency !== undefined) limits.push([`job ${name}`, concurrency, (other) => other === name]);
    if (pool !== undefined) {
      const covers = (other: string) => this.plans.get(other)?.policy.pool === pool;
      limits.push([`pool ${pool}`, this.sizes[pool as 'etl'], covers]);
    }
    return limits;
  }

  full(name: string): string[] {
    const underWay = this.runs.filter((run) => run.state === 'under way');
    return this.limits(name)
      .filter(([, places, covers]) => underWay.filter((run) => covers(run.job)).length >= places)
      .map(([label]) => label);
  }

  add(run: Omit<Known, 'state'>): void {
    const waits =
      this.plans.get(run.job)?.policy.overlap === 'queue-all' && this.runs.some(({ job }) => job === run.job);
    this.runs.push({ ...run, state: waits ? 'waiting' : 'queued' });
    this.settle();
  }

  turn(run: Known, state: Known['state']): void {
    run.state = state;
    this.settle();
  }

  remove(id: string): void {
    this.runs = this.runs.filter((run) => run.id !== id);
    this.settle();
  }

  /** A new leader takes runs of one millisecond in the order of their ids. */
  restart(): void {
    this.runs.sort((a, b) => a.due - b.due || (a.id < b.id ? -1 : 1));
    this.settle();
  }

  /** The oldest run of a job has its turn, unless a younger one is before it; then starts whoever can, best first. */
  settle(): void {
    for (const name of jobs) {
      const [oldest, ...others] = this.runs.filter((run) => run.job === name);
      const isTurn =
        this.plans.get(name)?.policy.overlap === 'allow' || others.every(({ state }) => state === 'waiting');
      if (oldest?.state === 'waiting' && isTurn) oldest.state = 'queued';
    }
    const order = (a: Known, b: Known) => b.priority - a.priority || a.due - b.due || (a.id < b.id ? -1 : 1);
    for (const run of this.runs.filter(({ state }) => state === 'queued').sort(order))
      if (this.full(run.job).length === 0) run.state = 'under way';
  }
}

class Pair {
  readonly settings: { engines: Record<string, object>; pools: Record<string, number> };
  readonly oracle: Oracle;
  readonly rig: Rig;

  constructor(plans: readonly Plan[], size: Sizes) {
    this.oracle = new Oracle(new Map(jobs.map((name, i) => [name, plans[i] as Plan])), size);
    this.settings = { engines: {}, pools: {} };
    this.#configure(size);
    this.rig = new Rig('2026-01-01T00:00:00Z', this.settings as unknown as Settings);
    for (const name of jobs) this.put(name);
  }

  #configure(size: Sizes): void {
    const tombstoneMs = 600_000;
    this.settings.engines = {
      process: { concurrency: size.process, abilities: abilities.process, tombstoneMs },
      docker: { concurrency: size.docker, abilities: abilities.docker, tombstoneMs },
    };
    this.settings.pools = { etl: size.etl, reports: size.reports };
  }

  put(name: string): void {
    const { engine, policy } = this.oracle.plans.get(name) as Plan;
    const run = { command: 'true', ...(engine === 'docker' ? { image: 'x' } : {}) };
    this.rig.put({ name, run, policy: { ...policy } });
  }

  take(step: Step): void {
    const { rig, oracle } = this;
    if (step.do === 'trigger') {
      rig.now += step.after;
      const { id, job, priority, due } = rig.trigger(step.job);
      oracle.add({ id, job, priority, due });
    } else if (step.do === 'edit') {
      const before = oracle.plans.get(step.job) as Plan;
      // What is under way stays on its engine, so an edit that moves the job is another matter.
      const next = { engine: before.engine, policy: step.plan.policy };
      oracle.plans.set(step.job, next);
      this.put(step.job);
      // An edit that changes nothing is none. After any other there may be a place for what the job is now.
      const isChanged = JSON.stringify(next.policy) !== JSON.stringify(before.policy);
      for (const run of oracle.runs)
        if (isChanged && run.job === step.job && run.state === 'nowhere') run.state = 'queued';
      oracle.settle();
    } else if (step.do === 'take over') {
      oracle.sizes = step.sizes;
      this.#configure(step.sizes);
      (rig as { settings: Settings }).settings = { ...this.settings } as unknown as Settings;
      rig.restart();
      oracle.restart();
    } else if (step.do === 'no place') {
      const asked = oracle.runs.filter(({ state }) => state === 'under way');
      const known = asked[step.which % Math.max(1, asked.length)];
      const run = rig.state.runs.get(known?.id ?? '');
      // What was launched before a take-over may be there, whatever the engine says.
      if (known === undefined || run?.attempts.at(-1)?.term !== rig.term) return;
      const { launchName } = run.attempts.at(-1) as { launchName: string };
      rig.event({ kind: 'unplaced', now: rig.now, launchName, reason: 'no node has it' });
      oracle.turn(known, 'nowhere');
    } else if (step.do === 'ask again') this.askAgain();
    else {
      const ending = oracle.runs.filter(({ state }) => (state === 'under way') === (step.do === 'end'));
      const known = ending[step.which % Math.max(1, ending.length)];
      if (known === undefined) return;
      if (step.do === 'kill') rig.submit({ kind: 'kill', runId: known.id, by: 'test' });
      else
        rig.end(
          known.job,
          0,
          rig.state.entry(known.job).runs.findIndex(({ id }) => id === known.id),
        );
      oracle.remove(known.id);
    }
  }

  /** One after the other; of those with one instant and priority either may be first. */
  askAgain(): void {
    const { rig, oracle } = this;
    const nowhere = oracle.runs.filter(({ state }) => state === 'nowhere');
    const at = ({ id }: Known): number => rig.state.runs.get(id)?.notBefore ?? 0;
    const times = [...new Set(nowhere.map(at))].sort((a, b) => a - b);
    const due = new Map(times.map((time) => [time, nowhere.filter((run) => at(run) === time)]));
    for (const [time, runs] of due) {
      rig.advance(Math.max(0, time - rig.now));
      const isQueued = ({ id }: Known): number => (rig.state.runs.get(id)?.state === 'queued' ? 1 : 0);
      runs.sort((a, b) => b.priority - a.priority || isQueued(a) - isQueued(b));
      for (const run of runs) oracle.turn(run, 'queued');
    }
  }

  compare(): void {
    const stateOf = (state: string) => (state === 'launching' || state === 'running' ? 'under way' : state);
    const real = [...this.rig.state.runs.values()].map(
      ({ id, state, notBefore }) => `${id} ${notBefore === null ? stateOf(state) : 'nowhere'}`,
    );
    expect(real.sort()).toEqual(this.oracle.runs.map(({ id, state }) => `${id} ${state}`).sort());
    for (const run of this.rig.state.runs.values()) {
      if (run.state !== 'queued' || run.notBefore !== null) continue;
      const { reason } = run;
      const full = reason?.code === 'limit-reached' ? `${reason.limit} ${reason.name}` : reason?.code;
      expect(this.oracle.full(run.job), run.id).toContain(full);
    }
  }

  /** Ends what is under way until nothing is left. */
  drain(): void {
    const { oracle } = this;
    this.askAgain();
    this.compare();
    for (let most = oracle.runs.length; oracle.runs.length > 0; most -= 1) {
      expect(most).toBeGreaterThan(0);
      this.take({ do: 'end', which: 0 });
      this.compare();
    }
  }
}

describe('limits', () => {
  test('start what can start, best first, never too much, and let everybody start in the end', () => {
    fc.assert(
      fc.property(
        fc.tuple(plan, plan, plan, plan, plan),
        sizes,
        fc.array(step, { minLength: 10, maxLength: 60 }),
        (plans, size, steps) => {
          const pair = new Pair(plans, size);
          for (const each of steps) {
            pair.take(each);
            pair.compare();
          }
          pair.drain();
        },
      ),
      { numRuns: 120 },
    );
  }, 90_000);
});
