/** A job gets another schedule: what was decided under the old one stays decided. */

import { expect, test } from 'vitest';
import { Rig } from '../../support/rig.ts';

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

test('a set-back clock brings no instant again that had a run by the parents before the schedule, however it came', () => {
  const minutely = { cron: '* * * * *' };
  const others = { cron: '*/2 * * * *' };
  for (const how of ['edited', 'made anew', 'edited twice'] as const) {
    const rig = new Rig('2026-01-01T00:00:00Z');
    const put = (schedule: object) => rig.put({ name: 'a', schedule, policy: { catchUp: 'all' } });
    rig.put({ name: 'p', schedule: minutely, policy: { overlap: 'allow' } });
    put({ after: { parents: ['p'] } });
    rig.advance('2026-01-01T00:10:10Z');
    while (rig.view('p').runs.length > 0) rig.end('p');
    while (rig.view('a').runs.length > 0) rig.end('a');
    if (how === 'made anew') rig.submit({ kind: 'delete-job', name: 'a', dependents: 'refuse', by: 'test' });
    put(minutely);
    rig.advance('2026-01-01T00:12:10Z');
    rig.end('a');
    if (how === 'edited twice') put(others);
    rig.restart(-400_000);
    rig.advance('2026-01-01T00:14:10Z');
    const dues = rig.history.filter(({ job }) => job === 'a').map(({ due }) => due);
    const again = rig.state.entry('a').runs.filter(({ due }) => dues.includes(due));
    expect([how, again.map(({ id }) => id)]).toEqual([how, []]);
  }
});

const ids = (rig: Rig) => [...rig.history, ...rig.state.runs.values()].map(({ id }) => id);
const runTwice = (rig: Rig) => ids(rig).filter((id, at, all) => all.indexOf(id) !== at);

test('no round runs twice when its child is run by hand for a while, or deleted and made again, amid it', () => {
  const either = { after: { parents: ['p', 'q'], when: 'any-succeeded' } };
  for (const how of ['by hand', 'made anew', 'other schedule', 'other schedule, then by hand']) {
    const rig = new Rig('2026-01-01T00:00:00Z');
    rig.put({ name: 'p', schedule: { cron: '* * * * *' } }, { name: 'q', schedule: { cron: '* * * * *' } });
    rig.put({ name: 'a', schedule: either });
    rig.advance('2026-01-01T00:01:10Z');
    rig.end('p');
    rig.end('a');
    if (how === 'made anew') rig.submit({ kind: 'delete-job', name: 'a', dependents: 'refuse', by: 'test' });
    if (how.startsWith('other schedule')) rig.put({ name: 'a', schedule: { cron: '0 * * * *' } });
    if (how.endsWith('by hand')) rig.put({ name: 'a' });
    rig.restart();
    rig.put({ name: 'a', schedule: either });
    rig.end('q');
    expect([how, runTwice(rig)]).toEqual([how, []]);
  }
});

test('an instant that a schedule decided has no round, also when the job was run by hand in between', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put({ name: 'p', schedule: { cron: '* * * * *' } }, { name: 'a', schedule: { cron: '* * * * *' } });
  rig.advance('2026-01-01T00:01:10Z');
  rig.end('a');
  rig.put({ name: 'a' });
  rig.put({ name: 'a', schedule: { after: { parents: ['p'] } } });
  rig.end('p');
  expect(runTwice(rig)).toEqual([]);
  expect(rig.state.entry('a').runs).toHaveLength(1);
});

test('a deleted child that comes back with a schedule runs none of its rounds again, in whichever order they ended', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put({ name: 'p', schedule: { cron: '* * * * *' }, policy: { overlap: 'allow' } });
  rig.put({ name: 'a', schedule: { after: { parents: ['p'] } }, policy: { overlap: 'allow' } });
  rig.advance('2026-01-01T00:10:10Z');
  rig.end('p', 0, 9);
  while (rig.view('p').runs.length > 0) rig.end('p');
  while (rig.view('a').runs.length > 0) rig.end('a');
  rig.submit({ kind: 'delete-job', name: 'a', dependents: 'refuse', by: 'test' });
  rig.put({ name: 'a', schedule: { every: 'R/2026-01-01T00:00:00Z/PT1M' }, policy: { catchUp: 'all' } });
  rig.advance('2026-01-01T00:11:10Z');
  expect(runTwice(rig)).toEqual([]);
});

test('an instant that was skipped has no round, when the clock was set back and the job waits for parents since', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put({ name: 'p', schedule: { cron: '* * * * *' }, policy: { overlap: 'allow' } });
  rig.put({ name: 'a', schedule: { cron: '* * * * *' }, paused: true });
  rig.advance('2026-01-01T00:05:10Z');
  rig.setClock(-200_000);
  rig.put({ name: 'a', schedule: { after: { parents: ['p'] } }, paused: false });
  rig.end('p', 0, 4);
  rig.end('a');
  expect(rig.lines('a')).toEqual(['skipped 00:01 x5']);
});

test('a clock that was ahead for a while leaves no gap in which rounds run again', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  const minutely = { cron: '* * * * *' };
  const step = (): void => {
    rig.advance(60_000);
    rig.end('p');
    rig.end('a');
  };
  rig.put({ name: 'p', schedule: minutely }, { name: 'a', schedule: { after: { parents: ['p'] } } });
  for (let left = 20; left > 0; left--) step();
  rig.setClock(10 * 3_600_000);
  for (let left = 20; left > 0; left--) step();
  rig.setClock(-10.5 * 3_600_000);
  rig.put({ name: 'a', schedule: minutely, policy: { catchUp: 'all', overlap: 'allow' } });
  rig.advance('2026-01-01T00:30:10Z');
  expect(runTwice(rig)).toEqual([]);
  // It runs again behind them, and not first when the clock is where it had been.
  expect(rig.runs('a').at(-1)).toBe('launching 00:30');
});

test('no instant runs twice when the clock is set back behind more changes of the schedule than are remembered', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  const put = (n: number) =>
    rig.put({
      name: 'a',
      schedule: { cron: n % 2 === 0 ? '* * * * *' : '*/30 * * * * *' },
      policy: { overlap: 'allow' },
    });
  for (let n = 0; n < 50; n++) {
    put(n);
    rig.advance(61_000);
    while (rig.view('a').runs.length > 0) rig.end('a');
  }
  rig.restart(-49 * 61_000);
  rig.advance('2026-01-01T01:00:00Z');
  expect(runTwice(rig)).toEqual([]);
  expect(rig.states.get('a')?.eras.length).toBeLessThanOrEqual(20);
  expect(rig.runs('a').at(-1)).toBe('launching 01:00');
});
