/**
 * Who may use which route. docs/security.md has the table as the code has it; `npx vitest run … --update` writes it. What
 * somebody may do to a job is tested where it is decided: test/scheduler/rules/access.
 */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fastify, { type LightMyRequestResponse } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireNeeds } from '../../../src/api/guard/needs.ts';
import { CarillonError } from '../../../src/errors.ts';
import type { Binding, Principal } from '../../../src/scheduler/access/principal.ts';
import { ApiWorld } from '../../support/api-world.ts';
import { believing, principalOf } from '../../support/askers.ts';
import { type Route, routesOf } from '../../support/routes.ts';
import { World } from '../../support/world.ts';

const page = resolve(import.meta.dirname, '../../../docs/security.md');
const [begin, end] = ['<!-- routes -->\n', '<!-- end of routes -->'];

const bindings: Readonly<Record<string, readonly Binding[]>> = {
  viewer: [{ role: 'viewer' }],
  operator: [{ role: 'operator' }],
  editor: [{ role: 'editor' }],
  admin: [{ role: 'admin' }],
  'viewer of some jobs': [{ role: 'viewer', jobs: 'seen-*' }],
  'admin of some jobs': [{ role: 'admin', jobs: 'seen-*' }],
};
const who = ['nobody', ...Object.keys(bindings)];

const principalFor = (name: string): Principal => {
  const given = bindings[name];
  if (given !== undefined) return principalOf(name, given);
  throw new CarillonError('UNAUTHENTICATED', 'Nobody is known.');
};

let api: ApiWorld;
let routes: readonly Route[];
beforeAll(async () => {
  const world = await World.at('2026-11-21T00:00:00Z');
  const authenticator = believing(({ headers }) => principalFor(String(headers['test-name'])));
  api = await ApiWorld.over(world, {}, {}, authenticator);
  await world.put({ name: 'seen-a' });
  routes = routesOf(api.app).filter(({ method }) => method !== 'HEAD');
});
afterAll(() => api.close());

const values: Readonly<Record<string, string>> = {
  name: 'seen-a',
  condition: 'failed',
  number: '1',
  engine: 'process',
};

/** The answer to a request without a body, as soon as it begins. */
async function ask({ method, path }: Route, name: string): Promise<LightMyRequestResponse> {
  const url = path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) => values[parameter] ?? 'x');
  const response = await api.settled(
    api.app.inject({
      method: method as 'GET',
      url: url === '/api/v1/jobs/seen-a/logs/search' ? `${url}?text=x` : url,
      headers: { accept: 'application/json', 'test-name': name },
      payloadAsStream: true,
    }),
  );
  response
    .stream()
    .on('error', () => {})
    .destroy();
  return response;
}

test('the page says who may use which route', async () => {
  const rows: string[] = [];
  for (const route of routes.filter(({ needs }) => needs !== 'node')) {
    const cells: string[] = [];
    for (const name of who) {
      const { statusCode } = await ask(route, name);
      cells.push(statusCode === 401 ? 'log in' : statusCode === 403 ? '–' : 'yes');
    }
    rows.push(`| \`${route.method} ${route.path}\` | ${route.needs} | ${cells.join(' | ')} |`);
  }
  const table = [
    `| route | needs | ${who.join(' | ')} |`,
    `| ${'--- | '.repeat(who.length + 2)}`.trim(),
    ...rows.sort(),
  ];
  const text = readFileSync(page, 'utf8');
  const [before, after] = [text.split(begin)[0]!, text.split(end)[1]!];
  await expect(`${before}${begin}${table.join('\n')}\n${end}${after}`).toMatchFileSnapshot(page);
});

describe('a route', () => {
  test.each(['nobody', 'admin'])('for other nodes does not exist for %s', async (name) => {
    const internal = routes.filter(({ needs }) => needs === 'node');
    expect(internal.length).toBeGreaterThan(0);
    for (const route of internal) expect((await ask(route, name)).statusCode, route.path).toBe(404);
  });

  test('without a declaration is not built', () => {
    const app = fastify();
    requireNeeds(app, { authenticator: believing(), isPeer: () => false });
    expect(() => app.get('/other', async () => '')).toThrow('does not declare what it needs');
    expect(() => app.get('/other', { config: { needs: 'read' } }, async () => '')).not.toThrow();
  });

  test('that somebody may not use says which permission is missing, and who has it', async () => {
    const refused = await api.send('POST /jobs/seen-a/pause', { headers: { 'test-name': 'viewer' } });
    expect([refused.statusCode, refused.json()]).toMatchObject([
      403,
      {
        code: 'FORBIDDEN',
        field: 'permission',
        value: 'operate',
        detail: expect.stringContaining('operator'),
      },
    ]);
  });

  test.each([
    ['curl/8.0', ['Bearer realm="Carillon"', 'Basic realm="Carillon", charset="UTF-8"']],
    ['Mozilla/5.0', ['Bearer realm="Carillon"']],
  ])('asks %s for a log-in, without a window of the browser', async (agent, ways) => {
    const refused = await api.send('GET /jobs', { headers: { 'test-name': 'nobody', 'user-agent': agent } });
    expect(refused.statusCode).toBe(401);
    expect(refused.headers['www-authenticate']).toEqual(ways);
  });

  test.each([
    ['/v1/scheduler/jobs', /"status":"Unauthorized"/],
    ['/scheduler/jobs', /^Nobody is known\.$/],
  ])("of Chronos refuses in Chronos' form: %s", async (path, body) => {
    const refused = await api.send(`GET /${path}`, { headers: { 'test-name': 'nobody' } });
    expect([refused.statusCode, refused.body]).toEqual([401, expect.stringMatching(body)]);
  });

  test('refuses before it reads a body', async () => {
    const body = 'not JSON';
    const headers = { 'content-type': 'application/json', 'test-name': 'nobody' };
    expect((await api.send('POST /jobs', { body, headers })).statusCode).toBe(401);
    expect(
      (await api.send('POST /jobs', { body, headers: { ...headers, 'test-name': 'viewer' } })).statusCode,
    ).toBe(403);
    expect(
      (await api.send('POST /jobs', { body, headers: { ...headers, 'test-name': 'editor' } })).statusCode,
    ).toBe(400);
  });
});
