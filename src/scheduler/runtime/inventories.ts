/**
 * Requests inventories from the engines that this node reaches: from all at a takeover, then from each at
 * intervals, so that a run forgotten by its engine ends within a bound. hosts.ts asks those of other nodes.
 */

import type { Event } from '../event.ts';
import type { Clock, Launcher, Log } from '../ports.ts';
import { within } from '../waiting.ts';

/** A run that its engine forgot is detected within this time, plus the time of one inventory. */
const INTERVAL_MS = 30_000;
/** Delay before an engine that was unreachable at the takeover is asked again. */
const RETRY_MS = 1_000;

export interface InventoriesParts {
  readonly launchers: ReadonlyMap<string, Launcher>;
  /** This node, if the engine is its own. Null if all nodes reach it. */
  readonly hostOf: (engine: string) => string | null;
  /** An unfinished run has this launch. */
  readonly isWanted: (launchName: string) => boolean;
  /** Launches that are known to run there. */
  readonly running: (engine: string, host: string | null) => ReadonlySet<string>;
  readonly clock: Clock;
  readonly log: Log;
  readonly post: (event: Exclude<Event, { kind: 'command' }>) => void;
}

export class Inventories {
  readonly #parts: InventoriesParts;
  readonly #timers = new Map<string, () => void>();
  #stopped = false;

  constructor(parts: InventoriesParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when every engine has responded or proved unreachable, or after `waitMs`. An unreachable engine is
   * retried and delays nothing on other engines.
   */
  async takeOver(waitMs: number): Promise<void> {
    const asked = [...this.#parts.launchers.values()].map((launcher) => this.#ask(launcher, true));
    await within(this.#parts.clock, waitMs, Promise.all(asked));
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  /** Asks once and schedules the next time: soon, if it has not responded since the takeover. */
  async #ask(launcher: Launcher, takeOver: boolean): Promise<void> {
    const { clock, log, post } = this.#parts;
    const { engine } = launcher;
    const host = this.#parts.hostOf(engine);
    const running = this.#parts.running(engine, host);
    try {
      const reports = await launcher.inventory(this.#parts.isWanted);
      if (this.#stopped) return;
      const inventory = { engine, host, reports, running, monotonicMs: clock.monotonicMs(), takeOver };
      post({ kind: 'inventory', now: clock.now(), inventory });
      this.#later(engine, INTERVAL_MS, () => void this.#ask(launcher, false));
    } catch (error) {
      if (this.#stopped) return;
      log.warn({ engine, error: error instanceof Error ? error.message : error }, 'engine.inventory-failed');
      this.#later(engine, takeOver ? RETRY_MS : INTERVAL_MS, () => void this.#ask(launcher, takeOver));
    }
  }

  #later(key: string, delayMs: number, callback: () => void): void {
    this.#timers.set(key, this.#parts.clock.after(delayMs, callback));
  }
}
