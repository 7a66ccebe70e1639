/**
 * Engines that only other nodes reach, used through these nodes: what happens there, and launches. Each node is
 * asked again and again; an answer comes when something has happened, or after a second. Beyond that, the node
 * tells all that it runs: at first, at intervals, and whenever its answers do not continue the last one.
 *
 * A node gets launches while its last answer was a success. A node that stays silent counts as dead after a while, and its
 * launches as lost.
 */

import { CarillonError } from '../../errors.ts';
import type { Event } from '../event.ts';
import { sameJson } from '../job/same.ts';
import type { LaunchSpec } from '../job/spec.ts';
import type { OtherNode } from '../model/model.ts';
import type { Clock, EngineHost, LocalEngine, Log, Member, Ticket } from '../ports.ts';
import type { EngineOf } from './perform.ts';

/** All launches of a node are looked at this often. */
const INVENTORY_MS = 30_000;
/** The pause after a failure, and between looks for new nodes. */
const PAUSE_MS = 1_000;
/** A node that has not responded for this long counts as dead: longer than a restart takes. */
const HOST_LOST_MS = 60_000;

/** An engine that only one node reaches. */
export interface HostEngine {
  readonly engine: string;
  readonly host: string;
}

export interface HostsParts {
  readonly term: number;
  readonly self: Pick<Member, 'id' | 'version'>;
  readonly members: () => readonly Member[];
  /** Hosts of engines that all nodes reach. */
  readonly engineHosts: () => readonly (EngineHost & { readonly engine: string })[];
  readonly engineOf: EngineOf;
  /** Unfinished runs have launches there. */
  readonly unfinished: () => readonly HostEngine[];
  /** A launch of an older term is neither started nor gone. */
  readonly isUnclear: (there: HostEngine) => boolean;
  /** Launches that are known to run there. */
  readonly running: (there: HostEngine) => ReadonlySet<string>;
  readonly clock: Clock;
  readonly log: Log;
  readonly post: (event: Exclude<Event, { kind: 'command' }>) => void;
}

interface Host extends HostEngine {
  ticket: Ticket | null;
  /** By the monotonic clock. */
  heardAt: number;
  inventoryAt: number;
  /** Why the last answer was no success, so that it gets no launches. Null: it gets them. */
  silent: string | null;
  /** All launches that older terms requested there have started or are gone. */
  clear: boolean;
}

export class Hosts {
  readonly #parts: HostsParts;
  readonly #hosts = new Map<string, Host>();
  readonly #timers = new Map<string, () => void>();
  #nodes: readonly OtherNode[] = [];
  #stopped = false;

  constructor(parts: HostsParts) {
    this.#parts = parts;
  }

