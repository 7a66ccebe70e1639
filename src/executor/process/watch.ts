/**
 * Watches process launches until nothing of them is left, and reports each end once.
 *
 * A launch has ended when its supervisor is gone, and its process group and cgroup are empty: what a job
 * leaves there (the `tee` at the end of a pipe, a worker that outlived its parent) still belongs to the run.
 * The end is then written to the journal, so that every later report is the same. Launches started by this
 * process report their exit; adopted ones, and those with remaining processes, are checked in turn by one
 * shared sweep, which also enforces the limit of all logs.
 */

import { writeFile } from 'node:fs/promises';
import type { Clock, Log, Observation } from '../../scheduler/ports.ts';
import { within } from '../../scheduler/waiting.ts';
import { type Journal, journalLine } from '../supervised/journal.ts';
import type { Launch } from '../supervised/launch.ts';
import {
  endedObservation,
  obeyWithinMs,
  SupervisedWatch,
  tellDroppedEveryMs,
  type WatchedLaunch,
} from '../supervised/watch.ts';
import { removeCgroup } from './cgroup.ts';
import { isRunAlive, killRun, type RunProcesses, terminateRun } from './run.ts';
import { isAlive, type ProcessSource, signalProcess } from './table.ts';

/** Maximum delay until the end of an adopted launch is detected, with at most `checksPerSweep` launches. */
const sweepEveryMs = 250;
/** Checks per sweep; with more launches each is checked in every n-th sweep. */
const checksPerSweep = 256;
/** Concurrent checks. */
const checkWidth = 16;
/** Delay after KILL before checking whether it has ended. */
const afterKillMs = 50;
/** How long a sweep waits for one launch to be trimmed: a job in a large write can make that last. */
const trimPatienceMs = 100;
/** How often it shows that it watches: supervisor/launch.h waits a minute for that. */
const touchEveryMs = 10_000;

export interface ProcessWatchParts {
  /** Touched while anything is watched: then timeouts are not for supervisors to enforce. */
  readonly touched: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly source: ProcessSource;
  readonly emit: (observation: Observation) => void;
}

interface Watched extends WatchedLaunch {
  readonly processes: RunProcesses;
  /** Dropped output as last reported, and when. Null: not checked yet. */
  dropped: { readonly bytes: number; readonly atMs: number } | null;
  /** Its exit will be reported, so it need not be checked until then. */
  exitPending: boolean;
  /** The supervisor ended while other processes of the run continued. */
  lingered: boolean;
  looking: boolean;
  trimming: boolean;
  /** The supervisor was ordered to kill it, and may itself be killed before it reads the order. */
  ordered: boolean;
}

