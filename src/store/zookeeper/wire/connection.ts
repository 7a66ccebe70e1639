/**
 * One TCP connection to one server, from the handshake to its end. A connection is never repaired: the
 * session opens another. It uses a `ConnectionManager` of the library created for this connection alone, so
 * nothing of a broken stream reaches the next one, and handles the responses itself: each call is completed
 * exactly once, whatever the server sends and however the connection ends. Requires frequent calls of `watch`
 * (see the session), the only clock of the pings and the read timeout.
 */

import type { SecureContextOptions } from 'node:tls';
import type { Clock } from '../../../scheduler/ports.ts';
import type { Server } from './address.ts';
import { readNotice } from './answer.ts';
import type { Call } from './call.ts';
import { noNode, refused, ZooKeeperError, type ZooKeeperErrorCode } from './error.ts';
import { Frames } from './frames.ts';
import {
  type ConnectionManager,
  createManager,
  type Identity,
  type LibraryRequest,
  loadLibrary,
} from './library.ts';

/**
 * Why a connection ended. `expired`: the server no longer knows the session; `denied`: it refused the login.
 */
export type End = { readonly kind: 'dropped' | 'expired' | 'denied'; readonly detail: string };

export interface ConnectionParts {
  readonly server: Server;
  /** The session to resume, or null for a new one. */
  readonly identity: Identity | null;
  readonly sessionTimeoutMs: number;
  /** The newest change seen so far; a server that lags behind it refuses us. */
  readonly zxid: Buffer;
  /** `user:password`, or null. */
  readonly login: string | null;
  /** Null: without TLS. */
  readonly tls: SecureContextOptions | null;
  /** Limit for opening: TCP and the handshake together. */
  readonly openTimeoutMs: number;
  readonly clock: Clock;
  onOpen(): void;
  onNotice(notice: { readonly type: number; readonly path: string }): void;
  onEnd(end: End): void;
}

/** A call passed to the library, which returns the request with the response. */
interface Waiting extends LibraryRequest {
  readonly call: Call<unknown>;
  readonly sentAt: number;
  resolve(value: unknown): void;
  reject(error: ZooKeeperError): void;
}

const { Manager, jute } = loadLibrary();
const xidOf = { notice: -1, ping: -2, login: -4 } as const;
const pingType = 11;
/**
 * Servers accept 1,048,575 bytes by default and close the connection on more, which looks like any other
 * fault.
 */
const maxRequestBytes = 900 * 1024;
/**
 * Maximum unanswered calls of one connection: far more than a healthy server lags, far less than a full heap.
 */
const maxWaiting = 20_000;

