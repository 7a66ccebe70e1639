/** Jobs and pipelines that will be late, are, or cannot go on, before their run exists. */

import { describe, expect, test } from 'vitest';
import { spansAt } from '../../../src/scheduler/state/rounds.ts';
import { anyRoute, told } from '../../support/alerts.ts';
import { Rig, testSettings } from '../../support/rig.ts';

const minuteMs = 60_000;
const nightly = { cron: '0 2 * * *', timezone: 'UTC' };
const following = (...parents: string[]) => ({ after: { parents } });

/** On the day before, an hour before the job is due. */
function rigOf(...jobs: ({ name: string } & Record<string, unknown>)[]): Rig {
  const rig = new Rig('2026-01-01T01:00:00Z', { ...testSettings, routes: [anyRoute] });
  rig.put(...jobs);
  return rig;
}

/** Ten runs of a job that each took so long, and nobody is notified of what happened meanwhile. */
function usually(rig: Rig, name: string, minutes: number): void {
  for (let i = 0; i < 10; i += 1) {
    rig.trigger(name);
    rig.begin(name);
    rig.advance(minutes * minuteMs);
    rig.end(name);
  }
}

/** To that time of the next day. */
function next(rig: Rig, time: string): void {
  const at = Date.parse(`${new Date(rig.now).toISOString().slice(0, 10)}T${time}:00Z`);
  rig.advance(new Date(at > rig.now ? at : at + 86_400_000).toISOString());
}

const lines = (rig: Rig): string[] => told(rig).map((line) => line.replace(' ×1 to pager', ''));
const reasonOf = (rig: Rig, key: string): unknown => rig.alerts.get(key)?.reason;

test('the deadline two days after clocks were set back is the next one until it has passed', () => {
  // Clocks in Berlin went from 03:00 to 02:00 on Sunday, 25 October 2026.
  const deadline = Date.parse('2026-10-26T05:00:00Z');
  const dayMs = 86_400_000;
  expect(spansAt('06:00', 'Europe/Berlin', deadline).next).toEqual({ from: deadline - dayMs, to: deadline });
  expect(spansAt('06:00', 'Europe/Berlin', deadline + 1).last).toEqual({
    from: deadline - dayMs,
    to: deadline,
  });
});

describe('a run that will probably miss its deadline', () => {
  const job = { name: 'load', schedule: nightly, expect: { finishBy: '03:00', startWithin: 'P1D' } };
  /** It usually takes forty minutes, and it is 01:00 of a day. */
  function rigOfLoad(): Rig {
    const rig = rigOf(job);
    rig.submit({ kind: 'pause', name: 'load', by: 'test' });
    usually(rig, 'load', 40);
    next(rig, '01:00');
    rig.submit({ kind: 'resume', name: 'load', by: 'test' });
    rig.effects.length = 0;
    return rig;
  }

  test('is not at risk while its usual time is left', () => {
    const rig = rigOfLoad();
    next(rig, '02:10');
    rig.begin('load');
    next(rig, '02:49');
    rig.end('load');
    expect(lines(rig)).toEqual([]);
  });

  test('is at risk once it has not started in time', () => {
    const rig = rigOfLoad();
    next(rig, '02:21');
    expect(lines(rig)).toEqual(['opened at-risk']);
    expect(reasonOf(rig, 'load.at-risk')).toMatchObject({ code: 'deadline-at-risk', time: '03:00' });
  });

  test('is at risk from its start if that is too late, and no longer if it ends in time all the same', () => {
    const rig = rigOfLoad();
    next(rig, '02:20');
    rig.advance(5_000);
    rig.begin('load');
    rig.advance(10_000);
    expect(lines(rig)).toEqual(['opened at-risk']);
    next(rig, '02:30');
    rig.end('load');
    expect(lines(rig)).toEqual(['opened at-risk', 'resolved at-risk']);
  });

  test('that misses it is late, and its risk is over', () => {
    const rig = rigOfLoad();
    next(rig, '02:30');
    rig.begin('load');
    next(rig, '03:01');
    expect(lines(rig)).toEqual(['opened at-risk', 'resolved at-risk', 'opened late']);
    expect(rig.endedAlerts.at(-1)).toMatchObject({ condition: 'at-risk', end: 'overdue' });
    rig.end('load');
    expect(lines(rig).at(-1)).toBe('resolved late');
  });

  test('is not foreseen with fewer than ten runs', () => {
    const rig = rigOf(job);
    next(rig, '02:59');
    expect(lines(rig)).toEqual([]);
  });

  test('is foreseen by the next leader, once', () => {
    const rig = rigOfLoad();
    next(rig, '02:00');
    rig.now += 30 * minuteMs;
    rig.restart();
    rig.restart();
    expect([...rig.owed.values()].map(({ step, alert }) => `${step} ${alert.condition}`)).toEqual([
      'opened at-risk',
    ]);
  });
});

