/**
 * One leadership: the loop over the state, the execution of its effects, the timer, and the inventories. It
 * begins when all reachable engines have reported what they run, and ends when nothing of it is in progress.
 */

import type { ClockAhead } from '../event.ts';
import type { Notification } from '../model/alert.ts';
import type { Clock, Launcher, Log, Member, Store } from '../ports.ts';
import { hostOf } from '../rules/launch.ts';
import { runningOn } from '../rules/reconcile.ts';
import type { State } from '../state/state.ts';
import { Ahead } from './ahead.ts';
import { Watch, type WatchParts } from './health/watch.ts';
import { type HostEngine, Hosts } from './hosts.ts';
import { Inventories } from './inventories.ts';
import { Loop, type OnNotices } from './loop.ts';
import { Delivery } from './outbox/delivery.ts';
import { type EngineOf, Performer } from './perform.ts';
import { Ticker } from './ticker.ts';

/** Maximum time that a takeover waits for inventories before due times are decided. */
const INVENTORY_WAIT_MS = 5_000;

export interface LeadershipParts {
  readonly term: number;
  /** How far this node's clock is ahead of the last leader's. Null: nothing is known. */
  readonly clockAhead: ClockAhead | null;
  /** Has everything that is stored; the leadership's own from now on. */
  readonly state: State;
  readonly store: Pick<Store, 'commit' | 'limits'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Concurrent starts on an engine without its own setting. */
  readonly startsInFlight: number;
  readonly launchers: ReadonlyMap<string, Launcher>;
  readonly engineOf: EngineOf;
  readonly self: Pick<Member, 'id' | 'version'>;
  readonly members: () => readonly Member[];
  readonly isFresh: () => boolean;
  /** How long no node led before, as far as this node knows. */
  readonly unledMs: number;
  readonly commits: WatchParts['commits'];
  readonly certificates?: Launcher['expiries'];
  /** Sends a notification to its receiver; see `Notifier.send`. */
  readonly send: (notification: Notification) => Promise<void>;
  readonly onNotices: OnNotices;
  readonly onBroken: (error: unknown) => void;
}

export class Leadership {
  readonly term: number;
  readonly state: State;
  readonly loop: Loop;
  readonly performer: Performer;
  readonly #ticker: Ticker;
  readonly #ahead: Ahead;
  readonly #inventories: Inventories;
  readonly #hosts: Hosts;
  readonly delivery: Delivery;
  readonly #clock: Clock;
  readonly #clockAhead: ClockAhead | null;
  readonly #unledMs: number;
  readonly #node: string;
  readonly #watch: Watch;
  #ended = false;
  #ready = false;

