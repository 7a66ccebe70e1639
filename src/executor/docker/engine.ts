/**
 * One Docker engine, with the calls that launches need; container/transport.ts explains how a call can end.
 */

import { stat } from 'node:fs/promises';
import type { CarillonError } from '../../errors.ts';
import type { Clock } from '../../scheduler/ports.ts';
import type { TlsFiles } from '../container/address.ts';
import { labelOf } from '../container/labels.ts';
import type { EngineLogQuery } from '../container/logs.ts';
import { EngineRefusal, EngineTransport, type RegistryAuth } from '../container/transport.ts';
import { isLaunchName } from '../logs/run-logs.ts';
import { jsonLines } from './lines.ts';
import type { DockerCreateRequest } from './request.ts';
import type { ContainerInspection } from './state.ts';

/** Queries take milliseconds; a busy engine may need seconds, a dead one never responds. */
const askTimeoutMs = 15_000;
/** Creating and starting wait for the disk and for each other. */
const changeTimeoutMs = 60_000;
/** A pull is aborted after this long without data from the registry. */
const pullSilenceMs = 120_000;
/** As many events as an engine keeps. */
export const maxHistory = 256;
/** An engine has tens of images at a time; above this they are queried again. */
const maxDigests = 1_000;

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

/** Watched events: start, die, kill, oom, destroy. */
export interface ContainerEvent {
  readonly Action: string;
  readonly time: number;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

/** One line of the response to a pull; `id` is a layer or the tag. */
export interface PullLine {
  readonly id?: string;
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly error?: string;
}

/** The used part of `GET /containers/{id}/stats`. Of a container that does not run, `read` is the zero time. */
export interface ContainerStats {
  readonly read?: string;
  /** In nanoseconds. */
  readonly cpu_stats?: { readonly cpu_usage?: { readonly total_usage?: number } };
  readonly memory_stats?: { readonly max_usage?: number; readonly limit?: number };
}

export interface DockerEngineParts {
  readonly host: string;
  readonly tls: TlsFiles | null;
  readonly clock: Clock;
}

export class DockerEngine {
  readonly host: string;
  readonly #clock: Clock;
  readonly #transport: EngineTransport;
  /** Registry digests of an image, by its id; an id never refers to another image. */
  readonly #digests = new Map<string, readonly string[]>();

