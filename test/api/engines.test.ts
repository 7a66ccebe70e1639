/** Engines and pools as the API shows them: how full they are, what waits and why, how long starts take. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Launcher } from '../../src/scheduler/ports.ts';
import { engineViews } from '../../src/scheduler/runtime/engine-views.ts';
import { State } from '../../src/scheduler/state/state.ts';
import { ApiWorld } from '../support/api-world.ts';
import { createFakeLauncher } from '../support/fake-launcher.ts';
import { testSettings } from '../support/rig.ts';
import { SimClock } from '../support/sim-clock.ts';
import { World } from '../support/world.ts';

const settings = {
  engines: { process: { ...testSettings.engines.process, concurrency: 3 } },
  pools: { reports: 5, etl: 2 },
} as typeof testSettings;

let api: ApiWorld;
let world: World;

beforeEach(async () => {
  world = await World.at('2026-01-01T00:00:00Z', settings);
  api = await ApiWorld.over(world);
  await world.put(
    { name: 'load', policy: { pool: 'etl', overlap: 'allow' } },
    { name: 'plain', policy: { overlap: 'allow' } },
  );
});
afterEach(() => api.close());

async function trigger(...names: string[]): Promise<void> {
  for (const name of names) await world.trigger(name);
  await world.clock.settle();
}

test('pools, by name: places, taken, queued', async () => {
  await trigger('load', 'load', 'load');
  expect((await api.get('/pools')).items).toEqual([
    { name: 'etl', places: 2, taken: 2, queued: 1 },
    { name: 'reports', places: 5, taken: 0, queued: 0 },
  ]);
});

test('an engine: capacity, what runs and what waits for it', async () => {
  await trigger('load', 'load', 'plain', 'plain', 'load');
  const [engine] = (await api.get('/engines')).items;
  expect(engine).toMatchObject({
    name: 'process',
    reachable: true,
    version: 'fake',
    capacity: { attempts: 3, cpus: null, memoryBytes: null },
    running: 3,
    startQueue: 0,
    queued: 1,
  });
});

test('what is queued is listed with its reason, and its place is given on when one ends', async () => {
  await trigger('load', 'load', 'load', 'plain', 'plain');
  const reasons = async () =>
    (await api.get('/runs?state=queued')).items.map((run: { reason: string }) => run.reason).sort();
  expect(await reasons()).toEqual([
    'engine process: all 3 slots are in use',
    'pool etl: all 2 slots are in use',
  ]);
  world.engine.exit(world.engine.newest('plain'), 0);
  await world.clock.settle();
  expect(await reasons()).toEqual(['pool etl: all 2 slots are in use']);
});

test('start latency counts what this leader started, from the decision to the start', async () => {
  expect((await api.get('/engines')).items[0].startLatency).toMatchObject({ count: 0, p50: null });
  world.engine.down = true;
  await trigger('plain');
  world.engine.down = false;
  await world.clock.advance(1_000);
  await trigger('load', 'load');
  expect((await api.get('/engines')).items[0].startLatency).toMatchObject({ count: 3, p50: 0, max: 1_003 });
});

describe('an engine that does not answer', () => {
  test('is told as unreachable after two seconds, and the others are told as they are', async () => {
    const clock = new SimClock(0);
    const [hangs, works] = [createFakeLauncher(world.engine, 'docker'), createFakeLauncher(world.engine)];
    const launchers: Launcher[] = [{ ...hangs, describe: () => new Promise(() => undefined) }, works];
    const views = engineViews({ launchers, state: new State(settings, 'c'), startQueue: () => 0, clock });
    await clock.advance(2_000);
    const [docker, process] = await views;
    expect(docker).toMatchObject({ reachable: false, detail: 'the engine did not respond within 2 seconds' });
    expect(process).toMatchObject({ reachable: true });
  });
});
