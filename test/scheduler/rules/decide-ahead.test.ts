/** Due times that are decided a moment before they come. */

import { describe, expect, test } from 'vitest';
import { AHEAD_MS } from '../../../src/scheduler/rules/due.ts';
import { abilities } from '../../support/engines.ts';
import { Rig, testSettings } from '../../support/rig.ts';

const hourly = { cron: '0 * * * *' };
const due = Date.parse('2026-01-01T01:00:00Z');
const ahead = (ms: number): string => new Date(due - ms).toISOString();

/** Ten milliseconds before one o'clock. */
function early(...definitions: Parameters<Rig['put']>): Rig {
  const r = new Rig('2026-01-01T00:30:00Z');
  r.put(...definitions);
  r.advance(ahead(10));
  return r;
}

const starts = (r: Rig): [string, number][] =>
  r.effects.flatMap((effect): [string, number][] =>
    effect.kind === 'launch' ? [[effect.spec.run, effect.notBefore - due]] : [],
  );

describe('an instant that has almost come', () => {
  test('is decided as if it had, once, and its launch may not start before', () => {
    const r = early({ name: 'a', schedule: hourly });
    r.announce(ahead(0));
    expect(r.runOf('a')).toMatchObject({
      due,
      state: 'launching',
      createdAt: due,
      decidedAt: due - 10,
      trigger: { kind: 'schedule' },
      attempts: [{ createdAt: due }],
    });
    expect(starts(r)).toEqual([['a.20260101T010000Z', 0]]);
    r.advance('2026-01-01T01:30:00Z');
    expect(r.runs('a')).toEqual(['launching 01:00']);
    expect(r.view('a').nextDue).toBe(Date.parse('2026-01-01T02:00:00Z'));
    r.end('a');
    expect(r.lines('a')).toEqual(['ran 01:00']);
  });

  test('is decided when it comes, if it was not announced, or has come meanwhile', () => {
    const r = early({ name: 'a', schedule: hourly });
    r.now = due;
    r.announce(ahead(0));
    expect(r.runOf('a')).toMatchObject({ createdAt: due, decidedAt: due });
    r.end('a');
    r.advance('2026-01-01T02:00:00Z');
    expect(r.runs('a')).toEqual(['succeeded 01:00', 'launching 02:00']);
  });

  test('is not decided while it is further away, as after the clock was set back', () => {
    const r = early({ name: 'a', schedule: hourly });
    r.now = due - AHEAD_MS - 1;
    r.announce(ahead(0));
    expect(r.runs('a')).toEqual([]);
    r.advance(ahead(-1));
    expect(starts(r)).toEqual([['a.20260101T010000Z', 0]]);
  });

  test('is requested again by the next leader, and still not to start before it', () => {
    const r = early({ name: 'a', schedule: hourly });
    r.announce(ahead(0));
    r.restart();
    r.inventory([]);
    expect(starts(r)).toEqual([['a.20260101T010000Z', 0]]);
    r.advance('2026-01-01T01:00:01Z');
    expect(r.runs('a')).toEqual(['launching 01:00']);
  });

  test('by the clock of the next leader, if that is another', () => {
    const r = early({ name: 'a', schedule: hourly });
    r.announce(ahead(0));
    r.restart(-30_000);
    r.inventory([]);
    expect(starts(r)).toEqual([['a.20260101T010000Z', -30_000]]);
  });
});

