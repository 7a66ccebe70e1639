/** Runs for which their engine has no place: queued with the reason, in nobody's way, launched when there is one. */

import { beforeEach, describe, expect, test } from 'vitest';
import type { Settings } from '../../../src/scheduler/model/model.ts';
import { abilities } from '../../support/engines.ts';
import { inWords, wordsOf } from '../../support/in-words.ts';
import { Rig } from '../../support/rig.ts';

const settings: Settings = {
  engines: { process: { concurrency: 1, abilities: abilities.process, tombstoneMs: 600_000 } },
  pools: { etl: 1 },
};
const noZone = 'no node has node.labels.zone==a';

let rig: Rig;
beforeEach(() => {
  rig = new Rig('2026-01-01T00:00:00Z', settings);
  rig.put({ name: 'a', policy: { pool: 'etl' } }, { name: 'b', policy: { pool: 'etl' } });
});

/** The engine answers that it has no place for the job's launch. */
function refusePlace(name: string, reason = noZone): void {
  const launchName = rig.runOf(name).attempts.at(-1)?.launchName ?? '';
  rig.event({ kind: 'unplaced', now: rig.now, launchName, reason });
}

const started = (): (string | undefined)[] => rig.launches().map((launch) => launch.split('.')[0]);
const kill = (name: string): void => void rig.submit({ kind: 'kill', runId: rig.runOf(name).id, by: 'ann' });

describe('a run that its engine has no place for', () => {
  test('is queued with the reason and no attempt, and its places are given to who waits', () => {
    rig.trigger('a');
    rig.trigger('b');
    expect(wordsOf(rig.runOf('b').reason)).toBe('pool etl: its only slot is in use');
    refusePlace('a');
    expect(inWords(rig.runOf('a'))).toMatchObject({ state: 'queued', reason: noZone, attempts: [] });
    expect(inWords(rig.runOf('b'))).toMatchObject({ state: 'launching', reason: null });
  });

  test('is asked for again later each time: by a quarter of its wait, from a second up to half a minute', () => {
    rig.trigger('a');
    const waits: number[] = [];
    for (let i = 0; i < 26; i++) {
      refusePlace('a');
      waits.push((rig.runOf('a').notBefore ?? 0) - rig.now);
      rig.advance(waits.at(-1) ?? 0);
      expect(rig.runOf('a').state).toBe('launching');
    }
    expect(waits.slice(0, 7)).toEqual([1_000, 1_000, 1_000, 1_000, 1_000, 1_250, 1_563]);
    expect(waits.at(-1)).toBe(30_000);
  });

  test('has one attempt in the end: the same number and name, of the leader that launched it', () => {
    rig.trigger('a');
    const [first] = rig.runOf('a').attempts;
    refusePlace('a');
    rig.restart();
    rig.inventory([]);
    expect(inWords(rig.runOf('a'))).toMatchObject({ state: 'queued', reason: noZone });
    rig.advance(1_000);
    rig.end('a');
    expect(rig.history[0]?.attempts).toMatchObject([
      { number: 1, launchName: first?.launchName, term: 2, exitCode: 0 },
    ]);
  });

  test('uses up no retry', () => {
    rig.put({ name: 'a', policy: { retries: { limit: 1, delay: 'PT1S', jitter: false } } });
    rig.trigger('a');
    refusePlace('a');
    rig.advance(1_000);
    rig.end('a', 7);
    rig.advance(1_000);
    refusePlace('a');
    expect(rig.runOf('a')).toMatchObject({ state: 'queued', attempts: [{ number: 1, exitCode: 7 }] });
    rig.advance(1_000);
    rig.end('a', 0);
    expect(rig.history[0]?.attempts.map(({ exitCode }) => exitCode)).toEqual([7, 0]);
  });

  test('is missed when its start window passes, and says why; also when it is woken too late', () => {
    rig.put({ name: 'a', policy: { startWithin: 'PT1M' } }, { name: 'b', policy: { startWithin: 'PT1M' } });
    rig.trigger('a');
    for (let i = 0; i < 100 && rig.state.entry('a').runs.length > 0; i++) {
      if (rig.runOf('a').state === 'launching') refusePlace('a');
      rig.advance(1_000);
    }
    rig.trigger('b');
    refusePlace('b');
    rig.sleep(120_000);
    const missed = `the start window had passed: ${noZone}`;
    expect([...rig.reasons('a'), ...rig.reasons('b')]).toEqual([missed, missed]);
    expect(rig.history.map(({ state }) => state)).toEqual(['missed', 'missed']);
    expect(rig.history[0]?.endedAt).toBe((rig.history[0]?.createdAt ?? 0) + 60_001);
  });

  test('ends at once when it is killed or its job deleted, and is not launched any more', () => {
    for (const name of ['a', 'b']) {
      rig.trigger(name);
      refusePlace(name);
    }
    kill('a');
    rig.submit({ kind: 'delete-job', name: 'b', dependents: 'refuse', by: 'ann' });
    rig.advance(60_000);
    expect(rig.history.map(({ state, reason }) => `${state}: ${wordsOf(reason)}`)).toEqual([
      'killed: killed by ann',
      'killed: the job was deleted',
    ]);
    expect(started()).toEqual(['a', 'b']);
    expect(rig.effects.filter(({ kind }) => kind === 'kill')).toEqual([]);
  });

  test('ends as killed when that was asked for in between', () => {
    rig.trigger('a');
    kill('a');
    refusePlace('a');
    expect(rig.reasons('a')).toEqual(['killed by ann']);
  });

  test('is launched when its time has come though its job is paused, as any run that waits for a place', () => {
    rig.trigger('a');
    refusePlace('a');
    rig.submit({ kind: 'pause', name: 'a', by: 'ann' });
    rig.advance(1_000);
    expect(rig.runOf('a').state).toBe('launching');
  });

  test('is asked for at once when its job is changed', () => {
    rig.trigger('a');
    refusePlace('a');
    rig.put({ name: 'a', run: { command: 'false' } });
    expect(rig.runOf('a')).toMatchObject({ state: 'launching', notBefore: null });
  });

  test('waits for a limit that is full by then, and starts when that has a place', () => {
    rig.trigger('a');
    refusePlace('a');
    rig.trigger('b');
    rig.advance(1_000);
    expect(inWords(rig.runOf('a'))).toMatchObject({
      state: 'queued',
      notBefore: null,
      reason: 'pool etl: its only slot is in use',
    });
    rig.end('b');
    expect(rig.runOf('a').state).toBe('launching');
  });
});

