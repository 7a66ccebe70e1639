/** On which node a process runs. */

import { describe, expect, test } from 'vitest';
import { allows } from '../../../src/scheduler/job/node-choice.ts';
import type { OtherNode, Settings } from '../../../src/scheduler/model/model.ts';
import { runningOn } from '../../../src/scheduler/rules/reconcile.ts';
import { abilities } from '../../support/engines.ts';
import { inWords } from '../../support/in-words.ts';
import { Rig } from '../../support/rig.ts';

const process = { concurrency: 2, abilities: abilities.process, tombstoneMs: 60_000, host: 'n1' };
const settings: Settings = { engines: { process }, pools: {}, labels: { zone: 'a' } };
const node = (id: string, zone: string, slots = 2): OtherNode => ({
  id,
  labels: { zone },
  capacity: { process: slots },
});

function rig(nodes: readonly OtherNode[] = [node('n2', 'b'), node('n3', 'c')]): Rig {
  const made = new Rig('2026-01-01T00:00:00Z', { ...settings, engines: { process: { ...process } } });
  announce(made, nodes);
  return made;
}

const announce = (made: Rig, nodes: readonly OtherNode[]): void =>
  made.event({ kind: 'nodes', now: made.now, nodes });

/** Triggers a new job, and returns the node of its attempt. */
function place(made: Rig, name: string, on?: string): string | null | undefined {
  made.put({ name, run: { command: 'true', ...(on !== undefined && { on }) } });
  made.trigger(name);
  return made.runOf(name).attempts.at(-1)?.host;
}

function end(made: Rig, name: string): void {
  const launchName = made.runOf(name).attempts.at(-1)?.launchName ?? '';
  const observation = { kind: 'ended', launchName, at: made.now, startedAt: made.now, exitCode: 0 } as const;
  made.event({ kind: 'observed', now: made.now, observation });
}

test('a host tells only of runs that are on it', () => {
  const made = rig([node('n2', 'b', 4), node('n3', 'c', 4)]);
  place(made, 'a', 'zone==b');
  const launchName = made.runOf('a').attempts[0]?.launchName ?? '';
  const observation = { kind: 'ended', launchName, at: made.now, startedAt: made.now, exitCode: 0 } as const;
  const told = (host: string): void =>
    made.event({ kind: 'observed', now: made.now, observation, by: { engine: 'process', host } });
  told('n3');
  expect(made.runOf('a').state).toBe('launching');
  told('n2');
  expect(made.history[0]?.state).toBe('succeeded');
});

describe('a run starts', () => {
  test.each([
    [undefined, 'n1'],
    ['leader', 'n1'],
    ['zone==a', 'n1'],
    ['zone==b', 'n2'],
    ['zone!=a,zone!=b', 'n3'],
    ['disk!=ssd, zone==c', 'n3'],
  ])('with on: %s on %s', (on, host) => {
    expect(place(rig(), 'a', on)).toBe(host);
  });

  test('on any node, on the least loaded first, and on none beyond its slots', () => {
    const made = rig([node('n2', 'b', 4)]);
    const hosts = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => place(made, name, 'any'));
    expect([...hosts].sort()).toEqual(['n1', 'n1', 'n2', 'n2', 'n2', 'n2']);
    expect(place(made, 'g', 'any')).toBeUndefined();
    expect(inWords(made.runOf('g'))).toMatchObject({
      state: 'queued',
      reason: 'engine process: all 6 slots are in use',
    });
  });

  test('on the leader, where those that are on any node count too', () => {
    const made = rig([]);
    expect([place(made, 'a', 'any'), place(made, 'b', 'leader'), place(made, 'c')]).toEqual([
      'n1',
      'n1',
      undefined,
    ]);
  });

  test('alone on a single node, without other nodes to choose from', () => {
    const { host: _, ...alone } = process;
    const made = new Rig('2026-01-01T00:00:00Z', { ...settings, engines: { process: alone } });
    expect([place(made, 'a', 'any'), place(made, 'b', 'zone==b')]).toEqual([null, undefined]);
  });
});

