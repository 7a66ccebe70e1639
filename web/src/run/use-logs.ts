/** Follows the output of one attempt until it ends, across reconnects. */

import { useEffect, useState } from 'react';
import type { WireLogEvent } from '../../../src/api/wire/schema.ts';
import { address, refusalAt } from '../data/client.ts';
import { type LogLine, LogLines, type LogPiece, mostLines } from './log-lines.ts';

/** Fast enough to look live, slow enough for a job that writes continuously. */
const paintMs = 100;
/** The browser reconnects by itself unless the server refused; then this hook reconnects. */
const reopenMs = 1_000;
/**
 * A run that the server does not know may be new to a server that has just started. After this time it counts
 * as gone.
 */
const unknownForMs = 30_000;

export interface Logs {
  readonly lines: readonly LogLine[];
  readonly dropped: number;
  /** `interrupted`: the connection is lost, and there may be more output than is shown. */
  readonly state: 'opening' | 'following' | 'interrupted' | 'ended' | 'refused';
  /** Why there is no output, in the server's words. */
  readonly problem: string | null;
}

const nothing: Logs = { lines: [], dropped: 0, state: 'opening', problem: null };

/** `attempt` null: there is none yet. */
export function useLogs(id: string, attempt: number | null): Logs {
  const [logs, setLogs] = useState(nothing);
  useEffect(() => {
    setLogs(nothing);
    if (attempt === null) return;
    const follower = new Follower(id, attempt, setLogs);
    follower.open();
    return () => follower.close();
  }, [id, attempt]);
  return logs;
}

/**
 * The id of each event is the position after it. On a reconnect, the browser or this class sends the last one, so the
 * new connection continues after the lines that are shown.
 */
class Follower {
  readonly #path: string;
  readonly #attempt: number;
  readonly #onLogs: (logs: Logs) => void;
  #source: EventSource | null = null;
  readonly #shown = new LogLines();
  #position: string | undefined;
  #chunks: LogPiece[] = [];
  #painting: ReturnType<typeof setTimeout> | null = null;
  #reopening: ReturnType<typeof setTimeout> | null = null;
  #state: Logs['state'] = 'opening';
  #lostAt: number | null = null;

  constructor(id: string, attempt: number, onLogs: (logs: Logs) => void) {
    this.#path = `/runs/${encodeURIComponent(id)}/logs`;
    this.#attempt = attempt;
    this.#onLogs = onLogs;
  }

  open(): void {
    const place = { attempt: this.#attempt, tail: mostLines, after: this.#position };
    const query = { ...place, follow: true, timestamps: true };
    const source = new EventSource(address(this.#path, query));
    this.#source = source;
    source.onopen = () => {
      this.#lostAt = null;
      this.#become('following');
    };
    source.addEventListener('log', (event: MessageEvent<string>) => {
      this.#position = event.lastEventId;
      this.#chunks.push(JSON.parse(event.data) as WireLogEvent);
      this.#paintSoon();
    });
    source.addEventListener('end', () => {
      source.close();
      this.#state = 'ended';
      this.#paint();
    });
    source.onerror = () => {
      if (this.#state === 'following') this.#become('interrupted');
      this.#lostAt ??= Date.now();
      if (source.readyState === EventSource.CLOSED) void this.#refused(source);
    };
  }

  close(): void {
    this.#source?.close();
    this.#source = null;
    if (this.#painting !== null) clearTimeout(this.#painting);
    if (this.#reopening !== null) clearTimeout(this.#reopening);
  }

  /**
   * The browser does not report why it was refused, so the output is requested as text. A server that is
   * starting is retried.
   */
  async #refused(source: EventSource): Promise<void> {
    const problem = await refusalAt(this.#path, { attempt: this.#attempt, tail: 1 });
    if (this.#source !== source) return;
    if (problem === null || this.#passes(problem)) {
      this.#reopening = setTimeout(() => this.open(), reopenMs);
      return;
    }
    this.#state = 'refused';
    this.#paint(problem.detail);
  }

  #passes({ status, code }: { readonly status: number; readonly code: string }): boolean {
    if (status === 0 || status >= 500) return true;
    return (
      code === 'RUN_NOT_FOUND' && Date.now() - (this.#lostAt ?? 0) < unknownForMs && this.#state !== 'opening'
    );
  }

  #become(state: Logs['state']): void {
    this.#state = state;
    this.#paintSoon();
  }

  #paintSoon(): void {
    this.#painting ??= setTimeout(() => this.#paint(), paintMs);
  }

  #paint(problem: string | null = null): void {
    if (this.#painting !== null) clearTimeout(this.#painting);
    this.#painting = null;
    this.#shown.add(this.#chunks);
    this.#chunks = [];
    const { lines, dropped } = this.#shown;
    this.#onLogs({ lines, dropped, state: this.#state, problem });
  }
}