  start(): void {
    for (const there of this.#parts.unfinished()) this.#begin(there);
    this.#look();
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  /** Launches through the node. NO_PLACE if that was not even tried. */
  async launch(host: string, spec: LaunchSpec, mayStart: () => boolean): Promise<void> {
    const there = { engine: spec.engine, host };
    const { ticket } = this.#hosts.get(keyOf(there)) ?? { ticket: null };
    const engine = this.#parts.engineOf(there);
    if (ticket === null || engine?.launchFor === undefined)
      throw new CarillonError('NO_PLACE', `the node ${host} does not respond`);
    if (!mayStart())
      throw new CarillonError('ENGINE_UNAVAILABLE', 'this scheduler can no longer prove that it leads');
    await engine.launchFor(spec, ticket, mayStart);
  }

  /** Follows nodes that have joined. */
  #look(): void {
    for (const { id, capacity } of this.#places())
      for (const engine of Object.keys(capacity)) this.#begin({ engine, host: id });
    this.#announce();
    this.#later('look', PAUSE_MS, () => this.#look());
  }

  #begin(there: HostEngine): void {
    const key = keyOf(there);
    if (this.#hosts.has(key)) return;
    const heardAt = this.#parts.clock.monotonicMs();
    const inventoryAt = Number.NEGATIVE_INFINITY;
    const host = { ...there, ticket: null, heardAt, inventoryAt, silent: notAsked, clear: false };
    this.#hosts.set(key, host);
    void this.#follow(host);
  }

  /** Hosts of engines, and other nodes that take launches. Nodes of another version may not know all that a launch says. */
  #places(): OtherNode[] {
    const { self, members, engineHosts } = this.#parts;
    const nodes = members().flatMap(({ id, version, labels = {}, capacity }) =>
      id === self.id || version !== self.version || capacity === undefined ? [] : [{ id, labels, capacity }],
    );
    const hosts = engineHosts().map(({ engine, id, labels, slots, isAll }) => ({
      id,
      labels: { host: id, ...labels },
      capacity: { [engine]: slots },
      ...(isAll && { isAll }),
    }));
    return [...nodes, ...hosts];
  }

  async #follow(host: Host): Promise<void> {
    const { clock, log, post, engineOf } = this.#parts;
    const { engine, host: name, silent } = host;
    let pauseMs = 0;
    try {
      const there = engineOf(host);
      if (there === undefined)
        throw new CarillonError('ENGINE_UNAVAILABLE', 'it cannot be reached from here');
      if (!(await this.#ask(host, there))) pauseMs = PAUSE_MS;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.debug({ engine, host: name, error: reason }, 'host.silent');
      pauseMs = PAUSE_MS;
      host.silent = reason;
    }
    if (this.#stopped) return;
    if (clock.monotonicMs() - host.heardAt >= HOST_LOST_MS) {
      log.warn({ engine, host: name }, 'host.lost');
      post({ kind: 'host-lost', now: clock.now(), engine, host: name });
      host.heardAt = clock.monotonicMs();
      host.ticket = null;
    }
    // Each of hundreds of hosts answers each second, and an announcement goes through all of them.
    if (host.silent !== silent) this.#announce();
    this.#later(keyOf(host), pauseMs, () => {
      if (this.#isNeeded(host)) void this.#follow(host);
      else {
        this.#hosts.delete(keyOf(host));
        this.#announce();
      }
    });
  }

  /** False if the node cannot wait for what happens, and must be asked at intervals. */
  async #ask(host: Host, there: LocalEngine): Promise<boolean> {
    const { clock, post, term } = this.#parts;
    const changes = (await there.changes?.(term, host.ticket)) ?? null;
    if (this.#stopped) return true;
    if (changes !== null) {
      host.heardAt = clock.monotonicMs();
      for (const observation of changes.observations ?? [])
        post({
          kind: 'observed',
          now: clock.now(),
          observation,
          by: { engine: host.engine, host: host.host },
        });
    }
    const isKnown = changes !== null && changes.observations !== null;
    const sinceMs = clock.monotonicMs() - host.inventoryAt;
    if (sinceMs >= PAUSE_MS && sinceMs !== Number.POSITIVE_INFINITY)
      host.clear ||= !this.#parts.isUnclear(host);
    const isDue = sinceMs >= INVENTORY_MS || (sinceMs >= PAUSE_MS && !host.clear);
    if (!isKnown || isDue) await this.#inventory(host, there);
    // Not before the inventory: until then, nothing is known of what happened earlier.
    host.ticket = changes?.ticket ?? null;
    host.silent = changes !== null ? null : 'it is of an earlier version';
    return changes !== null;
  }

  async #inventory(host: Host, there: LocalEngine): Promise<void> {
    const { clock, post } = this.#parts;
    const running = this.#parts.running(host);
    const reports = await there.inventory();
    if (this.#stopped) return;
    const monotonicMs = clock.monotonicMs();
    host.heardAt = monotonicMs;
    host.inventoryAt = monotonicMs;
    const inventory = { engine: host.engine, host: host.host, reports, running, monotonicMs, takeOver: true };
    post({ kind: 'inventory', now: clock.now(), inventory });
  }

  #isNeeded(there: HostEngine): boolean {
    return (
      this.#places().some(({ id, capacity }) => id === there.host && Object.hasOwn(capacity, there.engine)) ||
      this.#parts.unfinished().some((each) => keyOf(each) === keyOf(there))
    );
  }

  /** Tells which nodes take launches, if that has changed. */
  #announce(): void {
    const { clock, post } = this.#parts;
    const nodes = this.#places().flatMap(({ id, labels, capacity, isAll }): OtherNode[] => {
      const silent: Record<string, string> = {};
      const open = Object.entries(capacity).filter(([engine]) => {
        const why = this.#hosts.get(keyOf({ engine, host: id }))?.silent ?? null;
        if (why !== null && why !== notAsked) silent[engine] = why;
        return why === null;
      });
      const isSilent = Object.keys(silent).length > 0;
      if (open.length === 0 && !isSilent) return [];
      const told = { ...(isSilent && { silent }), ...(isAll && { isAll }) };
      return [{ id, labels, capacity: Object.fromEntries(open), ...told }];
    });
    if (sameJson(nodes, this.#nodes)) return;
    this.#nodes = nodes;
    post({ kind: 'nodes', now: clock.now(), nodes });
  }

  #later(key: string, delayMs: number, callback: () => void): void {
    if (!this.#stopped) this.#timers.set(key, this.#parts.clock.after(delayMs, callback));
  }
}

/** Until the first answer. */
const notAsked = 'it has not answered yet';

const keyOf = ({ engine, host }: HostEngine): string => `${engine}@${host}`;