export class LaunchWatch extends SupervisedWatch<Watched> {
  readonly #parts: ProcessWatchParts;
  #touchedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: ProcessWatchParts) {
    super(parts, { sweepEveryMs });
    this.#parts = parts;
  }

  add(
    launch: Launch,
    journal: Journal & { readonly startedAt: number },
    exited: Promise<unknown> | null,
  ): void {
    const { supervisor, job, cgroup, startedAt } = journal;
    if (this.isStopped || !supervisor || this.has(launch.name)) return;
    const watched: Watched = {
      launch,
      processes: { supervisor, job, cgroup },
      startedAt,
      dropped: null,
      exitPending: exited !== null,
      lingered: false,
      looking: false,
      trimming: false,
      ordered: false,
      cancelKill: null,
    };
    this.watch(watched);
    if (journal.kill) this.#resumeKill(watched, journal.kill);
    void exited?.then(() => {
      watched.exitPending = false;
      return this.#check(watched);
    });
  }

  async kill(name: string, graceMs: number): Promise<boolean> {
    const watched = this.launches.get(name);
    if (!watched) return false;
    // Written first, so that an adopting scheduler knows the deadline.
    await watched.launch.note(journalLine.kill(this.#parts.clock.now(), graceMs));
    await this.#terminate(watched, graceMs);
    return true;
  }

  async check(name: string): Promise<void> {
    const launch = this.launches.get(name);
    if (launch && !launch.exitPending) await this.#check(launch);
  }

  protected droppedOf({ dropped }: Watched): number {
    return dropped?.bytes ?? 0;
  }

  /** The scheduler may have died between the note and the signal. */
  #resumeKill(watched: Watched, kill: NonNullable<Journal['kill']>): void {
    this.#terminate(watched, this.leftOf(kill)).catch((error) => this.warn(watched, error));
  }

  /** A supervisor that was killed, or stopped, or is a shell, leaves the rest to the scheduler. */
  async #terminate(watched: Watched, graceMs: number): Promise<void> {
    const { source } = this.#parts;
    const { launch, processes } = watched;
    const obeys = launch.obeysOrders && (await signalProcess(source, processes.supervisor, 'SIGUSR1'));
    if (!obeys && graceMs > 0) await terminateRun(source, processes);
    watched.ordered = obeys;
    this.armKill(watched, obeys ? graceMs + obeyWithinMs : graceMs);
  }

  protected async forceKill(watched: Watched): Promise<void> {
    if (!this.isWatched(watched)) return;
    try {
      // A shell dies with its group, so the journal must say before why there will be no exit code.
      if (await isRunAlive(this.#parts.source, watched.processes)) {
        await watched.launch.note(journalLine.killed);
        await killRun(this.#parts.source, watched.processes);
      }
    } catch (error) {
      this.warn(watched, error);
    }
    if (!watched.exitPending) this.#parts.clock.after(afterKillMs, () => void this.#check(watched));
  }

  async #touch(): Promise<void> {
    const { clock, log, touched } = this.#parts;
    if (clock.monotonicMs() - this.#touchedAt < touchEveryMs) return;
    this.#touchedAt = clock.monotonicMs();
    await writeFile(touched, '', { mode: 0o600 }).catch((error) => {
      log.warn({ path: touched, error: String(error) }, 'launch.watch-failed');
    });
  }

  protected async sweep(): Promise<void> {
    await this.#touch();
    const chosen = this.inTurn(checksPerSweep);
    for (let from = 0; from < chosen.length; from += checkWidth) {
      await Promise.all(chosen.slice(from, from + checkWidth).map((watched) => this.#tend(watched)));
    }
  }

  async #tend(watched: Watched): Promise<void> {
    await within(this.#parts.clock, trimPatienceMs, this.#trim(watched));
    if (!watched.exitPending) await this.#check(watched);
  }

  /** Never two at a time of one launch. */
  async #trim(watched: Watched): Promise<void> {
    if (watched.trimming) return;
    watched.trimming = true;
    await this.#trimNow(watched).catch((error) => this.warn(watched, error));
    watched.trimming = false;
  }

  async #trimNow(watched: Watched): Promise<void> {
    const { clock, emit } = this.#parts;
    await watched.launch.output.trim?.();
    const now = clock.monotonicMs();
    if (watched.dropped !== null && now - watched.dropped.atMs < tellDroppedEveryMs) return;
    const before = watched.dropped?.bytes ?? 0;
    const bytes = await watched.launch.output.bytesDropped();
    const { name: launchName } = watched.launch;
    if (bytes > before && this.isWatched(watched))
      emit({ kind: 'output-dropped', launchName, at: clock.now(), bytesDropped: bytes });
    watched.dropped = { bytes, atMs: now };
  }

  /** Checks whether it has ended; never two concurrent checks of one launch. */
  async #check(watched: Watched): Promise<void> {
    const { name } = watched.launch;
    if (watched.looking || !this.isWatched(watched)) return;
    watched.looking = true;
    try {
      const journal = await this.#endOf(watched);
      if (!journal || !this.isWatched(watched)) return;
      watched.cancelKill?.();
      this.launches.delete(name);
      this.#parts.emit(endedObservation(name, journal, this.#parts.source.boot));
    } catch (error) {
      this.warn(watched, error);
    } finally {
      watched.looking = false;
    }
  }

  /** The final journal, or null while anything of it lives. */
  async #endOf(watched: Watched): Promise<(Journal & { endedAt: number }) | null> {
    const { launch, processes } = watched;
    const { source } = this.#parts;
    if (await isAlive(source, processes.supervisor)) return null;
    // Read only now, because the supervisor wrote its last line before it ended.
    const noted = await launch.journal();
    if (!noted) {
      this.launches.delete(launch.name); // Removed by another scheduler, so its end was reported there.
      return null;
    }
    const { cgroup } = processes;
    if (noted.endedAt === null && (await isRunAlive(source, processes))) {
      watched.lingered = true;
      if (watched.ordered && noted.kill) {
        watched.ordered = false;
        this.#resumeKill(watched, noted.kill);
      }
      return null;
    }
    if (cgroup !== null) await removeCgroup(cgroup);
    if (noted.endedAt !== null) return { ...noted, endedAt: noted.endedAt };
    const endedAt = this.endOf(watched, noted, watched.lingered);
    // A full disk must neither keep output above its limit from being handled nor an end from being reported.
    await launch.output.trim?.().catch((error) => this.warn(watched, error));
    const bytesDropped = await launch.output.bytesDropped();
    await launch.note(journalLine.ended(endedAt, bytesDropped));
    return { ...noted, endedAt, bytesDropped };
  }
}
