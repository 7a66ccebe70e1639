/**
 * Containers made ready before they are due: created, or held at their gate as well. A launch takes what was made
 * for it; what is not taken is removed when its time has passed, when it is discarded, or when this process ends,
 * by its lease if need be. Nothing here is known to the store: what a crash leaves was never started.
 */

import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import type { Clock, Log, Preparation } from '../../scheduler/ports.ts';
import { sleep } from '../../scheduler/waiting.ts';
import { labelOf } from '../container/labels.ts';
import { EngineRefusal } from '../container/transport.ts';
import {
  type CreateContext,
  create,
  fetchMissing,
  type Order,
  pull,
  readOrder,
  removeUnlessRunning,
} from './create.ts';
import type { Gate, GatedEngine } from './gate.ts';
import type { ImagePulls } from './pull.ts';
import { launchReport } from './state.ts';

/** Each prepared container costs the engine a directory and some memory. Above this limit, launches start unprepared. */
const maxReady = 1_000;
/** Each is a process that waits, and another of the engine that waits with it: some 3 MB. */
const maxHeld = 256;
/** How often a name that is being freed is tried again, and how long in between. */
const maxRounds = 10;
const roundMs = 50;
/** The gate outlives our own bound by this, so that it is we who end it, unless we are gone. */
const leaseMarginMs = 5_000;

export interface Ready {
  readonly id: string;
  readonly order: Order;
  /** Null: it was created and no more. */
  readonly gate: Gate | null;
}

export interface AheadOptions {
  readonly engine: GatedEngine;
  readonly clock: Clock;
  readonly log: Log;
  readonly pulls: ImagePulls;
}

interface Preparing {
  readonly warm: boolean;
  readonly done: Promise<Ready | null>;
  /** Held and waiting: opening is all that is left. */
  held: boolean;
  cancelTimer: () => void;
}

export class ContainersAhead {
  readonly #options: AheadOptions;
  readonly #all = new Map<string, Preparing>();
  /** Containers on their way out, by launch name: until then the name is taken. */
  readonly #removing = new Map<string, Promise<void>>();

  constructor(options: AheadOptions) {
    this.#options = options;
  }

  /** Resolves when it is ready, or when it is clear that it will not be. Rejects as a launch does. */
  async prepare(spec: LaunchSpec, how: Preparation): Promise<void> {
    const { launchName } = spec;
    const known = this.#all.get(launchName);
    const held = [...this.#all.values()].filter((each) => each.warm).length;
    const warm = how.warm && held < maxHeld;
    if (known !== undefined && known.warm === warm) return;
    // A container can't be put behind a gate afterwards.
    if (known !== undefined) void this.discard(launchName);
    if (this.#all.size >= maxReady) return;
    const preparing: Preparing = {
      warm,
      done: this.#make(spec, { ...how, warm }),
      held: false,
      cancelTimer: this.#options.clock.after(how.forMs, () => void this.discard(launchName)),
    };
    this.#all.set(launchName, preparing);
    try {
      const ready = await preparing.done;
      if (this.#all.get(launchName) !== preparing) return;
      if (ready === null) this.#forget(launchName);
      preparing.held = ready !== null && ready.gate !== null;
      ready?.gate?.onEnd(() => {
        if (this.#all.get(launchName) === preparing) void this.discard(launchName);
      });
    } catch (error) {
      if (this.#all.get(launchName) === preparing) this.#forget(launchName);
      throw error;
    }
  }

  has(launchName: string): boolean {
    return this.#all.has(launchName);
  }

  isHeld(launchName: string): boolean {
    return this.#all.get(launchName)?.held === true;
  }

  /** What was made ready; the taker's from now on. Null when there is nothing. */
  async take(launchName: string): Promise<Ready | null> {
    const preparing = this.#all.get(launchName);
    if (preparing === undefined) {
      await this.#removing.get(launchName);
      return null;
    }
    this.#forget(launchName);
    return preparing.done.catch(() => null);
  }

  /** Removes what was made ready and not taken. */
  async discard(launchName: string): Promise<void> {
    if (!this.#all.has(launchName)) return this.#removing.get(launchName);
    const before = this.#removing.get(launchName);
    const removing = this.take(launchName).then(async (ready) => {
      await before;
      if (ready !== null) await this.#remove(launchName, ready);
      if (this.#removing.get(launchName) === removing) this.#removing.delete(launchName);
    });
    this.#removing.set(launchName, removing);
    await removing;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all.keys()].map((launchName) => this.discard(launchName)));
    await Promise.all(this.#removing.values());
  }

  #forget(launchName: string): void {
    this.#all.get(launchName)?.cancelTimer();
    this.#all.delete(launchName);
  }

  async #remove(launchName: string, { id }: Ready): Promise<void> {
    const { engine, log } = this.#options;
    // What can't be removed now was never started: whoever finds it removes it.
    await engine
      .remove(id)
      .catch((error: Error) => log.warn({ launch: launchName, cause: error.message }, 'ready.not-removed'));
  }

  async #make(spec: LaunchSpec, { warm, forMs, mayStart }: Preparation): Promise<Ready | null> {
    const { engine } = this.#options;
    const context = { ...this.#options, mayStart, onProgress: () => {} };
    await this.#removing.get(spec.launchName);
    const order = await readOrder(spec);
    if (spec.pull === 'always') await pull(order, context);
    const wanted = warm ? await this.#gated(order, context, forMs + leaseMarginMs) : null;
    const id = await this.#create(wanted ?? order, context);
    if (id === null || wanted === null) return id === null ? null : { id, order, gate: null };
    try {
      if (mayStart()) return { id, order, gate: await engine.hold(id) };
    } catch (error) {
      // The launch will be refused in the same words, and be told.
      engine.forgetGate();
      if (error instanceof EngineRefusal) return null;
      throw error;
    } finally {
      if (!engine.holds(id)) await engine.remove(id).catch(() => {});
    }
    return null;
  }

  async #gated(order: Order, context: CreateContext, leaseMs: number): Promise<Order | null> {
    const { engine } = this.#options;
    const name = order.request._body.Image;
    if ((await engine.image(name)) === null) await fetchMissing(order, context);
    const image = await engine.image(name);
    if (image === null) return null;
    const request = await engine.gated(order.request, image, leaseMs);
    return request === null ? null : { ...order, request };
  }

  /** The id, or null when somebody has the name; what an older term left under it is taken away. */
  async #create(order: Order, context: CreateContext): Promise<string | null> {
    const { engine, clock } = this.#options;
    const { launchName, run, cluster, term } = order.spec;
    for (let round = 0; round < maxRounds; round++) {
      const id = await create(order, context);
      if (id !== null) return id;
      const found = await engine.inspect(launchName);
      if (found !== null) {
        const labels = found.Config.Labels ?? {};
        const isOlder = Number(labels[labelOf.term]) < term && launchReport(found, null).state === 'created';
        if (!isOlder || labels[labelOf.run] !== run || labels[labelOf.cluster] !== cluster) return null;
        await removeUnlessRunning(engine, found.Id);
      }
      // A name is taken a little longer than its container can be inspected.
      await sleep(clock, roundMs);
    }
    return null;
  }
}
