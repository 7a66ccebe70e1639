/**
 * The life of a session: one connection after another to whichever server responds, resuming the session
 * after each loss, and a new session when the old one has ended.
 *
 * lost ──────► connected ◄────► suspended        closed: final, from any state
 * ▲              │                │
 * └──────────────┴────────────────┘
 *
 * Gives a session up by its own monotonic clock as soon as a server may have expired it, without waiting to
 * for a notice.
 */

import { randomInt } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { invariant } from '../../../errors.ts';
import type { Clock, Log } from '../../../scheduler/ports.ts';
import { within } from '../../../scheduler/waiting.ts';
import type { Server } from './address.ts';
import { type Call, closeCall } from './call.ts';
import { type End, ZooKeeperConnection } from './connection.ts';
import { ZooKeeperError } from './error.ts';
import type { Identity } from './library.ts';

/** `suspended`: no connection, but the session may be valid; `lost`: it has ended, or there was none yet. */
export type SessionState = 'connected' | 'suspended' | 'lost' | 'closed';

export interface LinkParts {
  readonly servers: readonly Server[];
  readonly sessionTimeoutMs: number;
  readonly login: string | null;
  /** For the next connection. Absent: without TLS. */
  readonly tlsContext?: (() => SecureContextOptions) | undefined;
  readonly clock: Clock;
  readonly log: Log;
  onNotice(notice: { readonly type: number; readonly path: string }): void;
}

const closeTimeoutMs = 1_000;
/** Timeout of one attempt at one server; doubled with each round through all, for slow servers. */
const minOpenTimeoutMs = 500;
const maxOpenTimeoutMs = 4_000;
/** Pause after a round through all servers, randomised so that clients do not synchronise. */
const pauseMs = { min: 20, max: 100 };
/** How often the connection is checked, as a fraction of the session timeout. */
const checksPerTimeout = 20;