describe('what waits until its instant comes', () => {
  test('a job with an unfinished run: it may end in time', () => {
    const r = early({ name: 'a', schedule: hourly, policy: { overlap: 'skip' } });
    r.trigger('a');
    r.announce(ahead(0));
    r.end('a');
    r.advance('2026-01-01T01:00:00Z');
    expect(r.runs('a').at(-1)).toBe('launching 01:00');
  });

  test('except a job whose runs may overlap', () => {
    const r = early({ name: 'a', schedule: hourly, policy: { overlap: 'allow' } });
    r.trigger('a');
    r.announce(ahead(0));
    expect(r.runs('a').at(-1)).toBe('launching 01:00');
  });

  test('a paused job: it may be resumed in time', () => {
    const r = early({ name: 'a', schedule: hourly, paused: true });
    r.announce(ahead(0));
    r.submit({ kind: 'resume', name: 'a', by: 'test' });
    r.advance('2026-01-01T01:00:00Z');
    expect(r.runs('a')).toEqual(['launching 01:00']);
  });

  test('all that come after it in the order of priorities', () => {
    const one = { pool: 'etl', overlap: 'skip' };
    const r = new Rig('2026-01-01T00:30:00Z', { ...testSettings, pools: { etl: 1 } });
    r.put(
      { name: 'first', schedule: hourly, policy: { ...one, priority: 5 } },
      { name: 'second', schedule: hourly, policy: one },
    );
    r.advance(ahead(10));
    r.trigger('first');
    r.announce(ahead(0));
    r.end('first');
    r.advance('2026-01-01T01:00:00Z');
    expect([...r.runs('first'), ...r.runs('second')]).toEqual([
      'succeeded 00:59:59',
      'launching 01:00',
      'queued 01:00',
    ]);
  });

  test('the end of a timeout', () => {
    const r = early({ name: 'b', policy: { timeout: 'PT1M' } }, { name: 'a', schedule: hourly });
    r.now = due - 60_000;
    r.trigger('b');
    r.begin('b');
    r.advance(ahead(10));
    r.announce(ahead(0));
    expect(r.runOf('b').kill).toBeNull();
    r.advance(ahead(0));
    expect(r.runOf('b').kill).toMatchObject({ at: due, as: 'timed-out' });
    expect(r.runs('a')).toEqual(['launching 01:00']);
  });
});

describe('in the moment between the decision and its instant', () => {
  test('a slot that becomes free is taken, and not used before', () => {
    const process = { concurrency: 1, abilities: abilities.process, tombstoneMs: 1_000 };
    const r = new Rig('2026-01-01T00:30:00Z', { ...testSettings, engines: { process } });
    r.put({ name: 'a', schedule: hourly }, { name: 'b' });
    r.trigger('b');
    r.advance(ahead(10));
    r.announce(ahead(0));
    expect(r.runs('a')).toEqual(['queued 01:00']);
    r.effects.length = 0;
    r.advance(ahead(5));
    r.end('b');
    expect(starts(r)).toEqual([['a.20260101T010000Z', 0]]);
  });

  test('a kill ends the run', () => {
    const r = early({ name: 'a', schedule: hourly });
    r.announce(ahead(0));
    r.submit({ kind: 'kill', runId: r.runOf('a').id, by: 'test' });
    expect(r.effects.map(({ kind }) => kind)).toEqual(['launch', 'kill']);
    r.end('a', null);
    expect(r.runs('a')).toEqual(['killed 01:00']);
  });

  test('a pause comes too late for it', () => {
    const r = early({ name: 'a', schedule: hourly });
    r.announce(ahead(0));
    r.submit({ kind: 'pause', name: 'a', by: 'test' });
    r.advance('2026-01-01T02:00:00Z');
    r.end('a');
    expect(r.lines('a')).toEqual(['ran 01:00', 'skipped 02:00']);
  });

  test('a change of the schedule leaves it decided', () => {
    const r = early({ name: 'a', schedule: hourly });
    r.announce(ahead(0));
    r.end('a');
    r.put({ name: 'a', schedule: { cron: '*/30 * * * *' } });
    r.advance('2026-01-01T01:30:00Z');
    expect(r.runs('a')).toEqual(['succeeded 01:00', 'launching 01:30']);
  });

  test('a start that an engine reports too early, by its own clock, is not early', () => {
    const r = early({ name: 'a', schedule: hourly });
    r.announce(ahead(0));
    r.begin('a');
    expect(r.runOf('a').attempts.at(-1)?.startedAt).toBe(due);
  });
});