describe('a run that waits', () => {
  test('gets the first slot that is freed on any of its nodes', () => {
    const made = rig([node('n2', 'b', 1)]);
    for (const name of ['a', 'b', 'c']) place(made, name, 'any');
    place(made, 'd', 'zone!=x');
    const [there = ''] = ['a', 'b', 'c'].filter((name) => made.runOf(name).attempts[0]?.host === 'n2');
    end(made, there);
    expect(made.runOf('d')).toMatchObject({ state: 'launching', attempts: [{ host: 'n2' }] });
  });

  test('says that no node fits, and starts when one comes', () => {
    const made = rig();
    expect(place(made, 'a', 'zone==d')).toBeUndefined();
    expect(inWords(made.runOf('a'))).toMatchObject({
      state: 'queued',
      reason: 'no node that responds has zone==d',
    });
    announce(made, [node('n4', 'd')]);
    expect(made.runOf('a').attempts).toMatchObject([{ host: 'n4' }]);
  });

  test('waits no longer for a node that is gone', () => {
    const made = rig([node('n2', 'b', 1), node('n5', 'b', 1)]);
    for (const name of ['a', 'b']) place(made, name, 'zone==b');
    expect(place(made, 'c', 'zone==b')).toBeUndefined();
    announce(made, []);
    expect(inWords(made.runOf('c'))).toMatchObject({ reason: 'no node that responds has zone==b' });
  });

  test('is placed elsewhere if the request never left for its node', () => {
    const made = rig([node('n2', 'b'), node('n3', 'b')]);
    const first = place(made, 'a', 'zone==b');
    const { launchName = '' } = made.runOf('a').attempts.at(-1) ?? {};
    made.event({ kind: 'unplaced', now: made.now, launchName, reason: 'no connection' });
    announce(
      made,
      [node('n2', 'b'), node('n3', 'b')].filter(({ id }) => id !== first),
    );
    made.advance(2_000);
    expect(made.runOf('a').attempts).toMatchObject([{ number: 1, launchName }]);
    expect(made.runOf('a').attempts[0]?.host).not.toBe(first);
  });
});

describe('after a change of leader', () => {
  const reports = (made: Rig, host: string, running: readonly string[]): void => {
    const inventory = {
      engine: 'process',
      host,
      reports: running.map((launchName) => ({ launchName, state: 'running' as const, startedAt: made.now })),
      running: runningOn(made.state, 'process', host),
      monotonicMs: made.now,
      takeOver: true,
    };
    made.event({ kind: 'inventory', now: made.now, inventory });
  };

  /** `n1` led and asked `n2` for an attempt; now `n3` leads. */
  const takenOver = (on: string): { made: Rig; launchName: string } => {
    const own = { ...process };
    const made = new Rig('2026-01-01T00:00:00Z', { ...settings, engines: { process: own } });
    announce(made, [node('n2', 'b')]);
    place(made, 'a', on);
    own.host = 'n3';
    made.restart();
    return { made, launchName: made.runOf('a').attempts.at(-1)?.launchName ?? '' };
  };

  test('what runs on another node goes on there', () => {
    const { made, launchName } = takenOver('zone==b');
    reports(made, 'n2', [launchName]);
    expect(made.runOf('a')).toMatchObject({ state: 'running', attempts: [{ host: 'n2' }] });
    expect(made.effects).toEqual([]);
    end(made, 'a');
    expect(made.history).toMatchObject([{ job: 'a', state: 'succeeded' }]);
  });

  test('what was never started there is asked for once more, there', () => {
    const { made, launchName } = takenOver('zone==b');
    reports(made, 'n2', []);
    expect(made.effects).toMatchObject([{ kind: 'launch', host: 'n2', spec: { launchName, term: 2 } }]);
    made.effects.length = 0;
    reports(made, 'n2', []);
    expect(made.effects).toEqual([]);
  });

  test('its slot there is taken', () => {
    const { made, launchName } = takenOver('zone==b');
    announce(made, [node('n2', 'b', 1)]);
    reports(made, 'n2', [launchName]);
    expect(place(made, 'b', 'zone==b')).toBeUndefined();
    end(made, 'a');
    expect(made.runOf('b').attempts).toMatchObject([{ host: 'n2' }]);
  });
});

test.each<[string, Record<string, string>, boolean]>([
  ['any', {}, true],
  ['zone==a', { zone: 'a' }, true],
  ['zone==a', { zone: 'b' }, false],
  ['zone==a', {}, false],
  ['zone!=a', {}, true],
  ['zone!=a', { zone: 'a' }, false],
  ['zone==a,disk==ssd', { zone: 'a' }, false],
  ['constructor!=x', {}, true],
  ['zone~a', { zone: 'a' }, false],
])('%s and the labels %j: %s', (on, labels, expected) => {
  expect(allows(on, labels)).toBe(expected);
});
