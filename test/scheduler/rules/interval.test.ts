/** The interval of a run: what it is for, and that it stays as it was when the run was opened. */

import { describe, expect, test } from 'vitest';
import type { Run } from '../../../src/scheduler/model/model.ts';
import { Rig } from '../../support/rig.ts';

const text = (at: number): string => new Date(at).toISOString().replace('.000Z', 'Z');
const shown = ({ interval }: Run): string =>
  interval === undefined ? 'none' : `${text(interval.from)} ${text(interval.to)}`;

/** The interval of the job's only unfinished run. */
const of = (rig: Rig, name: string): string => shown(rig.runOf(name));

const env = (rig: Rig): Record<string, string> => {
  const launch = rig.effects.findLast(({ kind }) => kind === 'launch');
  return launch?.kind === 'launch' ? launch.spec.env : expect.fail('nothing was launched');
};

const daily = { cron: '0 2 * * *' };
const until = '2026-03-02T03:00:00Z';

describe('a run by schedule stands for the time since the due time before it', () => {
  test.each<[string, object, string]>([
    ['of cron', daily, '2026-03-01T02:00:00Z 2026-03-02T02:00:00Z'],
    [
      'of cron on workdays, over the weekend',
      { cron: '0 2 * * 1-5' },
      '2026-02-27T02:00:00Z 2026-03-02T02:00:00Z',
    ],
    ['of a repeat', { every: 'R/2026-03-01T02:00:00Z/P1D' }, '2026-03-01T02:00:00Z 2026-03-02T02:00:00Z'],
    [
      'of the first of a repeat, where the one before would be',
      { every: 'R/2026-03-02T02:00:00Z/P1M' },
      '2026-02-02T02:00:00Z 2026-03-02T02:00:00Z',
    ],
    [
      'of the first after a start, where the one before would be',
      { ...daily, start: '2026-03-02' },
      '2026-03-01T02:00:00Z 2026-03-02T02:00:00Z',
    ],
    ['of one time, none', { at: '2026-03-02T02:00:00Z' }, 'none'],
    ['of a repeat with one run, none', { every: 'R1/2026-03-02T02:00:00Z/P1D' }, 'none'],
    [
      'of several schedules, since the last one of the same',
      { any: [{ cron: '30 1 * * *' }, daily] },
      '2026-03-01T02:00:00Z 2026-03-02T02:00:00Z',
    ],
  ])('%s', (_, schedule, interval) => {
    const rig = new Rig('2026-03-01T12:00:00Z');
    rig.put({ name: 'a', schedule, policy: { overlap: 'replace' } });
    rig.advance(until);
    expect(of(rig, 'a')).toBe(interval);
  });

  test('over a clock change it is an hour shorter, with the dates of the zone', () => {
    const rig = new Rig('2026-03-28T23:30:00Z');
    rig.put({
      name: 'a',
      schedule: { cron: '0 0 * * *', timezone: 'Europe/Berlin' },
      policy: { overlap: 'replace' },
    });
    rig.advance('2026-03-29T22:00:00Z');
    expect(of(rig, 'a')).toBe('2026-03-28T23:00:00Z 2026-03-29T22:00:00Z');
    expect(env(rig)).toMatchObject({
      CARILLON_INTERVAL_START: '2026-03-28T23:00:00.000Z',
      CARILLON_INTERVAL_END: '2026-03-29T22:00:00.000Z',
      CARILLON_INTERVAL_START_DATE: '2026-03-29',
      CARILLON_INTERVAL_END_DATE: '2026-03-30',
    });
  });
});

describe('a child', () => {
  const follows = (parents: string[], more: object = {}) => ({ after: { parents, ...more } });

  test('of parents with the same schedule has the interval of their round, as has its own child', () => {
    const rig = new Rig('2026-03-01T12:00:00Z');
    rig.put({ name: 'a', schedule: daily }, { name: 'b', schedule: daily });
    rig.put({ name: 'c', schedule: follows(['a', 'b']) }, { name: 'd', schedule: follows(['c']) });
    rig.advance(until);
    for (const name of ['a', 'b', 'c']) rig.end(name);
    expect(of(rig, 'd')).toBe('2026-03-01T02:00:00Z 2026-03-02T02:00:00Z');
  });

  test('per day has the day, as has its own child', () => {
    const rig = new Rig('2026-03-01T12:00:00Z');
    rig.put({ name: 'a', schedule: daily }, { name: 'b', schedule: { cron: '0 1 * * *' } });
    rig.put(
      { name: 'c', schedule: follows(['a', 'b'], { per: 'day' }) },
      { name: 'd', schedule: follows(['c']) },
    );
    rig.advance(until);
    for (const name of ['a', 'b']) rig.end(name);
    expect(of(rig, 'c')).toBe('2026-03-02T00:00:00Z 2026-03-03T00:00:00Z');
    rig.end('c');
    expect(of(rig, 'd')).toBe('2026-03-02T00:00:00Z 2026-03-03T00:00:00Z');
  });

  test('since the last round of parents that differ has none', () => {
    const rig = new Rig('2026-03-01T12:00:00Z');
    rig.put({ name: 'a', schedule: daily }, { name: 'b', schedule: { cron: '0 1 * * *' } });
    rig.put({ name: 'c', schedule: follows(['a', 'b']) });
    rig.advance(until);
    for (const name of ['a', 'b']) rig.end(name);
    expect(of(rig, 'c')).toBe('none');
  });

  test('of a run that a user began has none', () => {
    const rig = new Rig('2026-03-01T12:00:00Z');
    rig.put({ name: 'a', schedule: daily }, { name: 'b', schedule: follows(['a']) });
    rig.trigger('a');
    expect(of(rig, 'a')).toBe('none');
    expect(env(rig)).not.toHaveProperty('CARILLON_INTERVAL_START');
    rig.end('a');
    expect(of(rig, 'b')).toBe('none');
  });
});

test('a rerun has the interval of its run, although the schedule has changed, and so after a restart', () => {
  const rig = new Rig('2026-03-01T12:00:00Z');
  rig.put({ name: 'a', schedule: daily });
  rig.advance(until);
  rig.end('a', 1);
  const [run] = rig.history;
  rig.put({ name: 'a', schedule: { cron: '0 3 1 * *' } });
  rig.submit({ kind: 'rerun', run: run!, triggerId: 'again', by: 'test' });
  rig.restart();
  expect(of(rig, 'a')).toBe('2026-03-01T02:00:00Z 2026-03-02T02:00:00Z');
});

test('runs of several schedules have the parameters of the first that is due', () => {
  const rig = new Rig('2026-03-01T12:00:00Z');
  const any = [
    { cron: '0 2 * * *', timezone: 'Etc/GMT-1', params: { region: 'eu' } },
    { cron: '0 */2 * * *', params: { region: 'us' } },
    { cron: '0 1 * * *', params: { region: 'late' } },
  ];
  rig.put({ name: 'a', schedule: { any }, policy: { overlap: 'allow' } });
  rig.advance('2026-03-02T02:00:00Z');
  const runs = rig.state
    .entry('a')
    .runs.map(({ due, params }) => `${text(due).slice(11, 16)} ${params.region}`);
  expect(runs.slice(-3)).toEqual(['00:00 us', '01:00 eu', '02:00 us']);
});
