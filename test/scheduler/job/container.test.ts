/** The container part of a job: what it means, what is refused, and what each kind of engine can honour. */

import { describe, expect, test } from 'vitest';
import { findProblems } from '../../../src/scheduler/job/check/check.ts';
import { containerSpec, publishedPort } from '../../../src/scheduler/job/container-spec.ts';
import type { RunDefinition } from '../../../src/scheduler/job/definition.ts';
import { plainContainer } from '../../../src/scheduler/job/spec.ts';
import type { Settings } from '../../../src/scheduler/model/model.ts';
import { checkEngine } from '../../../src/scheduler/rules/engine-choice.ts';
import { abilities } from '../../support/engines.ts';

const dropped = ['AUDIT_WRITE', 'MKNOD', 'NET_RAW'];

describe('means', () => {
  test('no more than the defaults where nothing is said', () => {
    expect(containerSpec({ image: 'a' })).toEqual({
      ...plainContainer,
      capabilities: { add: [], drop: dropped },
    });
  });

  test.each<[string, Partial<RunDefinition>, object]>([
    ['one network', { network: 'host' }, { networks: ['host'] }],
    ['several networks', { networks: ['a', 'b'] }, { networks: ['a', 'b'] }],
    ['arguments of the image’s program', { args: ['-v'] }, { args: ['-v'] }],
    ['arguments that an entry point takes along', { entrypoint: ['x'], args: ['-v'] }, { args: null }],
    ['sizes', { tmpfs: { '/a': '1KiB' }, resources: { shm: '2k' } }, { shmBytes: 2048 }],
    [
      'a secret to be mounted',
      { secrets: { A: { file: '/a' }, B: { file: '/b', mount: '/run/b' } } },
      { secretFiles: [{ name: 'B', file: '/b', mount: '/run/b' }] },
    ],
    [
      'capabilities beside those that are dropped',
      { capabilities: { add: ['NET_RAW'], drop: ['CHOWN'] } },
      { capabilities: { add: ['NET_RAW'], drop: ['AUDIT_WRITE', 'MKNOD', 'CHOWN'] } },
    ],
    [
      'only the capabilities that are added',
      { capabilities: { add: ['CHOWN'], drop: ['ALL'] } },
      { capabilities: { add: ['CHOWN'], drop: ['ALL'] } },
    ],
  ])('%s', (_, run, meant) => {
    expect(containerSpec({ image: 'a', ...run })).toMatchObject(meant);
  });

  test.each([
    ['80', 80, null, null, 'tcp'],
    ['8080:80', 80, 8080, null, 'tcp'],
    ['53:53/udp', 53, 53, null, 'udp'],
    ['127.0.0.1:8080:80', 80, 8080, '127.0.0.1', 'tcp'],
    ['127.0.0.1::80', 80, null, '127.0.0.1', 'tcp'],
    ['[::1]:8080:80/tcp', 80, 8080, '::1', 'tcp'],
  ])('the port %s', (text, target, published, address, protocol) => {
    expect(publishedPort(text, 'run.ports[0]')).toEqual({ target, published, address, protocol });
  });
});

