/**
 * A hidden job is nowhere. It is full of strings that nothing else has, and a viewer of other jobs who asks every route
 * that reads gets none of them.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Binding } from '../../../src/scheduler/access/principal.ts';
import { ApiWorld, type Body } from '../../support/api-world.ts';
import { believing, localAdmin, principalOf } from '../../support/askers.ts';
import { testSettings } from '../../support/rig.ts';
import { type Route, routesOf } from '../../support/routes.ts';
import { World } from '../../support/world.ts';

/** In everything of the hidden job. */
const mark = 'zqx';

const hidden = {
  name: `${mark}-job`,
  description: `${mark} description`,
  owner: `${mark}-owner`,
  labels: { [`${mark}-label`]: `${mark}-value` },
  run: {
    command: `echo ${mark}-command`,
    env: { [`${mark}_NAME`]: `${mark}-env` },
    secrets: { [`${mark}_S`]: { file: `/${mark}` } },
  },
  schedule: { after: { parents: ['seen-a'] } },
};
const seen = {
  'seen-a': { run: { command: 'true' } },
  'seen-b': { run: { command: 'true' }, schedule: { after: { parents: [hidden.name] } } },
  'seen-c': {
    run: {
      command: 'true',
      env: { PLAIN: `${mark}-env-of-c` },
      secrets: { [`${mark}_C`]: { file: `/run/${mark}` } },
    },
  },
  'seen-d': { run: { command: 'true' }, schedule: { after: { parents: ['seen-a', hidden.name] } } },
};

const bindings: Readonly<Record<string, readonly Binding[]>> = {
  scoped: [{ role: 'viewer', jobs: 'seen-*' }],
  labelled: [{ role: 'viewer', labels: { team: 'sales' } }],
  owner: [{ role: 'editor', labels: { team: 'sales' } }],
  called: [{ role: 'viewer', jobs: 're*' }],
  viewer: [{ role: 'viewer' }],
  editor: [{ role: 'editor' }],
};

const routesTo = {
  labels: {},
  owner: null,
  conditions: null,
  severities: null,
  hours: null,
  to: ['pager'],
  repeatMs: null,
  escalate: [],
  continue: false,
};

let world: World;
let api: ApiWorld;
let routes: readonly Route[];
beforeAll(async () => {
  world = await World.at('2026-11-21T00:00:00Z', {
    ...testSettings,
    routes: [routesTo],
    receivers: ['pager'],
  });
  world.refuses = () => new Error('no');
  const authenticator = believing(({ headers }) => {
    const name = String(headers['test-name'] ?? '');
    return name === '' ? localAdmin : principalOf(name, bindings[name] ?? []);
  });
  api = await ApiWorld.over(world, { metricsJobs: { most: 10, labels: [] } }, {}, authenticator);
  await world.put({ name: 'seen-a', ...seen['seen-a'] }, hidden);
  for (const name of ['seen-b', 'seen-c', 'seen-d'] as const) await world.put({ name, ...seen[name] });
  await world.trigger('seen-a');
  await ended('seen-a', 0);
  // Its child has failed, so those behind it were skipped, for a reason that names it.
  await ended(hidden.name, 1);
  await world.trigger(hidden.name);
  await world.trigger('seen-c');
  await world.clock.settle();
  routes = routesOf(api.app).filter(({ method }) => method === 'GET');
});
afterAll(() => api.close());

async function ended(name: string, exitCode: number): Promise<void> {
  await world.clock.settle();
  world.engine.exit(world.engine.newest(name), exitCode);
  await world.clock.advance(1_000);
}

const as = (name: string) => ({ headers: { 'test-name': name } });

