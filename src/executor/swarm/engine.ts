/**
 * The managers of one Swarm as one: a call goes to the manager that answered last, and to the next where that
 * one can't be reached, hangs or has no leader. Nothing that a manager answers while there is no leader is taken
 * for a refusal: such answers come with any status. Every call has a bound in time; see container/transport.ts.
 *
 * A manager goes on with a call for up to 20 s after its client gave up. So an unknown outcome may come true
 * later; the names of services are the lock against doing it twice.
 */

import { CarillonError } from '../../errors.ts';
import type { Clock } from '../../scheduler/ports.ts';
import type { TlsFiles } from '../container/address.ts';
import { labelOf } from '../container/labels.ts';
import type { EngineLogQuery } from '../container/logs.ts';
import { type Call, EngineRefusal, EngineTransport, type RegistryAuth } from '../container/transport.ts';
import type { SwarmServiceSpec } from './request.ts';
import type { SwarmNode, SwarmTask } from './state.ts';

/** A manager answers within milliseconds, or has no leader and lets its clients wait. */
const askTimeoutMs = 8_000;
/** Some thousand ended launches with all that they were given. */
const listTimeoutMs = 30_000;
/** What a manager says twice, with a leader in between, it means. */
const createTries = 2;

export interface SwarmServiceEntry {
  readonly ID: string;
  readonly Version: { readonly Index: number };
  readonly Spec: SwarmServiceSpec;
}

export interface SwarmSecretEntry {
  readonly ID: string;
  readonly Spec: { readonly Name: string; readonly Labels?: Readonly<Record<string, string>> };
}

export interface SwarmEngineOptions {
  /** Addresses of managers, at least one. */
  readonly hosts: readonly string[];
  readonly tls: TlsFiles | null;
  readonly clock: Clock;
}

type Manager = EngineTransport;
/** A call; by default with the usual time for an answer. */
type Question = Omit<Call, 'timeoutMs'> & { readonly timeoutMs?: number };

export class SwarmEngine {
  readonly hosts: string;
  readonly #managers: readonly Manager[];
  /** The manager that answered last. */
  #current = 0;

