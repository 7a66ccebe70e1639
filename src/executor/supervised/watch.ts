/** Watches launches until nothing of them is left, and reports each end once. */

import type { Clock, LaunchReport, Log, Observation } from '../../scheduler/ports.ts';
import type { LogOutput } from '../logs/output.ts';
import { type Journal, outcomeOf } from './journal.ts';
import type { Launch } from './launch.ts';

export interface Watch {
  has(name: string): boolean;
  /** What was reported about it. Null if it is not watched. */
  running(name: string): LaunchReport | null;
  output(name: string): LogOutput | null;
  /** Starts watching. `exited` resolves when the supervisor is gone. Null: another process started it. */
  add(
    launch: Launch,
    journal: Journal & { readonly startedAt: number },
    exited: Promise<unknown> | null,
  ): void;
  /** TERM now, KILL after the grace. False if the launch is not watched. */
  kill(name: string, graceMs: number): Promise<boolean>;
  /** Checks now whether it has ended. */
  check(name: string): Promise<void>;
  /** Stops watching; jobs continue. */
  stop(): void;
}

/** Time that a supervisor has for the orders that it was given, beyond the grace. */
export const obeyWithinMs = 2_000;
/** Minimum interval between reports of dropped output, because each is a commit. */
export const tellDroppedEveryMs = 5_000;

export interface WatchedLaunch {
  readonly launch: Launch;
  readonly startedAt: number;
  cancelKill: (() => void) | null;
}

/** What the watches of all machines share: which launches are watched, their deadlines, and a sweep that repeats. */
export abstract class SupervisedWatch<W extends WatchedLaunch> implements Watch {
  protected readonly launches = new Map<string, W>();
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #sweepEveryMs: number;
  #turn: IterableIterator<W> | null = null;
  #cancelSweep: (() => void) | null = null;
  #stopped = false;

  constructor(
    { clock, log }: { readonly clock: Clock; readonly log: Log },
    { sweepEveryMs }: { readonly sweepEveryMs: number },
  ) {
    this.#clock = clock;
    this.#log = log;
    this.#sweepEveryMs = sweepEveryMs;
  }

  abstract add(...launch: Parameters<Watch['add']>): void;
  abstract kill(name: string, graceMs: number): Promise<boolean>;
  abstract check(name: string): Promise<void>;
  /** Bytes of its output that were dropped, as last reported. */
  protected abstract droppedOf(watched: W): number;
  protected abstract sweep(): Promise<void>;
  /** Its deadline has passed. */
  protected abstract forceKill(watched: W): Promise<void>;

  has(name: string): boolean {
    return this.launches.has(name);
  }

  running(launchName: string): LaunchReport | null {
    const watched = this.launches.get(launchName);
    if (watched === undefined) return null;
    const bytesDropped = this.droppedOf(watched);
    const { startedAt } = watched;
    return { launchName, state: 'running', startedAt, ...(bytesDropped > 0 && { bytesDropped }) };
  }

  output(name: string): LogOutput | null {
    return this.launches.get(name)?.launch.output ?? null;
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelSweep?.();
    for (const watched of this.launches.values()) watched.cancelKill?.();
    this.launches.clear();
  }

  protected get isStopped(): boolean {
    return this.#stopped;
  }

  protected isWatched(watched: W): boolean {
    return this.launches.get(watched.launch.name) === watched;
  }

  protected watch(watched: W): void {
    this.launches.set(watched.launch.name, watched);
    this.#armSweep();
  }

  /** Time that is left of a grace. Clamped: wall clocks jump, and a grace never grows. */
  protected leftOf(kill: NonNullable<Journal['kill']>): number {
    return Math.min(Math.max(kill.by - this.#clock.now(), 0), kill.graceMs);
  }

  /** In place of its earlier deadline. */
  protected armKill(watched: W, delayMs: number): void {
    watched.cancelKill?.();
    if (!this.isWatched(watched)) return;
    watched.cancelKill = this.#clock.after(delayMs, () => {
      watched.cancelKill = null;
      void this.forceKill(watched);
    });
  }

  /** The next ones in turn, each at most once: fewer at the end of a round. */
  protected inTurn(most: number): W[] {
    const chosen: W[] = [];
    while (chosen.length < most) {
      this.#turn ??= this.launches.values();
      const { value, done } = this.#turn.next();
      if (done) {
        this.#turn = null;
        break;
      }
      chosen.push(value);
    }
    return chosen;
  }

  /** When it ended: if its exit was not seen, now. `lingered`: others of its processes continued after its supervisor. */
  protected endOf({ startedAt }: W, { exitCode, exitedAt }: Journal, lingered: boolean): number {
    const exitSeen = exitCode !== null && !lingered;
    return Math.max(startedAt, (exitSeen ? exitedAt : null) ?? this.#clock.now());
  }

  protected warn(watched: W, error: unknown): void {
    this.#log.warn({ launch: watched.launch.name, error: String(error) }, 'launch.watch-failed');
  }

  #armSweep(): void {
    if (this.#cancelSweep || this.#stopped || this.launches.size === 0) return;
    this.#cancelSweep = this.#clock.after(this.#sweepEveryMs, () => {
      void this.sweep().finally(() => {
        this.#cancelSweep = null;
        this.#armSweep();
      });
    });
  }
}

/** `boot`: the current one of the machine. */
export function endedObservation(
  launchName: string,
  journal: Journal & { endedAt: number },
  boot: string,
): Observation {
  const { startedAt, endedAt } = journal;
  return {
    kind: 'ended',
    launchName,
    at: endedAt,
    ...(startedAt === null ? {} : { startedAt }),
    ...outcomeOf(journal, boot),
  };
}
