/** Debian's Prometheus scrapes a running server: what it stores, its verdict on the names, and the queries in `deploy/`. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { metrics } from '../../src/api/metrics/table.ts';
import { type Dashboard, dashboardFile, expressionsOf, rulesFile } from '../support/deployed.ts';
import { hasPrometheus, Prometheus } from '../support/prometheus.ts';
import { endServers, eventually, Server } from '../support/server.ts';

describe.skipIf(!hasPrometheus)('Prometheus', () => {
  let dir: string;
  let server: Server;
  let prometheus: Prometheus;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'carillon-scraped-'));
    const alerts = join(dir, 'alerts.yaml');
    writeFileSync(alerts, 'receivers: { ops: { command: { argv: ["true"] } } }\n');
    const credentials = join(dir, 'credentials');
    writeFileSync(credentials, '[default]\naws_access_key_id = id\naws_secret_access_key = key\n', {
      mode: 0o600,
    });
    // Nobody listens there.
    const nobody = 'http://127.0.0.1:1';
    const archive = ['--log-archive', 's3://bucket/logs', '--log-archive-endpoint', nobody];
    const more = [
      ...['--alerts-file', alerts, '--otlp-endpoint', nobody],
      ...[...archive, '--log-archive-credentials', credentials, '--audit-log', join(dir, 'audit.log')],
    ];
    server = await Server.start(dir, ['--pools', 'etl=2', '--process-concurrency', '8', ...more]);
    prometheus = await Prometheus.start([server.url.replace('http://', '')], rulesFile);
    for (const [name, command] of [
      ['good', 'true'],
      ['bad', 'exit 3'],
    ]) {
      await server.ask('POST', '/api/v1/jobs', { name, run: { command }, policy: { pool: 'etl' } });
      await server.ask('POST', `/api/v1/jobs/${name}/trigger`, {});
    }
  });
  afterAll(async () => {
    await prometheus?.stop();
    await endServers();
    rmSync(dir, { recursive: true, force: true });
  });

  test('stores what jobs did', async () => {
    const ended = await eventually(
      () => prometheus.query('carillon_job_outcomes_total > 0'),
      (found) => found.length === 2,
    );
    const seen = ended.map(({ metric: { job, job_name, outcome }, value }) => [
      job,
      job_name,
      outcome,
      value[1],
    ]);
    expect(seen.sort()).toEqual([
      ['carillon', 'bad', 'failed', '1'],
      ['carillon', 'good', 'succeeded', '1'],
    ]);
    const last = await prometheus.query('time() - carillon_job_last_success_timestamp_seconds');
    expect(Number(last[0]?.value[1])).toBeLessThan(60);
    const { activeTargets } = await prometheus.get<{
      activeTargets: { lastError: string; health: string }[];
    }>('targets');
    expect(activeTargets.map(({ health, lastError }) => [health, lastError])).toEqual([['up', '']]);
  });

  test('knows every metric of the table by its kind', async () => {
    // A node that leads, with an engine, a pool, a receiver, a collector, an archive and a file of the audit, and a job that succeeded and one that failed, has them all.
    const known = await eventually(
      () => prometheus.get<Record<string, { type: string; help: string }[]>>('metadata'),
      (found) => found.carillon_job_last_failure_timestamp_seconds !== undefined,
    );
    expect(
      Object.fromEntries(
        Object.entries(known).map(([name, [entry]]) => [name, [entry?.type, entry?.help]] as const),
      ),
    ).toEqual(Object.fromEntries(metrics.map(({ name, kind, help }) => [name, [kind, help]])));
  });

  test('has nothing against the names and texts', async () => {
    const response = await fetch(`${server.url}/metrics`, { headers: { accept: 'text/plain' } });
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: await response.text(),
      encoding: 'utf8',
    });
    expect([status, stdout, stderr]).toEqual([0, '', '']);
  });

  test('understands every query of the dashboard', async () => {
    const dashboard = JSON.parse(readFileSync(dashboardFile, 'utf8')) as Dashboard;
    for (const expression of expressionsOf(dashboard)) {
      const filled = expression
        .replaceAll('$job_name', '.+')
        .replaceAll('$job', 'carillon')
        .replaceAll(/\$__\w+/g, '1m');
      await prometheus.query(filled);
    }
  });

  test('evaluates the alert rules, and none of them fires', async () => {
    const rules = await eventually(
      async () => {
        const { groups = [] } = await prometheus.get<{
          groups?: { rules: { health: string; state: string; name: string; lastError?: string }[] }[];
        }>('rules');
        return groups.flatMap((group) => group.rules);
      },
      (found) => found.length > 0 && found.every(({ health }) => health !== 'unknown'),
    );
    expect(rules.filter(({ health, state }) => health !== 'ok' || state === 'firing')).toEqual([]);
  });
});
