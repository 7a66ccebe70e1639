/**
 * An engine in memory that obeys the port and can be told to fail: for faults that a real engine cannot be
 * made to show on demand. It outlives schedulers, as engines do.
 */

import { CarillonError } from '../../src/errors.ts';
import type { LaunchSpec } from '../../src/scheduler/job/spec.ts';
import type { Clock, Launcher, LaunchReport, LogChunk, Observation } from '../../src/scheduler/ports.ts';

interface Held {
  readonly spec: LaunchSpec;
  report: LaunchReport;
}

/** What the engine holds, whoever asks. */
export class FakeEngine {
  readonly held = new Map<string, Held>();
  /** How often each launch name was started; a second start is what must never be. */
  readonly starts = new Map<string, number>();
  /** In the order of starting. */
  readonly started: LaunchSpec[] = [];
  readonly kills: string[] = [];
  /** What was made ready, by launch name, until it is launched or given up. */
  readonly ready = new Map<string, { readonly spec: LaunchSpec; readonly warm: boolean }>();
  down = false;
  /** A reason to refuse the launch, or null. */
  refuse: (spec: LaunchSpec) => string | null = () => null;
  /** How long an attempt takes and how it ends; null: until `exit` is called. */
  plan: (spec: LaunchSpec) => { durationMs: number; exitCode: number } | null = () => null;
  /** TERM and KILL end a launch; otherwise it goes on as if deaf. */
  obeysKill = true;
  readonly listeners = new Set<(observation: Observation) => void>();
  readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  tell(observation: Observation): void {
    for (const listener of this.listeners) listener(observation);
  }

  start(spec: LaunchSpec): void {
    if (this.held.has(spec.launchName)) return;
    const at = this.clock.now();
    this.starts.set(spec.launchName, (this.starts.get(spec.launchName) ?? 0) + 1);
    this.started.push(spec);
    this.held.set(spec.launchName, {
      spec,
      report: { launchName: spec.launchName, state: 'running', startedAt: at },
    });
    this.tell({ kind: 'started', launchName: spec.launchName, at });
    const plan = this.plan(spec);
    if (plan !== null) this.clock.after(plan.durationMs, () => this.exit(spec.launchName, plan.exitCode));
  }

  exit(launchName: string, exitCode: number | null, reason?: string): void {
    const held = this.held.get(launchName);
    if (held === undefined || held.report.state === 'ended') return;
    const at = this.clock.now();
    const { startedAt = at } = held.report;
    const why = reason === undefined ? {} : { reason };
    held.report = { launchName, state: 'ended', startedAt, endedAt: at, exitCode, ...why };
    this.tell({ kind: 'ended', launchName, at, startedAt, exitCode, ...why });
  }

  /** The launch name of a job's newest start. */
  newest(job: string): string {
    const spec = this.started.findLast((each) => each.job === job);
    if (spec === undefined) throw new Error(`nothing of ${job} was started`);
    return spec.launchName;
  }
}

export function createFakeLauncher(engine: FakeEngine, name = 'process'): Launcher {
  const own = new Set<(observation: Observation) => void>();
  const reachable = (): void => {
    if (engine.down) throw new CarillonError('ENGINE_UNAVAILABLE', `the engine ${name} is down`);
  };
  return {
    engine: name,
    async start() {},
    async stop() {
      for (const listener of own) engine.listeners.delete(listener);
    },
    onObservation(listener) {
      own.add(listener);
      engine.listeners.add(listener);
    },
    async launch(spec) {
      reachable();
      const refusal = engine.refuse(spec);
      if (refusal !== null) throw new CarillonError('LAUNCH_REFUSED', refusal);
      engine.ready.delete(spec.launchName);
      engine.start(spec);
    },
    ahead: {
      async prepare(spec, { warm, forMs, mayStart }) {
        reachable();
        if (!mayStart()) return;
        engine.ready.set(spec.launchName, { spec, warm });
        engine.clock.after(forMs, () => engine.ready.delete(spec.launchName));
      },
      isHeld: (launchName) => engine.ready.get(launchName)?.warm === true,
      async discard(launchName) {
        engine.ready.delete(launchName);
      },
    },
    async kill(launchName, graceMs) {
      reachable();
      engine.kills.push(launchName);
      if (engine.obeysKill) engine.clock.after(graceMs / 2, () => engine.exit(launchName, 143));
    },
    async takeBack(launchName) {
      reachable();
      if (engine.held.get(launchName)?.report.state === 'created') engine.held.delete(launchName);
    },
    async remove(launchName) {
      reachable();
      engine.held.delete(launchName);
    },
    async inventory() {
      reachable();
      return [...engine.held.values()].map(({ report }) => report);
    },
    // biome-ignore lint/correctness/useYield: this engine keeps no output
    async *logs(launchName): AsyncIterable<LogChunk> {
      if (!engine.held.has(launchName))
        throw new CarillonError('LOGS_GONE', `nothing is kept of ${launchName}`);
    },
    async describe() {
      return { reachable: !engine.down, version: 'fake', detail: null };
    },
  };
}
