/** One Docker engine, in the few calls that launches need; container/transport.ts says how a call can end. */

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

/** Looking things up takes milliseconds; a busy engine may take seconds, a dead one forever. */
const askTimeoutMs = 15_000;
/** Creating and starting wait for the disk and for each other. */
const changeTimeoutMs = 60_000;
/** Without a word from the registry for this long, a pull is given up. */
const pullSilenceMs = 120_000;
/** As many events as an engine keeps. */
export const maxHistory = 256;
/** An engine holds tens of images at a time; beyond this they are asked for anew. */
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

/** Watched are: start, die, kill, oom, destroy. */
export interface ContainerEvent {
  readonly Action: string;
  readonly time: number;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

/** One line of the answer to a pull; `id` is a layer, or the tag. */
export interface PullLine {
  readonly id?: string;
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly error?: string;
}

export interface DockerEngineOptions {
  readonly host: string;
  readonly tls: TlsFiles | null;
  readonly clock: Clock;
}

export class DockerEngine {
  readonly host: string;
  readonly #clock: Clock;
  readonly #transport: EngineTransport;
  /** What registries call an image, by its id; an id never means another image. */
  readonly #digests = new Map<string, readonly string[]>();

  constructor({ host, tls, clock }: DockerEngineOptions) {
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

  /** For what stands on top of this. */
  protected get transport(): EngineTransport {
    return this.#transport;
  }

  async version(): Promise<{ Version: string; ApiVersion: string }> {
    return this.#transport.ask({ method: 'GET', path: '/version', timeoutMs: askTimeoutMs });
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
    return (await this.#transport.ask<{ Id: string }>(call)).Id;
  }

  /** Beside the network it was created in. */
  async connect(network: string, id: string): Promise<void> {
    const path = `/networks/${encodeURIComponent(network)}/connect`;
    await this.#transport.ask({ method: 'POST', path, body: { Container: id }, timeoutMs: changeTimeoutMs });
  }

  /** Unpacks an archive in a folder of the container, which exists in it or is made for it. */
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

  /** Null when there is none. Waits for a start that is under way, so it has the time of one. */
  async inspect(nameOrId: string): Promise<ContainerInspection | null> {
    const found = await this.#transport.tolerating<ContainerInspection>([404], {
      method: 'GET',
      path: `/containers/${nameOrId}/json`,
      timeoutMs: changeTimeoutMs,
    });
    return found && { ...found, imageDigest: await this.#digestOf(found) };
  }

  /** All of a cluster, ended ones too. */
  async list(cluster: string): Promise<ContainerEntry[]> {
    const query = { all: true, filters: { label: [`${labelOf.cluster}=${cluster}`] } };
    const call = { method: 'GET', path: '/containers/json', query, timeoutMs: askTimeoutMs } as const;
    // The tasks of a Swarm have our labels too, and names of their own.
    return (await this.#transport.ask<ContainerEntry[]>(call)).filter((entry) => isLaunchName(nameOf(entry)));
  }

  /** 404 and 409: it is gone or does not run; either is as good as killed. */
  async kill(id: string, signal: 'TERM' | 'KILL'): Promise<void> {
    const call = {
      method: 'POST',
      path: `/containers/${id}/kill`,
      query: { signal },
      timeoutMs: askTimeoutMs,
    } as const;
    await this.#transport.tolerating([404, 409], call);
  }

  /** Never by force: 409 when it runs. Gone already is fine. */
  async remove(id: string): Promise<void> {
    const call = {
      method: 'DELETE',
      path: `/containers/${id}`,
      query: { v: true },
      timeoutMs: changeTimeoutMs,
    } as const;
    await this.#transport.tolerating([404], call);
  }

  /** As a registry knows it, or the engine's own id for an image that came from none. Asked once per image. */
  async #digestOf({ Image: id, Config }: ContainerInspection): Promise<string> {
    if (!this.#digests.has(id)) {
      const path = `/images/${encodeURIComponent(id)}/json`;
      const call = { method: 'GET', path, timeoutMs: askTimeoutMs } as const;
      // Whatever it says no for, 404 of a removed image first of all, the container is not to suffer.
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

  /** Resolves when the image is there. A failure can come after a good status, as a line of the answer. */
  async pull(image: string, auth: RegistryAuth | null, onLine: (line: PullLine) => void): Promise<void> {
    const query = { fromImage: image };
    const call = { method: 'POST', path: '/images/create', query, timeoutMs: pullSilenceMs } as const;
    const answer = await this.#transport.open(auth === null ? call : { ...call, auth });
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
   * Events from now on; resolves once the engine has begun to send. Ends by ENGINE_UNAVAILABLE or the signal. The
   * engine answers a little before it listens to itself, so it is asked for what lies between as well.
   */
  async events(cluster: string, signal: AbortSignal): Promise<AsyncGenerator<ContainerEvent>> {
    const event = ['start', 'die', 'kill', 'oom', 'destroy'];
    const since = await this.#systemTime();
    const filters = { type: ['container'], label: [`${labelOf.cluster}=${cluster}`], event };
    const call = {
      method: 'GET',
      path: '/events',
      query: { filters, since },
      timeoutMs: askTimeoutMs,
    } as const;
    const answer = await this.#transport.open(call, signal);
    return this.#transport.guarded(jsonLines(answer) as AsyncGenerator<ContainerEvent>);
  }

  /** What the engine still has in memory of the past: its newest events, at most `maxHistory`. */
  async history(): Promise<ContainerEvent[]> {
    // By the engine's own clock: an instant that lies ahead of it would be waited for.
    const query = { since: 0, until: await this.#systemTime() };
    const call = { method: 'GET', path: '/events', query, timeoutMs: askTimeoutMs } as const;
    const answer = await this.#transport.open(call);
    const events: ContainerEvent[] = [];
    const cancel = this.#clock.after(askTimeoutMs, () => answer.destroy(new Error('the events do not end')));
    try {
      for await (const event of this.#transport.guarded(jsonLines(answer)))
        events.push(event as ContainerEvent);
    } finally {
      cancel();
    }
    return events;
  }

  /** Epoch seconds by the engine's clock, as its events count. */
  async #systemTime(): Promise<number> {
    const call = { method: 'GET', path: '/info', timeoutMs: askTimeoutMs } as const;
    return Date.parse((await this.#transport.ask<{ SystemTime: string }>(call)).SystemTime) / 1000;
  }

  /** Multiplexed bytes as they come; EngineRefusal 404 when the container is gone. */
  async logs(id: string, query: EngineLogQuery, signal: AbortSignal): Promise<AsyncGenerator<Uint8Array>> {
    const call = { method: 'GET', path: `/containers/${id}/logs`, query, timeoutMs: askTimeoutMs } as const;
    return this.#transport.guarded(await this.#transport.open(call, signal));
  }

  /** Gives up what is under way, by ENGINE_UNAVAILABLE; nothing more can be asked. */
  close(): void {
    this.#transport.close();
  }

  unavailable(cause: string): CarillonError {
    return this.#transport.unavailable(cause);
  }
}