export class ZooKeeperLink {
  readonly #parts: LinkParts;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #servers: readonly Server[];
  readonly #listeners = new Set<(state: SessionState) => void>();
  #state: SessionState = 'lost';
  #generation = 0;
  #timeoutMs: number;
  #identity: Identity | null = null;
  #zxid: Buffer = Buffer.alloc(8);
  #provenAt = 0;
  #connection: ZooKeeperConnection | null = null;
  /** Attempts since the last connection. */
  #attempts = 0;
  #lastEnd: End | null = null;
  #cancelCheck = (): void => {};
  #cancelPause = (): void => {};

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#servers = shuffled(parts.servers);
    this.#timeoutMs = parts.sessionTimeoutMs;
  }

  get state(): SessionState {
    return this.#state;
  }

  get generation(): number {
    return this.#generation;
  }

  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** How the newest connection or attempt ended by itself. Null if none has. */
  get lastEnd(): End | null {
    return this.#lastEnd;
  }

  silenceMs(): number {
    if (this.#state !== 'connected' || this.#connection === null) return Number.POSITIVE_INFINITY;
    return this.#clock.monotonicMs() - this.#connection.provenAt;
  }

  onState(listener: (state: SessionState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Starts to connect, and never stops until `close`. */
  open(): void {
    invariant(this.#attempts === 0, 'a session is opened once');
    this.#connect();
    this.#checkProofLater();
  }

  send<T>(call: Call<T>): Promise<T> {
    if (this.#state === 'connected' && this.#connection !== null) return this.#connection.send(call);
    return Promise.reject(new ZooKeeperError('NOT_CONNECTED', `${call.what}: not sent, ${this.#state}`));
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    const connection = this.#state === 'connected' ? this.#connection : null;
    this.#cancelPause();
    this.#cancelCheck();
    this.#become('closed');
    if (connection !== null) {
      // After everything sent before, so that is answered first.
      const said = connection.send(closeCall()).catch(() => {});
      await within(this.#clock, closeTimeoutMs, said);
    }
    this.#connection?.end({ kind: 'dropped', detail: 'closed' });
  }

  #connect(): void {
    // A listener may have closed us while it was notified of a loss.
    if (this.#state === 'closed') return;
    const server = this.#servers[this.#attempts % this.#servers.length] as Server;
    const round = Math.floor(this.#attempts / this.#servers.length);
    this.#attempts += 1;
    const { login, tlsContext, sessionTimeoutMs, onNotice } = this.#parts;
    const connection = new ZooKeeperConnection({
      server,
      identity: this.#identity,
      sessionTimeoutMs,
      zxid: this.#zxid,
      login,
      tls: tlsContext?.() ?? null,
      openTimeoutMs: Math.min(minOpenTimeoutMs * 2 ** Math.min(round, 10), maxOpenTimeoutMs),
      clock: this.#clock,
      onNotice,
      onOpen: () => this.#opened(connection, server),
      onEnd: (end) => this.#ended(connection, server, end),
    });
    this.#connection = connection;
  }

  #opened(connection: ZooKeeperConnection, server: Server): void {
    if (this.#identity === null) this.#generation += 1;
    // Continues the rotation of servers from here.
    this.#attempts %= this.#servers.length;
    this.#identity = connection.identity;
    this.#timeoutMs = connection.timeoutMs;
    this.#log.info(
      { server: nameOf(server), generation: this.#generation, timeoutMs: this.#timeoutMs },
      'zookeeper.connected',
    );
    this.#become('connected');
  }

  #ended(connection: ZooKeeperConnection, server: Server, end: End): void {
    if (connection !== this.#connection) return;
    this.#connection = null;
    if (this.#state === 'closed') return;
    this.#lastEnd = { ...end, detail: `${nameOf(server)}: ${end.detail}` };
    this.#zxid = connection.zxid;
    if (this.#state === 'connected') this.#provenAt = connection.provenAt;
    const fields = { server: nameOf(server), reason: end.detail };
    if (this.#state === 'connected') this.#log.warn(fields, 'zookeeper.connection-lost');
    else this.#log.debug(fields, 'zookeeper.server-not-usable');
    if (end.kind !== 'dropped') this.#forget(end.detail);
    else if (this.#state === 'connected') this.#become('suspended');
    // A round ends when every server was tried; within it the next server is tried at once.
    const pause = this.#attempts % this.#servers.length === 0 ? randomInt(pauseMs.min, pauseMs.max) : 0;
    this.#cancelPause = this.#clock.after(pause, () => this.#connect());
  }

  /** The session has ended: the next connection begins a new one. */
  #forget(reason: string): void {
    this.#log.warn({ generation: this.#generation, reason }, 'zookeeper.session-lost');
    this.#identity = null;
    this.#become('lost');
  }

  #checkProofLater(): void {
    this.#cancelCheck = this.#clock.after(Math.max(this.#timeoutMs / checksPerTimeout, 5), () => {
      // After a stall of this process, responses may be unread in the socket: read them first.
      this.#cancelCheck = this.#clock.after(0, () => {
        this.#checkProofLater();
        this.#checkProof();
      });
    });
  }

  #checkProof(): void {
    const connection = this.#connection;
    if (this.#state !== 'connected' && this.#state !== 'suspended') return;
    const provenAt = this.#state === 'connected' && connection ? connection.provenAt : this.#provenAt;
    if (this.#clock.monotonicMs() - provenAt <= this.#timeoutMs) {
      connection?.watch();
      return;
    }
    const reason = 'no proof that the session is valid for the length of its timeout';
    this.#forget(reason);
    // If the server still listens, nodes that wait for the end of this session need not wait for it to
    // expire.
    connection?.send(closeCall()).catch(() => {});
    // An attempt in progress would resume the session that was just given up.
    connection?.end({ kind: 'dropped', detail: reason }, 'SESSION_LOST');
  }

  #become(state: SessionState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const listener of [...this.#listeners]) {
      try {
        listener(state);
      } catch (error) {
        this.#log.error({ error, state }, 'zookeeper.listener-failed');
      }
    }
  }
}

function nameOf({ host, port }: Server): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Spreads the clients of an ensemble over its servers. */
function shuffled(servers: readonly Server[]): Server[] {
  const order = [...servers];
  for (let i = order.length - 1; i > 0; i--) {
    const j = randomInt(i + 1);
    [order[i], order[j]] = [order[j] as Server, order[i] as Server];
  }
  return order;
}
