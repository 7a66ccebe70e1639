/** What other nodes ask of this one, as the audit gets it. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { callLimits, type NodeCall } from '../../src/auth/calls.ts';
import { noteLimits } from '../../src/auth/notes.ts';
import type { NotedLine } from '../../src/scheduler/command.ts';
import { type AuthWorld, authWorld } from '../support/authentication.ts';
import { SimClock } from '../support/sim-clock.ts';

let clock: SimClock;
let world: AuthWorld;

beforeEach(async () => {
  clock = new SimClock(Date.UTC(2026, 10, 30));
  world = await authWorld({ clock });
});
afterEach(() => world.close());

const node = (name: string) => ({
  principal: { kind: 'node', name, id: name, bindings: [] } as const,
  ...{ from: '192.0.2.2', via: null },
});
const call = (launchName: string, more: Partial<NodeCall> = {}, from = 'node-2') =>
  world.authentication.authenticator.called(node(from), {
    ...{ action: 'engine-launch', engine: 'process', launchName, term: 7, failed: false },
    ...more,
  });
const lines = () => world.told.flatMap((told) => told.lines);

test('a call has a line within seconds, with the node, the launch and the term', async () => {
  call('carillon-a-1');
  await clock.advance(noteLimits.everyMs);
  expect(lines()).toMatchObject([
    {
      ...{ by: { kind: 'node', name: 'node-2' }, from: '192.0.2.2', action: 'engine-launch' },
      ...{ on: 'carillon-a-1', outcome: 'done', after: { engine: 'process', term: 7, calls: 1 } },
    },
  ]);
});

test('10,000 launches of one instant have one line, which names the first of them', async () => {
  for (let n = 0; n < 10_000; n++) call(`launch-${n}`, { failed: n < 3 });
  await clock.advance(noteLimits.everyMs);
  expect(lines()).toHaveLength(1);
  const [{ on, after }] = lines() as unknown as [NotedLine];
  expect([on, after]).toMatchObject([null, { calls: 10_000, failed: 3, 'launches[0]': 'launch-0' }]);
  expect(Object.keys(after ?? {})).toHaveLength(4 + callLimits.launches);
});

test('later ones of the same kind have one line for an hour', async () => {
  for (let minute = 0; minute < 61; minute++) {
    call(`launch-${minute}`);
    await clock.advance(60_000);
  }
  await clock.advance(noteLimits.everyMs);
  expect(lines().map(({ after }) => after?.calls)).toEqual([1, 60]);
});

test('each node, action, engine and term has lines of its own', async () => {
  call('a');
  call('a', { term: 8 });
  call('a', { engine: 'docker' });
  call('a', { action: 'engine-kill' });
  call('a', {}, 'node-3');
  await clock.advance(noteLimits.everyMs);
  expect(lines().map(({ by, action, after }) => [by.name, action, after?.engine, after?.term])).toEqual([
    ['node-2', 'engine-launch', 'process', 7],
    ['node-2', 'engine-launch', 'process', 8],
    ['node-2', 'engine-launch', 'docker', 7],
    ['node-2', 'engine-kill', 'process', 7],
    ['node-3', 'engine-launch', 'process', 7],
  ]);
});

test('a node that stops tells what it has summed', async () => {
  call('a');
  await clock.advance(noteLimits.everyMs);
  call('b');
  await clock.advance(noteLimits.everyMs);
  expect(lines()).toHaveLength(1);
  await world.authentication.stop();
  expect(lines()).toMatchObject([{ on: 'a' }, { on: 'b' }]);
});
