/** What the README shows a newcomer works: each example, on the real program. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, Server } from '../support/server.ts';

const examples = resolve(import.meta.dirname, '../../examples');
const dir = mkdtempSync(join(tmpdir(), 'carillon-examples-'));
const etlDir = join(dir, 'etl');
let server: Server;

beforeAll(async () => {
  // Relative, as the default is: what a newcomer gets.
  server = await Server.start(relative(resolve(import.meta.dirname, '../..'), join(dir, 'data')));
});
afterAll(async () => {
  await server.end('SIGTERM');
  rmSync(dir, { recursive: true, force: true });
});

interface RunAnswer {
  readonly id: string;
  readonly job: string;
  readonly state: string;
  readonly reason: string | null;
  readonly attempts: { startedAt: string; endedAt: string }[];
}

/** Applies a file with its own folder in the place of the one it names. */
async function apply(yaml: string): Promise<string[]> {
  const response = await fetch(`${server.url}/api/v1/apply`, {
    method: 'POST',
    headers: { 'content-type': 'application/yaml' },
    body: yaml.replaceAll('/tmp/carillon-etl', etlDir),
  });
  const { results } = (await response.json()) as {
    results: { name: string; outcome: string; error: unknown }[];
  };
  expect(results.filter((result) => result.outcome === 'refused')).toEqual([]);
  return results.map((result) => result.name);
}

const runsOf = async (job: string): Promise<RunAnswer[]> => server.all<RunAnswer>(`/api/v1/jobs/${job}/runs`);

test('the data pipeline makes its report, in order, each job once', async () => {
  const files = readdirSync(join(examples, 'etl')).filter((name) => name.endsWith('.yaml'));
  const names = await apply(
    files.map((name) => readFileSync(join(examples, 'etl', name), 'utf8')).join('\n---\n'),
  );
  expect(names.length).toBeGreaterThanOrEqual(8);
  // By hand, so that no minute of the clock comes between.
  for (const name of names)
    if (name === 'etl-generate') await server.ask('POST', `/api/v1/jobs/${name}/pause`);
  await server.ask('POST', '/api/v1/jobs/etl-generate/trigger');
  await eventually(
    () => runsOf('etl-clean-up'),
    (runs) => runs[0]?.state === 'succeeded',
    60_000,
  );
  for (const name of names)
    expect((await runsOf(name)).map((run) => [run.state, run.reason])).toEqual([['succeeded', null]]);

  const report = readFileSync(join(etlDir, 'warehouse', 'report.txt'), 'utf8');
  const batch = join(etlDir, readdirSync(etlDir).find((name) => name.startsWith('20')) ?? '');
  const rows = (name: string): string[][] =>
    readFileSync(join(batch, name), 'utf8')
      .trim()
      .split('\n')
      .map((row) => row.split(','));
  const price = new Map(rows('products').map(([id, , amount]) => [id, Number(amount)]));
  const valid = rows('orders').filter(([, , , quantity]) => /^\d+$/.test(quantity ?? ''));
  const total = valid.reduce(
    (sum, [, , product, quantity]) => sum + Number(quantity) * (price.get(product) ?? 0),
    0,
  );
  expect(report).toMatch(new RegExp(`total +${total}\\n`));
  expect(rows('rejected')).toHaveLength(20);

  const [join_] = await runsOf('etl-join');
  const [validate] = await runsOf('etl-validate');
  expect(Date.parse(join_?.attempts[0]?.startedAt ?? '')).toBeGreaterThanOrEqual(
    Date.parse(validate?.attempts[0]?.endedAt ?? ''),
  );
}, 90_000);

test('the repeat runs every five seconds and says when it was due', async () => {
  const [name] = await apply(readFileSync(join(examples, 'every-few-seconds.yaml'), 'utf8'));
  const runs = await eventually(
    () => runsOf(name ?? ''),
    (all) => all.filter((run) => run.state === 'succeeded').length >= 2,
    30_000,
  );
  const dues = runs
    .filter((run) => run.state === 'succeeded')
    .map((run) => run.id)
    .sort();
  expect(new Set(dues).size).toBe(dues.length);
  const { body } = await server.ask<string>('GET', `/api/v1/runs/${dues[0]}/logs`);
  expect(body).toMatch(/^due \d{4}-.*Z, running \d{4}-.*Z\n$/);
}, 60_000);

test('the job that somebody else runs takes their report', async () => {
  const [name] = await apply(readFileSync(join(examples, 'heartbeat.yaml'), 'utf8'));
  const { status } = await server.ask('POST', `/api/v1/heartbeats/${name}`);
  expect(status).toBe(200);
  expect((await runsOf(name as string)).map(({ state }) => state)).toEqual(['succeeded']);
});

test('a report takes its parameters, says what it would run, and has nothing to do on a holiday', async () => {
  await apply(readFileSync(join(examples, 'report.yaml'), 'utf8'));
  const rendered = await server.ask<{ fields: { field: string; value: string }[] }>(
    'POST',
    '/api/v1/jobs/report/render',
    { due: '2026-12-01T05:00:00Z', params: { region: 'us' } },
  );
  const values = Object.fromEntries(rendered.body.fields.map(({ field, value }) => [field, value]));
  expect(values).toMatchObject({ 'run.argv[4]': '01.11.2026', 'run.argv[5]': 'US', 'labels.of': 'us' });
  for (const params of [{ region: 'us' }, { day: '2026-01-01' }, { full: false }])
    await server.ask('POST', '/api/v1/jobs/report/trigger', { params });
  const states = await eventually(
    async () => (await runsOf('report')).map(({ state, reason }) => `${state} ${reason ?? ''}`).sort(),
    (all) => all.length === 3 && !all.some((state) => /^(waiting|queued|launching|running)/.test(state)),
    30_000,
  );
  expect(states).toEqual([
    'skipped exit code 99 is one of policy.skipExitCodes',
    'skipped runIf is false: {{ params.full }}',
    'succeeded ',
  ]);
});