describe('an attempt that runs longer than expect.finishWithin', () => {
  test('runs long, although it was never measured before', () => {
    const rig = rigOf({ name: 'load', schedule: nightly, expect: { finishWithin: '20m' } });
    next(rig, '02:00');
    rig.begin('load');
    rig.advance(19 * minuteMs);
    expect(lines(rig)).toEqual([]);
    rig.advance(2 * minuteMs);
    expect(lines(rig)).toEqual(['opened long']);
    rig.end('load');
    expect(lines(rig)).toEqual(['opened long', 'resolved long']);
  });

  test.each(['0s', 'soon'])('which cannot be %s', (finishWithin) => {
    expect(() => rigOf({ name: 'load', expect: { finishWithin } })).toThrow(/expect\.finishWithin/);
  });
});

describe('a job with parents whose run does not exist yet', () => {
  const chain = [
    { name: 'extract', schedule: nightly },
    { name: 'load', schedule: following('extract') },
    { name: 'report', schedule: following('load'), expect: { finishBy: '06:00' } },
  ];

  test('is late when its deadline passes and what it follows has not ended', () => {
    const rig = rigOf(...chain);
    next(rig, '02:00');
    rig.begin('extract');
    next(rig, '06:00');
    expect(lines(rig)).toEqual([]);
    rig.advance(10_000);
    expect(lines(rig)).toEqual(['opened late']);
    expect(reasonOf(rig, 'report.late')).toEqual({
      ...{ code: 'not-finished-by', time: '06:00', timezone: 'UTC' },
      jobs: ['extract'],
    });
  });

  test('is no longer late when it has run', () => {
    const rig = rigOf(...chain);
    next(rig, '02:00');
    rig.begin('extract');
    next(rig, '07:00');
    for (const name of ['extract', 'load']) rig.end(name);
    rig.advance(5 * minuteMs);
    expect(lines(rig)).toEqual(['opened late']);
    rig.end('report');
    expect(lines(rig)).toEqual(['opened late', 'resolved late']);
  });

  test('is no longer late when it is skipped, which the alert of its parent tells', () => {
    const rig = rigOf(...chain);
    next(rig, '02:00');
    rig.begin('extract');
    next(rig, '07:00');
    rig.end('extract', 1);
    expect(lines(rig)).toEqual(['opened late', 'opened failed', 'resolved late']);
  });

  test('is late again on the next day, and only then', () => {
    const rig = rigOf(...chain);
    for (const _ of [1, 2]) {
      next(rig, '02:00');
      rig.begin('extract');
      next(rig, '07:00');
      for (const name of ['extract', 'load', 'report']) rig.end(name);
    }
    expect(lines(rig)).toEqual(['opened late', 'resolved late', 'opened late', 'resolved late']);
  });

  test('is on time when nothing was due', () => {
    const rig = rigOf(
      ...chain.map((job) => (job.name === 'extract' ? { ...job, schedule: undefined } : job)),
    );
    next(rig, '07:00');
    expect(lines(rig)).toEqual([]);
  });

  test('is on time while it is paused, as somebody wanted', () => {
    const rig = rigOf(...chain);
    rig.submit({ kind: 'pause', name: 'report', by: 'test' });
    next(rig, '02:00');
    rig.begin('extract');
    next(rig, '07:00');
    expect(lines(rig)).toEqual([]);
  });

  test('is at risk by the usual times of all that is still to come', () => {
    const rig = rigOf(...chain);
    for (const { name } of chain) rig.submit({ kind: 'pause', name, by: 'test' });
    for (const { name } of chain) usually(rig, name, 30);
    for (const _ of [1, 2]) next(rig, '01:00');
    for (const { name } of chain) rig.submit({ kind: 'resume', name, by: 'test' });
    rig.effects.length = 0;
    next(rig, '02:00');
    rig.begin('extract');
    // It takes three hours more than usual; load and report still need an hour.
    next(rig, '04:58');
    expect(lines(rig)).toEqual(['opened long']);
    next(rig, '05:02');
    expect(lines(rig)).toEqual(['opened long', 'opened at-risk']);
    expect(reasonOf(rig, 'report.at-risk')).toMatchObject({ code: 'deadline-at-risk', jobs: ['extract'] });
    rig.end('extract');
    rig.end('load');
    rig.begin('report');
    rig.advance(2 * minuteMs);
    rig.end('report');
    expect(lines(rig).slice(2).sort()).toEqual(['resolved at-risk', 'resolved long']);
  });

  test('is late for the next leader, once', () => {
    const rig = rigOf(...chain);
    next(rig, '02:00');
    rig.begin('extract');
    rig.now += 5 * 60 * minuteMs;
    rig.restart();
    rig.restart();
    expect([...rig.owed.values()].map(({ job, alert }) => `${job} ${alert.condition}`)).toEqual([
      'report late',
    ]);
  });

  test('is late by a deadline that was written after it', () => {
    const rig = rigOf(...chain.map((job) => ({ ...job, expect: undefined })));
    next(rig, '02:00');
    rig.begin('extract');
    next(rig, '07:00');
    rig.put(...chain);
    expect(lines(rig)).toEqual(['opened late']);
    rig.put({ name: 'report', schedule: following('load') });
    expect(lines(rig)).toEqual(['opened late', 'resolved late']);
  });
});

