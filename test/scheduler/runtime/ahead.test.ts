/** Making ready, by the clock: in time, for what will be launched, and given up for what will not. */

import { expect, test } from 'vitest';
import { abilities } from '../../support/engines.ts';
import { World } from '../../support/world.ts';

const engines = {
  process: { concurrency: null, abilities: abilities.docker, tombstoneMs: 600_000 },
} as const;
const hourly = {
  name: 'a',
  schedule: { cron: '0 * * * *' },
  run: { image: 'busybox', command: 'true' },
  policy: { warmStart: 'PT5S' },
};

async function worldWith(...definitions: ({ name: string } & Record<string, unknown>)[]): Promise<World> {
  const world = await World.at('2026-01-01T00:00:00Z', { engines, pools: {} });
  world.engine.plan = () => ({ durationMs: 500, exitCode: 0 });
  await world.put(...definitions);
  return world;
}

/** `job warm|created` of what is ready now. */
const ready = (world: World): string[] =>
  [...world.engine.ready.values()].map(({ spec, warm }) => `${spec.job} ${warm ? 'held' : 'created'}`);
const minute = 60_000;

test('it is held from its time on, and launched as what was held', async () => {
  const world = await worldWith(hourly);
  await world.clock.advance(59 * minute + 54_000);
  expect(ready(world)).toEqual([]);
  await world.clock.advance(1_500);
  expect(ready(world)).toEqual(['a held']);
  const held = [...world.engine.ready.values()][0]?.spec;
  await world.clock.advance(5_000);
  expect(ready(world)).toEqual([]);
  expect(world.engine.started).toEqual([held]);
});

test('it is created first and held later where both are asked for', async () => {
  const world = await worldWith({ ...hourly, policy: { prestage: 'PT10M', warmStart: 'PT5S' } });
  await world.clock.advance(51 * minute);
  expect(ready(world)).toEqual(['a created']);
  await world.clock.advance(8 * minute + 56_000);
  expect(ready(world)).toEqual(['a held']);
});

test('each instant of a frequent job is made ready once the one before is decided', async () => {
  const world = await worldWith({
    ...hourly,
    schedule: { cron: '*/2 * * * * *' },
    policy: { warmStart: 'PT5S' },
  });
  const names = new Set<string>();
  for (let i = 0; i < 20; i++) {
    await world.clock.advance(500);
    for (const { spec } of world.engine.ready.values()) names.add(spec.launchName);
  }
  expect(names.size).toBeGreaterThanOrEqual(5);
  const started = world.engine.started.map(({ launchName }) => launchName);
  expect(started.slice(1).every((launchName) => names.has(launchName))).toBe(true);
});

test.each<[string, (world: World) => Promise<unknown>]>([
  ['paused', (world) => world.submit({ kind: 'pause', name: 'a', by: 'test' })],
  ['deleted', (world) => world.submit({ kind: 'delete-job', name: 'a', dependents: 'refuse', by: 'test' })],
  ['given another schedule', (world) => world.put({ ...hourly, schedule: { cron: '30 * * * *' } })],
  ['told not to', (world) => world.put({ ...hourly, policy: {} })],
])('what was held is given up when the job is %s', async (_, change) => {
  const world = await worldWith(hourly);
  await world.clock.advance(59 * minute + 56_000);
  expect(ready(world)).toEqual(['a held']);
  await change(world);
  expect(ready(world)).toEqual([]);
});

test('an edit is held anew', async () => {
  const world = await worldWith(hourly);
  await world.clock.advance(59 * minute + 56_000);
  await world.put({ ...hourly, run: { image: 'busybox', command: 'false' } });
  expect([...world.engine.ready.values()].map(({ spec }) => spec.argv?.[2])).toEqual(['false']);
  await world.clock.advance(5_000);
  expect(world.engine.started.map(({ argv }) => argv?.[2])).toEqual(['false']);
});

test('a run that is skipped because the one before still runs leaves nothing held', async () => {
  const world = await worldWith(hourly);
  world.engine.plan = () => null;
  await world.trigger('a');
  await world.clock.advance(59 * minute + 56_000);
  expect(ready(world)).toEqual(['a held']);
  await world.clock.advance(10_000);
  expect(ready(world)).toEqual([]);
  expect((await world.history('a')).map(({ state }) => state)).toEqual(['skipped']);
  expect(world.engine.started).toHaveLength(1);
});

test('nothing is made ready while leadership is not proven', async () => {
  const world = await worldWith(hourly);
  world.fresh = false;
  await world.clock.advance(59 * minute + 57_000);
  expect(ready(world)).toEqual([]);
});

test('what is held is given up with the leadership, and made ready by the next', async () => {
  const world = await worldWith(hourly);
  await world.clock.advance(59 * minute + 56_000);
  await world.stop();
  expect(ready(world)).toEqual([]);
  await world.startAnother();
  await world.clock.advance(500);
  expect(ready(world)).toEqual(['a held']);
});

test('an engine that is down when it should make ready launches at the instant as ever', async () => {
  const world = await worldWith(hourly);
  world.engine.down = true;
  await world.clock.advance(59 * minute + 57_000);
  world.engine.down = false;
  await world.clock.advance(4_000);
  expect((await world.history('a')).map(({ state }) => state)).toEqual(['succeeded']);
});
