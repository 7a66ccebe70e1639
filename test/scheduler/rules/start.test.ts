import { describe, expect, test } from 'vitest';
import type { StartedJob } from '../../../src/scheduler/command.ts';
import type { Run } from '../../../src/scheduler/model/model.ts';
import { wordsOf } from '../../support/in-words.ts';
import { Rig } from '../../support/rig.ts';

const behind = (...parents: string[]) => ({ after: { parents } });

function rig(...jobs: [name: string, schedule?: object, more?: object][]): Rig {
  const r = new Rig('2026-01-01T00:00:00Z');
  r.put(...jobs.map(([name, schedule, more]) => ({ name, ...(schedule && { schedule }), ...more })));
  return r;
}

const start = (
  r: Rig,
  names: string[],
  more: { triggerId?: string; dryRun?: boolean } = {},
): readonly StartedJob[] =>
  r.submit({ kind: 'start', names, triggerId: 'together', dryRun: false, by: 'ann', ...more });

/** In short: `a`, `b after a`, `c after a, not x`. */
const said = (jobs: readonly StartedJob[]): string[] =>
  jobs.map(
    ({ job, after: parents, others }) =>
      job + (parents.length > 0 ? ` after ${parents}` : '') + (others.length > 0 ? `, not ${others}` : ''),
  );

/** Runs whose variant is that of the start. */
const made = (r: Rig, name: string): string[] =>
  [...r.history, ...r.state.runs.values()]
    .filter(({ job, variant }) => job === name && variant === 'mtogether')
    .map(({ state }) => state);

describe('a job that was started itself and then follows another of the start', () => {
  const ids = (r: Rig, job: string): string[] => [
    ...new Set([...r.history, ...r.state.runs.values()].filter((run) => run.job === job).map(({ id }) => id)),
  ];
  const complete = (r: Rig, name: string): void => {
    r.begin(name);
    r.end(name);
  };

  test('runs again under another name, by way of a job that is not in the start', () => {
    const any = { after: { parents: ['a', 'b'], when: 'any-succeeded' } };
    const r = rig(['a'], ['b'], ['between', any], ['last', behind('between')]);
    start(r, ['a', 'last']);
    for (const name of ['last', 'a', 'between', 'last']) complete(r, name);
    expect(ids(r, 'last')).toEqual([
      'last.20260101T000000Z-mtogether',
      'last.20260101T000000Z-mtogether~between',
    ]);
  });

  test('runs again under another name, because it was edited meanwhile', () => {
    const r = rig(['a'], ['between', behind('a')], ['last']);
    start(r, ['a', 'last']);
    complete(r, 'last');
    r.put({ name: 'last', schedule: behind('between') });
    for (const name of ['a', 'between', 'last']) complete(r, name);
    expect(ids(r, 'last')).toEqual([
      'last.20260101T000000Z-mtogether',
      'last.20260101T000000Z-mtogether~between',
    ]);
  });

  test('runs again under another name, because it was started before the job that it follows now', () => {
    const r = rig(['first'], ['next', behind('first')]);
    r.trigger('first');
    complete(r, 'first');
    r.put({ name: 'next' });
    r.put({ name: 'first', schedule: behind('next') });
    for (const name of ['next', 'first']) complete(r, name);
    expect(ids(r, 'first').map((id) => id.replace(/-m[^~]*/, '-m'))).toEqual([
      'first.20260101T000000Z-m',
      'first.20260101T000000Z-m~next',
    ]);
  });

  test('is not run again by a rerun of its parent under the trigger id of its own rerun', () => {
    const r = rig(['a'], ['b', behind('a')]);
    r.trigger('a');
    for (const name of ['a', 'b']) complete(r, name);
    const rerun = (job: string) => {
      const run = r.history.find((each) => each.job === job) as Run;
      r.submit({ kind: 'rerun', run, triggerId: 'same', by: 'ann' });
    };
    rerun('b');
    complete(r, 'b');
    rerun('a');
    complete(r, 'a');
    expect(ids(r, 'b')).toHaveLength(2);
    expect(r.view('b').runs).toEqual([]);
  });
});

