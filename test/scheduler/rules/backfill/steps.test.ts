import { describe, expect, test } from 'vitest';
import type { BackfillAnswer } from '../../../../src/scheduler/command.ts';
import type { BackfillOptions } from '../../../../src/scheduler/model/backfill.ts';
import type { Run } from '../../../../src/scheduler/model/model.ts';
import { Rig } from '../../../support/rig.ts';

const at = (text: string): number => Date.parse(text);
/** 02:00 of these days of January. */
const nights = (...days: number[]): number[] =>
  days.map((day) => at(`2026-01-${String(day).padStart(2, '0')}T02:00:00Z`));

const options: BackfillOptions = {
  from: at('2026-01-01'),
  to: at('2026-02-01'),
  only: [],
  downstream: false,
  atOnce: 1,
  newestFirst: false,
  params: {},
  does: 'run',
};

function rig(...jobs: [name: string, schedule?: object, more?: object][]): Rig {
  const r = new Rig('2026-02-01T12:00:00Z');
  r.put(...jobs.map(([name, schedule, more]) => ({ name, ...(schedule && { schedule }), ...more })));
  return r;
}

const nightly = { cron: '0 2 * * *' };
const behind = (...parents: string[]) => ({ after: { parents } });

function backfill(
  r: Rig,
  dues: Record<string, number[]>,
  more: Partial<BackfillOptions> & { id?: string; dryRun?: boolean } = {},
): BackfillAnswer {
  const { id = 'fill', dryRun = false, ...own } = more;
  const targets = Object.entries(dues).map(([job, each]) => ({ job, dues: each }));
  return r.submit({ kind: 'backfill', id, targets, options: { ...options, ...own }, dryRun, by: 'ann' });
}

/** `a 3`: the job and the day of its step. */
const under = (r: Rig): string[] =>
  [...r.state.runs.values()].filter((run) => run.backfill !== undefined).map(short);
const short = ({ job, due }: Run): string => `${job} ${new Date(due).getUTCDate()}`;

const progress = (r: Rig, id = 'fill'): string =>
  r.backfills.get(id)?.progress ?? r.endedBackfills.find((each) => each.id === id)?.progress ?? '';

/** Ends the unfinished run of this step. */
function end(r: Rig, step: string, exitCode = 0): void {
  const run = [...r.state.runs.values()].find((each) => each.backfill !== undefined && short(each) === step);
  if (run === undefined) throw new Error(`${step} does not run: ${under(r)}`);
  r.end(run.job, exitCode, r.state.entry(run.job).runs.indexOf(run));
}