/** `instead`: the name by which the job is asked for. `id`: of one of its runs. Default: of any. */
async function everything(
  name: string,
  job: string,
  instead = job,
  id?: string,
): Promise<[path: string, text: string][]> {
  const runs = [...(await world.history()), ...world.scheduler.liveRuns()];
  const run = id ?? runs.find((each) => each.job === job)?.id ?? 'x';
  const values: Readonly<Record<string, string>> = {
    name: instead,
    id: run.replace(job, instead),
    number: '1',
    engine: 'process',
    statistic: 'count',
  };
  const answers: [string, string][] = [];
  for (const { path } of routes) {
    if (path === '/api/v1/events' || path === '/api/v1/backup') continue;
    const url = path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) => values[parameter] ?? 'x');
    const query =
      /search$/.test(path) && !path.includes('scheduler')
        ? '?text=x'
        : path.endsWith('/diff')
          ? '?from=1&to=1'
          : '';
    const response = await api.settled(
      api.app.inject({ url: url + query, headers: { accept: '*/*', 'test-name': name } }),
    );
    answers.push([url, `${response.statusCode} ${JSON.stringify(response.headers)} ${response.body}`]);
  }
  return answers;
}

const leaks = (answers: readonly [string, string][], asked: string): string[] =>
  answers.flatMap(([url, text]) => {
    const found = text.replaceAll(asked, '').match(new RegExp(`.{0,60}${mark}.{0,40}`))?.[0];
    return found === undefined ? [] : [`${url}: ${found}`];
  });

