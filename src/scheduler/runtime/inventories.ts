/**
 * Asks engines what they run: all of them at take-over, then each every half minute, so that a run whose
 * engine forgot it ends within a bound.
 */

import type { Event } from '../event.ts';
import type { Clock, Launcher, Log } from '../ports.ts';

/** A run that its engine forgot is noticed within this and the time of one inventory. */
const INTERVAL_MS = 30_000;
/** An engine that could not be asked at take-over is asked again after this long. */
const RETRY_MS = 1_000;

export interface InventoriesParts {
  readonly launchers: ReadonlyMap<string, Launcher>;
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

  /** Resolves when every engine has answered once, or after `waitMs`; engines that are down are asked on. */
  async takeOver(waitMs: number): Promise<void> {
    const asked = [...this.#parts.launchers.values()].map((launcher) => this.#ask(launcher, true));
    let cancel = (): void => undefined;
    const waited = new Promise<void>((resolve) => {
      cancel = this.#parts.clock.after(waitMs, resolve);
    });
    await Promise.race([Promise.all(asked), waited]);
    cancel();
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  /** Asks until it gets an answer, then plans the next time. */
  async #ask(launcher: Launcher, takeOver: boolean): Promise<void> {
    const { clock, log, post } = this.#parts;
    const { engine } = launcher;
    const askedAt = clock.now();
    try {
      const reports = await launcher.inventory();
      if (this.#stopped) return;
      post({ kind: 'inventory', now: clock.now(), inventory: { engine, reports, askedAt, takeOver } });
      this.#later(engine, INTERVAL_MS, () => void this.#ask(launcher, false));
    } catch (error) {
      if (this.#stopped) return;
      log.warn({ engine, error: error instanceof Error ? error.message : error }, 'inventory-failed');
      await new Promise<void>((resolve) => {
        this.#later(
          engine,
          takeOver ? RETRY_MS : INTERVAL_MS,
          () => void this.#ask(launcher, takeOver).then(resolve),
        );
      });
    }
  }

  #later(engine: string, delayMs: number, callback: () => void): void {
    this.#timers.set(engine, this.#parts.clock.after(delayMs, callback));
  }
}
