/**
 * One Docker engine through dockerode, in the few calls that launches need. Every call has a bound in time and
 * ends in one of three ways: an answer, an `EngineRefusal` (the engine said no, with its status), or
 * ENGINE_UNAVAILABLE (nobody knows what happened).
 *
 * dockerode's own methods are not used, only its transport: they put bodies into URLs, gather logs in memory,
 * and a call whose connection breaks in the middle of the answer never settles. Here the bound settles it.
 */

import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { inspect } from 'node:util';
import Docker from 'dockerode';
import { CarillonError } from '../errors.ts';
import type { Clock } from '../scheduler/ports.ts';
import { dockerAddress, type TlsFiles } from './docker-address.ts';
import { jsonLines } from './docker-lines.ts';
import { type DockerCreateRequest, labelOf } from './docker-request.ts';
import type { ContainerInspection } from './docker-state.ts';

/** Looking things up takes milliseconds; a busy engine may take seconds, a dead one forever. */
const askTimeoutMs = 15_000;
/** Creating and starting wait for the disk and for each other. */
const changeTimeoutMs = 60_000;
/** Without a word from the registry for this long, a pull is given up. */
const pullSilenceMs = 120_000;
/** Statuses a proxy gives, and a cluster without a leader: they say nothing of the container. */
const unknownOutcome = new Set([502, 503, 504]);

export interface ContainerEntry {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly State: string;
}

/** Links add names with a second slash. */
export function nameOf({ Names }: ContainerEntry): string {
  return (Names.find((name) => name.lastIndexOf('/') === 0) ?? '').slice(1);
}

/** It will not run again by itself. */
export function hasEnded({ State }: ContainerEntry): boolean {
  return State === 'exited' || State === 'dead';
}

/** Watched are: start, die, kill, destroy. */
export interface ContainerEvent {
  readonly Action: string;
  readonly time: number;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

export interface RegistryAuth {
  readonly username: string;
  readonly password: string;
  readonly serveraddress: string;
}

export interface EngineLogQuery {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly follow: boolean;
  readonly tail: number | 'all';
}

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

interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: object;
  readonly body?: object;
  readonly auth?: RegistryAuth;
  readonly timeoutMs: number;
}

export interface DockerEngineOptions {
  readonly host: string;
  readonly tls: TlsFiles | null;
  readonly clock: Clock;
}

export class DockerEngine {
  readonly host: string;
  readonly #clock: Clock;
  readonly #modem: Docker['modem'];
  readonly #closing = new AbortController();

  constructor({ host, tls, clock }: DockerEngineOptions) {
    this.host = host;
    this.#clock = clock;
    setMaxListeners(0, this.#closing.signal);
    const address = dockerAddress(host, tls);
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
    const options = {
      ...none,
      ca: undefined,
      cert: undefined,
      key: undefined,
      pathPrefix: '/',
      agent: undescribed(agent),
      ...keys,
    };
    this.#modem = new Docker({ ...options, ...address } as Docker.DockerOptions).modem;
  }

  async version(): Promise<{ Version: string; ApiVersion: string }> {
    return this.#ask({ method: 'GET', path: '/version', timeoutMs: askTimeoutMs });
  }

  /** The id. 404: the image is not there; 409: the name is taken. */
  async create(request: DockerCreateRequest): Promise<string> {
    const { _query: query, _body: body } = request;
    const call = {
      method: 'POST',
      path: '/containers/create',
      query,
      body,
      timeoutMs: changeTimeoutMs,
    } as const;
    return (await this.#ask<{ Id: string }>(call)).Id;
  }

  /** By id, so that it can never start a successor of the same name. */
  async start(id: string): Promise<void> {
    await this.#tolerating([304], {
      method: 'POST',
      path: `/containers/${id}/start`,
      timeoutMs: changeTimeoutMs,
    });
  }

