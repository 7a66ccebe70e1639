/** Moving over from a Chronos, again and again, and back; the Chronos is a list behind an address. */

import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readSavedJobs } from '../../src/cli/chronos.ts';
import { chronosFires } from '../../src/scheduler/chronos/fires.ts';
import { ApiWorld, type Body } from '../support/api-world.ts';
import { runCommand, type Said } from '../support/command-line.ts';

let api: ApiWorld;
let chronos: FastifyInstance;
let source: string;
let jobs: Body[];
let asked: { path: string; authorization: string | undefined }[];

beforeEach(async () => {
  api = await ApiWorld.at('2026-11-21T12:00:00Z');
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  asked = [];
  chronos = fastify({ forceCloseConnections: true });
  chronos.get('*', async (request, reply) => {
    asked.push({ path: request.url, authorization: request.headers.authorization });
    return request.url === '/v1/scheduler/jobs' ? jobs : reply.code(404).send();
  });
  source = await chronos.listen({ host: '127.0.0.1', port: 0 });
  jobs = [
    {
      name: 'nightly',
      command: 'a',
      schedule: 'R/2026-11-22T02:00:00.000Z/PT24H',
      successCount: 40,
      lastSuccess: '2026-11-21T02:00:05.000Z',
    },
    { name: 'after', command: 'b', parents: ['nightly'], retries: 0 },
    { name: 'off', command: 'c', schedule: 'R3/2026-11-22T03:00:00.000Z/PT1H', disabled: true },
    { name: 'drifts', command: 'd', schedule: 'R/2027-01-31T00:00:00.000Z/P1M' },
  ];
});
afterEach(async () => {
  await chronos.close();
  await api.close();
});

function carillon(...args: string[]): Promise<Said> {
  const { port } = api.app.server.address() as AddressInfo;
  const stdin = async () => JSON.stringify(jobs);
  const now = () => api.world.clock.now();
  return api.settled(runCommand(args, { stdin, now, url: `http://127.0.0.1:${port}` }));
}

const names = async () => (await api.get('/jobs')).items.map(({ name }: Body) => name);
const shown = (name: string) => api.get(`//v1/scheduler/job/${name}`);

