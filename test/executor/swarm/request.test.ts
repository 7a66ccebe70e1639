/** What a Swarm is asked for, and what its tasks mean. */

import { describe, expect, test } from 'vitest';
import { isKilled, killedService, secretName, swarmService } from '../../../src/executor/swarm/request.ts';
import {
  type SwarmNode,
  type SwarmTask,
  swarmReport,
  waitingReason,
} from '../../../src/executor/swarm/state.ts';
import type { LaunchSpec } from '../../../src/scheduler/job/spec.ts';
import { swarmSpec } from './harness.ts';

const none = { secrets: {}, files: [] };
const template = (spec: LaunchSpec): Record<string, unknown> =>
  swarmService(spec, 'tool:1', none).TaskTemplate as unknown as Record<string, unknown>;
const containerOf = (spec: LaunchSpec) => template(spec).ContainerSpec as Record<string, unknown>;

test('a launch is a service of one task that is never started again', () => {
  const due = Date.UTC(2026, 0, 2);
  const spec = swarmSpec('true', { launchName: 'a-1', run: 'a.1', job: 'a', due, env: { A: 'b=c' } });
  expect(swarmService(spec, 'tool:1', { secrets: { A: 'wins' }, files: [] })).toEqual({
    Name: 'a-1',
    Labels: {
      'carillon.cluster': 'conformance',
      'carillon.job': 'a',
      'carillon.run': 'a.1',
      'carillon.attempt': '1',
      'carillon.term': '1',
      'carillon.due': '2026-01-02T00:00:00.000Z',
      'carillon.secrets': '',
    },
    TaskTemplate: {
      ContainerSpec: {
        Image: 'tool:1',
        Labels: expect.objectContaining({ 'carillon.launch': 'a-1', 'carillon.run': 'a.1' }),
        Command: ['/bin/sh', '-c', 'true'],
        Args: [],
        Env: ['A=wins'],
        Mounts: [],
        Hosts: [],
        Secrets: [],
        Init: true,
        ReadOnly: false,
        CapabilityAdd: [],
        CapabilityDrop: [],
        Ulimits: [],
        StopGracePeriod: 3_000_000_000,
      },
      Resources: { Limits: {}, Reservations: { GenericResources: [] } },
      Placement: { Constraints: [] },
      Networks: [{ Target: 'host' }],
      RestartPolicy: { Condition: 'none' },
      LogDriver: { Name: 'json-file', Options: { 'max-size': '2097152', 'max-file': '16' } },
    },
    Mode: { Replicated: { Replicas: 1 } },
    UpdateConfig: { FailureAction: 'continue', Order: 'stop-first' },
    EndpointSpec: { Mode: 'dnsrr', Ports: [] },
  });
});

describe('a service is given', () => {
  test.each<[string, Partial<LaunchSpec>, string, unknown]>([
    [
      'folders, volumes and memory as mounts',
      {
        volumes: ['/data:/in:ro', 'cache:/cache'],
        container: { ...swarmSpec('').container, tmpfs: { '/tmp': 1024 }, shmBytes: 2048 },
      },
      'Mounts',
      [
        { Type: 'bind', Source: '/data', Target: '/in', ReadOnly: true },
        { Type: 'volume', Source: 'cache', Target: '/cache', ReadOnly: false },
        { Type: 'tmpfs', Target: '/dev/shm', TmpfsOptions: { SizeBytes: 2048 } },
        { Type: 'tmpfs', Target: '/tmp', TmpfsOptions: { SizeBytes: 1024 } },
      ],
    ],
    ['the image’s own program', { argv: null }, 'Command', undefined],
    [
      'other arguments for the image’s own program',
      { argv: null, container: { ...swarmSpec('').container, args: ['-v'] } },
      'Args',
      ['-v'],
    ],
    ['its working directory', { workdir: '/w' }, 'Dir', '/w'],
    ['its user', { user: '1:2' }, 'User', '1:2'],
    ['its host name', { container: { ...swarmSpec('').container, hostname: 'w' } }, 'Hostname', 'w'],
  ])('%s', (_, overrides, name, expected) => {
    expect(containerOf(swarmSpec('', overrides))[name]).toEqual(expected);
  });

  test('what it may use, reserved on its node as well', () => {
    const spec = swarmSpec('', { cpus: 0.5, memoryBytes: 2 ** 26, gpus: 2, pids: 10 });
    expect(template(spec).Resources).toEqual({
      Limits: { NanoCPUs: 500_000_000, MemoryBytes: 2 ** 26, Pids: 10 },
      Reservations: {
        NanoCPUs: 500_000_000,
        MemoryBytes: 2 ** 26,
        GenericResources: [{ DiscreteResourceSpec: { Kind: 'gpu', Value: 2 } }],
      },
    });
  });

  test('no volume that Swarm would read otherwise', () => {
    for (const volumes of [['/data'], ['a:b'], ['a:/b:z'], ['a:/b:ro:x']])
      expect(() => template(swarmSpec('', { volumes }))).toThrow(volumes[0]);
  });
});

test('a killed service keeps all but the place of its task', () => {
  const service = swarmService(swarmSpec('true', { constraints: ['node.role==worker'] }), 'tool:1', none);
  const killed = killedService(service);
  expect([isKilled(service.TaskTemplate), isKilled(killed.TaskTemplate)]).toEqual([false, true]);
  expect(killed).toEqual({
    ...service,
    TaskTemplate: { ...service.TaskTemplate, Placement: { Constraints: ['node.id==none'] }, ForceUpdate: 1 },
  });
});

test('names of secrets fit, and differ', () => {
  const long = 'a'.repeat(63);
  expect([0, 1, 511].map((index) => secretName(long, index).length)).toEqual([64, 64, 64]);
  expect(new Set([0, 1, 511].map((index) => secretName('a-1', index)))).toEqual(
    new Set(['s0-a-1', 's1-a-1', 's511-a-1']),
  );
});

