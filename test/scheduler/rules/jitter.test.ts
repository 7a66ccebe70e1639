/** `schedule.jitter`: a run is opened when it is due, and starts a fixed time later. */

import { describe, expect, test } from 'vitest';
import { jitterOf } from '../../../src/scheduler/job/jitter.ts';
import { Rig } from '../../support/rig.ts';

const due = Date.parse('2026-03-01T02:00:00Z');
const schedule = { cron: '0 2 * * *', jitter: 'PT10M' };
const jitter = jitterOf({ name: 'a', schedule }, due);

function planned(policy: object = {}): Rig {
  const rig = new Rig('2026-03-01T01:00:00Z');
  rig.put({ name: 'a', schedule, policy });
  return rig;
}

const at = (ms: number): string => new Date(ms).toISOString();
const reasonOf = (rig: Rig) => rig.runOf('a').reason?.code ?? null;

test('the time is between zero and the jitter, the same for a job and due time, and spread over jobs', () => {
  expect(jitterOf({ name: 'a', schedule }, due)).toBe(jitter);
  const all = Array.from({ length: 1_000 }, (_, i) => jitterOf({ name: `job-${i}`, schedule }, due));
  const mean = all.reduce((sum, each) => sum + each, 0) / all.length;
  expect(Math.min(...all)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...all)).toBeLessThan(600_000);
  expect(Math.abs(mean - 300_000)).toBeLessThan(20_000);
  expect(jitterOf({ name: 'a', schedule: { cron: '0 2 * * *' } }, due)).toBe(0);
});

describe('a run', () => {
  test('waits with its reason, and starts when its time is over', () => {
    const rig = planned();
    rig.advance(at(due + jitter - 1));
    expect(rig.runOf('a')).toMatchObject({ due, state: 'waiting', notBefore: due + jitter, attempts: [] });
    expect(reasonOf(rig)).toBe('jitter');
    rig.advance(1);
    expect(rig.runOf('a')).toMatchObject({ state: 'launching', attempts: [{ number: 1 }] });
  });

  test('waits until then although its leader dies', () => {
    const rig = planned();
    rig.advance(at(due));
    rig.restart();
    rig.advance(at(due + jitter - 1));
    expect(rig.runOf('a').state).toBe('waiting');
    rig.advance(1);
    expect(rig.runOf('a').state).toBe('launching');
  });

  test('is not late because of it, and its window counts from then', () => {
    const rig = planned({ startWithin: 'PT1M' });
    rig.advance(at(due));
    expect(rig.runOf('a').startBy).toBe(due + jitter + 60_000);
    rig.advance(at(due + jitter));
    rig.end('a');
    expect(rig.stats.get('a')?.today.startLateness).toBeDefined();
    expect(rig.history[0]).toMatchObject({ state: 'succeeded' });
  });

  test('that a user starts does not wait', () => {
    const rig = planned();
    rig.trigger('a');
    expect(rig.runOf('a').state).toBe('launching');
  });

  test('that catches up after its time does not wait', () => {
    const rig = planned();
    rig.sleep(at(due + jitter + 60_000));
    expect(rig.runOf('a').state).toBe('launching');
  });

  test('whose turn comes before its time waits for that', () => {
    const rig = planned({ overlap: 'queue' });
    rig.trigger('a');
    rig.advance(at(due));
    rig.end('a');
    expect(reasonOf(rig)).toBe('jitter');
    rig.advance(at(due + jitter));
    expect(rig.runOf('a').state).toBe('launching');
  });

  test('whose turn comes after its time starts at once', () => {
    const rig = planned({ overlap: 'queue' });
    rig.trigger('a');
    rig.advance(at(due + jitter + 1));
    expect(rig.runOf('a', 1).reason?.code).toBe('waits-for-runs');
    rig.end('a');
    expect(rig.runOf('a').state).toBe('launching');
  });

  test('can be killed while it waits', () => {
    const rig = planned();
    rig.advance(at(due));
    rig.submit({ kind: 'kill', runId: rig.runOf('a').id, by: 'test' });
    expect(rig.history[0]).toMatchObject({ state: 'killed' });
  });
});

test('the interval ends at the due time', () => {
  const rig = planned();
  rig.advance(at(due));
  expect(rig.runOf('a').interval?.to).toBe(due);
});

test('an edit of the jitter leaves the cursor as it is', () => {
  const rig = planned();
  rig.sleep(at(due - 1_000));
  rig.put({ name: 'a', schedule: { ...schedule, jitter: 'PT1S' } });
  rig.advance(at(due + 1_000));
  expect(rig.runOf('a')).toMatchObject({ due, state: 'launching' });
});

test.each<[string, object, string]>([
  ['longer than a day', { name: 'a', schedule: { ...schedule, jitter: 'P2D' } }, 'schedule.jitter'],
  ['of length zero', { name: 'a', schedule: { ...schedule, jitter: 'PT0S' } }, 'schedule.jitter'],
  ['of a child', { name: 'b', schedule: { after: { parents: ['a'] }, jitter: 'PT1M' } }, 'schedule.jitter'],
  ['of a job that somebody else runs', { name: 'b', schedule, run: undefined }, 'schedule.jitter'],
  ['beside warmStart', { name: 'b', schedule, policy: { warmStart: 'PT1M' } }, 'policy.warmStart'],
])('a jitter %s is refused', (_, definition, field) => {
  expect(() => planned().put(definition as { name: string })).toThrow(
    expect.objectContaining({ details: expect.objectContaining({ field }) }),
  );
});
