/** Reads of many things give way: to launches, and to each other. */

import { afterEach, expect, test } from 'vitest';
import { Turns } from '../../src/api/turns.ts';
import type { Clock } from '../../src/scheduler/ports.ts';
import { ApiWorld } from '../support/api-world.ts';

/** A clock by which each look at it takes a millisecond. */
function busyClock(): Clock {
  let now = 0;
  return { now: () => now, monotonicMs: () => ++now, after: () => () => undefined };
}

const round = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

let api: ApiWorld;
afterEach(async () => {
  await api?.close();
});

test('of several reads one works in each round of the loop, and all get on', async () => {
  const turns = new Turns(busyClock());
  const worked: string[] = [];
  function* steps(name: string): Generator<void, string> {
    for (let step = 0; step < 12; step++) {
      worked.push(name);
      yield;
    }
    return name;
  }
  const reads = ['a', 'b', 'c'].map((name) => turns.drive(steps(name)));
  const inRounds: string[][] = [];
  for (let before = 0; worked.length < 36; before = worked.length) {
    await round();
    inRounds.push([...new Set(worked.slice(before))]);
  }
  expect(inRounds.filter((names) => names.length > 1)).toEqual([]);
  expect(inRounds.flat().slice(0, 6)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  expect(await Promise.all(reads)).toEqual(['a', 'b', 'c']);
});

test('a read that fails in a later step fails, and leaves the others', async () => {
  const turns = new Turns(busyClock());
  const failing = turns.each([1, 2, 3, 4, 5], (n) => {
    if (n === 5) throw new Error('five');
    return n;
  });
  const other = turns.each([1, 2, 3, 4, 5], (n) => 2 * n);
  await expect(failing).rejects.toThrow('five');
  expect(await other).toEqual([2, 4, 6, 8, 10]);
});

test('jobs that are deleted while a list is made are not in it, and break nothing', async () => {
  api = await ApiWorld.at('2026-11-21T00:00:00Z');
  const run = { command: 'true' };
  const names = Array.from({ length: 300 }, (_, i) => `job-${String(i).padStart(3, '0')}`);
  await api.post('/apply', [
    ...names.map((name) => ({ name, run, schedule: { cron: '0 * * * *' } })),
    { name: 'child', run, schedule: { after: { parents: ['job-000', 'job-299'] } } },
  ]);
  const { clock, scheduler } = api.world;
  await clock.advance(3_600_000);
  // Each look at the clock takes so long that every step is a turn of its own.
  const monotonicMs = clock.monotonicMs.bind(clock);
  let more = 0;
  clock.monotonicMs = () => monotonicMs() + (more += 5);
  for (const path of [
    '/graph',
    '/graph.dot',
    '/overview',
    '/timeline',
    '/jobs?view=row&limit=500',
    '/jobs?sort=p95&limit=500',
    '/jobs?state=late',
    '/stats',
    '/stats/top',
    '/runs?limit=500',
  ]) {
    const answer = api.send(`GET ${path}`);
    await round();
    const [gone] = names.splice(1, 1);
    await api.settled(
      scheduler.submit({ kind: 'delete-job', name: gone as string, dependents: 'detach', by: 'test' }),
    );
    expect([path, (await answer).statusCode]).toEqual([path, 200]);
  }
  expect((await api.get('/jobs?limit=500')).items).toHaveLength(names.length + 1);
});
