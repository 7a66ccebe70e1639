/**
 * An engine as a thing in the world: it outlives schedulers, keeps launches by name, and tells what happens to
 * whoever listens. Nothing is started that was not created; what is removed cannot be started by its id any more.
 */

import type { LaunchSpec } from '../../src/scheduler/job/spec.ts';
import type { LaunchReport, Observation } from '../../src/scheduler/ports.ts';
import type { Random } from './random.ts';
import type { SimTime } from './time.ts';

/** How an attempt goes once it is started. */
export interface Course {
  readonly durationMs: number;
  readonly exitCode: number;
  /** TERM is ignored. */
  readonly deaf: boolean;
}

export interface Held {
  readonly id: number;
  readonly spec: LaunchSpec;
  report: LaunchReport;
}

export interface EngineParts {
  /** `docker`, or `process@n1`. */
  readonly place: string;
  readonly time: SimTime;
  readonly random: Random;
  readonly epochMs: number;
  /** Ahead of the simulated time. */
  readonly offsetMs: number;
  readonly course: (spec: LaunchSpec) => Course;
  /** Creates and starts a name though it is there; a part that is broken on purpose does. */
  readonly careless: boolean;
  readonly onCreate: (engine: Engine, spec: LaunchSpec) => void;
  readonly onStart: (engine: Engine, spec: LaunchSpec) => void;
}

export class Engine {
  readonly place: string;
  readonly held = new Map<string, Held>();
  readonly listeners = new Set<(observation: Observation) => void>();
  /** Every call fails at once. */
  down = 0;
  /** Calls are carried out this much later. */
  hangMs = 0;
  /** This share of the supervisors comes to its start late. */
  busy = 0;
  /** For this share of the launches that it is asked for there is no place. */
  crowded = 0;
  /** This share of what happens is told to nobody. */
  deafness = 0;
  /** Launches that it forgot while they were there. */
  readonly forgotten = new Set<string>();
  readonly #parts: EngineParts;
  #ids = 0;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.place = parts.place;
  }

  now(): number {
    return this.#parts.epochMs + this.#parts.time.now + this.#parts.offsetMs;
  }

  /** Its new id, or what has the name. */
  create(spec: LaunchSpec): { id: number } | { found: Held } {
    const found = this.held.get(spec.launchName);
    if (found !== undefined && !this.#parts.careless) return { found };
    this.#parts.onCreate(this, spec);
    const id = ++this.#ids;
    this.held.set(spec.launchName, {
      id,
      spec,
      report: { launchName: spec.launchName, state: 'created' },
    });
    return { id };
  }

  byId(id: number): Held | null {
    for (const held of this.held.values()) if (held.id === id) return held;
    return null;
  }

  /** False when it is not there any more. */
  start(id: number): boolean {
    const held = this.byId(id);
    if (held === null) return false;
    if (held.report.state !== 'created') return true;
    const { spec } = held;
    const at = this.now();
    held.report = { launchName: spec.launchName, state: 'running', startedAt: at };
    this.#parts.onStart(this, spec);
    this.#tell({ kind: 'started', launchName: spec.launchName, at });
    const { durationMs, exitCode } = this.#parts.course(spec);
    this.#parts.time.after(durationMs, () => this.#exit(held, exitCode));
    return true;
  }

  /** What runs is not removed. */
  removeById(id: number): void {
    const held = this.byId(id);
    if (held !== null && held.report.state !== 'running') this.held.delete(held.spec.launchName);
  }

  /**
   * Removes what was not started. Kinder than the Docker Engine, which in the time of one request cannot tell it from
   * what was started and has ended since.
   */
  takeAway(id: number): void {
    if (this.byId(id)?.report.state === 'created') this.removeById(id);
  }

  signal(id: number, signal: 'TERM' | 'KILL'): void {
    const held = this.byId(id);
    if (held?.report.state !== 'running') return;
    if (signal === 'KILL') this.#exit(held, 137);
    else if (!this.#parts.course(held.spec).deaf)
      this.#parts.time.after(this.#parts.random.mostlySmall(1, 2_000), () => this.#exit(held, 143));
  }

  /** It ends before it began. */
  endUnstarted(id: number): void {
    const held = this.byId(id);
    if (held?.report.state === 'created') this.#exit(held, null, 'ended before it was started');
  }

  forget(held: Held): void {
    this.forgotten.add(held.spec.launchName);
    this.held.delete(held.spec.launchName);
  }

  /** The machine starts anew: what ran is gone. */
  reboot(): void {
    for (const held of this.held.values())
      if (held.report.state !== 'ended') this.#exit(held, null, 'the machine was started anew', true);
  }

  inventory(): LaunchReport[] {
    return [...this.held.values()].map(({ report }) => report);
  }

  observationsOf({ report }: Held): Observation[] {
    const { launchName, state, startedAt } = report;
    if (state === 'created') return [];
    const started: Observation[] =
      startedAt === undefined ? [] : [{ kind: 'started', launchName, at: startedAt }];
    return state === 'running' ? started : [...started, endOf(report, this.now())];
  }

  #exit(held: Held, exitCode: number | null, reason?: string, infrastructure = false): void {
    if (held.report.state === 'ended' || this.byId(held.id) !== held) return;
    const { launchName, startedAt } = held.report;
    held.report = {
      launchName,
      state: 'ended',
      endedAt: this.now(),
      exitCode,
      ...(startedAt === undefined ? {} : { startedAt }),
      ...(reason === undefined ? {} : { reason }),
      ...(infrastructure ? { infrastructure } : {}),
    };
    this.#tell(endOf(held.report, this.now()));
  }

  #tell(observation: Observation): void {
    for (const listener of [...this.listeners])
      if (!this.#parts.random.chance(this.deafness)) listener(observation);
  }
}

function endOf(report: LaunchReport, now: number): Observation {
  const { launchName, startedAt, exitCode = null, reason, infrastructure } = report;
  return {
    kind: 'ended',
    launchName,
    at: report.endedAt ?? now,
    exitCode,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(reason === undefined ? {} : { reason }),
    ...(infrastructure === undefined ? {} : { infrastructure }),
  };
}
