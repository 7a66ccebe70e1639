/** Maintenance and blackout windows: nothing new starts, and what runs goes on. */

import { beforeEach, describe, expect, test } from 'vitest';
import { textOrNull } from '../../../../src/scheduler/model/reason.ts';
import { Rig } from '../../../support/rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig('2026-11-23T00:00:00Z');
});

const maintain = (until: string, labels: Record<string, string> = {}, reason = 'new disks') =>
  rig.submit({ kind: 'begin-maintenance', labels, until: Date.parse(until), reason, by: 'ann' });
const calendar = (document: object) =>
  rig.submit({
    kind: 'put-calendar',
    document: { calendar: 'freeze', ...document },
    expanded: [],
    expandedUntil: null,
    dryRun: false,
    by: 'ann',
    source: 'test',
  });
const waits = (name: string) => {
  const run = rig.runOf(name);
  return `${run.state}: ${textOrNull(run.reason)}`;
};

describe('in maintenance', () => {
  test('what is due waits, and starts at the end by itself', () => {
    rig.put({ name: 'a', schedule: { cron: '0 * * * *' } });
    maintain('2026-11-23T02:30:00Z');
    rig.advance('2026-11-23T02:29:59Z');
    expect(waits('a')).toBe('queued: maintenance until 2026-11-23T02:30:00.000Z: new disks');
    expect(rig.launches()).toEqual([]);
    rig.advance('2026-11-23T02:30:00Z');
    expect(rig.launches()).toEqual(['a.20261123T010000Z#1']);
    expect(rig.maintenance.size).toBe(0);
  });

  test('what runs goes on, and its retry waits', () => {
    rig.put({ name: 'a', policy: { retries: { limit: 1, delay: 'PT1S', jitter: false } } });
    rig.trigger('a');
    rig.begin('a');
    maintain('2026-11-23T01:00:00Z');
    rig.end('a', 1);
    rig.advance(5_000);
    expect(waits('a')).toMatch(/^queued: maintenance/);
    rig.advance('2026-11-23T01:00:00Z');
    expect(rig.launches()).toHaveLength(2);
  });

  test('manual runs wait too', () => {
    rig.put({ name: 'a' });
    maintain('2026-11-23T01:00:00Z');
    rig.trigger('a');
    expect(waits('a')).toMatch(/^queued: maintenance/);
  });

  test('only jobs with its labels wait', () => {
    rig.put({ name: 'a', labels: { db: 'x' } }, { name: 'b' });
    maintain('2026-11-23T01:00:00Z', { db: 'x' });
    rig.trigger('a');
    rig.trigger('b');
    expect(waits('a')).toMatch(/^queued/);
    expect(rig.runOf('b').state).toBe('launching');
  });

  test('its end by hand starts what waits', () => {
    rig.put({ name: 'a' });
    const { id } = maintain('2026-11-23T01:00:00Z');
    rig.trigger('a');
    rig.submit({ kind: 'end-maintenance', id, by: 'ann' });
    expect(rig.runOf('a').state).toBe('launching');
  });

  test('runs that wait for a slot wait for its end', () => {
    rig.put({ name: 'a', policy: { overlap: 'allow', concurrency: 1 } });
    rig.trigger('a');
    rig.trigger('a');
    maintain('2026-11-23T01:00:00Z');
    rig.end('a');
    expect(waits('a')).toMatch(/^queued: maintenance/);
  });

  test('another leader knows it, and ends it', () => {
    rig.put({ name: 'a' });
    maintain('2026-11-23T01:00:00Z');
    rig.trigger('a');
    rig.restart();
    expect(waits('a')).toMatch(/^queued: maintenance/);
    rig.advance('2026-11-23T01:00:00Z');
    expect(rig.runOf('a').state).toBe('launching');
  });

  test('a longer one of the same labels replaces it', () => {
    rig.put({ name: 'a' });
    maintain('2026-11-23T01:00:00Z');
    rig.trigger('a');
    maintain('2026-11-23T02:00:00Z');
    rig.advance('2026-11-23T01:30:00Z');
    expect(waits('a')).toMatch(/02:00:00/);
    rig.advance('2026-11-23T02:00:00Z');
    expect(rig.runOf('a').state).toBe('launching');
  });

  test('a clock that is set does not move its end', () => {
    rig.put({ name: 'a' });
    maintain('2026-11-23T01:00:00Z');
    rig.trigger('a');
    rig.setClock(1_800_000);
    rig.advance('2026-11-23T01:00:00Z');
    expect(rig.runOf('a').state).toBe('launching');
  });

  test('a run that waits for its end is not late', () => {
    rig.put({ name: 'a', schedule: { cron: '0 * * * *' }, alerts: { on: ['late'] } });
    maintain('2026-11-23T05:00:00Z');
    rig.advance('2026-11-23T04:00:00Z');
    expect([...rig.alerts.keys()]).toEqual([]);
  });

  test.each([
    ['an end in the past', '2026-11-22T00:00:00Z', 'x'],
    ['an end in two years', '2028-11-22T00:00:00Z', 'x'],
    ['no reason', '2026-11-23T01:00:00Z', ' '],
  ])('%s is refused', (_, until, reason) => {
    expect(() => maintain(until, {}, reason)).toThrow(/Allowed/);
  });
});