describe('a backfill of one job', () => {
  test('runs its due times one after the other, oldest first, and ends with the last', () => {
    const r = rig(['a', nightly]);
    backfill(r, { a: nights(3, 4, 5) });
    expect([under(r), progress(r)]).toEqual([['a 3'], 'r..']);
    end(r, 'a 3');
    expect([under(r), progress(r)]).toEqual([['a 4'], 'sr.']);
    end(r, 'a 4', 1);
    end(r, 'a 5');
    expect([under(r), progress(r)]).toEqual([[], 'sfs']);
    expect([r.backfills.size, r.plans.size, r.endedBackfills.length]).toEqual([0, 0, 1]);
    expect([...r.backfilled.values()].map(({ state, backfill: of }) => `${state} ${of}`)).toEqual([
      'succeeded fill',
      'failed fill',
      'succeeded fill',
    ]);
  });

  test('runs the newest first, and three at a time, if that is asked for', () => {
    const r = rig(['a', nightly]);
    backfill(r, { a: nights(1, 2, 3, 4, 5) }, { newestFirst: true, atOnce: 3 });
    expect(under(r)).toEqual(['a 5', 'a 4', 'a 3']);
    end(r, 'a 4');
    expect(under(r)).toEqual(['a 5', 'a 3', 'a 2']);
  });

  test('names each run by its due time and the backfill, so a decision that is made again is the same run', () => {
    const r = rig(['a', nightly]);
    backfill(r, { a: nights(3, 4) });
    expect(r.launches()).toEqual(['a.20260103T020000Z-bfill#1']);
    r.restart();
    r.inventory([]);
    expect(r.launches()).toEqual(['a.20260103T020000Z-bfill#1']);
  });

  test('gives its parameters to each run', () => {
    const r = rig(['a', nightly]);
    backfill(r, { a: nights(3) }, { params: { region: 'eu' } });
    expect(r.runOf('a').params).toEqual({ region: 'eu' });
  });

  test('is made once, however often it is asked for', () => {
    const r = rig(['a', nightly]);
    backfill(r, { a: nights(3) });
    backfill(r, { a: nights(3) });
    end(r, 'a 3');
    backfill(r, { a: nights(3) });
    expect([r.backfills.size, r.history.length]).toEqual([0, 1]);
  });

  test('with a dry run, shows its plan and changes nothing', () => {
    const r = rig(['a', nightly]);
    const { plan } = backfill(r, { a: nights(3, 4) }, { dryRun: true });
    expect(plan.lanes.map(({ job, dues }) => [job, dues])).toEqual([['a', nights(3, 4)]]);
    expect([r.state.backfills.size, r.backfills.size, under(r)]).toEqual([0, 0, []]);
  });

  test('marks its due times as succeeded without running anything, if that is asked for', () => {
    const r = rig(['a', nightly]);
    backfill(r, { a: nights(1, 2, 3, 4, 5) }, { does: 'mark-succeeded' });
    r.advance(0);
    expect([progress(r), r.launches(), r.endedBackfills.length]).toEqual(['sssss', [], 1]);
    expect(new Set(r.reasons('a'))).toEqual(new Set(['marked as succeeded by ann']));
    expect(r.backfilled.size).toBe(5);
  });

  test.each([
    ['is paused', { paused: true }],
    ['allows one run at a time', { policy: { overlap: 'skip' } }],
  ])('runs while the job %s', (_, more) => {
    const r = rig(['a', nightly, more]);
    backfill(r, { a: nights(3, 4) }, { atOnce: 2 });
    expect(under(r)).toEqual(['a 3', 'a 4']);
  });

  test('retries as the job does', () => {
    const r = rig(['a', nightly, { policy: { retries: { limit: 1, delay: 'PT1M' } } }]);
    backfill(r, { a: nights(3) });
    end(r, 'a 3', 1);
    expect(progress(r)).toBe('r');
    r.advance(120_000);
    end(r, 'a 3');
    expect(progress(r)).toBe('s');
  });
});

describe("today's runs and a backfill", () => {
  const due = '2026-02-02T02:00:00Z';

  test.each(['skip', 'queue', 'queue-all', 'replace'])(
    'with overlap %s, neither waits for the other nor is skipped or replaced',
    (overlap) => {
      const r = rig(['a', nightly, { policy: { overlap } }]);
      backfill(r, { a: nights(3, 4) });
      r.advance(due);
      expect(r.state.entry('a').runs.map(({ state }) => state)).toEqual(['launching', 'launching']);
      r.end('a', 0, 1);
      expect(under(r)).toEqual(['a 3']);
      end(r, 'a 3');
      expect(under(r)).toEqual(['a 4']);
    },
  );

  test('a step waits for a slot behind everything else, whatever the priority of its job is', () => {
    const pool = { policy: { pool: 'one', priority: 100 } };
    const r = new Rig('2026-02-01T12:00:00Z', {
      ...new Rig('2026-01-01T00:00:00Z').settings,
      pools: { one: 1 },
    });
    r.put(
      { name: 'a', schedule: nightly, ...pool },
      { name: 'low', policy: { pool: 'one', priority: -100 } },
    );
    r.trigger('low');
    backfill(r, { a: nights(3) });
    r.trigger('low');
    r.put({ name: 'low', policy: { pool: 'one', priority: -100, overlap: 'allow' } });
    r.trigger('low');
    expect(r.runOf('a').state).toBe('queued');
    r.end('low');
    expect([r.runOf('a').state, r.runOf('low').state]).toEqual(['queued', 'launching']);
    r.end('low');
    expect(r.runOf('a').state).toBe('launching');
  });

  test('failures of steps neither disable the job nor alert, and say nothing about its last run', () => {
    const r = rig([
      'a',
      nightly,
      { policy: { disableAfterFailures: 1 }, alerts: { on: ['failed'], to: ['x'] } },
    ]);
    backfill(r, { a: nights(3) });
    end(r, 'a 3', 1);
    const { disabled, last, failed, consecutiveFailures } = r.state.entry('a').state;
    expect([disabled, last, failed, consecutiveFailures]).toEqual([null, null, 1, 0]);
    expect([r.alerts.size, r.endedAlerts.length]).toEqual([0, 0]);
  });

  test('children are not told of a step', () => {
    const r = rig(['a', nightly], ['b', behind('a')]);
    backfill(r, { a: nights(3) });
    end(r, 'a 3');
    expect(r.runs('b')).toEqual([]);
  });
});

