/** Parameters that a job declares: what a job may declare, what a run may be given, and what it has in the end. */

import { describe, expect, test } from 'vitest';
import { CarillonError, problemsIn } from '../../../src/errors.ts';
import { parseRunPolicy } from '../../../src/node/run-policy.ts';
import type { Asker, Role } from '../../../src/scheduler/access/principal.ts';
import type { GivenParams } from '../../../src/scheduler/job/params.ts';
import type { LaunchSpec } from '../../../src/scheduler/job/spec.ts';
import type { Run } from '../../../src/scheduler/model/model.ts';
import { wordsOf } from '../../support/in-words.ts';
import { Rig, testSettings } from '../../support/rig.ts';

/** `code field: message` of all problems. */
function refusal(act: () => unknown): string[] {
  try {
    act();
  } catch (error) {
    if (!(error instanceof CarillonError)) throw error;
    return problemsIn(error).map(({ code, details, message }) => `${code} ${details.field}: ${message}`);
  }
  return [];
}

function rigWith(...definitions: ({ name: string } & Record<string, unknown>)[]): Rig {
  const rig = new Rig('2026-11-30T00:00:00Z');
  rig.put(...definitions);
  return rig;
}

const by = 'ann';
const trigger = (rig: Rig, name: string, params: GivenParams, asker?: Asker): Run =>
  rig.submit({ kind: 'trigger', name, triggerId: `t${++rig.triggers}`, params, by }, asker);
const start = (rig: Rig, names: string[], params: GivenParams, asker?: Asker) =>
  rig.submit({ kind: 'start', names, triggerId: `s${++rig.triggers}`, dryRun: false, params, by }, asker);
const asker = (role: Role): Asker => ({
  principal: { kind: 'token', name: role, id: role, bindings: [{ role }] },
  from: null,
  via: null,
});
const launched = (rig: Rig): LaunchSpec => {
  const effect = rig.effects.filter(({ kind }) => kind === 'launch').at(-1);
  return effect?.kind === 'launch' ? effect.spec : expect.fail('nothing was launched');
};
const below = (...parents: string[]) => ({ after: { parents } });
const day = { type: 'date' };
const region = { values: ['eu', 'us'], default: 'eu' };

describe('a job may declare', () => {
  test.each<[string, object]>([
    ['a parameter of each type', { a: {}, b: { type: 'integer', minimum: 1 }, c: { type: 'secret' } }],
    ['a default among its values', { region }],
    ['numbers as numbers or as text', { n: { type: 'integer', values: [1, '2'], default: 2 } }],
    ['a variable that programs obey', { PATH: {} }],
    ['nothing, so that its runs are given nothing', {}],
  ])('%s', (_, params) => {
    expect(refusal(() => rigWith({ name: 'a', params }))).toEqual([]);
  });

  test.each<[string, object, string[]]>([
    [
      'no default that is not of the type',
      { params: { n: { type: 'integer', default: 'x' } } },
      ['INVALID_FIELD params.n.default: params.n.default is "x". Allowed: a whole number.'],
    ],
    [
      'no default that is none of its values',
      { params: { region: { ...region, default: 'asia' } } },
      ['INVALID_FIELD params.region.default: params.region.default is "asia". Allowed: eu, us.'],
    ],
    [
      'no value that is not of the type',
      { params: { d: { type: 'date', values: ['2026-02-29'] } } },
      [
        'INVALID_FIELD params.d.values[0]: params.d.values[0] is "2026-02-29". Allowed: a date such as 2026-11-21.',
      ],
    ],
    [
      'no default that is a list',
      { params: { s: { default: ['x'] } } },
      [
        'INVALID_FIELD params.s.default: params.s.default is a list of 1. Allowed: text, a number, true or false.',
      ],
    ],
    [
      'no default beyond its maximum',
      { params: { n: { type: 'number', minimum: 0, maximum: 1, default: 1.5 } } },
      ['INVALID_FIELD params.n.default: params.n.default is 1.5. Allowed: a number from 0 to 1.'],
    ],
    [
      'no bounds of a text',
      { params: { s: { minimum: 1 } } },
      ['INVALID_FIELD params.s.minimum: params.s.minimum has no effect on the type string.'],
    ],
    [
      'no values of a secret',
      { params: { s: { type: 'secret', values: ['env:A'] } } },
      ['INVALID_FIELD params.s.values: params.s.values has no effect on the type secret.'],
    ],
    [
      'no secret itself',
      { params: { s: { type: 'secret', default: 'hunter2' } } },
      [
        'INVALID_FIELD params.s.default: params.s.default is "hunter2". Allowed: a reference to a secret: file:/path, env:NAME or vault:path#key.',
      ],
    ],
    [
      'no names of Carillon',
      { params: { CARILLON_DUE: day } },
      ['INVALID_FIELD params.CARILLON_DUE: "CARILLON_DUE" is not a valid name of a parameter.'],
    ],
    [
      'no name of its environment',
      { params: { A: {} }, run: { command: 'true', env: { A: 'x' } } },
      ['INVALID_FIELD params.A: A is in both params and run.env.'],
    ],
    [
      'no required one that its schedule cannot give',
      { params: { day: { ...day, required: true } }, schedule: { cron: '0 2 * * *' } },
      ['INVALID_FIELD params.day: params.day is required, but the runs of the schedule are given no value.'],
    ],
    [
      'no unknown type',
      { params: { day: { type: 'dat' } } },
      [
        'INVALID_FIELD params.day.type: params.day.type is "dat". Allowed: one of string, integer, number, boolean, date, time, duration, secret. Did you mean date?',
      ],
    ],
    [
      'no parameters of what somebody else runs',
      { params: { day }, run: undefined, schedule: { cron: '0 2 * * *' } },
      [
        'INVALID_FIELD params: params has no effect on a job without run, because somebody else runs it. Allowed: with run.',
      ],
    ],
  ])('%s', (_, definition, expected) => {
    expect(refusal(() => rigWith({ name: 'a', ...definition }))).toEqual(expected);
  });
});