describe('in the windows of a blackout', () => {
  const night = { weekly: ['mon 01:00-03:00'] };

  test('runs of its jobs wait for the end', () => {
    calendar({ ...night, blackout: { labels: { tier: 'db' }, then: 'wait' } });
    rig.put({ name: 'a', labels: { tier: 'db' }, schedule: { cron: '30 1 * * *' } });
    rig.advance('2026-11-23T02:59:59Z');
    expect(waits('a')).toBe('queued: blackout freeze until 2026-11-23T03:00:00.000Z');
    rig.advance('2026-11-23T03:00:00Z');
    expect(rig.runOf('a').state).toBe('launching');
  });

  test('runs of schedules are skipped with its reason, and manual ones wait', () => {
    calendar({ ...night, blackout: { labels: { tier: 'db' }, then: 'skip' } });
    rig.put({ name: 'a', labels: { tier: 'db' }, schedule: { cron: '30 1 * * *' } });
    rig.advance('2026-11-23T02:00:00Z');
    expect(rig.lines('a')).toEqual(['skipped 01:30']);
    expect(rig.reasons('a')).toEqual(['blackout freeze until 2026-11-23T03:00:00.000Z']);
    rig.trigger('a');
    expect(waits('a')).toMatch(/^queued: blackout/);
  });

  test('a changed calendar lets runs start at once', () => {
    calendar({ ...night, blackout: { labels: { tier: 'db' }, then: 'wait' } });
    rig.put({ name: 'a', labels: { tier: 'db' }, schedule: { cron: '30 1 * * *' } });
    rig.advance('2026-11-23T02:00:00Z');
    calendar({ weekly: ['tue'], blackout: { labels: { tier: 'db' }, then: 'wait' } });
    expect(rig.runOf('a').state).toBe('launching');
  });
});

test('a calendar has revisions, and the same one again is unchanged', () => {
  expect(calendar({ weekly: ['sat'] }).outcome).toBe('created');
  expect(calendar({ weekly: ['sat'] }).outcome).toBe('unchanged');
  expect(calendar({ weekly: ['sun'] }).outcome).toBe('changed');
  rig.submit({ kind: 'delete-calendar', name: 'freeze', by: 'bob' });
  expect(rig.calendarRevisions.map(({ revision, by, document }) => [revision, by, document?.weekly])).toEqual(
    [
      [1, 'ann', ['sat']],
      [2, 'ann', ['sun']],
      [3, 'bob', undefined],
    ],
  );
  expect(() => rig.submit({ kind: 'delete-calendar', name: 'freez', by: 'bob' })).toThrow(/no calendar/);
});