describe('downstream', () => {
  test('each job runs in its round, after its parents', () => {
    const r = rig(['a', nightly], ['b', behind('a')], ['c', behind('a')], ['d', behind('b', 'c')]);
    backfill(r, { a: nights(3, 4) }, { downstream: true, atOnce: 2 });
    expect(under(r)).toEqual(['a 3', 'a 4']);
    end(r, 'a 3');
    expect(under(r)).toEqual(['a 4', 'b 3']);
    end(r, 'b 3');
    end(r, 'c 3');
    expect(under(r)).toEqual(['a 4', 'd 3']);
    for (const step of ['d 3', 'a 4', 'b 4', 'c 4', 'd 4']) end(r, step);
    expect([progress(r), r.endedBackfills.length]).toEqual(['ssssssss', 1]);
    const last = r.history.at(-1) as Run;
    expect(last.trigger).toEqual({
      kind: 'parents',
      runs: ['b.20260104T020000Z-bfill', 'c.20260104T020000Z-bfill'],
    });
  });

  test.each<[when: string | undefined, exitCode: number, becomes: string]>([
    [undefined, 1, 'fx'],
    ['all-done', 1, 'fs'],
    ['any-failed', 0, 'sx'],
  ])('a job with when %s, after an exit code of %d: %s', (when, exitCode, becomes) => {
    const r = rig(['a', nightly], ['b', { after: { parents: ['a'], ...(when && { when }) } }]);
    backfill(r, { a: nights(3) }, { downstream: true });
    end(r, 'a 3', exitCode);
    if (becomes === 'fs') end(r, 'b 3');
    r.advance(0);
    expect([progress(r), r.endedBackfills.length]).toEqual([becomes, 1]);
    expect(r.backfilled.size).toBe(becomes === 'fs' ? 2 : 1);
  });

  test('a job per day runs once for each day, after all steps of that day', () => {
    const r = rig(['h', { cron: '0 */6 * * *' }], ['d', { after: { parents: ['h'], per: 'day' } }]);
    const dues = ['03T00', '03T06', '03T12', '03T18', '04T06'].map((each) => at(`2026-01-${each}:00:00Z`));
    const { plan } = backfill(r, { h: dues }, { downstream: true, newestFirst: true, atOnce: 2 });
    expect(plan.lanes[1]?.dues.map((due) => new Date(due).toISOString())).toEqual([
      '2026-01-03T18:00:00.000Z',
      '2026-01-04T18:00:00.000Z',
    ]);
    const hours = (): string[] =>
      [...r.state.runs.values()].map(({ job, due }) => `${job} ${new Date(due).toISOString().slice(8, 13)}`);
    expect(hours()).toEqual(['h 04T06', 'h 03T18']);
    r.end('h', 0, 0);
    expect(hours()).toEqual(['h 03T18', 'd 04T18']);
    for (let i = 0; i < 4; i++) r.end('h', 0, 0);
    expect(hours()).toEqual(['d 04T18', 'd 03T18']);
  });

  test('jobs that were asked for and depend on each other run in order', () => {
    const r = rig(['a', nightly], ['b', behind('a')]);
    backfill(r, { b: nights(3, 4), a: nights(3) });
    expect(under(r)).toEqual(['a 3']);
    end(r, 'a 3');
    expect(under(r)).toEqual(['b 3']);
    end(r, 'b 3');
    expect(under(r)).toEqual(['b 4']);
  });

  test('a job that joins its parents loosely is left out', () => {
    const r = rig(['a', nightly], ['x', { cron: '0 * * * *' }], ['b', behind('a', 'x')], ['c', behind('b')]);
    const { plan, left } = backfill(r, { a: nights(3) }, { downstream: true });
    expect([plan.lanes.map(({ job }) => job), left]).toEqual([['a'], ['b']]);
  });
});

