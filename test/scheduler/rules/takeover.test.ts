/** What an inventory makes of each state that a run and its launch can be in, at a takeover and later. */

import { describe, expect, test } from 'vitest';
import type { LaunchReport } from '../../../src/scheduler/ports.ts';
import { abilities } from '../../support/engines.ts';
import { wordsOf } from '../../support/in-words.ts';
import { Rig, testSettings } from '../../support/rig.ts';

/** A run of a leader before; a second run of the same kind is of no concern. */
function takenOver(begun: boolean): { rig: Rig; launchName: string } {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put({ name: 'a' });
  const { launchName = '' } = rig.trigger('a').attempts[0] ?? {};
  if (begun) rig.begin('a');
  rig.now += 5_000;
  rig.restart();
  return { rig, launchName };
}

const end = (more: object = {}) => ({ state: 'ended' as const, exitCode: 0, ...more });

describe('an inventory', () => {
  test.each<[string, boolean, Omit<LaunchReport, 'launchName'> | null, boolean, string, string[]]>([
    [
      'without a launch that is to start has it asked for, at a takeover',
      false,
      null,
      true,
      'launching',
      ['launch'],
    ],
    ['without a launch that is to start says nothing later', false, null, false, 'launching', []],
    [
      'with a launch that was only created has it asked for, at a takeover',
      false,
      { state: 'created' },
      true,
      'launching',
      ['launch'],
    ],
    [
      'with a launch that was only created says nothing later',
      false,
      { state: 'created' },
      false,
      'launching',
      [],
    ],
    ['with a launch that runs has its run running', false, { state: 'running' }, false, 'running', []],
    ['with a launch that has ended ends its run', false, end(), false, 'succeeded', []],
    ['with a launch that has failed ends its run so', true, end({ exitCode: 3 }), false, 'failed', []],
    ['without a launch that ran loses its run', true, null, false, 'lost', []],
    [
      'with nothing but a created launch of one that ran loses its run',
      true,
      { state: 'created' },
      true,
      'lost',
      [],
    ],
    ['with a launch that goes on changes nothing', true, { state: 'running' }, true, 'running', []],
    [
      'with an end that the engine made itself loses the run',
      true,
      end({ exitCode: 137, infrastructure: true }),
      false,
      'lost',
      [],
    ],
  ])('%s', (_, begun, report, takeOver, state, effects) => {
    const { rig, launchName } = takenOver(begun);
    rig.inventory(report === null ? [] : [{ launchName, ...report }], takeOver);
    expect((rig.history[0] ?? rig.runOf('a')).state).toBe(state);
    expect(rig.effects.map(({ kind }) => kind)).toEqual(effects);
  });

  test('tells when a run started and ended; where it does not, that was now', () => {
    const times = (report: object): object[] => {
      const { rig, launchName } = takenOver(false);
      rig.inventory([{ launchName, ...end(), ...report }], false);
      return [
        rig.history[0]?.attempts[0]?.startedAt ?? {},
        rig.history[0]?.attempts[0]?.endedAt ?? {},
      ] as never;
    };
    const began = Date.parse('2026-01-01T00:00:00Z');
    expect(times({ startedAt: began + 1_000, endedAt: began + 2_000 })).toEqual([
      began + 1_000,
      began + 2_000,
    ]);
    expect(times({ startedAt: began + 1_000 })).toEqual([began + 1_000, began + 5_000]);
  });

  test('of another engine or another node says nothing of a run', () => {
    for (const [engine, host] of [
      ['docker', null],
      ['process', 'n9'],
    ] as const) {
      const { rig } = takenOver(true);
      const inventory = {
        engine,
        host,
        reports: [],
        running: new Set<string>(),
        monotonicMs: 0,
        takeOver: true,
      };
      rig.event({ kind: 'inventory', now: rig.now, inventory });
      expect(rig.runOf('a').state).toBe('running');
    }
  });

  test('kills what runs for nobody, and nothing that has ended', () => {
    const { rig } = takenOver(true);
    const launchName = rig.runOf('a').attempts[0]?.launchName ?? '';
    rig.inventory([
      { launchName, state: 'running' },
      { launchName: 'of-nobody', state: 'running' },
      { launchName: 'over', state: 'ended' },
      { launchName: 'made', state: 'created' },
    ]);
    expect(rig.effects).toEqual([
      { kind: 'kill', engine: 'process', host: null, launchName: 'of-nobody', graceMs: 10_000 },
    ]);
  });

  test('removes a thousand launches at a time, and those of each engine after its own time', () => {
    const { tombstoneMs = 0 } = testSettings.engines.process ?? {};
    const rig = new Rig('2026-01-01T00:00:00Z');
    const reports = Array.from(
      { length: 1_002 },
      (_, i): LaunchReport => ({ launchName: `x${i}`, state: 'ended' }),
    );
    rig.inventory(reports, false);
    rig.now += tombstoneMs;
    rig.inventory(reports, false);
    const removed = rig.effects.filter(({ kind }) => kind === 'remove');
    expect(removed).toHaveLength(1_000);
    expect(removed[0]).toEqual({ kind: 'remove', engine: 'process', host: null, launchName: 'x0' });
    const other = {
      engine: 'docker',
      host: null,
      running: new Set<string>(),
      monotonicMs: rig.now,
      takeOver: false,
    };
    rig.effects.length = 0;
    rig.event({ kind: 'inventory', now: rig.now, inventory: { ...other, reports } });
    expect(rig.effects).toEqual([]);
  });
});

