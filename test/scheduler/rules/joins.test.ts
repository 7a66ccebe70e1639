/** Children whose rounds are intervals of a time zone, or whose parents have conditions of their own. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseJobFile } from '../../../src/job-file/read.ts';
import { Rig } from '../../support/rig.ts';

const dues = (rig: Rig, job: string): string[] =>
  [...rig.history, ...rig.state.runs.values()]
    .filter((run) => run.job === job)
    .map(({ due, state }) => `${new Date(due).toISOString().slice(0, 16)} ${state}`)
    .sort();

/** Ends each run of these jobs that is under way, hour by hour, with this exit code. */
function pass(rig: Rig, jobs: readonly string[], to: string): void {
  for (let at = Math.ceil((rig.now + 1) / 3_600_000) * 3_600_000; at <= Date.parse(to); at += 3_600_000) {
    rig.advance(new Date(at).toISOString());
    for (const job of jobs) while (rig.state.entry(job).runs.length > 0) rig.end(job, 0);
  }
}

const hourly = { name: 'hourly', schedule: { cron: '0 * * * *' } };
const daily = { name: 'daily', schedule: { cron: '30 1 * * *' } };

describe('per day in a zone', () => {
  const child = {
    name: 'report',
    schedule: { after: { parents: ['hourly'], per: 'day', timezone: 'Europe/Berlin' } },
  };

  test('waits for the runs of the local day, of which one has 23', () => {
    const rig = new Rig('2026-03-27T22:30:00Z');
    rig.put(hourly, child);
    pass(rig, ['hourly'], '2026-03-30T22:00:00Z');
    expect(dues(rig, 'report').map((each) => each.slice(0, 16))).toEqual([
      '2026-03-28T22:00',
      '2026-03-29T21:00',
      '2026-03-30T21:00',
    ]);
    expect(rig.history.filter(({ job }) => job === 'hourly')).toHaveLength(24 + 23 + 24 + 1);
  });

  test('gives the child the local day as its interval', () => {
    const rig = new Rig('2026-03-28T22:30:00Z');
    rig.put(hourly, child);
    pass(rig, ['hourly'], '2026-03-29T22:00:00Z');
    expect([...rig.state.runs.values()].find(({ job }) => job === 'report')?.interval).toEqual({
      from: Date.parse('2026-03-28T23:00:00Z'),
      to: Date.parse('2026-03-29T22:00:00Z'),
    });
  });

  test('begins anew when its zone is edited, and runs no day twice under one name', () => {
    const rig = new Rig('2026-03-01T22:30:00Z');
    rig.put(hourly, child);
    pass(rig, ['hourly'], '2026-03-03T12:00:00Z');
    rig.put({ ...child, schedule: { after: { ...child.schedule.after, timezone: 'UTC' } } });
    expect(rig.state.entry('report').state.join?.open).toEqual([]);
    pass(rig, ['hourly'], '2026-03-05T23:00:00Z');
    expect(dues(rig, 'report').map((each) => each.slice(0, 16))).toEqual([
      '2026-03-02T22:00',
      '2026-03-04T23:00',
      '2026-03-05T23:00',
    ]);
  });
});

test('one parent per day beside a daily one: both of the day', () => {
  const rig = new Rig('2026-03-01T23:30:00Z');
  rig.put(hourly, daily, {
    name: 'report',
    schedule: { after: { parents: ['daily', { job: 'hourly', per: 'day' }] } },
  });
  pass(rig, ['hourly', 'daily'], '2026-03-04T12:00:00Z');
  expect(dues(rig, 'report').map((each) => each.slice(0, 16))).toEqual([
    '2026-03-02T23:00',
    '2026-03-03T23:00',
  ]);
});

test('the example reports a day of 25 hours when all of them are loaded and the clean-up has failed', () => {
  const path = resolve(import.meta.dirname, '../../../examples/day-in-berlin.yaml');
  const rig = new Rig('2026-10-24T21:30:00Z');
  rig.put(...(parseJobFile(readFileSync(path, 'utf8'), path).map(({ definition }) => definition) as never[]));
  for (let hour = 0; hour < 25; hour++) {
    rig.advance(new Date(Date.parse('2026-10-24T22:31:00Z') + hour * 3_600_000).toISOString());
    for (const job of ['hourly-load', 'clean-up'])
      while (rig.state.entry(job).runs.length > 0) rig.end(job, job === 'clean-up' ? 1 : 0);
    expect(dues(rig, 'day-report')).toEqual(hour < 24 ? [] : ['2026-10-25T22:05 launching']);
  }
  expect([...rig.state.runs.values()].map(({ interval }) => interval)).toEqual([
    { from: Date.parse('2026-10-24T22:00:00Z'), to: Date.parse('2026-10-25T23:00:00Z') },
  ]);
});

describe('a parent with a condition of its own', () => {
  test.each([
    ['done', 1, 0, 'launching'],
    ['done', 0, 1, 'skipped'],
    ['failed', 1, 0, 'launching'],
    ['failed', 0, 0, 'skipped'],
    ['succeeded', 1, 0, 'skipped'],
  ])('that must be %s: ends with %i, the other with %i: the child is %s', (when, own, other, state) => {
    const rig = new Rig('2026-01-01T00:30:00Z');
    const schedule = { cron: '0 1 * * *' };
    rig.put(
      { name: 'a', schedule },
      { name: 'b', schedule },
      { name: 'c', schedule: { after: { parents: ['a', { job: 'b', when }] } } },
    );
    rig.advance('2026-01-01T01:00:00Z');
    rig.end('b', own);
    rig.end('a', other);
    expect(dues(rig, 'c')).toEqual([`2026-01-01T01:00 ${state}`]);
  });

  test('keeps it when another parent is deleted', () => {
    const rig = new Rig('2026-01-01T00:30:00Z');
    const parents = ['a', { job: 'b', when: 'done' }];
    rig.put({ name: 'a' }, { name: 'b' }, { name: 'c', schedule: { after: { parents } } });
    rig.submit({ kind: 'delete-job', name: 'a', dependents: 'detach', by: 'ann' });
    expect(rig.state.entry('c').job.definition.schedule).toEqual({
      after: { parents: [{ job: 'b', when: 'done' }] },
    });
  });
});
