/**
 * What Chronos' clients send, and what each generation of Chronos answers, as a table. The answers are written
 * from what Chronos documents and does; none was taken from this server.
 */

import { afterAll, describe, expect, test } from 'vitest';
import { chronosWorld, nightly, three, two } from './asking.ts';

const { api, ask } = await chronosWorld();
afterAll(() => api.close());

describe('jobs are written with an empty answer', () => {
  const dependent = { name: 'after-nightly', command: 'echo', parents: ['nightly'] };
  test.each<[string, string, unknown, number]>([
    ['a new scheduled job', `POST ${three}/iso8601`, nightly, 204],
    ['the same again', `POST ${three}/iso8601`, nightly, 204],
    ['a dependent job', `POST ${three}/dependency`, dependent, 204],
    ['by the address of 2.x', `POST ${two}/iso8601`, { ...nightly, epsilon: 'PT30M', async: false }, 204],
    ['an update of 2.x', `PUT ${two}/iso8601`, nightly, 204],
    ['a dependent job as an update of 2.x', `PUT ${two}/dependency`, dependent, 204],
    ['unknown fields', `POST ${three}/iso8601`, { ...nightly, colour: 'red', jobType: {} }, 204],
    [
      'null for what is left out',
      `POST ${three}/iso8601`,
      { ...nightly, owner: null, scheduleTimeZone: 'null' },
      204,
    ],
    ['a number for a name', `POST ${three}/iso8601`, { ...nightly, name: 17 }, 204],
    ['texts for numbers', `POST ${three}/iso8601`, { ...nightly, cpus: '0.5', retries: '3', mem: '64' }, 204],
    ['once, now', `POST ${three}/iso8601`, { ...nightly, name: 'once', schedule: 'R1//P' }, 204],
    [
      'never',
      `POST ${three}/iso8601`,
      { ...nightly, name: 'never', schedule: 'R0/2026-12-01T00:00:00Z/PT1H' },
      204,
    ],
    ['from now on', `POST ${three}/iso8601`, { ...nightly, name: 'often', schedule: 'R//PT10M' }, 204],
    ['neither schedule nor parents', `POST ${three}/iso8601`, { name: 'bare', command: 'echo' }, 204],
  ])('%s', async (_, request, body, status) => {
    const response = await ask(request, body);
    expect([response.statusCode, response.body]).toEqual([status, '']);
  });
});

describe('what is wrong is refused, in the form of the generation', () => {
  const bad: [string, string, string, unknown, string | RegExp][] = [
    [
      'a job that is not there is run',
      'PUT',
      '/job/nobody',
      undefined,
      "requirement failed: Job 'nobody' not found",
    ],
    [
      'a job that is not there is deleted',
      'DELETE',
      '/job/nobody',
      undefined,
      "JobSchedule 'nobody' not found",
    ],
    [
      'a job that is not there is asked for',
      'GET',
      '/job/nobody',
      undefined,
      "requirement failed: Job 'nobody' not found",
    ],
    [
      'a schedule that is none',
      'POST',
      '/iso8601',
      { ...nightly, schedule: 'daily' },
      "Cannot parse schedule 'daily'",
    ],
    [
      'a schedule before 1970',
      'POST',
      '/iso8601',
      { ...nightly, name: 'old', schedule: 'R/1969-12-31T00:00:00Z/P1D' },
      /is before 1970!/,
    ],
    [
      'a repeat without length',
      'POST',
      '/iso8601',
      { ...nightly, schedule: 'R/2026-12-01T00:00:00Z/PT0S' },
      /length zero/,
    ],
    ['a name with a slash', 'POST', '/iso8601', { ...nightly, name: 'a/b' }, /the job's name is invalid/],
    ['no name', 'POST', '/iso8601', { command: 'x', schedule: 'R//P1D' }, /no name/],
    [
      'parents that are not there',
      'POST',
      '/dependency',
      { name: 'x', command: 'x', parents: ['nobody'] },
      /nobody/,
    ],
    ['no parents', 'POST', '/dependency', { name: 'x', command: 'x', parents: [] }, /parent/],
    [
      'a dependent job at the wrong address',
      'POST',
      '/iso8601',
      { name: 'x', command: 'x', parents: ['nightly'] },
      /dependency/,
    ],
    ['a number that is none', 'POST', '/iso8601', { ...nightly, retries: 'many' }, /retries/],
    ['a list instead of a job', 'POST', '/iso8601', [nightly], /JSON object/],
  ];
  test.each(bad)('%s: JSON in 3.x, plain text in 2.x', async (_, method, path, body, message) => {
    const third = await ask(`${method} ${three}${path}`, body);
    expect(third.statusCode).toBe(400);
    expect(third.headers['content-type']).toMatch(/^application\/json/);
    expect(Object.keys(third.json())).toEqual(['status', 'message']);
    expect(third.json()).toMatchObject({ status: 'Bad Request', message: expect.stringMatching(message) });
    const second = await ask(`${method} ${two}${path}`, body);
    expect(second.statusCode).toBe(400);
    expect(second.headers['content-type']).toMatch(/^text\/plain/);
    expect(second.body).toMatch(message);
  });

  test('a cycle names its jobs', async () => {
    await ask(`POST ${three}/dependency`, { name: 'after-nightly', command: 'x', parents: ['nightly'] });
    const answer = await ask(`POST ${three}/dependency`, {
      ...nightly,
      schedule: undefined,
      parents: ['after-nightly'],
    });
    expect(answer.statusCode).toBe(400);
    expect(answer.json().message).toMatch(/nightly.*after-nightly|after-nightly.*nightly/);
  });

  test.each([
    ['JSON that breaks off', '{"name": "x"'],
    ['nothing', ''],
  ])('%s', async (_, body) => {
    expect((await ask(`POST ${three}/iso8601`, body)).statusCode).toBe(400);
  });

  test.each([
    [`PUT ${three}/iso8601`, 'POST'],
    [`DELETE ${two}/jobs`, 'GET'],
  ])('%s is not there: 405', async (request, allowed) => {
    const answer = await ask(request);
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, allowed]);
  });

  test('an address that is none: 404', async () => {
    expect((await ask(`GET ${three}/info`)).statusCode).toBe(404);
  });
});

