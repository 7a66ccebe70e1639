/**
 * The Launcher port of one process over a simulated engine, as the real ones work: create by name, then start by
 * id; a name that is taken is adopted, or removed and created anew where an older term left it unstarted. On the
 * engine of processes the start is a supervisor's, which comes to it though the scheduler dies.
 */

import { CarillonError } from '../../src/errors.ts';
import type { LaunchSpec } from '../../src/scheduler/job/spec.ts';
import type { Launcher, LaunchReport, LogChunk, Observation } from '../../src/scheduler/ports.ts';
import type { Engine, Held } from './engine.ts';
import { type Link, type Network, Unanswered } from './network.ts';
import type { Process } from './process.ts';
import type { Random } from './random.ts';

const CALL_MS = 10_000;
const MAX_ROUNDS = 200;
const ROUND_MS = 50;
/** How long another launch of the same name may take from its creation to its start. */
const PATIENCE_MS = 5_000;
/** A supervisor gets to its start within this, on a busy host within the other. */
const SUPERVISOR_MS = 100;
const BUSY_MS = 20_000;
/** A supervisor waits for no instant that is further away: the clock was set. */
const MOMENT_MS = 1_000;

export interface LauncherParts {
  readonly name: string;
  readonly engine: Engine;
  readonly process: Process;
  readonly network: Network;
  readonly link: Link;
  readonly random: Random;
  readonly supervised: boolean;
  /** Its supervisors do not wait for the instant that they are given; a part that is broken on purpose. */
  readonly hasty: boolean;
  readonly onLaunch: (spec: LaunchSpec) => void;
}

interface Flight {
  killed: boolean;
  done: Promise<void>;
}

export class NodeLauncher implements Launcher {
  readonly engine: string;
  readonly launchAt?: NonNullable<Launcher['launchAt']>;
  readonly #parts: LauncherParts;
  readonly #listeners: ((observation: Observation) => void)[] = [];
  readonly #flights = new Map<string, Flight>();
  readonly #killing = new Set<number>();
  #lastTold = 0;

  constructor(parts: LauncherParts) {
    this.engine = parts.name;
    this.#parts = parts;
    if (parts.supervised) this.launchAt = (spec, at) => this.#start(spec, at);
  }

  async start(): Promise<void> {
    const { engine, process } = this.#parts;
    const listener = (observation: Observation): void => this.#report(observation);
    engine.listeners.add(listener);
    process.onDeath.push(() => engine.listeners.delete(listener));
  }

  async stop(): Promise<void> {}

  onObservation(listener: (observation: Observation) => void): void {
    this.#listeners.push(listener);
  }

  launch(spec: LaunchSpec): Promise<void> {
    return this.#start(spec, null);
  }

