/**
 * The managers of one Swarm as one: a call goes to the manager that last responded, and to the next if that
 * one is unreachable, hangs or has no leader. No response of a manager without a leader counts as a refusal:
 * such responses have any status. Every call has a time limit; see container/transport.ts.
 *
 * A manager continues with a call for up to 20 s after its client gave up. So an unknown outcome may become a
 * success later; the names of services are the lock against doing it twice.
 */

import { CarillonError } from '../../errors.ts';
import type { Clock } from '../../scheduler/ports.ts';
import type { TlsFiles } from '../container/address.ts';
import { labelOf } from '../container/labels.ts';
import type { EngineLogQuery } from '../container/logs.ts';
import { type Call, EngineRefusal, EngineTransport, type RegistryAuth } from '../container/transport.ts';
import type { SwarmServiceSpec } from './request.ts';
import type { SwarmNode, SwarmTask } from './state.ts';

/** A manager responds within milliseconds, or has no leader and lets its clients wait. */
const askTimeoutMs = 8_000;
/** Enough for some thousand ended launches with all their settings. */
const listTimeoutMs = 30_000;
/** A refusal counts if a manager repeats it, with a leader in between. */
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

export interface SwarmEngineParts {
  /** Addresses of managers, at least one. */
  readonly hosts: readonly string[];
  readonly tls: TlsFiles | null;
  readonly clock: Clock;
}

type Manager = EngineTransport;
/** A call. Default time limit: the usual one. */
type Question = Omit<Call, 'timeoutMs'> & { readonly timeoutMs?: number };

export class SwarmEngine {
  readonly hosts: string;
  readonly #managers: readonly Manager[];
  /** The manager that last responded. */
  #current = 0;

  constructor({ hosts, tls, clock }: SwarmEngineParts) {
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

  /** Tasks of an installation; `filters` in the engine's form. */
  async tasks(
    installation: string,
    filters: Readonly<Record<string, readonly string[]>> = {},
  ): Promise<SwarmTask[]> {
    const query = { filters: { label: [`${labelOf.installation}=${installation}`], ...filters } };
    return this.#ask({ method: 'GET', path: '/tasks', query, timeoutMs: listTimeoutMs });
  }

  /** All tasks that should run, of any owner. */
  async everyTask(): Promise<SwarmTask[]> {
    const query = { filters: { 'desired-state': ['running'] } };
    return this.#ask({ method: 'GET', path: '/tasks', query, timeoutMs: listTimeoutMs });
  }

  /** All tasks of one service; empty if there is no such service. */
  async tasksOf(service: string): Promise<SwarmTask[]> {
    const query = { filters: { service: [service] } };
    return (await this.#tolerating<SwarmTask[]>(404, { method: 'GET', path: '/tasks', query })) ?? [];
  }

  async services(installation: string): Promise<SwarmServiceEntry[]> {
    const query = { filters: { label: [`${labelOf.installation}=${installation}`] } };
    return this.#ask({ method: 'GET', path: '/services', query, timeoutMs: listTimeoutMs });
  }

  /** Null if there is none. */
  async service(name: string): Promise<SwarmServiceEntry | null> {
    return this.#tolerating(404, { method: 'GET', path: `/services/${name}` });
  }

  /**
   * True if it was created, false if the name is in use; `mayCreate` is called before each attempt.
   * LAUNCH_REFUSED if the Swarm, with a leader, refuses: nothing was created.
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
        // The loss of its leader looks like any other refusal, with any status. Only a leader answers this.
        await ask(manager, { method: 'GET', path: '/nodes' });
      }
      if ((await this.service(spec.Name)) !== null) return false;
      throw new CarillonError('LAUNCH_REFUSED', `The Swarm refused to create the service: ${words}`, {
        field: 'run',
        value: spec.TaskTemplate.ContainerSpec.Image,
      });
    });
  }

  /** ENGINE_UNAVAILABLE also if someone else changed it in the meantime. */
  async update({ ID, Version }: SwarmServiceEntry, spec: SwarmServiceSpec): Promise<void> {
    const query = { version: Version.Index };
    await this.#ask({ method: 'POST', path: `/services/${ID}/update`, query, body: spec });
  }

  /** With its tasks and containers, running or not. A missing service is fine. */
  async remove(id: string): Promise<void> {
    await this.#tolerating(404, { method: 'DELETE', path: `/services/${id}` });
  }

  /** Returns the id. EngineRefusal 409 if the name is in use. */
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

  /** Frames (container/frames.ts) as they arrive; with `follow` they do not end by themselves. */
  async logs(
    taskId: string,
    wanted: Omit<EngineLogQuery, 'tail'> & Partial<EngineLogQuery>,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<Uint8Array>> {
    const query = { ...wanted, timestamps: true };
    const call = { method: 'GET', path: `/tasks/${taskId}/logs`, query, timeoutMs: askTimeoutMs } as const;
    return this.#withManager(async (manager) => manager.guarded(await manager.open(call, signal)));
  }

  /** Aborts calls in progress with ENGINE_UNAVAILABLE, and refuses further ones. */
  close(): void {
    for (const manager of this.#managers) manager.close();
  }

  unavailable(cause: string): CarillonError {
    const where = this.#managers.length === 1 ? 'its manager' : 'its managers';
    const message = `The Swarm cannot be reached through ${where} at ${this.hosts}: ${cause}`;
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

  /** The response of the first manager that can respond. */
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
    // The next call starts with another one; otherwise a hanging manager would cost each call its time limit.
    this.#current = (first + 1) % this.#managers.length;
    throw this.unavailable(cause);
  }
}

function ask<T>(manager: Manager, call: Question): Promise<T> {
  return manager.ask<T>({ timeoutMs: askTimeoutMs, ...call });
}

/** Internal errors of a manager, above all the loss of the leader, all have status 500. */
function isUnavailable(error: unknown): boolean {
  if (error instanceof EngineRefusal) return error.status >= 500;
  return error instanceof CarillonError && error.code === 'ENGINE_UNAVAILABLE';
}
