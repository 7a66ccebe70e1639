/** A request that is sent again, because its answer was lost, does what it did before and no more. */

import { expect, test } from 'vitest';
import { checkCommand } from '../../../src/scheduler/decide.ts';
import { follow } from '../../../src/scheduler/state/follow.ts';
import { State } from '../../../src/scheduler/state/state.ts';
import { Rig, testSettings } from '../../support/rig.ts';
import { World } from '../../support/world.ts';

const trigger = { kind: 'trigger', name: 'a', triggerId: 'once', params: {}, by: 'test' } as const;
const put = {
  kind: 'put-job',
  definition: { name: 'a', run: { command: 'true' }, policy: { overlap: 'allow' } },
  mode: 'create',
  by: 'test',
  source: 'test',
} as const;

test('a start by hand, to a leader that has loaded it', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.submit(put);
  const { id } = rig.submit(trigger);
  rig.now += 5_000;
  rig.restart();
  expect(rig.submit(trigger).id).toBe(id);
  expect(rig.runs('a')).toHaveLength(1);
});

test('a start by hand, to a leader that has followed', () => {
  const [leader, follower] = [new State(testSettings, 'test'), new State(testSettings, 'test')];
  const answers = [put, trigger].map((command, now) => {
    const { decision, answer } = checkCommand(leader, now, command)();
    follow(follower, structuredClone(decision.groups.flat()));
    return answer;
  });
  const again = checkCommand(follower, 5_000, trigger)();
  expect(again.answer.id).toBe((answers[1] as { id: string }).id);
  expect(again.decision.groups).toEqual([]);
});

test('a rerun that ended before the leader had its copy', async () => {
  const world = await World.at('2026-01-01T00:00:00Z');
  world.engine.plan = () => ({ durationMs: 100, exitCode: 0 });
  await world.put({ name: 'a' });
  await world.trigger('a');
  await world.clock.advance(1_000);
  const [first] = await world.history();
  const rerun = {
    kind: 'rerun',
    run: first as NonNullable<typeof first>,
    triggerId: 'once',
    by: 'test',
  } as const;
  const { id } = await world.submit(rerun);
  await world.clock.advance(1_000);
  await world.crash();
  await world.startAnother();
  expect((await world.submit(rerun)).id).toBe(id);
  expect([...world.scheduler.liveRuns()]).toEqual([]);
  expect(world.scheduler.job('a').state.succeeded).toBe(2);
  await world.stop();
});