describe('a run of which the engine may have something all the same', () => {
  test('stays launching when it was asked for before and nobody knows what became of that', () => {
    rig.trigger('a');
    const launchName = rig.runOf('a').attempts[0]?.launchName ?? '';
    rig.event({ kind: 'deferred', now: rig.now, launchName, reason: 'the Swarm has no leader' });
    refusePlace('a');
    expect(inWords(rig.runOf('a'))).toMatchObject({
      state: 'launching',
      reason: noZone,
      attempts: [{ launchName }],
    });
    const again = rig.effects.findLast((effect) => effect.kind === 'launch');
    expect(again).toMatchObject({ spec: { launchName }, delayMs: 2_000 });
  });

  test('stays launching when an older leader asked for it', () => {
    rig.trigger('a');
    rig.restart();
    rig.inventory([]);
    refusePlace('a');
    expect(rig.runOf('a').state).toBe('launching');
  });

  test('is put back when this leader decided it before the engine’s first inventory came', () => {
    rig.trigger('a');
    rig.trigger('b');
    rig.submit({ kind: 'kill', runId: rig.runOf('a').id, by: 'ann' });
    rig.restart();
    rig.advance(120_000);
    expect(rig.launches()).toHaveLength(1);
    rig.inventory([]);
    expect(rig.launches()).toHaveLength(1);
    refusePlace('b');
    expect(rig.runOf('b').state).toBe('queued');
  });

  test('goes on when it was seen to start first', () => {
    rig.trigger('a');
    rig.begin('a');
    refusePlace('a');
    expect(rig.runOf('a').state).toBe('running');
  });
});