describe('a leader that takes over', () => {
  const process = { concurrency: null, abilities: abilities.process, tombstoneMs: 600_000 };

  test('counts the places that runs have, and gives those that are free in their order', () => {
    const rig = new Rig('2026-01-01T00:00:00Z', { engines: { process }, pools: { etl: 2 } });
    for (const [name, priority] of [
      ['a', 0],
      ['b', 0],
      ['c', 0],
      ['d', 9],
      ['e', 0],
    ] as const) {
      rig.put({ name, policy: { pool: 'etl', priority } });
      rig.now += 1_000;
      rig.trigger(name);
    }
    const states = (): string[] => ['a', 'b', 'c', 'd', 'e'].map((name) => rig.runOf(name).state);
    expect(states()).toEqual(['launching', 'launching', 'queued', 'queued', 'queued']);
    rig.restart();
    expect(states()).toEqual(['launching', 'launching', 'queued', 'queued', 'queued']);
    rig.end('a');
    expect(rig.runOf('d').state).toBe('launching');
    expect([rig.runOf('c').state, rig.runOf('e').state]).toEqual(['queued', 'queued']);
  });

  test('with more places than before gives them, the highest priority first', () => {
    const settings = { engines: { process }, pools: { etl: 1 } };
    const rig = new Rig('2026-01-01T00:00:00Z', settings);
    for (const [name, priority] of [
      ['a', 0],
      ['b', 0],
      ['c', 5],
      ['d', 0],
    ] as const) {
      rig.put({ name, policy: { pool: 'etl', priority } });
      rig.trigger(name);
    }
    settings.pools.etl = 2;
    rig.restart();
    const states = ['a', 'b', 'c', 'd'].map((name) => rig.runOf(name).state);
    expect(states).toEqual(['launching', 'queued', 'launching', 'queued']);
  });

  test('lets a run go on that waited for one that has ended', () => {
    const rig = new Rig('2026-01-01T00:00:00Z');
    rig.put({ name: 'a', policy: { overlap: 'queue' } });
    rig.trigger('a');
    rig.trigger('a');
    // The leader died between the end of the first and the start of the second: only the waiting one is left.
    const [first] = rig.state.entry('a').runs;
    rig.live.delete(first?.id ?? '');
    rig.restart();
    expect(rig.runOf('a').state).toBe('launching');
  });

  test('says of a run on an engine that is not configured any more that it may have started there', () => {
    const settings = { engines: { process } as Record<string, typeof process>, pools: {} };
    const rig = new Rig('2026-01-01T00:00:00Z', settings);
    rig.put({ name: 'a' });
    rig.trigger('a');
    delete settings.engines.process;
    rig.restart();
    expect(wordsOf(rig.runOf('a').reason)).toBe(
      'the engine process, which may have started it, is not configured here',
    );
  });
});

describe('a limit of a job that is edited', () => {
  const states = (rig: Rig): string[] => rig.state.entry('a').runs.map(({ state }) => state);
  const put = (rig: Rig, policy: object): void =>
    rig.put({ name: 'a', policy: { overlap: 'allow', ...policy } });
  const busy = (policy: object): Rig => {
    const rig = new Rig('2026-01-01T00:00:00Z');
    put(rig, policy);
    for (let i = 0; i < 4; i++) rig.trigger('a');
    rig.begin('a');
    return rig;
  };

  test('holds for runs that are under way: no more start until so many have ended', () => {
    const rig = busy({});
    put(rig, { concurrency: 3 });
    rig.trigger('a');
    expect(states(rig)).toEqual(['running', 'launching', 'launching', 'launching', 'queued']);
    rig.end('a');
    expect(states(rig)).toEqual(['launching', 'launching', 'launching', 'queued']);
    rig.end('a');
    expect(states(rig)).toEqual(['launching', 'launching', 'launching']);
  });

  test('that is higher lets those start that wait, the oldest first', () => {
    const rig = busy({ concurrency: 1 });
    expect(states(rig)).toEqual(['running', 'queued', 'queued', 'queued']);
    put(rig, { concurrency: 3 });
    expect(states(rig)).toEqual(['running', 'launching', 'launching', 'queued']);
    put(rig, {});
    expect(states(rig)).toEqual(['running', 'launching', 'launching', 'launching']);
  });
});
