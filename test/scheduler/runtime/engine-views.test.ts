/** What can be said of each engine and each pool now. */

import { describe, expect, test } from 'vitest';
import type { Settings } from '../../../src/scheduler/model/model.ts';
import type { EngineDescription } from '../../../src/scheduler/ports.ts';
import { engineViews, poolViews } from '../../../src/scheduler/runtime/engine-views.ts';
import { abilities } from '../../support/engines.ts';
import { createFakeLauncher, FakeEngine } from '../../support/fake-launcher.ts';
import { Rig } from '../../support/rig.ts';
import { SimClock } from '../../support/sim-clock.ts';

const process = { concurrency: 2, abilities: abilities.process, tombstoneMs: 600_000 };
const settings: Settings = { engines: { process }, pools: { z: 3, etl: 1 } };

/** Four runs wait for two places: one runs, one is launched, two are queued. */
function busy(): Rig {
  const rig = new Rig('2026-01-01T00:00:00Z', settings);
  rig.put({ name: 'a', policy: { overlap: 'allow' } });
  for (let i = 0; i < 4; i++) rig.trigger('a');
  rig.now += 1_000;
  rig.begin('a');
  return rig;
}

function viewsOf(rig: Rig, describe: () => Promise<EngineDescription>) {
  const clock = new SimClock(rig.now);
  const launcher = { ...createFakeLauncher(new FakeEngine(clock)), describe };
  const views = engineViews({ launchers: [launcher], state: rig.state, startQueue: () => 5, clock });
  return { clock, views };
}

describe('an engine', () => {
  test('tells what it has, and what this node knows of its runs', async () => {
    const description = { reachable: true, version: '1', detail: 'here', cpus: 8, memoryBytes: 1_024 };
    const { views } = viewsOf(busy(), async () => description);
    expect(await views).toMatchObject([
      {
        name: 'process',
        reachable: true,
        version: '1',
        detail: 'here',
        capacity: { attempts: 2, cpus: 8, memoryBytes: 1_024 },
        running: 2,
        startQueue: 5,
        queued: 2,
        startLatency: { count: 1 },
      },
    ]);
  });

  test('that each node has for itself is told with the slots of all nodes that respond, and all that waits', async () => {
    const own = { process: { ...process, host: 'n1' } };
    const rig = new Rig('2026-01-01T00:00:00Z', { ...settings, engines: own, labels: { zone: 'a' } });
    const nodes = [
      { id: 'n2', labels: { zone: 'b' }, capacity: { process: 3 } },
      { id: 'n3', labels: { zone: 'c' }, capacity: {} },
    ];
    rig.event({ kind: 'nodes', now: rig.now, nodes });
    for (const [name, on] of [
      ['here', 'leader'],
      ['there', 'zone==b'],
      ['anywhere', 'any'],
      ['nowhere', 'zone==d'],
    ] as const)
      rig.put({ name, run: { command: 'x', on }, policy: { overlap: 'allow' } });
    for (let i = 0; i < 3; i++) rig.trigger('here');
    for (let i = 0; i < 4; i++) rig.trigger('there');
    rig.trigger('anywhere');
    rig.trigger('nowhere');
    const { views } = viewsOf(rig, async () => ({ reachable: true, version: '1', detail: null }));
    expect(await views).toMatchObject([{ capacity: { attempts: 5, nodes: 2 }, running: 5, queued: 3 }]);
    rig.event({ kind: 'nodes', now: rig.now, nodes: [] });
    // Runs for which there is no node wait for none of its slots.
    const { views: alone } = viewsOf(rig, async () => ({ reachable: true, version: '1', detail: null }));
    expect(await alone).toMatchObject([{ capacity: { attempts: 2, nodes: 1 }, running: 5, queued: 2 }]);
  });

  test('with hosts is told with each of them, and with the slots of those that respond', async () => {
    const ssh = { concurrency: null, onHosts: true, abilities: abilities.ssh, tombstoneMs: 600_000 } as const;
    const rig = new Rig('2026-01-01T00:00:00Z', { ...settings, engines: { ssh } });
    const one = { id: 'one', labels: { host: 'one' }, capacity: { ssh: 3 } };
    const two = { id: 'two', labels: { host: 'two' }, capacity: {}, silent: { ssh: 'it is away' } };
    rig.event({ kind: 'nodes', now: rig.now, nodes: [one, two] });
    rig.put({ name: 'a', run: { engine: 'ssh', command: 'x' } });
    rig.trigger('a');
    const clock = new SimClock(rig.now);
    const launcher = {
      ...createFakeLauncher(new FakeEngine(clock)),
      engine: 'ssh',
      describe: async () => ({
        ...{ reachable: true, version: null, detail: '1 of 2 hosts respond' },
        hosts: [{ name: 'one', reachable: true, detail: '10.0.0.1' }],
      }),
      hosts: {
        at: () => undefined,
        list: () => [
          { id: 'one', labels: { zone: 'a' }, slots: 3 },
          { id: 'two', labels: {}, slots: 4 },
          { id: 'all', labels: {}, slots: 9, isAll: true as const },
        ],
      },
    };
    const views = engineViews({ launchers: [launcher], state: rig.state, startQueue: () => 0, clock });
    expect(await views).toMatchObject([
      {
        name: 'ssh',
        capacity: { attempts: 3, nodes: 1 },
        running: 1,
        hosts: [
          {
            name: 'one',
            reachable: true,
            detail: '10.0.0.1',
            labels: { zone: 'a' },
            attempts: 3,
            running: 1,
          },
          { name: 'two', reachable: false, detail: null, labels: {}, attempts: 4, running: 0 },
        ],
      },
    ]);
  });

  test('without a limit, and that says nothing of its size, has none', async () => {
    const rig = new Rig('2026-01-01T00:00:00Z');
    rig.put({ name: 'a' });
    rig.trigger('a');
    rig.end('a');
    const { views } = viewsOf(rig, async () => ({ reachable: true, version: null, detail: null }));
    expect(await views).toMatchObject([
      { capacity: { attempts: null, cpus: null, memoryBytes: null }, running: 0, queued: 0 },
    ]);
  });

  test('does not count a run as running that waits for its retry', async () => {
    const rig = new Rig('2026-01-01T00:00:00Z');
    rig.put({ name: 'a', policy: { retries: { limit: 1, delay: 'PT1M' } } });
    rig.trigger('a');
    rig.end('a', 1);
    expect(rig.runOf('a')).toMatchObject({ state: 'waiting', attempts: [{ number: 1 }] });
    const { views } = viewsOf(rig, async () => ({ reachable: true, version: null, detail: null }));
    expect(await views).toMatchObject([{ running: 0 }]);
  });

  test('that does not answer within two seconds is not reachable', async () => {
    const { clock, views } = viewsOf(busy(), () => new Promise(() => undefined));
    await clock.advance(1_999);
    expect(await Promise.race([views, 'not yet'])).toBe('not yet');
    await clock.advance(1);
    expect(await views).toMatchObject([
      { reachable: false, version: null, detail: 'the engine did not respond within 2 seconds', running: 2 },
    ]);
  });
});

test('pools are told by name, with what they have given and who waits', () => {
  const rig = new Rig('2026-01-01T00:00:00Z', settings);
  rig.put({ name: 'a', policy: { pool: 'etl', overlap: 'allow' } });
  for (let i = 0; i < 3; i++) rig.trigger('a');
  expect(poolViews(rig.state)).toEqual([
    { name: 'etl', places: 1, taken: 1, queued: 2 },
    { name: 'z', places: 3, taken: 0, queued: 0 },
  ]);
});