describe('of its tasks', () => {
  const at = Date.UTC(2026, 0, 1);
  const iso = (ms: number) => new Date(at + ms).toISOString();
  const service = swarmService(swarmSpec('true', { launchName: 'a' }), 'tool:1', none);
  const node = (state: string, updatedMs = -3_600_000): SwarmNode => ({
    ID: 'n1',
    CreatedAt: iso(updatedMs - 3_600_000),
    UpdatedAt: iso(updatedMs),
    Spec: { Availability: 'active' },
    Description: { Hostname: 'host-1' },
    Status: { State: state },
  });
  const task = (
    state: string,
    more: Partial<SwarmTask['Status']> = {},
    nodeId: string | null = 'n1',
  ): SwarmTask => ({
    ID: 't',
    ServiceID: 's',
    ...(nodeId !== null && { NodeID: nodeId }),
    CreatedAt: iso(0),
    DesiredState: 'running',
    Spec: service.TaskTemplate,
    Status: { Timestamp: iso(5_000), State: state, ...more },
  });
  const exited = (ExitCode: number) => ({ ContainerStatus: { ContainerID: 'c', ExitCode } });
  const replacement: SwarmTask = { ...task('pending', {}, null), Spec: killedService(service).TaskTemplate };
  const said = (tasks: SwarmTask[], on = node('ready'), startedAt: number | null = at + 1_000) =>
    swarmReport('a', tasks, { nodes: new Map([[on.ID, on]]), startedAt });

  test.each<[string, SwarmTask[], object, SwarmNode?]>([
    ['none yet is created', [], { state: 'created' }],
    ['one on its way is created', [task('preparing')], { state: 'created' }],
    ['one that runs runs', [task('running')], { state: 'running', startedAt: at + 1_000 }],
    ['0 is 0', [task('complete', exited(0))], { state: 'ended', exitCode: 0, endedAt: at + 5_000 }],
    ['7 is 7', [task('failed', exited(7))], { state: 'ended', exitCode: 7 }],
    [
      'killed while it ran has the code it ended with',
      [task('shutdown', exited(143)), replacement],
      { state: 'ended', exitCode: 143, startedAt: at + 1_000 },
    ],
    [
      'killed before a node had it never started',
      [task('shutdown', {}, null), replacement],
      {
        state: 'ended',
        exitCode: null,
        reason: 'ended before it was started',
        cause: { code: 'never-started' },
      },
    ],
    ['killed before it had a task never started', [replacement], { state: 'ended', exitCode: null }],
    [
      'refused by its node says why',
      [task('rejected', { Err: 'No such image: x' })],
      {
        state: 'ended',
        exitCode: 126,
        reason: 'the node refused it: No such image: x',
        cause: { code: 'node-refused', node: 'host-1' },
      },
    ],
    [
      'failed without a container could not be run',
      [task('failed', { Err: 'no such program' })],
      { exitCode: 126, reason: 'no such program', cause: { code: 'not-executable' } },
    ],
    [
      'on a node that is down is lost',
      [task('running')],
      { state: 'ended', exitCode: null, infrastructure: true, cause: { code: 'node-down', node: 'host-1' } },
      node('down', 9_000),
    ],
    [
      'on its way to a node that is down is lost',
      [task('preparing')],
      { state: 'ended', exitCode: null, infrastructure: true },
      node('down', 9_000),
    ],
    [
      'on a node that is not known of for a moment runs',
      [task('running')],
      { state: 'running' },
      node('unknown'),
    ],
    [
      'shut down by the Swarm is no fault of the job',
      [task('shutdown', exited(137))],
      { exitCode: 137, infrastructure: true },
    ],
    [
      'killed from outside on a node that stayed is the job’s',
      [task('failed', exited(137))],
      {
        exitCode: 137,
        reason: 'exit code 137: killed from outside, possibly for its memory use',
        cause: { code: 'killed-from-outside' },
      },
    ],
    [
      'killed from outside on a node that just came back is not',
      [task('failed', exited(137))],
      { exitCode: 137, infrastructure: true, cause: { code: 'engine-restarted', node: 'host-1' } },
      node('ready', 6_000),
    ],
    [
      'killed from outside on a node that has just joined is the job’s',
      [task('failed', exited(137))],
      { exitCode: 137, reason: 'exit code 137: killed from outside, possibly for its memory use' },
      { ...node('ready', 4_000), CreatedAt: iso(2_000) },
    ],
  ])('%s', (_, tasks, expected, on) => {
    expect(said(tasks, on)).toMatchObject({ launchName: 'a', ...expected });
  });

  test('nothing is blamed on the node that the job did', () => {
    expect(said([task('failed', exited(137))])).not.toHaveProperty('infrastructure');
    expect(said([task('failed', exited(7))], node('ready', 6_000))).not.toHaveProperty('infrastructure');
    expect(said([task('shutdown', exited(137)), replacement])).not.toHaveProperty('infrastructure');
  });

  test('what never started has no start', () => {
    expect(said([task('rejected')], node('ready'), null)).not.toHaveProperty('startedAt');
    expect(said([replacement], node('ready'), null)).not.toHaveProperty('startedAt');
  });

  test('what waits says for what', () => {
    const nodes = new Map([['n1', node('ready')]]);
    const err = 'no suitable node (insufficient resources on 3 nodes)';
    expect(waitingReason(task('pending', { Err: err }, null), nodes)).toContain(err);
    expect(waitingReason(task('preparing', { Message: 'preparing' }), nodes)).toContain('host-1');
    expect(waitingReason(task('running'), nodes)).toBeNull();
  });
});
