/** What a Docker Engine is asked for, and what is made of its answers. */

import { describe, expect, test } from 'vitest';
import { dockerCreateRequest } from '../../../src/executor/docker/request.ts';
import { type ContainerInspection, launchReport } from '../../../src/executor/docker/state.ts';
import { plainContainer } from '../../../src/scheduler/job/spec.ts';
import type { EndReason } from '../../../src/scheduler/ports.ts';
import { dockerSpec } from './harness.ts';

const due = Date.UTC(2026, 10, 21, 2);

describe('the create request', () => {
  test('of a launch that says as little as it can', () => {
    const spec = dockerSpec('', {
      launchName: 'sales-1',
      argv: null,
      due,
      run: 'sales@1',
      job: 'sales',
      term: 7,
    });
    expect(dockerCreateRequest(spec, 'alpine:3.20', {})).toEqual({
      _query: { name: 'sales-1' },
      _body: {
        Image: 'alpine:3.20',
        Env: [],
        Labels: {
          'carillon.cluster': 'conformance',
          'carillon.job': 'sales',
          'carillon.run': 'sales@1',
          'carillon.attempt': '1',
          'carillon.term': '7',
          'carillon.due': '2026-11-21T02:00:00.000Z',
          'carillon.secrets': '',
        },
        Tty: false,
        HostConfig: {
          NetworkMode: 'none',
          Binds: [],
          CapAdd: [],
          CapDrop: [],
          ReadonlyRootfs: false,
          RestartPolicy: { Name: 'no' },
          AutoRemove: false,
          Init: true,
          LogConfig: { Type: 'json-file', Config: { 'max-size': '2097152', 'max-file': '16' } },
        },
      },
    });
  });

  test('of a launch that says all it can', () => {
    const { _body } = dockerCreateRequest(
      dockerSpec('', {
        argv: ['/bin/sh', '-c', 'extract'],
        env: { A: 'b', TOKEN: 'plain' },
        workdir: '/work',
        user: '1000:1000',
        cpus: 0.5,
        memoryBytes: 128 * 1024 * 1024,
        gpus: 2,
        pids: 10,
        ioWeight: 500,
        ulimits: [{ name: 'nofile', soft: 10, hard: 20 }],
        container: {
          args: null,
          networks: ['lan', 'wan'],
          ports: [
            { target: 80, published: 8080, address: '127.0.0.1', protocol: 'tcp' },
            { target: 80, published: 9090, address: null, protocol: 'tcp' },
            { target: 53, published: null, address: null, protocol: 'udp' },
          ],
          hostname: 'worker-1',
          hosts: { db: '10.0.0.2' },
          tmpfs: { '/cache': 1024 },
          secretFiles: [
            { name: 'CERT', file: '/etc/cert', mount: '/run/secrets/cert' },
            { name: 'KEY', file: '/etc/key', mount: '/run/secrets/key' },
          ],
          shmBytes: 4096,
          init: false,
          readOnly: true,
          noNewPrivileges: true,
          capabilities: { add: ['NET_RAW'], drop: ['CHOWN'] },
        },
        volumes: ['/data:/data:ro'],
        labels: { team: 'sales', 'carillon.run': 'forged' },
      }),
      'alpine:3.20',
      { TOKEN: 'hush' },
    );
    expect(_body).toMatchObject({
      Entrypoint: ['/bin/sh', '-c', 'extract'],
      Cmd: [],
      Env: ['A=b', 'TOKEN=hush'],
      WorkingDir: '/work',
      User: '1000:1000',
      Hostname: 'worker-1',
      Labels: { team: 'sales', 'carillon.run': 'run' },
      ExposedPorts: { '80/tcp': {}, '53/udp': {} },
      Volumes: { '/run/secrets': {} },
      HostConfig: {
        NetworkMode: 'lan',
        Binds: ['/data:/data:ro'],
        Tmpfs: { '/cache': 'size=1024' },
        PortBindings: {
          '80/tcp': [
            { HostIp: '127.0.0.1', HostPort: '8080' },
            { HostIp: '', HostPort: '9090' },
          ],
          '53/udp': [{ HostIp: '', HostPort: '' }],
        },
        ExtraHosts: ['db:10.0.0.2'],
        ShmSize: 4096,
        PidsLimit: 10,
        BlkioWeight: 500,
        Ulimits: [{ Name: 'nofile', Soft: 10, Hard: 20 }],
        CapAdd: ['NET_RAW'],
        CapDrop: ['CHOWN'],
        SecurityOpt: ['no-new-privileges:true'],
        ReadonlyRootfs: true,
        Init: false,
        NanoCpus: 500_000_000,
        Memory: 134_217_728,
        MemorySwap: 134_217_728,
        DeviceRequests: [{ Count: 2, Capabilities: [['gpu']] }],
      },
    });
  });

  test('of arguments for the program in the image, which stays', () => {
    const container = { ...plainContainer, args: ['--all'] };
    const { _body } = dockerCreateRequest(dockerSpec('', { argv: null, container }), 'tool:1', {});
    expect(_body).toMatchObject({ Cmd: ['--all'] });
    expect(_body).not.toHaveProperty('Entrypoint');
  });
});

