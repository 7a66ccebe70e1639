/**
 * A dead man's switch: while this node leads and its store responds, a URL is requested at intervals. A service that
 * expects these requests alerts somebody when they stop. A scheduler that is down cannot do that itself.
 */

import { CarillonError } from '../errors.ts';
import { get } from '../notify/http.ts';
import { readUrl } from '../notify/secret.ts';
import type { Clock, Log, Service } from '../scheduler/ports.ts';
import type { Environment } from './config.ts';

export interface HeartbeatParts {
  /** File with the URL, which is a secret: it is read for each request, and never logged. */
  readonly file: string;
  readonly everyMs: number;
  /** This node leads, and what it decides becomes durable. */
  readonly isWell: () => boolean;
  readonly clock: Clock;
  /** For proxies. */
  readonly environment: Environment;
  readonly log: Log;
}

export class Heartbeat implements Service {
  readonly #parts: HeartbeatParts;
  readonly #stop = new AbortController();
  #cancel: (() => void) | null = null;
  #beating: Promise<void> = Promise.resolve();
  #failed = false;

  constructor(parts: HeartbeatParts) {
    this.#parts = parts;
  }

  /** INVALID_FIELD if the file has no URL. */
  async start(): Promise<void> {
    await this.#url();
    this.#later();
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    this.#stop.abort();
    await this.#beating;
  }

  #later(): void {
    const { clock, everyMs } = this.#parts;
    if (this.#stop.signal.aborted) return;
    this.#cancel = clock.after(everyMs, () => {
      this.#beating = this.#beat().finally(() => this.#later());
    });
  }

  async #beat(): Promise<void> {
    const { isWell, log, clock, environment } = this.#parts;
    if (!isWell()) return;
    try {
      await get({ url: await this.#url() }, { clock, environment }, this.#stop.signal);
      if (this.#failed) log.info({}, 'heartbeat.recovered');
      this.#failed = false;
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      // Once, and not each minute.
      if (!this.#failed) log.warn({ error: (error as Error).message }, 'heartbeat.failed');
      this.#failed = true;
    }
  }

  async #url(): Promise<string> {
    const { file } = this.#parts;
    return readUrl(file).catch((error: unknown) => {
      if (!(error instanceof CarillonError)) throw error;
      throw new CarillonError('INVALID_FIELD', error.message, {
        ...error.details,
        field: 'heartbeatUrlFile',
      });
    });
  }
}
