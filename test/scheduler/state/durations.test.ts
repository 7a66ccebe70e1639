/** Durations are measured by a clock that is never set: what a step of the wall clock does to each of them. */

import { describe, expect, test } from 'vitest';
import type { JobStats } from '../../../src/scheduler/model/model.ts';
import { allTime, record } from '../../../src/scheduler/stats/stats.ts';
import { wordsOf } from '../../support/in-words.ts';
import { Rig } from '../../support/rig.ts';

const hour = 3_600_000;
const steps = [
  ['ahead by 2 h 5 min', 2 * hour + 300_000],
  ['back by 20 s', -20_000],
  ['back by a day', -24 * hour],
] as const;

/** How much time passes until it is so, in seconds rounded up. */
function lasts(r: Rig, isSo: () => boolean): number {
  const began = r.now;
  for (let passed = 0; passed < 10_000 && !isSo(); passed++) r.advance(1_000);
  return r.now - began;
}

describe.each(steps)('the wall clock is set %s', (_, byMs) => {
  function started(policy: object): Rig {
    const r = new Rig('2026-01-01T10:00:00Z');
    r.put({ name: 'a', policy });
    r.trigger('a');
    r.begin('a');
    r.advance(3_000);
    return r;
  }
  const isAsked = (r: Rig) => () => r.effects.some(({ kind }) => kind === 'kill');

  test.each([['PT6S'], ['PT2H']])('an attempt with a timeout of %s gets all of it and no more', (timeout) => {
    const r = started({ timeout });
    r.setClock(byMs);
    expect(lasts(r, isAsked(r))).toBe((timeout === 'PT6S' ? 6_000 : 2 * hour) - 3_000);
  });

  test('also when the leader changes behind the step, and when the next one has another clock', () => {
    for (const clockAheadMs of [0, 7 * hour, -7 * hour]) {
      const r = started({ timeout: 'PT1M' });
      r.setClock(byMs);
      r.restart(clockAheadMs);
      r.inventory([{ launchName: r.runOf('a').attempts[0]?.launchName ?? '', state: 'running' }]);
      expect(lasts(r, isAsked(r))).toBe(57_000);
    }
  });

  test('the next leader cannot know exactly how far apart the clocks are: no duration is shorter, nothing seems to have begun later', () => {
    const r = started({ timeout: 'PT1M', overlap: 'queue', startWithin: 'PT1M' });
    r.setClock(byMs);
    const [attempt] = r.runOf('a').attempts;
    const before = [r.runOf('a').createdAt, attempt?.startedAt];
    r.trigger('a');
    r.restart(5_000, 0);
    expect([r.runOf('a').createdAt, r.runOf('a').attempts[0]?.startedAt]).toEqual(before);
    const [, waiting] = r.state.entry('a').runs;
    r.inventory([{ launchName: attempt?.launchName ?? '', state: 'running' }]);
    expect(lasts(r, isAsked(r))).toBe(57_000);
    expect(waiting?.startBy).toBe(r.now - 57_000 + 60_000);
  });

  test('a retry waits for its delay, and its reason says until when', () => {
    const r = started({ retries: { limit: 1, delay: 'PT30S', jitter: false } });
    r.end('a', 1);
    r.setClock(byMs);
    const run = r.runOf('a');
    expect(wordsOf(run.reason)).toContain(new Date(r.now + 30_000).toISOString());
    expect(lasts(r, () => run.state === 'launching')).toBe(30_000);
  });

  test('a run that waits is missed when its start window is over', () => {
    const r = started({ overlap: 'queue', startWithin: 'PT1M' });
    r.trigger('a');
    const run = r.runOf('a', 1);
    r.setClock(byMs);
    expect(lasts(r, () => run.state === 'missed')).toBe(61_000);
  });

  test('a kill that the engine does not confirm is given up after its grace and a minute', () => {
    const r = started({ killAfter: 'PT15S' });
    const run = r.runOf('a');
    r.submit({ kind: 'kill', runId: run.id, by: 'ann' });
    r.setClock(byMs);
    expect(lasts(r, () => run.state === 'killed')).toBe(75_000);
  });

  test('the wait that is counted is the time it waited', () => {
    const r = started({ overlap: 'queue' });
    r.trigger('a');
    r.advance(4_000);
    r.setClock(byMs);
    r.restart();
    r.advance(6_000);
    r.end('a');
    r.end('a');
    expect(allTime(r.stats.get('a') as JobStats).queueWait).toBe(record(record('', 0), 10_000));
  });

  test('runs that wait keep their order, also before those that come, when the leader changes', () => {
    const r = started({ overlap: 'queue-all' });
    const before = [r.trigger('a').id, r.trigger('a').id];
    r.advance(1_000);
    r.setClock(byMs);
    const after = r.trigger('a').id;
    r.restart();
    expect(
      r.state
        .entry('a')
        .runs.slice(1)
        .map(({ id }) => id),
    ).toEqual([...before, after]);
  });

  test('the run time that is counted is the time it ran', () => {
    const r = started({});
    r.setClock(byMs);
    r.advance(2_000);
    r.end('a');
    const [attempt] = r.history[0]?.attempts ?? [];
    expect((attempt?.endedAt ?? 0) - (attempt?.startedAt ?? 0)).toBe(5_000);
  });
});

test('a timeout counts from when the leader saw the start, whatever the engine takes for the time', () => {
  for (const offMs of [-3 * hour, 3 * hour]) {
    const r = new Rig('2026-01-01T10:00:00Z');
    r.put({ name: 'a', policy: { timeout: 'PT10S' } });
    r.trigger('a');
    const launchName = r.runOf('a').attempts[0]?.launchName ?? '';
    // Its image is being pulled.
    r.advance(60_000);
    r.event({
      kind: 'observed',
      now: r.now,
      observation: { kind: 'started', launchName, at: r.now + offMs },
    });
    expect(lasts(r, () => r.effects.some(({ kind }) => kind === 'kill'))).toBe(10_000);
  }
});

test('a due time is no duration: one that a clock which is set ahead passes is late', () => {
  const r = new Rig('2026-01-01T10:00:00Z');
  r.put({ name: 'a', schedule: { cron: '0 * * * *' }, policy: { startWithin: 'PT10M' } });
  r.setClock(1.5 * hour);
  r.advance(1_000);
  expect(r.lines('a')).toEqual(['missed 11:00']);
});
