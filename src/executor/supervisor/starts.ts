/**
 * The protocol of serve.h: requests to prepare launches and to let their jobs start, and what is replied. Whoever uses it
 * has the pipes.
 */

import { getSystemErrorName } from 'node:util';
import { CarillonError } from '../../errors.ts';
import type { JobStart, Supervisor, SystemLimit } from './start.ts';

/** Of the system: MAX_ARG_STRLEN of Linux, and the usual limit for all together. */
const maxTextBytes = 128 * 1024;
const maxTextsBytes = 2 * 1024 * 1024;
/** As in serve.h. */
const maxRequestBytes = 8 * 1024 * 1024;
/** The system counts a pointer for each text, in addition to its bytes and its NUL. */
const pointerBytes = 8;

/** As in serve.h and agent.h: of requests their kind, and of replies kind, slot (`ended`: the process), value. */
export const ask = { prepare: 1, go: 2, drop: 3, revoke: 11, remove: 13 } as const;
export const reply = {
  ...{ prepared: 1, taken: 2, failed: 3, unknown: 4, started: 5, ended: 6 },
  handled: 8,
} as const;
export const replyBytes = 12;
export const headBytes = 24;
/** Requests in progress. */
export const mostSlots = 65_536;
export interface ServedLaunch extends JobStart {
  readonly name: string;
  /** Unique: the name of its files beside the one of the launch. */
  readonly id: string;
  /** The beginning of its file. */
  readonly file: Buffer;
  /** `cwd` is to be created, below the folder that is served, and removed at the end if it is empty. */
  readonly ownFolder: boolean;
  /** The folder to create for the launch's cgroup. Null: none. */
  readonly cgroup: string | null;
  /** Folders of the groups with its limits, which it joins. */
  readonly limitGroups: readonly string[];
  /** Bounds of the first part of the output, and of each of the two newest. */
  readonly firstBytes: number;
  readonly partBytes: number;
}

/** A launch that has its name and its supervisor. Its job waits at its gate, and never starts once this process is gone. */
export interface Waiting {
  /** Lets the job start: at once, or at an instant of that host's wall clock that comes within a second. */
  open(at?: number): Supervisor;
  /** It will never start. Its file remains. */
  drop(): void;
  /** As of its supervisor. */
  readonly exited: Promise<number | null>;
}

/** One launch, until its supervisor has ended. */
class Start {
  readonly prepared: Promise<Waiting | null>;
  readonly supervisor: Supervisor;
  prepare: (waiting: Waiting | null) => void = () => undefined;
  fail: (error: Error) => void = () => undefined;
  begin: (began: boolean) => void = () => undefined;
  exit: (code: number | null) => void = () => undefined;
  /** Null once it may be used for another launch. */
  slot: number | null;
  isPrepared = false;

  constructor(slot: number) {
    this.slot = slot;
    this.prepared = new Promise((resolve, reject) => {
      this.prepare = resolve;
      this.fail = reject;
    });
    const started = new Promise<boolean>((resolve) => {
      this.begin = resolve;
    });
    const exited = new Promise<number | null>((resolve) => {
      this.exit = resolve;
    });
    this.supervisor = { started, exited };
  }
}

export class Starts {
  readonly #write: (bytes: Buffer) => void;
  readonly #changed: () => void;
  /** By slot, until the job starts or will not: also those that wait at their gates. */
  readonly #starting = new Map<number, Start>();
  /** By the number of the supervisor's process. */
  readonly #running = new Map<number, Start>();
  readonly #freeSlots: number[] = [];
  #usedSlots = 0;

  /** `changed`: called after a start began or was decided. */
  constructor(write: (bytes: Buffer) => void, changed: () => void = () => undefined) {
    this.#write = write;
    this.#changed = changed;
  }

  /** True while a start is in progress, or a launch waits at its gate. */
  get isBusy(): boolean {
    return this.#starting.size > 0;
  }

  /** As `LaunchServer.prepare`, with an encoded launch. */
  prepare(frame: Buffer): Promise<Waiting | null> {
    const slot = this.#freeSlots.pop() ?? this.#usedSlots++;
    if (slot >= mostSlots) throw notStarted('too many launches are starting');
    const start = new Start(slot);
    this.#starting.set(slot, start);
    this.#changed();
    frame.writeUInt32LE(slot, 8);
    this.#write(frame);
    return start.prepared;
  }

  /** A reply; of other kinds nothing. */
  heard(kind: number, slot: number, value: number): void {
    if (kind === reply.ended) this.#ended(slot, value);
    else this.#answered(kind, this.#starting.get(slot), value);
  }

