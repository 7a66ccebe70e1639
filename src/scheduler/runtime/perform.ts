/**
 * Executes effects. Starts go through one bounded queue per engine (start-queue.ts). The result of an effect
 * enters as an event; the result of a preparation does not.
 */

import { CarillonError, type ErrorCode } from '../../errors.ts';
import type { Event } from '../event.ts';
import type { LaunchSpec } from '../job/spec.ts';
import type { Notification } from '../model/alert.ts';
import type { Clock, Launcher, LocalEngine, Log } from '../ports.ts';
import type { Effect, Launched } from '../state/decision.ts';
import type { Favour } from './ahead.ts';
import { EarlyLaunches, isEarly } from './early-launches.ts';
import { StartQueue } from './start-queue.ts';

type Launch = Extract<Effect, { kind: 'launch' }>;
type Kill = Extract<Effect, { kind: 'kill' }>;

/** An engine: one that all nodes reach, or the host's own. */
export type Place = Pick<Launched, 'engine' | 'host'>;

/** Finds the engine of existing launches. Undefined if it cannot be reached from here. */
export type EngineOf = (at: Place) => LocalEngine | undefined;

export interface PerformerParts {
  readonly launchers: ReadonlyMap<string, Launcher>;
  readonly engineOf: EngineOf;
  /** This node, if the engine is its own. Null if all nodes reach it. */
  readonly hostOf: (engine: string) => string | null;
  /** Launches on the engine of any node. Undefined if it cannot be reached from here. */
  readonly launcherOf: (at: Place) => Pick<Launcher, 'launch' | 'launchAt'> | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Concurrent starts on an engine; about two per core of its machine. */
  readonly startsInFlight: (engine: string) => number;
  /** False if leadership is not proven; then nothing is started. */
  readonly isFresh: () => boolean;
  /** The run still waits for this attempt to start. Called directly before each start. */
  readonly isAwaited: (launchName: string) => boolean;
  /** Sends it to its receiver. */
  readonly notify: (notification: Notification) => void;
  readonly post: (event: Exclude<Event, { kind: 'command' }>) => void;
}

/** While leadership is not proven, the queue is checked again at this interval. */
const FRESHNESS_POLL_MS = 50;
/** Attempts to deliver a kill; after that the run's own deadline decides. */
const KILL_TRIES = 5;
const KILL_RETRY_MS = 2_000;

/** Responses to a launch after which the engine has nothing of it. */
const nothingThere: Readonly<Partial<Record<ErrorCode, 'refused' | 'unplaced'>>> = {
  LAUNCH_REFUSED: 'refused',
  UNSUPPORTED_BY_ENGINE: 'refused',
  NO_PLACE: 'unplaced',
};

export class Performer {
  readonly #parts: PerformerParts;
  readonly #queues = new Map<string, StartQueue>();
  /** Delayed launches by launch name, with their cancel functions. */
  readonly #delayed = new Map<string, () => void>();
  readonly #early: EarlyLaunches;
  /** Cancels of kills that will be tried again. */
  readonly #retries = new Set<() => void>();
  /** What engines said they started; looked through with each inventory. */
  readonly #started = new Set<string>();
  #stopped = false;

  constructor(parts: PerformerParts) {
    this.#parts = parts;
    this.#early = new EarlyLaunches({ clock: parts.clock, onDue: (launches) => this.#enqueueAll(launches) });
  }

