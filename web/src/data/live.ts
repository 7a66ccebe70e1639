/**
 * Live changes over server-sent events. One connection for the whole page; what it says goes into the cache:
 * a run replaces what is shown of it, lists and counts are read again at most once in `settleMs`, however many
 * events come. After a lost connection the browser goes on at the last event; a gap reads everything anew.
 */

import type { QueryClient } from '@tanstack/react-query';
import type { WireRun } from '../../../src/api/wire/schema.ts';
import type { WireEvent } from '../../../src/api/wire/views.ts';
import { readAgain } from './read-again.ts';

/** Bursts of thousands of runs cause one reading of what is shown, and still within a second. */
const settleMs = 700;
/** The browser comes back after 2 s by itself; where it gives up (an error answer), we come back. */
const reopenMs = 3_000;

export interface LiveState {
  readonly connected: boolean;
  /** When the picture was last known to be right, epoch milliseconds; null: never yet. */
  readonly asOf: number | null;
}

export class LiveConnection {
  readonly #client: QueryClient;
  readonly #listeners = new Set<() => void>();
  readonly #watchers = new Set<(event: WireEvent) => void>();
  /** Names of jobs that something happened to. */
  readonly #pending = new Set<string>();
  #state: LiveState = { connected: false, asOf: null };
  #source: EventSource | null = null;
  #settling: ReturnType<typeof setTimeout> | null = null;
  #reopening: ReturnType<typeof setTimeout> | null = null;
  /** Something may have happened unseen: all that is shown is read again once the connection stands. */
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

  /** For what keeps itself in step with single events. */
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
  }

  #opened(): void {
    const first = this.#state.asOf === null && !this.#state.connected;
    this.#become({ connected: true, asOf: null });
    // What was answered before the first connection stood may have changed before it did.
    if (this.#missed || first) this.#readAnew();
    this.#missed = false;
  }

  #lost(source: EventSource): void {
    if (this.#state.connected) this.#become({ connected: false, asOf: Date.now() });
    if (source.readyState !== EventSource.CLOSED) return;
    // Closed for good: the browser forgets the last id, so everything is read again.
    this.#missed = true;
    this.#reopening ??= setTimeout(() => {
      this.#reopening = null;
      source.close();
      if (this.#source === source) this.open();
    }, reopenMs);
  }

  #take(event: WireEvent): void {
    for (const watcher of this.#watchers) watcher(event);
    // Another leader's answers may be ahead of what was read here.
    if (event.kind === 'gap' || event.kind === 'leader') {
      this.#readAnew();
    } else if (event.kind === 'run') {
      // Only where it is shown: the others would fill the cache.
      this.#client.setQueryData<WireRun>(['run', event.run.id], (shown) => shown && event.run);
      // What was being read may be behind the event.
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

  /** Reads again what the events since the last time may have changed, as far as it is shown. */
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
