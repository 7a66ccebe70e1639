/** Slots at scale, and what is said of them; that they are given out rightly is for the property test. */

import { beforeEach, describe, expect, test } from 'vitest';
import type { Settings } from '../../../src/scheduler/model/model.ts';
import type { Decision } from '../../../src/scheduler/state/decision.ts';
import { abilities } from '../../support/engines.ts';
import { wordsOf } from '../../support/in-words.ts';
import { Rig } from '../../support/rig.ts';

const settings: Settings = {
  engines: {
    process: { concurrency: 10, abilities: abilities.process, tombstoneMs: 600_000 },
    docker: { concurrency: 2, abilities: abilities.docker, tombstoneMs: 600_000 },
  },
  pools: { etl: 4, reports: 1 },
};
const many = 10_000;
const etls = Array.from({ length: 100 }, (_, i) => `etl-${i}`);
const allow = { overlap: 'allow' };

/** Counts what each decision writes. */
class Counting extends Rig {
  writes = 0;
  override keep(decision: Decision): void {
    this.writes = decision.groups.flat().length;
    super.keep(decision);
  }
}

let rig: Counting;
beforeEach(() => {
  rig = new Counting('2026-01-01T00:00:00Z', settings);
});

const started = () => rig.launches().map((launch) => launch.split('.')[0]);

describe('with 10,000 runs queued for one pool', () => {
  beforeEach(() => {
    rig.put(...etls.map((name) => ({ name, policy: { ...allow, pool: 'etl' } })));
    for (let i = 0; i < many; i++) {
      rig.now += 1;
      rig.trigger(etls[i % etls.length] as string);
    }
    expect(rig.state.slots.waiting('pool', 'etl')).toBe(many - 4);
  });

  test('other pools and jobs without one start at once', () => {
    rig.put({ name: 'report', policy: { pool: 'reports' } }, { name: 'plain' });
    rig.trigger('report');
    rig.trigger('plain');
    expect(started().slice(-2)).toEqual(['report', 'plain']);
  });

  test('a place that comes free is taken in the same decision, which writes no more than that', () => {
    for (const name of etls) {
      rig.end(name);
      expect(rig.writes).toBeLessThanOrEqual(5);
    }
    expect(rig.launches()).toHaveLength(104);
    expect(rig.state.slots.waiting('pool', 'etl')).toBe(many - 104);
  });

  test('one of a higher priority starts before all of them', () => {
    rig.put({ name: 'urgent', policy: { pool: 'etl', priority: 1 } });
    rig.trigger('urgent');
    rig.end('etl-0');
    expect(started().at(-1)).toBe('urgent');
  });

  test('another leader goes on with them in the same order', () => {
    const first = rig.runOf('etl-4').id;
    rig.restart();
    expect(rig.writes).toBe(0);
    rig.end('etl-0');
    expect(rig.launches()[0]).toBe(`${first}#1`);
  });

  test('killing those that wait leaves nothing behind', () => {
    for (const { id } of [...rig.state.runs.values()]) rig.submit({ kind: 'kill', runId: id, by: 'test' });
    expect(rig.state.slots.waiting('pool', 'etl')).toBe(0);
  });
});

test('thousands behind a pool and an engine that are both full move together, for one write', () => {
  rig.put({ name: 'etl', run: { image: 'x' }, policy: { ...allow, pool: 'etl', priority: 1 } });
  rig.put({ name: 'other', run: { image: 'x' }, policy: { ...allow } });
  rig.put({ name: 'local', policy: { ...allow, pool: 'etl' } });
  for (let i = 0; i < 4; i++) rig.trigger('local');
  rig.trigger('other');
  rig.trigger('other');
  for (let i = 0; i < 1_000; i++) rig.trigger('etl');
  const reasons = () => new Set(rig.state.entry('etl').runs.map((run) => wordsOf(run.reason)));
  expect(reasons()).toEqual(new Set(['pool etl: all 4 slots are in use']));
  // The pool has a place now, and the engine has none.
  rig.end('local');
  expect(rig.writes).toBeLessThanOrEqual(5);
  expect(reasons()).toEqual(new Set(['engine docker: all 2 slots are in use']));
  rig.end('other');
  expect(started().at(-1)).toBe('etl');
  expect(rig.writes).toBeLessThanOrEqual(5);
});

test('fewer slots than are taken: nothing is ended, and nothing starts until there is room again', () => {
  rig.put({ name: 'a', policy: { ...allow, concurrency: 3 } });
  for (let i = 0; i < 4; i++) rig.trigger('a');
  rig.put({ name: 'a', policy: { ...allow, concurrency: 1 } });
  expect(wordsOf(rig.runOf('a', 3).reason)).toBe('job a: its only slot is in use');
  rig.end('a');
  rig.end('a');
  expect(rig.launches()).toHaveLength(3);
  rig.end('a');
  expect(rig.launches()).toHaveLength(4);
});

test('more slots: what waits starts with the edit', () => {
  rig.put({ name: 'a', policy: { ...allow, concurrency: 1 } });
  for (let i = 0; i < 4; i++) rig.trigger('a');
  rig.put({ name: 'a', policy: { ...allow, concurrency: 3 } });
  expect(rig.launches()).toHaveLength(3);
});

test('a job that is moved to another pool waits there', () => {
  rig.put({ name: 'a', policy: { ...allow, pool: 'reports' } });
  rig.trigger('a');
  rig.trigger('a');
  expect(wordsOf(rig.runOf('a', 1).reason)).toBe('pool reports: its only slot is in use');
  rig.put({ name: 'a', policy: { ...allow, pool: 'etl' } });
  expect(rig.runOf('a', 1).state).toBe('launching');
});

test('a job that queues its own runs does not keep a pool from others', () => {
  rig.put({ name: 'chain', policy: { overlap: 'queue-all', pool: 'reports' } });
  rig.put({ name: 'other', policy: { pool: 'reports' } });
  rig.trigger('chain');
  rig.now += 1;
  rig.trigger('other');
  rig.now += 1;
  rig.trigger('chain');
  rig.end('chain');
  expect(started()).toEqual(['chain', 'other']);
});
