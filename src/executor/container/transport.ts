/**
 * Calls of one engine's API through dockerode's transport. Every call has a time limit and ends in one of
 * three ways: a response, an `EngineRefusal` (the engine refused, with a status), or ENGINE_UNAVAILABLE (the
 * outcome is unknown).
 *
 * Only dockerode's transport is used, not its methods: they put bodies into URLs and collect logs in memory,
 * and a call whose connection breaks in the middle of the response never completes. Here the time limit
 * completes it.
 */

import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import { inspect } from 'node:util';
import Client from 'dockerode';
import { CarillonError } from '../../errors.ts';
import type { Clock } from '../../scheduler/ports.ts';
import { engineAddress, type TlsFiles } from './address.ts';

/** Statuses of a proxy, and of a cluster without a leader: they say nothing about the container. */
const unknownOutcome = new Set([502, 503, 504]);

/** With a password, or with a token that replaces it. */
export type RegistryAuth = Login & { readonly serveraddress: string };
export type Login =
  | { readonly username: string; readonly password: string }
  | { readonly identitytoken: string };

/** The engine understood and refused. `words` is its own message, for people. */
export class EngineRefusal extends Error {
  override readonly name = 'EngineRefusal';
  readonly status: number;
  readonly words: string;

  constructor(status: number, words: string) {
    super(`${status}: ${words}`);
    this.status = status;
    this.words = words;
  }
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query?: object;
  readonly body?: object;
  /** Sent unchanged instead of a body. */
  readonly archive?: Buffer;
  readonly auth?: RegistryAuth;
  readonly timeoutMs: number;
}

export interface TransportParts {
  readonly host: string;
  readonly tls: TlsFiles | null;
  readonly clock: Clock;
  /** For messages: the kind, such as `Swarm manager`, and the setting with its address. */
  readonly what: string;
  readonly setting: string;
}

export class EngineTransport {
  readonly host: string;
  readonly #parts: TransportParts;
  readonly #modem: Client['modem'];
  readonly #closing = new AbortController();

