/** What a leader holds in memory: what is derived is derived again, and what is bounded stays so. */

import { describe, expect, test } from 'vitest';
import { freshState } from '../../../src/scheduler/model/fresh-state.ts';
import { compiled } from '../../../src/scheduler/state/decided.ts';
import { freshCursor } from '../../../src/scheduler/state/fresh-cursor.ts';
import { MAX_PASTS, State } from '../../../src/scheduler/state/state.ts';
import { Rig, testSettings } from '../../support/rig.ts';

const hourly = { schedule: { cron: '0 * * * *' } };
const daily = { schedule: { cron: '0 0 * * *' } };
const waitsFor = (...parents: string[]) => ({ schedule: { after: { parents } } });

function rigWith(...definitions: ({ name: string } & Record<string, unknown>)[]): Rig {
  const rig = new Rig('2026-01-01T00:30:00Z');
  rig.put(...definitions);
  return rig;
}

const aligned = (rig: Rig, name: string): boolean | undefined =>
  rig.state.derived.joinSpec(rig.state.entry(name))?.aligned;

describe('the rounds of a child', () => {
  const family = (): Rig =>
    rigWith({ name: 'a', ...hourly }, { name: 'b', ...hourly }, { name: 'c', ...waitsFor('a', 'b') });

  test('are made by due time while its parents have one schedule, and no longer than that', () => {
    const rig = family();
    expect(aligned(rig, 'c')).toBe(true);
    rig.put({ name: 'b', ...daily });
    expect(aligned(rig, 'c')).toBe(false);
    rig.put({ name: 'b', ...hourly });
    expect(aligned(rig, 'c')).toBe(true);
  });

  test('are made otherwise when a parent is deleted', () => {
    const rig = rigWith(
      { name: 'a', ...hourly },
      { name: 'b', ...daily },
      { name: 'm', ...waitsFor('a', 'b') },
      { name: 'x', ...hourly },
      { name: 'c', ...waitsFor('m', 'x') },
    );
    expect(aligned(rig, 'c')).toBe(false);
    rig.submit({ kind: 'delete-job', name: 'b', dependents: 'detach', by: 'test' });
    expect(aligned(rig, 'c')).toBe(true);
  });

  test('are those of its parents, and of no job without any', () => {
    const rig = family();
    expect(rig.state.derived.joinSpec(rig.state.entry('c'))).toEqual({
      parents: ['a', 'b'],
      when: 'all-succeeded',
      aligned: true,
    });
    expect(rig.state.derived.joinSpec(rig.state.entry('a'))).toBeNull();
    const manual = rigWith({ name: 'm' });
    expect(manual.state.derived.joinSpec(manual.state.entry('m'))).toBeNull();
  });

  test('per day count the runs of the schedule that drives a parent, however far above it that is', () => {
    const rig = rigWith(
      { name: 'a', ...hourly },
      { name: 'b', ...waitsFor('a') },
      { name: 'd', ...daily },
      { name: 'm' },
      { name: 'c', schedule: { after: { parents: ['a', 'b', 'd', 'm'], per: 'day' } } },
    );
    const { per } = rig.state.derived.joinSpec(rig.state.entry('c')) ?? {};
    expect(['a', 'b', 'd', 'm'].map((parent) => per?.expected(parent, rig.now))).toEqual([24, 24, 1, 1]);
  });
});

describe('what people started', () => {
  test('is remembered, by hand and again; what the clock started is not', () => {
    const rig = rigWith({ name: 'a', ...hourly, policy: { overlap: 'allow' } });
    const run = rig.trigger('a');
    rig.end('a');
    const [ended] = rig.history;
    const again = rig.submit({ kind: 'rerun', run: ended as never, triggerId: 'abcd', by: 'ann' });
    expect(rig.state.triggered('a', run.variant)?.id).toBe(run.id);
    expect(rig.state.triggered('a', again.variant)?.id).toBe(again.id);
    rig.advance('2026-01-01T01:00:00Z');
    expect(rig.state.triggered('a', '')).toBeUndefined();
  });

  test('is remembered of the newest ten thousand', () => {
    const rig = rigWith({ name: 'a' });
    const run = rig.trigger('a');
    const state = new State(testSettings, 'test');
    for (let i = 0; i <= 10_000; i++) state.remember({ ...run, variant: `m${i}` });
    expect(state.triggered('a', 'm0')).toBeUndefined();
    expect(state.triggered('a', 'm1')).toBeDefined();
    expect(state.triggered('a', 'm10000')).toBeDefined();
  });
});

