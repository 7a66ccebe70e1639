/** Options of `docker run` in `container.parameters`: what of them a job does natively, and what is only told. */

import { describe, expect, test } from 'vitest';
import { toChronos, toDefinition } from '../../../src/scheduler/chronos/mapping.ts';
import { readChronosJob } from '../../../src/scheduler/chronos/read.ts';
import { keptWarnings } from '../../../src/scheduler/chronos/warnings.ts';
import type { Settings } from '../../../src/scheduler/model/model.ts';
import { abilities } from '../../support/engines.ts';
import { Rig, testSettings } from '../../support/rig.ts';

const settings: Settings = {
  ...testSettings,
  engines: { docker: { concurrency: null, abilities: abilities.docker, tombstoneMs: 600_000 } },
};
const bare = { name: 'a', command: 'echo', schedule: 'R/2027-01-01T00:00:00Z/P1D' };

/** The job as it is put, and what is told of it. `text` is `key=value` for each parameter. */
function put(r: Rig, texts: readonly string[], more: object = {}, container: object = {}) {
  const parameters = texts.map((text) => {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    return { key, value };
  });
  const sent = readChronosJob({
    ...bare,
    ...more,
    container: { image: 'alpine', network: 'BRIDGE', parameters, ...container },
  });
  const before = r.state.jobs.has('a') ? r.view('a') : null;
  const definition = toDefinition(sent, { generation: 3, now: r.now, before, unmapped: [] });
  r.submit({ kind: 'put-job', definition, mode: 'replace', by: 'test', source: 'test' });
  return { definition, told: keptWarnings(definition) };
}
const rig = () => new Rig('2026-11-21T12:00:00Z', settings);

describe('an option that a job can say natively is said so', () => {
  test.each<[string[], object]>([
    [['env=A=b', '--env=C=d=e', 'e=X.y-z='], { env: { A: 'b', C: 'd=e', 'X.y-z': '' } }],
    [['user=1000:1000'], { user: '1000:1000' }],
    [['-u=nobody'], { user: 'nobody' }],
    [
      ['ulimit=nofile=1024:4096', 'ulimit=core=-1'],
      { ulimits: { nofile: { soft: 1_024, hard: 4_096 }, core: { soft: -1, hard: -1 } } },
    ],
    [['hostname=worker-1'], { hostname: 'worker-1' }],
    [['cap-add=CAP_NET_ADMIN', 'cap-add=sys_ptrace'], { capabilities: { add: ['NET_ADMIN', 'SYS_PTRACE'] } }],
    [['cap-drop=ALL', 'cap-add=CHOWN'], { capabilities: { add: ['CHOWN'], drop: ['ALL'] } }],
    [['cap-drop=CHOWN', 'cap-add=CHOWN'], { capabilities: { add: ['CHOWN'] } }],
    [['init=true'], { init: true }],
    [['init=false'], { init: false }],
    [['read-only='], { readOnly: true }],
    [
      ['memory=512m', 'cpus=1.5', 'pids-limit=100', 'shm-size=1g'],
      { resources: { memory: '512m', cpus: 1.5, pids: 100, shm: '1g' } },
    ],
    [['pids-limit=-1'], {}],
    [['gpus=2'], { resources: { gpus: 2 } }],
    [['security-opt=no-new-privileges'], { noNewPrivileges: true }],
    [['tmpfs=/run/cache:size=64m'], { tmpfs: { '/run/cache': '64m' } }],
    [
      ['volume=/a:/b:ro', 'mount=type=bind,source=/c,target=/d,readonly', 'mount=type=volume,src=v,dst=/e'],
      { volumes: ['/a:/b:ro', '/c:/d:ro', 'v:/e'] },
    ],
    [['publish=8080:80', 'p=53/udp'], { ports: ['8080:80', '53/udp'] }],
    [['add-host=db:10.0.0.1', 'add-host=six:::1'], { hosts: { db: '10.0.0.1', six: '::1' } }],
    [['net=blue'], { network: 'blue' }],
    [['w=/work'], { workdir: '/work' }],
    [['pull=never'], { pull: 'never' }],
    [['entrypoint=/bin/run'], { entrypoint: ['/bin/run'], args: ['/bin/sh', '-c', 'echo'] }],
    [['entrypoint='], { command: 'echo' }],
  ])('%j', (parameters, run) => {
    const { definition, told } = put(rig(), parameters);
    expect(definition.run).toMatchObject({ image: 'alpine', network: 'bridge', ...run });
    expect(told).toEqual([]);
  });

  test('labels of the container are labels of the job', () => {
    expect(put(rig(), ['label=team=sales', 'l=quick']).definition.labels).toEqual({
      team: 'sales',
      quick: '',
    });
  });

  test('without a shell the words are for the entry point, or the program where that is taken away', () => {
    const words = { shell: false, command: 'a', arguments: ['b c'] };
    expect(put(rig(), ['entrypoint=/x'], words).definition.run).toMatchObject({
      entrypoint: ['/x'],
      args: ['a', 'b c'],
    });
    expect(put(rig(), ['entrypoint='], words).definition.run).toMatchObject({ argv: ['a', 'b c'] });
  });

  test('they win over what the job says besides', () => {
    const { run } = put(rig(), ['env=A=option', 'user=me', 'memory=1g'], {
      environmentVariables: [
        { name: 'A', value: 'field' },
        { name: 'B', value: 'kept' },
      ],
      runAsUser: 'you',
      mem: 64,
      cpus: 2,
    }).definition;
    expect(run).toMatchObject({
      env: { A: 'option', B: 'kept' },
      user: 'me',
      resources: { memory: '1g', cpus: 2 },
    });
  });
});

