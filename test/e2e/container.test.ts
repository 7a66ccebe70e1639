/** The container example on a real engine, killed and adopted: the whole program with the whole Docker path. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Dockerd, dockerdMissing, testImage } from '../support/dockerd.ts';
import { eventually, Server } from '../support/server.ts';

const missing = dockerdMissing();

interface RunAnswer {
  readonly id: string;
  readonly state: string;
  readonly reason: string | null;
  readonly attempts: { engine: string; launchName: string; exitCode: number | null }[];
}

describe.skipIf(missing !== null)(`containers${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-container-'));
  const dockerd = new Dockerd();
  let server: Server;
  const start = () => Server.start(join(dir, 'data'), ['--docker-host', dockerd.host]);
  const trigger = async (job: string): Promise<string> =>
    (await server.ask<RunAnswer>('POST', `/api/v1/jobs/${job}/trigger`)).body.id;
  const ended = (id: string) =>
    eventually(
      () => server.get<RunAnswer>(`/api/v1/runs/${id}`),
      (run) => !/launching|running|queued|waiting/.test(run.state),
      60_000,
    );

  beforeAll(async () => {
    await dockerd.start();
    server = await start();
  });
  afterAll(async () => {
    await server.end('SIGTERM');
    await dockerd.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test('the example runs within its bounds, and its output is read back', async () => {
    const yaml = readFileSync(resolve(import.meta.dirname, '../../examples/container.yaml'), 'utf8');
    const response = await fetch(`${server.url}/api/v1/apply`, {
      method: 'POST',
      headers: { 'content-type': 'application/yaml' },
      // No image can be fetched here; the shell in it is the same.
      body: yaml.replace('busybox:stable', testImage),
    });
    expect(response.status).toBe(200);
    const run = await ended(await trigger('in-a-container'));
    expect(run).toMatchObject({ state: 'succeeded', attempts: [{ engine: 'docker', exitCode: 0 }] });
    const { body } = await server.ask<string>('GET', `/api/v1/runs/${run.id}/logs`);
    expect(body).toContain(`attempt 1 of ${run.id}\n`);
    const timed = await server.ask<string>('GET', `/api/v1/runs/${run.id}/logs?timestamps=true`);
    const times = /^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{9}Z /gm;
    expect(timed.body.replaceAll(times, '')).toBe(body);
    expect(timed.body.match(times)).toHaveLength(body.trimEnd().split('\n').length);
    const inspected = await dockerd.docker.getContainer(run.attempts[0]?.launchName ?? '').inspect();
    expect(inspected.HostConfig).toMatchObject({
      NanoCpus: 500_000_000,
      Memory: 64 * 1024 ** 2,
      NetworkMode: 'none',
    });
  });

  test('a container that runs while the scheduler is killed is adopted, with its exit code', async () => {
    const definition = { name: 'long', run: { image: testImage, command: 'sleep 3; exit 4' } };
    await server.ask('POST', '/api/v1/jobs', definition);
    const id = await trigger('long');
    await eventually(
      () => server.get<RunAnswer>(`/api/v1/runs/${id}`),
      (run) => run.state === 'running',
      30_000,
    );
    await server.end('SIGKILL');
    server = await start();
    expect(await ended(id)).toMatchObject({ state: 'failed', reason: 'exit code 4' });
    const containers = await dockerd.docker.listContainers({
      all: true,
      filters: { label: ['carillon.job=long'] },
    });
    expect(containers).toHaveLength(1);
  });

  test('a missing image fails the run and names the image', async () => {
    await server.ask('POST', '/api/v1/jobs', { name: 'lost', run: { image: 'nosuch:1', pull: 'never' } });
    const run = await ended(await trigger('lost'));
    expect(run.state).toBe('failed');
    expect(run.reason).toContain('nosuch:1');
  });

  test('a run waits while the engine is down, and is launched when it is back', async () => {
    await server.ask('POST', '/api/v1/jobs', { name: 'patient', run: { image: testImage, command: 'true' } });
    await dockerd.kill();
    const id = await trigger('patient');
    const waiting = await eventually(
      () => server.get<RunAnswer>(`/api/v1/runs/${id}`),
      (run) => run.reason !== null,
      30_000,
    );
    expect(waiting.state).toBe('launching');
    await dockerd.restart();
    expect((await ended(id)).state).toBe('succeeded');
  });
});
