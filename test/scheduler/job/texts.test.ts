/** Texts that no program, variable or file can hold are refused where they are sent, with the field. */

import { describe, expect, test } from 'vitest';
import { CarillonError } from '../../../src/errors.ts';
import { toChronos, toDefinition } from '../../../src/scheduler/chronos/mapping.ts';
import { readChronosJob } from '../../../src/scheduler/chronos/read.ts';
import { findProblems } from '../../../src/scheduler/job/check/check.ts';
import { utf8Length } from '../../../src/scheduler/job/texts.ts';
import { Rig } from '../../support/rig.ts';

const problem = (definition: object) =>
  findProblems({ name: 'a', run: { command: 'true' }, ...definition }, 'body')[0];
const nul = 'x\0y';
const half = 'x\ud800y';

describe('a text is refused with its field', () => {
  test.each<[string, object]>([
    ['description', { description: nul }],
    ['owner', { owner: half }],
    ['labels.team', { labels: { team: nul } }],
    ['labels', { labels: { [nul]: 'x' } }],
    ['schedule.cron', { schedule: { cron: nul } }],
    ['run.command', { run: { command: nul } }],
    ['run.command', { run: { command: half } }],
    ['run.argv[1]', { run: { argv: ['echo', nul] } }],
    ['run.env.A', { run: { command: 'x', env: { A: nul } } }],
    ['run.env', { run: { command: 'x', env: { [`A${nul}`]: '' } } }],
    ['run.workdir', { run: { command: 'x', workdir: nul } }],
    ['run.secrets.A.file', { run: { command: 'x', secrets: { A: { file: nul } } } }],
    ['run.volumes[0]', { run: { image: 'x', volumes: [`a:/${half}`] } }],
    ['run.fetch[0].output', { run: { command: 'x', fetch: [{ uri: 'http://a/b', output: nul }] } }],
    ['alerts.to[0]', { alerts: { on: ['failed'], to: [nul] } }],
    ['chronos.name', { chronos: { name: nul } }],
    ['chronos.any.thing[0]', { chronos: { any: { thing: [half] } } }],
  ])('%s', (field, definition) => {
    const found = problem(definition);
    expect(found).toMatchObject({ code: 'INVALID_FIELD', details: { field, source: 'body' } });
    expect(found?.message).toMatch(
      /contains (a NUL \(\\u0000\)|a lone surrogate \(\\ud800\)) at position [235]/,
    );
  });

  test('all characters that are whole pass', () => {
    expect(problem({ description: 'tab\t, bell \u0007, é, 🔔, \u202e' })).toBeUndefined();
  });
});

describe('what the system counts in bytes is bounded in bytes', () => {
  const wide = (bytes: number) => 'é'.repeat(bytes / 2);
  test.each<[string, number, (text: string) => object]>([
    ['run.command', 65_536, (command) => ({ run: { command } })],
    ['run.argv[0]', 65_536, (word) => ({ run: { argv: [word] } })],
    ['run.env.A', 65_536, (A) => ({ run: { command: 'x', env: { A } } })],
    ['run.workdir', 254, (name) => ({ run: { command: 'x', workdir: `/${name}` } })],
    [
      'run.fetch[0].output',
      254,
      (output) => ({ run: { command: 'x', fetch: [{ uri: 'http://a/b', output }] } }),
    ],
    ['run.secrets.A.file', 254, (name) => ({ run: { command: 'x', secrets: { A: { file: `/${name}` } } } })],
  ])('%s', (field, most, definition) => {
    expect(problem(definition(wide(most)))).toBeUndefined();
    const found = problem(definition(wide(most + 2)));
    expect(found).toMatchObject({ code: 'INVALID_FIELD', details: { field } });
    expect(found?.message).toMatch(/Allowed: at most \d+ bytes/);
  });

  test('a path', () => {
    const path = '/é'.repeat(1_365);
    expect(problem({ run: { command: 'x', workdir: path } })).toBeUndefined();
    expect(problem({ run: { command: 'x', workdir: `${path}/` } })).toMatchObject({
      details: { field: 'run.workdir', allowed: 'at most 4095 bytes' },
    });
  });

  test('a variable name', () => {
    const env = (length: number) => ({ run: { command: 'x', env: { ['A'.repeat(length)]: '' } } });
    expect(problem(env(255))).toBeUndefined();
    expect(problem(env(256))).toMatchObject({ details: { allowed: 'at most 255 bytes' } });
  });

  test('parameters of a run, by hand or as arguments of Chronos', () => {
    const rig = new Rig('2026-01-01T00:00:00Z');
    rig.put({ name: 'a' });
    expect(() => rig.trigger('a', { A: nul })).toThrowError(/params\.A contains a NUL/);
    expect(() => rig.trigger('a', { CHRONOS_ARGUMENTS: half })).toThrowError(/a lone surrogate/);
    expect(() => rig.trigger('a', { A: wide(4_098) })).toThrowError(/longer than 4096 bytes/);
    expect(rig.trigger('a', { A: wide(4_096) }).state).toBe('launching');
  });

  test('a job as a whole', () => {
    const argv = Array.from({ length: 9 }, () => 'a'.repeat(60_000));
    expect(problem({ run: { argv } })?.message).toMatch(
      /540\d+ bytes\. Allowed: at most 524288 bytes as JSON/,
    );
    expect(problem({ run: { argv: argv.slice(1) } })).toBeUndefined();
  });

  test('bytes are those of UTF-8', () => {
    for (const text of ['', 'a', 'é', '\u20ac', '🔔', 'a🔔é', '\ud800', '\udc00\ud800'])
      expect(utf8Length(text)).toBe(Buffer.byteLength(text));
  });
});