  constructor({ host, tls, clock }: DockerEngineParts) {
    this.host = host;
    this.#clock = clock;
    this.#transport = new EngineTransport({
      host,
      tls,
      clock,
      what: 'Docker engine',
      setting: 'docker-host',
    });
  }

  /** For subclasses. */
  protected get transport(): EngineTransport {
    return this.#transport;
  }

  async version(): Promise<{ Version: string; ApiVersion: string }> {
    return this.#transport.ask({ method: 'GET', path: '/version', timeoutMs: askTimeoutMs });
  }

  /** Returns the id. 404: the image is missing; 409: the name is in use. */
  async create(request: DockerCreateRequest): Promise<string> {
    const { _query: query, _body: body } = request;
    const call = {
      method: 'POST',
      path: '/containers/create',
      query,
      body,
      timeoutMs: changeTimeoutMs,
    } as const;
    return (await this.#transport.ask<{ Id: string }>(call)).Id;
  }

  /** Besides the network it was created in. */
  async connect(network: string, id: string): Promise<void> {
    const path = `/networks/${encodeURIComponent(network)}/connect`;
    await this.#transport.ask({ method: 'POST', path, body: { Container: id }, timeoutMs: changeTimeoutMs });
  }

  /** Unpacks an archive in a folder of the container, which must exist in it. */
  async upload(id: string, folder: string, archive: Buffer): Promise<void> {
    const call = {
      method: 'PUT',
      path: `/containers/${id}/archive`,
      query: { path: folder },
      archive,
      timeoutMs: changeTimeoutMs,
    } as const;
    await this.#transport.ask(call);
  }

  /** By id, so that it can never start a successor of the same name. */
  async start(id: string): Promise<void> {
    await this.#transport.tolerating([304], {
      method: 'POST',
      path: `/containers/${id}/start`,
      timeoutMs: changeTimeoutMs,
    });
  }

  /** Null if there is none. Waits for a start in progress, so it has the same time limit. */
  async inspect(nameOrId: string): Promise<ContainerInspection | null> {
    const found = await this.#transport.tolerating<ContainerInspection>([404], {
      method: 'GET',
      path: `/containers/${nameOrId}/json`,
      timeoutMs: changeTimeoutMs,
    });
    return found && { ...found, imageDigest: await this.#digestOf(found) };
  }

  /** Its resource usage so far. Null: there is no such container. Some engines take a second to answer. */
  async stats(id: string): Promise<ContainerStats | null> {
    const call = {
      method: 'GET',
      path: `/containers/${id}/stats`,
      query: { stream: false, 'one-shot': true },
      timeoutMs: askTimeoutMs,
    } as const;
    return this.#transport.tolerating<ContainerStats>([404], call);
  }

  /** All containers of an installation, including ended ones. */
  async list(installation: string): Promise<ContainerEntry[]> {
    const query = { all: true, filters: { label: [`${labelOf.installation}=${installation}`] } };
    const call = { method: 'GET', path: '/containers/json', query, timeoutMs: askTimeoutMs } as const;
    // Swarm tasks have our labels too, but different names.
    return (await this.#transport.ask<ContainerEntry[]>(call)).filter((entry) => isLaunchName(nameOf(entry)));
  }

  /** 404 and 409: it is gone or not running, which is equivalent to killed. */
  async kill(id: string, signal: 'TERM' | 'KILL'): Promise<void> {
    const call = {
      method: 'POST',
      path: `/containers/${id}/kill`,
      query: { signal },
      timeoutMs: askTimeoutMs,
    } as const;
    await this.#transport.tolerating([404, 409], call);
  }

  /** Never forced: 409 if it is running. A missing container is fine. */
  async remove(id: string): Promise<void> {
    const call = {
      method: 'DELETE',
      path: `/containers/${id}`,
      query: { v: true },
      timeoutMs: changeTimeoutMs,
    } as const;
    await this.#transport.tolerating([404], call);
  }

  /** The registry digest, or the engine's own id for an image without one. Queried once per image. */
  async #digestOf({ Image: id, Config }: ContainerInspection): Promise<string> {
    if (!this.#digests.has(id)) {
      const path = `/images/${encodeURIComponent(id)}/json`;
      const call = { method: 'GET', path, timeoutMs: askTimeoutMs } as const;
      // A refusal, such as 404 for a removed image, must not affect the container.
      const image = await this.#transport.tolerating<{ RepoDigests?: string[] }>([404, 500], call);
      if (this.#digests.size >= maxDigests) this.#digests.clear();
      this.#digests.set(id, image?.RepoDigests ?? []);
    }
    const digests = this.#digests.get(id) ?? [];
    const repository = Config.Image.replace(/@.*$|:[^/:]*$/, '');
    return digests.find((digest) => digest.startsWith(`${repository}@`)) ?? digests[0] ?? id;
  }

  async hasImage(image: string): Promise<boolean> {
    const call = {
      method: 'GET',
      path: `/images/${encodeURIComponent(image)}/json`,
      timeoutMs: askTimeoutMs,
    } as const;
    return (await this.#transport.tolerating([404], call)) !== null;
  }

  /**
   * Resolves when the image is present. A failure can follow a successful status, as a line of the response.
   */
  async pull(image: string, auth: RegistryAuth | null, onLine: (line: PullLine) => void): Promise<void> {
    const query = { fromImage: image };
    const call = { method: 'POST', path: '/images/create', query, timeoutMs: pullSilenceMs } as const;
    const answer = await this.#transport.open(auth === null ? call : { ...call, auth });
    let cancelSilence = () => {};
    const listen = () => {
      cancelSilence();
      cancelSilence = this.#clock.after(pullSilenceMs, () =>
        answer.destroy(new Error('the pull received no data')),
      );
    };
    try {
      listen();
      for await (const line of jsonLines(answer)) {
        listen();
        const said = line as PullLine;
        if (said.error !== undefined) throw new EngineRefusal(500, said.error);
        onLine(said);
      }
    } catch (error) {
      throw this.#transport.translate(error);
    } finally {
      cancelSilence();
    }
  }

  /**
   * Events from now on; resolves once the engine has begun to send. Ends with ENGINE_UNAVAILABLE or the
   * signal. The engine responds slightly before it subscribes itself, so events in between are requested as
   * well.
   */
  async events(installation: string, signal: AbortSignal): Promise<AsyncGenerator<ContainerEvent>> {
    const event = ['start', 'die', 'kill', 'oom', 'destroy'];
    const since = await this.#systemTime();
    const filters = { type: ['container'], label: [`${labelOf.installation}=${installation}`], event };
    const call = {
      method: 'GET',
      path: '/events',
      query: { filters, since },
      timeoutMs: askTimeoutMs,
    } as const;
    const answer = await this.#transport.open(call, signal);
    return this.#transport.guarded(jsonLines(answer) as AsyncGenerator<ContainerEvent>);
  }

  /**
   * When the engine started: it then writes `docker.pid` beside `docker.sock`. Null if it is on another machine, or keeps
   * that file elsewhere.
   */
  async startedAt(): Promise<number | null> {
    const [, socket] = /^unix:\/\/(.*)\.sock$/.exec(this.host) ?? [];
    if (socket === undefined) return null;
    return stat(`${socket}.pid`).then(
      ({ mtimeMs }) => mtimeMs,
      () => null,
    );
  }

  /** The newest events in the engine's memory, at most `maxHistory`. */
  async history(): Promise<ContainerEvent[]> {
    // By the engine's own clock: it would wait for a time in the future.
    const query = { since: 0, until: await this.#systemTime() };
    const call = { method: 'GET', path: '/events', query, timeoutMs: askTimeoutMs } as const;
    const answer = await this.#transport.open(call);
    const events: ContainerEvent[] = [];
    const cancel = this.#clock.after(askTimeoutMs, () =>
      answer.destroy(new Error('the event history does not end')),
    );
    try {
      for await (const event of this.#transport.guarded(jsonLines(answer)))
        events.push(event as ContainerEvent);
    } finally {
      cancel();
    }
    return events;
  }

  /** Epoch seconds by the engine's clock, as in its events. */
  async #systemTime(): Promise<number> {
    const call = { method: 'GET', path: '/info', timeoutMs: askTimeoutMs } as const;
    return Date.parse((await this.#transport.ask<{ SystemTime: string }>(call)).SystemTime) / 1000;
  }

  /** Frames (container/frames.ts) as they arrive; EngineRefusal 404 if the container is gone. */
  async logs(id: string, wanted: EngineLogQuery, signal: AbortSignal): Promise<AsyncGenerator<Uint8Array>> {
    const query = { ...wanted, timestamps: true };
    const call = { method: 'GET', path: `/containers/${id}/logs`, query, timeoutMs: askTimeoutMs } as const;
    return this.#transport.guarded(await this.#transport.open(call, signal));
  }

  /** Aborts calls in progress with ENGINE_UNAVAILABLE, and refuses further ones. */
  close(): void {
    this.#transport.close();
  }

  unavailable(cause: string): CarillonError {
    return this.#transport.unavailable(cause);
  }
}
