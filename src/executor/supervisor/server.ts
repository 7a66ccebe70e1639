/**
 * Starts supervisors through one process, `supervisor serve`, which is told of each launch through a pipe. Node's own
 * `spawn` copies the page tables of the whole scheduler and blocks its loop for milliseconds; that small process forks
 * in a fraction of one. It ends with the scheduler; supervisors stay. If it ends before, the next start makes another.
 */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { getSystemErrorName } from 'node:util';
import { CarillonError } from '../../errors.ts';
import type { Clock } from '../../scheduler/ports.ts';
import { within } from '../../scheduler/waiting.ts';
import type { Supervisor, SupervisorRequest, Supervisors } from './start.ts';

/** Of the system: MAX_ARG_STRLEN of Linux, and the usual limit for all together. */
const maxTextBytes = 128 * 1024;
const maxTextsBytes = 2 * 1024 * 1024;
/** What the system counts for each text beside its bytes and its NUL. */
const pointerBytes = 8;

/** A reply: kind, number, value. supervisor.c has the same. */
const reply = { forked: 1, notForked: 2, started: 3, ended: 4 } as const;
const replyBytes = 12;
const headBytes = 16;
/** Only a process that was stopped takes longer. */
const endPatienceMs = 1_000;

interface Start {
  readonly number: number;
  readonly started: (began: boolean) => void;
  readonly failed: (error: Error) => void;
  readonly exited: (code: number | null) => void;
  settled: boolean;
}

/** `program`: the path of the supervisor's program. */
export function servedSupervisors(program: string, clock: Clock): Supervisors {
  let server: Server | null = null;
  return {
    start(request) {
      try {
        const frame = encode(request);
        if (server === null || server.isGone) server = new Server(program);
        return server.start(frame);
      } catch (error) {
        return { started: Promise.reject(error), exited: Promise.resolve(null) };
      }
    },
    async stop() {
      await within(clock, endPatienceMs, server?.end() ?? Promise.resolve());
    },
  };
}

class Server {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #starts = new Map<number, Start>();
  /** By the number of the supervisor's process. */
  readonly #running = new Map<number, Start>();
  readonly #gone: Promise<void>;
  #unread: Buffer = Buffer.alloc(0);
  #number = 0;
  #pending = 0;
  isGone = false;

  constructor(program: string) {
    this.#child = spawn(program, ['serve'], { stdio: ['pipe', 'pipe', 'ignore'], env: {}, cwd: '/' });
    this.#gone = new Promise((resolve) => {
      const end = (error: Error | null): void => {
        this.#end(error);
        resolve();
      };
      // All replies are read before the pipe closes.
      this.#child.once('close', () => end(null));
      this.#child.once('error', end);
    });
    this.#child.stdin.on('error', () => undefined); // It has ended, and `close` follows.
    this.#child.stdout.on('data', (bytes: Buffer) => this.#read(bytes));
    this.#child.unref();
    this.#hold(false);
  }

  start(frame: Buffer): Supervisor {
    const number = this.#number++ % 2 ** 32;
    frame.writeUInt32LE(number, 4);
    let exited: Start['exited'] = () => undefined;
    const exit = new Promise<number | null>((resolve) => {
      exited = resolve;
    });
    const started = new Promise<boolean>((resolve, reject) => {
      this.#starts.set(number, { number, started: resolve, failed: reject, exited, settled: false });
    });
    this.#pending += 1;
    this.#hold(true);
    this.#child.stdin.write(frame);
    return { started, exited: exit };
  }

  /** Resolves when the process has ended. */
  end(): Promise<void> {
    this.isGone = true;
    this.#child.stdin.end();
    return this.#gone;
  }

  #read(bytes: Buffer): void {
    const all = this.#unread.length > 0 ? Buffer.concat([this.#unread, bytes]) : bytes;
    let at = 0;
    for (; at + replyBytes <= all.length; at += replyBytes) {
      this.#take(all.readUInt32LE(at), all.readUInt32LE(at + 4), all.readUInt32LE(at + 8));
    }
    this.#unread = all.subarray(at);
  }

  /** A supervisor may report its start before the server reports that it forked. */
  #take(kind: number, number: number, value: number): void {
    const start = kind === reply.ended ? this.#running.get(number) : this.#starts.get(number);
    if (!start) return;
    if (kind === reply.forked) this.#running.set(value, start);
    else if (kind === reply.started) this.#settle(start, () => start.started(true));
    else if (kind === reply.ended) {
      this.#running.delete(number);
      this.#starts.delete(start.number);
      this.#settle(start, () => start.started(false));
      start.exited(value);
    } else if (kind === reply.notForked) {
      this.#starts.delete(number);
      this.#settle(start, () => start.failed(systemError(value)));
      start.exited(null);
    }
  }

  #end(error: Error | null): void {
    this.isGone = true;
    for (const start of this.#starts.values()) {
      this.#settle(start, () => start.failed(error ?? unknownStart()));
      start.exited(null);
    }
    this.#starts.clear();
    this.#running.clear();
  }

  #settle(start: Start, how: () => void): void {
    if (start.settled) return;
    start.settled = true;
    how();
    this.#pending -= 1;
    if (this.#pending === 0) this.#hold(false);
  }

  /** Only a start in progress keeps this process from ending. */
  #hold(hold: boolean): void {
    for (const pipe of [this.#child.stdin, this.#child.stdout] as unknown as Socket[]) {
      if (hold) pipe.ref();
      else pipe.unref();
    }
  }
}

/** The request as supervisor.c reads it, with room for its number. E2BIG if the system cannot take the texts. */
function encode({ claimPath, cwd, owner, cgroup, files, argv, env, input }: SupervisorRequest): Buffer {
  const user = owner === null ? '-' : `${owner.uid}:${owner.gid}`;
  const given = [...argv, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
  if (given.some((text) => text.includes('\0'))) throw new Error('a text with a NUL byte');
  const sizes = given.map((text) => Buffer.byteLength(text) + 1);
  const total = sizes.reduce((sum, size) => sum + size + pointerBytes, 0);
  if (total > maxTextsBytes || sizes.some((size) => size > maxTextBytes)) throw tooBig();
  const places = [claimPath, cwd, user, cgroup ?? '-', files.stdout, files.stderr, files.journal];
  const inputBytes = Buffer.from(input ?? '');
  const texts = Buffer.from(`${[...places, ...given].join('\0')}\0`);
  const head = Buffer.alloc(headBytes);
  head.writeUInt32LE(headBytes - 4 + inputBytes.length + texts.length, 0);
  head.writeUInt32LE(inputBytes.length, 8);
  head.writeUInt32LE(argv.length, 12);
  return Buffer.concat([head, inputBytes, texts]);
}

const tooBig = (): Error => Object.assign(new Error('spawn E2BIG'), { code: 'E2BIG' });

const systemError = (number: number): Error =>
  Object.assign(new Error(`fork ${getSystemErrorName(-number)}`), { code: getSystemErrorName(-number) });

const unknownStart = (): CarillonError =>
  new CarillonError(
    'ENGINE_UNAVAILABLE',
    'It is unknown whether the process was started: the program that starts processes has ended',
  );
