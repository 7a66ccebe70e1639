/**
 * Calls to one engine's API through dockerode's transport. Every call has a bound in time and ends in one of
 * three ways: an answer, an `EngineRefusal` (the engine said no, with its status), or ENGINE_UNAVAILABLE
 * (nobody knows what happened).
 *
 * dockerode's own methods are not used, only its transport: they put bodies into URLs, gather logs in memory,
 * and a call whose connection breaks in the middle of the answer never settles. Here the bound settles it.
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

/** Statuses a proxy gives, and a cluster without a leader: they say nothing of the container. */
const unknownOutcome = new Set([502, 503, 504]);

/** With a password, or with a token that stands for it. */
export type RegistryAuth = Login & { readonly serveraddress: string };
export type Login =
  | { readonly username: string; readonly password: string }
  | { readonly identitytoken: string };

/** The engine understood and said no. `words` are its own, for people. */
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
  /** Sent as it is, instead of a body. */
  readonly archive?: Buffer;
  readonly auth?: RegistryAuth;
  readonly timeoutMs: number;
}

export interface TransportOptions {
  readonly host: string;
  readonly tls: TlsFiles | null;
  readonly clock: Clock;
  /** For messages: what it is, such as `Swarm manager`, and the setting that names it. */
  readonly what: string;
  readonly setting: string;
}

export class EngineTransport {
  readonly host: string;
  readonly #options: TransportOptions;
  readonly #modem: Client['modem'];
  readonly #closing = new AbortController();

  constructor(options: TransportOptions) {
    const { host, tls, what, setting } = options;
    this.host = host;
    this.#options = options;
    setMaxListeners(0, this.#closing.signal);
    const address = engineAddress(host, tls, { what, setting });
    // Connections are not kept: after a restart of the engine a kept one fails the next call.
    const secure = 'protocol' in address && address.protocol === 'https';
    const agent = secure ? new HttpsAgent({ keepAlive: false }) : new HttpAgent({ keepAlive: false });
    const keys = secure && tls !== null ? readKeys(tls) : {};
    // What is left out here would be taken from DOCKER_HOST and its kin.
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

  /** Null where the engine answers with one of these statuses. */
  async tolerating<T>(statuses: readonly number[], call: Call): Promise<T | null> {
    try {
      return await this.ask<T>(call);
    } catch (error) {
      if (error instanceof EngineRefusal && statuses.includes(error.status)) return null;
      throw error;
    }
  }

  /** Only the wait for the first byte is bounded; the caller bounds the rest, or ends it by `signal`. */
  async open(call: Call, signal?: AbortSignal): Promise<IncomingMessage> {
    const answer = await this.#dial<IncomingMessage>(call, { isStream: true });
    // Without a listener an error between two reads would end the process.
    answer.on('error', () => {});
    for (const ending of [signal, this.#closing.signal]) {
      const end = () => answer.destroy();
      if (ending?.aborted) end();
      ending?.addEventListener('abort', end, { once: true });
      answer.once('close', () => ending?.removeEventListener('abort', end));
    }
    return answer;
  }

  /** The connection itself, once the engine has given up speaking HTTP on it; the caller ends it. */
  upgrade(call: Call): Promise<Duplex> {
    // Without a body its end would be sent, and be taken for input.
    return this.#dial({ ...call, archive: Buffer.alloc(0) }, { isStream: false, hijack: true });
  }

  /** Gives up what is under way, by ENGINE_UNAVAILABLE; nothing more can be asked. */
  close(): void {
    this.#closing.abort();
  }

  unavailable(cause: string): CarillonError {
    const { what, setting, host } = this.#options;
    return new CarillonError('ENGINE_UNAVAILABLE', `The ${what} at ${host} can not be reached: ${cause}`, {
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

  /** What the library throws, as one of the three ways in which calls end. */
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
      const cancelTimeout = this.#options.clock.after(timeoutMs, () =>
        giveUp(`no answer within ${timeoutMs / 1000} s`),
      );
      const close = () => giveUp('the scheduler is stopping');
      if (this.#closing.signal.aborted) close();
      this.#closing.signal.addEventListener('abort', close, { once: true });
      const options = {
        method,
        path: query === undefined ? path : `${path}?`,
        // An empty body is not sent; without one the query would be, as a body.
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
 * The client library describes each request with all that hangs on it, for a debug log that is off: two fifths
 * of the time of a busy scheduler went there.
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
      throw new CarillonError('INVALID_FIELD', `${file} can not be read (${cause})`, { field, value: file });
    }
  };
  return { ca: read('ca', caFile), cert: read('cert', certFile), key: read('key', keyFile) };
}
