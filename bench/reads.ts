/**
 * Measures how reads delay starts. Eight clients request the largest responses without a pause, while a job starts
 * every second: how long the event loop is blocked, and how late the job starts, compared with no requests.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { createLog } from '../src/node/log.ts';
import { appOf, idleScheduler, print } from './rig.ts';

const JOBS = 10_000;
const CLIENTS = 8;
const PHASE_MS = 5_000;

const log = createLog({ level: 'error', format: 'json' });

const paths = [
  '/graph',
  '/graph.dot',
  '/overview',
  '/jobs?q=99&limit=100',
  '/jobs?sort=p95&view=row&limit=100',
  '/runs?limit=500',
  '/runs?state=failed&limit=100',
  '/timeline',
  '/stats?percentile=95',
  '/stats/top',
  '/stats/rate',
] as const;

/** A layered pipeline: each job waits for two of the layer before. */
function definitions(): object[] {
  const width = 500;
  return Array.from({ length: JOBS }, (_, i) => {
    const layer = Math.floor(i / width);
    const parent = (step: number): string => `job-${(layer - 1) * width + ((i + step) % width)}`;
    return {
      name: `job-${i}`,
      labels: { team: `team-${i % 20}` },
      owner: `owner-${i % 50}@example.com`,
      description: 'a job of the bench, with a description of the usual length',
      run: { argv: ['/bin/true'] },
      ...(layer > 0
        ? { schedule: { after: { parents: [parent(0), parent(7)] } } }
        : { schedule: { cron: '0 3 * * *' } }),
    };
  });
}

/** Sends requests without a pause from a separate thread. */
const clientCode = `
const { parentPort, workerData } = require('node:worker_threads');
const { url, clients } = workerData;
let stopped = false;
let answers = 0;
let bytes = 0;
parentPort.once('message', () => { stopped = true; });
const client = async () => {
  while (!stopped) {
    const response = await fetch(url);
    bytes += (await response.arrayBuffer()).byteLength;
    if (!response.ok) throw new Error(url + ' ' + response.status);
    answers += 1;
  }
};
Promise.all(Array.from({ length: clients }, client)).then(() => parentPort.postMessage({ answers, bytes }));
`;

async function asking(url: string, during: () => Promise<void>): Promise<{ answers: number; bytes: number }> {
  const worker = new Worker(clientCode, { eval: true, workerData: { url, clients: CLIENTS } });
  const done = new Promise<{ answers: number; bytes: number }>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await during();
  worker.postMessage('stop');
  const result = await done;
  await worker.terminate();
  return result;
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

export async function run(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-bench-'));
  const self = { id: 'bench', url: '', host: '127.0.0.1', pid: process.pid, version: '0' };
  const { scheduler, store } = await idleScheduler(join(dir, 'store'), { self, log, startsInFlight: 1_024 });
  const app = appOf(scheduler, self, log);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  await scheduler.start();
  try {
    const all = definitions().map((definition) => ({ definition, source: 'bench' }));
    await scheduler.submit({ kind: 'apply', definitions: all, prune: null, dryRun: false, by: 'bench' });
    // History to read: every job has run once.
    for (let i = 0; i < 500; i++)
      await scheduler.submit({
        kind: 'trigger',
        name: `job-${i}`,
        triggerId: `t${i}`,
        params: {},
        by: 'bench',
      });
    const every = { name: 'every-second', schedule: { every: 'PT1S' }, run: { argv: ['/bin/true'] } };
    await scheduler.submit({
      kind: 'put-job',
      definition: every,
      mode: 'create',
      by: 'bench',
      source: 'bench',
    });
    let lateness: number[] = [];
    scheduler.subscribe((notice) => {
      if (notice.kind !== 'run' || notice.run.endedAt === null || notice.run.job !== 'every-second') return;
      const startedAt = notice.run.attempts[0]?.startedAt ?? null;
      if (startedAt !== null) lateness.push(startedAt - notice.run.due);
    });
    const delay = monitorEventLoopDelay({ resolution: 1 });
    const measured = async (): Promise<string> => {
      lateness = [];
      delay.reset();
      delay.enable();
      await new Promise((resolve) => setTimeout(resolve, PHASE_MS));
      delay.disable();
      const sorted = lateness.sort((a, b) => a - b);
      const held = (ns: number): string => Math.max(0, ns / 1e6 - 1).toFixed(1);
      return `loop held p99 ${held(delay.percentile(99))}, most ${held(delay.max)} ms; starts late p50 ${at(sorted, 0.5)}, most ${at(sorted, 1)} ms`;
    };
    const rows: [string, string][] = [['nobody asks', await measured()]];
    for (const path of paths) {
      let text = '';
      const { answers, bytes } = await asking(`http://127.0.0.1:${port}/api/v1${path}`, async () => {
        text = await measured();
      });
      const rate = (answers / (PHASE_MS / 1_000)).toFixed(0);
      rows.push([
        path,
        `${text}; ${rate} answers/s of ${(bytes / Math.max(1, answers) / 1024).toFixed(0)} KiB`,
      ]);
    }
    print(`${JOBS} jobs, ${CLIENTS} clients that request the same path, a job every second`, rows);
  } finally {
    await app.close();
    await scheduler.stop();
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  }
}
