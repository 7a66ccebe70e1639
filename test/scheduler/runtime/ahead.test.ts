/** Making ready, by the clock: in time, for what will be launched, and given up for what will not. */

import { describe, expect, test } from 'vitest';
import type { Settings } from '../../../src/scheduler/model/model.ts';
import { Ahead } from '../../../src/scheduler/runtime/ahead.ts';
import { abilities } from '../../support/engines.ts';
import { Rig } from '../../support/rig.ts';
import { SimClock } from '../../support/sim-clock.ts';
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

type Definition = { name: string } & Record<string, unknown>;

/** What is asked of the engines for these jobs, by the second; `timers` counts what was waited for. */
const rig = (...definitions: Definition[]) => rigOn(engines, ...definitions);

function rigOn(on: Settings['engines'], ...definitions: Definition[]) {
  const core = new Rig('2026-01-01T00:00:00Z', { engines: on, pools: {} });
  core.put(...definitions);
  const start = core.now;
  const clock = new SimClock(start);
  const did: string[] = [];
  const timers = { set: 0 };
  const note = (what: string): void => void did.push(`${(clock.now() - start) / 1_000} ${what}`);
  const ahead = new Ahead({
    state: core.state,
    clock: {
      now: () => clock.now(),
      monotonicMs: () => clock.monotonicMs(),
      after: (delayMs, callback) => {
        timers.set += 1;
        return clock.after(delayMs, callback);
      },
    },
    prepare: ({ spec, warm, forMs }) => note(`${warm ? 'hold' : 'create'} ${spec.job} for ${forMs}`),
    discard: ({ launchName }) => note(`discard ${launchName.split('-')[0]}`),
  });
  /** The leader decides what is due by now. */
  const decide = (): void => core.sleep(clock.now());
  return { core, clock, did, timers, ahead, decide };
}

describe('what is asked of the engines', () => {
  const soon = { ...hourly, schedule: { at: '2026-01-01T00:00:06Z' } };

  test('is asked once, from its time on, whatever else changes of the job', async () => {
    const { clock, did, ahead } = rig(soon);
    ahead.start();
    await clock.advance(2_000);
    for (let i = 0; i < 3; i++) ahead.changed('a');
    await clock.advance(2_000);
    expect(did).toEqual(['1 hold a for 10000']);
  });

  test('is nothing before the beginning, nor after the end', async () => {
    const { clock, did, ahead } = rig(soon);
    await clock.advance(2_000);
    ahead.changed('a');
    expect(did).toEqual([]);
    ahead.start();
    ahead.stop();
    ahead.changed('a');
    await clock.advance(2_000);
    expect(did).toEqual(['2 hold a for 9000', '2 discard a']);
  });

  test('is nothing at a due time, when it is too late, and later, when it may be in use', async () => {
    const late = rig(soon);
    await late.clock.advance(6_000);
    late.ahead.start();
    expect(late.did).toEqual([]);
    const { clock, did, ahead, decide } = rig(soon);
    ahead.start();
    await clock.advance(6_000);
    decide();
    ahead.changed('a');
    await clock.advance(5_000);
    expect(did).toEqual(['1 hold a for 10000']);
  });

  test('is asked within a second after the wall clock was set to its time', async () => {
    const { clock, did, ahead } = rig(hourly);
    ahead.start();
    await clock.advance(500);
    clock.step(3_597_000);
    await clock.advance(500);
    expect(did).toEqual(['3598 hold a for 7000']);
  });

  test('is asked in time for a job that comes up while another is waited for', async () => {
    const { core, clock, did, ahead } = rig({ ...soon, schedule: { at: '2026-01-01T00:00:05.900Z' } });
    ahead.start();
    await clock.advance(100);
    core.put({ ...soon, name: 'b', schedule: { at: '2026-01-01T00:00:05.300Z' } });
    ahead.changed('b');
    await clock.advance(1_000);
    expect(did).toEqual(['0.3 hold b for 10000', '0.9 hold a for 10000']);
  });
});

describe('a process that is due soon', () => {
  const processes = {
    process: { concurrency: null, abilities: abilities.process, tombstoneMs: 600_000 },
  } as const;
  const job = (name: string, at = '2026-01-01T00:00:06Z') => ({
    name,
    schedule: { at },
    run: { command: 'true' },
  });

  test('is held unasked for half a second, and each of every second is', async () => {
    const world = await World.at('2026-01-01T00:00:00Z', { engines: processes, pools: {} });
    world.engine.plan = () => ({ durationMs: 100, exitCode: 0 });
    await world.put({ ...job('a'), schedule: { cron: '* * * * * *' } });
    await world.clock.advance(1_300);
    for (let second = 0; second < 3; second++) {
      expect(ready(world)).toEqual([]);
      await world.clock.advance(400);
      expect(ready(world)).toEqual(['a held']);
      const [held] = [...world.engine.ready.values()];
      await world.clock.advance(600);
      expect(world.engine.started.at(-1)).toEqual(held?.spec);
    }
  });

  test('is held anew after an edit, and left alone by one once it is decided', async () => {
    const { core, clock, did, ahead } = rigOn(processes, job('a'));
    ahead.start();
    await clock.advance(5_700);
    core.put({ ...job('a'), run: { command: 'false' } });
    ahead.changed('a');
    expect(did.map((what) => what.replace(/-.*/, ''))).toEqual([
      '5.5 hold a for 5500',
      '5.7 discard a',
      '5.7 hold a for 5300',
    ]);
    await clock.advance(290);
    core.now = clock.now();
    core.announce('2026-01-01T00:00:06Z');
    core.put({ ...job('a'), run: { command: 'other' } });
    ahead.changed('a');
    expect(did).toHaveLength(3);
  });

  test.each([
    [128, 128],
    [129, 0],
  ])('is held unless it is one of hundreds: %i of %i', async (due, held) => {
    const { clock, did, ahead } = rigOn(processes, ...Array.from({ length: due }, (_, i) => job(`j${i}`)));
    ahead.start();
    await clock.advance(5_900);
    expect(did).toHaveLength(held);
  });
});

describe('what is waited for', () => {
  test('is nothing, without a job that asks to be made ready', async () => {
    const { clock, timers, ahead } = rig({ ...hourly, policy: {} });
    ahead.start();
    ahead.changed('a');
    await clock.advance(5_000);
    expect(timers.set).toBe(0);
  });

  test('is one timer at a time, however often jobs change', () => {
    const { timers, ahead } = rig(hourly);
    ahead.start();
    for (let i = 0; i < 100; i++) ahead.changed('a');
    expect(timers.set).toBe(1);
  });

  test('is a tenth of a second at a time, while the decision about a due time is late', async () => {
    const { clock, timers, ahead } = rig({ ...hourly, schedule: { at: '2026-01-01T00:00:06Z' } });
    await clock.advance(8_000);
    ahead.start();
    await clock.advance(1_000);
    expect(timers.set).toBe(11);
  });
});
