/**
 * A dead man's switch: while this node leads and its store responds, a URL is requested at intervals. A service that
 * expects these requests alerts somebody when they stop. A scheduler that is down cannot do that itself.
 */

import { open } from 'node:fs/promises';
import { CarillonError } from '../errors.ts';
import type { Clock, Log, Service } from '../scheduler/ports.ts';

const answerWithinMs = 10_000;
const maxUrlBytes = 4 * 1024;

export interface HeartbeatParts {
  /** File with the URL, which is a secret: it is read for each request, and never logged. */
  readonly file: string;
  readonly everyMs: number;
  /** This node leads, and what it decides becomes durable. */
  readonly isWell: () => boolean;
  readonly clock: Clock;
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
    const { isWell, log } = this.#parts;
    if (!isWell()) return;
    try {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(answerWithinMs)]);
      const { status, body } = await fetch(await this.#url(), { signal });
      await body?.cancel();
      if (status >= 400) throw new Error(`it answered ${status}`);
      if (this.#failed) log.info({}, 'heartbeat.recovered');
      this.#failed = false;
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      // Once, and not each minute.
      if (!this.#failed) log.warn({ error: reasonOf(error) }, 'heartbeat.failed');
      this.#failed = true;
    }
  }

  async #url(): Promise<string> {
    const { file } = this.#parts;
    const text = await readStart(file);
    if (/^https?:\/\/\S+$/.test(text) && URL.canParse(text)) return text;
    throw new CarillonError(
      'INVALID_FIELD',
      `${file}: it has no URL. Allowed: a file with one http or https URL.`,
      {
        field: 'heartbeatUrlFile',
        value: file,
        allowed: 'a file with one http or https URL',
      },
    );
  }
}

/** The first line. */
async function readStart(path: string): Promise<string> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw new CarillonError('INVALID_FIELD', `${path}: it cannot be read (${error.code}).`, {
      field: 'heartbeatUrlFile',
      value: path,
      allowed: 'a file that the scheduler may read',
    });
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxUrlBytes), 0, maxUrlBytes, 0);
    return buffer.toString('utf8', 0, bytesRead).split('\n', 1)[0]?.trim() ?? '';
  } finally {
    await file.close();
  }
}

/** Why a request failed. The library's own words contain no part of the URL but its host. */
function reasonOf(error: unknown): string {
  if (error instanceof CarillonError) return error.message;
  const { name, message, cause } = error as Error;
  if (name === 'TimeoutError') return `it did not answer within ${answerWithinMs / 1_000} s`;
  const { code } = Object(cause) as { code?: unknown };
  return typeof code === 'string' ? `${message} (${code})` : message;
}