  #start(spec: LaunchSpec, at: number | null): Promise<void> {
    const under = this.#flights.get(spec.launchName);
    if (under !== undefined) return under.done;
    const flight: Flight = { killed: false, done: Promise.resolve() };
    this.#flights.set(spec.launchName, flight);
    this.#parts.onLaunch(spec);
    flight.done = this.#launch(spec, flight, at).finally(() => this.#flights.delete(spec.launchName));
    return flight.done;
  }

  async kill(launchName: string, graceMs: number): Promise<void> {
    const { engine, process, supervised } = this.#parts;
    const flight = this.#flights.get(launchName);
    if (flight !== undefined) flight.killed = true;
    const id = await this.#call('kill', () => {
      const held = engine.held.get(launchName);
      if (held === undefined) return null;
      if (supervised) engine.endUnstarted(held.id);
      engine.signal(held.id, 'TERM');
      return held.report.state === 'running' ? held.id : null;
    });
    if (id === null || this.#killing.has(id)) return;
    this.#killing.add(id);
    process.clock.after(graceMs, () => {
      this.#killing.delete(id);
      this.#call('final kill', () => engine.signal(id, 'KILL')).catch(() => undefined);
    });
  }

  async takeBack(launchName: string): Promise<void> {
    const { engine } = this.#parts;
    await this.#call('take-back', () => {
      const held = engine.held.get(launchName);
      if (held !== undefined) engine.takeAway(held.id);
    });
  }

  async remove(launchName: string): Promise<void> {
    const { engine } = this.#parts;
    await this.#call('remove', () => {
      const held = engine.held.get(launchName);
      if (held !== undefined) engine.removeById(held.id);
    });
  }

  inventory(): Promise<LaunchReport[]> {
    return this.#call('inventory', () => this.#parts.engine.inventory());
  }

  async *logs(): AsyncIterable<LogChunk> {}

  async describe(): ReturnType<Launcher['describe']> {
    return { reachable: true, version: 'simulated', detail: null };
  }

  /** In the order in which it happened. */
  #report(observation: Observation): void {
    const { process, network, link } = this.#parts;
    if (!link.up || process.dead) return;
    this.#lastTold = Math.max(this.#lastTold + 1, process.time.now + network.delay(link));
    process.time.after(this.#lastTold - process.time.now, () =>
      process.deliver(() => this.#emit(observation)),
    );
  }

  #emit(observation: Observation): void {
    for (const listener of this.#listeners) listener(observation);
  }

  async #launch(spec: LaunchSpec, flight: Flight, at: number | null): Promise<void> {
    const { engine, process, supervised } = this.#parts;
    const since = process.clock.monotonicMs();
    if (engine.crowded > 0) await this.#look(spec.launchName);
    for (let round = 0; round < MAX_ROUNDS; round++) {
      if (round > 0) await process.sleep(ROUND_MS);
      const created = await this.#call<ReturnType<Engine['create']> | boolean>('create', () => {
        const made = engine.create(spec);
        // A supervisor goes on by itself: a scheduler that stops here starts nothing when it goes on.
        return supervised && 'id' in made ? this.#supervise(made.id, at) : made;
      });
      if (typeof created === 'boolean') {
        if (created) return;
      } else if ('id' in created) {
        if (flight.killed) {
          await this.#call('take back', () => engine.takeAway(created.id));
          throw new CarillonError('LAUNCH_REFUSED', 'it was killed before it started');
        }
        if (await this.#call('start', () => engine.start(created.id))) return;
      } else if (await this.#adopt(spec, created.found, process.clock.monotonicMs() - since)) {
        if (flight.killed) await this.kill(spec.launchName, 0);
        return;
      }
    }
    throw new CarillonError('ENGINE_UNAVAILABLE', `others have the name ${spec.launchName}`);
  }

  /** Is there a place, or is it there already? */
  async #look(launchName: string): Promise<void> {
    const { engine, random } = this.#parts;
    const hasPlace = await this.#call(
      'look',
      () => engine.held.has(launchName) || !random.chance(engine.crowded),
    );
    if (!hasPlace) throw new CarillonError('NO_PLACE', 'no node has 8 CPUs free');
  }

  /** True: it was started. It may have been ended before. */
  #supervise(id: number, at: number | null): Promise<boolean> {
    const { engine, process, hasty, random } = this.#parts;
    const afterMs = random.mostlySmall(1, random.chance(engine.busy) ? BUSY_MS : SUPERVISOR_MS);
    return new Promise((resolve) => {
      const begin = (): void => {
        const leftMs = at === null || hasty ? 0 : at - process.clock.now();
        if (leftMs > 0 && leftMs < MOMENT_MS) process.time.after(leftMs, begin);
        else resolve(engine.start(id));
      };
      process.time.after(afterMs, begin);
    });
  }

  /** True: it runs or ran. False: it was never started and is out of the way, or may be soon. */
  async #adopt(spec: LaunchSpec, { id, ...found }: Held, waitedMs: number): Promise<boolean> {
    const { engine } = this.#parts;
    const now = await this.#call('inspect', () => {
      const held = engine.byId(id);
      return held === null ? null : { state: held.report.state, told: engine.observationsOf(held) };
    });
    if (now === null) return false;
    if (now.state !== 'created') {
      for (const observation of now.told) this.#emit(observation);
      return true;
    }
    if (found.spec.term > spec.term)
      throw new CarillonError('ENGINE_UNAVAILABLE', 'a newer leader is about to start it');
    if (found.spec.term < spec.term || waitedMs >= PATIENCE_MS)
      await this.#call('take away', () => engine.takeAway(id));
    return false;
  }

  async #call<T>(what: string, at: () => T | Promise<T>): Promise<T> {
    const { engine, process, network, link, name, supervised } = this.#parts;
    const reach = (): T | Promise<T> => {
      // What it does to its own host itself ends with it.
      if (supervised && process.dead) throw new CarillonError('ENGINE_UNAVAILABLE', 'nobody asks any more');
      if (engine.down > 0) throw new CarillonError('ENGINE_UNAVAILABLE', `the engine ${name} is down`);
      return at();
    };
    const late = (): Promise<T> =>
      new Promise((resolve, reject) => {
        process.time.after(engine.hangMs, () => {
          try {
            resolve(reach());
          } catch (error) {
            reject(error);
          }
        });
      });
    try {
      return await network.call({
        from: process,
        link,
        what: `${name}: ${what}`,
        at: engine.hangMs > 0 ? late : reach,
        timeoutMs: CALL_MS,
      });
    } catch (error) {
      if (error instanceof Unanswered) throw new CarillonError('ENGINE_UNAVAILABLE', error.message);
      throw error;
    }
  }
}
