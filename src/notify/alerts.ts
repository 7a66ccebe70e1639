/**
 * The file of alerts while a node runs: its receivers and routes. It is read when the node starts, and again when it has
 * changed. A mistake in it, or in a file that it names, then changes nothing until it is mended.
 */

import { stat } from 'node:fs/promises';
import { CarillonError, problemsIn } from '../errors.ts';
import type { Maintenance, Message, Route } from '../scheduler/model/alert.ts';
import type { About, JobBeat, Notifier } from '../scheduler/notifier.ts';
import type { Log } from '../scheduler/ports.ts';
import { readAlertsFile } from './file.ts';
import { checkAddressFile, type Heartbeats, sendBeat } from './heartbeats.ts';
import { createNotifier, type Deliveries } from './notifier.ts';
import type { ReceiverParts } from './receiver.ts';

/** How often the file is looked at. */
const lookEveryMs = 2_000;

export interface AlertsParts extends ReceiverParts {
  readonly log: Log;
}

export class Alerts implements Notifier {
  readonly #path: string;
  readonly #parts: AlertsParts;
  readonly #deliveries: Deliveries;
  #routes: readonly Route[] = [];
  #heartbeats: Heartbeats = {};
  readonly #stopping = new AbortController();
  #maintenance: readonly Maintenance[] = [];
  /** What tells whether the file has changed. */
  #seen = '';
  #problem: string | null = null;
  #cancelLook: (() => void) | null = null;
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(path: string, parts: AlertsParts) {
    this.#path = path;
    this.#parts = parts;
    this.#deliveries = createNotifier({}, parts);
  }

  get receivers(): ReadonlySet<string> {
    return this.#deliveries.receivers;
  }

  get routes(): readonly Route[] {
    return this.#routes;
  }

  get maintenance(): readonly Maintenance[] {
    return this.#maintenance;
  }

  get problem(): string | null {
    return this.#problem;
  }

  /** INVALID_FIELD or LIMIT_EXCEEDED, with the place in the file, if it or a file that it names cannot be used. */
  async open(): Promise<void> {
    await this.#read();
  }

  /** Reads the file again when it has changed. */
  async start(): Promise<void> {
    this.#lookLater();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopping.abort();
    this.#cancelLook?.();
    await this.#looking;
    await this.#deliveries.stop();
  }

  send(receiver: string, message: Message, about?: About): Promise<void> {
    return this.#deliveries.send(receiver, message, about);
  }

  get services(): ReadonlySet<string> {
    return new Set(Object.keys(this.#heartbeats));
  }

  beat(service: string, beat: JobBeat): Promise<void> {
    return sendBeat(this.#heartbeats[service], beat, this.#parts, this.#stopping.signal);
  }

  async #read(): Promise<void> {
    try {
      const { mtimeMs, ino, size } = await stat(this.#path);
      const seen = `${mtimeMs} ${ino} ${size}`;
      if (seen === this.#seen && this.#problem === null) return;
      const { receivers, routes, maintenance, heartbeats } = await readAlertsFile(this.#path);
      for (const settings of Object.values(heartbeats)) await checkAddressFile(settings);
      await this.#deliveries.use(receivers);
      this.#routes = routes;
      this.#heartbeats = heartbeats;
      this.#maintenance = maintenance;
      this.#seen = seen;
      this.#problem = null;
      const counts = { receivers: this.receivers.size, routes: routes.length };
      this.#parts.log.info({ path: this.#path, ...counts }, 'alerts.file-read');
    } catch (error) {
      throw unreadable(this.#path, error);
    }
  }

  #lookLater(): void {
    if (this.#stopped) return;
    this.#cancelLook = this.#parts.clock.after(lookEveryMs, () => {
      this.#looking = this.#read()
        .catch((error: unknown) => this.#keep(error))
        .finally(() => this.#lookLater());
    });
  }

  /** Continues with what was read before. */
  #keep(error: unknown): void {
    const problems = error instanceof CarillonError ? problemsIn(error) : [error as Error];
    const problem = problems.map(({ message }) => message).join(' ');
    if (problem !== this.#problem)
      this.#parts.log.warn({ path: this.#path, error: problem }, 'alerts.file-not-read');
    this.#problem = problem;
  }
}

function unreadable(path: string, error: unknown): unknown {
  const { code } = Object(error) as { code?: unknown };
  if (error instanceof CarillonError || typeof code !== 'string') return error;
  const allowed = 'a file that the scheduler may read';
  return new CarillonError('INVALID_FIELD', `${path}: it cannot be read (${code}). Allowed: ${allowed}.`, {
    field: 'alertsFile',
    value: path,
    allowed,
  });
}
