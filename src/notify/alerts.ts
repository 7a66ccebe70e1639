/**
 * The file of alerts while a node runs: its receivers and routes. It is read when the node starts, and again when it has
 * changed. A mistake in it, or in a file that it names, then changes nothing until it is mended.
 */

import type { Maintenance, Message, Route } from '../scheduler/model/alert.ts';
import type { About, JobBeat, Notifier } from '../scheduler/notifier.ts';
import type { Log } from '../scheduler/ports.ts';
import { WatchedFiles } from '../settings-file/watched.ts';
import { readAlertsFile } from './file.ts';
import { checkAddressFile, type Heartbeats, sendBeat } from './heartbeats.ts';
import { createNotifier, type Deliveries } from './notifier.ts';
import type { ReceiverParts } from './receiver.ts';

export interface AlertsParts extends ReceiverParts {
  readonly log: Log;
}

export class Alerts implements Notifier {
  readonly #file: WatchedFiles;
  readonly #parts: AlertsParts;
  readonly #deliveries: Deliveries;
  #routes: readonly Route[] = [];
  #heartbeats: Heartbeats = {};
  readonly #stopping = new AbortController();
  #maintenance: readonly Maintenance[] = [];

  constructor(path: string, parts: AlertsParts) {
    const { clock, log } = parts;
    const files = [{ setting: 'alertsFile', path }] as const;
    const use = (): Promise<object> => this.#use(path);
    this.#file = new WatchedFiles(files, { clock, log, subject: 'alerts', use });
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
    return this.#file.problem;
  }

  /** INVALID_FIELD or LIMIT_EXCEEDED, with the place in the file, if it or a file that it names cannot be used. */
  async open(): Promise<void> {
    await this.#file.open();
  }

  /** Reads the file again when it has changed. */
  async start(): Promise<void> {
    this.#file.start();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#file.stop();
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

  async #use(path: string): Promise<object> {
    const { receivers, routes, maintenance, heartbeats } = await readAlertsFile(path);
    for (const settings of Object.values(heartbeats)) await checkAddressFile(settings);
    await this.#deliveries.use(receivers);
    this.#routes = routes;
    this.#heartbeats = heartbeats;
    this.#maintenance = maintenance;
    return { receivers: this.receivers.size, routes: routes.length };
  }
}
