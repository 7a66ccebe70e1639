import { describe, expect, test } from 'vitest';
import { capacityOf, occupy, type Wish, wishOf } from '../../../src/executor/swarm/node-capacity.ts';
import type { SwarmNode, SwarmTask } from '../../../src/executor/swarm/state.ts';
import { swarmSpec } from './harness.ts';

const gib = 2 ** 30;

interface Has {
  cpus?: number;
  memory?: number;
  gpus?: number;
  labels?: Record<string, string>;
  engineLabels?: Record<string, string>;
  role?: string;
  state?: string;
  availability?: string;
}

function node(name: string, has: Has = {}): SwarmNode {
  const { cpus = 2, memory = 4 * gib, gpus = 0, labels = {}, engineLabels = {} } = has;
  const gpu = (_: unknown, i: number) => ({ NamedResourceSpec: { Kind: 'gpu', Value: `GPU-${i}` } });
  return {
    ID: `id-${name}`,
    CreatedAt: '2026-01-01T00:00:00Z',
    UpdatedAt: '2026-01-01T00:00:00Z',
    Spec: { Availability: has.availability ?? 'active', Role: has.role ?? 'worker', Labels: labels },
    Description: {
      Hostname: name,
      Platform: { OS: 'linux', Architecture: 'x86_64' },
      Engine: { Labels: engineLabels },
      Resources: {
        NanoCPUs: cpus * 1e9,
        MemoryBytes: memory,
        GenericResources: Array.from({ length: gpus }, gpu),
      },
    },
    Status: { State: has.state ?? 'ready' },
  };
}

/** A task of anybody, on a node or on its way to one. */
function task(cpus: number, at: { node?: string; state?: string; error?: string; on?: string }): SwarmTask {
  const { node: name, state = 'running', error, on } = at;
  return {
    ID: 'task',
    ServiceID: 'service',
    ...(name !== undefined && { NodeID: `id-${name}` }),
    CreatedAt: '2026-01-01T00:00:00Z',
    DesiredState: 'running',
    Spec: {
      ContainerSpec: { Image: 'x', Labels: {} },
      Placement: { Constraints: on === undefined ? [] : [`node.hostname==${on}`] },
      Resources: { Reservations: { NanoCPUs: cpus * 1e9 } },
    },
    Status: { Timestamp: '2026-01-01T00:00:00Z', State: state, ...(error !== undefined && { Err: error }) },
  };
}

const wish = (of: Parameters<typeof swarmSpec>[1]): Wish => wishOf(swarmSpec('true', of));
const look = (nodes: readonly SwarmNode[], of: Parameters<typeof swarmSpec>[1]): string | null =>
  occupy(capacityOf(nodes, []), wish(of));

describe('a launch that wants', () => {
  const nodes = [
    node('one', { labels: { zone: 'a' }, role: 'manager', cpus: 1.5 }),
    node('two', { labels: { zone: 'b' }, engineLabels: { disk: 'ssd' }, memory: 8 * gib, gpus: 1 }),
    node('down', { labels: { zone: 'c' }, cpus: 64, state: 'down' }),
    node('drained', { labels: { zone: 'c' }, cpus: 64, availability: 'drain' }),
  ];

  test.each<[string, Parameters<typeof swarmSpec>[1], string | null]>([
    ['nothing fits', {}, null],
    ['a label that a node has fits', { constraints: ['node.labels.zone==a'] }, null],
    ['what is compared without case fits', { constraints: [' Node.Labels.zone == A '] }, null],
    ['not to have a label fits where it is missing', { constraints: ['node.labels.gone!=x'] }, null],
    ['a label of an engine fits', { constraints: ['engine.labels.disk==ssd'] }, null],
    ['a host by name and role fits', { constraints: ['node.hostname==two', 'node.role!=manager'] }, null],
    ['a platform fits', { constraints: ['node.platform.os==linux', 'node.platform.arch==x86_64'] }, null],
    ['what is not known here is left to Swarm', { constraints: ['node.moon==full'] }, null],
    ['all that a node has fits', { cpus: 2, memoryBytes: 8 * gib, gpus: 1 }, null],
    ['a zone of no node', { constraints: ['node.labels.zone==z'] }, 'no node has node.labels.zone==z'],
    [
      'a zone of nodes that are away',
      { constraints: ['node.labels.zone==c'] },
      'no node has node.labels.zone==c (2 of 4 nodes accept no jobs at the moment)',
    ],
    [
      'a host with a wrong role',
      { constraints: ['node.hostname==two', 'node.role==manager'] },
      'no node with node.hostname==two has node.role==manager',
    ],
    ['too many processors', { cpus: 8 }, 'no node has 8 CPU free; the most is 2'],
    [
      'too many of one zone',
      { constraints: ['node.labels.zone==a'], cpus: 2 },
      'no node with node.labels.zone==a has 2 CPU free; the most is 1.5 CPU',
    ],
    [
      'memory beside processors',
      { cpus: 2, memoryBytes: 9 * gib },
      'no node with 2 CPU free has 9216 MiB free; the most is 8192 MiB',
    ],
    ['too many GPUs', { gpus: 2 }, 'no node has 2 GPU free; the most is 1 GPU'],
  ])('%s', (_, of, missing) => {
    const said = look(nodes, of);
    if (missing === null) expect(said).toBeNull();
    else expect(said).toContain(missing);
  });

  test('a node where there is none is told so', () => {
    expect(look([node('one', { state: 'down' })], {})).toBe('no node of the Swarm is ready and accepts jobs');
  });
});

describe('what nodes have left', () => {
  test.each<[string, SwarmTask[], number]>([
    [
      'is less by what their tasks reserve, of whomever',
      [task(0.5, { node: 'one' }), task(1, { node: 'one', state: 'preparing' })],
      0.5,
    ],
    ['is not less by tasks that ended', [task(1, { node: 'one', state: 'complete' })], 2],
    ['is not less by tasks of other nodes', [task(1, { node: 'two' })], 2],
    ['is less by what is about to be assigned', [task(1, { state: 'pending' })], 1],
    ['is not less by what waits for another node', [task(1, { state: 'pending', on: 'two' })], 2],
    [
      'is not less by what Swarm found no node for',
      [task(1, { state: 'pending', error: 'no suitable node' })],
      2,
    ],
  ])('%s', (_, tasks, cpus) => {
    const places = capacityOf([node('one')], tasks);
    expect(places.map(({ left }) => left.nanoCpus)).toEqual([cpus * 1e9]);
  });

  test('goes to launches one after the other, until there is no more: ten tenths are a whole', () => {
    const places = capacityOf([node('one', { cpus: 1 }), node('two', { cpus: 1 })], []);
    const tenth = wish({ cpus: 0.1 });
    const said = Array.from({ length: 21 }, () => occupy(places, tenth));
    expect(said.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => null));
    expect(said[20]).toBe('no node has 0.1 CPU free; the most is 0 CPU');
  });
});
