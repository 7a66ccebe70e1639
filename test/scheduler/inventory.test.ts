/** What an engine's inventory says, and what it can't know. */

import { expect, test } from 'vitest';
import { runningOn } from '../../src/scheduler/reconcile.ts';
import { Rig } from '../support/rig.ts';

test('one that began to run after the inventory was asked for is not missing in it, whatever the clocks say', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put({ name: 'a' });
  rig.trigger('a');
  const running = runningOn(rig.state, 'process', null);
  const askedAt = rig.now + 1;
  // The engine's clock is behind ours.
  rig.begin('a');
  rig.now += 1_000;
  const inventory = { engine: 'process', host: null, reports: [], running, askedAt, takeOver: false };
  rig.event({ kind: 'inventory', now: rig.now, inventory });
  expect(rig.runOf('a').state).toBe('running');
  rig.inventory([], false);
  expect(rig.reasons('a')).toEqual(['the engine process no longer knows it']);
});
