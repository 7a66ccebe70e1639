/**
 * Measures the embedded store with 1,000,000 jobs: the time to write them and to load them into a scheduler's state,
 * and memory and idle CPU afterwards. Also measures durable commits per second, compared with plain LMDB and the
 * same bytes.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import type { Job } from '../src/scheduler/model/model.ts';
import type { WriteGroup } from '../src/scheduler/records/table.ts';
import { State } from '../src/scheduler/state/state.ts';
import { createEmbeddedStore } from '../src/store/embedded/store.ts';
import { abilities } from '../test/support/engines.ts';

const JOBS = 1_000_000;
const BATCH = 10_000;
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Tokyo'];
const IDLE_MS = 3_000;

/** Jobs as a data team writes them: few distinct schedules and policies, but each with its own command and labels. */
function job(i: number): Job {
  const cron = `${i % 60} ${i % 24} * * *`;
  const timezone = ZONES[i % ZONES.length] ?? 'UTC';
  const name = `team-${i % 500}.pipeline-${i % 7_919}.job-${i}`;
  return {
    name,
    definition: {
      name,
      owner: `team-${i % 500}@example.com`,
      labels: { team: `team-${i % 500}` },
      schedule: { cron, timezone },
      run: { command: `/opt/etl/run --job ${i}` },
      policy: { retries: { limit: i % 4, delay: 'PT30S' }, timeout: 'PT1H' },
    },
    resolved: { cron, timezone },
    revision: 1,
    createdAt: 1_767_225_600_000,
    updatedAt: 1_767_225_600_000,
    updatedBy: 'bench',
  };
}

const group = (i: number): WriteGroup => [{ kind: 'job', value: job(i) }];
const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 ** 2)} MB`;
const seconds = (since: number): string => `${((performance.now() - since) / 1_000).toFixed(1)} s`;

async function write(dir: string): Promise<[string, string][]> {
  const store = createEmbeddedStore({ dir });
  await store.open();
  const term = await store.campaign();
  const began = performance.now();
  for (let i = 0; i < JOBS; i += BATCH) {
    await store.commit(
      term,
      Array.from({ length: BATCH }, (_, k) => group(i + k)),
    );
  }
  const written = seconds(began);
  await store.close();
  return [['1,000,000 jobs written durably', written]];
}

/** Runs in a separate process, so that its memory and CPU are those of a scheduler with these jobs. */
export async function load(dir: string): Promise<void> {
  const store = createEmbeddedStore({ dir });
  await store.open();
  const began = performance.now();
  const settings = {
    engines: { process: { concurrency: null, abilities: abilities.process, tombstoneMs: 0 } },
    pools: {},
  };
  const state = new State(settings, 'bench');
  for await (const items of store.load()) state.load(items);
  state.ready();
  state.planAll();
  const loaded = seconds(began);
  const memory = process.memoryUsage();
  const own = Number(/RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) * 1024;
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const cpu = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const idle = process.cpuUsage(cpu);
  await store.close();
  print([
    ['loaded, planned and ready', `${loaded} (${state.jobs.size} jobs)`],
    [
      'memory',
      `heap ${megabytes(memory.heapUsed)}, own ${megabytes(own)}, with the mapped file ${megabytes(memory.rss)}`,
    ],
    ['CPU while idle', `${(((idle.user + idle.system) / 1_000 / IDLE_MS) * 100).toFixed(1)} %`],
  ]);
}

function loadApart(dir: string): void {
  const script = `import(${JSON.stringify(import.meta.url)}).then((bench) => bench.load(${JSON.stringify(dir)}))`;
  execFileSync(process.execPath, ['--import', 'tsx', '-e', script], { stdio: 'inherit' });
}

/** Returns the commits per second of `size` jobs each, measured for two seconds. */
async function rate(
  commit: (first: number, size: number) => Promise<unknown>,
  size: number,
): Promise<number> {
  const began = performance.now();
  let commits = 0;
  while (performance.now() - began < 2_000) {
    await commit(commits * size, size);
    commits += 1;
  }
  return commits / ((performance.now() - began) / 1_000);
}

async function commits(dir: string): Promise<[string, string][]> {
  const store = createEmbeddedStore({ dir: join(dir, 'store') });
  await store.open();
  const term = await store.campaign();
  const bare = open({ path: join(dir, 'bare'), noSubdir: false, overlappingSync: false });
  const rows: [string, string][] = [];
  for (const size of [1, 100, 1_000]) {
    const ours = await rate(
      (i, n) =>
        store.commit(
          term,
          Array.from({ length: n }, (_, k) => group(i + k)),
        ),
      size,
    );
    const floor = await rate(
      (i, n) =>
        bare.transaction(() => {
          for (let k = 0; k < n; k++) {
            const value = job(i + k);
            bare.putSync(value.name, value);
          }
        }),
      size,
    );
    rows.push([
      `commits/s of ${size} jobs`,
      `${ours.toFixed(0)} (bare LMDB ${floor.toFixed(0)}, ratio ${(ours / floor).toFixed(2)})`,
    ]);
  }
  await store.close();
  await bare.close();
  return rows;
}

function print(rows: readonly [string, string][]): void {
  for (const [what, figure] of rows) process.stdout.write(`  ${what.padEnd(34)} ${figure}\n`);
}

export async function run(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-bench-store-'));
  try {
    print(await commits(join(dir, 'commits')));
    print(await write(join(dir, 'million')));
    loadApart(join(dir, 'million'));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
