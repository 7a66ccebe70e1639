/**
 * Watches launches on a host until nothing of them is left. The agent says when a supervisor has ended; what lives on
 * without its supervisor is looked at in turn.
 */

import type { Clock, LaunchReport, Log, Observation } from '../../scheduler/ports.ts';
import type { LogOutput } from '../logs/output.ts';
import { type Journal, journalLine } from '../supervised/journal.ts';
import type { Launch } from '../supervised/launch.ts';
import { endedObservation, type Watch } from '../supervised/watch.ts';
import type { Agent } from './agent.ts';
import type { HostLaunch } from './launches.ts';

/** Interval between looks at launches whose supervisor is gone, and a few of all others. */
const sweepEveryMs = 1_000;
/** Others that are looked at in one sweep, for the output that was dropped. */
const othersPerSweep = 16;
/** Time that a supervisor has for the orders that it was given, beyond the grace. */
const obeyWithinMs = 2_000;
const afterKillMs = 100;
/** Minimum interval between reports of dropped output, because each is a commit. */
const tellDroppedEveryMs = 5_000;

export interface HostWatchParts {
  readonly agent: () => Agent;
  /** The current boot of the host. */
  readonly boot: () => string;
  readonly clock: Clock;
  readonly log: Log;
  readonly emit: (observation: Observation) => void;
}

interface Watched {
  readonly launch: HostLaunch;
  readonly startedAt: number;
  dropped: number;
  toldAtMs: number;
  /** Its supervisor is gone, and other processes of it continue. */
  lingers: boolean;
  looking: boolean;
  /** It has changed since the last look began. */
  again: boolean;
  cancelKill: (() => void) | null;
}

export class HostWatch implements Watch {
  readonly #parts: HostWatchParts;
  readonly #launches = new Map<string, Watched>();
  #turn: IterableIterator<Watched> | null = null;
  #cancelSweep: (() => void) | null = null;
  #stopped = false;

  constructor(parts: HostWatchParts) {
    this.#parts = parts;
  }

  has(name: string): boolean {
    return this.#launches.has(name);
  }

  running(launchName: string): LaunchReport | null {
    const watched = this.#launches.get(launchName);
    if (watched === undefined) return null;
    const { startedAt, dropped } = watched;
    return { launchName, state: 'running', startedAt, ...(dropped > 0 && { bytesDropped: dropped }) };
  }

  output(name: string): LogOutput | null {
    return this.#launches.get(name)?.launch.output ?? null;
  }

