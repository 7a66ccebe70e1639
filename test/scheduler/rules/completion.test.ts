/** Runs whose end somebody tells, failures that children pass over, and runs that are marked as succeeded. */

import { describe, expect, test } from 'vitest';
import { inWords, wordsOf } from '../../support/in-words.ts';
import { Rig } from '../../support/rig.ts';

const told = { cron: '0 2 * * *' };

function exited(policy: object = {}): Rig {
  const r = new Rig('2026-01-01T01:59:00Z');
  r.put({ name: 'a', schedule: told, policy: { completion: 'callback', ...policy } });
  r.put({ name: 'child', schedule: { after: { parents: ['a'] } } });
  r.advance('2026-01-01T02:00:00Z');
  r.end('a', 0);
  return r;
}

const tell = (r: Rig, succeeded: boolean) =>
  r.submit({ kind: 'complete', runId: r.runOf('a').id, succeeded, by: 'ann' });

describe('completion by callback', () => {
  test('the exit of the command does not end the run; being told does, and the time until then counts', () => {
    const r = exited();
    expect(r.runOf('a')).toMatchObject({ state: 'running', attempts: [{ exitCode: 0, endedAt: null }] });
    r.advance(60_000);
    tell(r, true);
    expect(r.runs('a')).toEqual(['succeeded 02:00']);
    expect(r.history[0]?.attempts[0]?.endedAt).toBe(Date.parse('2026-01-01T02:01:00Z'));
    expect(r.runs('child')).toEqual(['launching 02:00']);
  });

  test('told before the command has ended, the run ends with the command', () => {
    const r = new Rig('2026-01-01T01:59:00Z');
    r.put({ name: 'a', policy: { completion: 'callback' } });
    r.trigger('a');
    r.begin('a');
    tell(r, true);
    expect(r.runOf('a').state).toBe('running');
    r.restart();
    r.end('a', 0);
    expect(r.history.map((run) => run.state)).toEqual(['succeeded']);
  });

  test.each([
    ['told that it failed', 0, 'failed', 'reported as failed by ann'],
    ['told that it succeeded, and the command fails', 3, 'failed', 'exit code 3'],
  ])('%s: it failed', (_, exitCode, state, reason) => {
    const r = new Rig('2026-01-01T01:59:00Z');
    r.put({ name: 'a', policy: { completion: 'callback' } });
    r.trigger('a');
    r.begin('a');
    tell(r, exitCode !== 0);
    r.end('a', exitCode);
    expect(r.history.map((run) => [run.state, wordsOf(run.reason)])).toEqual([[state, reason]]);
  });

  test('a failure that is told is retried by policy, and what was told holds for that attempt only', () => {
    const r = exited({ retries: { limit: 1, delay: 'PT1S', jitter: false } });
    tell(r, false);
    expect(r.runOf('a').state).toBe('waiting');
    r.advance(1_000);
    r.end('a', 0);
    expect(r.runOf('a').state).toBe('running');
    tell(r, true);
    expect(r.runs('a')).toEqual(['succeeded 02:00']);
  });

  test('nobody tells within the timeout: timed out, and nothing is asked of the engine', () => {
    const r = exited({ timeout: 'PT10M' });
    r.advance(600_000);
    expect(r.runs('a')).toEqual(['timed-out 02:00']);
    expect(r.effects.filter((effect) => effect.kind === 'kill')).toEqual([]);
  });

  test('it survives a change of leader and an engine that has forgotten the launch', () => {
    const r = exited();
    r.restart();
    r.inventory([]);
    expect(r.runOf('a').state).toBe('running');
    tell(r, true);
    expect(r.runs('a')).toEqual(['succeeded 02:00']);
  });

  test('a kill ends it at once', () => {
    const r = exited();
    r.submit({ kind: 'kill', runId: r.runOf('a').id, by: 'ann' });
    expect(r.runs('a')).toEqual(['killed 02:00']);
  });

  test('a command that fails has failed', () => {
    const r = new Rig('2026-01-01T01:59:00Z');
    r.put({ name: 'a', policy: { completion: 'callback' } });
    r.trigger('a');
    r.end('a', 1);
    expect(r.history.map((run) => run.state)).toEqual(['failed']);
  });

  test('a job whose exit tells is not told', () => {
    const r = new Rig('2026-01-01T01:59:00Z');
    r.put({ name: 'a' });
    r.trigger('a');
    expect(() => tell(r, true)).toThrow(expect.objectContaining({ code: 'OUTCOME_NOT_AWAITED' }));
  });
});

describe('onFailure: continue', () => {
  test.each([
    ['its children run after a final failure', 'continue', 1, ['launching 02:00']],
    ['by default they do not', 'stop', 1, ['skipped 02:00']],
  ])('%s', (_, onFailure, exitCode, child) => {
    const r = new Rig('2026-01-01T01:59:00Z');
    r.put({ name: 'a', schedule: told, policy: { onFailure } });
    r.put({ name: 'child', schedule: { after: { parents: ['a'] } } });
    r.advance('2026-01-01T02:00:00Z');
    r.end('a', exitCode);
    expect(r.runs('a')).toEqual(['failed 02:00']);
    expect(r.runs('child')).toEqual(child);
  });

  test('a kill is not passed over', () => {
    const r = new Rig('2026-01-01T01:59:00Z');
    r.put({ name: 'a', schedule: told, policy: { onFailure: 'continue' } });
    r.put({ name: 'child', schedule: { after: { parents: ['a'] } } });
    r.advance('2026-01-01T02:00:00Z');
    r.begin('a');
    r.submit({ kind: 'kill', runId: r.runOf('a').id, by: 'ann' });
    r.end('a', 143);
    expect(r.runs('child')).toEqual(['skipped 02:00']);
    expect(r.view('a').state).toMatchObject({ failed: 1, killed: 1, lastFailedAt: null });
  });
});

describe('marked as succeeded', () => {
  const mark = (r: Rig, name: string) =>
    r.submit({ kind: 'mark-success', name, triggerId: 'mark1', by: 'ann' });

  test('a failed run counts as succeeded, and the round of its children goes on', () => {
    const r = new Rig('2026-01-01T01:59:00Z');
    r.put({ name: 'a', schedule: told }, { name: 'b', schedule: told });
    r.put({ name: 'child', schedule: { after: { parents: ['a', 'b'] } } });
    r.advance('2026-01-01T02:00:00Z');
    r.end('a', 0);
    r.end('b', 1);
    expect(r.runs('child')).toEqual(['skipped 02:00']);
    expect(inWords(mark(r, 'b'))).toMatchObject({ state: 'succeeded', reason: 'marked as succeeded by ann' });
    expect(r.runs('child')).toEqual(['skipped 02:00', 'launching 02:00']);
    expect(r.view('b').state).toMatchObject({ succeeded: 1, failed: 1, consecutiveFailures: 0 });
  });

  test('a job that never ran: its children run once', () => {
    const r = new Rig('2026-01-01T01:59:00Z');
    r.put({ name: 'a' });
    r.put({ name: 'child', schedule: { after: { parents: ['a'] } } });
    mark(r, 'a');
    mark(r, 'a');
    expect(r.launches()).toHaveLength(1);
    expect(r.runs('child')).toEqual(['launching 01:59']);
  });
});
