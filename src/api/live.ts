/**
 * Broadcasts live changes to any number of clients. It subscribes to the scheduler once and keeps the newest
 * events, so that a client can resume after a lost connection. A client that reads too slowly is disconnected
 * rather than buffered without limit. It returns with its last id, and gets a gap event if that is too old.
 */

import { Readable } from 'node:stream';
import type { Asker } from '../scheduler/access/principal.ts';
import { noticesFor } from '../scheduler/authorized/handle.ts';
import type { Notice, SchedulerHandle } from '../scheduler/handle.ts';
import type { Clock } from '../scheduler/ports.ts';
import { noticeToWire } from './wire/to-wire.ts';
import type { WireEvent } from './wire/views.ts';

export const liveLimits = {
  /** Events kept for returning clients: a few seconds of a burst. */
  kept: 2_000,
  /** Bytes buffered for one client. */
  buffered: 1024 * 1024,
} as const;

interface LiveEvent {
  readonly number: number;
  readonly notice: Notice;
  /** Serialized when the first client needs it. Without clients, an event costs only an entry in a list. */
  frame: string | null;
}

interface Client {
  readonly stream: Readable;
  readonly job: string | null;
  /** The notice as the client may see it. Null: not at all. */
  readonly show: (notice: Notice) => Notice | null;
}

interface Opening {
  /** Only events about it. Null: about all jobs. */
  readonly job: string | null;
  /** Of the last event that was received. Null: none was. */
  readonly lastId: string | null;
  readonly asker: Asker;
}

export class LiveEvents {
  readonly #scheduler: SchedulerHandle;
  readonly #process: string;
  readonly #kept: LiveEvent[] = [];
  readonly #clients = new Set<Client>();
  readonly #unsubscribe: () => void;
  readonly #clock: Clock;
  readonly #heartbeatMs: number;
  #stopBeating: () => void;
  #number = 0;

  /** `process` distinguishes the ids of this process from those of another. */
  constructor(
    scheduler: SchedulerHandle,
    options: { readonly process: string; readonly clock: Clock; readonly heartbeatMs: number },
  ) {
    this.#scheduler = scheduler;
    this.#process = options.process;
    this.#unsubscribe = scheduler.subscribe((notice) => this.#announce(notice));
    this.#clock = options.clock;
    this.#heartbeatMs = options.heartbeatMs;
    this.#stopBeating = this.#beatLater();
  }

  /** Opens a stream of server-sent events of all jobs or of one, after `lastId` if given. */
  open({ job, lastId, asker }: Opening): Readable {
    const stream = new Readable({ read: () => {}, highWaterMark: liveLimits.buffered });
    const client: Client = { stream, job, show: noticesFor(this.#scheduler, asker) };
    this.#clients.add(client);
    stream.once('close', () => this.#clients.delete(client));
    // The first bytes flush the headers, so that a browser knows the connection is open.
    stream.push('retry: 2000\n\n');
    if (lastId !== null) this.#catchUp(client, lastId);
    return stream;
  }

  close(): void {
    this.#unsubscribe();
    this.#stopBeating();
    for (const { stream } of this.#clients) stream.push(null);
    this.#clients.clear();
  }

  #catchUp(client: Client, lastId: string): void {
    const last = lastId.startsWith(`${this.#process}-`)
      ? Number(lastId.slice(this.#process.length + 1))
      : Number.NaN;
    const oldest = this.#kept[0]?.number ?? this.#number + 1;
    if (Number.isInteger(last) && last <= this.#number && last >= oldest - 1) {
      for (const event of this.#kept.slice(last - oldest + 1)) this.#send(client, event);
    } else {
      const reason = 'the last event that was received is no longer available';
      client.stream.push(frameOf(this.#id(this.#number), { kind: 'gap', reason }));
    }
  }

  #announce(notice: Notice): void {
    const event: LiveEvent = { number: ++this.#number, notice, frame: null };
    this.#kept.push(event);
    // Removes many at once: shifting one by one would move the whole list for each event.
    if (this.#kept.length >= 2 * liveLimits.kept) this.#kept.splice(0, this.#kept.length - liveLimits.kept);
    for (const client of this.#clients) this.#send(client, event);
  }

  #send(client: Client, event: LiveEvent): void {
    const about = jobOf(event.notice);
    if (client.job !== null && about !== null && about !== client.job) return;
    const shown = client.show(event.notice);
    if (shown === null) return;
    client.stream.push(this.#frame(event, shown));
    if (client.stream.readableLength <= liveLimits.buffered) return;
    this.#clients.delete(client);
    client.stream.destroy();
  }

  #frame(event: LiveEvent, shown: Notice): string {
    if (shown !== event.notice) return frameOf(this.#id(event.number), noticeToWire(shown));
    event.frame ??= frameOf(this.#id(event.number), noticeToWire(event.notice));
    return event.frame;
  }

  #id(number: number): string {
    return `${this.#process}-${number}`;
  }

  /** Keeps proxies from closing quiet connections, and detects dead ones. */
  #beatLater(): () => void {
    return this.#clock.after(this.#heartbeatMs, () => {
      for (const { stream } of this.#clients) stream.push(': still here\n\n');
      this.#stopBeating = this.#beatLater();
    });
  }
}

const frameOf = (id: string, event: WireEvent): string =>
  `id: ${id}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`;

function jobOf(notice: Notice): string | null {
  if (notice.kind === 'leader') return null;
  return notice.kind === 'run' ? notice.run.job : notice.name;
}
