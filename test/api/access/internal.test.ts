/** Every internal route is held to what it declares of the audit: what it changes on request of another node is found there. */

import fastify, { type FastifyContextConfig } from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NodeCall } from '../../../src/api/guard/authenticator.ts';
import { requireNeeds } from '../../../src/api/guard/needs.ts';
import { ApiWorld, type Body } from '../../support/api-world.ts';
import { believing } from '../../support/askers.ts';
import { routesOf } from '../../support/routes.ts';
import { World } from '../../support/world.ts';

const ticket = { boot: 1, at: 2, seq: 3 };
const launch = { launchName: 'a-launch', installation: 'i', term: 7 };
const line = {
  ...{
    at: Date.UTC(2026, 10, 21),
    by: { kind: 'person', name: 'ann' },
    from: null,
    action: 'log-in',
    on: null,
  },
  ...{ via: null, outcome: 'done', code: null, reason: null, before: null, after: null },
};

/** A request to each route that does something. */
const bodies: Readonly<Record<string, object | undefined>> = {
  'GET /internal/engines/{engine}/inventory': undefined,
  'POST /internal/engines/{engine}/changes': { term: 7 },
  'POST /internal/engines/{engine}/launch': { ...launch, spec: launch, ticket },
  'POST /internal/engines/{engine}/kill': { launchName: 'a-launch', graceMs: 1 },
  'POST /internal/engines/{engine}/take-back': { launchName: 'a-launch' },
  'POST /internal/engines/{engine}/remove': { launchName: 'a-launch' },
  'POST /internal/access': { lines: [line], uses: [], ends: [{ id: 'ann', by: 'ann' }] },
};

let api: ApiWorld;
let called: object[];
/** Calls of the engine that change something there. */
let changes: string[];
let failing: boolean;

beforeEach(async () => {
  [called, changes, failing] = [[], [], false];
  const change = (what: string) => async () => {
    changes.push(what);
    if (failing) throw new Error('it failed');
  };
  const authenticator = {
    ...believing(),
    called: ({ principal, from }: Body, call: NodeCall) =>
      void called.push({ by: principal.name, from, ...call }),
  };
  api = await ApiWorld.over(
    await World.at('2026-11-21T00:00:00Z'),
    {},
    {
      local: () => ({
        ...{ inventory: async () => [], changes: async () => ({ ticket, observations: [] }) },
        ...{ launchFor: change('launch'), kill: change('kill') },
        ...{ takeBack: change('take-back'), remove: change('remove') },
      }),
    },
    authenticator,
  );
});
afterEach(() => api.close());

const internal = () =>
  routesOf(api.app).filter(({ method, path }) => method !== 'HEAD' && path.startsWith('/internal/'));

const ask = async ({ method, path }: { method: string; path: string }) => {
  const body = bodies[`${method} ${path}`];
  const response = await api.send(`${method} /${path.replace('{engine}', 'process')}`, {
    headers: { 'x-carillon-forwarded-by': 'node-2' },
    ...(body !== undefined && { body }),
  });
  return response.statusCode;
};

const audit = async () => ((await api.get('/audit')) as { items: Body[] }).items;

describe('an internal route', () => {
  test('has a request in this table, and its declaration', () => {
    expect(
      internal()
        .map(({ method, path }) => `${method} ${path}`)
        .sort(),
    ).toEqual(Object.keys(bodies).sort());
    expect(internal().filter(({ needs, audited }) => needs !== 'node' || audited === undefined)).toEqual([]);
  });

  test('without a declaration is not built', () => {
    const app = fastify();
    requireNeeds(app, { authenticator: believing(), isPeer: () => true });
    const add = (config: FastifyContextConfig) => () =>
      app.post('/internal/other', { config }, async () => '');
    expect(add({ needs: 'node' })).toThrow('does not declare how the audit has what it changes');
    expect(add({ needs: 'node', audited: 'lines' })).not.toThrow();
  });

  test('that changes nothing leaves the engine and the audit as they are', async () => {
    const before = await audit();
    for (const route of internal().filter(({ audited }) => audited === 'nothing')) {
      expect(await ask(route), route.path).toBe(200);
    }
    expect([changes, called, await audit()]).toEqual([[], [], before]);
  });

  test('that is summed notes each call, with the node, the launch and the term', async () => {
    const summed = internal().filter(({ audited }) => audited === 'summed');
    expect(summed.length).toBeGreaterThan(0);
    for (const route of summed) {
      [called, changes] = [[], []];
      const what = route.path.split('/').at(-1)!;
      expect(await ask(route), route.path).toBe(204);
      expect(changes).toEqual([what]);
      const term = what === 'launch' ? 7 : api.world.scheduler.cluster().term;
      const call = { by: 'node', from: '127.0.0.1', action: `engine-${what}`, engine: 'process' };
      expect(called, what).toEqual([{ ...call, launchName: 'a-launch', term, failed: false }]);
    }
  });

  test('notes also what has failed, because something may have changed', async () => {
    failing = true;
    for (const route of internal().filter(({ audited }) => audited === 'summed')) {
      called = [];
      expect(await ask(route), route.path).toBe(500);
      expect(called).toMatchObject([{ launchName: 'a-launch', failed: true }]);
    }
  });

  test('with lines has one for each thing that it changes, with the node', async () => {
    const before = (await audit()).length;
    for (const route of internal().filter(({ audited }) => audited === 'lines'))
      expect(await ask(route), route.path).toBe(200);
    const lines = await audit();
    expect(lines.slice(0, lines.length - before)).toMatchObject([
      { action: 'end-sessions', by: { name: 'ann' }, on: 'ann' },
      { action: 'log-in', by: { name: 'ann' }, via: 'node' },
    ]);
  });
});