describe('a run', () => {
  const params = {
    region,
    day,
    count: { type: 'integer', minimum: 1, maximum: 9 },
    share: { type: 'number' },
    full: { type: 'boolean' },
    at: { type: 'time' },
    wait: { type: 'duration' },
  };

  test.each<[string, GivenParams, GivenParams]>([
    ['has the defaults of what it is not given', {}, { region: 'eu' }],
    [
      'has what it is given instead',
      { region: 'us', day: '2026-11-01' },
      { region: 'us', day: '2026-11-01' },
    ],
    ['takes numbers as numbers and as text', { count: 5, share: '1.50' }, { count: '5', share: '1.5' }],
    ['has one text for each number', { count: '007', share: -0 }, { count: '7', share: '0' }],
    ['takes true and false', { full: true }, { full: 'true' }],
    ['takes true and false as text', { full: 'false' }, { full: 'false' }],
    ['takes times and durations', { at: '06:30', wait: '1h30m' }, { at: '06:30', wait: '1h30m' }],
    ['keeps the arguments of a client of Chronos', { CHRONOS_ARGUMENTS: '-v' }, { CHRONOS_ARGUMENTS: '-v' }],
  ])('%s', (_, given, expected) => {
    const run = trigger(rigWith({ name: 'a', params }), 'a', given);
    expect(run.params).toEqual({ region: 'eu', ...expected });
  });

  test.each<[string, GivenParams, string]>([
    [
      'another value than the allowed ones',
      { region: 'asia' },
      'INVALID_FIELD params.region: params.region is "asia". Allowed: eu, us.',
    ],
    [
      'a date that does not exist',
      { day: '2026-02-30' },
      'INVALID_FIELD params.day: params.day is "2026-02-30". Allowed: a date such as 2026-11-21.',
    ],
    [
      'a number beyond its maximum',
      { count: 10 },
      'INVALID_FIELD params.count: params.count is 10. Allowed: a whole number from 1 to 9.',
    ],
    [
      'half of a whole number',
      { count: 1.5 },
      'INVALID_FIELD params.count: params.count is 1.5. Allowed: a whole number from 1 to 9.',
    ],
    [
      'a number that is none',
      { share: 'NaN' },
      'INVALID_FIELD params.share: params.share is "NaN". Allowed: a number.',
    ],
    [
      'yes for true',
      { full: 'yes' },
      'INVALID_FIELD params.full: params.full is "yes". Allowed: true or false.',
    ],
    [
      '24:00',
      { at: '24:00' },
      'INVALID_FIELD params.at: params.at is "24:00". Allowed: a time of day such as 06:30 or 06:30:00.',
    ],
    [
      'a list',
      { region: ['eu'] as never },
      'INVALID_FIELD params.region: params.region is a list of 1. Allowed: eu, us.',
    ],
    [
      'a list for true',
      { full: ['true'] as never },
      'INVALID_FIELD params.full: params.full is a list of 1. Allowed: true or false.',
    ],
    [
      'nothing',
      { day: '' },
      'INVALID_FIELD params.day: params.day is "". Allowed: a date such as 2026-11-21.',
    ],
    [
      'a misspelt name',
      { regoin: 'eu' },
      "UNKNOWN_FIELD params.regoin: The job has no parameter 'regoin'. Did you mean region?",
    ],
    [
      'NUL',
      { region: 'e\0' },
      'INVALID_FIELD params.region: params.region contains a NUL (\\u0000) at position 2. Allowed: text without it.',
    ],
  ])('is refused with %s', (_, given, expected) => {
    const rig = rigWith({ name: 'a', params });
    expect(refusal(() => trigger(rig, 'a', given))).toEqual([expected]);
    expect(rig.state.runs.size).toBe(0);
  });

  test('is refused with all that is wrong with it', () => {
    const rig = rigWith({ name: 'a', params: { ...params, day: { ...day, required: true } } });
    const codes = refusal(() => trigger(rig, 'a', { region: 'x', no: '1' })).map(
      (text) => text.split(':')[0],
    );
    expect(codes).toEqual([
      'INVALID_FIELD params.region',
      'UNKNOWN_FIELD params.no',
      'MISSING_FIELD params.day',
    ]);
  });

  test('of a job that declares none takes any text', () => {
    const rig = rigWith({ name: 'a' });
    expect(trigger(rig, 'a', { DAY: 'x' }).params).toEqual({ DAY: 'x' });
    expect(refusal(() => trigger(rig, 'a', { N: 1 }))).toEqual([
      'INVALID_FIELD params.N: params.N is 1. Allowed: text, because the job declares no params.',
    ]);
  });

  test('of a job that declares no parameter at all takes none', () => {
    const rig = rigWith({ name: 'a', params: {} });
    expect(refusal(() => trigger(rig, 'a', { DAY: 'x' }))).toEqual([
      "UNKNOWN_FIELD params.DAY: The job has no parameter 'DAY'. The job takes none.",
    ]);
  });

  test('by schedule has the defaults, which survive a change of leader', () => {
    const rig = rigWith({ name: 'a', params, schedule: { cron: '0 2 * * *' } });
    rig.advance('2026-11-30T02:00:00Z');
    expect(launched(rig).env).toMatchObject({ region: 'eu' });
    rig.restart();
    expect(rig.runOf('a').params).toEqual({ region: 'eu' });
  });

  test('again keeps its parameters, whatever the job declares now', () => {
    const rig = rigWith({ name: 'a', params });
    trigger(rig, 'a', { day: '2026-11-01' });
    rig.end('a');
    rig.put({
      name: 'a',
      params: { region: { ...region, default: 'us' }, full: { type: 'boolean', default: true } },
    });
    const [run] = rig.history;
    const again = rig.submit({ kind: 'rerun', run: run as Run, triggerId: 'again', by });
    expect(again.params).toEqual({ region: 'eu', day: '2026-11-01', full: 'true' });
  });
});