  add(
    launch: Launch,
    journal: Journal & { readonly startedAt: number },
    exited: Promise<unknown> | null,
  ): void {
    if (this.#stopped || !journal.supervisor || this.#launches.has(launch.name)) return;
    const watched: Watched = {
      // All launches of a host are such.
      launch: launch as HostLaunch,
      startedAt: journal.startedAt,
      dropped: 0,
      toldAtMs: Number.NEGATIVE_INFINITY,
      lingers: false,
      looking: false,
      again: false,
      cancelKill: null,
    };
    this.#launches.set(launch.name, watched);
    this.#armSweep();
    // The scheduler may have died between the order and its end.
    if (journal.kill) {
      const leftMs = Math.min(Math.max(journal.kill.by - this.#parts.clock.now(), 0), journal.kill.graceMs);
      this.#armKill(watched, leftMs + obeyWithinMs);
    }
    void exited?.then(() => this.check(launch.name));
  }

  async kill(name: string, graceMs: number): Promise<boolean> {
    const watched = this.#launches.get(name);
    if (watched === undefined) return false;
    await this.#parts.agent().kill(name, graceMs);
    this.#armKill(watched, graceMs + obeyWithinMs);
    return true;
  }

  async check(name: string): Promise<void> {
    const watched = this.#launches.get(name);
    if (watched !== undefined) await this.#look(watched);
  }

  /** Looks at all: there may have been changes that nobody told of. */
  async checkAll(): Promise<void> {
    await Promise.all([...this.#launches.values()].map((watched) => this.#look(watched)));
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelSweep?.();
    for (const watched of this.#launches.values()) watched.cancelKill?.();
    this.#launches.clear();
  }

  #armKill(watched: Watched, delayMs: number): void {
    watched.cancelKill?.();
    if (this.#launches.get(watched.launch.name) !== watched) return;
    watched.cancelKill = this.#parts.clock.after(delayMs, () => {
      watched.cancelKill = null;
      void this.#forceKill(watched);
    });
  }

  /** Again until it has ended: the host may not be reachable now. */
  async #forceKill(watched: Watched): Promise<void> {
    const { name } = watched.launch;
    try {
      await this.#parts.agent().killNow(name);
    } catch (error) {
      if (!this.#parts.agent().isGone) this.#warn(watched, error);
    }
    if (this.#launches.get(name) !== watched) return;
    this.#parts.clock.after(afterKillMs, () => void this.#look(watched));
    this.#armKill(watched, obeyWithinMs);
  }

  #armSweep(): void {
    if (this.#cancelSweep || this.#stopped || this.#launches.size === 0) return;
    this.#cancelSweep = this.#parts.clock.after(sweepEveryMs, () => {
      void this.#sweep().finally(() => {
        this.#cancelSweep = null;
        this.#armSweep();
      });
    });
  }

  async #sweep(): Promise<void> {
    const chosen = [...this.#launches.values()].filter(({ lingers }) => lingers);
    for (let others = 0; others < othersPerSweep; others++) {
      this.#turn ??= this.#launches.values();
      const { value, done } = this.#turn.next();
      if (done) {
        this.#turn = null;
        break;
      }
      chosen.push(value);
    }
    await Promise.all(chosen.map((watched) => this.#look(watched)));
  }

  /** Never two at a time of one launch. */
  async #look(watched: Watched): Promise<void> {
    watched.again = true;
    if (watched.looking) return;
    watched.looking = true;
    try {
      while (watched.again && this.#launches.get(watched.launch.name) === watched) {
        watched.again = false;
        await this.#lookNow(watched);
      }
    } catch (error) {
      if (!this.#parts.agent().isGone) this.#warn(watched, error);
    } finally {
      watched.looking = false;
    }
  }

  async #lookNow(watched: Watched): Promise<void> {
    const { launch } = watched;
    const { clock, emit, boot } = this.#parts;
    let found = await launch.look();
    if (found !== null && found.journal.endedAt === null) {
      if (found.alive !== 'nothing') {
        watched.lingers = found.alive === 'group';
        this.#tellDropped(watched, found.journal.bytesDropped);
        return;
      }
      // Its supervisor was killed, or the host was restarted.
      const { exitedAt, exitCode } = found.journal;
      const exitSeen = exitCode !== null && !watched.lingers;
      const at = Math.max(watched.startedAt, (exitSeen ? exitedAt : null) ?? clock.now());
      await launch.note(journalLine.ended(at, found.journal.bytesDropped));
      found = await launch.look();
    }
    if (this.#launches.get(launch.name) !== watched) return;
    watched.cancelKill?.();
    this.#launches.delete(launch.name);
    // Removed by another scheduler, so its end was reported there.
    if (found === null || found.journal.endedAt === null) return;
    emit(endedObservation(launch.name, { ...found.journal, endedAt: found.journal.endedAt }, boot()));
  }

  #tellDropped(watched: Watched, bytes: number): void {
    const { clock, emit } = this.#parts;
    const now = clock.monotonicMs();
    if (bytes <= watched.dropped || now - watched.toldAtMs < tellDroppedEveryMs) return;
    watched.dropped = bytes;
    watched.toldAtMs = now;
    emit({ kind: 'output-dropped', launchName: watched.launch.name, at: clock.now(), bytesDropped: bytes });
  }

  #warn(watched: Watched, error: unknown): void {
    this.#parts.log.warn({ launch: watched.launch.name, error: String(error) }, 'launch.watch-failed');
  }
}