describe('jobs are read', () => {
  const keys3 =
    'name,command,shell,executor,executorFlags,taskInfoData,retries,owner,ownerName,description,successCount,' +
    'errorCount,lastSuccess,lastError,cpus,disk,mem,disabled,softError,dataProcessingJobType,' +
    'errorsSinceLastSuccess,fetch,uris,environmentVariables,arguments,highPriority,runAsUser,concurrent,' +
    'maxCompletionTime,constraints,schedule,scheduleTimeZone';

  test('a fresh job has every field in its place, zeros and empty texts where nothing was sent', async () => {
    await ask(`POST ${three}/iso8601`, { ...nightly, name: 'fresh' });
    const job = (await ask(`GET ${three}/job/fresh`)).json();
    expect(Object.keys(job).join()).toBe(keys3);
    expect(job).toEqual({
      name: 'fresh',
      command: 'echo hi',
      shell: true,
      executor: '',
      executorFlags: '',
      taskInfoData: '',
      retries: 2,
      owner: '',
      ownerName: '',
      description: '',
      successCount: 0,
      errorCount: 0,
      lastSuccess: '',
      lastError: '',
      cpus: 0.1,
      disk: 256,
      mem: 128,
      disabled: false,
      softError: false,
      dataProcessingJobType: false,
      errorsSinceLastSuccess: 0,
      fetch: [],
      uris: [],
      environmentVariables: [],
      arguments: [],
      highPriority: false,
      runAsUser: 'root',
      concurrent: false,
      maxCompletionTime: 0,
      constraints: [],
      schedule: 'R/2026-12-01T02:00:00Z/PT24H',
      scheduleTimeZone: '',
    });
  });

  test('2.x has epsilon after shell and async after description', async () => {
    const keys = Object.keys((await ask(`GET ${two}/job/fresh`)).json());
    expect(keys.indexOf('epsilon')).toBe(keys.indexOf('shell') + 1);
    expect(keys.indexOf('async')).toBe(keys.indexOf('description') + 1);
  });

  test('a dependent job has parents and no schedule', async () => {
    const job = (await ask(`GET ${three}/job/after-nightly`)).json();
    expect(Object.keys(job).join()).toBe(keys3.replace('schedule,scheduleTimeZone', 'parents'));
    expect(job.parents).toEqual(['nightly']);
  });

  test('the list is one line', async () => {
    const answer = await ask(`GET ${two}/jobs`);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.body).not.toContain('\n');
    expect(answer.json().map((job: { name: string }) => job.name)).toContain('nightly');
  });

  test('everything that was sent reads back the same', async () => {
    const sent = {
      name: 'whole',
      command: 'run',
      shell: false,
      executor: 'e',
      executorFlags: 'f',
      taskInfoData: 't',
      retries: 7,
      owner: 'a@x.org,b@x.org',
      ownerName: 'Ann',
      description: 'all of it',
      cpus: 1.5,
      disk: 512,
      mem: 64,
      disabled: true,
      softError: true,
      dataProcessingJobType: true,
      fetch: [{ uri: 'http://x/y.tgz', output_file: 'y', executable: false, cache: true, extract: false }],
      environmentVariables: [
        { name: 'B', value: '2' },
        { name: 'A', value: '1' },
      ],
      arguments: ['-v', 'two words'],
      highPriority: true,
      runAsUser: 'nobody',
      concurrent: true,
      maxCompletionTime: 90,
      constraints: [
        ['rack', 'EQUALS', 'r1'],
        ['os', 'LIKE', 'lin.*'],
      ],
      schedule: 'R5/2026-W50-1T02:00Z/P1W',
      scheduleTimeZone: 'Europe/Berlin',
    };
    expect((await ask(`POST ${three}/iso8601`, sent)).statusCode).toBe(204);
    expect((await ask(`GET ${three}/job/whole`)).json()).toMatchObject(sent);
    const old = { ...sent, name: 'whole2', epsilon: 'PT15M', async: true };
    expect((await ask(`POST ${two}/iso8601`, old)).statusCode).toBe(204);
    expect((await ask(`GET ${two}/job/whole2`)).json()).toMatchObject(old);
  });

  test('what a client sends back as it read it changes nothing', async () => {
    for (const name of ['whole', 'fresh', 'once', 'often', 'bare', 'after-nightly']) {
      const read = (await ask(`GET ${three}/job/${name}`)).json();
      const before = await api.get(`/jobs/${name}`);
      await ask(`POST ${three}/${read.parents ? 'dependency' : 'iso8601'}`, read);
      expect((await api.get(`/jobs/${name}`)).revision, name).toBe(before.revision);
    }
  });
});
