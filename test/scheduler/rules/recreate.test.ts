/** A job that is deleted and created again under its name goes on from the past of that name. */

import { expect, test } from 'vitest';
import { follow } from '../../../src/scheduler/state/follow.ts';
import { MAX_PASTS, State } from '../../../src/scheduler/state/state.ts';
import { Rig } from '../../support/rig.ts';

const remove = (rig: Rig, name: string) =>
  rig.submit({ kind: 'delete-job', name, dependents: 'refuse', by: 'test' });

test('revisions, counts and percentiles continue, also after a restart between any two steps', () => {
  for (const restarts of [false, true]) {
    const rig = new Rig('2026-01-01T00:00:00Z');
    const step = (act: () => void) => {
      act();
      if (restarts) rig.restart();
    };
    step(() => rig.put({ name: 'a', schedule: { cron: '* * * * *' } }));
    rig.advance('2026-01-01T00:01:00Z');
    rig.begin('a');
    rig.advance('2026-01-01T00:01:10Z');
    step(() => rig.end('a'));
    step(() => void remove(rig, 'a'));
    step(() => rig.put({ name: 'a', schedule: { cron: '* * * * *' }, paused: true }));
    const { job, state, stats } = rig.state.entry('a');
    expect([job.revision, state.succeeded, state.removed]).toEqual([3, 1, null]);
    expect(state.last).toMatchObject({ state: 'succeeded', due: Date.parse('2026-01-01T00:01:00Z') });
    expect(stats?.today.runTime).not.toBe('');
    step(() => void remove(rig, 'a'));
    step(() => rig.put({ name: 'a' }));
    expect(rig.state.entry('a').job.revision).toBe(5);
    expect(rig.state.pasts.size).toBe(0);
  }
});

test('a single instant that has run does not run again when its job is restored', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  const once = { name: 'a', schedule: { at: '2026-01-01T00:00:10Z' } };
  rig.put(once);
  rig.advance('2026-01-01T00:00:20Z');
  rig.end('a');
  remove(rig, 'a');
  rig.restart();
  rig.put(once);
  rig.advance('2026-01-01T00:01:00Z');
  expect(rig.runs('a')).toEqual(['succeeded 00:00:10']);
});

test('what was due while the job was away is not caught up', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  const hourly = {
    name: 'a',
    schedule: { every: 'R/2026-01-01T00:30:00Z/PT1H' },
    policy: { catchUp: 'all' },
  };
  rig.put(hourly);
  remove(rig, 'a');
  rig.advance('2026-01-01T05:00:00Z');
  rig.put(hourly);
  rig.advance('2026-01-01T05:30:00Z');
  expect(rig.runs('a')).toEqual(['launching 05:30']);
  expect(rig.lines('a')).toEqual([]);
});

test('with another schedule it begins as a new job does, behind what was decided', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put({ name: 'a', schedule: { cron: '* * * * *' } });
  rig.advance('2026-01-01T00:01:00Z');
  rig.end('a');
  remove(rig, 'a');
  rig.advance('2026-01-01T00:03:00Z');
  rig.put({
    name: 'a',
    schedule: { every: 'R/2026-01-01T00:00:00Z/PT1M' },
    policy: { catchUp: 'all', overlap: 'allow' },
  });
  rig.advance(0);
  expect(rig.runs('a')).toEqual(['succeeded 00:01', 'launching 00:02', 'launching 00:03']);
});

test('a follower knows the past of removed jobs as the leader does', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  const copy = new State(rig.settings, 'test');
  const keep = rig.keep.bind(rig);
  rig.keep = (decision) => {
    keep(decision);
    follow(copy, structuredClone(decision.groups.flat()));
  };
  rig.put({ name: 'a', schedule: { cron: '* * * * *' } });
  rig.advance('2026-01-01T00:01:00Z');
  rig.begin('a');
  rig.end('a');
  remove(rig, 'a');
  expect([...copy.pasts]).toEqual([...rig.state.pasts]);
  expect(copy.pasts.get('a')?.stats).not.toBeNull();
  rig.put({ name: 'a' });
  expect(copy.pasts.size).toBe(0);
  expect(copy.entry('a').state).toEqual(rig.state.entry('a').state);
  expect(copy.entry('a').stats).toEqual(rig.state.entry('a').stats);
});

test('the past of so many removed jobs is kept; beyond, that of the one removed first is forgotten', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  for (let i = 0; i <= MAX_PASTS; i++) {
    rig.put({ name: `job-${i}` });
    remove(rig, `job-${i}`);
  }
  expect(rig.state.pasts.size).toBe(MAX_PASTS);
  rig.restart();
  expect(rig.state.pasts.size).toBe(MAX_PASTS);
  rig.put({ name: 'job-0' }, { name: 'job-1' });
  expect(rig.state.entry('job-0').job.revision).toBe(1);
  expect(rig.state.entry('job-1').job.revision).toBe(3);
});

test('its launches have other names, though its instants are the same', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  const repeating = {
    name: 'a',
    schedule: { every: 'R/2026-01-01T00:00:10Z/PT1M' },
    policy: { catchUp: 'all' },
  };
  const firstLaunch = (): string | undefined =>
    rig.history.findLast((run) => run.due === Date.parse('2026-01-01T00:00:10Z'))?.attempts[0]?.launchName;
  rig.put(repeating);
  rig.advance('2026-01-01T00:00:20Z');
  rig.end('a');
  const before = firstLaunch();
  remove(rig, 'a');
  // As if more jobs had been removed since than are remembered.
  rig.state.pasts.clear();
  rig.put(repeating);
  rig.advance('2026-01-01T00:00:30Z');
  rig.end('a');
  expect(before).toBeDefined();
  expect(firstLaunch()).not.toBe(before);
});
