/** What a job learns of its trace, and which ends are traced: by whichever leader, and once. */

import { afterEach, describe, expect, test } from 'vitest';
import { attemptSpan, traceVariables } from '../../../src/scheduler/model/trace.ts';
import { spansOf } from '../../../src/traces/spans.ts';
import { testSettings } from '../../support/rig.ts';
import { World } from '../../support/world.ts';

let world: World;
afterEach(() => world.stop());
const at = (traced: boolean) => World.at('2026-11-21T00:00:30Z', { ...testSettings, traced });

describe('the environment of a job', () => {
  test('names the span of its attempt', async () => {
    world = await at(true);
    await world.put({ name: 'a', run: { command: 'true', env: { MINE: '1' } } });
    const run = await world.trigger('a');
    const { env, launchName } = world.engine.started[0]!;
    expect(env).toMatchObject({ MINE: '1', ...traceVariables('world', run, { launchName }) });
  });

  test('keeps what the job sets itself', async () => {
    world = await at(true);
    await world.put({ name: 'a', run: { command: 'true', env: { TRACEPARENT: 'mine' } } });
    await world.trigger('a');
    expect(world.engine.started[0]?.env).toMatchObject({ TRACEPARENT: 'mine' });
  });

  test('is as before without a collector', async () => {
    world = await at(false);
    await world.put({ name: 'a' });
    await world.trigger('a');
    expect(
      Object.keys(world.engine.started[0]?.env ?? {}).filter((name) => name.startsWith('TRACE')),
    ).toEqual([]);
  });

  test('changes no name of a launch', async () => {
    const names: string[] = [];
    for (const traced of [true, false]) {
      world = await at(traced);
      await world.put({ name: 'a', schedule: { every: 'PT1M' } });
      await world.clock.advance(60_000);
      names.push(world.engine.newest('a'));
    }
    expect(names[0]).toBe(names[1]);
  });
});

test('an attempt that was launched by a leader that died is traced by the next one, in the span that the job knows', async () => {
  world = await at(true);
  await world.put({ name: 'a' });
  const { id } = await world.trigger('a');
  const { env, launchName } = world.engine.started[0]!;
  await world.crash();
  await world.startAnother();
  world.engine.exit(launchName, 0);
  await world.clock.settle();
  expect(world.traced.map((run) => run.id)).toEqual([id]);
  const [, attempt] = spansOf('world', world.traced[0]!);
  expect(attempt).toMatchObject(attemptSpan('world', id, launchName));
  expect(env.TRACEPARENT).toBe(`00-${attempt?.traceId}-${attempt?.spanId}-01`);
  expect(world.engine.starts.get(launchName)).toBe(1);
});
