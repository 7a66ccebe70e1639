/** What a node says of itself: ready or not, and why; its metrics; the cluster as it sees it; its own engines. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CarillonError } from '../../src/errors.ts';
import type { ClusterView } from '../../src/scheduler/handle.ts';
import type { LocalEngine } from '../../src/scheduler/ports.ts';
import { ApiWorld, type Sent } from '../support/api-world.ts';

let api: ApiWorld;
let view: Partial<ClusterView>;
let local: (engine: string) => Required<LocalEngine>;
let jobCount: (() => number) | null;

const member = (id: string, url = '') => ({ id, url, host: `host-${id}`, pid: 1, version: '0.1.0' });
const other = member('other');

beforeEach(async () => {
  view = {};
  jobCount = null;
  const plain = await ApiWorld.at('2026-11-21T00:00:00Z');
  const { scheduler } = plain.world;
  const alone = member('node-1', 'http://127.0.0.1:4400');
  api = await ApiWorld.over(
    plain.world,
    {},
    {
      cluster: () => ({
        role: 'leader',
        term: scheduler.leadership().term,
        leader: alone,
        self: alone,
        members: [alone],
        lagMs: 0,
        store: { reachable: true, detail: null },
        unled: false,
        takeover: null,
        ...view,
      }),
      local: (engine) => local(engine),
      jobCount: () => (jobCount ?? (() => scheduler.jobCount()))(),
    },
  );
});
afterEach(() => api.close());

describe('readiness', () => {
  const follows = { role: 'follower', leader: other, lagMs: 12 } as const;

  test.each<[string, Partial<ClusterView>, object]>([
    ['a leader', {}, { status: 'ok', role: 'leader', term: 1, lagMs: 0 }],
    ['a follower with a copy', follows, { status: 'ok', role: 'follower', term: 1, lagMs: 12 }],
    [
      'a follower that does not know how old its copy is',
      { ...follows, lagMs: null },
      { status: 'ok', role: 'follower', term: 1, lagMs: null },
    ],
    [
      'a follower while another node takes over',
      { ...follows, leader: null },
      { status: 'ok', role: 'follower', term: 1, lagMs: 12 },
    ],
  ])('%s is ready', async (_, seen, body) => {
    view = seen;
    expect(await api.get('//health/ready')).toEqual(body);
  });

  test.each<[string, Partial<ClusterView>, string, RegExp]>([
    [
      'a leader without its store',
      { store: { reachable: false, detail: 'zk-1:2181 is silent' } },
      'STORE_UNAVAILABLE',
      /zk-1:2181 is silent/,
    ],
    [
      'a follower without its store',
      { ...follows, store: { reachable: false, detail: null } },
      'STORE_UNAVAILABLE',
      /cannot be reached/,
    ],
    ['a node that loads', { ...follows, role: 'starting' }, 'STORE_UNAVAILABLE', /not loaded/],
    ['a follower of nobody', { ...follows, leader: null, unled: true }, 'NOT_LEADING', /No node leads/],
  ])('%s is not, and alive', async (_, seen, code, words) => {
    view = seen;
    const ready = await api.send('GET //health/ready');
    expect([ready.statusCode, ready.json().code]).toEqual([503, code]);
    expect(ready.json().detail).toMatch(words);
    expect(ready.headers['retry-after']).toBe('1');
    expect(await api.get('//health/live')).toEqual({ status: 'ok' });
    expect(await api.get('//ping')).toBe('pong\n');
  });

  test('a follower whose copy is not there yet is not', async () => {
    view = follows;
    jobCount = () => {
      throw new CarillonError('STORE_UNAVAILABLE', 'no copy yet');
    };
    expect((await api.send('GET //health/ready')).statusCode).toBe(503);
  });
});

describe('metrics', () => {
  test('of a follower have its lag and what its copy says, but no slots, which the leader assigns', async () => {
    await api.world.put({ name: 'a' });
    view = { role: 'follower', leader: other, lagMs: 250, store: { reachable: false, detail: null } };
    const text: string = await api.get('//metrics');
    expect(text).toContain('carillon_leader 0\n');
    expect(text).toContain('carillon_lag_seconds 0.25\n');
    expect(text).toContain('carillon_store_reachable 0\n');
    expect(text).toContain('carillon_jobs{status="active"} 1\n');
    expect(text).not.toContain('carillon_pool_slots');
    view = { role: 'follower', lagMs: null };
    expect(await api.get('//metrics')).not.toContain('carillon_lag_seconds');
  });

  test('of a node without a copy are those of the node alone', async () => {
    view = { role: 'starting', lagMs: null };
    const text: string = await api.get('//metrics');
    expect(text).toContain('carillon_leader 0\n');
    expect(text).not.toContain('carillon_jobs');
  });

  test('count ends on each node, so that a change of leader does not show', async () => {
    const end = async () => {
      const run = await api.world.trigger('a');
      api.world.engine.exit(api.world.engine.newest('a'), 0);
      await api.world.clock.settle();
      return run;
    };
    await api.world.put({ name: 'a' });
    await end();
    view = { role: 'follower' };
    await end();
    expect(await api.get('//metrics')).toContain('carillon_runs_ended_total{state="succeeded"} 2\n');
  });
});

describe('the cluster', () => {
  test('of one node', async () => {
    view = { takeover: { at: Date.UTC(2026, 10, 21), tookMs: 31.5, term: 1 } };
    expect(await api.get('/cluster')).toEqual({
      leader: { id: 'node-1', url: 'http://127.0.0.1:4400', host: 'host-node-1', pid: 1 },
      term: 1,
      members: [
        {
          ...member('node-1', 'http://127.0.0.1:4400'),
          role: 'leader',
          lagMs: 0,
          labels: {},
          capacity: {},
          running: {},
        },
      ],
      store: { reachable: true, detail: null },
      takeover: { at: '2026-11-21T00:00:00.000Z', tookMs: 31.5, term: 1 },
    });
  });

  test('without a leader is what this node sees, at once', async () => {
    view = { role: 'follower', leader: null, members: [self(), other], lagMs: 5 };
    expect(await api.get('/cluster')).toMatchObject({
      leader: null,
      takeover: null,
      members: [
        { id: 'node-1', role: 'follower', lagMs: 5 },
        { id: 'other', role: 'follower', lagMs: null },
      ],
    });
  });
});

const self = () => member('node-1', 'http://127.0.0.1:4400');

describe('engines of this node, for the leader on another', () => {
  const calls: unknown[] = [];
  beforeEach(() => {
    calls.length = 0;
    local = (engine) => ({
      inventory: async () => [{ launchName: `${engine}-1`, state: 'running', startedAt: 5 }],
      kill: async (...args) => void calls.push(['kill', engine, ...args]),
      takeBack: async () => undefined,
      remove: async (...args) => void calls.push(['remove', engine, ...args]),
      changes: async (...args) => {
        calls.push(['changes', engine, ...args]);
        return { ticket: { boot: 1, at: 2, seq: 3 }, observations: [] };
      },
      launchFor: async (...args) => void calls.push(['launch', engine, ...args]),
    });
  });

  const asNode = (what: string, sent: Sent = {}) =>
    api.send(what.replace(' ', ' //internal/engines/process/'), {
      ...sent,
      headers: { 'x-carillon-forwarded-by': 'node-2' },
    });

  test('are for other nodes only', async () => {
    const refused = await api.send('GET //internal/engines/process/inventory');
    expect([refused.statusCode, refused.json().code]).toEqual([404, 'NOT_FOUND']);
  });

  test('are listed, and do as they are told', async () => {
    expect((await asNode('GET inventory')).json()).toEqual([
      { launchName: 'process-1', state: 'running', startedAt: 5 },
    ]);
    const kill = await asNode('POST kill', {
      body: { launchName: 'x', graceMs: 100 },
    });
    const remove = await asNode('POST remove', { body: { launchName: 'y' } });
    expect([kill.statusCode, remove.statusCode]).toEqual([204, 204]);
    const ticket = { boot: 1, at: 2, seq: 3 };
    const changes = await asNode('POST changes', {
      body: { term: 7 },
    });
    expect(changes.json()).toEqual({ ticket, observations: [] });
    const named = { launchName: 'z', installation: 'i', term: 7 };
    const spec = { ...named, argv: ['true'] };
    const launch = await asNode('POST launch', {
      body: { ...named, spec, ticket },
    });
    expect(launch.statusCode).toBe(204);
    expect(calls).toEqual([
      ['kill', 'process', 'x', 100],
      ['remove', 'process', 'y'],
      ['changes', 'process', 7, null],
      ['launch', 'process', spec, ticket],
    ]);
  });

  test.each<[string, object | undefined, string]>([
    ['kill', undefined, 'MISSING_FIELD'],
    ['kill', { launchName: 'x' }, 'MISSING_FIELD'],
    ['kill', { launchName: 'x', graceMs: -1 }, 'INVALID_FIELD'],
    ['remove', { launchName: 'x', graceMs: 1 }, 'UNKNOWN_FIELD'],
    ['remove', { launchName: 'x'.repeat(5_000) }, 'LIMIT_EXCEEDED'],
    ['changes', { after: null }, 'MISSING_FIELD'],
    [
      'launch',
      { launchName: '../x', installation: 'i', term: 7, spec: {}, ticket: { boot: 1, at: 2, seq: 3 } },
      'INVALID_FIELD',
    ],
  ])('%s %j is refused', async (what, body, code) => {
    const refused = await asNode(`POST ${what}`, { body });
    expect(refused.json()).toMatchObject({ code });
    expect(calls).toEqual([]);
  });

  test.each(['ENGINE_NOT_CONFIGURED', 'NOT_LEADING', 'ENGINE_UNAVAILABLE'] as const)(
    'say %s as a problem',
    async (code) => {
      local = () => {
        throw new CarillonError(code, 'no');
      };
      const refused = await asNode('GET inventory');
      expect(refused.json()).toMatchObject({ code, detail: 'no' });
    },
  );
});