  constructor({ hosts, tls, clock }: SwarmEngineOptions) {
    this.hosts = hosts.join(',');
    this.#managers = hosts.map(
      (host) => new EngineTransport({ host, tls, clock, what: 'Swarm manager', setting: 'swarm-host' }),
    );
  }

  async version(): Promise<{ Version: string; ApiVersion: string }> {
    return this.#ask({ method: 'GET', path: '/version' });
  }

  async nodes(): Promise<SwarmNode[]> {
    return this.#ask({ method: 'GET', path: '/nodes' });
  }

  /** Those of a cluster; `filters` as the engine has them. */
  async tasks(
    cluster: string,
    filters: Readonly<Record<string, readonly string[]>> = {},
  ): Promise<SwarmTask[]> {
    const query = { filters: { label: [`${labelOf.cluster}=${cluster}`], ...filters } };
    return this.#ask({ method: 'GET', path: '/tasks', query, timeoutMs: listTimeoutMs });
  }

  /** All that should run, of whomever. */
  async everyTask(): Promise<SwarmTask[]> {
    const query = { filters: { 'desired-state': ['running'] } };
    return this.#ask({ method: 'GET', path: '/tasks', query, timeoutMs: listTimeoutMs });
  }

  /** All of one service; none when there is no such service. */
  async tasksOf(service: string): Promise<SwarmTask[]> {
    const query = { filters: { service: [service] } };
    return (await this.#tolerating<SwarmTask[]>(404, { method: 'GET', path: '/tasks', query })) ?? [];
  }

  async services(cluster: string): Promise<SwarmServiceEntry[]> {
    const query = { filters: { label: [`${labelOf.cluster}=${cluster}`] } };
    return this.#ask({ method: 'GET', path: '/services', query, timeoutMs: listTimeoutMs });
  }

  /** Null when there is none. */
  async service(name: string): Promise<SwarmServiceEntry | null> {
    return this.#tolerating(404, { method: 'GET', path: `/services/${name}` });
  }

  /**
   * True when it was created, false when the name is taken; `mayCreate` is asked before each try. LAUNCH_REFUSED
   * when the Swarm, with a leader, says no: nothing was made.
   */
  async create(spec: SwarmServiceSpec, auth: RegistryAuth | null, mayCreate: () => void): Promise<boolean> {
    const call = { method: 'POST', path: '/services/create', body: spec, ...(auth && { auth }) } as const;
    return this.#withManager(async (manager) => {
      let words = '';
      for (let tries = 0; tries < createTries; tries++) {
        mayCreate();
        try {
          await ask(manager, call);
          return true;
        } catch (error) {
          if (!(error instanceof EngineRefusal)) throw error;
          if (error.status === 409) return false;
          words = error.words;
        }
        // Losing its leader looks like any other refusal, of any status. This is answered by a leader alone.
        await ask(manager, { method: 'GET', path: '/nodes' });
      }
      if ((await this.service(spec.Name)) !== null) return false;
      throw new CarillonError('LAUNCH_REFUSED', `The Swarm does not create it: ${words}`, {
        field: 'run',
        value: spec.TaskTemplate.ContainerSpec.Image,
      });
    });
  }

  /** ENGINE_UNAVAILABLE too when somebody else changed it in the meantime. */
  async update({ ID, Version }: SwarmServiceEntry, spec: SwarmServiceSpec): Promise<void> {
    const query = { version: Version.Index };
    await this.#ask({ method: 'POST', path: `/services/${ID}/update`, query, body: spec });
  }

  /** With its tasks and containers, running or not. Gone already is fine. */
  async remove(id: string): Promise<void> {
    await this.#tolerating(404, { method: 'DELETE', path: `/services/${id}` });
  }

  /** The id. EngineRefusal 409 when the name is taken. */
  async createSecret(name: string, labels: Readonly<Record<string, string>>, text: string): Promise<string> {
    const body = { Name: name, Labels: labels, Data: Buffer.from(text).toString('base64') };
    return (await this.#ask<{ ID: string }>({ method: 'POST', path: '/secrets/create', body })).ID;
  }

  async secrets(filters: Readonly<Record<string, readonly string[]>>): Promise<SwarmSecretEntry[]> {
    return this.#ask({ method: 'GET', path: '/secrets', query: { filters } });
  }

  async removeSecret(id: string): Promise<void> {
    await this.#tolerating(404, { method: 'DELETE', path: `/secrets/${id}` });
  }

  /** Multiplexed bytes as they come; with `follow` they do not end by themselves. */
  async logs(
    taskId: string,
    query: Omit<EngineLogQuery, 'tail'> & Partial<EngineLogQuery>,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<Uint8Array>> {
    const call = { method: 'GET', path: `/tasks/${taskId}/logs`, query, timeoutMs: askTimeoutMs } as const;
    return this.#withManager(async (manager) => manager.guarded(await manager.open(call, signal)));
  }

  /** Gives up what is under way, by ENGINE_UNAVAILABLE; nothing more can be asked. */
  close(): void {
    for (const manager of this.#managers) manager.close();
  }

  unavailable(cause: string): CarillonError {
    const where = this.#managers.length === 1 ? 'its manager' : 'its managers';
    const message = `The Swarm can not be reached through ${where} at ${this.hosts}: ${cause}`;
    return new CarillonError('ENGINE_UNAVAILABLE', message, { field: 'swarm-host', value: this.hosts });
  }

  #ask<T>(call: Question): Promise<T> {
    return this.#withManager((manager) => ask<T>(manager, call));
  }

  async #tolerating<T>(status: number, call: Question): Promise<T | null> {
    return this.#ask<T>(call).catch((error: unknown) => {
      if (error instanceof EngineRefusal && error.status === status) return null;
      throw error;
    });
  }

  /** What the first manager says that can say something. */
  async #withManager<T>(act: (manager: Manager) => Promise<T>): Promise<T> {
    let cause = '';
    const first = this.#current;
    for (let tries = 0; tries < this.#managers.length; tries++) {
      const at = (first + tries) % this.#managers.length;
      const manager = this.#managers[at] as Manager;
      try {
        const answer = await act(manager);
        this.#current = at;
        return answer;
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        cause = error instanceof CarillonError ? error.message : (error as Error).message;
      }
    }
    // The next call begins with another one, or a manager that hangs would cost each call its patience.
    this.#current = (first + 1) % this.#managers.length;
    throw this.unavailable(cause);
  }
}

function ask<T>(manager: Manager, call: Question): Promise<T> {
  return manager.ask<T>({ timeoutMs: askTimeoutMs, ...call });
}

/** What goes wrong inside a manager, the loss of the leader above all, has no other status than 500. */
function isUnavailable(error: unknown): boolean {
  if (error instanceof EngineRefusal) return error.status >= 500;
  return error instanceof CarillonError && error.code === 'ENGINE_UNAVAILABLE';
}
