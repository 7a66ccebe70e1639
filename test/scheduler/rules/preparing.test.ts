/** What an engine tells of an attempt before and at its start reaches the run, and stays with it. */

import { expect, test } from 'vitest';
import type { Observation } from '../../../src/scheduler/ports.ts';
import { inWords, wordsOf } from '../../support/in-words.ts';
import { Rig } from '../../support/rig.ts';

function launching() {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put({ name: 'a' });
  rig.trigger('a');
  const { launchName = '' } = rig.runOf('a').attempts[0] ?? {};
  const observe = (observation: Observation) =>
    rig.event({ kind: 'observed', now: rig.now, observation: { ...observation, launchName } });
  return { rig, launchName, observe };
}
const preparing = { kind: 'preparing', launchName: '', at: 0 } as const;
const image = 'r.example.com/tool@sha256:00';

test('a run that cannot start yet says why, durably, until it starts', () => {
  const { rig, observe } = launching();
  observe({ ...preparing, detail: 'pulling tool:1' });
  observe({ ...preparing, detail: 'pulling tool:1: 1.0 of 2.0 MB, 0 of 1 layers ready' });
  expect(inWords(rig.runOf('a'))).toMatchObject({
    state: 'launching',
    reason: expect.stringContaining('1.0 of 2.0'),
  });
  rig.restart();
  expect(wordsOf(rig.runOf('a').reason)).toContain('1.0 of 2.0');
  observe({ kind: 'started', launchName: '', at: rig.now });
  expect(inWords(rig.runOf('a'))).toMatchObject({ state: 'running', reason: null });
  observe({ ...preparing, detail: 'too late' });
  expect(rig.runOf('a').reason).toBeNull();
});

test('the image that ran stays with the attempt, also over a change of leader', () => {
  const { rig, observe } = launching();
  expect(rig.runOf('a').attempts[0]).not.toHaveProperty('image');
  observe({ kind: 'started', launchName: '', at: rig.now, image });
  rig.restart();
  expect(rig.runOf('a').attempts[0]).toMatchObject({ image });
});

test('the image of an attempt that was found running is taken from the inventory', () => {
  const { rig, launchName } = launching();
  const reports = [{ launchName, state: 'running', startedAt: rig.now, image }] as const;
  const inventory = {
    engine: 'process',
    host: null,
    reports,
    running: new Set<string>(),
    monotonicMs: 0,
    takeOver: true,
  };
  rig.event({ kind: 'inventory', now: rig.now, inventory });
  expect(rig.runOf('a')).toMatchObject({ state: 'running', attempts: [{ image }] });
});
