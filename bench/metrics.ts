/**
 * Measures a scrape of metrics: its time and size, and how long it blocks the event loop, with 10,000 and with
 * 100,000 jobs that have run. The first scrape decodes the statistics of jobs; later ones decode what changed.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { buildApp } from '../src/api/app.ts';
import { realClock } from '../src/node/clock.ts';
import { createLog } from '../src/node/log.ts';
import { Peers } from '../src/peers/client.ts';
import type { SchedulerHandle } from '../src/scheduler/handle.ts';
import { freshState } from '../src/scheduler/model/fresh-state.ts';
import type { JobStats } from '../src/scheduler/model/model.ts';
import { readerOf } from '../src/scheduler/read/job-reader.ts';
import { follow } from '../src/scheduler/state/follow.ts';
import { State } from '../src/scheduler/state/state.ts';
import { fold } from '../src/scheduler/stats/stats.ts';
import { believing, noCredentials } from '../test/support/askers.ts';
import { testSettings } from '../test/support/rig.ts';
import { idleScheduler, print } from './rig.ts';

const COUNTS = [10_000, 100_000];
const SERIES_OF = [500, 10_000];
const SCRAPES = 10;
const RUNS = 100;

const log = createLog({ level: 'error', format: 'json' });

/** Jobs that have run a hundred times, with durations and lateness that differ. */
function stateOf(jobs: number): State {
  const state = new State(testSettings, 'bench');
  const now = Date.now();
  for (let i = 0; i < jobs; i++) {
    const name = `job-${String(i).padStart(6, '0')}`;
    let stats: JobStats | null = null;
    for (let run = 0; run < RUNS; run++) {
      const runTime = 1_000 + ((run * 7_919 + i) % 60_000);
      stats = fold(stats, name, { runTime, startLateness: (run * 31) % 400 }, now);
    }
    const resolved = { cron: '0 3 * * *' };
    const definition = { name, run: { command: 'true' }, schedule: resolved };
    const job = {
      name,
      definition,
      resolved,
      revision: 1,
      createdAt: now,
      updatedAt: now,
      updatedBy: 'bench',
    };
    const ended = { succeeded: RUNS, lastSucceededAt: now };
    follow(state, [
      { kind: 'job', value: job as never },
      { kind: 'state', value: { ...freshState(name, now), ...ended } },
      { kind: 'stats', value: stats as JobStats },
    ]);
  }
  return state;
}

/** Scrapes once, then as often as it is asked to, from a separate thread. */
const clientCode = `
const { parentPort, workerData } = require('node:worker_threads');
parentPort.on('message', async (scrapes) => {
  const times = [];
  let bytes = 0;
  for (let i = 0; i < scrapes; i++) {
    const began = performance.now();
    const response = await fetch(workerData.url, { headers: { accept: 'text/plain' } });
    bytes = (await response.arrayBuffer()).byteLength;
    if (!response.ok) throw new Error(String(response.status));
    times.push(performance.now() - began);
  }
  parentPort.postMessage({ times, bytes });
});
`;

interface Scrapes {
  readonly times: number[];
  readonly bytes: number;
}

const scraped = (worker: Worker, scrapes: number): Promise<Scrapes> =>
  new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.postMessage(scrapes);
  });

export async function run(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-bench-'));
  const self = { id: 'bench', url: '', host: '127.0.0.1', pid: process.pid, version: '0' };
  const { scheduler, store } = await idleScheduler(join(dir, 'store'), { self, log, startsInFlight: 1 });
  await scheduler.start();
  const rows: [string, string][] = [];
  try {
    for (const jobs of COUNTS) {
      const state = stateOf(jobs);
      for (const most of SERIES_OF)
        rows.push([`${jobs} jobs, series of ${most}`, await measured(scheduler, state, most)]);
    }
  } finally {
    await scheduler.stop();
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  }
  print('a scrape of /metrics', rows);
}

async function measured(scheduler: SchedulerHandle, state: State, most: number): Promise<string> {
  const over = new Proxy(scheduler, {
    get: (target, key) => {
      if (key === 'reader') return () => readerOf(state);
      const value = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const node = scheduler.cluster().self;
  const settings = { metricsJobs: { most, labels: [] } };
  const app = buildApp({
    scheduler: over,
    clock: realClock,
    log,
    node,
    peers: new Peers(realClock, node.id),
    authenticator: believing(),
    credentials: noCredentials(),
    settings,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/metrics`;
  const worker = new Worker(clientCode, { eval: true, workerData: { url } });
  const first = await scraped(worker, 1);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const before = process.cpuUsage();
  const { times, bytes } = await scraped(worker, SCRAPES);
  const { user, system } = process.cpuUsage(before);
  delay.disable();
  await worker.terminate();
  await app.close();
  times.sort((a, b) => a - b);
  const held = (ns: number): string => Math.max(0, ns / 1e6 - 1).toFixed(1);
  return [
    `first ${first.times[0]?.toFixed(0)} ms`,
    `then ${times[SCRAPES / 2]?.toFixed(0)} ms (most ${times.at(-1)?.toFixed(0)})`,
    `processor ${((user + system) / 1_000 / SCRAPES).toFixed(0)} ms`,
    `${(bytes / 1024 ** 2).toFixed(2)} MiB`,
    `loop held p99 ${held(delay.percentile(99))}, most ${held(delay.max)} ms`,
  ].join('; ');
}