describe('is refused by field:', () => {
  const secret = (mount: string) => ({ secrets: { A: { file: '/a', mount } } });
  test.each<[string, object, string]>([
    ['two programs', { command: 'a', argv: ['a'] }, 'run.argv'],
    ['a command with an entry point', { command: 'a', entrypoint: ['a'] }, 'run.entrypoint'],
    ['arguments beside argv', { argv: ['a'], args: ['b'] }, 'run.args'],
    ['no arguments', { args: [] }, 'run.args'],
    ['network and networks', { network: 'a', networks: ['b'] }, 'run.networks'],
    ['a mode among networks', { networks: ['a', 'host'] }, 'run.networks'],
    ['ports without a network', { ports: ['80'] }, 'run.ports'],
    ['ports of the host’s network', { network: 'host', ports: ['80'] }, 'run.ports'],
    ['a port beyond the last', { network: 'a', ports: ['80', '65536'] }, 'run.ports[1]'],
    ['port 0', { network: 'a', ports: ['0:80'] }, 'run.ports[0]'],
    ['a word for a port', { network: 'a', ports: ['http'] }, 'run.ports[0]'],
    ['a host without an address', { hosts: { db: 'elsewhere' } }, 'run.hosts.db'],
    ['a host with a space', { hosts: { 'd b': '10.0.0.1' } }, 'run.hosts.d b'],
    ['a relative folder in memory', { tmpfs: { cache: '1MB' } }, 'run.tmpfs.cache'],
    ['a folder in memory without a size', { tmpfs: { '/cache': 'big' } }, 'run.tmpfs./cache'],
    ['a size of shared memory that is none', { resources: { shm: 'big' } }, 'run.resources.shm'],
    ['a limit above the hard one', { ulimits: { nofile: { soft: 9, hard: 8 } } }, 'run.ulimits.nofile.hard'],
    ['no limit below a hard one', { ulimits: { nofile: { soft: -1, hard: 8 } } }, 'run.ulimits.nofile.hard'],
    ['a limit that is no name', { ulimits: { 'no file': { soft: 9 } } }, 'run.ulimits.no file'],
    ['a capability that is none', { capabilities: { add: ['CAP_CHOWN'] } }, 'run.capabilities.add[0]'],
    ['all capabilities', { capabilities: { add: ['ALL'] } }, 'run.capabilities.add[0]'],
    [
      'a capability both ways',
      { capabilities: { add: ['CHOWN'], drop: ['CHOWN'] } },
      'run.capabilities.drop',
    ],
    ['a secret mounted nowhere', secret('token'), 'run.secrets.A.mount'],
    ['a secret in the root', secret('/token'), 'run.secrets.A.mount'],
    ['a secret by a way back', secret('/run/../token'), 'run.secrets.A.mount'],
    ['a secret as a folder', secret('/run/'), 'run.secrets.A.mount'],
    ['a secret with too long a name', secret(`/run/${'a'.repeat(101)}`), 'run.secrets.A.mount'],
    ['a secret in a volume', { volumes: ['/x:/run'], ...secret('/run/token') }, 'run.secrets.A.mount'],
    ['a secret in a tmpfs', { tmpfs: { '/run': '1MB' }, ...secret('/run/token') }, 'run.secrets.A.mount'],
    [
      'two secrets in one place',
      { secrets: { A: { file: '/a', mount: '/run/x' }, B: { file: '/b', mount: '/run/x' } } },
      'run.secrets.B.mount',
    ],
  ])('%s', (_, run, field) => {
    const problems = findProblems({ name: 'job', run: { image: 'a', ...run } }, 'test');
    expect(problems.map(({ details }) => details.field)).toEqual([field]);
    expect(problems[0]?.details.allowed).toBeDefined();
  });

  test('and accepted with all of it', () => {
    const run = {
      image: 'a',
      entrypoint: ['tool'],
      args: ['--all'],
      networks: ['lan', 'wan'],
      ports: ['127.0.0.1:8080:80'],
      hosts: { db: '10.0.0.2', six: '::1' },
      tmpfs: { '/run': '16MiB' },
      secrets: { TOKEN: { file: '/etc/token', mount: '/run/secrets/token' } },
      resources: { pids: 10, shm: '1MiB' },
      ulimits: { nofile: { soft: 10, hard: -1 } },
      init: false,
      readOnly: true,
      noNewPrivileges: true,
      capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] },
    };
    expect(findProblems({ name: 'job', run }, 'test')).toEqual([]);
  });
});

describe('on an engine that cannot honour it is refused with the reason:', () => {
  const settings: Settings = {
    engines: {
      process: { abilities: abilities.process, concurrency: null, tombstoneMs: 0 },
      docker: { abilities: abilities.docker, concurrency: null, tombstoneMs: 0 },
      swarm: { abilities: abilities.swarm, concurrency: null, tombstoneMs: 0 },
    },
    pools: {},
  };
  const refusal = (run: RunDefinition): unknown => {
    try {
      checkEngine(run, settings);
      return null;
    } catch (error) {
      return error;
    }
  };
  const mounted = { A: { file: '/a', mount: '/run/a' } };

  test.each<[RunDefinition, string]>([
    ...(
      [
        { image: 'a' },
        { network: 'none' },
        { networks: ['a'] },
        { ports: ['80'] },
        { hosts: { a: '::1' } },
        { volumes: ['/a:/a'] },
        { tmpfs: { '/a': '1k' } },
        { init: false },
        { readOnly: false },
        { capabilities: {} },
        { noNewPrivileges: true },
        { secrets: mounted },
        { pull: 'never' },
      ] as RunDefinition[]
    ).map(
      (asked) =>
        [{ engine: 'process', command: 'a', ...asked }, `run.${Object.keys(asked)[0]}`] as [
          RunDefinition,
          string,
        ],
    ),
    [{ engine: 'process', command: 'a', resources: { gpus: 1 } }, 'run.resources.gpus'],
    [{ engine: 'process', command: 'a', resources: { shm: '1k' } }, 'run.resources.shm'],
    [{ engine: 'swarm', image: 'a', resources: { ioWeight: 50 } }, 'run.resources.ioWeight'],
    [{ engine: 'docker', command: 'a' }, 'run.image'],
    [{ engine: 'docker', image: 'a', constraints: ['node.role==worker'] }, 'run.constraints'],
    [{ engine: 'swarm', image: 'a', noNewPrivileges: true }, 'run.noNewPrivileges'],
  ])('%j', (run, field) => {
    expect(refusal(run)).toMatchObject({
      code: 'UNSUPPORTED_BY_ENGINE',
      details: { field },
      message: expect.stringMatching(/does not support run\.[\w.]+: ./),
    });
  });

  test('and accepted where all can be honoured', () => {
    expect(refusal({ command: 'a', secrets: { A: { file: '/a' } } })).toBeNull();
    const resources = { cpus: 1, memory: '1g', pids: 9, ioWeight: 50 };
    expect(refusal({ command: 'a', resources, ulimits: { core: { soft: 0 } } })).toBeNull();
    expect(refusal({ entrypoint: ['a'] })).toBeNull();
    expect(refusal({ image: 'a', secrets: mounted, noNewPrivileges: true })).toBeNull();
    expect(
      refusal({ engine: 'swarm', image: 'a', network: 'host', constraints: ['node.role==worker'] }),
    ).toBeNull();
  });
});
