/** What Chronos took without a word is taken here as it took it, and told. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readChronosJob } from '../../../src/scheduler/chronos/read.ts';
import { ApiWorld, type Body } from '../../support/api-world.ts';
import { three, two } from './asking.ts';

let api: ApiWorld;
beforeEach(async () => {
  api = await ApiWorld.at('2026-11-21T12:00:00Z');
});
afterEach(() => api.close());

const job = { name: 'a', command: 'true', schedule: 'R/2026-12-01T02:00:00Z/PT24H' };

/** What is told of a job that is taken. */
async function put(more: object, prefix = three): Promise<string> {
  const answer = await api.send(`POST ${prefix}/iso8601`, { body: { ...job, ...more } });
  expect(`${answer.statusCode} ${answer.body}`).toBe('204 ');
  return String(answer.headers['x-carillon-warning'] ?? '');
}
const read = (prefix = three): Promise<Body> => api.get(`${prefix}/job/a`);
const native = (): Promise<Body> => api.get('/jobs/a');
const pass = (ms: number) => api.world.clock.advance(ms);
const starts = () => api.world.engine.started.filter(({ job: name }) => name === 'a').length;

describe('a field', () => {
  test.each<[string, object, object, RegExp]>([
    ['less than no retries is none', { retries: -1 }, { retries: -1 }, /^$/],
    [
      'limits below zero',
      { cpus: -1, mem: -5, maxCompletionTime: -1 },
      { cpus: -1, mem: -5, maxCompletionTime: -1 },
      /cpus and mem/,
    ],
    [
      'numbers as text, and truth as a number',
      { retries: '3', mem: '64.5', errorCount: true },
      { retries: 3, mem: 64.5 },
      /cpus and mem/,
    ],
    [
      'a word for yes that Jackson does not know',
      { disabled: 'yes' },
      { disabled: false },
      /^disabled "yes" is taken as false/,
    ],
    ['one that it knows', { disabled: ' True ' }, { disabled: true }, /^$/],
    ['truth as a number', { concurrent: 1, softError: 0 }, { concurrent: true, softError: false }, /^$/],
    [
      'an operator that nobody knows',
      {
        constraints: [
          ['rack', 'NEAR', 'r1'],
          ['rack', 'like', 'r1'],
        ],
      },
      {
        constraints: [
          ['rack', 'NEAR', 'r1'],
          ['rack', 'LIKE', 'r1'],
        ],
      },
      /constraints are stored/,
    ],
    [
      'an operator of Marathon without a value',
      { constraints: [['hostname', 'UNIQUE']] },
      { constraints: [['hostname', 'UNIQUE']] },
      /constraints are stored/,
    ],
    ['a list of owners', { owner: ['a@x.org', 'b@x.org'] }, { owner: 'a@x.org,b@x.org' }, /^$/],
    [
      'a container without an image',
      { container: { docker: { image: 'alpine' } } },
      { command: 'true' },
      /^container has no image and is ignored/,
    ],
    [
      'a word for yes inside of a list',
      { fetch: [{ uri: 'http://x.org/a', executable: 'yes' }] },
      {},
      /^executable "yes" is taken as false/,
    ],
    [
      'a zone without summer time',
      { scheduleTimeZone: 'EST' },
      {},
      /^time zone EST[^;]*; [^;]* write [^;]*$/,
    ],
    [
      'nothing in the place of lists, numbers and texts',
      {
        uris: null,
        fetch: null,
        constraints: null,
        retries: null,
        owner: null,
        disabled: null,
        container: null,
      },
      { uris: [], constraints: [], retries: 2, owner: '', disabled: false },
      /^$/,
    ],
  ])('%s', async (_, sent, shown, told) => {
    expect(await put(sent)).toMatch(told);
    expect(await read()).toMatchObject(shown);
    const { revision } = await native();
    await put(await read());
    expect((await native()).revision).toBe(revision);
  });

  test('an epsilon in years and months is as many hours, and reads as it was sent', async () => {
    expect(await put({ epsilon: 'P1Y2MT1H' }, two)).toBe('');
    expect((await read(two)).epsilon).toBe('P1Y2MT1H');
    expect((await native()).definition.policy.startWithin).toBe(`PT${14 * 31 * 24 + 1}H`);
    await put(await read(two), two);
    expect((await native()).revision).toBe(1);
  });

  test('texts of a container that are empty are none', async () => {
    const sent = { image: 'alpine', type: '', network: '', volumes: [{ containerPath: '/a', mode: '' }] };
    const { job: taken } = readChronosJob({ ...job, container: sent });
    expect(taken.container).toMatchObject({ type: 'DOCKER', network: 'HOST' });
    expect(taken.container?.volumes).toEqual([{ containerPath: '/a' }]);
  });

  test('names of variables with dots and dashes are set; others are kept', async () => {
    const environmentVariables = ['a.b-c', 'A', '1x', 'CARILLON_RUN'].map((name) => ({ name, value: 'v' }));
    const told = await put({ environmentVariables });
    expect(told).toMatch(/"1x" is stored but cannot be set/);
    expect(told).toMatch(/a\.b-c: shells do not pass on variables with dots or dashes/);
    expect(await read()).toMatchObject({ environmentVariables });
    expect((await native()).definition.run.env).toEqual({ A: 'v' });
    await api.send(`PUT ${three}/job/a`);
    expect(api.world.engine.started[0]?.env).toMatchObject({ 'a.b-c': 'v', A: 'v' });
  });
});

