/**
 * The agent on a host, at the other end of a connection (supervisor/agent.h). It serves launches as at home, and answers
 * questions about them. What it says is bounded and checked: the host may be anybody's.
 */

import type { Readable, Writable } from 'node:stream';
import { CarillonError } from '../../errors.ts';
import type { Clock } from '../../scheduler/ports.ts';
import { within } from '../../scheduler/waiting.ts';
import { isLaunchName } from '../logs/run-logs.ts';
import type { LaunchServer } from '../supervisor/server.ts';
import {
  ask,
  encode,
  question,
  reply,
  replyBytes,
  type ServedLaunch,
  Starts,
  systemError,
  unknownStart,
  type Waiting,
} from '../supervisor/starts.ts';

/** As in agent.h. */
const asks = {
  list: 4,
  head: 5,
  read: 6,
  size: 7,
  note: 8,
  end: 9,
  endNow: 10,
  clear: 12,
  ping: 14,
} as const;
const said = { data: 7, changed: 9, hello: 10 } as const;
const maxPieceBytes = 4_000;
/** The launches of a host, each with a few KB. A piece counts at least this much, because each takes memory. */
const maxListBytes = 64 * 1024 * 1024;
const leastPieceBytes = 256;
/** As in agent.h, with one byte for `Alive`. */
const maxHeadBytes = 1 + 64 * 1024;
/** Of a number. */
const maxNumberBytes = 64;
/** Most messages of a host that answer no question, in this time. */
const maxUnasked = 100_000;
const unaskedWithinMs = 10_000;
/** Questions at once; others wait. */
const maxAsks = 64;
/** A host that does not answer for this long is cut off. */
const answerWithinMs = 15_000;
/** Sizes of the parts of a hello: boot, version, processors, memory, variables. */
const helloTexts = 9;

/** Which processes of a launch are alive. */
export type Alive = 'supervisor' | 'group' | 'nothing';

export interface Head {
  readonly alive: Alive;
  /** Its file up to its output. */
  readonly bytes: Buffer;
}

export interface Hello {
  readonly boot: string;
  readonly version: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** The environment of a login on the host: PATH, HOME, USER, LANG, TZ. */
  readonly environment: Readonly<Record<string, string>>;
}

interface Answer {
  /** Its maximum size. */
  readonly bytes: number;
  readonly take: (piece: Buffer) => void;
}

interface Ask {
  readonly take: (piece: Buffer) => void;
  bytesLeft: number;
  readonly done: (error: number) => void;
  readonly fail: (error: Error) => void;
}

export class Agent implements Omit<LaunchServer, 'stop'> {
  readonly hello: Promise<Hello>;
  readonly #clock: Clock;
  readonly #out: Writable;
  readonly #cut: (why: string) => void;
  readonly #starts = new Starts((bytes) => this.#write(bytes));
  readonly #asks = new Map<number, Ask>();
  readonly #waiting: (() => void)[] = [];
  #changed: (name: string) => void = () => undefined;
  #greet: (hello: Hello) => void = () => undefined;
  #refuse: (error: Error) => void = () => undefined;
  #unread: Buffer = Buffer.alloc(0);
  #slot = 0;
  #unasked = { count: 0, sinceMs: Number.NEGATIVE_INFINITY };
  #error: CarillonError | null = null;
  /** How far the host's wall clock is ahead of ours, according to the quickest answer. */
  #ahead = { ms: 0, withinMs: Number.POSITIVE_INFINITY };

  /** `cut` ends the connection; then call `end`. */
  constructor(out: Writable, clock: Clock, cut: (why: string) => void) {
    this.#out = out;
    this.#clock = clock;
    this.#cut = cut;
    this.hello = new Promise((resolve, reject) => {
      this.#greet = resolve;
      this.#refuse = reject;
    });
    this.hello.catch(() => undefined);
  }

  /** How far the host's wall clock is ahead. */
  get aheadMs(): number {
    return this.#ahead.ms;
  }

  get isGone(): boolean {
    return this.#error !== null;
  }

