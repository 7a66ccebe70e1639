/**
 * Watches launches on a host until nothing of them is left. The agent says when a supervisor has ended; what lives on
 * without its supervisor is looked at in turn.
 */

import type { Clock, Log, Observation } from '../../scheduler/ports.ts';
import { type Journal, journalLine } from '../supervised/journal.ts';
import type { Launch } from '../supervised/launch.ts';
import {
  endedObservation,
  obeyWithinMs,
  SupervisedWatch,
  tellDroppedEveryMs,
  type WatchedLaunch,
} from '../supervised/watch.ts';
import type { Agent } from './agent.ts';
import type { HostLaunch } from './launches.ts';

/** Interval between looks at launches whose supervisor is gone, and a few of all others. */
const sweepEveryMs = 1_000;
/** Others that are looked at in one sweep, for the output that was dropped. */
const othersPerSweep = 16;
const afterKillMs = 100;

export interface HostWatchParts {
  readonly agent: () => Agent;
  /** The current boot of the host. */
  readonly boot: () => string;
  readonly clock: Clock;
  readonly log: Log;
  readonly emit: (observation: Observation) => void;
}

interface Watched extends WatchedLaunch {
  readonly launch: HostLaunch;
  dropped: number;
  toldAtMs: number;
  /** Its supervisor is gone, and other processes of it continue. */
  lingers: boolean;
  looking: boolean;
  /** It has changed since the last look began. */
  again: boolean;
}

export class HostWatch extends SupervisedWatch<Watched> {
  readonly #parts: HostWatchParts;

  constructor(parts: HostWatchParts) {
    super(parts, { sweepEveryMs });
    this.#parts = parts;
  }

  add(
    launch: Launch,
    journal: Journal & { readonly startedAt: number },
    exited: Promise<unknown> | null,
  ): void {
    if (this.isStopped || !journal.supervisor || this.has(launch.name)) return;
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
    this.watch(watched);
    // The scheduler may have died between the order and its end.
    if (journal.kill) this.armKill(watched, this.leftOf(journal.kill) + obeyWithinMs);
    void exited?.then(() => this.check(launch.name));
  }

  async kill(name: string, graceMs: number): Promise<boolean> {
    const watched = this.launches.get(name);
    if (watched === undefined) return false;
    await this.#parts.agent().kill(name, graceMs);
    this.armKill(watched, graceMs + obeyWithinMs);
    return true;
  }

  async check(name: string): Promise<void> {
    const watched = this.launches.get(name);
    if (watched !== undefined) await this.#look(watched);
  }

  /** Looks at all: there may have been changes that nobody told of. */
  async checkAll(): Promise<void> {
    await Promise.all([...this.launches.values()].map((watched) => this.#look(watched)));
  }

  protected droppedOf({ dropped }: Watched): number {
    return dropped;
  }

  /** Again until it has ended: the host may not be reachable now. */
  protected async forceKill(watched: Watched): Promise<void> {
    const { name } = watched.launch;
    try {
      await this.#parts.agent().killNow(name);
    } catch (error) {
      if (!this.#parts.agent().isGone) this.warn(watched, error);
    }
    if (!this.isWatched(watched)) return;
    this.#parts.clock.after(afterKillMs, () => void this.#look(watched));
    this.armKill(watched, obeyWithinMs);
  }

  protected async sweep(): Promise<void> {
    const lingering = [...this.launches.values()].filter(({ lingers }) => lingers);
    const chosen = [...lingering, ...this.inTurn(othersPerSweep)];
    await Promise.all(chosen.map((watched) => this.#look(watched)));
  }

  /** Never two at a time of one launch. */
  async #look(watched: Watched): Promise<void> {
    watched.again = true;
    if (watched.looking) return;
    watched.looking = true;
    try {
      while (watched.again && this.isWatched(watched)) {
        watched.again = false;
        await this.#lookNow(watched);
      }
    } catch (error) {
      if (!this.#parts.agent().isGone) this.warn(watched, error);
    } finally {
      watched.looking = false;
    }
  }

  async #lookNow(watched: Watched): Promise<void> {
    const { launch } = watched;
    const { emit, boot } = this.#parts;
    let found = await launch.look();
    if (found !== null && found.journal.endedAt === null) {
      if (found.alive !== 'nothing') {
        watched.lingers = found.alive === 'group';
        this.#tellDropped(watched, found.journal.bytesDropped);
        return;
      }
      // Its supervisor was killed, or the host was restarted.
      const at = this.endOf(watched, found.journal, watched.lingers);
      await launch.note(journalLine.ended(at, found.journal.bytesDropped));
      found = await launch.look();
    }
    if (!this.isWatched(watched)) return;
    watched.cancelKill?.();
    this.launches.delete(launch.name);
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
}
