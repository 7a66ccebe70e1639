/** A job gets another schedule: what was decided under the old one stays decided. */

import { expect, test } from 'vitest';
import { Rig } from '../support/rig.ts';

test('a leader whose clock is behind does not decide an instant again that both schedules have', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put({ name: 'a', schedule: { cron: '*/20 * * * * *' } });
  rig.advance('2026-01-01T00:01:00Z');
  rig.end('a');
  rig.now = Date.parse('2026-01-01T00:00:50Z');
  rig.restart();
  rig.put({ name: 'a', schedule: { cron: '*/30 * * * * *' } });
  rig.advance('2026-01-01T00:01:30Z');
  const runs = rig.runs('a').map((run) => run.split(' ')[1]);
  expect(runs.filter((due) => due === '00:01')).toHaveLength(1);
  expect(runs.at(-1)).toBe('00:01:30');
});

test('a repeat that begins in the second in which it is put does not repeat what the old schedule decided', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put({ name: 'a', schedule: { cron: '* * * * *' } });
  rig.advance('2026-01-01T00:01:00.500Z');
  rig.end('a');
  rig.put({ name: 'a', schedule: { every: 'R/2026-01-01T00:01:00Z/PT1M' } });
  rig.advance('2026-01-01T00:01:30Z');
  expect(rig.runs('a')).toEqual(['succeeded 00:01']);
});

test('an instant that had a run by its parents has none by the schedule that follows, and the other way round', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  const minutely = { cron: '* * * * *' };
  const parent = { name: 'p', schedule: minutely, policy: { overlap: 'allow' } };
  rig.put(parent, { name: 'a', schedule: { after: { parents: ['p'] } }, policy: { overlap: 'allow' } });
  rig.advance('2026-01-01T00:10:10Z');
  while (rig.view('p').runs.length > 0) rig.end('p');
  while (rig.view('a').runs.length > 0) rig.end('a');
  rig.setClock(-100_000);
  rig.put({ name: 'a', schedule: minutely, policy: { overlap: 'allow' } });
  rig.advance('2026-01-01T00:12:10Z');
  expect(rig.runs('a').slice(10)).toEqual(['launching 00:11', 'launching 00:12']);
  rig.put({ name: 'a', schedule: { after: { parents: ['p'] } }, policy: { overlap: 'allow' } });
  for (let i = 0; i < 2; i++) rig.end('p');
  const ids = [...rig.history, ...rig.state.runs.values()].map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test('a deadline holds by the policy of the job as it is now, whichever way that changed', () => {
  for (const [before, after, ends] of [
    ['PT10S', 'PT1M', '2026-01-01T00:01:01Z'],
    ['PT1M', 'PT10S', '2026-01-01T00:00:11Z'],
  ] as const) {
    const rig = new Rig('2026-01-01T00:00:00Z');
    rig.put({ name: 'a', policy: { timeout: before } });
    rig.trigger('a');
    rig.begin('a');
    rig.advance('2026-01-01T00:00:05Z');
    rig.put({ name: 'a', policy: { timeout: after } });
    rig.advance(new Date(Date.parse(ends) - 4_000).toISOString());
    expect(rig.effects.map(({ kind }) => kind)).not.toContain('kill');
    rig.advance(ends);
    expect(rig.effects.map(({ kind }) => kind)).toContain('kill');
  }
});