describe('what cannot be honoured is kept and told', () => {
  test.each([
    'log-opt=max-size=10m',
    'log-driver=syslog',
    'label=carillon.run=forged',
    'privileged=true',
    'memory-swap=1g',
    'memory=lots',
    'env=PATH',
    'env=1A=b',
    'env=CARILLON_JOB=x',
    'ulimit=nofile',
    'ulimit=nofile=10:5',
    'cap-add=ALL',
    'cap-add=FLYING',
    'gpus=all',
    'volume=/data',
    'volume=/a:/b:z',
    'mount=type=bind,source=/a,target=/b,bind-propagation=shared',
    'tmpfs=/run',
    'hostname=-x',
    'security-opt=seccomp=unconfined',
    'publish=http',
    'init=perhaps',
    '__proto__=x',
    'constructor=x',
  ])('%s', (text) => {
    const r = rig();
    const { told } = put(r, [text]);
    const [, key, value] = /^([^=]+)=(.*)$/.exec(text)!;
    expect(told).toEqual([`container.parameters: the option '${key}' (${value}) is stored without effect`]);
    expect(toChronos(r.view('a')).container?.parameters).toEqual([{ key, value }]);
  });

  test('ports on the network of the host', () => {
    const { definition, told } = put(rig(), ['publish=80:80'], {}, { network: 'HOST' });
    expect(definition.run?.ports).toBeUndefined();
    expect(told).toEqual([expect.stringMatching(/ports are published only with a network of its own/)]);
  });
});

describe('when the job is sent again', () => {
  test('without an option, what it said is gone', () => {
    const r = rig();
    put(r, [
      'env=A=b',
      'user=me',
      'label=a=b',
      'ulimit=nofile=1',
      'memory=1g',
      'entrypoint=/x',
      'hostname=w',
      'init=false',
    ]);
    const { definition } = put(r, []);
    expect(definition.run).toEqual({ image: 'alpine', network: 'bridge', command: 'echo' });
    expect(definition.labels).toEqual({});
  });

  test('what was said natively stays', () => {
    const native = {
      run: {
        image: 'alpine',
        entrypoint: ['/x'],
        args: ['echo'],
        network: 'bridge',
        init: false,
        ulimits: { nofile: { soft: 1 } },
        resources: { pids: 5, memory: '64MiB' },
      },
      labels: { team: 'a' },
    };
    const r = rig();
    r.put({ name: 'a', schedule: { every: bare.schedule }, ...native });
    const { definition } = put(r, ['hostname=w'], { shell: false, mem: 32, image: 'alpine' });
    expect(definition.labels).toEqual({ team: 'a' });
    expect(definition.run).toEqual({ ...native.run, hostname: 'w', resources: { pids: 5, memory: '32MiB' } });
  });

  test('without a container nothing of one is left', () => {
    const r = rig();
    const { definition: before } = put(r, [
      'env=A=b',
      'ulimit=nofile=1',
      'memory=1g',
      'entrypoint=/x',
      'hostname=w',
    ]);
    const sent = readChronosJob(bare);
    const view = { ...r.view('a'), job: { ...r.view('a').job, definition: before } };
    const { run } = toDefinition(sent, { generation: 3, now: r.now, before: view, unmapped: [] });
    expect(run).toEqual({ command: 'echo' });
  });
});