describe('a start of several jobs says who starts and who follows', () => {
  const edges: [string, object?][] = [
    ['extract'],
    ['rates'],
    ['alone'],
    ['clean', behind('extract')],
    ['join', behind('clean', 'rates')],
    ['report', behind('join')],
  ];
  test.each<[string, string[], string[]]>([
    [
      'a whole pipeline starts at its beginnings',
      ['report', 'join', 'clean', 'rates', 'extract'],
      ['clean after extract', 'extract', 'join after clean,rates', 'rates', 'report after join'],
    ],
    ['jobs without parents all start', ['rates', 'alone', 'extract'], ['alone', 'extract', 'rates']],
    ['one job starts, whatever it waits for', ['report'], ['report']],
    [
      'a parent that is not in the start is not waited for',
      ['clean', 'join'],
      ['clean', 'join after clean, not rates'],
    ],
    [
      'a job follows by way of jobs that were not named',
      ['rates', 'extract', 'report'],
      ['extract', 'rates', 'report after join'],
    ],
    [
      'a job starts at once where the way to it waits for others',
      ['extract', 'report'],
      ['extract', 'report'],
    ],
    ['siblings both start', ['clean', 'rates'], ['clean', 'rates']],
    ['a job that is named twice starts once', ['alone', 'alone'], ['alone']],
  ])('%s', (_, names, expected) => {
    expect(said(start(rig(...edges), names, { dryRun: true }))).toEqual(expected);
    expect(said(start(rig(...edges), names))).toEqual(expected);
  });

  test('and what would be skipped: a running job that starts, a paused one that follows', () => {
    const r = rig(['a'], ['b', behind('a')]);
    const { id } = r.trigger('a');
    r.submit({ kind: 'pause', name: 'b', by: 'ann' });
    expect(start(r, ['a', 'b'], { dryRun: true }).map(({ skip }) => wordsOf(skip))).toEqual([
      `overlap: ${id} is still launching`,
      'the job is paused',
    ]);
  });

  test('a dry run changes nothing', () => {
    const r = rig(['a'], ['b', behind('a')]);
    const before = JSON.stringify([...r.states]);
    start(r, ['a', 'b'], { dryRun: true });
    expect([JSON.stringify([...r.states]), r.live.size, r.effects]).toEqual([before, 0, []]);
  });

  test('an unknown job refuses the whole start', () => {
    const r = rig(['a']);
    expect(() => start(r, ['a', 'b'])).toThrow("There is no job named 'b'");
    expect(r.live.size).toBe(0);
  });
});

describe('a job below several beginnings', () => {
  test('runs once, after the last of them, whatever is left of earlier rounds', () => {
    const r = rig(['a'], ['b'], ['c', behind('a', 'b')]);
    // Of an earlier start: c lacks b, and would take a's next end for its round.
    r.trigger('b');
    r.end('b');
    r.advance(1_000);
    start(r, ['a', 'b', 'c']);
    r.end('a');
    expect(made(r, 'c')).toEqual([]);
    r.end('b');
    expect(made(r, 'c')).toEqual(['launching']);
    r.end('c');
    expect(r.runs('c')).toHaveLength(1);
    // Nothing of the start is left for later rounds.
    r.trigger('a');
    r.end('a');
    expect(r.runs('c')).toHaveLength(1);
  });

  test('follows, without being named, in the same way', () => {
    const r = rig(['a'], ['b'], ['c', behind('a', 'b')]);
    r.trigger('b');
    r.end('b');
    start(r, ['a', 'b']);
    r.end('a');
    expect(r.runs('c')).toEqual([]);
    r.end('b');
    expect(made(r, 'c')).toEqual(['launching']);
  });

  test('waits for a parent outside of the start too, if it was not named, and for new ends of the others', () => {
    const r = rig(['a'], ['b'], ['x'], ['c', behind('a', 'b', 'x')]);
    for (const name of ['b', 'x']) {
      r.trigger(name);
      r.end(name);
    }
    start(r, ['a', 'b']);
    r.end('a');
    expect(r.runs('c')).toEqual([]);
    r.end('b');
    expect(r.runs('c')).toHaveLength(1);
  });

  test('runs once although its branches have different beginnings and depths', () => {
    const r = rig(
      ['a'],
      ['b'],
      ['a1', behind('a')],
      ['b1', behind('b')],
      ['ab', behind('a1', 'b')],
      ['end', behind('ab', 'b1', 'a')],
    );
    start(r, ['a', 'b']);
    for (const name of ['b', 'b1', 'a', 'a1']) r.end(name);
    expect(made(r, 'end')).toEqual([]);
    r.end('ab');
    expect(made(r, 'end')).toEqual(['launching']);
    expect(['a1', 'ab', 'b1', 'end'].map((name) => r.runs(name).length)).toEqual([1, 1, 1, 1]);
  });

  test('is skipped when one of them failed, and runs when that is run again', () => {
    const r = rig(['a'], ['b'], ['c', behind('a', 'b')]);
    start(r, ['a', 'b', 'c']);
    r.end('a', 1);
    r.end('b');
    expect(made(r, 'c')).toEqual(['skipped']);
    const run = r.history.find(({ job }) => job === 'a');
    r.submit({ kind: 'rerun', run: run as never, triggerId: 'again', by: 'ann' });
    r.end('a');
    expect(r.runOf('c').state).toBe('launching');
  });

  test('is skipped when one of them is, because it runs already', () => {
    const r = rig(['a'], ['b'], ['c', behind('a', 'b')]);
    r.trigger('a');
    r.begin('a');
    start(r, ['a', 'b', 'c']);
    r.end('b');
    expect(made(r, 'a')).toEqual(['skipped']);
    expect(made(r, 'c')).toEqual(['skipped']);
  });

  test('waits for those that were named alone, and by its own rule', () => {
    const r = rig(['a'], ['b'], ['x'], ['c', { after: { parents: ['a', 'b', 'x'], when: 'all-done' } }]);
    start(r, ['a', 'b', 'c']);
    r.end('a', 1);
    expect(made(r, 'c')).toEqual([]);
    r.end('b');
    expect(made(r, 'c')).toEqual(['launching']);
  });

  test('where it counts intervals, runs for the start too', () => {
    const hourly = { cron: '0 * * * *' };
    const r = rig(['a', hourly], ['b', hourly], ['c', { after: { parents: ['a', 'b'], per: 'day' } }]);
    start(r, ['a', 'b', 'c']);
    r.end('a');
    r.end('b');
    expect(made(r, 'c')).toEqual(['launching']);
  });
});