test('what is kept for Chronos is bounded in depth', () => {
  let deep: unknown = 1;
  for (let i = 0; i < 6_000; i++) deep = [deep];
  expect(problem({ chronos: { deep } })).toMatchObject({
    code: 'INVALID_FIELD',
    details: { allowed: 'at most 16 levels' },
  });
});

test.each(['.', '..'])('a job named %s cannot be asked for, and is refused', (name) => {
  expect(problem({ name })).toMatchObject({ code: 'INVALID_FIELD', details: { field: 'name' } });
  expect(problem({ name: `a${name}` })).toBeUndefined();
});

describe('jobs of Chronos', () => {
  const sent = (json: object) => () => readChronosJob({ name: 'a', command: 'true', ...json });
  test.each<[string, object]>([
    ['command', { command: nul }],
    ['description', { description: half }],
    ['arguments[0]', { arguments: [nul] }],
    ['environmentVariables[0].value', { environmentVariables: [{ name: 'A', value: nul }] }],
    ['container.image', { container: { image: nul } }],
  ])('%s is refused with its field', (field, json) => {
    expect(sent(json)).toThrowError(expect.objectContaining({ code: 'INVALID_FIELD' }));
    expect(sent(json)).toThrowError(expect.objectContaining({ details: expect.objectContaining({ field }) }));
  });

  test('named . are refused as others are', () => {
    const target = { generation: 3, now: 0, before: null, unmapped: [] } as const;
    expect(problem(toDefinition(sent({ name: '..' })(), target))).toMatchObject({
      details: { field: 'name' },
    });
  });
});

describe('the part of a definition that is kept for Chronos', () => {
  test.each<[string, unknown]>([
    ['schedule', 5.5e300],
    ['environmentVariables', [null]],
    ['constraints', 'x'],
    ['fetch', [{}]],
    ['container', []],
  ])('%s of another form is refused', (field, value) => {
    const found = problem({ chronos: { [field]: value } });
    if (field === 'schedule') expect(found).toBeUndefined();
    else expect(found?.details.field).toMatch(`chronos.${field}`);
  });

  test('is read as far as it can be where it was stored before', () => {
    const rig = new Rig('2026-01-01T00:00:00Z');
    rig.put({ name: 'a', schedule: { every: 'PT5M' } });
    const job = rig.jobs.get('a')!;
    const chronos = { schedule: 'garbage', environmentVariables: [null], cpus: {}, begins: 'x', unmapped: 5 };
    rig.jobs.set('a', { ...job, definition: { ...job.definition, description: nul, chronos } });
    rig.restart();
    expect(toChronos(rig.view('a'))).toMatchObject({ name: 'a', description: nul, cpus: 0.1 });
    expect(rig.trigger('a').state).toBe('launching');
  });
});

test('a pool or an engine is one that was configured, not a property of every object', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  for (const name of ['constructor', '__proto__', 'toString']) {
    expect(() => rig.put({ name: 'a', policy: { pool: name } })).toThrowError(CarillonError);
    expect(() => rig.put({ name: 'a', run: { command: 'x', engine: name } })).toThrowError(CarillonError);
  }
});

/** Each of these took seconds for one text, by trying every way to split it, and minutes for the job. */
test('a long text that almost fits is judged in a moment', () => {
  const colons = ':'.repeat(65_000);
  const hosts = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`h${i}`, `${colons}x`]));
  expect(problem({ run: { image: 'x', hosts } })?.details.field).toMatch('run.hosts.h0');
  const fetch = Array.from({ length: 64 }, () => ({ uri: `http://${'a'.repeat(4_000)} b` }));
  expect(problem({ run: { command: 'x', fetch } })?.details.field).toMatch('run.fetch[0].uri');
  const constraints = Array.from({ length: 64 }, () => `node.labels.a${' '.repeat(4_000)}b`);
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put({ name: 'a' });
  const job = rig.jobs.get('a')!;
  rig.jobs.set('a', { ...job, definition: { ...job.definition, run: { image: 'x', constraints } } });
  rig.restart();
  expect(toChronos(rig.view('a')).constraints).toEqual([]);
});