describe('a start of several jobs', () => {
  const jobs = [
    { name: 'a', params: { day, region } },
    { name: 'b', params: { day: { type: 'string' } }, schedule: below('a') },
    { name: 'c', schedule: below('b') },
    { name: 'd', params: { region: { values: ['eu'], default: 'eu' } }, schedule: below('c') },
  ];

  test('gives each job what it declares, at once and after others', () => {
    const rig = rigWith(...jobs);
    start(rig, ['a', 'b'], { day: '2026-11-01' });
    expect(rig.runOf('a').params).toEqual({ day: '2026-11-01', region: 'eu' });
    rig.restart();
    rig.end('a');
    expect(rig.runOf('b').params).toEqual({ day: '2026-11-01' });
  });

  test('is also for the jobs that follow, through jobs that declare nothing', () => {
    const rig = rigWith(...jobs);
    trigger(rig, 'a', { region: 'eu' });
    for (const name of ['a', 'b', 'c']) rig.end(name);
    expect(rig.runOf('d').params).toEqual({ region: 'eu' });
  });

  test('skips a job that follows and may not have the value', () => {
    const rig = rigWith(...jobs);
    trigger(rig, 'a', { region: 'us' });
    for (const name of ['a', 'b', 'c']) rig.end(name);
    expect(rig.runs('d')).toEqual(['skipped 00:00']);
    expect(rig.reasons('d')).toEqual(['params.region is "us". Allowed: eu']);
  });

  test('passes no defaults on', () => {
    const rig = rigWith(
      { name: 'a', params: { region: { ...region, default: 'us' } } },
      { name: 'b', params: { region }, schedule: below('a') },
    );
    trigger(rig, 'a', {});
    rig.end('a');
    expect(rig.runOf('b').params).toEqual({ region: 'eu' });
  });

  test('again passes the same on', () => {
    const rig = rigWith(...jobs);
    start(rig, ['a'], { day: '2026-11-01' });
    rig.end('a', 1);
    rig.submit({ kind: 'rerun', run: rig.history[0] as Run, triggerId: 'again', by });
    rig.end('a');
    expect(rig.runOf('b').params).toEqual({ day: '2026-11-01' });
  });

  test.each<[string, string[], GivenParams, string[]]>([
    [
      'a parameter that none declares',
      ['a', 'c'],
      { dya: 'x' },
      [
        "UNKNOWN_FIELD params.dya: None of the jobs declares the parameter 'dya' in params. Did you mean day?",
      ],
    ],
    [
      'a value that one of them refuses',
      ['a', 'b'],
      { day: 'x' },
      ['INVALID_FIELD params.day: a: params.day is "x". Allowed: a date such as 2026-11-21.'],
    ],
  ])('is refused with %s', (_, names, given, expected) => {
    const rig = rigWith(...jobs);
    expect(refusal(() => start(rig, names, given))).toEqual(expected);
    expect(rig.state.runs.size).toBe(0);
  });
});

