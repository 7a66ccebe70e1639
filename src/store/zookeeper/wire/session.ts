/**
 * A self-healing session with a ZooKeeper ensemble: it finds a server that responds, reconnects after a lost
 * connection, and begins a new session when the old one has ended. Requires ZooKeeper 3.6 or newer
 * (multiRead). Every request completes. Nothing is queued while there is no connection. A session is given up
 * here no later than by the servers. Owners must read again after every `connected`, because watches end with
 * the connection.
 */

import type { SecureContextOptions } from 'node:tls';
import { CarillonError, invariant } from '../../../errors.ts';
import type { Clock, Log } from '../../../scheduler/ports.ts';
import { type Ensemble, parseHosts } from './address.ts';
import type { NodeData } from './answer.ts';
import {
  type Access,
  type Call,
  type CreateMode,
  childrenCall,
  createCall,
  digestOf,
  existsCall,
  getCall,
  isOpenCall,
  type Logins,
  multiCall,
  type Op,
  protectCall,
  syncCall,
} from './call.ts';
import { ZooKeeperError } from './error.ts';
import { type SessionState, ZooKeeperLink } from './link.ts';
import { readMany } from './read-many.ts';
import { type WatchKind, ZooKeeperWatches } from './watches.ts';

export type { NodeData } from './answer.ts';
export type { CreateMode, Op } from './call.ts';
export { ZooKeeperError } from './error.ts';
export type { SessionState } from './link.ts';

export interface SessionParts {
  /** `host:port,host:port/chroot`. */
  readonly hosts: string;
  /** The requested timeout; servers grant between 2 and 20 of their ticks. */
  readonly sessionTimeoutMs: number;
  /** With a login, everything that this session creates is accessible with this login only. */
  readonly auth: { readonly user: string; readonly password: string } | null;
  /** Absent: without TLS. */
  readonly tls?: ZooKeeperTls | null;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ZooKeeperTls {
  /** For the next connection. */
  readonly context: () => SecureContextOptions;
  /** It has a certificate, with which servers know who this is. */
  readonly isLogin: boolean;
}

/** Every request rejects with a `ZooKeeperError`. Paths start with `/` and are below the chroot. */
export interface ZooKeeperSession {
  /**
   * Resolves when connected, with the chroot created. STORE_UNAVAILABLE after 15 s, or if the login is
   * refused.
   */
  start(): Promise<void>;
  /** Ends the session at the server, if possible within a second. Idempotent. */
  close(): Promise<void>;
  readonly state: SessionState;
  /**
   * Increases by one with each new session: ephemeral nodes of earlier ones are or will be removed. 0 before
   * the first.
   */
  readonly generation: number;
  /** The granted session timeout. */
  readonly timeoutMs: number;
  /**
   * Monotonic time since the newest answered request of this session was sent. While it is below `timeoutMs`,
   * the servers cannot have expired the session. Infinity unless connected.
   */
  silenceMs(): number;
  /** Calls the listener after each change, and returns the function that unsubscribes it. */
  onState(listener: (state: SessionState) => void): () => void;
  /**
   * Null if there is no node. `onChange` is called once when the node is created, changed or removed, and
   * possibly once too often. One watch per path: the newest `onChange` replaces the previous one.
   */
  get(path: string, onChange?: () => void): Promise<NodeData | null>;
  exists(path: string, onChange?: () => void): Promise<boolean>;
  /** Nodes in the order of `paths`; not a snapshot. */
  getMany(paths: readonly string[]): Promise<(NodeData | null)[]>;
  /**
   * Names in no particular order. `onChange` is called once when a child is created or removed, or the node
   * is removed.
   */
  children(path: string, onChange?: () => void): Promise<string[]>;
  /** Returns the created path; a sequential one has ten more digits. */
  create(path: string, data: Uint8Array, mode?: CreateMode): Promise<string>;
  /** All or nothing, in order. TOO_LARGE above 900 KiB; `opIndex` is the refused operation. */
  multi(ops: readonly Op[]): Promise<void>;
  /** What this session creates is accessible with its login only. */
  readonly isGuarded: boolean;
  /** True if somebody without the login of this session has a permission on the node. False if there is none. */
  isOpen(path: string): Promise<boolean>;
  /** Makes a node accessible with the login of this session only. */
  protect(path: string): Promise<void>;
  /** Resolves when the connected server has everything that was committed anywhere before the call. */
  sync(): Promise<void>;
}

/** INVALID_FIELD if `hosts` is invalid. */
export function createZooKeeperSession(parts: SessionParts): ZooKeeperSession {
  return new Session(parts);
}

const startTimeoutMs = 15_000;

class Session implements ZooKeeperSession {
  readonly #parts: SessionParts;
  readonly #ensemble: Ensemble;
  readonly #access: Access;
  readonly #logins: Logins;
  readonly #link: ZooKeeperLink;
  readonly #watches: ZooKeeperWatches;
  #closing: Promise<void> | null = null;

