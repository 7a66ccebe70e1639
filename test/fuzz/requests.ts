/**
 * Requests to every address there is, with arbitrary parameters, headers and bodies: each is answered, none with 500,
 * and the node leads on. One world for all of them, as a server has.
 */

import fc from 'fast-check';
import { ApiWorld, type Document } from '../support/api-world.ts';
import { chronosJobs, definitions } from './good.ts';
import { anyJson, broken, hostileText, textOf } from './inputs.ts';

let world: Promise<ApiWorld> | null = null;

async function openWorld(): Promise<ApiWorld> {
  const api = await ApiWorld.at('2026-11-21T00:00:00Z');
  await api.post('/jobs', { name: 'a', schedule: { cron: '0 2 * * *' }, run: { command: 'true' } });
  await api.post('/jobs/a/trigger');
  return api;
}

const chronosRoutes = [
  ['GET', '/scheduler/jobs'],
  ['GET', '/scheduler/jobs/search'],
  ['GET', '/scheduler/job/{name}'],
  ['GET', '/scheduler/job/stat/{name}'],
  ['GET', '/scheduler/graph/csv'],
  ['GET', '/scheduler/graph/dot'],
  ['GET', '/scheduler/stats/{name}'],
  ['PUT', '/scheduler/job/{name}'],
  ['PUT', '/scheduler/job/success/{name}'],
  ['PUT', '/scheduler/task/{id}'],
  ['DELETE', '/scheduler/task/kill/{name}'],
  ['POST', '/scheduler/job/{name}/task/{id}/progress'],
  ['POST', '/scheduler/iso8601'],
  ['POST', '/scheduler/dependency'],
  ['GET', '/metrics'],
  ['GET', '/ping'],
  ['GET', '/'],
] as const;

export interface Sent {
  readonly route: number;
  readonly name: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const parameters = [
  'limit',
  'cursor',
  'state',
  'q',
  'label',
  'owner',
  'sort',
  'order',
  'view',
  'job',
  'from',
  'to',
  'count',
];
const more = [
  'percentile',
  'step',
  'name',
  'command',
  'any',
  'offset',
  'arguments',
  'dependents',
  'prune',
  'dryRun',
  'tail',
];
const queryWords = [
  '=',
  '=',
  '&',
  '&',
  '%',
  '%00',
  '%ff',
  '%E2%82',
  '[]',
  '+',
  ',',
  '1',
  '-1',
  '2026-11-20',
  'asc',
  'true',
  'running',
];
const printable = hostileText.map((text) => text.replace(/[^\x20-\x7e\xa0-\xff]/g, '').trim());
const types = [
  'application/json',
  'application/yaml',
  'text/plain',
  'application/problem+json',
  'application/json; charset=latin1',
];

const body = fc.oneof(
  anyJson.map((value) => JSON.stringify(value)),
  broken([...definitions, ...chronosJobs]).map((value) => JSON.stringify(value)),
  fc.constantFrom(
    '',
    '{}',
    '[]',
    'null',
    '{"succeeded":true}',
    '{"params":{"A":"b"}}',
    '{"cron":"* * * * *"}',
  ),
  hostileText,
);

const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });

export const requests: fc.Arbitrary<Sent> = fc.record({
  route: fc.nat(),
  name: fc.oneof(fc.constantFrom('a', 'nope', 'a.20261121T000000Z'), hostileText),
  query: textOf([...parameters, ...more, ...queryWords, ...queryWords], 12),
  headers: fc
    .record({
      // YAML is read in a process of its own, and has a target of its own.
      'content-type': optional(fc.constantFrom(...types.filter((type) => type !== 'application/yaml'))),
      accept: optional(
        fc.oneof(printable, fc.constantFrom('*/*', 'application/json', 'text/plain; version=0.0.4')),
      ),
      'if-match': optional(fc.oneof(printable, fc.constantFrom('"1"', '*', 'W/"3"'))),
      'idempotency-key': optional(printable),
      'x-carillon-user': optional(printable),
      'last-event-id': optional(printable),
      range: optional(printable),
    })
    .map((all) =>
      Object.fromEntries(
        Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
      ),
    ),
  body,
});

/** Sends one and looks at how it was answered. */
export async function send({ route, name, query, headers, body }: Sent): Promise<void> {
  world ??= openWorld();
  const api = await world;
  const routes = routesOf(api);
  const [method, path] = routes[route % routes.length] as readonly [string, string];
  const asked = path.replaceAll(/\{\w+\}/g, encodeURIComponent(name.replace(/\p{Surrogate}/gu, '')));
  const bodiless = method === 'GET';
  const response = await api.settled(
    api.app.inject({
      method: method as 'GET',
      url: query === '' ? asked : `${asked}?${query.replace(/[^\x21-\x7e]|#/g, '')}`,
      headers,
      ...(!bodiless && { payload: body }),
    }),
  );
  if (response.statusCode === 500)
    throw new Error(`${method} ${asked}: ${JSON.stringify(api.errors.at(-1), withStack)}`);
  if (api.world.fatal.length > 0)
    throw new Error(`${method} ${asked} ended it: ${String(api.world.fatal[0])}`);
}

const withStack = (_: string, value: unknown): unknown => (value instanceof Error ? value.stack : value);

function routesOf({ app }: ApiWorld): (readonly [string, string])[] {
  const { paths } = app.swagger() as unknown as Document;
  const own = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations)
      // Streams that never end by themselves.
      .filter(() => path !== '/api/v1/events')
      .map((method) => [method.toUpperCase(), path] as const),
  );
  return [
    ...own,
    ...chronosRoutes,
    ...chronosRoutes.map(([method, path]) => [method, `/v1${path}`] as const),
  ];
}

export async function closeWorld(): Promise<void> {
  await (await world)?.close();
  world = null;
}
