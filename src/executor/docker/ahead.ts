/**
 * Prepared containers: created, or also waiting at their gate. A launch uses the preparation made for it.
 * Others are removed when they expire, when they are discarded, or when this process ends, through the lease
 * of the gate if necessary. The store knows nothing of them: after a crash they count as never started.
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
/** Each is a waiting process, with a waiting process of the engine: about 3 MB. */
const maxWarm = 256;
/** Attempts for a name that is being freed, and the delay between them. */
const maxRounds = 10;
const roundMs = 50;
/**
 * The gate's lease is longer than our own time limit by this, so that we end it unless this process is gone.
 */
const leaseMarginMs = 5_000;

export interface Ready {
  readonly id: string;
  readonly order: Order;
  /** Null: it was only created. */
  readonly gate: Gate | null;
}

export interface DockerAheadParts {
  readonly engine: GatedEngine;
  readonly clock: Clock;
  readonly log: Log;
  readonly pulls: ImagePulls;
}

interface Preparing {
  readonly warm: boolean;
  readonly done: Promise<Ready | null>;
  /** Waiting at its gate: only opening it is left. */
  held: boolean;
  cancelTimer: () => void;
}

export class ContainersAhead {
  readonly #parts: DockerAheadParts;
  readonly #all = new Map<string, Preparing>();
  /** Containers being removed, by launch name, which is in use until then. */
  readonly #removing = new Map<string, Promise<void>>();

  constructor(parts: DockerAheadParts) {
    this.#parts = parts;
  }

  /** Resolves when it is ready, or when it is clear that it will not be. Rejects like a launch. */
  async prepare(spec: LaunchSpec, how: Preparation): Promise<void> {
    const { launchName } = spec;
    const known = this.#all.get(launchName);
    const warmNow = [...this.#all.values()].filter((each) => each.warm).length;
    const warm = how.warm && warmNow < maxWarm;
    if (known !== undefined && known.warm === warm) return;
    // A gate cannot be added to an existing container.
    if (known !== undefined) void this.discard(launchName);
    if (this.#all.size >= maxReady) return;
    const preparing: Preparing = {
      warm,
      done: this.#make(spec, { ...how, warm }),
      held: false,
      cancelTimer: this.#parts.clock.after(how.forMs, () => void this.discard(launchName)),
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

  /** Hands the preparation over to the caller. Null if there is none. */
  async claim(launchName: string): Promise<Ready | null> {
    const preparing = this.#all.get(launchName);
    if (preparing === undefined) {
      await this.#removing.get(launchName);
      return null;
    }
    this.#forget(launchName);
    return preparing.done.catch(() => null);
  }

  /** Removes a preparation that was not used. */
  async discard(launchName: string): Promise<void> {
    if (!this.#all.has(launchName)) return this.#removing.get(launchName);
    const before = this.#removing.get(launchName);
    const removing = this.claim(launchName).then(async (ready) => {
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
    const { engine, log } = this.#parts;
    // A container that cannot be removed now was never started: whoever finds it removes it.
    await engine
      .remove(id)
      .catch((error: Error) => log.warn({ launch: launchName, cause: error.message }, 'ready.not-removed'));
  }

  async #make(spec: LaunchSpec, { warm, forMs, mayStart }: Preparation): Promise<Ready | null> {
    const { engine } = this.#parts;
    const context = { ...this.#parts, mayStart, onProgress: () => {} };
    await this.#removing.get(spec.launchName);
    const order = await readOrder(spec);
    if (spec.pull === 'always') await pull(order, context);
    const wanted = warm ? await this.#gated(order, context, forMs + leaseMarginMs) : null;
    const id = await this.#create(wanted ?? order, context);
    if (id === null || wanted === null) return id === null ? null : { id, order, gate: null };
    try {
      if (mayStart()) return { id, order, gate: await engine.hold(id) };
    } catch (error) {
      // The launch will be refused for the same reason, and reported.
      engine.forgetGate();
      if (error instanceof EngineRefusal) return null;
      throw error;
    } finally {
      if (!engine.holds(id)) await engine.remove(id).catch(() => {});
    }
    return null;
  }

  async #gated(order: Order, context: CreateContext, leaseMs: number): Promise<Order | null> {
    const { engine } = this.#parts;
    const name = order.request._body.Image;
    if ((await engine.image(name)) === null) await fetchMissing(order, context);
    const image = await engine.image(name);
    if (image === null) return null;
    const request = await engine.gated(order.request, image, leaseMs);
    return request === null ? null : { ...order, request };
  }

  /** Returns the id, or null if the name is in use; removes what an older term left under it. */
  async #create(order: Order, context: CreateContext): Promise<string | null> {
    const { engine, clock } = this.#parts;
    const { launchName, run, installation, term } = order.spec;
    for (let round = 0; round < maxRounds; round++) {
      const id = await create(order, context);
      if (id !== null) return id;
      const found = await engine.inspect(launchName);
      if (found !== null) {
        const labels = found.Config.Labels ?? {};
        const isOlder = Number(labels[labelOf.term]) < term && launchReport(found, null).state === 'created';
        if (!isOlder || labels[labelOf.run] !== run || labels[labelOf.installation] !== installation)
          return null;
        await removeUnlessRunning(engine, found.Id);
      }
      // A name stays in use slightly longer than its container can be inspected.
      await sleep(clock, roundMs);
    }
    return null;
  }
}