  constructor(parts: SessionParts) {
    const { auth, tls } = parts;
    this.#parts = parts;
    this.#ensemble = parseHosts(parts.hosts);
    const hasCertificate = tls?.isLogin === true;
    this.#access = auth === null && !hasCertificate ? 'everybody' : 'creator';
    this.#logins = { digest: auth && digestOf(auth.user, auth.password), hasCertificate };
    this.#watches = new ZooKeeperWatches(parts.log);
    this.#link = new ZooKeeperLink({
      ...parts,
      servers: this.#ensemble.servers,
      login: auth === null ? null : `${auth.user}:${auth.password}`,
      tlsContext: tls?.context,
      onNotice: (notice) => this.#watches.tell(notice),
    });
    this.#link.onState((state) => {
      if (state !== 'connected') this.#watches.clear();
    });
  }

  get state(): SessionState {
    return this.#link.state;
  }

  get generation(): number {
    return this.#link.generation;
  }

  get timeoutMs(): number {
    return this.#link.timeoutMs;
  }

  silenceMs(): number {
    return this.#link.silenceMs();
  }

  onState(listener: (state: SessionState) => void): () => void {
    return this.#link.onState(listener);
  }

  async start(): Promise<void> {
    this.#link.open();
    // Closing fails whatever the start is waiting for.
    const cancel = this.#parts.clock.after(startTimeoutMs, () => void this.close());
    try {
      await this.#enter();
    } catch (error) {
      await this.close();
      throw this.#unavailable((error as Error).message);
    } finally {
      cancel();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#link.close();
    return this.#closing;
  }

  async get(path: string, onChange?: () => void): Promise<NodeData | null> {
    const node = await this.#watched('data', path, onChange, getCall);
    if (node !== null || onChange === undefined) return node;
    // Reading a missing node sets no watch; checking whether it exists does.
    return (await this.exists(path, onChange)) ? this.get(path, onChange) : null;
  }

  exists(path: string, onChange?: () => void): Promise<boolean> {
    return this.#watched('data', path, onChange, existsCall);
  }

  children(path: string, onChange?: () => void): Promise<string[]> {
    return this.#watched('children', path, onChange, childrenCall);
  }

  getMany(paths: readonly string[]): Promise<(NodeData | null)[]> {
    const absolute = paths.map((path) => this.#absolute(path));
    return readMany(absolute, (call) => this.#link.send(call));
  }

  async create(path: string, data: Uint8Array, mode: CreateMode = 'persistent'): Promise<string> {
    const made = await this.#link.send(createCall(this.#absolute(path), data, mode, this.#access));
    return made.slice(this.#ensemble.chroot.length);
  }

  async multi(ops: readonly Op[]): Promise<void> {
    const absolute = ops.map((op) => ({ ...op, path: this.#absolute(op.path) }));
    const refusal = await this.#link.send(multiCall(absolute, this.#access));
    if (refusal !== null) throw refusal;
  }

  get isGuarded(): boolean {
    return this.#access === 'creator';
  }

  isOpen(path: string): Promise<boolean> {
    return this.#link.send(isOpenCall(this.#absolute(path), this.#logins));
  }

  protect(path: string): Promise<void> {
    return this.#link.send(protectCall(this.#absolute(path)));
  }

  sync(): Promise<void> {
    return this.#link.send(syncCall(this.#absolute('/')));
  }

  #watched<T>(
    kind: WatchKind,
    path: string,
    onChange: (() => void) | undefined,
    build: (path: string, watch: boolean) => Call<T>,
  ): Promise<T> {
    const absolute = this.#absolute(path);
    const call = build(absolute, onChange !== undefined);
    if (onChange === undefined) return this.#link.send(call);
    return this.#link.send(this.#watches.watching(call, { kind, path: absolute, onChange }));
  }

  #absolute(path: string): string {
    invariant(path.startsWith('/'), `'${path}' is not the path of a node`);
    const { chroot } = this.#ensemble;
    return path === '/' ? chroot || '/' : chroot + path;
  }

  /** Connects and checks that the chroot exists and is readable; rejects with the reason. */
  async #enter(): Promise<void> {
    for (;;) {
      await this.#connected();
      try {
        return await this.#makeChroot();
      } catch (error) {
        // The servers refuse and close the connection, or only close it: the former is final, the latter is
        // retried.
        const end = this.#link.lastEnd;
        if (end?.kind === 'denied') throw new Error(end.detail);
        if (!isLoss(error)) throw error;
      }
    }
  }

  #connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): boolean => {
        if (this.state === 'connected') resolve();
        else if (this.state === 'closed')
          reject(new Error(this.#link.lastEnd?.detail ?? 'no server responded'));
        else return false;
        return true;
      };
      if (settle()) return;
      const unsubscribe = this.onState(() => {
        if (settle()) unsubscribe();
      });
    });
  }

  async #makeChroot(): Promise<void> {
    const { chroot } = this.#ensemble;
    // A user of the chroot may not be allowed to create its parents.
    const names = (await this.exists('/')) ? [] : chroot.split('/').slice(1);
    for (let depth = 1; depth <= names.length; depth++) {
      const path = `/${names.slice(0, depth).join('/')}`;
      try {
        await this.#link.send(createCall(path, Buffer.alloc(0), 'persistent', this.#access));
      } catch (error) {
        if (!(error instanceof ZooKeeperError && error.code === 'NODE_EXISTS')) throw error;
      }
    }
    // A wrong password is not refused as such, but cannot read anything.
    await this.get('/');
  }

  #unavailable(reason: string): CarillonError {
    const { hosts } = this.#parts;
    return new CarillonError('STORE_UNAVAILABLE', `ZooKeeper at ${hosts} cannot be used: ${reason}.`, {
      field: 'zk',
      value: hosts,
    });
  }
}

function isLoss(error: unknown): boolean {
  return (
    error instanceof ZooKeeperError &&
    ['NOT_CONNECTED', 'CONNECTION_LOSS', 'SESSION_LOST'].includes(error.code)
  );
}
