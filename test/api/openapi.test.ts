import { afterAll, beforeAll, expect, test } from 'vitest';
import { catalogue } from '../../src/errors.ts';
import { type Hidden, hiddenIn, withoutHidden } from '../../src/scheduler/job/hidden.ts';
import { ApiWorld, type Document } from '../support/api-world.ts';
import { routesOf } from '../support/routes.ts';

let api: ApiWorld;
let document: Document;
beforeAll(async () => {
  api = await ApiWorld.at('2026-11-21T00:00:00Z');
  document = await api.get('/openapi.json');
});
afterAll(() => api.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
  );

test('is OpenAPI 3.1', () => expect(document.openapi).toMatch(/^3\.1\./));

test('has every route that the app answers its own clients, and no other', () => {
  const known = routesOf(api.app)
    .filter(({ method, path }) => method !== 'HEAD' && !/^\/(internal|scheduler|v1\/scheduler)\//.test(path))
    .map(({ method, path }) => `${method.toLowerCase()} ${path}`);
  expect(
    operations()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(known.sort());
});

test('every field of a job that is hidden without a permission says which one', () => {
  const declared = new Map<string, string>();
  const walk = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    const permission = (value as Record<string, unknown>)['x-carillon-needs'];
    if (typeof permission === 'string') declared.set(path, permission);
    for (const [key, each] of Object.entries(value)) walk(each, `${path}/${key}`);
  };
  walk(document.components.schemas, '');
  const secret = { file: '/run/secrets/s' };
  const definition = {
    name: 'a',
    run: { image: 'alpine', env: { A: 'b' }, secrets: { S: secret }, registry: { secret } },
  };
  const hidden = (what: Hidden): string[] =>
    hiddenIn(withoutHidden(definition, what)).map((path) => path.split('.')[1]!);
  const says = (field: string): string[] =>
    [...declared]
      .filter(([path]) => path.endsWith(`/properties/${field}`))
      .map(([, permission]) => permission);
  expect(hidden({ env: true, secrets: false })).toEqual(['env']);
  expect(new Set(says('env'))).toEqual(new Set(['env']));
  expect(new Set(hidden({ env: false, secrets: true }))).toEqual(new Set(['secrets', 'registry']));
  for (const field of ['secrets', 'registry']) expect(new Set(says(field))).toEqual(new Set(['secrets']));
  expect([...declared.keys()].every((path) => /\/properties\/(env|secrets|registry)$/.test(path))).toBe(true);
});

test('every reference leads somewhere', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/g)].map(
    ([, reference]) => reference!,
  );
  expect(references.length).toBeGreaterThan(50);
  for (const reference of new Set(references)) {
    const name = /^#\/components\/schemas\/(\w+)$/.exec(reference)?.[1];
    expect(document.components.schemas, reference).toHaveProperty(String(name));
  }
});

test('no component is left over or nameless', () => {
  const text = JSON.stringify(document.paths) + JSON.stringify(document.components);
  for (const name of Object.keys(document.components.schemas)) {
    expect(name).toMatch(/^[A-Z]\w+$/);
    // What goes through a stream is described in words.
    if (name !== 'LogEvent') expect(text).toContain(`"#/components/schemas/${name}"`);
  }
});

test('every operation says what it does, how it answers and how it refuses', () => {
  const ids = operations().map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { name, operation } of operations()) {
    expect(operation.summary, name).toBeTruthy();
    expect(operation.tags, name).toHaveLength(1);
    const statuses = Object.keys(operation.responses);
    // A log-in sends the browser on.
    const isGood = (status: string) => /^[23]/.test(status);
    expect(statuses.filter(isGood).length, name).toBeGreaterThan(0);
    for (const status of statuses.filter((each) => !isGood(each))) {
      expect(operation.responses[status]!.content, name).toEqual({
        'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
      });
    }
  }
});

test('problems name exactly the codes of the catalogue', () => {
  const text = JSON.stringify(document.components.schemas.Problem);
  const named = [...text.matchAll(/"(?:const":|enum":\[)"([A-Z_]+)"/g)].map(([, code]) => code);
  expect([...new Set(named)].sort()).toEqual([...Object.keys(catalogue), 'INTERNAL'].sort());
});
