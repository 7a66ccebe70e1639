/** Chronos' jobs as native definitions: what containers and constraints become, and that all of it reads back. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { droppable } from '../../../src/scheduler/chronos/aspects.ts';
import { printJob } from '../../../src/scheduler/chronos/job.ts';
import { toChronos, toDefinition } from '../../../src/scheduler/chronos/mapping.ts';
import { readChronosJob } from '../../../src/scheduler/chronos/read.ts';
import { chronosWarnings } from '../../../src/scheduler/chronos/warnings.ts';
import type { JobDefinition } from '../../../src/scheduler/job/definition.ts';
import type { Settings } from '../../../src/scheduler/model/model.ts';
import { chronosJob } from '../../support/chronos-jobs.ts';
import { abilities } from '../../support/engines.ts';
import { Rig } from '../../support/rig.ts';

const engine = { concurrency: null, tombstoneMs: 600_000 };
const settings: Settings = {
  engines: {
    process: { ...engine, abilities: abilities.process },
    docker: { ...engine, abilities: abilities.docker },
    swarm: { ...engine, abilities: abilities.swarm },
  },
  pools: {},
};

const definitionOf = (job: object): JobDefinition =>
  toDefinition(
    readChronosJob({ name: 'a', command: 'echo', schedule: 'R/2027-01-01T00:00:00Z/P1D', ...job }),
    {
      generation: 3,
      now: Date.parse('2026-11-21T12:00:00Z'),
      before: null,
      unmapped: [],
    },
  );

describe('a container', () => {
  const container = (more: object) => definitionOf({ container: { image: 'alpine', ...more } }).run;

  test.each<[string, object, object]>([
    ['is on the host network by default', {}, { image: 'alpine', network: 'host', command: 'echo' }],
    ['bridge', { network: 'BRIDGE' }, { network: 'bridge' }],
    ['a network by name', { network: 'USER', networkInfos: [{ name: 'blue' }] }, { network: 'blue' }],
    ['a network by its old name', { network: 'USER', networkName: 'red' }, { network: 'red' }],
    [
      'volumes',
      {
        volumes: [
          { hostPath: '/a', containerPath: '/b', mode: 'RO' },
          { hostPath: '/c', containerPath: '/d' },
        ],
      },
      { volumes: ['/a:/b:ro', '/c:/d'] },
    ],
    [
      'a volume by name',
      { volumes: [{ containerPath: '/b', external: { name: 'v', provider: 'dvdi' } }] },
      { volumes: ['v:/b'] },
    ],
    ['always pulled', { forcePullImage: 'true' }, { pull: 'always' }],
    [
      'options of docker run',
      {
        parameters: [
          { key: 'workdir', value: '/w' },
          { key: 'volume', value: '/x:/y' },
          { key: 'add-host', value: 'h:10.0.0.1' },
        ],
      },
      { workdir: '/w', volumes: ['/x:/y'], hosts: { h: '10.0.0.1' } },
    ],
  ])('%s', (_, given, run) => expect(container(given)).toMatchObject(run));

  test('without an image there is none', () => {
    expect(definitionOf({ container: { type: 'DOCKER' } }).run).toEqual({ command: 'echo' });
  });

  test.each<[string, object, object]>([
    ['a shell runs the command with its arguments', { arguments: ['-v'] }, { command: 'echo -v' }],
    [
      "without a shell the words are for the image's own program",
      { shell: false, arguments: ['a b'] },
      { args: ['echo', 'a b'] },
    ],
    ['no command at all', { command: '' }, { image: 'alpine' }],
  ])('%s', (_, job, run) => {
    expect(definitionOf({ container: { image: 'alpine' }, ...job }).run).toMatchObject(run);
  });

  test('limits are those that were asked for, not the defaults that Chronos prints', () => {
    const image = { container: { image: 'alpine' } };
    expect(definitionOf({ ...image, cpus: 0.1, mem: 128 }).run?.resources).toBeUndefined();
    expect(definitionOf({ ...image, cpus: 2, mem: 64 }).run?.resources).toEqual({ cpus: 2, memory: '64MiB' });
    expect(definitionOf({ cpus: 2 }).run?.resources).toBeUndefined();
  });
});

describe('constraints', () => {
  const of = (...constraints: string[][]) =>
    definitionOf({ container: { image: 'alpine' }, constraints }).run;

  test.each<[string, string[], string[]]>([
    ['EQUALS', ['rack', 'EQUALS', 'r1'], ['node.labels.rack==r1']],
    ['the host', ['hostname', 'EQUALS', 'n1.local'], ['node.hostname==n1.local']],
    ['LIKE with a plain word', ['rack', 'like', 'r1'], ['node.labels.rack==r1']],
    ['UNLIKE with a plain word', ['rack', 'UNLIKE', 'r1'], ['node.labels.rack!=r1']],
  ])('%s', (_, constraint, native) =>
    expect(of(constraint)).toMatchObject({ engine: 'swarm', constraints: native }),
  );

  test('a pattern cannot be placed by: it is kept and told', () => {
    const job = readChronosJob({
      name: 'a',
      container: { image: 'x' },
      constraints: [['rack', 'LIKE', 'r[12]']],
    }).job;
    expect(of(['rack', 'LIKE', 'r[12]'])?.constraints).toBeUndefined();
    expect(chronosWarnings(job, [])).toEqual([expect.stringContaining('rack LIKE r[12]')]);
  });
});

test('whatever was sent reads back the same, and again after it was sent back', () => {
  fc.assert(
    fc.property(
      chronosJob,
      fc.constantFrom(2 as const, 3 as const),
      fc.subarray([...droppable]),
      (sent, generation, refused) => {
        const r = new Rig('2026-11-21T12:00:00Z', settings);
        // Placed jobs go without what Swarm has no word for, and without Swarm without places.
        const unmapped = refused.includes('engine') ? droppable : ([...refused, 'pull'] as const);
        const put = (body: object, before: ReturnType<Rig['view']> | null) => {
          const definition = toDefinition(readChronosJob(body), {
            generation,
            now: r.now,
            before,
            unmapped: before === null ? unmapped : [],
          });
          r.submit({ kind: 'put-job', definition, mode: 'replace', by: 'test', source: 'test' });
        };
        put({ name: 'a', ...sent }, null);
        const read = printJob(toChronos(r.view('a')), generation);
        const { epsilon, async, ...both } = sent;
        expect(read).toMatchObject(generation === 2 ? { ...sent, ...lower(sent) } : both);
        r.now += 60_000;
        put(read, r.view('a'));
        expect(printJob(toChronos(r.view('a')), generation)).toEqual(read);
        expect(r.view('a').job.revision).toBe(1);
      },
    ),
    { numRuns: 300 },
  );
});

/** The second generation prints the type in small letters. */
const lower = (sent: { container?: { type: string } }): object =>
  sent.container === undefined
    ? {}
    : { container: { ...sent.container, type: sent.container.type.toLowerCase() } };
