/** What somebody tries who may do a little, and wants more. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CarillonError } from '../../src/errors.ts';
import type { Binding } from '../../src/scheduler/access/principal.ts';
import { ApiWorld, type Body } from '../support/api-world.ts';
import { believing, localAdmin, principalOf } from '../support/askers.ts';
import { World } from '../support/world.ts';

let api: ApiWorld;
let world: World;
/** What each name may do at the moment. Without a list it is nobody. */
let may: Record<string, readonly Binding[]>;

beforeEach(async () => {
  may = {
    'sales by name': [{ role: 'editor', jobs: 'sales-*' }],
    'sales operator': [{ role: 'operator', jobs: 'sales-*' }],
  };
  world = await World.at('2026-11-21T00:00:00Z');
  const authenticator = believing(({ headers }) => {
    const name = String(headers['test-name'] ?? '');
    if (name === '') return localAdmin;
    const bindings = may[name];
    if (bindings === undefined) throw new CarillonError('UNAUTHENTICATED', 'Nobody is known.');
    return principalOf(name, bindings);
  });
  api = await ApiWorld.over(world, {}, {}, authenticator);
});
afterEach(() => api.close());

const sentAs = async (
  name: string,
  request: string,
  body?: unknown,
): Promise<{ status: number; body: Body }> => {
  const response = await api.send(request, {
    headers: { 'test-name': name },
    ...(body !== undefined && { body }),
  });
  return { status: response.statusCode, body: response.json() };
};
const run = { command: 'true' };

describe('an operator decides when a job runs, and not what it runs', () => {
  beforeEach(() =>
    world.put({
      name: 'sales-a',
      run: { ...run, env: { TARGET: 'here' }, secrets: { KEY: { file: '/run/key' } } },
    }),
  );
  const given = (): unknown => world.engine.held.get(world.engine.newest('sales-a'))?.spec;

  test.each([
    ['a variable of the job', { TARGET: 'evil.example' }],
    ['a secret of the job', { KEY: 'x' }],
    ['what a shell reads first', { BASH_ENV: '$(id)' }],
    ['where programs are', { PATH: '/tmp/evil' }],
    ['what is loaded into programs', { LD_PRELOAD: '/tmp/evil.so' }],
    ['what an interpreter runs first', { NODE_OPTIONS: '--import=data:text/javascript,evil' }],
    ['words of the command', { CHRONOS_ARGUMENTS: '$(id)' }],
  ])('he cannot give %s', async (_, params) => {
    const refused = await sentAs('sales operator', 'POST /jobs/sales-a/trigger', { params });
    expect([refused.status, refused.body]).toMatchObject([403, { code: 'FORBIDDEN', value: 'edit' }]);
    expect(JSON.stringify(refused.body)).toContain(`The parameter ${Object.keys(params)[0]} can change`);
    expect((await sentAs('sales by name', 'POST /jobs/sales-a/trigger', { params })).status).toBe(202);
  });

  test('nor by Chronos’ address', async () => {
    const request = 'PUT //v1/scheduler/job/sales-a?arguments=%24(id)';
    const headers = { 'test-name': 'sales operator' };
    expect((await api.send(request, { headers })).statusCode).toBe(403);
    expect([...world.scheduler.liveRuns()]).toEqual([]);
    expect((await api.send(request.replace(/\?.*/, ''), { headers })).statusCode).toBe(204);
  });

  test('he gives values that the job waits for', async () => {
    const params = { DAY: '2026-11-20', TRACEPARENT: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    expect((await sentAs('sales operator', 'POST /jobs/sales-a/trigger', { params })).status).toBe(202);
    await world.clock.settle();
    expect(given()).toMatchObject({ env: { ...params, TARGET: 'here' } });
  });
});