describe('a start of several jobs is one decision', () => {
  test('all of it is in one atomic group', () => {
    const r = rig(['a'], ['b'], ['c', behind('a', 'b')]);
    const groups: string[][] = [];
    const keep = r.keep.bind(r);
    r.keep = (decision) => {
      groups.push(...decision.groups.map((group) => group.map(({ kind }) => kind)));
      keep(decision);
    };
    start(r, ['a', 'b', 'c']);
    expect(groups).toEqual([['state', 'run', 'run', 'audit']]);
  });

  test('and goes on when another leader takes over in its middle', () => {
    const r = rig(['a'], ['b'], ['c', behind('a', 'b')]);
    start(r, ['a', 'b', 'c']);
    r.end('a');
    r.restart();
    r.begin('b');
    r.end('b');
    expect(made(r, 'c')).toEqual(['launching']);
  });

  test('and is kept when a job of it is edited meanwhile', () => {
    const r = rig(['a'], ['b'], ['c', behind('a', 'b')]);
    start(r, ['a', 'b', 'c']);
    r.put({ name: 'c', schedule: behind('a', 'b'), description: 'new' });
    r.end('a');
    r.end('b');
    expect(made(r, 'c')).toEqual(['launching']);
  });

  test('asked for twice with one trigger id, it is made once, also after its beginnings have ended', () => {
    const r = rig(['a'], ['b'], ['c', behind('a', 'b')]);
    const first = start(r, ['a', 'b', 'c']);
    r.end('a');
    const second = start(r, ['c', 'b', 'a']);
    expect(second.map(({ run }) => run?.id)).toEqual(first.map(({ run }) => run?.id));
    r.end('b');
    expect([r.runs('a').length, r.runs('b').length, r.runs('c').length]).toEqual([1, 1, 1]);
  });
});

