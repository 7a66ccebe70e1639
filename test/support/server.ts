/** The program as a user runs it: a process of its own, over HTTP, killed by pid. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { addressOf } from './address.ts';
import { program } from './program.ts';

export interface Answer<T = Record<string, unknown>> {
  readonly status: number;
  readonly body: T;
}

/** All that were started and have not ended; a test that fails ends none. */
const running = new Set<ChildProcess>();
/** Those of them that answer. */
const answering = new Set<Server>();

/** Ends what tests have left behind, jobs included. A test file calls it at its end, see leave-nothing.ts. */
export async function endServers(): Promise<void> {
  for (const server of answering) await server.endWithJobs();
  for (const child of running) {
    const exited = once(child, 'exit');
    if (child.kill('SIGKILL')) await exited;
  }
}

export class Server {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #log: string[];

  private constructor(child: ChildProcess, url: string, log: string[]) {
    this.#child = child;
    this.url = url;
    this.#log = log;
  }

  /** Resolves once it says where it listens. */
  static async start(
    dataDir: string,
    args: readonly string[] = [],
    /** What it finds: descriptors from 3 on, and variables besides ours. */
    found: {
      readonly descriptors?: readonly number[];
      readonly env?: Record<string, string>;
      /** Takes its log instead of `log`. */
      readonly log?: number;
      /** A command that becomes the program behind it. */
      readonly within?: readonly string[];
    } = {},
  ): Promise<Server> {
    const serve = [...program, 'serve', '--port', '0', '--data-dir', dataDir, ...args];
    const [command, ...behind] = [...(found.within ?? []), ...serve];
    const child = spawn(command as string, behind, {
      stdio: ['ignore', 'pipe', found.log ?? 'pipe', ...(found.descriptors ?? [])],
      env: { ...process.env, ...found.env },
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    const log: string[] = [];
    child.stderr?.on('data', (chunk: Buffer) => log.push(chunk.toString()));
    const server = new Server(child, await addressOf(child, log), log);
    answering.add(server);
    child.once('exit', () => answering.delete(server));
    return server;
  }

  get log(): string {
    return this.#log.join('');
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exited;
    return this.#child.exitCode;
  }

  /** Ends it and what runs, whatever state it is in. */
  async endWithJobs(): Promise<void> {
    // It may be stopped or broken: that was what the test was about. Otherwise it ends its jobs before itself.
    const quiet = await this.#quietenAll().then(
      () => true,
      () => false,
    );
    await this.end(quiet ? 'SIGTERM' : 'SIGKILL');
  }

  async #quietenAll(): Promise<void> {
    const list = await fetch(`${this.url}/api/v1/jobs?limit=1000`, { signal: AbortSignal.timeout(5_000) });
    const { items } = (await list.json()) as { items: { name: string }[] };
    await this.quieten(...items.map(({ name }) => name));
  }

  async ask<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json') === true;
    return { status: response.status, body: (json ? JSON.parse(text) : text) as T };
  }

  /** Deletes these jobs and waits until nothing runs any more: processes outlive their scheduler. */
  async quieten(...jobs: readonly string[]): Promise<void> {
    for (const name of jobs) await this.ask('DELETE', `/api/v1/jobs/${name}?dependents=cascade`);
    await eventually(
      () => this.get<{ counts: { running: number } }>('/api/v1/overview'),
      ({ counts }) => counts.running === 0,
    );
  }

  async get<T = Record<string, unknown>>(path: string): Promise<T> {
    const { status, body } = await this.ask<T>('GET', path);
    if (status !== 200) throw new Error(`GET ${path} answered ${status}: ${JSON.stringify(body)}`);
    return body;
  }

  /** All pages of a list. */
  async all<T>(path: string): Promise<T[]> {
    const items: T[] = [];
    const join = path.includes('?') ? '&' : '?';
    for (let cursor: string | null = ''; cursor !== null; ) {
      const at: string = cursor === '' ? path : `${path}${join}cursor=${encodeURIComponent(cursor)}`;
      const page: { items: T[]; next: string | null } = await this.get(at);
      items.push(...page.items);
      cursor = page.next;
    }
    return items;
  }
}

/** Asks until the condition holds; fails with what was last seen after `withinMs`. */
export async function eventually<T>(
  ask: () => Promise<T>,
  holds: (value: T) => boolean,
  withinMs = 20_000,
): Promise<T> {
  const until = Date.now() + withinMs;
  for (;;) {
    const value = await ask();
    if (holds(value)) return value;
    if (Date.now() > until)
      throw new Error(`not within ${withinMs} ms; last seen: ${JSON.stringify(value)?.slice(0, 2_000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
