/**
 * Starts launches through one process, `supervisor serve`, to which it writes requests through a pipe (serve.h). Node's own
 * `spawn` copies the page tables of the whole scheduler and blocks its loop for milliseconds; that small process forks in
 * a fraction of one. It ends with the scheduler; supervisors stay. If it ends before, the next launch starts another.
 */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { CarillonError } from '../../errors.ts';
import type { Clock } from '../../scheduler/ports.ts';
import { within } from '../../scheduler/waiting.ts';
import {
  ask,
  encode,
  mostSlots,
  notStarted,
  question,
  reply,
  replyBytes,
  type ServedLaunch,
  Starts,
  unknownStart,
  type Waiting,
} from './starts.ts';

/** Only a process that was stopped takes longer. */
const endPatienceMs = 1_000;

export interface LaunchServer {
  /**
   * Resolves once no other scheduler can take the name; null: a launch has it. Fails with E2BIG if the texts are too long
   * for the system, and otherwise with ENGINE_UNAVAILABLE: what it needs of the system does not depend on the job. Then it
   * never starts, and its file may remain.
   */
  prepare(launch: ServedLaunch): Promise<Waiting | null>;
  /** Makes sure that a launch never starts. Returns an error of the system, or 0: EAGAIN if it has started, or may be about to. */
  revoke(name: string, id: string): Promise<number>;
  /** Removes a launch with its name. Returns an error of the system, or 0: EAGAIN while another has its lock. */
  remove(name: string, id: string): Promise<number>;
  /** Supervisors continue; none is started any more. */
  stop(): Promise<void>;
}

/** `program`: the path of the supervisor's program. `dir`: the folder of the launches. */
export function createLaunchServer(program: string, dir: string, clock: Clock): LaunchServer {
  let server: Server | null = null;
  const living = (): Server => {
    if (server === null || server.isGone) server = new Server(program, dir, clock);
    return server;
  };
  return {
    async prepare(launch) {
      const frame = encode(launch);
      return living().prepare(frame);
    },
    revoke: async (name, id) => living().ask(ask.revoke, [name, id]),
    remove: async (name, id) => living().ask(ask.remove, [name, id]),
    async stop() {
      await within(clock, endPatienceMs, server?.end() ?? Promise.resolve());
    },
  };
}

interface Asked {
  readonly done: (error: number) => void;
  readonly fail: (error: Error) => void;
}

class Server {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #starts = new Starts(
    (bytes) => {
      if (!this.isGone) this.#child.stdin.write(bytes);
    },
    () => this.#hold(),
  );
  readonly #gone: Promise<void>;
  readonly #asked = new Map<number, Asked>();
  #asks = 0;
  #unread: Buffer = Buffer.alloc(0);
  isGone = false;

  constructor(program: string, dir: string, clock: Clock) {
    this.#child = spawn(program, ['serve'], { stdio: ['pipe', 'pipe', 'ignore'], env: {}, cwd: dir });
    // All replies are read before the pipe closes.
    const closed = new Promise((resolve) => this.#child.once('close', resolve));
    this.#gone = new Promise((resolve) => {
      const end = (error: CarillonError): void => {
        this.#end(error);
        resolve();
      };
      this.#child.once('error', (error) => end(notStarted(error.message)));
      this.#child.once('exit', async () => {
        this.isGone = true;
        // A supervisor that was stopped before its job may start has the pipe too.
        await within(clock, endPatienceMs, closed);
        this.#child.stdout.destroy();
        end(unknownStart('the program that starts processes has ended'));
      });
    });
    // Node makes no pipes when no descriptors are left.
    if (!this.#child.stdin) throw notStarted('too many files are open');
    this.#child.stdin.on('error', () => undefined); // It has ended, and `close` follows.
    this.#child.stdout.on('data', (bytes: Buffer) => this.#read(bytes));
    this.#child.unref();
    this.#hold();
  }

  prepare(frame: Buffer): Promise<Waiting | null> {
    return this.#starts.prepare(frame);
  }

  /** Returns an error of the system, or 0. */
  ask(kind: number, texts: readonly string[]): Promise<number> {
    do this.#asks = (this.#asks + 1) % mostSlots;
    while (this.#asked.has(this.#asks));
    const slot = this.#asks;
    const answer = new Promise<number>((done, fail) => this.#asked.set(slot, { done, fail }));
    this.#hold();
    this.#child.stdin.write(question(kind, slot, texts));
    return answer;
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
      const [kind, slot, value] = [0, 4, 8].map((word) => all.readUInt32LE(at + word)) as [
        number,
        number,
        number,
      ];
      if (kind === reply.handled) this.#handled(slot, value);
      else this.#starts.heard(kind, slot, value);
    }
    this.#unread = all.subarray(at);
  }

  #handled(slot: number, error: number): void {
    this.#asked.get(slot)?.done(error);
    this.#asked.delete(slot);
    this.#hold();
  }

  #end(error: CarillonError): void {
    this.isGone = true;
    this.#starts.end(error);
    for (const { fail } of this.#asked.values()) fail(error);
    this.#asked.clear();
  }

  /** Only a start or a question in progress, or a launch at its gate, keeps this process from ending. */
  #hold(): void {
    for (const pipe of [this.#child.stdin, this.#child.stdout] as unknown as Socket[]) {
      if (this.#starts.isBusy || this.#asked.size > 0) pipe.ref();
      else pipe.unref();
    }
  }
}