describe('a state that is loaded', () => {
  test('has the runs of a job in the order in which they were decided', () => {
    const rig = rigWith({ name: 'a', policy: { overlap: 'allow' } });
    const run = rig.trigger('a');
    const runs = [
      { id: 'a.d', createdAt: 2, due: 1 },
      { id: 'a.c', createdAt: 1, due: 3 },
      { id: 'a.b', createdAt: 1, due: 2 },
      { id: 'a.a', createdAt: 1, due: 3 },
    ].map((each) => ({ ...structuredClone(run), ...each, attempts: [] }));
    const state = new State(testSettings, 'test');
    state.load(runs.map((each) => ({ kind: 'run', value: each })));
    state.load([{ kind: 'job', value: rig.state.entry('a').job }]);
    state.ready();
    expect(state.entry('a').runs.map(({ id }) => id)).toEqual(['a.b', 'a.a', 'a.c', 'a.d']);
  });

  test('keeps the past of what was removed, the first removed first, and of no job that is there', () => {
    const removed = (name: string, at: number) => ({
      ...freshState(name, 0),
      removed: { at, by: 'ann', revision: 2, resolved: null },
    });
    const rig = rigWith({ name: 'b' });
    const state = new State(testSettings, 'test');
    state.load([
      { kind: 'state', value: removed('c', 3) },
      { kind: 'state', value: removed('a', 1) },
      { kind: 'state', value: removed('b', 2) },
      { kind: 'state', value: freshState('gone', 0) },
      { kind: 'stats', value: { name: 'a' } as never },
      { kind: 'job', value: rig.state.entry('b').job },
    ]);
    state.ready();
    expect([...state.pasts.keys()]).toEqual(['a', 'c']);
    expect([...state.pasts.values()].map(({ stats }) => stats)).toEqual([{ name: 'a' }, null]);
  });

  test('keeps the newest pasts up to the bound', () => {
    const state = new State(testSettings, 'test');
    state.load(
      Array.from({ length: MAX_PASTS + 2 }, (_, i) => ({
        kind: 'state' as const,
        value: { ...freshState(`j${i}`, 0), removed: { at: i, by: 'ann', revision: 2, resolved: null } },
      })),
    );
    state.ready();
    expect(state.pasts.size).toBe(MAX_PASTS);
    expect([state.pasts.has('j1'), state.pasts.has('j2')]).toEqual([false, true]);
  });
});

describe('a job that never ran begins', () => {
  const now = Date.parse('2026-01-01T00:30:00Z');
  test.each<[string, object | null, number]>([
    ['now without a schedule', null, now],
    ['now with cron', { cron: '0 * * * *' }, now],
    [
      'before the first of a repeat that has begun',
      { every: 'R/2026-01-01T00:00:00Z/PT1H' },
      now - 1_800_001,
    ],
    ['now with a repeat of the future', { every: 'R/2026-01-01T02:00:00Z/PT1H' }, now],
    [
      'before a single time that has passed',
      { at: '2020-01-01T00:00:00Z' },
      Date.parse('2020-01-01T00:00:00Z') - 1,
    ],
  ])('%s', (_, input, expected) => {
    expect(freshCursor(input === null ? null : compiled(input as never), now)).toBe(expected);
  });
});

test('a job that gets a schedule has no rounds any more, and one that loses it begins them anew', () => {
  const rig = rigWith({ name: 'a' }, { name: 'b' }, { name: 'c', ...waitsFor('a', 'b') });
  rig.trigger('a');
  rig.end('a');
  expect(rig.state.entry('c').state.join).not.toBeNull();
  rig.put({ name: 'c', ...hourly });
  expect(rig.state.graph.parentsOf('c')).toEqual([]);
  expect(rig.state.entry('c').state.join).toBeNull();
});