describe('pause, resume and cancel', () => {
  test('a paused backfill begins no step, and goes on where it was', () => {
    const r = rig(['a', nightly]);
    backfill(r, { a: nights(3, 4) });
    r.submit({ kind: 'pause-backfill', id: 'fill', by: 'ann' });
    end(r, 'a 3');
    expect([under(r), progress(r)]).toEqual([[], 's.']);
    r.restart();
    r.advance(0);
    expect(under(r)).toEqual([]);
    r.submit({ kind: 'resume-backfill', id: 'fill', by: 'ann' });
    expect(under(r)).toEqual(['a 4']);
  });

  test('a cancelled one ends with the runs that run, and what waits for a slot ends at once', () => {
    const r = rig(['a', nightly, { policy: { concurrency: 1 } }]);
    backfill(r, { a: nights(3, 4, 5) }, { atOnce: 2 });
    expect(progress(r)).toBe('rr.');
    r.submit({ kind: 'cancel-backfill', id: 'fill', by: 'ann' });
    expect([under(r), progress(r)]).toEqual([['a 3'], 'rk.']);
    end(r, 'a 3');
    expect([progress(r), r.endedBackfills.length, r.backfilled.size]).toEqual(['sk.', 1, 1]);
  });

  test('a cancelled one without a run ends at once', () => {
    const r = rig(['a', nightly]);
    backfill(r, { a: nights(3, 4) });
    r.submit({ kind: 'pause-backfill', id: 'fill', by: 'ann' });
    end(r, 'a 3');
    r.submit({ kind: 'cancel-backfill', id: 'fill', by: 'ann' });
    expect(r.endedBackfills.map((each) => each.progress)).toEqual(['s.']);
  });

  test.each(['pause-backfill', 'resume-backfill', 'cancel-backfill'] as const)(
    '%s says what is not there',
    (kind) => {
      const r = rig(['a', nightly]);
      expect(() => r.submit({ kind, id: 'none', by: 'ann' })).toThrow(/no backfill with the id 'none'/);
      backfill(r, { a: nights(3) });
      end(r, 'a 3');
      expect(() => r.submit({ kind, id: 'fill', by: 'ann' })).toThrow(/has ended/);
    },
  );
});