  /** Nothing more will be heard. */
  end(error: CarillonError): void {
    for (const start of [...this.#starting.values(), ...this.#running.values()]) {
      start.fail(error);
      // The launch's file says whether it began.
      start.begin(false);
      start.exit(null);
    }
    this.#starting.clear();
    this.#running.clear();
  }

  #answered(kind: number, start: Start | undefined, value: number): void {
    if (!start || start.slot === null) return;
    if (kind === reply.prepared) {
      // Another host may repeat itself for ever.
      if (start.isPrepared) return;
      start.isPrepared = true;
      this.#running.set(value, start);
      start.prepare({
        open: (at) => {
          this.#order(ask.go, start, at);
          return start.supervisor;
        },
        drop: () => this.#order(ask.drop, start),
        exited: start.supervisor.exited,
      });
    } else if (kind === reply.started) {
      start.begin(true);
      this.#free(start);
    } else {
      if (kind === reply.taken) start.prepare(null);
      else
        start.fail(
          kind === reply.failed
            ? notStarted(`the system reports ${systemError(value)}`)
            : unknownStart(`the disk reports an error (${value})`),
        );
      this.#free(start);
    }
  }

  /** Nothing is left to order once its supervisor has ended. */
  #order(kind: number, { slot }: Start, at?: number): void {
    if (slot !== null) this.#write(request(kind, slot, at));
  }

  #ended(pid: number, code: number): void {
    const start = this.#running.get(pid);
    if (!start) return;
    this.#running.delete(pid);
    start.begin(false);
    start.exit(code);
    this.#free(start);
  }

  #free(start: Start): void {
    if (start.slot === null) return;
    this.#starting.delete(start.slot);
    this.#freeSlots.push(start.slot);
    start.slot = null;
    this.#changed();
  }
}

/** The head of a request without texts. */
export function request(kind: number, slot: number, at?: number): Buffer {
  const bytes = Buffer.alloc(headBytes);
  bytes.writeUInt32LE(headBytes - 4, 0);
  bytes.writeUInt32LE(kind, 4);
  bytes.writeUInt32LE(slot, 8);
  if (at !== undefined) bytes.writeUInt32LE(at % 2 ** 32 || 1, 20);
  return bytes;
}

/** A request of agent.h. */
export function question(kind: number, slot: number, texts: readonly string[]): Buffer {
  const bytes = Buffer.from(texts.map((text) => `${text}\0`).join(''));
  const head = request(kind, slot);
  head.writeUInt32LE(head.length - 4 + bytes.length, 0);
  return Buffer.concat([head, bytes]);
}

/** The request as serve.h reads it, with room for its slot. E2BIG if the system cannot take the texts. */
export function encode(launch: ServedLaunch): Buffer {
  const { name, id, file, cwd, ownFolder, owner, cgroup, firstBytes, partBytes, argv, env, input } = launch;
  const { masks, limitGroups, systemLimits, overtime } = launch;
  const user = owner === null ? '-' : `${owner.uid}:${owner.gid}`;
  const given = [...argv, ...Object.entries(env).map(([variable, value]) => `${variable}=${value}`)];
  if (given.some((text) => text.includes('\0'))) throw new Error('a text with a NUL byte');
  const sizes = given.map((text) => Buffer.byteLength(text) + 1);
  const total = sizes.reduce((sum, size) => sum + size + pointerBytes, 0);
  if (total > maxTextsBytes || sizes.some((size) => size > maxTextBytes)) throw tooBig();
  const bounds = [String(firstBytes), String(partBytes)];
  const limits = [limitGroups.map((folder) => `${folder}\n`).join(''), systemLimits.map(limitLine).join('')];
  const times = [overtime?.afterMs ?? 0, overtime?.graceMs ?? 0].map((ms) => String(Math.ceil(ms)));
  const places = [
    name,
    id,
    cwd,
    ownFolder ? 'own' : '-',
    user,
    cgroup ?? '-',
    ...limits,
    ...times,
    ...bounds,
  ];
  const inputBytes = Buffer.from(input ?? '');
  const maskTexts = masks.flatMap((mask) => [Buffer.from(`${mask.length}:`), mask]);
  const texts = Buffer.concat([...maskTexts, Buffer.from(`\0${[...places, ...given].join('\0')}\0`)]);
  const head = request(ask.prepare, 0);
  const size = headBytes - 4 + file.length + inputBytes.length + texts.length;
  if (size > maxRequestBytes - 4) throw tooBig();
  head.writeUInt32LE(size, 0);
  head.writeUInt32LE(file.length, 12);
  head.writeUInt32LE(inputBytes.length, 16);
  head.writeUInt32LE(argv.length, 20);
  return Buffer.concat([head, file, inputBytes, texts]);
}

const limitLine = ({ number, soft, hard }: SystemLimit): string =>
  `${number} ${soft ?? '-'} ${hard ?? '-'}\n`;

/** By its name, if it is an error of the system. */
export const systemError = (value: number): string =>
  value > 0 && value < 4_096 ? getSystemErrorName(-value) : `error ${value}`;

const tooBig = (): Error => Object.assign(new Error('spawn E2BIG'), { code: 'E2BIG' });

export const notStarted = (why: string): CarillonError =>
  new CarillonError('ENGINE_UNAVAILABLE', `The process cannot be started now: ${why}`);
export const unknownStart = (why: string): CarillonError =>
  new CarillonError('ENGINE_UNAVAILABLE', `It is unknown whether the process was started: ${why}`);
