/**
 * What nobody thought of, one node: seeded worlds with random jobs, in which the scheduler crashes at random
 * moments, also in the middle of commits, and engines come and go. At the end nothing may be lost or doubled.
 * A failing seed repeats with `SEED=n npx vitest run test/scenarios/crashes.test.ts`.
 */

import { expect, test } from 'vitest';
import { nextInstant } from '../../src/scheduler/schedule/next.ts';
import { allTime, summarise } from '../../src/scheduler/stats/stats.ts';
import { World } from '../support/world.ts';

const SEEDS =
  process.env.SEED === undefined ? Array.from({ length: 40 }, (_, i) => i + 1) : [Number(process.env.SEED)];
const START = '2026-01-01T00:00:00Z';
const CRASHES = 6;

/** Numbers in [0, 1) from a seed (a linear congruential generator is random enough to choose faults). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test.each(SEEDS)(
  'seed %i: crashes lose nothing and double nothing',
  async (seed) => {
    const random = randomFrom(seed);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    const world = await World.at(START);
    world.engine.plan = () => ({ durationMs: random() * 8_000, exitCode: random() < 0.2 ? 1 : 0 });
    world.faults.delayMs = () => (random() < 0.5 ? 0 : random() * 400);
    const scheduled = ['a', 'b', 'c', 'd'];
    for (const name of scheduled) {
      await world.put({
        name,
        schedule: { every: `R/2026-01-01T00:00:01Z/PT${pick([5, 7, 10])}S` },
        policy: {
          overlap: pick(['skip', 'queue', 'queue-all', 'allow', 'replace']),
          catchUp: pick(['none', 'latest', 'all']),
          retries: { limit: pick([0, 1, 2]), delay: 'PT1S' },
          ...(random() < 0.3 ? { pool: 'etl' } : {}),
          ...(random() < 0.3 ? { timeout: 'PT5S', killAfter: 'PT1S' } : {}),
        },
      });
    }
    const dependents = ['e', 'f', 'g'];
    await world.put({
      name: 'e',
      schedule: { after: { parents: ['a', 'b'], when: pick(['all-succeeded', 'all-done', 'any-failed']) } },
      policy: { overlap: 'queue-all' },
    });
    await world.put({ name: 'f', schedule: { after: { parents: ['e'] } }, policy: { overlap: 'allow' } });
    await world.put({
      name: 'g',
      schedule: { after: { parents: ['c'], when: 'all-done' } },
      policy: { overlap: 'allow' },
    });

    world.faults.delayMs = () => (random() < 0.5 ? 0 : random() * 400);
    const acknowledged: string[] = [];
    for (let crash = 0; crash < CRASHES; crash++) {
      for (let i = 0; i < 4; i++) {
        if (random() < 0.5) {
          const triggered = world.trigger(pick(scheduled));
          void triggered.then((run) => acknowledged.push(run.id)).catch(() => undefined);
          await world.clock.advance(random() * 500);
        }
        if (random() < 0.2) world.engine.down = !world.engine.down;
        await world.clock.advance(random() * 10_000);
      }
      await world.crash();
      world.engine.down = false;
      await world.clock.advance(random() < 0.3 ? 60_000 * random() : 1_000);
      await world.startAnother();
    }
    world.faults.delayMs = () => 0;
    for (const name of scheduled) await world.submit({ kind: 'pause', name, by: 'test' });
    for (let i = 0; i < 60 && [...world.scheduler.liveRuns()].length > 0; i++)
      await world.clock.advance(10_000);

    expect(world.fatal).toEqual([]);
    expect(
      [...world.scheduler.liveRuns()].map((run) => `${run.id} ${run.state} ${run.reason?.code}`),
    ).toEqual([]);
    expect([...world.engine.starts].filter(([, starts]) => starts > 1)).toEqual([]);
    const history = await world.history();
    const ids = history.map((run) => run.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(acknowledged.filter((id) => !ids.includes(id))).toEqual([]);
    // What the engine started is known, and what is told as succeeded was started.
    const launches = new Set(history.flatMap((run) => run.attempts.map((attempt) => attempt.launchName)));
    expect([...world.engine.starts.keys()].filter((name) => !launches.has(name))).toEqual([]);
    for (const run of history)
      if (run.state === 'succeeded')
        expect(world.engine.starts.get(run.attempts.at(-1)?.launchName ?? '')).toBe(1);
    for (const name of scheduled) await everyInstantHasOneEnd(world, name);
    for (const name of [...scheduled, ...dependents]) await statisticsEqualARecount(world, name);
  },
  60_000,
);

/** Each due instant up to the cursor lies in exactly one ledger line, and lines count what they cover. */
async function everyInstantHasOneEnd(world: World, name: string): Promise<void> {
  const { schedule, state } = world.scheduler.job(name);
  if (schedule === null) throw new Error(`${name} has no schedule`);
  const lines = await world.ledger(name);
  let due = nextInstant(schedule, Date.parse(START) - 1);
  for (const line of lines) {
    for (let counted = 0; counted < line.count; counted++) {
      expect(due).not.toBeNull();
      expect(due).toBeGreaterThanOrEqual(line.from);
      expect(due).toBeLessThanOrEqual(line.to);
      due = nextInstant(schedule, due ?? 0);
    }
  }
  expect(due).toBe(nextInstant(schedule, state.cursor));
}

async function statisticsEqualARecount(world: World, name: string): Promise<void> {
  const runs = await world.history(name);
  const { state, stats } = world.scheduler.job(name);
  const count = (...ends: string[]): number => runs.filter((run) => ends.includes(run.state)).length;
  expect(state.succeeded).toBe(count('succeeded'));
  expect(state.failed).toBe(count('failed', 'killed', 'timed-out', 'lost'));
  const attempts = runs
    .flatMap((run) => run.attempts)
    .filter((attempt) => attempt.startedAt !== null && attempt.endedAt !== null);
  if (stats === null) {
    expect(attempts).toEqual([]);
    return;
  }
  const all = allTime(stats);
  const counted = (summarise(all.runTime)?.count ?? 0) + (summarise(all.failedRunTime)?.count ?? 0);
  expect(counted).toBe(attempts.length);
  expect(summarise(all.runTime)?.count ?? 0).toBe(state.succeeded);
}