describe('import chronos', () => {
  test('shows a plan and changes nothing', async () => {
    const { code, out } = await carillon('import', 'chronos', source);
    expect(code).toBe(0);
    expect(out).toMatch(/drifts +created .* run 3: 2027-03-28 .* in Chronos, 2027-03-31 .* here/);
    expect(out).toContain('4 jobs to import, 0 skipped');
    expect(await names()).toEqual([]);
  });

  test('brings jobs with cursor, counts and disabled state, and can be repeated', async () => {
    expect((await carillon('import', 'chronos', source, '--apply')).code).toBe(0);
    expect(await names()).toEqual(['after', 'drifts', 'nightly', 'off']);
    expect(await shown('nightly')).toMatchObject({ ...jobs[0], disabled: false });
    expect(await shown('off')).toMatchObject(jobs[2]);
    expect((await api.get('/jobs/nightly')).nextDue).toBe('2026-11-22T02:00:00.000Z');
    const { out } = await carillon('import', 'chronos', source, '--apply', '--json');
    expect(JSON.parse(out).jobs.map(({ outcome }: Body) => outcome)).toEqual(Array(4).fill('unchanged'));
  });

  test('holds the jobs until imported without --paused, and goes on from where Chronos is then', async () => {
    await carillon('import', 'chronos', source, '--apply', '--paused');
    await api.world.clock.advance(15 * 3_600_000);
    expect(api.world.engine.started).toEqual([]);
    jobs[0].schedule = 'R/2026-11-23T02:00:00.000Z/PT24H';
    jobs[0].successCount = 41;
    await carillon('import', 'chronos', source, '--apply');
    expect(await api.get('/jobs/nightly')).toMatchObject({
      status: 'active',
      nextDue: '2026-11-23T02:00:00.000Z',
    });
    expect(await api.get('/jobs/off')).toMatchObject({ status: 'paused' });
    expect(await shown('nightly')).toMatchObject({ successCount: 41 });
  });

  test('held jobs are released, and held again, by their label in one command', async () => {
    await carillon('import', 'chronos', source, '--apply', '--paused');
    await api.post('/jobs', { name: 'other', run: { command: 'x' }, paused: true });
    const status = async () => (await api.get('/jobs')).items.map(({ status: each }: Body) => each);
    const { out } = await carillon('resume', '--label', 'imported=chronos', '--json');
    expect(JSON.parse(out).map(({ name }: Body) => name)).toEqual(['after', 'drifts', 'nightly']);
    // What was disabled in Chronos, and what is no job of it, stay as they are.
    expect(await status()).toEqual(['active', 'active', 'active', 'paused', 'paused']);
    await carillon('pause', '--label', 'imported');
    expect(new Set(await status())).toEqual(new Set(['paused']));
    expect((await carillon('resume', '--label', 'imported=elsewhere')).out).toBe('no jobs\n');
  });

  test.each([[['resume']], [['pause', 'nightly', '--label', 'imported']]])(
    '%s says neither or both: refused',
    async (args) => {
      const { code, err } = await carillon(...args);
      expect([code, err]).toEqual([2, expect.stringContaining('or select them with --label, but not both')]);
    },
  );

  test('says who asks, and takes the address of 2.x where 3.x is not', async () => {
    const url = source.replace('//', '//ann:se%3Acret@');
    await carillon('import', 'chronos', url);
    expect(asked).toEqual([
      { path: '/v1/scheduler/jobs', authorization: `Basic ${Buffer.from('ann:se:cret').toString('base64')}` },
    ]);
    const { code, err } = await carillon('import', 'chronos', `${source}/elsewhere`);
    expect([code, asked.at(-1)?.path]).toEqual([2, '/elsewhere/scheduler/jobs']);
    expect(err).toContain('has neither /v1/scheduler/jobs nor /scheduler/jobs');
  });

  test('refuses a saved list in which a name stands twice in one job', () => {
    const saved = '[{"name": "a", "command": "one",\n  "command": "two"}]';
    expect(() => readSavedJobs(saved, 'saved.json')).toThrow(
      'saved.json:2:3: the name "command" occurs twice in one object.',
    );
    expect(readSavedJobs(saved.replace('"command": "two"', '"command2": "two"'), 'f').jobs).toHaveLength(1);
  });

  test('leaves out what cannot be, names it, and brings the rest', async () => {
    jobs = [
      { name: 'bad', command: 'x', schedule: 'R/2026-01-01T00:00:00Z/PT0S' },
      { name: 'orphan', command: 'x', parents: ['nobody'] },
      { name: 'a job', command: 'x', schedule: 'R//PT1H', epsilon: 'PT1H' },
      { name: 'its child', command: 'x', parents: ['a job'] },
    ];
    const { code, err } = await carillon('import', 'chronos', '-', '--apply');
    expect(code).toBe(1);
    expect(err).toMatch(/skipped bad: .*length zero/);
    expect(err).toMatch(/skipped orphan: .*nobody/);
    expect(err).toContain("warning: a-job: its name 'a job' is 'a-job' here");
    expect(await names()).toEqual(['a-job', 'its-child']);
    expect(await api.get('//scheduler/job/its%20child')).toMatchObject({
      name: 'its child',
      parents: ['a job'],
    });
    expect((await api.get('/jobs/a-job')).definition.policy.startWithin).toBe('PT1H');
    await carillon('import', 'chronos', '-', '--apply');
    expect((await api.get('/jobs/a-job')).revision).toBe(1);
  });

  test('what comes back from export --format chronos is what went in', async () => {
    await carillon('import', 'chronos', source, '--apply');
    const { out } = await carillon('export', '--format', 'chronos');
    expect(JSON.parse(out)).toMatchObject([jobs[1], jobs[3], jobs[0], jobs[2]]);
  });

  test('export --format chronos-2 keeps async and epsilon, and import takes them back', async () => {
    const old = { ...jobs[0], async: true, epsilon: 'PT15M' };
    await api.send('POST //scheduler/iso8601', { body: old });
    const list = async (...args: string[]): Promise<Body[]> =>
      JSON.parse((await carillon('export', ...args)).out);
    expect(await list('--format', 'chronos-2')).toMatchObject([
      { name: 'nightly', async: true, epsilon: 'PT15M' },
    ]);
    expect((await list('--format', 'chronos'))[0]).not.toHaveProperty('epsilon');
    jobs = await list('--format', 'chronos-2');
    await api.send('DELETE /jobs/nightly');
    expect((await carillon('import', 'chronos', '-', '--apply')).code).toBe(0);
    expect((await api.get('/jobs/nightly')).definition.policy).toMatchObject({
      completion: 'callback',
      startWithin: 'PT15M',
    });
  });

  test('the plan says what a zone and a word were taken for', async () => {
    jobs = [{ ...jobs[0], scheduleTimeZone: 'BST', concurrent: 'yes' }];
    const { err } = await carillon('import', 'chronos', source);
    expect(err).toContain('warning: nightly: scheduleTimeZone BST is taken as Asia/Dhaka, as Java has it');
    expect(err).toContain('warning: nightly: concurrent "yes" is taken as false');
  });
});

describe('when Chronos runs a job, by its own rule', () => {
  const now = Date.parse('2026-11-21T12:00:00Z');
  test.each([
    [
      'what is overdue at once, then on the grid',
      'R/2026-11-20T00:30:00Z/PT1H',
      '',
      ['2026-11-21T12:00:00', '2026-11-21T12:30:00', '2026-11-21T13:30:00'],
    ],
    [
      'the 31st is lost for good',
      'R/2027-01-31T00:00:00Z/P1M',
      '',
      ['2027-01-31T00:00:00', '2027-02-28T00:00:00', '2027-03-28T00:00:00'],
    ],
    [
      'a time that a clock change skips is lost for good',
      'R/2027-03-13T02:30:00/P1D',
      'America/New_York',
      ['2027-03-13T07:30:00', '2027-03-14T07:30:00', '2027-03-15T07:30:00'],
    ],
    ['n runs', 'R2/2026-11-20T00:30:00Z/PT1H', '', ['2026-11-21T12:00:00', '2026-11-21T12:30:00']],
    ['none', 'R0/2026-11-20T00:30:00Z/PT1H', '', []],
  ])('%s: %s', (_, schedule, scheduleTimeZone, expected) => {
    const fires = chronosFires({ schedule, scheduleTimeZone }, { now, most: 3 });
    expect(fires.map((at) => new Date(at).toISOString().slice(0, 19))).toEqual(expected);
  });
});
