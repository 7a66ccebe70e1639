/** The managers as one, against some that answer as real ones do in moments that are hard to arrange. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { SwarmEngine } from '../../../src/executor/swarm/engine.ts';
import { swarmService } from '../../../src/executor/swarm/request.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { Clock } from '../../../src/scheduler/ports.ts';
import { swarmSpec } from './harness.ts';

const hastyClock: Clock = {
  ...realClock,
  after: (delayMs, callback) => realClock.after(delayMs / 8, callback),
};
const dir = mkdtempSync(join(tmpdir(), 'carillon-managers-'));
const servers: Server[] = [];
const service = swarmService(swarmSpec('true', { launchName: 'a' }), 'tool:1', { secrets: {}, files: [] });

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

type Answer = readonly [status: number, body: object] | 'silence';

/** A manager that answers by method and path, and the calls that it got. */
async function manager(answers: Readonly<Record<string, Answer | readonly Answer[]>>) {
  const calls: string[] = [];
  const listener: RequestListener = (request, response) => {
    const call = `${request.method} ${request.url?.split('?')[0]}`;
    calls.push(call);
    const all = answers[call] ?? answers.all ?? [404, { message: `nothing at ${call}` }];
    const several = Array.isArray(all[0]) || all[0] === 'silence';
    const nth = calls.filter((each) => each === call).length - 1;
    const answer = (several ? (all[Math.min(nth, all.length - 1)] as Answer) : all) as Answer;
    if (answer === 'silence') return;
    response.writeHead(answer[0], { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer[1]));
  };
  const server = createServer(listener);
  servers.push(server);
  const host = join(dir, `manager-${servers.length}-${Math.round(performance.now())}.sock`);
  await new Promise<void>((resolve) => server.listen(host, resolve));
  return { host, calls };
}

const swarm = (...hosts: string[]) => new SwarmEngine({ hosts, tls: null, clock: hastyClock });
const leaderless: Answer = [
  500,
  { message: 'rpc error: code = Unknown desc = The swarm does not have a leader' },
];
const misled: Answer = [404, { message: 'network host not found: The swarm does not have a leader' }];
const created: Answer = [201, { ID: 's1' }];
const create = 'POST /services/create';
const may = (): void => undefined;

test.each<[string, Answer]>([
  ['has no leader', leaderless],
  ['is none any more', [503, { message: 'This node is not a swarm manager' }]],
  ['hangs', 'silence'],
])('a manager that %s is left for the next one, and stays left', async (_, answer) => {
  const [bad, good] = [await manager({ all: answer }), await manager({ 'GET /nodes': [200, []] })];
  const engine = swarm(bad.host, good.host);
  expect(await engine.nodes()).toEqual([]);
  expect(await engine.nodes()).toEqual([]);
  expect([bad.calls.length, good.calls.length]).toEqual([1, 2]);
});

test('without any manager it is unavailable, with their addresses', async () => {
  const error = await swarm(join(dir, 'a.sock'), join(dir, 'b.sock'))
    .nodes()
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'ENGINE_UNAVAILABLE', details: { field: 'swarm-host' } });
  expect((error as Error).message).toContain(`${join(dir, 'a.sock')},${join(dir, 'b.sock')}`);
});

test('a refusal by a manager without a leader is none: the next one creates it', async () => {
  const bad = await manager({ [create]: misled, 'GET /nodes': leaderless });
  const good = await manager({ [create]: created });
  expect(await swarm(bad.host, good.host).create(service, null, may)).toBe(true);
  expect(bad.calls).toEqual([create, 'GET /nodes']);
});

test('a refusal while the leader changes is asked about again', async () => {
  const only = await manager({ [create]: [leaderless, created], 'GET /nodes': [200, []] });
  expect(await swarm(only.host).create(service, null, may)).toBe(true);
});

test.each([400, 404, 500])(
  'what a manager with a leader refuses twice with %i is refused',
  async (status) => {
    const only = await manager({ [create]: [status, { message: 'no such thing' }], 'GET /nodes': [200, []] });
    const error = await swarm(only.host)
      .create(service, null, may)
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'LAUNCH_REFUSED',
      message: expect.stringContaining('no such thing'),
    });
    expect(only.calls.filter((call) => call === create)).toHaveLength(2);
  },
);

test('what was created while its answer was lost is found by its name', async () => {
  const lost = await manager({ [create]: 'silence' });
  const next = await manager({ [create]: [409, { message: 'name conflicts with an existing object' }] });
  expect(await swarm(lost.host, next.host).create(service, null, may)).toBe(false);
});

test('refused by one, and there all the same: it is taken for created', async () => {
  const found: Answer = [200, { ID: 's1', Version: { Index: 1 }, Spec: service }];
  const only = await manager({ [create]: leaderless, 'GET /nodes': [200, []], 'GET /services/a': found });
  expect(await swarm(only.host).create(service, null, may)).toBe(false);
});

test('whether it leads is asked before each try, of each manager', async () => {
  const lost = await manager({ [create]: 'silence' });
  const next = await manager({ [create]: created });
  let asked = 0;
  const once = () => {
    if (++asked > 1) throw new Error('deposed');
  };
  await expect(swarm(lost.host, next.host).create(service, null, once)).rejects.toThrow('deposed');
  expect(next.calls).toEqual([]);
});