export class ZooKeeperConnection {
  readonly #parts: ConnectionParts;
  readonly #clock: Clock;
  readonly #manager: ConnectionManager;
  readonly #frames = new Frames();
  readonly #pingsSentAt: number[] = [];
  readonly #startedAt: number;
  readonly #cancelOpening: () => void;
  #phase: 'opening' | 'open' | 'ended' = 'opening';
  #socketError: string | null = null;
  #lastSentAt: number;
  #lastReceivedAt: number;
  #provenAt: number;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#startedAt = this.#clock.monotonicMs();
    this.#lastSentAt = this.#startedAt;
    this.#lastReceivedAt = this.#startedAt;
    this.#provenAt = this.#startedAt;
    this.#manager = createManager({
      ...parts,
      onBytes: (bytes) => this.#receive(bytes),
      onClosed: () => this.end({ kind: 'dropped', detail: this.#socketError ?? 'connection closed' }),
    });
    this.#cancelOpening = this.#clock.after(parts.openTimeoutMs, () =>
      this.end({ kind: 'dropped', detail: `no handshake within ${parts.openTimeoutMs} ms` }),
    );
    this.#manager.connect();
    // The library also listens for errors, and ignores them.
    this.#manager.socket?.on('error', (error) => {
      this.#socketError = error.message;
    });
  }

  get identity(): Identity {
    return { id: this.#manager.sessionId, password: this.#manager.sessionPassword };
  }

  /** The session timeout granted by the server. */
  get timeoutMs(): number {
    return this.#manager.sessionTimeout;
  }

  get zxid(): Buffer {
    return this.#manager.zxid;
  }

  /** When the newest answered request was sent; the session was valid at that time. */
  get provenAt(): number {
    return this.#provenAt;
  }

  /**
   * Sends now, after everything sent before. The call completes when the response arrives or the connection
   * ends.
   */
  send<T>(call: Call<T>): Promise<T> {
    if (this.#phase !== 'open') return Promise.reject(neverSent(call));
    const bytes = call.payload?.byteLength() ?? 0;
    if (bytes > maxRequestBytes) {
      const message = `${call.what}: ${bytes} bytes exceed the maximum of ${maxRequestBytes} per request`;
      return Promise.reject(new ZooKeeperError('TOO_LARGE', message));
    }
    if (this.#manager.pendingQueue.length + this.#manager.packetQueue.queue.length >= maxWaiting) {
      const message = `${call.what}: not sent, because ${maxWaiting} requests wait for their responses`;
      return Promise.reject(new ZooKeeperError('NOT_CONNECTED', message));
    }
    return new Promise<T>((resolve, reject) => {
      const sentAt = this.#clock.monotonicMs();
      this.#lastSentAt = sentAt;
      const request = new jute.Request(new jute.protocol.RequestHeader(0, call.type), call.payload);
      const waiting: Waiting = Object.assign(request, {
        call,
        sentAt,
        resolve: resolve as (value: unknown) => void,
        reject,
      });
      this.#manager.queue(waiting);
    });
  }

  /** Pings when due, and ends the connection when the server has been silent for too long. */
  watch(): void {
    if (this.#phase !== 'open') return;
    const now = this.#clock.monotonicMs();
    const unanswered = this.#pingsSentAt.length > 0 || this.#manager.pendingQueue.length > 0;
    const silentMs = Math.round(now - this.#lastReceivedAt);
    if (unanswered && silentMs > (this.timeoutMs * 2) / 3) {
      this.end({ kind: 'dropped', detail: `silent for ${silentMs} ms` });
      return;
    }
    if (now - this.#lastSentAt < this.timeoutMs / 4) return;
    this.#lastSentAt = now;
    this.#pingsSentAt.push(now);
    this.#manager.queue(new jute.Request(new jute.protocol.RequestHeader(xidOf.ping, pingType), null));
  }

  /** Closes the socket and completes waiting calls: `code` for sent ones, NOT_CONNECTED for unsent ones. */
  end(end: End, code: ZooKeeperErrorCode = 'CONNECTION_LOSS'): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.#cancelOpening();
    clearTimeout(this.#manager.connectTimeoutHandler ?? undefined);
    this.#manager.socket?.destroy();
    const sent = this.#manager.pendingQueue.splice(0);
    const unsent = this.#manager.packetQueue.queue.splice(0);
    this.#parts.onEnd(end);
    for (const { request } of sent)
      if (isWaiting(request))
        request.reject(new ZooKeeperError(code, `${request.call.what}: ${end.detail} before the response`));
    for (const { request } of unsent) if (isWaiting(request)) request.reject(neverSent(request.call));
  }

  #receive(bytes: Buffer): void {
    this.#lastReceivedAt = this.#clock.monotonicMs();
    try {
      for (const frame of this.#frames.take(bytes)) {
        if (this.#phase === 'ended') return;
        if (this.#phase === 'opening') this.#shakeHands(frame);
        else this.#take(frame);
      }
    } catch (error) {
      this.end({ kind: 'dropped', detail: `invalid response: ${(error as Error).message}` });
    }
  }

  #shakeHands(frame: Buffer): void {
    Manager.prototype.onSocketData.call(this.#manager, frame);
    if (this.#manager.state === Manager.STATES.SESSION_EXPIRED) {
      this.end({ kind: 'expired', detail: 'the session has expired' });
      return;
    }
    this.#cancelOpening();
    this.#phase = 'open';
    this.#parts.onOpen();
  }

  #take(frame: Buffer): void {
    const xid = frame.readInt32BE(4);
    const error = frame.readInt32BE(16);
    if (xid === xidOf.notice) this.#parts.onNotice(readNotice(frame, 20));
    else if (xid === xidOf.ping) this.#provenAt = Math.max(this.#provenAt, this.#pingsSentAt.shift() ?? 0);
    else if (xid !== xidOf.login) this.#complete(frame, xid, error);
    else if (error !== 0) this.end({ kind: 'denied', detail: `the server refused the login (${error})` });
  }

  #complete(frame: Buffer, xid: number, error: number): void {
    const request = this.#manager.pendingQueue[0]?.request;
    if (request === undefined || !isWaiting(request) || request.header?.xid !== xid)
      throw new Error(`number ${xid}, but ${request?.header?.xid ?? 'none'} is expected`);
    this.#manager.pendingQueue.shift();
    this.#provenAt = Math.max(this.#provenAt, request.sentAt);
    if (frame.readBigInt64BE(8) > this.#manager.zxid.readBigInt64BE(0))
      this.#manager.zxid = Buffer.from(frame.subarray(8, 16));
    const { call } = request;
    try {
      if (error === 0) request.resolve(call.read(frame, 20));
      else if (error === noNode && call.missing) request.resolve(call.missing());
      else request.reject(refused(call.what, error));
    } catch (cause) {
      request.reject(cause instanceof ZooKeeperError ? cause : unreadable(call, cause));
    }
  }
}

function neverSent(call: Call<unknown>): ZooKeeperError {
  return new ZooKeeperError('NOT_CONNECTED', `${call.what}: not sent, because there is no connection`);
}

function unreadable(call: Call<unknown>, cause: unknown): ZooKeeperError {
  return new ZooKeeperError(
    'OTHER',
    `${call.what}: the response cannot be read: ${(cause as Error).message}`,
  );
}

function isWaiting(request: LibraryRequest): request is Waiting {
  return 'call' in request;
}
