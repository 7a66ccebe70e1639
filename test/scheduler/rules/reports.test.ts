/** Jobs that somebody else runs: which run a report is about, and what follows from it. */

import { beforeEach, describe, expect, test } from 'vitest';
import type { Command, ReportAnswer } from '../../../src/scheduler/command.ts';
import { MAX_REPORTED_RUNS } from '../../../src/scheduler/rules/runs.ts';
import { countOf, percentileOf } from '../../../src/scheduler/stats/stats.ts';
import { Rig } from '../../support/rig.ts';

type Report = Extract<Command, { kind: 'report' }>;

let rig: Rig;
let reports = 0;
beforeEach(() => {
  rig = new Rig('2026-11-21T01:30:00Z');
});

const hourly = { cron: '0 * * * *' };
const put = (definition: object): void =>
  void rig.submit({
    kind: 'put-job',
    definition: { name: 'backup', schedule: hourly, ...definition },
    mode: 'replace',
    by: 'test',
    source: 'test',
  });

const report = (step: Report['step'], more: Partial<Report> = {}): ReportAnswer =>
  rig.submit({
    kind: 'report',
    name: 'backup',
    step,
    key: null,
    triggerId: `t${reports++}xx`,
    agoMs: 0,
    durationMs: null,
    exitCode: null,
    output: null,
    givenUp: null,
    by: 'ann',
    ...more,
  });

const minutes = (count: number): number => count * 60_000;
const missed = () => rig.history.findLast(({ state }) => state === 'missed') ?? null;