describe('an inspection', () => {
  const never = '0001-01-01T00:00:00Z';
  const [began, ended] = ['2026-11-21T07:29:16.431386488Z', '2026-11-21T07:29:18.545182329Z'];
  const container = (state: Partial<ContainerInspection['State']>): ContainerInspection => ({
    Id: 'id',
    Name: '/sales-1',
    Image: 'sha256:1',
    Config: { Image: 'tool:1', Labels: {} },
    State: {
      Status: 'exited',
      Running: false,
      OOMKilled: false,
      ExitCode: 0,
      Error: '',
      StartedAt: began,
      FinishedAt: ended,
      ...state,
    },
  });
  const times = { startedAt: Date.parse(began), endedAt: Date.parse(ended) };
  const outage = { reason: 'the engine was restarted', cause: { code: 'engine-restarted' } } as const;

  test.each([
    [
      'created, never started',
      { Status: 'created', StartedAt: never, FinishedAt: never },
      null,
      { state: 'created' },
    ],
    [
      'created, and its start failed',
      { Status: 'created', StartedAt: never, FinishedAt: never, ExitCode: 127, Error: 'no such file' },
      null,
      { state: 'created' },
    ],
    ['running', { Status: 'running', Running: true }, null, { state: 'running', startedAt: times.startedAt }],
    ['paused', { Status: 'paused', Running: true }, null, { state: 'running', startedAt: times.startedAt }],
    ['exited', { ExitCode: 3 }, null, { state: 'ended', exitCode: 3, ...times }],
    [
      'dead, which is ended too',
      { Status: 'dead', ExitCode: 1 },
      null,
      { state: 'ended', exitCode: 1, ...times },
    ],
    [
      'killed for its memory',
      { ExitCode: 137, OOMKilled: true },
      outage,
      { state: 'ended', exitCode: 137, reason: 'out of memory', cause: { code: 'out-of-memory' }, ...times },
    ],
    [
      'well although a child was killed',
      { OOMKilled: true },
      null,
      { state: 'ended', exitCode: 0, ...times },
    ],
    [
      'killed, and nobody knows by whom',
      { ExitCode: 137 },
      null,
      { state: 'ended', exitCode: 137, ...times },
    ],
    ...[137, 143, 255].map((code) => [
      `ended with ${code} in an outage`,
      { ExitCode: code },
      outage,
      { state: 'ended', exitCode: code, ...outage, infrastructure: true, ...times },
    ]),
    ['its own end in an outage', { ExitCode: 1 }, outage, { state: 'ended', exitCode: 1, ...times }],
  ] as [string, Partial<ContainerInspection['State']>, EndReason | null, object][])(
    '%s',
    (_, state, interrupted, report) => {
      expect(launchReport(container(state), interrupted)).toEqual({ launchName: 'sales-1', ...report });
    },
  );
});