describe('a pipeline', () => {
  const chain = [
    { name: 'extract', schedule: nightly, expect: { pipelineBy: '06:00' } },
    { name: 'load', schedule: following('extract') },
    { name: 'report', schedule: following('load') },
  ];

  test('is late when its deadline passes and one of its jobs has not ended', () => {
    const rig = rigOf(...chain);
    next(rig, '02:00');
    for (const name of ['extract', 'load']) rig.end(name);
    rig.begin('report');
    next(rig, '07:00');
    expect(lines(rig)).toEqual(['opened pipeline-late']);
    expect(reasonOf(rig, 'extract.pipeline-late')).toMatchObject({ jobs: ['report'] });
    rig.end('report');
    rig.advance(2 * minuteMs);
    expect(lines(rig)).toEqual(['opened pipeline-late', 'resolved pipeline-late']);
  });

  test('stays late until what was late has ended, over further deadlines', () => {
    const rig = rigOf(...chain);
    next(rig, '02:00');
    rig.begin('extract');
    rig.submit({ kind: 'pause', name: 'extract', by: 'test' });
    next(rig, '07:00');
    next(rig, '07:00');
    expect(lines(rig)).toEqual(['opened pipeline-late']);
    for (const name of ['extract', 'load', 'report']) rig.end(name);
    rig.advance(2 * minuteMs);
    expect(lines(rig)).toEqual(['opened pipeline-late', 'resolved pipeline-late']);
  });

  test('is late by the clock that was set back, too', () => {
    const rig = rigOf(...chain.map((job) => ({ ...job, expect: { ...job.expect, startWithin: 'P1D' } })));
    rig.setClock(-10 * 86_400_000);
    rig.advance('2025-12-22T06:30:00Z');
    expect(lines(rig)).toEqual(['opened pipeline-late']);
  });

  test('is not late because a user started a part of it', () => {
    const rig = rigOf(
      { name: 'extract', expect: { pipelineBy: '06:00' } },
      { name: 'other', schedule: { cron: '0 12 * * *' } },
      { name: 'load', schedule: following('extract', 'other') },
    );
    rig.trigger('extract');
    rig.end('extract');
    next(rig, '07:00');
    expect(lines(rig)).toEqual([]);
  });

  test('that has ended in time, with failures too, is not late', () => {
    const rig = rigOf(...chain);
    next(rig, '02:00');
    rig.end('extract');
    rig.end('load', 1);
    next(rig, '07:00');
    expect(lines(rig)).toEqual(['opened failed']);
  });

  test('is reported once when all of it has ended, to those who ask for it', () => {
    const rig = rigOf(
      ...chain.map((job) => ({
        ...job,
        ...(job.name === 'extract' && { alerts: { on: ['pipeline-done'] } }),
      })),
    );
    next(rig, '02:00');
    for (const name of ['extract', 'load']) rig.end(name);
    expect(lines(rig)).toEqual([]);
    rig.restart();
    rig.end('report');
    expect(lines(rig)).toEqual(['notice pipeline-done']);
    expect([...rig.owed.values()].map(({ alert }) => alert.reason)).toEqual([
      { code: 'pipeline-ended', succeeded: 3, failed: 0, skipped: 0 },
    ]);
    rig.trigger('report');
    rig.end('report');
    expect(lines(rig)).toEqual(['notice pipeline-done']);
    expect([...rig.alerts.values(), ...rig.endedAlerts]).toEqual([]);
  });

  test('has not ended while a job of it waits for another', () => {
    const rig = rigOf(
      { ...chain[0], name: 'extract', alerts: { on: ['pipeline-done'] } },
      { name: 'other', schedule: nightly },
      { name: 'load', schedule: following('extract', 'other') },
    );
    next(rig, '02:00');
    rig.end('extract');
    expect(lines(rig)).toEqual([]);
    for (const name of ['other', 'load']) rig.end(name);
    expect(lines(rig)).toEqual(['notice pipeline-done']);
  });

  test('counts what failed and what was skipped', () => {
    const rig = rigOf(...chain.map((job) => ({ ...job, alerts: { on: ['pipeline-done'] } })));
    next(rig, '02:00');
    rig.end('extract', 1);
    expect([...rig.owed.values()].map(({ job, alert }) => [job, alert.reason])).toEqual([
      ['extract', { code: 'pipeline-ended', succeeded: 0, failed: 1, skipped: 2 }],
    ]);
  });
});