describe('a due time of a job without run', () => {
  beforeEach(() => put({}));

  test('waits for its report, and nothing is launched', () => {
    rig.advance('2026-11-21T02:00:00Z');
    expect(rig.runs('backup')).toEqual(['queued 02:00']);
    expect(rig.runOf('backup').reason).toEqual({ code: 'awaits-report' });
    expect(rig.launches()).toEqual([]);
  });

  test('runs from its start to its success', () => {
    rig.advance('2026-11-21T02:00:05Z');
    expect(report('start').run?.state).toBe('running');
    rig.advance(minutes(3));
    expect(report('success').run?.state).toBe('succeeded');
    expect(rig.runs('backup')).toEqual(['succeeded 02:00']);
    expect(rig.lines('backup')).toEqual(['ran 02:00']);
    const { runTime, startLateness, queueWait } = rig.stats.get('backup')!.today;
    expect(percentileOf(runTime, 50)).toBeCloseTo(180_000, -4);
    expect(percentileOf(startLateness, 50)).toBeCloseTo(5_000, -2);
    expect(countOf(queueWait)).toBe(0);
  });

  test('fails with the exit code that is reported, or without one', () => {
    rig.advance('2026-11-21T02:00:05Z');
    report('fail', { exitCode: 3, durationMs: 2_000 });
    rig.advance('2026-11-21T03:00:05Z');
    report('fail');
    expect(rig.runs('backup')).toEqual(['failed 02:00', 'failed 03:00']);
    expect(rig.reasons('backup')).toEqual(['exit code 3', 'reported as failed by ann']);
    expect([...rig.alerts.keys()]).toEqual(['backup.failed']);
  });

  test('succeeds without a start, whose time is then unknown', () => {
    rig.advance('2026-11-21T02:10:00Z');
    const { run } = report('success');
    expect(run).toMatchObject({ state: 'succeeded', due: Date.parse('2026-11-21T02:00:00Z') });
    expect(run?.attempts[0]).toMatchObject({ engine: 'external', startedAt: null, endedAt: rig.now });
    expect(rig.stats.has('backup')).toBe(false);
  });

  test('is missed a minute after the next one came, and the next success ends its alert', () => {
    rig.advance('2026-11-21T03:00:59Z');
    expect(rig.runs('backup')).toEqual(['queued 02:00', 'queued 03:00']);
    rig.advance('2026-11-21T03:01:01Z');
    expect(rig.runs('backup')).toEqual(['missed 02:00', 'queued 03:00']);
    expect(rig.reasons('backup')).toEqual(['no run was reported in time']);
    expect(rig.lines('backup')).toEqual(['missed 02:00']);
    expect(rig.alerts.has('backup.missed')).toBe(true);
    report('success');
    expect(rig.runs('backup')).toEqual(['missed 02:00', 'succeeded 03:00']);
    expect(rig.alerts.has('backup.missed')).toBe(false);
  });

  test('is late an hour after it came', () => {
    put({ schedule: { cron: '0 2 * * *' } });
    rig.advance('2026-11-21T02:59:00Z');
    expect(rig.alerts.size).toBe(0);
    rig.advance('2026-11-21T03:00:10Z');
    expect([...rig.alerts.keys()]).toEqual(['backup.late']);
    report('start');
    expect(rig.alerts.size).toBe(0);
  });

  test('is late and missed when the job says so', () => {
    put({ expect: { startWithin: 'PT1M' }, policy: { startWithin: 'PT10M' } });
    rig.advance('2026-11-21T02:01:10Z');
    expect([...rig.alerts.keys()]).toEqual(['backup.late']);
    rig.advance('2026-11-21T02:10:01Z');
    expect(rig.runs('backup')).toEqual(['missed 02:00']);
    expect([...rig.alerts.keys()]).toEqual(['backup.missed']);
  });

  test('survives the death of the leader, before and after its start', () => {
    rig.advance('2026-11-21T02:00:05Z');
    rig.restart();
    report('start', { key: 'a' });
    rig.restart();
    rig.advance(minutes(1));
    report('success', { key: 'a' });
    rig.restart();
    expect(report('success', { key: 'a' }).repeated).toBe(true);
    expect(rig.runs('backup')).toEqual(['succeeded 02:00']);
  });

  test('waits for its own report after the scheduler was away', () => {
    rig.sleep('2026-11-21T04:30:00Z');
    expect(rig.runs('backup')).toEqual(['queued 02:00', 'queued 03:00', 'queued 04:00']);
    report('success', { agoMs: minutes(148), durationMs: minutes(1) });
    report('success', { agoMs: minutes(28), durationMs: minutes(1) });
    expect(rig.runs('backup')).toEqual(['succeeded 02:00', 'succeeded 04:00', 'queued 03:00']);
    expect(rig.history[0]?.attempts[0]).toMatchObject({
      startedAt: Date.parse('2026-11-21T02:01:00Z'),
      endedAt: Date.parse('2026-11-21T02:02:00Z'),
    });
  });

  test('is skipped while the job is paused, and a report is a run of its own', () => {
    rig.submit({ kind: 'pause', name: 'backup', by: 'ann' });
    rig.advance('2026-11-21T02:00:10Z');
    report('success');
    expect(rig.runs('backup')).toEqual(['succeeded 02:00:10']);
    expect(rig.lines('backup')).toEqual(['skipped 02:00']);
  });

  test('does not count before the job was made', () => {
    put({ name: 'old', schedule: { every: 'R/2026-01-01T00:00:00Z/PT1H' } });
    rig.advance('2026-11-21T02:00:00Z');
    expect(rig.runs('old')).toEqual(['queued 02:00']);
  });

  test('triggers its children when its run succeeded', () => {
    rig.put({ name: 'copy', schedule: { after: { parents: ['backup'] } } });
    rig.advance('2026-11-21T02:00:05Z');
    report('success');
    expect(rig.launches()).toEqual(['copy.20261121T020000Z#1']);
  });
});