describe('addresses that cannot be downloaded here', () => {
  test.each([
    ['hdfs', 'hdfs://nn:9000/a.tgz'],
    ['s3n', 's3n://key:secret@bucket/a.tgz'],
    ['ftp', 'ftp://x.org/a.tgz'],
  ])('%s: the job is kept and held, and its runs say why', async (scheme, uri) => {
    const told = await put({ uris: ['http://x.org/b.tgz', uri] });
    expect(told).toMatch(new RegExp(`^held: uris\\[1\\] is an address of ${scheme}, `));
    expect(told).not.toContain('secret');
    expect((await read()).uris).toEqual(['http://x.org/b.tgz', uri.replace('key:secret', '***')]);
    expect((await native()).warnings).toEqual([told]);
    await api.send(`PUT ${three}/job/a`);
    await pass(60_000);
    const [run] = (await api.get('/jobs/a/runs')).items;
    expect([run.state, run.reason, starts()]).toEqual(['queued', told, 0]);
    await put({ uris: ['http://x.org/b.tgz'] });
    await pass(1_000);
    expect(starts()).toBe(1);
  });

  test.each([
    ['a relative one', 'a.tgz'],
    ['one with a space', 'http://x.org/a b.tgz'],
  ])('%s', async (_, uri) => {
    expect(await put({ fetch: [{ uri, output_file: '' }] })).toMatch(/^held: fetch\[0\] is no full address/);
  });

  test('a name for a download that is empty is none', async () => {
    const fetch = [
      { uri: 'http://x.org/a.tgz', output_file: '', executable: false, cache: false, extract: true },
    ];
    expect(await put({ fetch })).toBe('');
    expect((await read()).fetch).toEqual(fetch);
    expect((await native()).definition.run.fetch).toEqual([{ uri: 'http://x.org/a.tgz', extract: true }]);
  });

  test('are refused in a job that is written natively', async () => {
    const run = { command: 'true', fetch: [{ uri: 'hdfs://nn/a' }] };
    const answer = await api.send('POST /jobs', { body: { name: 'n', run } });
    expect([answer.statusCode, answer.json().field]).toEqual([400, 'run.fetch[0].uri']);
  });
});

