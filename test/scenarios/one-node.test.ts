import { describe, expect, test } from 'vitest';
import { CarillonError } from '../../src/errors.ts';
import { inWords } from '../support/in-words.ts';
import { World } from '../support/world.ts';

const seconds = { cron: '*/10 * * * * *' };
const states = (runs: { state: string }[]): string[] => runs.map((run) => run.state);

describe('one node', () => {
  test('runs a pipeline on its schedule, and stops cleanly in the middle of it', async () => {
    const world = await World.at('2026-01-01T00:00:00Z');
    world.engine.plan = () => ({ durationMs: 1_000, exitCode: 0 });
    await world.put(
      { name: 'extract', schedule: seconds },
      { name: 'load', schedule: { after: { parents: ['extract'] } } },
    );
    await world.clock.advance(10_500);
    await world.stop();
    await world.clock.advance(5_000);
    await world.startAnother();
    await world.clock.advance(3_000);
    expect((await world.history()).map((run) => `${run.job} ${run.state}`)).toEqual([
      'extract succeeded',
      'load succeeded',
    ]);
    expect([...world.engine.starts.values()]).toEqual([1, 1]);
  });

  test('goes on where a listener to its changes throws', async () => {
    const world = await World.at('2026-01-01T00:00:00Z');
    world.scheduler.subscribe(() => {
      throw new TypeError('a listener that cannot take this');
    });
    const told: string[] = [];
    world.scheduler.subscribe((notice) => told.push(notice.kind));
    await world.put({ name: 'a' });
    await world.trigger('a');
    expect({ fatal: world.fatal, ...world.scheduler.leadership() }).toMatchObject({
      fatal: [],
      leading: true,
    });
    expect(told).toEqual(['job', 'run', 'run']);
  });

  test('adopts what ran and learns what ended while it was away', async () => {
    const world = await World.at('2026-01-01T00:00:00Z');
    await world.put({ name: 'a' }, { name: 'b' });
    await world.trigger('a');
    await world.trigger('b');
    await world.crash();
    world.engine.exit(world.engine.newest('b'), 3);
    await world.startAnother();
    expect(world.scheduler.job('a').runs[0]?.state).toBe('running');
    expect(inWords((await world.history('b'))[0])).toMatchObject({ state: 'failed', reason: 'exit code 3' });
    world.engine.exit(world.engine.newest('a'), 0);
    await world.clock.settle();
    expect(states(await world.history('a'))).toEqual(['succeeded']);
    expect([...world.engine.starts.values()]).toEqual([1, 1]);
  });

  test('with its engine down keeps the run, and launches it once the engine is back', async () => {
    const world = await World.at('2026-01-01T00:00:00Z');
    world.engine.down = true;
    await world.put({ name: 'a' });
    await world.trigger('a');
    await world.clock.advance(20_000);
    expect(inWords(world.scheduler.job('a').runs[0])).toMatchObject({
      state: 'launching',
      reason: 'the engine process is down',
    });
    world.engine.down = false;
    await world.clock.advance(60_000);
    expect(world.scheduler.job('a').runs[0]?.state).toBe('running');
    expect(world.engine.started).toHaveLength(1);
  });

  test('takes over at once while the engine is down: time goes on, and what ended is learned later', async () => {
    const world = await World.at('2026-01-01T00:00:00Z');
    await world.put({ name: 'a' });
    await world.trigger('a');
    await world.crash();
    world.engine.down = true;
    world.engine.exit(world.engine.newest('a'), 0);
    const died = world.clock.now();
    await world.startAnother();
    expect(world.scheduler.leadership().leading).toBe(true);
    // What other engines run does not wait for this one.
    expect(world.clock.now() - died).toBeLessThanOrEqual(100);
    expect(world.scheduler.job('a').runs).toHaveLength(1);
    world.engine.down = false;
    await world.clock.advance(2_000);
    expect(states(await world.history('a'))).toEqual(['succeeded']);
  });

  test('whose commit fails throws its memory away, leads again, and loses and doubles nothing', async () => {
    const world = await World.at('2026-01-01T00:00:00Z');
    world.engine.plan = () => ({ durationMs: 500, exitCode: 0 });
    await world.put({ name: 'a', schedule: seconds });
    let failures = 3;
    world.faults.fail = () => (failures-- > 0 ? new CarillonError('STORE_UNAVAILABLE', 'disk full') : null);
    await world.clock.advance(40_500);
    expect(world.fatal).toEqual([]);
    expect((await world.ledger('a')).map((line) => [line.end, line.count])).toEqual([
      ['ran', 1],
      ['ran', 1],
      ['ran', 1],
      ['ran', 1],
    ]);
    expect([...world.engine.starts.values()].every((starts) => starts === 1)).toBe(true);
  });

  test('refuses what it cannot make durable', async () => {
    const world = await World.at('2026-01-01T00:00:00Z');
    world.faults.fail = () => new CarillonError('STORE_UNAVAILABLE', 'disk full');
    await expect(world.put({ name: 'a' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    world.faults.fail = () => null;
    await world.clock.advance(3_000);
    expect(world.scheduler.jobCount()).toBe(0);
  });

  test('starts nothing while its leadership is not proven', async () => {
    const world = await World.at('2026-01-01T00:00:00Z');
    await world.put({ name: 'a' });
    world.fresh = false;
    await world.trigger('a');
    await world.clock.advance(5_000);
    expect(world.engine.started).toEqual([]);
    world.fresh = true;
    await world.clock.advance(100);
    expect(world.engine.started).toHaveLength(1);
  });

  test('with 2,000 jobs due at one instant launches each once, by priority', async () => {
    const world = await World.at('2026-01-01T00:00:00Z');
    const definitions = Array.from({ length: 2_000 }, (_, i) => ({
      source: 'test',
      definition: {
        name: `j${i}`,
        schedule: { at: '2026-01-01T00:01:00Z' },
        run: { command: 'true' },
        policy: { priority: i % 5 },
      },
    }));
    await world.submit({ kind: 'apply', definitions, prune: null, dryRun: false, by: 'test' });
    await world.clock.advance(60_100);
    expect(world.engine.started).toHaveLength(2_000);
    expect(new Set(world.engine.started.map((spec) => spec.launchName)).size).toBe(2_000);
    const priorities = world.engine.started.map((spec) => Number(spec.job.slice(1)) % 5);
    expect(priorities).toEqual([...priorities].sort((a, b) => b - a));
  });

  test('whose wall clock jumps ahead catches up by policy, and set back it does not fall silent', async () => {
    const world = await World.at('2026-01-01T00:00:05Z');
    world.engine.plan = () => ({ durationMs: 100, exitCode: 0 });
    await world.put({ name: 'a', schedule: { cron: '0 * * * *' } });
    world.clock.step(5 * 3_600_000);
    await world.clock.advance(2_000);
    expect((await world.history('a')).map((run) => run.catchesUp)).toEqual([4]);
    world.clock.step(-4 * 3_600_000);
    await world.clock.advance(2_000);
    expect(world.scheduler.job('a').nextDue).toBe(Date.parse('2026-01-01T02:00:00Z'));
    await world.clock.advance(3_600_000);
    expect(await world.history('a')).toHaveLength(2);
  });

  test('whose wall clock is set back by minutes runs nothing again that has run', async () => {
    const world = await World.at('2026-01-01T00:00:00Z');
    world.engine.plan = () => ({ durationMs: 100, exitCode: 0 });
    await world.put({ name: 'a', schedule: { cron: '*/20 * * * * *' }, policy: { catchUp: 'all' } });
    await world.clock.advance(5 * 60_000);
    expect(await world.history('a')).toHaveLength(15);
    world.clock.step(-3 * 60_000);
    await world.clock.advance(3 * 60_000);
    expect(await world.history('a')).toHaveLength(15);
    await world.clock.advance(60_000);
    const runs = await world.history('a');
    expect(runs.map((run) => run.due)).toEqual(
      Array.from({ length: 18 }, (_, i) => Date.parse('2026-01-01T00:00:20Z') + i * 20_000),
    );
    expect(world.engine.started).toHaveLength(18);
  });

  test.each([
    ['PT2H', 2 * 3_600_000 + 300_000],
    ['PT6S', -20_000],
    ['PT6S', -86_400_000],
  ])('gives a run its timeout of %s by no wall clock, which is set by %i ms', async (timeout, byMs) => {
    const world = await World.at('2026-01-01T00:00:00Z');
    await world.put({ name: 'a', policy: { timeout } });
    await world.trigger('a');
    await world.clock.advance(3_000);
    world.clock.step(byMs);
    const leftMs = (timeout === 'PT2H' ? 7_200_000 : 6_000) - 3_000;
    await world.clock.advance(leftMs - 1_000);
    expect(world.scheduler.job('a').runs[0]).toMatchObject({ state: 'running', kill: null });
    await world.clock.advance(2_000);
    expect(world.scheduler.job('a').runs[0]?.kill).toMatchObject({ as: 'timed-out' });
  });

  test('ends a run by its timeout though the engine says nothing', async () => {
    const world = await World.at('2026-01-01T00:00:00Z');
    world.engine.obeysKill = false;
    await world.put({ name: 'a', policy: { timeout: 'PT10S', killAfter: 'PT1S' } });
    await world.trigger('a');
    await world.clock.advance(9_000);
    expect(world.scheduler.job('a').runs[0]?.state).toBe('running');
    await world.clock.advance(75_000);
    expect(states(await world.history('a'))).toEqual(['timed-out']);
  });

  test('tells what became durable, in order', async () => {
    const world = await World.at('2026-01-01T00:00:00Z');
    await world.put({ name: 'a' });
    await world.trigger('a');
    world.engine.exit(world.engine.newest('a'), 0);
    await world.clock.settle();
    expect(world.notices.map((notice) => (notice.kind === 'run' ? notice.run.state : notice.kind))).toEqual([
      'leader',
      'job',
      'launching',
      'running',
      'succeeded',
    ]);
  });

  test('finds a run that has just ended, and one long ago', async () => {
    const world = await World.at('2026-01-01T00:00:00Z');
    await world.put({ name: 'a' });
    const { id } = await world.trigger('a');
    expect((await world.scheduler.run(id)).state).toBe('running');
    world.engine.exit(world.engine.newest('a'), 0);
    await world.clock.settle();
    expect((await world.scheduler.run(id)).state).toBe('succeeded');
    await world.crash();
    await world.startAnother();
    expect((await world.scheduler.run(id)).state).toBe('succeeded');
    await expect(world.scheduler.run('none')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
  });
});
