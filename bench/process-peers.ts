/**
 * The programs that Carillon's starts of processes are compared with: posix_spawn, Node's spawn, and schedulers for
 * Node. Each starts the same line with `/bin/sh -c` at given times, and each keeps what it usually keeps.
 */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cron } from 'croner';
import { peerPackage, startPostgres, startRedis } from './servers.ts';

/** This many processes, `together` of them at `due`, and as many each `everyMs` later. */
export interface Wanted {
  readonly due: number;
  readonly count: number;
  readonly everyMs: number;
  readonly together: number;
}

export interface Opened {
  /** Resolves when all are accepted, which is before they are due. */
  want(wanted: Wanted): Promise<void>;
  /** Called when all have started. Leaves nothing behind. */
  close(): Promise<void>;
}

export interface Contestant {
  readonly name: string;
  /** What a crash of the machine leaves of its starts. */
  readonly keeps: string;
  open(line: string): Promise<Opened>;
}

/** Concurrent processes of all that have a limit: graphile-worker starts more with 8 per core than with 2 or 32. */
export const width = 8 * availableParallelism();

export function duesOf({ due, count, everyMs, together }: Wanted): number[] {
  return Array.from({ length: count }, (_, i) => due + Math.floor(i / together) * everyMs);
}

export const posixSpawn: Contestant = {
  name: 'bare `posix_spawn`',
  keeps: 'nothing',
  async open(line) {
    const dir = mkdtempSync(join(tmpdir(), 'carillon-bench-'));
    const program = join(dir, 'posix-spawn');
    execFileSync('gcc', ['-O2', '-o', program, join(import.meta.dirname, 'posix-spawn.c')]);
    let ended = Promise.resolve();
    return {
      want: async ({ due, count, everyMs, together }) => {
        const numbers = [width, due, count, everyMs, together].map(String);
        ended = succeeded(program, [line, ...numbers]);
      },
      close: async () => {
        await ended;
        rmSync(dir, { recursive: true, force: true });
      },
    };
  },
};

export const nodeSpawn: Contestant = {
  name: "Node's `spawn`",
  keeps: 'nothing',
  async open(line) {
    const due: number[] = [];
    let workers: Promise<void>[] = [];
    const work = async (): Promise<void> => {
      for (let at = due.shift(); at !== undefined; at = due.shift()) {
        if (at > Date.now()) await new Promise((resolve) => setTimeout(resolve, at - Date.now()));
        await start(line);
      }
    };
    return {
      want: async (wanted) => {
        due.push(...duesOf(wanted));
        workers = Array.from({ length: width }, work);
      },
      close: async () => {
        await Promise.all(workers);
      },
    };
  },
};

/** It has no limit of its own: all are started in one go. */
export const croner: Contestant = {
  name: 'croner',
  keeps: 'nothing',
  async open(line) {
    const ended: Promise<void>[] = [];
    return {
      want: async (wanted) => {
        for (const due of duesOf(wanted)) new Cron(new Date(due), () => void ended.push(start(line)));
      },
      close: async () => {
        await Promise.all(ended);
      },
    };
  },
};

interface BullMQ {
  readonly Queue: new (
    name: string,
    options: object,
  ) => { addBulk(jobs: readonly object[]): Promise<unknown>; close(): Promise<void> };
  readonly Worker: new (
    name: string,
    process: () => Promise<void>,
    options: object,
  ) => { waitUntilReady(): Promise<unknown>; close(): Promise<void> };
}

export const bullmq: Contestant = {
  name: 'BullMQ',
  keeps: 'Redis: all but the last second',
  async open(line) {
    const { Queue, Worker } = peerPackage<BullMQ>('bullmq');
    const server = await startRedis();
    const connection = { path: join(server.dir, 'redis.sock'), maxRetriesPerRequest: null };
    const queue = new Queue('bench', { connection });
    const worker = new Worker('bench', () => start(line), { connection, concurrency: width });
    await worker.waitUntilReady();
    return {
      want: async (wanted) => {
        const timestamp = Date.now();
        const jobs = duesOf(wanted).map((due) => ({
          name: 'start',
          data: {},
          opts: { delay: due - timestamp, timestamp },
        }));
        await queue.addBulk(jobs);
      },
      close: async () => {
        await worker.close();
        await queue.close();
        await server.stop();
      },
    };
  },
};

interface GraphileWorker {
  readonly Logger: new (factory: () => () => void) => object;
  run(options: object): Promise<{ stop(): Promise<void> }>;
  makeWorkerUtils(
    options: object,
  ): Promise<{ addJobs(jobs: readonly object[]): Promise<unknown>; release(): Promise<void> }>;
}

export const graphileWorker: Contestant = {
  name: 'graphile-worker',
  keeps: 'PostgreSQL: all',
  async open(line) {
    const { Logger, makeWorkerUtils, run } = peerPackage<GraphileWorker>('graphile-worker');
    const server = await startPostgres();
    const common = {
      connectionString: addressIn(server.dir),
      logger: new Logger(() => () => undefined),
    };
    const runner = await run({
      ...common,
      taskList: { start: () => start(line) },
      concurrency: width,
      pollInterval: 100,
      noHandleSignals: true,
    });
    const utils = await makeWorkerUtils(common);
    return {
      want: async (wanted) => {
        const jobs = duesOf(wanted).map((due) => ({
          identifier: 'start',
          payload: {},
          runAt: new Date(due),
        }));
        await utils.addJobs(jobs);
      },
      close: async () => {
        await utils.release();
        await runner.stop();
        await server.stop();
      },
    };
  },
};

type PgBoss = new (
  options: object,
) => {
  on(event: 'error', listener: (error: Error) => void): void;
  start(): Promise<unknown>;
  createQueue(name: string): Promise<void>;
  work(name: string, options: object, handler: (jobs: readonly unknown[]) => Promise<void>): Promise<unknown>;
  insert(jobs: readonly object[]): Promise<void>;
  stop(options: object): Promise<void>;
};

export const pgBoss: Contestant = {
  name: 'pg-boss',
  keeps: 'PostgreSQL: all, but ends a batch at a time',
  async open(line) {
    const Boss = peerPackage<PgBoss>('pg-boss');
    const server = await startPostgres();
    const boss = new Boss({ connectionString: addressIn(server.dir) });
    boss.on('error', (error) => {
      throw error;
    });
    await boss.start();
    await boss.createQueue('start');
    // It polls, twice per second at most, so it needs large batches; it has no limit within a batch.
    await boss.work('start', { pollingIntervalSeconds: 0.5, batchSize: 1_000 }, async (jobs) => {
      const left = [...jobs];
      const work = async (): Promise<void> => {
        while (left.pop() !== undefined) await start(line);
      };
      await Promise.all(Array.from({ length: width }, work));
    });
    return {
      want: (wanted) =>
        boss.insert(duesOf(wanted).map((due) => ({ name: 'start', startAfter: new Date(due) }))),
      close: async () => {
        await boss.stop({ graceful: true, wait: true });
        await server.stop();
      },
    };
  },
};

/** All but Carillon, whose code would make the others' processes larger. */
export const peers = [posixSpawn, nodeSpawn, croner, bullmq, graphileWorker, pgBoss];

const addressIn = (dir: string): string => `postgres://bench@/postgres?host=${encodeURIComponent(dir)}`;

const start = (line: string): Promise<void> => succeeded('/bin/sh', ['-c', line]);

async function succeeded(program: string, args: readonly string[]): Promise<void> {
  const [code] = await once(spawn(program, args, { stdio: 'ignore' }), 'exit');
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}.`);
}
