/**
 * Live changes over server-sent events. One connection for the whole page updates the cache: a run event
 * replaces the displayed run, and lists and counts are reloaded at most once per `settleMs`, however many
 * events arrive. After a lost connection the browser resumes at the last event; a gap reloads everything.
 */

import type { QueryClient } from '@tanstack/react-query';
import type { WireRun } from '../../../src/api/wire/schema.ts';
import type { WireEvent } from '../../../src/api/wire/views.ts';
import { refusalAt } from './client.ts';
import { readAgain } from './read-again.ts';

/** A burst of thousands of runs causes one reload, still within a second. */
const settleMs = 700;
/**
 * The browser reconnects after 2 s by itself. If it gives up (on an error response), this class reconnects.
 */
const reopenMs = 3_000;

export interface LiveState {
  readonly connected: boolean;
  /** When the data was last known to be current, epoch milliseconds. Null: never yet. */
  readonly asOf: number | null;
}

export class LiveConnection {
  readonly #client: QueryClient;
  readonly #listeners = new Set<() => void>();
  readonly #watchers = new Set<(event: WireEvent) => void>();
  /** Names of jobs with pending events. */
  readonly #pending = new Set<string>();
  #state: LiveState = { connected: false, asOf: null };
  #source: EventSource | null = null;
  #settling: ReturnType<typeof setTimeout> | null = null;
  #reopening: ReturnType<typeof setTimeout> | null = null;
  /** Events may have been missed: reload everything displayed once connected. */
  #missed = false;

  constructor(client: QueryClient) {
    this.#client = client;
  }

  get state(): LiveState {
    return this.#state;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** For components that update themselves from single events. */
  watch(watcher: (event: WireEvent) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  open(): void {
    const source = new EventSource('/api/v1/events');
    this.#source = source;
    source.onopen = () => this.#opened();
    source.onerror = () => this.#lost(source);
    for (const kind of ['job', 'run', 'leader', 'gap'] as const) {
      source.addEventListener(kind, (event: MessageEvent<string>) =>
        this.#take(JSON.parse(event.data) as WireEvent),
      );
    }
  }

  close(): void {
    this.#source?.close();
    this.#source = null;
    if (this.#settling !== null) clearTimeout(this.#settling);
    if (this.#reopening !== null) clearTimeout(this.#reopening);
    this.#settling = null;
    this.#reopening = null;
    // It may be opened again, after a log-in.
    this.#missed = true;
  }

  #opened(): void {
    const first = this.#state.asOf === null && !this.#state.connected;
    this.#become({ connected: true, asOf: null });
    // Data that was read before the first connection was open may have changed before it.
    if (this.#missed || first) this.#readAnew();
    this.#missed = false;
  }

  #lost(source: EventSource): void {
    if (this.#state.connected) this.#become({ connected: false, asOf: Date.now() });
    if (source.readyState !== EventSource.CLOSED) return;
    // Closed permanently: the browser drops the last id, so everything is reloaded.
    this.#missed = true;
    // The browser does not report why. If the session has ended, this shows the log-in page.
    void refusalAt('/me');
    this.#reopening ??= setTimeout(() => {
      this.#reopening = null;
      source.close();
      if (this.#source === source) this.open();
    }, reopenMs);
  }

  #take(event: WireEvent): void {
    for (const watcher of this.#watchers) watcher(event);
    // The new leader's data may be newer than what was read here.
    if (event.kind === 'gap' || event.kind === 'leader') {
      this.#readAnew();
    } else if (event.kind === 'run') {
      // Only if displayed: other runs would fill the cache.
      this.#client.setQueryData<WireRun>(['run', event.run.id], (shown) => shown && event.run);
      // A read in progress may be older than the event.
      void readAgain(this.#client, { queryKey: ['run', event.run.id] });
      this.#later(event.run.job);
    } else {
      this.#later(event.name);
    }
  }

  #readAnew(): void {
    void readAgain(this.#client);
  }

  #later(job: string): void {
    this.#pending.add(job);
    this.#settling ??= setTimeout(() => this.#settle(), settleMs);
  }

  /** Reloads the displayed data that the events since the last time may have changed. */
  #settle(): void {
    this.#settling = null;
    const jobs = new Set(this.#pending);
    this.#pending.clear();
    void readAgain(this.#client, {
      predicate: ({ queryKey: [scope, subject] }) =>
        scope === 'lists' || (scope === 'job' && jobs.has(String(subject))),
    });
  }

  #become(state: LiveState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