describe('a report belongs to', () => {
  beforeEach(() => put({}));
  const at = (time: string) => rig.advance(`2026-11-21T${time}Z`);

  test('the due time that follows within 30 seconds', () => {
    at('01:59:40');
    report('start');
    expect(rig.runs('backup')).toEqual(['running 02:00']);
    at('02:00:10');
    expect(rig.runs('backup')).toEqual(['running 02:00']);
    report('success');
    expect(rig.lines('backup')).toEqual(['ran 02:00']);
  });

  test('no due time that is further away than a quarter of the interval', () => {
    at('01:59:30');
    put({ schedule: { cron: '* * * * *' } });
    at('01:59:40');
    report('success');
    at('01:59:46');
    report('success');
    expect(rig.runs('backup')).toEqual(['succeeded 01:59:40', 'succeeded 02:00']);
  });

  test('the nearest due time: the next one, though the one before still waits', () => {
    at('02:59:50');
    report('start');
    expect(rig.runs('backup')).toEqual(['queued 02:00', 'running 03:00']);
  });

  test('no due time, if none waits: it is a run of its own', () => {
    at('01:59:00');
    report('success', { durationMs: 1_000 });
    at('02:00:10');
    report('success');
    at('02:20:00');
    report('start');
    expect(rig.runs('backup')).toEqual(['succeeded 01:58:59', 'succeeded 02:00', 'running 02:20']);
    expect(rig.lines('backup')).toEqual(['ran 02:00']);
  });

  test('the due time that was given up: the ledger says that it was caught up', () => {
    at('03:30:00');
    report('success', { agoMs: minutes(85), givenUp: missed() });
    expect(rig.runs('backup')).toEqual(['missed 02:00', 'succeeded 02:00', 'queued 03:00']);
    expect(rig.history[1]?.trigger).toEqual({ kind: 'rerun', by: 'ann', of: 'backup.20261121T020000Z' });
    expect(rig.lines('backup')).toEqual(['caught-up 02:00']);
    expect(rig.states.get('backup')).toMatchObject({ missed: 0, succeeded: 1 });
    expect(rig.alerts.has('backup.missed')).toBe(false);
  });

  test('not to one that was given up, if another is nearer', () => {
    at('03:30:00');
    report('success');
    report('success', { givenUp: missed() });
    expect(rig.runs('backup')).toEqual(['missed 02:00', 'succeeded 03:00', 'succeeded 03:30']);
    expect(rig.lines('backup')).toEqual(['missed 02:00', 'ran 03:00']);
  });

  test('a run that was ended by its timeout, with the same key', () => {
    put({ policy: { timeout: 'PT10M' } });
    at('02:00:00');
    report('start', { key: 'a' });
    at('02:11:00');
    const [timedOut] = rig.history;
    expect(timedOut).toMatchObject({ state: 'timed-out', reportKey: 'a' });
    report('success', { key: 'a', durationMs: minutes(11), givenUp: timedOut! });
    expect(rig.runs('backup')).toEqual(['timed-out 02:00', 'succeeded 02:00']);
    expect(rig.lines('backup')).toEqual(['ran 02:00']);
  });
});

describe('reports about runs at the same time', () => {
  beforeEach(() => {
    put({});
    rig.advance('2026-11-21T02:00:00Z');
  });

  test('are told apart by their keys', () => {
    report('start', { key: 'a' });
    report('start', { key: 'b' });
    report('success', { key: 'a' });
    expect(rig.runs('backup')).toEqual(['succeeded 02:00', 'running 02:00']);
    report('fail', { key: 'b', exitCode: 1 });
    expect(rig.history.map(({ state, reportKey }) => [state, reportKey])).toEqual([
      ['succeeded', 'a'],
      ['failed', 'b'],
    ]);
  });

  test('end the newest without a key, and no run that has one', () => {
    report('start', { key: 'a' });
    report('start');
    rig.advance(minutes(1));
    report('start');
    report('success');
    expect(rig.runs('backup')).toEqual(['succeeded 02:01', 'running 02:00', 'running 02:00']);
  });

  test('change nothing when they are repeated', () => {
    report('start', { key: 'a' });
    expect(report('start', { key: 'a' })).toMatchObject({ repeated: true, run: { state: 'running' } });
    report('success', { key: 'a' });
    expect(report('success', { key: 'a' })).toEqual({ repeated: true, run: null });
    expect(report('start', { key: 'a' })).toEqual({ repeated: true, run: null });
    expect(rig.runs('backup')).toEqual(['succeeded 02:00']);
    expect(rig.states.get('backup')?.succeeded).toBe(1);
  });

  test('are bounded: what waits is given up first, then the oldest run without an end', () => {
    for (let i = 1; i < MAX_REPORTED_RUNS; i++) report('start', { key: `k${i}` });
    rig.advance('2026-11-21T03:00:00Z');
    rig.advance('2026-11-21T03:00:40Z');
    report('start', { key: 'l1', agoMs: minutes(20) });
    expect(rig.state.entry('backup').runs).toHaveLength(MAX_REPORTED_RUNS);
    expect(
      rig.history.map(({ state, due }) => `${state} ${new Date(due).toISOString().slice(11, 16)}`),
    ).toEqual(['missed 03:00']);
    report('start', { key: 'l2', agoMs: minutes(20) });
    expect(rig.state.entry('backup').runs).toHaveLength(MAX_REPORTED_RUNS);
    expect(rig.runs('backup').slice(0, 2)).toEqual(['missed 03:00', 'lost 02:00']);
    expect(rig.reasons('backup')).toEqual([
      'no run was reported in time',
      'its end was not reported, and too many later runs are unfinished',
    ]);
  });
});