describe('a secret', () => {
  const secret = { type: 'secret' };
  const reference = 'file:/run/secrets/token';

  test('is a reference, read when the run is launched', () => {
    const rig = rigWith({ name: 'a', params: { TOKEN: secret, DB: { ...secret, default: 'env:DB' } } });
    expect(trigger(rig, 'a', { TOKEN: 'vault:secret/data/etl#key' }).params).toEqual({
      TOKEN: 'vault:secret/data/etl#key',
      DB: 'env:DB',
    });
    expect(launched(rig).secrets).toEqual({
      TOKEN: { vault: { path: 'secret/data/etl', key: 'key' } },
      DB: { env: 'DB' },
    });
    expect(launched(rig).env).not.toHaveProperty('TOKEN');
  });

  test.each([
    'hunter2',
    'file:relative',
    'file:/',
    'env:A B',
    'vault:secret/etl#key',
    'vault:secret/data/etl',
    'vault:secret/data/etl#a#b',
    'exec:/bin/cat',
  ])('is not %s', (TOKEN) => {
    const rig = rigWith({ name: 'a', params: { TOKEN: secret } });
    expect(refusal(() => trigger(rig, 'a', { TOKEN }))[0]).toContain('INVALID_FIELD params.TOKEN');
  });

  test('is judged by the run policy', () => {
    const policy =
      'rules: [{ name: all, allow: { engines: ["*"], users: [(own)], secrets: { file: [/run/secrets/ok] } } }]';
    const rig = new Rig('2026-11-30T00:00:00Z', {
      ...testSettings,
      runPolicy: parseRunPolicy(policy, 'p.yaml'),
    });
    rig.put({ name: 'a', params: { TOKEN: secret } });
    trigger(rig, 'a', { TOKEN: reference });
    expect(wordsOf(rig.history[0]?.reason)).toContain('run.secrets.TOKEN.file is "/run/secrets/token"');
    expect(trigger(rig, 'a', { TOKEN: 'file:/run/secrets/ok' }).state).toBe('launching');
  });

  test('is given by those who may edit the job, and other parameters by operators', () => {
    const rig = rigWith({ name: 'a', params: { TOKEN: secret, PATH: {}, day } });
    const refused = refusal(() => trigger(rig, 'a', { TOKEN: reference }, asker('operator')));
    expect(refused[0]).toContain('FORBIDDEN');
    expect(refusal(() => start(rig, ['a'], { TOKEN: reference }, asker('operator')))[0]).toContain(
      'FORBIDDEN',
    );
    expect(trigger(rig, 'a', { PATH: '/bin', day: '2026-11-01' }, asker('operator')).state).toBe('launching');
    rig.end('a');
    expect(trigger(rig, 'a', { TOKEN: reference }, asker('editor')).state).toBe('launching');
  });

  test('is passed on to no other job', () => {
    const rig = rigWith(
      { name: 'a', params: { TOKEN: {}, S: secret } },
      { name: 'b', params: { TOKEN: secret, S: { type: 'string' } }, schedule: below('a') },
    );
    trigger(rig, 'a', { TOKEN: reference, S: 'env:B' });
    rig.end('a');
    expect(rig.runOf('b').params).toEqual({});
    expect(refusal(() => start(rig, ['a', 'b'], { TOKEN: reference }))).toEqual([
      'INVALID_FIELD params.TOKEN: The job b follows others of this start, so it cannot be given the secret params.TOKEN.',
    ]);
  });
});

test('a stored job whose parameters cannot be read is held, and keeps nobody from leading', () => {
  const rig = rigWith({ name: 'a', params: { day }, schedule: { cron: '0 2 * * *' } });
  const job = rig.jobs.get('a');
  if (job === undefined) return expect.fail('there is no job');
  const definition = { ...job.definition, params: { day: { type: 'later' as never, default: 'x' } } };
  rig.jobs.set('a', { ...job, definition });
  rig.restart();
  rig.advance('2026-11-30T02:00:00Z');
  expect(rig.state.entry('a').fault).not.toBeNull();
});