  constructor(parts: TransportParts) {
    const { host, tls, what, setting } = parts;
    this.host = host;
    this.#parts = parts;
    setMaxListeners(0, this.#closing.signal);
    const address = engineAddress(host, tls, { what, setting });
    // Connections are not reused: after a restart of the engine, a reused one would fail the next call.
    const secure = 'protocol' in address && address.protocol === 'https';
    const agent = secure ? new HttpsAgent({ keepAlive: false }) : new HttpAgent({ keepAlive: false });
    const keys = secure && tls !== null ? readKeys(tls) : {};
    // Options left out here would be taken from DOCKER_HOST and similar variables.
    const none = {
      host: undefined,
      port: undefined,
      socketPath: undefined,
      timeout: undefined,
      protocol: 'http',
    };
    const about = {
      ...none,
      ca: undefined,
      cert: undefined,
      key: undefined,
      pathPrefix: '/',
      agent: undescribed(agent),
      ...keys,
    };
    this.#modem = new Client({ ...about, ...address } as Client.DockerOptions).modem;
  }

  ask<T>(call: Call): Promise<T> {
    return this.#dial(call, { isStream: false });
  }

  /** Returns null if the engine responds with one of these statuses. */
  async tolerating<T>(statuses: readonly number[], call: Call): Promise<T | null> {
    try {
      return await this.ask<T>(call);
    } catch (error) {
      if (error instanceof EngineRefusal && statuses.includes(error.status)) return null;
      throw error;
    }
  }

  /**
   * Only the wait for the first byte has a time limit; the caller limits the rest, or ends it with `signal`.
   */
  async open(call: Call, signal?: AbortSignal): Promise<IncomingMessage> {
    const answer = await this.#dial<IncomingMessage>(call, { isStream: true });
    // Without a listener, an error between two reads would end the process.
    answer.on('error', () => {});
    for (const ending of [signal, this.#closing.signal]) {
      const end = () => answer.destroy();
      if (ending?.aborted) end();
      ending?.addEventListener('abort', end, { once: true });
      answer.once('close', () => ending?.removeEventListener('abort', end));
    }
    return answer;
  }

  /** The raw connection, after the engine has stopped speaking HTTP on it; the caller ends it. */
  upgrade(call: Call): Promise<Duplex> {
    // Without a body its end would be sent, and be taken for input.
    return this.#dial({ ...call, archive: Buffer.alloc(0) }, { isStream: false, hijack: true });
  }

  /** Aborts calls in progress with ENGINE_UNAVAILABLE, and refuses further ones. */
  close(): void {
    this.#closing.abort();
  }

  unavailable(cause: string): CarillonError {
    const { what, setting, host } = this.#parts;
    return new CarillonError('ENGINE_UNAVAILABLE', `The ${what} at ${host} cannot be reached: ${cause}`, {
      field: setting,
      value: host,
    });
  }

  async *guarded<T>(source: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* source;
    } catch (error) {
      throw this.translate(error);
    }
  }

  /** Converts an error of the library to one of the three outcomes. */
  translate(error: unknown): Error {
    if (error instanceof CarillonError || error instanceof EngineRefusal) return error;
    const { statusCode, json, message, code } = error as ModemError;
    if (statusCode === undefined) return this.unavailable(code ?? message);
    const words = json?.message ?? message.replace(/^\(HTTP code \d+\) .*? - /, '').trim();
    return unknownOutcome.has(statusCode) ? this.unavailable(words) : new EngineRefusal(statusCode, words);
  }

  #dial<T>(
    { method, path, query, body, archive, auth, timeoutMs }: Call,
    { isStream, hijack = false }: { isStream: boolean; hijack?: boolean },
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const abort = new AbortController();
      const giveUp = (cause: string) => {
        reject(this.unavailable(cause));
        abort.abort();
      };
      const cancelTimeout = this.#parts.clock.after(timeoutMs, () =>
        giveUp(`no response within ${timeoutMs / 1000} s`),
      );
      const close = () => giveUp('the scheduler is stopping');
      if (this.#closing.signal.aborted) close();
      this.#closing.signal.addEventListener('abort', close, { once: true });
      const options = {
        method,
        path: query === undefined ? path : `${path}?`,
        // An empty body is not sent; without one the query would be sent as a body.
        options: { ...(query !== undefined && { _query: query }), _body: body ?? {} },
        ...(archive !== undefined && { file: archive }),
        ...(auth !== undefined && { authconfig: { ...auth } }),
        abortSignal: undescribed(abort.signal),
        isStream,
        hijack,
        statusCodes: { 200: true, 201: true, 204: true },
      };
      this.#modem.dial(options, (error: unknown, answer: unknown) => {
        cancelTimeout();
        this.#closing.signal.removeEventListener('abort', close);
        if (error) reject(this.translate(error));
        else resolve(answer as T);
      });
    });
  }
}

/**
 * The client library describes each request with everything it references, for a disabled debug log: that
 * took two fifths of the time of a busy scheduler.
 */
function undescribed<T extends object>(part: T): T {
  return Object.defineProperty(part, inspect.custom, { value: () => '…' });
}

interface ModemError extends Error {
  readonly statusCode?: number;
  readonly json?: { readonly message?: string } | null;
  readonly code?: string;
}

function readKeys({ caFile, certFile, keyFile }: TlsFiles): { ca: Buffer; cert: Buffer; key: Buffer } {
  const read = (field: string, file: string): Buffer => {
    try {
      return readFileSync(file);
    } catch (error) {
      const cause = (error as NodeJS.ErrnoException).code ?? 'unknown error';
      throw new CarillonError('INVALID_FIELD', `${file} cannot be read (${cause}).`, { field, value: file });
    }
  };
  return { ca: read('ca', caFile), cert: read('cert', certFile), key: read('key', keyFile) };
}
