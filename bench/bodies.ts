/**
 * Measures how long parsing a request body blocks the event loop that decides launches: the longest processor
 * time between two turns of the loop, compared with a request without a body. Processor time does not depend on
 * other load of the machine. Each body is sent three times, and the longest time counts.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Log } from '../src/scheduler/ports.ts';
import { appOf, idleScheduler, print } from './rig.ts';

const TIMES = 3;
const log: Log = { info() {}, warn() {}, error() {}, debug() {} };
const self = { id: 'bench', url: 'http://127.0.0.1', host: 'here', pid: 1, version: '0' };

const fields = (count: number): string => Array.from({ length: count }, (_, i) => `k${i}: 1\n`).join('');
const job = (i: number) => ({
  name: `job-${i}`,
  description: `Loads part ${i} of the sales of the day.`,
  labels: { team: 'sales', part: String(i) },
  schedule: { cron: `${i % 60} ${i % 24} 1 1 *`, timezone: 'Europe/Berlin' },
  run: { command: `./load --part ${i}`, env: { PART: String(i) } },
  policy: { timeout: 'PT1H', retries: { limit: 2 } },
});
const jobs = (count: number) => Array.from({ length: count }, (_, i) => job(i));

interface Sent {
  readonly path: string;
  readonly type: 'application/json' | 'application/yaml';
  readonly body: string;
}
const json = (body: string, path = '/apply'): Sent => ({ path, type: 'application/json', body });
const yaml = (body: string, path = '/apply'): Sent => ({ path, type: 'application/yaml', body });

const bodies = (): Record<string, Sent | null> => ({
  'no body': null,
  '32 MiB of JSON in small lists': json(`[${'[],'.repeat(11_000_000)}1]`),
  '32 MiB of one text': json(`["${'x'.repeat(33_000_000)}"]`),
  '1 MiB of lists as one job': json(`{"a":[${'[],'.repeat(340_000)}1]}`, '/jobs'),
  'a job of 50,000 values': json(`{"chronos":{"a":[${'[],'.repeat(49_000)}1]}}`, '/jobs'),
  'JSON nested 6,000 deep': json('['.repeat(6_000)),
  'a mistake at the end of 1 MiB': json(`[{"a":["${'x","'.repeat(24_000)}"}]`),
  '300,000 fields of YAML': yaml(fields(300_000)),
  '9,000 fields of YAML': yaml(fields(9_000)),
  'YAML nested 2,000 deep': yaml('['.repeat(2_000)),
  'a list of 1,000,000 in YAML': yaml('- 1\n'.repeat(1_000_000)),
  '10,000 jobs in JSON, a dry run': json(JSON.stringify(jobs(10_000)), '/apply?dryRun=true'),
  '10,000 jobs in JSON': json(JSON.stringify(jobs(10_000))),
  '10,000 refused jobs in JSON': json(JSON.stringify(jobs(10_000).map((each) => ({ ...each, nam: 1 })))),
});

export async function run(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-bench-bodies-'));
  const { scheduler, store } = await idleScheduler(dir, { self, log, startsInFlight: 8 });
  await scheduler.start();
  const app = appOf(scheduler, self, log);
  try {
    // The first request builds the routes.
    await measure(app, null);
    const rows: [string, string][] = [];
    let alone = Number.NaN;
    for (const [name, sent] of Object.entries(bodies())) {
      const figures = await worstOf(app, sent);
      if (sent === null) alone = figures.held;
      rows.push([name, figureText(figures, alone)]);
    }
    print('event loop blocked by a request with', rows);
  } finally {
    await app.close();
    await scheduler.stop();
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

interface Figures {
  /** Milliseconds of processor time. */
  readonly held: number;
  readonly whole: number;
  readonly status: number;
}

const figureText = ({ held, whole, status }: Figures, alone: number): string =>
  `${held.toFixed(0)} ms at most (${(held / alone).toFixed(1)}×) of ${whole.toFixed(0)} ms, answered ${status}`;

async function worstOf(app: FastifyInstance, sent: Sent | null): Promise<Figures> {
  const all: Figures[] = [];
  for (let i = 0; i < TIMES; i++) all.push(await measure(app, sent));
  return all.reduce((worst, each) => (each.held > worst.held ? each : worst));
}

async function measure(app: FastifyInstance, sent: Sent | null): Promise<Figures> {
  const { path, type, body } = sent ?? { path: '/jobs/nothing/pause', type: 'application/json', body: '' };
  const payload = Buffer.from(body);
  let open = true;
  const answer = app
    .inject({ method: 'POST', url: `/api/v1${path}`, headers: { 'content-type': type }, payload })
    .finally(() => {
      open = false;
    });
  let held = 0;
  let whole = 0;
  for (let last = process.cpuUsage(); open; ) {
    await new Promise((done) => setImmediate(done));
    const now = process.cpuUsage();
    const tookMs = (now.user - last.user + now.system - last.system) / 1_000;
    last = now;
    held = Math.max(held, tookMs);
    whole += tookMs;
  }
  return { held, whole, status: (await answer).statusCode };
}
