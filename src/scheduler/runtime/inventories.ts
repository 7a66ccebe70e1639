/**
 * Requests inventories from engines: from all at a takeover, then from each at intervals, so that a run
 * forgotten by its engine ends within a bound. Engines that only another node reaches are asked through that
 * node, as long as launches of ours are there.
 */

import type { Event } from '../event.ts';
import type { Clock, Launcher, Log } from '../ports.ts';
import { within } from '../waiting.ts';
import type { EngineOf } from './perform.ts';

/** A run that its engine forgot is detected within this time, plus the time of one inventory. */
const INTERVAL_MS = 30_000;
/** Delay before an engine that was unreachable at the takeover is asked again. */
const RETRY_MS = 1_000;
/** Launches on another node are not observed, so they are polled at this interval. */
const REMOTE_INTERVAL_MS = 1_000;
/** A node that has not responded for this long counts as dead: longer than a restart takes. */
const HOST_LOST_MS = 60_000;

/** An engine that only one node reaches. */
export interface HostEngine {
  readonly engine: string;
  readonly host: string;
}

export interface InventoriesParts {
  readonly launchers: ReadonlyMap<string, Launcher>;
  readonly engineOf: EngineOf;
  /** This node, if the engine is its own. Null if all nodes reach it. */
  readonly hostOf: (engine: string) => string | null;
  /** Launches of ours are unfinished there. */
  readonly isNeeded: (there: HostEngine) => boolean;
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
   * Resolves when every local or shared engine has responded or proved unreachable, or after `waitMs`. An
   * unreachable engine is retried and delays nothing on other engines. Other nodes are not awaited, because
   * they may be dead.
   */
  async takeOver(waitMs: number, elsewhere: readonly HostEngine[]): Promise<void> {
    for (const there of elsewhere) void this.#askElsewhere(there, this.#parts.clock.monotonicMs());
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

  /** Asks another node until nothing of ours is left there, or the node counts as dead. */
  async #askElsewhere(there: HostEngine, answeredAt: number): Promise<void> {
    const { clock, log, post, engineOf, isNeeded } = this.#parts;
    const { engine, host } = there;
    if (!isNeeded(there)) return;
    const running = this.#parts.running(engine, host);
    let heardAt = answeredAt;
    try {
      const reports = await engineOf(there)?.inventory();
      if (this.#stopped) return;
      if (reports !== undefined) {
        heardAt = clock.monotonicMs();
        // Nothing of ours is being started there, so a missing launch was never started.
        const inventory = { engine, host, reports, running, monotonicMs: heardAt, takeOver: true };
        post({ kind: 'inventory', now: clock.now(), inventory });
      }
    } catch (error) {
      log.debug({ engine, host, error: error instanceof Error ? error.message : error }, 'host.silent');
    }
    if (this.#stopped) return;
    if (clock.monotonicMs() - heardAt >= HOST_LOST_MS) {
      log.warn({ engine, host }, 'host.lost');
      post({ kind: 'host-lost', now: clock.now(), engine, host });
      heardAt = clock.monotonicMs();
    }
    this.#later(`${engine}@${host}`, REMOTE_INTERVAL_MS, () => void this.#askElsewhere(there, heardAt));
  }

  #later(key: string, delayMs: number, callback: () => void): void {
    this.#timers.set(key, this.#parts.clock.after(delayMs, callback));
  }
}
