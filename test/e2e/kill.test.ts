/**
 * The promise of the README, tried: a server under load is killed with SIGKILL at random moments, and in the
 * end nothing that was acknowledged is lost, nothing was launched twice, and every due instant has its end.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { eventually, Server } from '../support/server.ts';

const ROUNDS = 8;
const REPEATING = 6;

const dir = mkdtempSync(join(tmpdir(), 'carillon-kill-'));
const counted = join(dir, 'launched');
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface RunAnswer {
  readonly id: string;
  readonly job: string;
  readonly due: string;
  readonly state: string;
  readonly attempts: { number: number; exitCode: number | null }[];
}
interface LineAnswer {
  readonly from: string;
  readonly to: string;
  readonly count: number;
  readonly end: string;
}

/** The job itself counts its launches, outside of the system. */
const command = `echo "$CARILLON_RUN#$CARILLON_ATTEMPT" >> ${counted}; sleep 0.2`;

/** Submits until the server dies; what was acknowledged goes into `jobs` and `runs`. */
async function load(
  server: Server,
  acknowledged: { jobs: string[]; runs: string[] },
  round: number,
): Promise<void> {
  for (let i = 0; ; i++) {
    const name = `by-hand-${round}-${i}`;
    try {
      const put = await server.ask('PUT', `/api/v1/jobs/${name}`, { name, run: { command } });
      if (put.status < 300) acknowledged.jobs.push(name);
      const triggered = await server.ask<{ id: string }>('POST', `/api/v1/jobs/${name}/trigger`);
      if (triggered.status === 202) acknowledged.runs.push(triggered.body.id);
    } catch {
      return;
    }
  }
}

test('a server killed at random moments loses nothing and launches nothing twice', async () => {
  const data = join(dir, 'data');
  const acknowledged = { jobs: [] as string[], runs: [] as string[] };
  let server = await Server.start(data);
  const start = new Date(Math.ceil(Date.now() / 1_000) * 1_000).toISOString();
  for (let i = 0; i < REPEATING; i++) {
    const definition = {
      name: `repeating-${i}`,
      schedule: { every: `R/${start}/PT1S` },
      run: { command },
      policy: { catchUp: 'all', overlap: 'allow', retries: { limit: 3, delay: 'PT0.1S' } },
    };
    expect((await server.ask('POST', '/api/v1/jobs', definition)).status).toBe(201);
  }
  for (let round = 0; round < ROUNDS; round++) {
    const loading = load(server, acknowledged, round);
    const killAfterMs = 100 + Math.floor(Math.random() * 1_500);
    await new Promise((resolve) => setTimeout(resolve, killAfterMs));
    await server.end('SIGKILL');
    await loading;
    server = await Server.start(data);
  }
  for (let i = 0; i < REPEATING; i++) await server.ask('POST', `/api/v1/jobs/repeating-${i}/pause`);
  const live = () => server.all<RunAnswer>('/api/v1/runs?state=waiting,queued,launching,running');
  await eventually(live, (runs) => runs.length === 0, 60_000);
  const runs = await server.all<RunAnswer>('/api/v1/runs?limit=1000');

  const jobs = new Set(
    (await server.all<{ name: string }>('/api/v1/jobs?limit=1000')).map((job) => job.name),
  );
  expect(acknowledged.jobs.filter((name) => !jobs.has(name))).toEqual([]);
  const known = new Map(runs.map((run) => [run.id, run]));
  expect(known.size).toBe(runs.length);
  expect(acknowledged.runs.filter((id) => known.get(id)?.state !== 'succeeded')).toEqual([]);
  expect(acknowledged.runs.length).toBeGreaterThan(ROUNDS);

  const launched = existsSync(counted) ? readFileSync(counted, 'utf8').trim().split('\n') : [];
  const times = new Map<string, number>();
  for (const each of launched) times.set(each, (times.get(each) ?? 0) + 1);
  expect([...times].filter(([, count]) => count > 1)).toEqual([]);
  const succeeded = runs.flatMap((run) =>
    run.attempts.filter((attempt) => attempt.exitCode === 0).map((attempt) => `${run.id}#${attempt.number}`),
  );
  expect(succeeded.filter((each) => !times.has(each))).toEqual([]);

  for (let i = 0; i < REPEATING; i++)
    await everyInstantHasOneEnd(server, `repeating-${i}`, Date.parse(start));
  expect(await server.end('SIGTERM')).toBe(0);
}, 180_000);

async function everyInstantHasOneEnd(server: Server, job: string, startMs: number): Promise<void> {
  const to = new Date(Date.now() + 60_000).toISOString();
  const from = new Date(startMs).toISOString();
  const lines = await server.all<LineAnswer>(`/api/v1/jobs/${job}/ledger?from=${from}&to=${to}&limit=1000`);
  let next = startMs;
  for (const line of lines) {
    expect({ job, from: line.from }).toEqual({ job, from: new Date(next).toISOString() });
    next += line.count * 1_000;
  }
  // Up to the pause at least, and each on its own second.
  expect(next).toBeGreaterThan(startMs + ROUNDS * 100);
}