describe('a start whose edges change meanwhile leaves nothing open', () => {
  const chain: [string, object?][] = [['a'], ['b', behind('a')], ['c', behind('b')]];
  const open = (r: Rig): string[] =>
    [...r.state.jobs.values()].filter(({ state }) => state.join?.open.length).map(({ job }) => job.name);

  test.each<[string, (r: Rig) => void]>([
    ['waits for another job', (r) => r.put({ name: 'b', schedule: behind('x') })],
    ['runs by hand', (r) => r.put({ name: 'b' })],
    ['has a schedule', (r) => r.put({ name: 'b', schedule: { cron: '0 * * * *' } })],
    [
      'has lost its parent',
      (r) => r.submit({ kind: 'delete-job', name: 'a', dependents: 'detach', by: 'ann' }),
    ],
  ])('a job that now %s is skipped, and so is what follows it', (_, edit) => {
    const r = rig(['x'], ...chain);
    start(r, ['a', 'b', 'c']);
    edit(r);
    expect(made(r, 'b')).toEqual(['skipped']);
    expect(made(r, 'c')).toEqual(['skipped']);
    expect(r.reasons('b')).toEqual(['its parents changed while it waited for other jobs of its start']);
    expect(open(r)).toEqual([]);
    r.restart();
    expect(open(r)).toEqual([]);
  });

  test('the edit, the skipped run and what follows are in one atomic group', () => {
    const r = rig(['x'], ...chain);
    start(r, ['a', 'b', 'c']);
    const groups: string[][] = [];
    const keep = r.keep.bind(r);
    r.keep = (decision) => {
      groups.push(...decision.groups.map((group) => group.map(({ kind }) => kind)));
      keep(decision);
    };
    r.put({ name: 'b', schedule: behind('x') });
    expect(groups.filter((group) => group.includes('run-ended'))).toHaveLength(1);
    expect(groups[0]?.filter((kind) => kind === 'run-ended' || kind === 'job')).toEqual([
      'job',
      'run-ended',
      'run-ended',
    ]);
  });

  test('a job that is removed and comes back waits for nothing of it', () => {
    const r = rig(...chain);
    start(r, ['a', 'b', 'c']);
    r.submit({ kind: 'delete-job', name: 'c', dependents: 'refuse', by: 'ann' });
    r.end('a');
    r.end('b');
    r.put({ name: 'c', schedule: behind('b') });
    expect(open(r)).toEqual([]);
  });

  test('one that waits for fewer of them runs after those, if all have not ended yet', () => {
    const r = rig(['a'], ['b'], ['c', behind('a', 'b')]);
    start(r, ['a', 'b', 'c']);
    r.put({ name: 'c', schedule: behind('b') });
    r.end('a');
    expect(made(r, 'c')).toEqual([]);
    r.end('b');
    expect(made(r, 'c')).toEqual(['launching']);
  });

  test('one that waited only for a job that is no parent any more is skipped', () => {
    const r = rig(['a'], ['b'], ['c', behind('a', 'b')], ['d', behind('c')]);
    start(r, ['a', 'b', 'c', 'd']);
    r.end('a');
    r.put({ name: 'c', schedule: behind('a') });
    expect([made(r, 'c'), made(r, 'd')]).toEqual([['skipped'], ['skipped']]);
    expect(open(r)).toEqual([]);
  });

  test('a new parent below the same beginning, which has ended in it, is not waited for', () => {
    const r = rig(['a'], ['p', behind('a')], ['q', behind('a')], ['c', behind('p')], ['d', behind('c')]);
    start(r, ['a', 'c', 'd', 'p', 'q']);
    r.end('a');
    r.end('q');
    r.put({ name: 'c', schedule: behind('p', 'q') });
    r.end('p');
    expect(made(r, 'c')).toEqual(['launching']);
    r.end('c');
    r.end('d');
    expect(open(r)).toEqual([]);
  });

  test('an end before the other branch was cut off counts', () => {
    const r = rig(['a'], ['x'], ['p', behind('a')], ['q', behind('p')], ['c', behind('a', 'q')]);
    start(r, ['a', 'c', 'p', 'q']);
    r.end('a');
    r.put({ name: 'q', schedule: behind('x') });
    expect(made(r, 'c')).toEqual(['skipped']);
    expect(open(r)).toEqual([]);
  });
});

test('a job with any-succeeded waits for all of its parents in the start', () => {
  const r = rig(['a'], ['b'], ['c', { after: { parents: ['a', 'b'], when: 'any-succeeded' } }]);
  start(r, ['a', 'b', 'c']);
  r.end('a');
  expect(made(r, 'c')).toEqual([]);
  r.end('b', 1);
  expect(made(r, 'c')).toEqual(['launching']);
});

test('a start that would reach more jobs than one decision takes is refused', () => {
  const r = rig(['a'], ['b']);
  const graph = r.state.graph;
  for (let i = 0; i < 20_000; i++) graph.setParents(`c${i}`, ['a']);
  expect(() => start(r, ['a'], { dryRun: true })).toThrow(
    '20001 jobs would start or follow, but the maximum is 20000',
  );
  expect(said(start(r, ['b'], { dryRun: true }))).toEqual(['b']);
});
