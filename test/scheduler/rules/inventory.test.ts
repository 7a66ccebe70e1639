/** What an engine's inventory says, and what it cannot know. */

import { expect, test } from 'vitest';
import { runningOn } from '../../../src/scheduler/rules/reconcile.ts';
import { inWords } from '../../support/in-words.ts';
import { Rig, testSettings } from '../../support/rig.ts';

test('one that began to run after the inventory was asked for is not missing in it, whatever the clocks say', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put({ name: 'a' });
  rig.trigger('a');
  const running = runningOn(rig.state, 'process', null);
  rig.begin('a');
  rig.now += 1_000;
  const inventory = {
    engine: 'process',
    host: null,
    reports: [],
    running,
    monotonicMs: rig.now,
    takeOver: false,
  };
  rig.event({ kind: 'inventory', now: rig.now, inventory });
  expect(rig.runOf('a').state).toBe('running');
  rig.inventory([], false);
  expect(rig.reasons('a')).toEqual(['the engine process no longer knows it']);
});

test('how long an ended launch is kept does not hang on whether the engine and the leader have the same time', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  const tombstoneMs = testSettings.engines.process?.tombstoneMs ?? 0;
  const removed = (afterMs: number, endedAt: number): boolean => {
    rig.now += afterMs;
    rig.effects.length = 0;
    rig.inventory([{ launchName: 'old', state: 'ended', endedAt, exitCode: 0 }], false);
    return rig.effects.some((effect) => effect.kind === 'remove');
  };
  expect(removed(0, rig.now - 2 * tombstoneMs)).toBe(false);
  expect(removed(tombstoneMs - 1, 0)).toBe(false);
  expect(removed(1, rig.now + tombstoneMs)).toBe(true);
});

test('what ran and is only created now was forgotten: it is lost', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put({ name: 'a' });
  const launchName = rig.trigger('a').attempts[0]?.launchName ?? '';
  rig.begin('a');
  rig.inventory([{ launchName, state: 'created' }], false);
  expect(rig.runs('a').map((run) => run.split(' ')[0])).toEqual(['lost']);
});

test('what ended without ever starting is not shown as started', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put({ name: 'a' });
  const launchName = rig.trigger('a').attempts[0]?.launchName ?? '';
  const reason = 'the node refused it: no such image';
  rig.inventory([{ launchName, state: 'ended', exitCode: 126, reason }], false);
  expect(rig.runs('a').map((run) => run.split(' ')[0])).toEqual(['failed']);
  expect(inWords(rig.history[0]?.attempts)).toMatchObject([{ startedAt: null, exitCode: 126, reason }]);
});

test('output that was dropped on another node is known from its inventory, while it runs and at its end', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put({ name: 'a' });
  const launchName = rig.trigger('a').attempts[0]?.launchName ?? '';
  rig.inventory([{ launchName, state: 'running', startedAt: rig.now, bytesDropped: 5 }], false);
  expect(rig.runOf('a').attempts).toMatchObject([{ bytesDropped: 5 }]);
  const usage = { cpuMs: 12, peakBytes: 4_096 };
  rig.inventory([{ launchName, state: 'ended', exitCode: 0, bytesDropped: 7, usage }], false);
  expect(rig.history[0]?.attempts).toMatchObject([{ bytesDropped: 7, usage }]);
});

test.each([
  ['at a takeover it is asked for again, as nobody knows whether the engine heard of it', true, ['kill']],
  ['later the leader that asked for it still sees to it', false, []],
])('a run that is killed and goes on: %s', (_, takeOver, effects) => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put({ name: 'a' });
  const launchName = rig.trigger('a').attempts[0]?.launchName ?? '';
  rig.begin('a');
  rig.submit({ kind: 'kill', runId: rig.runOf('a').id, by: 'ann' });
  rig.restart();
  rig.inventory([{ launchName, state: 'running', startedAt: rig.now }], takeOver);
  expect(rig.effects.map(({ kind }) => kind)).toEqual(effects);
  if (takeOver) expect(rig.effects[0]).toMatchObject({ engine: 'process', host: null, launchName });
});

test('a run that goes on and that nobody killed is not killed at a takeover', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put({ name: 'a' });
  const launchName = rig.trigger('a').attempts[0]?.launchName ?? '';
  rig.restart();
  rig.inventory([{ launchName, state: 'running', startedAt: rig.now }]);
  expect(rig.effects).toEqual([]);
  expect(rig.runOf('a').state).toBe('running');
});
