/**
 * Launches that an engine has prepared, by name, each until it is claimed for its launch. Others are removed when they
 * expire, when they are discarded, or when this process ends. The store knows nothing of them: after a crash they count as
 * never started.
 */

import type { LaunchSpec } from '../scheduler/job/spec.ts';
import type { Clock, Preparation } from '../scheduler/ports.ts';

/** Each prepared launch costs its engine a directory or processes. Above these limits, launches start unprepared. */
const most = { ready: 1_000, warm: 256 } as const;

/** Something that waits at its gate. */
export interface EndingGate {
  /** Called once when it has ended without being opened. */
  onEnd(listener: () => void): void;
}

/** `gate` is null if nothing of it waits yet. */
type WithGate = { readonly gate: EndingGate | null };

export interface PreparationsParts<Ready extends WithGate> {
  readonly clock: Clock;
  /** Null: it cannot be prepared now. Rejects like a launch. Either leaves nothing. */
  readonly make: (spec: LaunchSpec, how: Preparation) => Promise<Ready | null>;
  /** Never rejects. */
  readonly remove: (ready: Ready, launchName: string) => Promise<void>;
}

interface Preparing<Ready> {
  readonly warm: boolean;
  readonly done: Promise<Ready | null>;
  /** Waiting at its gate: only opening it is left. */
  held: boolean;
  cancelTimer: () => void;
}

export class Preparations<Ready extends WithGate> {
  readonly #parts: PreparationsParts<Ready>;
  readonly #all = new Map<string, Preparing<Ready>>();
  /** Being removed, by launch name, which is in use until then. */
  readonly #removing = new Map<string, Promise<void>>();

  constructor(parts: PreparationsParts<Ready>) {
    this.#parts = parts;
  }

  /** Resolves when it is ready, or when it is clear that it will not be. Rejects like a launch. */
  async prepare(spec: LaunchSpec, how: Preparation): Promise<void> {
    const { launchName } = spec;
    const known = this.#all.get(launchName);
    const warmNow = [...this.#all.values()].filter((each) => each.warm).length;
    const warm = how.warm && warmNow < most.warm;
    if (known !== undefined && known.warm === warm) return;
    // A gate cannot be added to what exists.
    if (known !== undefined) void this.discard(launchName);
    if (this.#all.size >= most.ready) return;
    const preparing: Preparing<Ready> = {
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
      if (ready !== null) await this.#parts.remove(ready, launchName);
      if (this.#removing.get(launchName) === removing) this.#removing.delete(launchName);
    });
    this.#removing.set(launchName, removing);
    await removing;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all.keys()].map((launchName) => this.discard(launchName)));
    await Promise.all(this.#removing.values());
  }

  async #make(spec: LaunchSpec, how: Preparation): Promise<Ready | null> {
    await this.#removing.get(spec.launchName);
    return this.#parts.make(spec, how);
  }

  #forget(launchName: string): void {
    this.#all.get(launchName)?.cancelTimer();
    this.#all.delete(launchName);
  }
}
