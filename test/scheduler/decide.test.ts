/** One decision at a time: how much of what is due it takes, and what it makes of deadlines and set clocks. */

import { describe, expect, test } from 'vitest';
import { decide } from '../../src/scheduler/decide.ts';
import { inWords, wordsOf } from '../support/in-words.ts';
import { Rig } from '../support/rig.ts';

describe('a tick', () => {
  test('takes five hundred jobs that are due, and says that there are more', () => {
    const rig = new Rig('2026-01-01T00:30:00Z');
    for (let i = 0; i < 501; i++) rig.put({ name: `j${i}`, schedule: { cron: '0 * * * *' } });
    rig.now = Date.parse('2026-01-01T01:00:00Z');
    const runs = [];
    for (let more = true; more; ) {
      const decision = decide(rig.state, { kind: 'tick', now: rig.now });
      rig.keep(decision);
      runs.push(rig.state.runs.size);
      ({ more } = decision);
    }
    expect(runs).toEqual([500, 501]);
  });

  test('takes nothing that another schedule has made due', () => {
    const rig = new Rig('2026-01-01T00:30:00Z');
    rig.put({ name: 'a', schedule: { cron: '0 * * * *' } });
    rig.put({ name: 'a', schedule: { cron: '30 * * * *' } });
    rig.advance('2026-01-01T01:10:00Z');
    expect(rig.runs('a')).toEqual([]);
    rig.advance('2026-01-01T01:30:00Z');
    expect(rig.runs('a')).toEqual(['launching 01:30']);
  });
});

describe('a deadline that has passed', () => {
  test('ends a run that takes longer than its timeout, by killing it', () => {
    const rig = new Rig('2026-01-01T00:00:00Z');
    rig.put({ name: 'a', policy: { timeout: 'PT1M', killAfter: 'PT10S' } });
    rig.trigger('a');
    rig.begin('a');
    rig.advance(59_999);
    expect(rig.runOf('a').kill).toBeNull();
    rig.advance(1);
    expect(inWords(rig.runOf('a'))).toMatchObject({
      state: 'running',
      kill: { at: rig.now, by: 'timeout', as: 'timed-out', reason: 'ran longer than its timeout of PT1M' },
    });
    // The engine never confirms it: the grace, and a minute.
    rig.advance(69_999);
    expect(rig.runs('a')).toEqual(['running 00:00']);
    rig.advance(1);
    expect(rig.history.map(({ state, reason }) => [state, wordsOf(reason)])).toEqual([
      ['timed-out', 'ran longer than its timeout of PT1M; the engine did not confirm it'],
    ]);
  });

  test('ends a run that is not reported in time, without killing anything', () => {
    const rig = new Rig('2026-01-01T00:00:00Z');
    rig.put({ name: 'a', policy: { timeout: 'PT1M', completion: 'callback' } });
    rig.trigger('a');
    rig.end('a', 0);
    rig.effects.length = 0;
    rig.advance(60_000);
    expect(rig.history.map(({ state }) => state)).toEqual(['timed-out']);
    expect(rig.effects).toEqual([]);
  });

  test.each([
    ['which waits for another', 'the start window had passed: waits for'],
    ['with no more to say', 'the start window had passed'],
  ])('misses a run %s, and says why it waited', (_, reason) => {
    const rig = new Rig('2026-01-01T00:00:00Z');
    rig.put({ name: 'a', policy: { overlap: 'queue', startWithin: 'PT1M' } });
    rig.trigger('a');
    rig.trigger('a');
    const waiting = rig.runOf('a', 1);
    if (!reason.includes(':')) waiting.reason = null;
    rig.advance(60_000);
    expect(rig.history).toEqual([]);
    rig.advance(1);
    expect(rig.history.map(({ state }) => state)).toEqual(['missed']);
    expect(wordsOf(rig.history[0]?.reason)).toMatch(new RegExp(`^${reason}`));
    if (!reason.includes(':')) expect(wordsOf(rig.history[0]?.reason)).toBe(reason);
  });

  test('does not miss a run that was launched in time', () => {
    const rig = new Rig('2026-01-01T00:00:00Z');
    rig.put({
      name: 'a',
      policy: { startWithin: 'PT1M', retries: { limit: 1, delay: 'PT2M', jitter: false } },
    });
    rig.trigger('a');
    rig.end('a', 1);
    rig.advance(120_000);
    expect(rig.runOf('a').state).toBe('launching');
  });

  test('is looked at again where a longer timeout was set meanwhile', () => {
    const rig = new Rig('2026-01-01T00:00:00Z');
    rig.put({ name: 'a', policy: { timeout: 'PT1M' } });
    rig.trigger('a');
    rig.begin('a');
    rig.put({ name: 'a', policy: { timeout: 'PT5M' } });
    rig.advance(299_999);
    expect(rig.runOf('a').kill).toBeNull();
    rig.advance(1);
    expect(rig.runOf('a').kill?.as).toBe('timed-out');
  });
});

describe('a wall clock that is set back', () => {
  test.each([
    ['by a minute only makes jobs wait', -60_000, false],
    ['by more brings their cursors back', -60_001, true],
    ['not at all, but ahead, changes no cursor', 60_001, false],
  ])('%s', (_, byMs, isBack) => {
    const rig = new Rig('2026-01-01T00:59:59Z');
    rig.put({ name: 'a', schedule: { cron: '* * * * *' }, policy: { overlap: 'allow' } });
    rig.advance('2026-01-01T01:00:00Z');
    const { cursor } = rig.view('a').state;
    rig.setClock(byMs);
    expect(rig.view('a').state.cursor).toBe(isBack ? rig.now : cursor);
  });
});

test('a leader notes when it saw an attempt start, once', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put({ name: 'a' });
  rig.trigger('a');
  rig.now += 5_000;
  rig.begin('a');
  const seenAt = rig.now;
  rig.now += 5_000;
  rig.begin('a');
  expect(rig.runOf('a').attempts).toMatchObject([{ seenAt }]);
});
