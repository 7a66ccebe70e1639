/** Attempts that another node launched on an engine of its own. */

import { expect, test } from 'vitest';
import type { LaunchReport } from '../../../src/scheduler/ports.ts';
import { runningOn } from '../../../src/scheduler/rules/reconcile.ts';
import { abilities } from '../../support/engines.ts';
import { inWords } from '../../support/in-words.ts';
import { Rig } from '../../support/rig.ts';

/** `n1` led and asked its own engine for an attempt; now `n2` leads. */
function takenOver(policy: object = {}): {
  rig: Rig;
  launchName: string;
  says: (reports: LaunchReport[]) => void;
} {
  const process = { concurrency: null, abilities: abilities.process, tombstoneMs: 60_000, host: 'n1' };
  const rig = new Rig('2026-01-01T00:00:00Z', { engines: { process }, pools: {} });
  rig.put({ name: 'a', policy });
  rig.trigger('a');
  process.host = 'n2';
  rig.restart();
  const launchName = rig.runOf('a').attempts.at(-1)?.launchName ?? '';
  const says = (reports: LaunchReport[]): void => {
    rig.effects.length = 0;
    const running = runningOn(rig.state, 'process', 'n1');
    const inventory = {
      engine: 'process',
      host: 'n1',
      reports,
      running,
      monotonicMs: rig.now,
      takeOver: true,
    };
    rig.event({ kind: 'inventory', now: rig.now, inventory });
  };
  return { rig, launchName, says };
}

const hosts = (rig: Rig): (string | null)[] => rig.runOf('a').attempts.map(({ host }) => host);

test('one that was never created there is launched here, under the same name', () => {
  const { rig, launchName, says } = takenOver();
  says([]);
  expect(hosts(rig)).toEqual(['n2']);
  expect(rig.effects.map((effect) => effect.kind)).toEqual(['launch']);
  expect(rig.runOf('a').attempts[0]?.launchName).toBe(launchName);
});

test('one that was created there is taken away first: its start may be under way', () => {
  const { rig, launchName, says } = takenOver();
  says([{ launchName, state: 'created' }]);
  expect(hosts(rig)).toEqual(['n1']);
  expect(rig.effects).toEqual([{ kind: 'take-back', engine: 'process', host: 'n1', launchName }]);
  says([]);
  expect(hosts(rig)).toEqual(['n2']);
  expect(rig.launches()).toHaveLength(1);
});

test('one that started there after all stays there', () => {
  const { rig, launchName, says } = takenOver();
  says([{ launchName, state: 'created' }]);
  says([{ launchName, state: 'running', startedAt: rig.now }]);
  expect(hosts(rig)).toEqual(['n1']);
  expect(rig.effects).toEqual([]);
  expect(rig.runOf('a').state).toBe('running');
});

test('one whose node is lost is lost with it, and the retry policy decides', () => {
  const { rig, launchName, says } = takenOver({ retries: { limit: 1, delay: 'PT10S' } });
  says([{ launchName, state: 'running', startedAt: rig.now }]);
  rig.now += 60_000;
  rig.event({ kind: 'host-lost', now: rig.now, engine: 'process', host: 'n1' });
  const run = rig.runOf('a');
  expect(run.state).toBe('waiting');
  expect(inWords(run.attempts)).toMatchObject([
    {
      endedAt: rig.now,
      exitCode: null,
      reason: 'the node n1, the only one that reaches it, does not respond',
    },
  ]);
  rig.advance(10_000);
  expect(hosts(rig)).toEqual(['n1', 'n2']);
});

test.each([
  ['another node', 'process', 'n3'],
  ['another engine of the node', 'docker', 'n1'],
])('one stays where it is when %s is lost', (_, engine, host) => {
  const { rig, launchName, says } = takenOver();
  says([{ launchName, state: 'running', startedAt: rig.now }]);
  rig.event({ kind: 'host-lost', now: rig.now, engine, host });
  expect(rig.runOf('a').state).toBe('running');
});

test('what waits for its next attempt is not lost with the node of the one before', () => {
  const { rig, launchName, says } = takenOver({ retries: { limit: 1, delay: 'PT10M' } });
  says([{ launchName, state: 'ended', startedAt: rig.now, endedAt: rig.now, exitCode: 1 }]);
  rig.event({ kind: 'host-lost', now: rig.now, engine: 'process', host: 'n1' });
  expect(inWords(rig.runOf('a').attempts)).toMatchObject([{ exitCode: 1, reason: 'exit code 1' }]);
});