  /** Null when there is none. Waits for a start that is under way, so it has the time of one. */
  async inspect(nameOrId: string): Promise<ContainerInspection | null> {
    return this.#tolerating([404], {
      method: 'GET',
      path: `/containers/${nameOrId}/json`,
      timeoutMs: changeTimeoutMs,
    });
  }

  /** All of a cluster, ended ones too. */
  async list(cluster: string): Promise<ContainerEntry[]> {
    const query = { all: true, filters: { label: [`${labelOf.cluster}=${cluster}`] } };
    return this.#ask({ method: 'GET', path: '/containers/json', query, timeoutMs: askTimeoutMs });
  }

  /** 404 and 409: it is gone or does not run; either is as good as killed. */
  async kill(id: string, signal: 'TERM' | 'KILL'): Promise<void> {
    const call = {
      method: 'POST',
      path: `/containers/${id}/kill`,
      query: { signal },
      timeoutMs: askTimeoutMs,
    } as const;
    await this.#tolerating([404, 409], call);
  }

  /** Never by force: 409 when it runs. Gone already is fine. */
  async remove(id: string): Promise<void> {
    const call = {
      method: 'DELETE',
      path: `/containers/${id}`,
      query: { v: true },
      timeoutMs: changeTimeoutMs,
    } as const;
    await this.#tolerating([404], call);
  }

  async hasImage(image: string): Promise<boolean> {
    const call = {
      method: 'GET',
      path: `/images/${encodeURIComponent(image)}/json`,
      timeoutMs: askTimeoutMs,
    } as const;
    return (await this.#tolerating([404], call)) !== null;
  }

  /** Resolves when the image is there. A failure can come after a good status, as a line of the answer. */
  async pull(image: string, auth: RegistryAuth | null, onStatus: (status: string) => void): Promise<void> {
    const query = { fromImage: image };
    const call = { method: 'POST', path: '/images/create', query, timeoutMs: pullSilenceMs } as const;
    const answer = await this.#open(auth === null ? call : { ...call, auth });
    let cancelSilence = () => {};
    const listen = () => {
      cancelSilence();
      cancelSilence = this.#clock.after(pullSilenceMs, () =>
        answer.destroy(new Error('the pull went silent')),
      );
    };
    try {
      listen();
      for await (const line of jsonLines(answer)) {
        listen();
        const { status, error } = line as { status?: string; error?: string };
        if (error !== undefined) throw new EngineRefusal(500, error);
        if (status !== undefined) onStatus(status);
      }
    } catch (error) {
      throw this.#translate(error);
    } finally {
      cancelSilence();
    }
  }

  /** Events from now on; resolves once the engine has begun to send. Ends by ENGINE_UNAVAILABLE or the signal. */
  async events(cluster: string, signal: AbortSignal): Promise<AsyncGenerator<ContainerEvent>> {
    const event = ['start', 'die', 'kill', 'destroy'];
    const filters = { type: ['container'], label: [`${labelOf.cluster}=${cluster}`], event };
    const call = { method: 'GET', path: '/events', query: { filters }, timeoutMs: askTimeoutMs } as const;
    const answer = await this.#open(call, signal);
    return this.#guarded(jsonLines(answer) as AsyncGenerator<ContainerEvent>);
  }

  /** Multiplexed bytes as they come; EngineRefusal 404 when the container is gone. */
  async logs(id: string, query: EngineLogQuery, signal: AbortSignal): Promise<AsyncGenerator<Uint8Array>> {
    const call = { method: 'GET', path: `/containers/${id}/logs`, query, timeoutMs: askTimeoutMs } as const;
    return this.#guarded(await this.#open(call, signal));
  }

  /** Gives up what is under way, by ENGINE_UNAVAILABLE; nothing more can be asked. */
  close(): void {
    this.#closing.abort();
  }

  unavailable(cause: string): CarillonError {
    return new CarillonError(
      'ENGINE_UNAVAILABLE',
      `The Docker engine at ${this.host} can not be reached: ${cause}`,
      {
        field: 'docker-host',
        value: this.host,
      },
    );
  }

  async *#guarded<T>(source: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* source;
    } catch (error) {
      throw this.#translate(error);
    }
  }

  async #tolerating<T>(statuses: readonly number[], call: Call): Promise<T | null> {
    try {
      return await this.#ask<T>(call);
    } catch (error) {
      if (error instanceof EngineRefusal && statuses.includes(error.status)) return null;
      throw error;
    }
  }

  #ask<T>(call: Call): Promise<T> {
    return this.#dial(call, { isStream: false });
  }

  /** Only the wait for the first byte is bounded; the caller bounds the rest, or ends it by `signal`. */
  async #open(call: Call, signal?: AbortSignal): Promise<IncomingMessage> {
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

  #dial<T>(
    { method, path, query, body, auth, timeoutMs }: Call,
    { isStream }: { isStream: boolean },
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const abort = new AbortController();
      const giveUp = (cause: string) => {
        reject(this.unavailable(cause));
        abort.abort();
      };
      const cancelTimeout = this.#clock.after(timeoutMs, () =>
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
        ...(auth !== undefined && { authconfig: { ...auth } }),
        abortSignal: undescribed(abort.signal),
        isStream,
        statusCodes: { 200: true, 201: true, 204: true },
      };
      this.#modem.dial(options, (error: unknown, answer: unknown) => {
        cancelTimeout();
        this.#closing.signal.removeEventListener('abort', close);
        if (error) reject(this.#translate(error));
        else resolve(answer as T);
      });
    });
  }

  #translate(error: unknown): Error {
    if (error instanceof CarillonError || error instanceof EngineRefusal) return error;
    const { statusCode, json, message, code } = error as ModemError;
    if (statusCode === undefined) return this.unavailable(code ?? message);
    const words = json?.message ?? message.replace(/^\(HTTP code \d+\) .*? - /, '').trim();
    return unknownOutcome.has(statusCode) ? this.unavailable(words) : new EngineRefusal(statusCode, words);
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