  /** Reads what the agent says, from now on. */
  read(from: Readable): void {
    from.on('data', (bytes: Buffer) => this.#take(bytes));
  }

  /** The supervisor of a launch has closed its file. Null: too much has changed to tell. */
  onChanged(listener: (launchName: string | null) => void): void {
    this.#changed = (name) => listener(name === '' ? null : name);
  }

  async prepare(launch: ServedLaunch): Promise<Waiting | null> {
    this.#refuseIfGone();
    const waiting = await this.#inTime(this.#starts.prepare(encode(launch)));
    if (waiting === null) return null;
    return {
      ...waiting,
      open: (at) => {
        const { started, exited } = waiting.open(at);
        return { started: this.#startInTime(started), exited };
      },
    };
  }

  /** All launches, by name. */
  async launches(): Promise<Map<string, Head>> {
    const found = new Map<string, Head>();
    const pieces: Buffer[] = [];
    const take = (piece: Buffer): void => {
      if (piece.length > 0) {
        pieces.push(piece);
        return;
      }
      const bytes = Buffer.concat(pieces.splice(0));
      const end = bytes.indexOf(0);
      const name = bytes.toString('latin1', 0, Math.max(end, 0));
      if (isLaunchName(name)) found.set(name, headIn(bytes.subarray(end + 1).subarray(0, maxHeadBytes)));
    };
    const error = await this.#ask(asks.list, [], { bytes: maxListBytes, take });
    this.#expect(error, 'list its launches');
    return found;
  }

  /** Null: there is no such launch. */
  async head(name: string): Promise<Head | null> {
    const { error, bytes } = await this.#read(asks.head, [name], maxHeadBytes);
    if (error === missing) return null;
    this.#expect(error, `read the launch ${name}`);
    return headIn(bytes);
  }

  /** Fewer bytes at the end. Null: there is no such file. */
  async readPart(path: string, offset: number, length: number): Promise<Buffer | null> {
    const { error, bytes } = await this.#read(asks.read, [path, String(offset), String(length)], length);
    if (error === missing) return null;
    this.#expect(error, `read ${path}`);
    return bytes;
  }

  async size(path: string): Promise<number | null> {
    const { error, bytes } = await this.#read(asks.size, [path], maxNumberBytes);
    if (error === missing) return null;
    this.#expect(error, `read ${path}`);
    return bytes.length === 8 ? Number(bytes.readBigUInt64LE()) : 0;
  }

  /** Adds a line of the scheduler. */
  async note(name: string, id: string, line: string): Promise<void> {
    this.#expect(await this.#ask(asks.note, [name, id, line]), `note an order for ${name}`);
  }

  /** TERM now, KILL after the grace, by its supervisor. */
  async kill(name: string, graceMs: number): Promise<void> {
    const error = await this.#ask(asks.end, [name, String(Math.round(graceMs))]);
    if (error !== missing) this.#expect(error, `end ${name}`);
  }

  /** KILL, where the supervisor does not do it. */
  async killNow(name: string): Promise<void> {
    this.#expect(await this.#ask(asks.endNow, [name]), `end ${name}`);
  }

  revoke(name: string, id: string): Promise<number> {
    return this.#ask(ask.revoke, [name, id]);
  }

  /** Empties the folder of a launch. */
  async clear(id: string): Promise<void> {
    this.#expect(await this.#ask(asks.clear, [id]), 'clear the folder of a launch');
  }

  remove(name: string, id: string): Promise<number> {
    return this.#ask(ask.remove, [name, id]);
  }

  /** Proves that it is there. */
  async ping(): Promise<void> {
    const askedAt = this.#clock.monotonicMs();
    const { bytes } = await this.#read(asks.ping, [], maxNumberBytes);
    const tookMs = this.#clock.monotonicMs() - askedAt;
    const there = Number(bytes.toString('latin1'));
    // A slow answer says little about the clock; but clocks drift, so the quickest one does not count for ever.
    this.#ahead.withinMs *= 1.1;
    if (!Number.isSafeInteger(there) || tookMs > this.#ahead.withinMs) return;
    this.#ahead = { ms: Math.round(there - (this.#clock.now() - tookMs / 2)), withinMs: tookMs };
  }

  /** The connection is gone. */
  end(error: CarillonError): void {
    if (this.#error !== null) return;
    this.#error = error;
    this.#refuse(error);
    this.#starts.end(error);
    for (const { fail } of this.#asks.values()) fail(error);
    this.#asks.clear();
    for (const proceed of this.#waiting.splice(0)) proceed();
  }

  async #read(
    kind: number,
    texts: readonly string[],
    maxBytes: number,
  ): Promise<{ error: number; bytes: Buffer }> {
    const pieces: Buffer[] = [];
    const bytes = Math.max(maxBytes, (Math.ceil(maxBytes / maxPieceBytes) + 1) * leastPieceBytes);
    const error = await this.#ask(kind, texts, { bytes, take: (piece) => void pieces.push(piece) });
    return { error, bytes: Buffer.concat(pieces).subarray(0, maxBytes) };
  }

  /** Returns an error of the system, or 0. */
  async #ask(
    kind: number,
    texts: readonly string[],
    { bytes: bytesLeft, take }: Answer = noAnswer,
  ): Promise<number> {
    while (this.#asks.size >= maxAsks && !this.isGone)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#refuseIfGone();
    do this.#slot = (this.#slot + 1) % 65_536;
    while (this.#asks.has(this.#slot));
    const slot = this.#slot;
    const answer = new Promise<number>((done, fail) => this.#asks.set(slot, { take, bytesLeft, done, fail }));
    this.#write(question(kind, slot, texts));
    return this.#inTime(answer);
  }

  async #inTime<T>(answer: Promise<T>): Promise<T> {
    const cancel = this.#clock.after(answerWithinMs, () => this.#cut('it does not answer'));
    return answer.finally(cancel);
  }

  /** The host answers, and only this job does not start: its folder may be on a disk that does not respond. */
  async #startInTime(started: Promise<boolean>): Promise<boolean> {
    const is = await within(this.#clock, answerWithinMs, started);
    if (is === null) throw unknownStart('its supervisor does not answer');
    return is;
  }

  #write(bytes: Buffer): void {
    if (!this.isGone) this.#out.write(bytes);
  }

  #take(bytes: Buffer): void {
    const all = this.#unread.length > 0 ? Buffer.concat([this.#unread, bytes]) : bytes;
    let at = 0;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#unasked.sinceMs > unaskedWithinMs) this.#unasked = { count: 0, sinceMs: nowMs };
    while (at + replyBytes <= all.length && !this.isGone) {
      const [kind, slot, value] = [0, 4, 8].map((word) => all.readUInt32LE(at + word)) as [
        number,
        number,
        number,
      ];
      const follows = kind === said.data || kind === said.changed || kind === said.hello ? value : 0;
      if (kind > said.hello || follows > maxPieceBytes) {
        this.#cut('what it says is not understood');
        return;
      }
      if (at + replyBytes + follows > all.length) break;
      this.#heard(kind, { slot, value, bytes: all.subarray(at + replyBytes, at + replyBytes + follows) });
      at += replyBytes + follows;
    }
    this.#unread = all.subarray(at);
  }

  #heard(
    kind: number,
    { slot, value, bytes }: { readonly slot: number; readonly value: number; readonly bytes: Buffer },
  ): void {
    const asked = kind === said.data || kind === reply.handled ? this.#asks.get(slot) : undefined;
    if (asked === undefined) this.#heardUnasked(kind, { slot, value, bytes });
    else if (kind === said.data) {
      asked.bytesLeft -= Math.max(bytes.length, leastPieceBytes);
      if (asked.bytesLeft < 0) this.#cut('its answer is too long');
      else asked.take(Buffer.from(bytes));
    } else {
      this.#asks.delete(slot);
      this.#waiting.shift()?.();
      asked.done(value);
    }
  }

  #heardUnasked(
    kind: number,
    { slot, value, bytes }: { readonly slot: number; readonly value: number; readonly bytes: Buffer },
  ): void {
    this.#unasked.count += 1;
    if (this.#unasked.count > maxUnasked) this.#cut('it says too much');
    else if (kind <= reply.ended) this.#starts.heard(kind, slot, value);
    else if (kind === said.changed) this.#changed(bytes.toString('latin1'));
    else if (kind === said.hello) this.#greeted(bytes);
  }

  #greeted(bytes: Buffer): void {
    const texts = bytes.toString('utf8').split('\0');
    const [boot = '', version = '', cpus = '', memory = '', ...variables] = texts.slice(0, helloTexts);
    if (!/^[0-9a-f-]{36}$/.test(boot)) {
      this.#cut('what it says is not understood');
      return;
    }
    this.#greet({
      boot,
      version: version.replace(/[^\x20-\x7e]/g, '?').slice(0, 100),
      cpus: Number(cpus) || 0,
      memoryBytes: (Number(/^MemTotal:\s*(\d{1,15}) kB$/.exec(memory)?.[1]) || 0) * 1_024,
      environment: Object.fromEntries(
        variables.flatMap((text) => {
          const [, name, value] = /^([A-Z]+)=([\s\S]*)$/.exec(text) ?? [];
          return name === undefined || value === undefined ? [] : [[name, value]];
        }),
      ),
    });
  }

  #refuseIfGone(): void {
    if (this.#error !== null) throw this.#error;
  }

  #expect(error: number, task: string): void {
    if (error === 0) return;
    throw new CarillonError('ENGINE_UNAVAILABLE', `The host cannot ${task}: ${systemError(error)}`);
  }
}

/** ENOENT */
const missing = 2;
/** Only an error. */
const noAnswer: Answer = { bytes: 0, take: () => undefined };
const alive: Readonly<Record<string, Alive>> = { s: 'supervisor', g: 'group' };

const headIn = (bytes: Buffer): Head => ({
  alive: alive[bytes.toString('latin1', 0, 1)] ?? 'nothing',
  bytes: bytes.subarray(1),
});