describe('while a backfill runs', () => {
  test('a deleted job ends its steps, and a new one of its name is not run', () => {
    const r = rig(['a', nightly], ['b', nightly]);
    backfill(r, { a: nights(3, 4), b: nights(3, 4) }, { atOnce: 4 });
    r.submit({ kind: 'delete-job', name: 'a', dependents: 'refuse', by: 'ann' });
    r.put({ name: 'a', schedule: nightly });
    expect(under(r)).toEqual(['b 3', 'b 4']);
    for (const step of under(r)) end(r, step);
    expect([progress(r), r.endedBackfills.length]).toEqual(['ksks', 1]);
  });

  test('steps of a deleted job that have not begun are dropped', () => {
    const r = rig(['a', nightly]);
    backfill(r, { a: nights(3, 4, 5) });
    r.submit({ kind: 'delete-job', name: 'a', dependents: 'refuse', by: 'ann' });
    r.put({ name: 'a', schedule: nightly });
    r.advance(0);
    expect([progress(r), r.endedBackfills.length]).toEqual(['kdd', 1]);
  });

  test('a job that somebody else runs from now on has no further steps', () => {
    const r = rig(['a', nightly]);
    backfill(r, { a: nights(3, 4) });
    r.submit({
      kind: 'put-job',
      definition: { name: 'a', schedule: nightly },
      mode: 'replace',
      by: 'test',
      source: 'test',
    });
    end(r, 'a 3');
    expect([progress(r), r.endedBackfills.length]).toEqual(['sd', 1]);
  });

  test('an edit of the schedule leaves the plan as it is, and later steps run the new definition', () => {
    const r = rig(['a', nightly]);
    backfill(r, { a: nights(3, 4) });
    r.put({ name: 'a', schedule: { cron: '0 5 * * *' }, run: { command: 'new' } });
    end(r, 'a 3');
    expect([under(r), r.runOf('a').revision]).toEqual([['a 4'], 2]);
  });

  test('a run that a user kills ends its step', () => {
    const r = rig(['a', nightly]);
    backfill(r, { a: nights(3, 4) });
    r.begin('a');
    r.submit({ kind: 'kill', runId: r.runOf('a').id, by: 'ann' });
    r.end('a', 143);
    expect([progress(r), under(r)]).toEqual(['kr', ['a 4']]);
  });

  test('a clock that is set back does not stop one that launches nothing', () => {
    const r = rig(['a', nightly]);
    backfill(r, { a: nights(1, 2, 3, 4, 5) }, { does: 'mark-succeeded' });
    r.setClock(-3_600_000);
    r.advance(0);
    expect(progress(r)).toBe('sssss');
  });
});

describe('is refused', () => {
  const refused = (make: (r: Rig) => unknown, jobs: Parameters<typeof rig> = [['a', nightly]]): unknown => {
    const r = rig(...jobs);
    try {
      make(r);
    } catch (error) {
      return (error as { code: string }).code;
    }
    return null;
  };

  test.each<[what: string, make: (r: Rig) => unknown, code: string]>([
    ['a job that does not exist', (r) => backfill(r, { b: nights(3) }), 'JOB_NOT_FOUND'],
    ['a due time in the future', (r) => backfill(r, { a: [at('2026-03-01T02:00:00Z')] }), 'INVALID_FIELD'],
    ['nothing to run', (r) => backfill(r, { a: [] }), 'NO_DUE_TIMES'],
    ['no run at once', (r) => backfill(r, { a: nights(3) }, { atOnce: 0 }), 'INVALID_FIELD'],
    ['too many at once', (r) => backfill(r, { a: nights(3) }, { atOnce: 17 }), 'INVALID_FIELD'],
    ['an id with other signs', (r) => backfill(r, { a: nights(3) }, { id: 'A-b' }), 'INVALID_FIELD'],
    [
      'a parameter that is none',
      (r) => backfill(r, { a: nights(3) }, { params: { 'a b': 'x' } }),
      'INVALID_FIELD',
    ],
    [
      'more than 10,000 steps',
      (r) => backfill(r, { a: Array.from({ length: 10_001 }, (_, i) => i * 1_000) }),
      'LIMIT_EXCEEDED',
    ],
    [
      'what an unfinished one has too',
      (r) => [backfill(r, { a: nights(3, 4) }), backfill(r, { a: nights(4) }, { id: 'other' })],
      'BACKFILL_OVERLAPS',
    ],
  ])('%s', (_, make, code) => {
    expect(refused(make)).toBe(code);
  });

  test('a job that somebody else runs', () => {
    const r = new Rig('2026-02-01T12:00:00Z');
    const definition = { name: 'a', schedule: nightly };
    r.submit({ kind: 'put-job', definition, mode: 'replace', by: 'test', source: 'test' });
    expect(() => backfill(r, { a: nights(3) })).toThrow(/JOB_RUNS_ELSEWHERE|somebody else/i);
  });

  test('not what another one has had', () => {
    const r = rig(['a', nightly]);
    backfill(r, { a: nights(3, 4) });
    end(r, 'a 3');
    expect(() => backfill(r, { a: nights(3) }, { id: 'other' })).not.toThrow();
  });
});
