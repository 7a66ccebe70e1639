/** What a launch asks of its engine: the definition with its defaults, and what the job can know of itself. */

import { describe, expect, test } from 'vitest';
import type { LaunchSpec } from '../../../src/scheduler/job/spec.ts';
import { abilities } from '../../support/engines.ts';
import { Rig } from '../../support/rig.ts';

const engines = {
  docker: { concurrency: null, abilities: abilities.docker, tombstoneMs: 600_000 },
  process: { concurrency: null, abilities: abilities.process, tombstoneMs: 600_000 },
};

function specOf(definition: object, params: Record<string, string> = {}): LaunchSpec {
  const rig = new Rig('2026-01-01T00:00:00Z', { engines, pools: {} });
  rig.put({ name: 'a', ...definition });
  rig.trigger('a', params);
  const [effect] = rig.effects.filter(({ kind }) => kind === 'launch');
  if (effect?.kind !== 'launch') return expect.fail('nothing was launched');
  return effect.spec;
}

const image = 'busybox';
const file = '/run/secrets/x';

describe('a launch', () => {
  test('of a command alone asks for nothing else', () => {
    expect(specOf({ run: { command: 'true' } })).toMatchObject({
      engine: 'process',
      installation: 'test',
      term: 1,
      job: 'a',
      attempt: 1,
      due: Date.parse('2026-01-01T00:00:00Z'),
      image: null,
      argv: ['/bin/sh', '-c', 'true'],
      secrets: {},
      workdir: null,
      user: null,
      cpus: null,
      memoryBytes: null,
      gpus: null,
      constraints: [],
      volumes: [],
      pull: 'missing',
      registrySecret: null,
      labels: {},
    });
  });

  test.each<[string, object, object]>([
    ['a program and its arguments', { argv: ['/bin/date', '-u'] }, { argv: ['/bin/date', '-u'] }],
    ['an image with its own program', { image }, { image, argv: null, engine: 'docker' }],
    [
      'an image, a program and arguments',
      { image, entrypoint: ['/bin/date'], args: ['-u'] },
      { argv: ['/bin/date', '-u'] },
    ],
    ['an image and a program alone', { image, entrypoint: ['/bin/date'] }, { argv: ['/bin/date'] }],
    ['a folder to work in', { command: 'true', workdir: '/tmp' }, { workdir: '/tmp' }],
    ['a user', { image, user: 'nobody' }, { user: 'nobody' }],
    [
      'resources',
      { image, resources: { cpus: 0.5, memory: '64MiB' } },
      { cpus: 0.5, memoryBytes: 64 * 1024 * 1024, gpus: null },
    ],
    ['a pull', { image, pull: 'always' }, { pull: 'always' }],
    ['volumes', { image, volumes: ['/a:/b'] }, { volumes: ['/a:/b'] }],
    ['a secret', { command: 'true', secrets: { TOKEN: { file } } }, { secrets: { TOKEN: { file } } }],
    [
      'secrets, of which those that are mounted are no variables',
      { image, secrets: { TOKEN: { file }, OTHER: { file, mount: '/etc/own/x' } } },
      { secrets: { TOKEN: { file } } },
    ],
    ['the log-in of a registry', { image, registry: { secret: { file } } }, { registrySecret: { file } }],
  ])('asks for %s', (_, run, expected) => {
    expect(specOf({ run })).toMatchObject(expected);
  });

  test('that fetches nothing has no list of what to fetch', () => {
    expect(specOf({ run: { command: 'true' } })).not.toHaveProperty('fetch');
  });

  test('has the labels of its job', () => {
    expect(specOf({ labels: { team: 'x' } }).labels).toEqual({ team: 'x' });
  });

  test('fetches what it names, under its own name, as it is', () => {
    const fetch = [
      { uri: 'https://example.com/a.tgz' },
      { uri: 'https://example.com/b', output: 'c', executable: true, extract: false },
      { uri: 'https://example.com/d.tgz', extract: true },
    ];
    expect(specOf({ run: { command: 'true', fetch } }).fetch).toEqual([
      { uri: 'https://example.com/a.tgz', output: 'a.tgz', executable: false, extract: false },
      { uri: 'https://example.com/b', output: 'c', executable: true, extract: false },
      { uri: 'https://example.com/d.tgz', output: 'd.tgz', executable: false, extract: true },
    ]);
  });

  test('knows what it is: its own names stand before those of the run, and these before the definition', () => {
    const { env, run } = specOf({ run: { command: 'true', env: { A: '1', B: '1' } } }, { B: '2' });
    expect(env).toMatchObject({
      A: '1',
      B: '2',
      CARILLON_JOB: 'a',
      CARILLON_RUN: run,
      CARILLON_DUE: '2026-01-01T00:00:00.000Z',
      CARILLON_ATTEMPT: '1',
    });
    expect(env).not.toHaveProperty('CARILLON_PARENTS');
  });

  test('of a child knows the runs of all its parents', () => {
    const rig = new Rig('2026-01-01T00:00:00Z', { engines, pools: {} });
    rig.put({ name: 'a' }, { name: 'b' }, { name: 'c', schedule: { after: { parents: ['a', 'b'] } } });
    for (const name of ['a', 'b']) {
      rig.trigger(name);
      rig.end(name);
    }
    const launch = rig.effects.findLast(({ kind }) => kind === 'launch');
    const parents = rig.history.map(({ id }) => id).join(',');
    expect(launch).toMatchObject({ spec: { job: 'c', env: { CARILLON_PARENTS: parents } } });
  });

  test('that a leader before asked for is asked for with what the definition says now', () => {
    const rig = new Rig('2026-01-01T00:00:00Z', { engines, pools: {} });
    rig.put({ name: 'a' });
    const { launchName } = rig.trigger('a').attempts[0] ?? {};
    rig.put({ name: 'a', run: { command: 'false' } });
    rig.restart();
    rig.inventory([{ launchName: launchName ?? '', state: 'created' }]);
    expect(rig.effects).toMatchObject([
      { kind: 'launch', delayMs: null, spec: { launchName, term: 2, argv: ['/bin/sh', '-c', 'false'] } },
    ]);
  });
});