describe('a success', () => {
  test('is reported to those who ask for it, each time', () => {
    const rig = rigOf({
      name: 'load',
      schedule: nightly,
      alerts: { on: ['succeeded'], severity: 'critical' },
    });
    for (const exitCode of [0, 1, 0]) {
      next(rig, '02:00');
      rig.end('load', exitCode);
    }
    expect(lines(rig)).toEqual(['notice succeeded', 'notice succeeded']);
    expect([...rig.owed.values()].map(({ alert }) => alert.severity)).toEqual(['info', 'info']);
  });

  test('is not reported while the job is muted', () => {
    const rig = rigOf({ name: 'load', schedule: nightly, alerts: { on: ['succeeded'] } });
    rig.submit({ kind: 'mute', name: 'load', until: rig.now + 86_400_000, reason: 'x', by: 'test' });
    next(rig, '02:00');
    rig.end('load');
    expect(lines(rig)).toEqual([]);
  });
});

describe('a round that waits for a parent that does not run', () => {
  const jobs = [
    { name: 'a', schedule: nightly },
    { name: 'b', schedule: nightly },
    { name: 'c', schedule: following('b') },
    { name: 'join', schedule: following('a', 'c') },
  ];
  const pause = (rig: Rig, name: string) => rig.submit({ kind: 'pause', name, by: 'test' });
  const resume = (rig: Rig, name: string) => rig.submit({ kind: 'resume', name, by: 'test' });

  test.each(['b', 'c'])('is held back by %s, when it begins', (name) => {
    const rig = rigOf(...jobs);
    pause(rig, name);
    next(rig, '02:00');
    rig.end('a');
    expect(lines(rig)).toEqual(['opened held-back']);
    expect(reasonOf(rig, 'join.held-back')).toEqual({
      ...{ code: 'parent-idle', job: name, status: 'paused', more: 0 },
    });
  });

  test('is held back when the parent is paused later, until it is resumed', () => {
    const rig = rigOf(...jobs);
    next(rig, '02:00');
    rig.end('a');
    rig.end('b');
    rig.end('c', 0);
    rig.end('join');
    next(rig, '02:00');
    rig.end('a');
    expect(lines(rig)).toEqual([]);
    rig.submit({ kind: 'kill', runId: rig.runOf('b').id, by: 'test' });
    rig.restart();
    expect(lines(rig)).toEqual([]);
  });

  test('is not held back by a parent that still runs', () => {
    const rig = rigOf(...jobs);
    next(rig, '02:00');
    rig.begin('b');
    rig.end('a');
    pause(rig, 'b');
    expect(lines(rig)).toEqual([]);
    rig.end('b');
    expect(lines(rig)).toEqual([]);
    rig.end('c');
    rig.end('join');
    expect(lines(rig)).toEqual([]);
  });

  test('is no longer held back when the parent is resumed', () => {
    const rig = rigOf(...jobs);
    pause(rig, 'b');
    next(rig, '02:00');
    rig.end('a');
    resume(rig, 'b');
    expect(lines(rig)).toEqual(['opened held-back', 'resolved held-back']);
  });

  test('is no longer held back when a job above it no longer waits for the parent', () => {
    const rig = rigOf(...jobs);
    pause(rig, 'b');
    next(rig, '02:00');
    rig.end('a');
    rig.submit({ kind: 'delete-job', name: 'b', dependents: 'detach', by: 'test' });
    expect(lines(rig)).toEqual(['opened held-back', 'resolved held-back']);
  });

  test('is held back by a parent that is disabled by its failures', () => {
    const rig = rigOf(
      ...jobs.map((job) => (job.name === 'b' ? { ...job, policy: { disableAfterFailures: 1 } } : job)),
    );
    next(rig, '02:00');
    rig.end('b', 1);
    rig.end('a');
    next(rig, '02:00');
    rig.end('a');
    expect(lines(rig).filter((line) => line.includes('held'))).toEqual(['opened held-back']);
  });

  test('is nothing to report while the job itself is paused', () => {
    const rig = rigOf(...jobs);
    pause(rig, 'b');
    pause(rig, 'join');
    next(rig, '02:00');
    rig.end('a');
    expect(lines(rig)).toEqual([]);
  });
});