test('a run whose end is not reported ends after a day', () => {
  put({ schedule: { cron: '0 2 * * *' } });
  rig.advance('2026-11-21T02:00:00Z');
  report('start');
  rig.advance('2026-11-22T02:00:01Z');
  expect(rig.runs('backup')).toEqual(['timed-out 02:00', 'queued 02:00']);
  expect(rig.reasons('backup')).toEqual(['ran longer than its timeout of P1D']);
});

describe('an edit', () => {
  test('gives up what nobody reports any more', () => {
    put({});
    rig.advance('2026-11-21T02:00:00Z');
    report('start');
    rig.advance('2026-11-21T03:00:00Z');
    put({ run: { command: 'true' } });
    expect(rig.runs('backup')).toEqual(['lost 02:00', 'missed 03:00']);
    rig.advance('2026-11-21T04:00:00Z');
    expect(rig.launches()).toEqual(['backup.20261121T040000Z#1']);
  });

  test('lets what runs on an engine end there', () => {
    put({ run: { command: 'true' } });
    rig.advance('2026-11-21T02:00:00Z');
    rig.begin('backup');
    put({});
    rig.end('backup');
    expect(rig.runs('backup')).toEqual(['succeeded 02:00']);
  });

  test('that deletes the job ends its runs, and no engine is asked to', () => {
    put({});
    rig.advance('2026-11-21T02:00:00Z');
    report('start');
    rig.submit({ kind: 'delete-job', name: 'backup', dependents: 'refuse', by: 'ann' });
    expect(rig.runs('backup')).toEqual(['killed 02:00']);
    expect(rig.effects.filter(({ kind }) => kind === 'kill')).toEqual([]);
  });
});

describe('refused', () => {
  const code = (act: () => unknown): string => {
    try {
      act();
      return 'accepted';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };

  test.each<[string, object, string]>([
    ['a job without a schedule', { schedule: undefined }, 'run'],
    ['a job after its parents', { schedule: { after: { parents: ['other'] } } }, 'run'],
    ['retries', { policy: { retries: { limit: 1 } } }, 'policy.retries'],
    ['an overlap policy', { policy: { overlap: 'skip' } }, 'policy.overlap'],
  ])('%s without run', (_, definition, field) => {
    expect(() => put(definition)).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ field }) }),
    );
  });

  test('starting, killing and repeating a run that somebody else runs', () => {
    put({});
    rig.advance('2026-11-21T02:00:00Z');
    const { id } = rig.runOf('backup');
    const awaited = code(() => rig.submit({ kind: 'kill', runId: id, by: 'ann' }));
    report('success');
    const [run] = rig.history;
    expect([
      awaited,
      code(() => rig.trigger('backup')),
      code(() =>
        rig.submit({ kind: 'start', names: ['backup'], triggerId: 'abcd', dryRun: false, by: 'ann' }),
      ),
      code(() => rig.submit({ kind: 'rerun', run: run!, triggerId: 'abcd', by: 'ann' })),
    ]).toEqual(Array(4).fill('JOB_RUNS_ELSEWHERE'));
  });

  test('a report about a job that Carillon runs, or that does not exist', () => {
    put({ run: { command: 'true' } });
    expect(code(() => report('start'))).toBe('REPORT_NOT_AWAITED');
    expect(code(() => report('start', { name: 'other' }))).toBe('JOB_NOT_FOUND');
  });
});
