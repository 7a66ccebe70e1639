/** Starts that are asked for more than once, and engines that come back late. */

import { expect, test } from 'vitest';
import { abilities } from '../../support/engines.ts';
import { wordsOf } from '../../support/in-words.ts';
import { testSettings } from '../../support/rig.ts';
import { World } from '../../support/world.ts';

test('an attempt that was put off and then started otherwise is not started again when its time comes', async () => {
  // Ended launches are forgotten soon: the name is no lock by then.
  const process = { concurrency: null, abilities: abilities.process, tombstoneMs: 1_000 };
  const world = await World.at('2026-01-01T00:00:00Z', { ...testSettings, engines: { process } });
  await world.put({ name: 'a' });
  await world.crash();
  world.engine.down = true;
  world.engine.plan = () => ({ durationMs: 1_000, exitCode: 0 });
  await world.startAnother();
  await world.trigger('a');
  // Put off for 1, 2, 4, … 60 seconds; the taking over still waits for what the engine has.
  await world.clock.advance(65_000);
  world.engine.down = false;
  await world.clock.advance(120_000);
  expect([...world.engine.starts.values()]).toEqual([1]);
  expect(world.engine.held.size).toBe(0);
  expect((await world.history()).map((run) => run.state)).toEqual(['succeeded']);
});

test('an attempt that an engine started, never told of and forgot is lost', async () => {
  const world = await World.at('2026-01-01T00:00:00Z');
  await world.put({ name: 'a' });
  world.engine.tell = () => undefined;
  await world.trigger('a');
  world.engine.held.clear();
  await world.clock.advance(31_000);
  expect((await world.history()).map((run) => `${run.state}: ${wordsOf(run.reason)}`)).toEqual([
    'lost: the engine process no longer knows it',
  ]);
});