describe('a viewer of other jobs', () => {
  test('is told of each job what he may do with it', async () => {
    const ask = (name: string, job: string) =>
      api.app.inject({ url: `/api/v1/jobs/${job}`, headers: { 'test-name': name } });
    expect((await ask('scoped', 'seen-a')).json()).toMatchObject({ may: ['read'] });
    expect((await ask('', 'seen-a')).json().may).toContain('edit');
  });

  test('is refused what an admin gets', async () => {
    expect(leaks(await everything('', 'seen-d'), '\0').length).toBeGreaterThan(10);
  });

  test.each(['seen-a', 'seen-b', 'seen-c', 'seen-d'])(
    'reads nothing of it by asking about %s',
    async (job) => {
      expect(leaks(await everything('scoped', job), '\0')).toEqual([]);
    },
  );

  test('learns as little about it as about a job that does not exist', async () => {
    const about = async (name: string): Promise<string[]> =>
      (await everything('scoped', hidden.name, name)).map((answer) =>
        answer
          .map((text) => text.replaceAll(name, 'NAME').replaceAll(/"(?:content-length|date)":"[^"]*",?/g, ''))
          .join(' '),
      );
    const unknown = new Set(await about('seen-unknown'));
    const differing = (await about(hidden.name)).filter((answer) => !unknown.has(answer));
    const paths = differing.map((answer) => answer.split(' ', 1)[0]);
    expect(paths.filter((path) => !/metrics|overview|timeline|cluster|engines/.test(path!))).toEqual([]);
  });

  test('gets no event of it, and those of others without it', async () => {
    const response = await api.settled(
      api.app.inject({ url: '/api/v1/events', headers: { 'test-name': 'scoped' }, payloadAsStream: true }),
    );
    let text = '';
    response
      .stream()
      .setEncoding('utf8')
      .on('data', (piece: string) => (text += piece));
    await world.trigger('seen-a');
    await ended('seen-a', 0);
    await world.put({ ...hidden, description: 'changed' });
    await ended(hidden.name, 1);
    await world.clock.advance(1_000);
    response.stream().destroy();
    expect(text).toContain('seen-a');
    expect(text).not.toContain(mark);
  });

  test('counts only what is seen', async () => {
    const { total, items } = await api.get('/jobs').then(() => list('scoped'));
    expect([total, items.length]).toEqual([4, 4]);
    expect((await list('viewer')).total).toBe(5);
  });
});

const list = async (name: string): Promise<Body> => (await api.send('GET /jobs', as(name))).json();

test('labels decide as they are now', async () => {
  expect((await list('labelled')).total).toBe(0);
  await world.put({ name: 'seen-a', ...seen['seen-a'], labels: { team: 'sales' } });
  expect((await list('labelled')).items.map(({ name }: { name: string }) => name)).toEqual(['seen-a']);
  await world.put({ name: 'seen-a', ...seen['seen-a'] });
  expect((await list('labelled')).total).toBe(0);
});

describe('a job under the name of one that was removed', () => {
  const old = 'wkw';
  const name = 'reused';
  const putOld = {
    ...{ name, run: { command: `echo ${old}`, env: { A: old } }, labels: { team: old } },
    ...{ schedule: { cron: '30 * * * *' }, paused: true },
  };
  const putNew = { name, run: { command: 'true' }, labels: { team: 'sales' } };
  let ids: string[];
  beforeAll(async () => {
    await world.put(putOld);
    const before = await world.trigger(name);
    await ended(name, 97);
    await world.clock.advance(86_400_000);
    await world.submit({ kind: 'delete-job', name, dependents: 'refuse', by: old });
    await world.clock.advance(86_400_000);
    await world.put(putNew);
    const after = await world.trigger(name);
    await ended(name, 96);
    ids = [before.id, after.id];
  });

  /** What is answered about one of its runs, and in general, without what was asked. */
  async function told(who: string, id: string): Promise<[url: string, text: string][]> {
    const answers = await everything(who, name, name, id);
    return answers.map(([url, text]) => [url, text.replaceAll(id, '')]);
  }
  const naming = (answers: readonly [string, string][], ...texts: string[]): string =>
    answers.flatMap(([url, text]) => (texts.some((each) => text.includes(each)) ? [url] : [])).join('\n');
  const lines = async (who: string): Promise<Body[]> =>
    (await api.send(`GET /jobs/${name}/ledger`, as(who))).json().items;

  test('is told of without the removed one to who has its label', async () => {
    const [before = '', after = ''] = ids;
    for (const who of ['labelled', 'owner']) {
      const answers = [...(await told(who, before)), ...(await told(who, after))];
      expect(naming(answers, old, before, '"exitCode":97'), who).toBe('');
      expect(naming(answers, after, '"exitCode":96'), who).toContain(`/jobs/${name}/runs`);
      expect(await lines(who), who).toEqual([]);
    }
  });

  test('is told of with it to who has the name, or everything', async () => {
    const [before = '', after = ''] = ids;
    for (const who of ['called', 'editor', '']) {
      const found = naming(await told(who, after), old, before, '"exitCode":97');
      for (const each of ['runs', 'revisions', 'revisions/1', 'alerts'])
        expect(found, who).toContain(`/jobs/${name}/${each}`);
      expect(naming(await told(who, before), '"exitCode":97')).toContain(`/runs/${before}`);
      expect((await lines(who)).length, who).toBeGreaterThan(0);
    }
  });

  test('is no way to run what the removed one ran', async () => {
    const [id = ''] = ids;
    const again = await api.send(`POST /runs/${id}/rerun`, { ...as('owner'), body: {} });
    expect(again.json().code).toBe('RUN_NOT_FOUND');
  });
});

describe('a definition', () => {
  test('has no values and no secrets for a viewer, and says so', async () => {
    const { definition, hidden: paths } = (await api.send('GET /jobs/seen-c', as('viewer'))).json();
    expect(definition.run.env).toEqual({ PLAIN: '***' });
    expect(paths).toEqual(['run.env.PLAIN', 'run.secrets']);
    const again = await api.send('PUT /jobs/seen-c', { body: definition });
    expect([again.statusCode, again.json().field]).toEqual([400, 'run.env.PLAIN']);
  });

  test('is whole for an editor', async () => {
    const { definition, hidden: paths } = (await api.send('GET /jobs/seen-c', as('editor'))).json();
    expect([definition.run, paths]).toEqual([seen['seen-c'].run, undefined]);
  });
});