describe('several runs without time between them', () => {
  test.each(['R10//P', 'R10/2020-01-01T00:00:00Z/PT0S', 'R010/2026-11-21T12:00:10Z/P0D'])(
    '%s',
    async (schedule) => {
      api.world.engine.plan = () => ({ durationMs: 3_000, exitCode: 0 });
      await put({ schedule, scheduleTimeZone: 'Europe/Berlin' });
      await pass(10_000);
      const shown = (await read()).schedule;
      expect(shown).toMatch(/^R\d+\/.*\/P/);
      await pass(120_000);
      expect(starts()).toBe(10);
      expect(await read()).toMatchObject({ successCount: 10, disabled: true });
      await put({ schedule: shown, scheduleTimeZone: 'Europe/Berlin' });
      await pass(60_000);
      expect(starts()).toBe(10);
    },
  );

  test('without end they are refused', async () => {
    const answer = await api.send(`POST ${three}/iso8601`, { body: { ...job, schedule: 'R//P' } });
    expect(answer.statusCode).toBe(400);
  });
});

describe("Java's zones of three letters", () => {
  test.each([
    ['BST', 'Asia/Dhaka'],
    ['IST', 'Asia/Kolkata'],
    ['CST', 'America/Chicago'],
    ['AST', 'America/Anchorage'],
    ['ECT', 'Europe/Paris'],
    ['SST', 'Pacific/Guadalcanal'],
  ])('%s is %s', async (scheduleTimeZone, zone) => {
    expect(await put({ scheduleTimeZone })).toBe(
      `scheduleTimeZone ${scheduleTimeZone} is taken as ${zone}, as Java has it`,
    );
    expect((await native()).definition.schedule.timezone).toBe(zone);
    expect(await read()).toMatchObject({ scheduleTimeZone });
  });

  test('all of them are zones', async () => {
    const ids =
      'ACT AET AGT ART AST BET BST CAT CNT CST CTT EAT ECT IET IST JST MIT NET NST PLT PNT PRT PST SST VST EST MST HST';
    for (const scheduleTimeZone of ids.split(' ')) await put({ scheduleTimeZone });
  });
});

describe('tasks', () => {
  const tell = async (statusCode: unknown) => {
    await put({ async: true, retries: 0 }, two);
    await api.send(`PUT ${two}/job/a`);
    const { mesos_task_id: id } = api.world.engine.started.at(-1)!.env;
    api.world.engine.exit(api.world.engine.newest('a'), 0);
    await pass(100);
    const answer = await api.send(`PUT ${two}/task/${encodeURIComponent(id!)}`, { body: { statusCode } });
    await pass(100);
    return [answer.statusCode, (await native()).last?.state];
  };

  test.each<[unknown, unknown[]]>([
    [0, [204, 'succeeded']],
    ['0', [204, 'succeeded']],
    [1, [204, 'failed']],
    [-1, [204, 'failed']],
    [137, [204, 'failed']],
    [4_294_967_295, [204, 'failed']],
    [null, [400, undefined]],
    ['many', [400, undefined]],
  ])('the callback with %j', async (code, [status, state]) => {
    expect(await tell(code)).toEqual([status, state]);
  });

  test('killing them also ends the runs that wait', async () => {
    await put({ retries: 2 });
    await api.send(`PUT ${three}/job/a`);
    await api.send(`PUT ${three}/job/a`);
    expect((await native()).waiting).toHaveLength(1);
    expect((await api.send(`DELETE ${three}/task/kill/a`)).statusCode).toBe(204);
    await pass(120_000);
    expect([starts(), (await native()).waiting, (await native()).running]).toEqual([1, [], []]);
    await api.send(`PUT ${three}/job/a`);
    await pass(1_000);
    api.world.engine.exit(api.world.engine.newest('a'), 1);
    await pass(1_000);
    expect((await native()).waiting).toHaveLength(1);
    await api.send(`DELETE ${two}/task/kill/a`);
    await pass(120_000);
    expect([starts(), (await native()).waiting]).toEqual([2, []]);
  });
});