  perform(effects: readonly Effect[]): void {
    const { clock, launcherOf } = this.#parts;
    const places: Place[] = [];
    for (const effect of effects) {
      if (this.#stopped) return;
      if (effect.kind === 'notify') this.#parts.notify(effect.notification);
      else if (effect.kind === 'kill') this.#kill(effect);
      else if (effect.kind === 'remove' || effect.kind === 'take-back') this.#forget(effect);
      else if (effect.delayMs !== null) this.#delay(effect, effect.delayMs);
      else if (isEarly(effect, clock.now()) && launcherOf(placeOf(effect))?.launchAt === undefined)
        this.#early.add(effect);
      else places.push(this.#enqueue(effect));
    }
    this.#pumpAll(places);
  }

  /** Prepares a coming launch, after everything due has been started. */
  prepare(favour: Favour): void {
    const { launchers, log, isFresh } = this.#parts;
    const { spec, warm, forMs, priority } = favour;
    const { engine, launchName } = spec;
    const ahead = launchers.get(engine)?.ahead;
    if (this.#stopped || ahead === undefined) return;
    const madeAt = this.#parts.clock.monotonicMs();
    const left = (): number => forMs - (this.#parts.clock.monotonicMs() - madeAt);
    const run = async (): Promise<void> => {
      const mayStart = (): boolean => !this.#stopped && isFresh();
      await ahead.prepare(spec, { warm, forMs: left(), mayStart }).catch((error: unknown) => {
        // Its launch will say the same, and then it is news.
        log.debug({ engine, launch: launchName, error }, 'ready.not-prepared');
      });
    };
    const isWanted = (): boolean => left() > 0;
    const place = { engine, host: this.#parts.hostOf(engine) };
    this.#queue(place).add({ kind: 'prepare', launchName, priority, due: spec.due, isWanted, run }, false);
    this.#pump(place);
  }

  /** Discards a preparation. */
  discard({ engine, launchName }: Pick<LaunchSpec, 'engine' | 'launchName'>): void {
    const { launchers, log } = this.#parts;
    this.#queue({ engine, host: this.#parts.hostOf(engine) }).drop({ kind: 'prepare', launchName });
    launchers
      .get(engine)
      ?.ahead?.discard(launchName)
      .catch((error: unknown) => log.warn({ engine, launch: launchName, error }, 'ready.not-discarded'));
  }

  /** Number of starts that wait for a slot. */
  waiting(engine: string): number {
    let waiting = 0;
    for (const [key, queue] of this.#queues) if (key.startsWith(`${engine}@`)) waiting += queue.waiting;
    return waiting;
  }

  /** Launches that an engine has started and whose start was not observed yet. */
  *unobserved(): Iterable<string> {
    for (const launchName of this.#started) {
      if (this.#parts.isAwaited(launchName)) yield launchName;
      else this.#started.delete(launchName);
    }
  }

  /** Starts nothing more. Resolves when all starts in progress have a response. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const cancel of [...this.#delayed.values(), ...this.#retries]) cancel();
    this.#early.clear();
    this.#delayed.clear();
    this.#retries.clear();
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
  }

  #queue(place: Place): StartQueue {
    const key = keyOf(place);
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = new StartQueue(this.#parts.startsInFlight(place.engine));
      this.#queues.set(key, queue);
    }
    return queue;
  }

  #enqueueAll(launches: readonly Launch[]): void {
    this.#pumpAll(launches.map((launch) => this.#enqueue(launch)));
  }

  #enqueue(launch: Launch): Place {
    const { launchers, isAwaited } = this.#parts;
    const { spec, priority } = launch;
    const { launchName, engine, due } = spec;
    const place = placeOf(launch);
    const queue = this.#queue(place);
    // Too late to prepare it.
    queue.drop({ kind: 'prepare', launchName });
    const start = {
      kind: 'launch',
      launchName,
      priority,
      due,
      // A launch requested twice may have run and been removed since, and then the name is no longer a lock.
      isWanted: () => isAwaited(launchName),
      run: () => this.#start(launch),
    } as const;
    queue.add(start, launchers.get(engine)?.ahead?.isHeld(launchName) === true);
    return place;
  }

  #delay(launch: Launch, delayMs: number): void {
    const { clock } = this.#parts;
    const { launchName } = launch.spec;
    this.#delayed.get(launchName)?.();
    const cancel = clock.after(delayMs, () => {
      this.#delayed.delete(launchName);
      this.#enqueueAll([launch]);
    });
    this.#delayed.set(launchName, cancel);
  }

  #pumpAll(places: readonly Place[]): void {
    for (const place of new Map(places.map((each) => [keyOf(each), each])).values()) this.#pump(place);
  }

  #pump(place: Place): void {
    const { clock, isFresh } = this.#parts;
    const queue = this.#queue(place);
    if (queue.isEmpty) return;
    if (isFresh()) queue.pump(() => this.#pump(place));
    else clock.after(FRESHNESS_POLL_MS, () => this.#pump(place));
  }

  async #start(launch: Launch): Promise<void> {
    const { launcherOf, clock, log, post } = this.#parts;
    const { engine, launchName } = launch.spec;
    try {
      const launcher = launcherOf(placeOf(launch));
      if (launcher === undefined)
        throw new CarillonError('ENGINE_UNAVAILABLE', `the engine '${engine}' is not configured`);
      const mayStart = (): boolean => this.#parts.isFresh() && this.#parts.isAwaited(launchName);
      if (launcher.launchAt !== undefined && isEarly(launch, clock.now()))
        await launcher.launchAt(launch.spec, launch.notBefore, mayStart);
      else await launcher.launch(launch.spec, mayStart);
      this.#started.add(launchName);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const code = error instanceof CarillonError ? error.code : null;
      // The launch may have started. Retry under the same name: an engine never starts a name twice.
      const kind = (code === null ? undefined : nothingThere[code]) ?? 'deferred';
      if (code === null) log.error({ engine, launch: launchName, error }, 'launch.failed');
      else log.warn({ engine, launch: launchName, code, reason }, `launch.${kind}`);
      post({ kind, now: clock.now(), launchName, reason });
    }
  }

  #kill(kill: Kill): void {
    const { clock, post } = this.#parts;
    const { launchName } = kill;
    const queue = this.#queue(kill);
    if (queue.drop({ kind: 'launch', launchName }) || this.#early.drop(launchName)) {
      // This leader never sent the launch, but an earlier leader may have, so send the kill too.
      const observation = {
        kind: 'ended',
        launchName,
        at: clock.now(),
        exitCode: null,
        reason: 'ended before it was started',
      } as const;
      post({ kind: 'observed', now: clock.now(), observation });
    }
    this.#delayed.get(launchName)?.();
    this.#delayed.delete(launchName);
    void queue.answered(launchName).then(() => this.#tell(kill, 1));
  }

  async #tell(kill: Kill, attempt: number): Promise<void> {
    const { engineOf, log } = this.#parts;
    try {
      await engineOf(kill)?.kill(kill.launchName, kill.graceMs);
    } catch (error) {
      log.warn({ engine: kill.engine, launch: kill.launchName, attempt, error }, 'launch.kill-failed');
      if (attempt < KILL_TRIES) this.#retry(kill, attempt + 1);
    }
  }

  /** The next leader tells the engine itself. */
  #retry(kill: Kill, attempt: number): void {
    if (this.#stopped) return;
    const cancel = this.#parts.clock.after(KILL_RETRY_MS, () => {
      this.#retries.delete(cancel);
      void this.#tell(kill, attempt);
    });
    this.#retries.add(cancel);
  }

  #forget({ kind, engine, host, launchName }: Extract<Effect, { kind: 'take-back' | 'remove' }>): void {
    const { engineOf, log } = this.#parts;
    const there = engineOf({ engine, host });
    const forgotten = kind === 'remove' ? there?.remove(launchName) : there?.takeBack(launchName);
    // The next inventory asks for it again.
    forgotten?.catch((error: unknown) =>
      log.warn({ engine, launch: launchName, error }, 'launch.remove-failed'),
    );
  }
}

const placeOf = ({ spec, host }: Launch): Place => ({ engine: spec.engine, host });
const keyOf = ({ engine, host }: Place): string => `${engine}@${host ?? ''}`;