  constructor(parts: LeadershipParts) {
    const { term, state, store, clock, log, launchers } = parts;
    const post: Loop['post'] = (event) => this.loop.post(event);
    this.term = term;
    this.state = state;
    this.#clock = clock;
    this.#clockAhead = parts.clockAhead;
    this.#unledMs = parts.unledMs;
    this.#node = parts.self.id;
    this.#watch = new Watch({
      ...parts,
      onLooked: (troubles) => post({ kind: 'looked', now: clock.now(), troubles }),
    });
    this.delivery = new Delivery({ ...parts, post });
    this.performer = new Performer({
      ...parts,
      post,
      notify: (notification) => this.delivery.add(notification),
      hostOf: (engine) => hostOf(state.settings, engine),
      launcherOf: ({ engine, host }) =>
        host === null || host === hostOf(state.settings, engine)
          ? launchers.get(engine)
          : { launch: (spec, mayStart = () => true) => this.#hosts.launch(host, spec, mayStart) },
      startsInFlight: (engine) => state.settings.engines[engine]?.startsInFlight ?? parts.startsInFlight,
      isAwaited: (launchName) => {
        const run = state.launches.get(launchName);
        return run?.state === 'launching' && run.attempts.at(-1)?.launchName === launchName;
      },
    });
    this.#ahead = new Ahead({
      state,
      clock,
      prepare: (favour) => this.performer.prepare(favour),
      discard: (launch) => this.performer.discard(launch),
    });
    this.#ticker = new Ticker({
      clock,
      log,
      earliest: () => state.timetable.earliest(),
      onComing: (instant) => post({ kind: 'coming', now: clock.now(), instant }),
      onDue: (now) => post({ kind: 'tick', now }),
    });
    this.loop = new Loop({
      state,
      term,
      store,
      clock,
      isFresh: parts.isFresh,
      onEffects: (effects) => this.performer.perform(effects),
      onNotices: (notices, acts, audited) => {
        for (const notice of notices) if (notice.kind === 'job') this.#ahead.changed(notice.name);
        parts.onNotices(notices, acts, audited);
      },
      onDecided: () => this.#ticker.rearm(),
      onBroken: parts.onBroken,
    });
    const running = (engine: string, host: string | null): ReadonlySet<string> =>
      new Set([...runningOn(state, engine, host), ...this.performer.unobserved()]);
    this.#inventories = new Inventories({
      launchers,
      hostOf: (engine) => hostOf(state.settings, engine),
      isWanted: (launchName) => state.launches.has(launchName),
      running,
      clock,
      log,
      post,
    });
    this.#hosts = new Hosts({
      ...parts,
      engineHosts: () =>
        [...launchers.values()].flatMap(({ engine, hosts }) =>
          (hosts?.list() ?? []).map((host) => ({ engine, ...host })),
        ),
      unfinished: () => launchesElsewhere(state),
      isUnclear: (there) => isUnclear(state, term, there),
      running: ({ engine, host }) => running(engine, host),
      post,
    });
  }

  /** How far this node's clock is ahead of the clock by which unfinished runs keep time. Null: unknown. */
  get clockAhead(): ClockAhead | null {
    // They are moved with the first decision, and with the next after each step: while a commit is under way, or after
    // the last one, none follows.
    const pendingMs = this.loop.pendingStepMs;
    if (this.state.term === this.term) return { leastMs: pendingMs, mostMs: pendingMs };
    if (this.#clockAhead === null) return null;
    const { leastMs, mostMs } = this.#clockAhead;
    return { leastMs: leastMs + pendingMs, mostMs: mostMs + pendingMs };
  }

  /** Due times are decided, and the end was not requested. */
  get ready(): boolean {
    return this.#ready && !this.#ended;
  }

  async begin(): Promise<void> {
    const { state, term } = this;
    state.planAll();
    const known = { clockAhead: this.#clockAhead, unledMs: this.#unledMs, node: this.#node };
    this.loop.post({ kind: 'leading', now: this.#clock.now(), term, ...known });
    // Other nodes are not awaited, because they may be dead.
    this.#hosts.start();
    await this.#inventories.takeOver(INVENTORY_WAIT_MS);
    if (this.#ended) return;
    this.#ticker.start();
    this.#ahead.start();
    this.#watch.start();
    this.#ready = true;
  }

  async end(): Promise<void> {
    this.#ended = true;
    this.#ticker.stop();
    this.#ahead.stop();
    this.#inventories.stop();
    this.#hosts.stop();
    this.#watch.stop();
    this.delivery.stop();
    await this.loop.stop();
    await this.performer.stop();
  }
}

/** A launch there was requested by an older term, and is neither started nor gone. */
function isUnclear(state: State, term: number, there: HostEngine): boolean {
  for (const { state: is, attempts } of state.runs.values()) {
    const attempt = attempts.at(-1);
    if (is !== 'launching' || attempt === undefined || attempt.term === term) continue;
    if (attempt.engine === there.engine && attempt.host === there.host) return true;
  }
  return false;
}

/** Engines of other nodes with unfinished runs. */
function launchesElsewhere(state: State): HostEngine[] {
  const found: HostEngine[] = [];
  for (const run of state.runs.values()) {
    const attempt = run.attempts.at(-1);
    if (attempt?.host == null || (run.state !== 'launching' && run.state !== 'running')) continue;
    const there = { engine: attempt.engine, host: attempt.host };
    if (there.host === hostOf(state.settings, there.engine) || found.some((each) => isSame(each, there)))
      continue;
    found.push(there);
  }
  return found;
}

const isSame = (a: HostEngine, b: HostEngine): boolean => a.engine === b.engine && a.host === b.host;
