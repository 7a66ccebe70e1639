/** The Chronos client of the npm package `mesos`, unchanged, against the app over HTTP. */

import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiWorld, type Body } from '../../support/api-world.ts';

type Call = (
  options: object | string,
  done: (error: Error | null | undefined, answer?: unknown) => void,
) => void;
interface Chronos {
  readonly job: Record<'create' | 'destroy' | 'list' | 'search' | 'start' | 'stats', Call>;
  readonly task: Record<'update' | 'kill', Call>;
}
const mesos = createRequire(import.meta.url)('mesos') as { Chronos: new (options: object) => Chronos };

let api: ApiWorld;
let client: Chronos;
beforeAll(async () => {
  api = await ApiWorld.at('2026-11-21T12:00:00Z');
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  client = new mesos.Chronos({ host: '127.0.0.1', port: (api.app.server.address() as AddressInfo).port });
});
afterAll(() => api.close());

const call = <R extends 'job' | 'task'>(
  resource: R,
  method: keyof Chronos[R],
  options: object | string = {},
) =>
  api.settled(
    new Promise<Body>((resolve, reject) => {
      const target = client[resource] as unknown as Record<string, Call>;
      target[method as string]?.(options, (error, answer) =>
        error == null ? resolve(answer) : reject(error),
      );
    }),
  );

test('creates, lists, searches, starts, kills, tells, measures and destroys', async () => {
  await call('job', 'create', {
    name: 'report',
    schedule: 'R/2026-12-01T02:00:00Z/PT24H',
    command: 'make report',
    epsilon: 'PT30M',
    owner: 'ann@example.org',
  });
  const [job] = await call('job', 'list');
  expect(job).toMatchObject({ name: 'report', epsilon: 'PT30M', async: false, successCount: 0 });
  expect(await call('job', 'search', { command: 'REPORT' })).toHaveLength(1);
  expect(await call('job', 'search', { name: 'nothing-like-it' })).toEqual([]);

  await call('job', 'start', 'report');
  const { CHRONOS_JOB_RUN_TIME, mesos_task_id: id } = api.world.engine.started.at(-1)!.env;
  expect(id).toBe(`ct:${CHRONOS_JOB_RUN_TIME}:0:report:`);
  await call('task', 'update', { id, statusCode: 0 });
  await api.world.clock.advance(3_000);
  api.world.engine.exit(api.world.engine.newest('report'), 0);
  await api.world.clock.advance(1_000);
  expect((await call('job', 'stats', { name: 'report' })).histogram).toMatchObject({ count: 1 });
  const [slowest] = await call('job', 'stats', { percentile: '99thPercentile' });
  expect(slowest).toMatchObject({ jobNameLabel: 'report' });
  expect(slowest.time).toBeCloseTo(3, 0);

  await call('job', 'start', { name: 'report' });
  await call('task', 'kill', { job: 'report' });
  await api.world.clock.advance(30_000);
  expect((await api.get('/jobs/report')).last.state).toBe('killed');
  await call('job', 'destroy', 'report');
  expect(await call('job', 'list')).toEqual([]);
});

test('hears of what is wrong', async () => {
  await expect(call('job', 'start', 'nobody')).rejects.toThrow("requirement failed: Job 'nobody' not found");
});
