import { describe, expect, test } from 'vitest';
import type { Run } from '../../../src/scheduler/model/model.ts';
import { Rig } from '../../support/rig.ts';

const nightly = { cron: '0 2 * * *' };
const childOf = (...parents: string[]) => ({ after: { parents } });

/** extract-a, extract-b → load → report */
function pipeline(): Rig {
  const r = new Rig('2026-01-01T00:00:00Z');
  r.put({ name: 'extract-a', schedule: nightly }, { name: 'extract-b', schedule: nightly });
  r.put(
    { name: 'load', schedule: childOf('extract-a', 'extract-b') },
    { name: 'report', schedule: childOf('load') },
  );
  r.advance('2026-01-01T02:00:00Z');
  return r;
}

describe('a child', () => {
  test('runs once all parents have succeeded, with their due instant, and knows their runs', () => {
    const r = pipeline();
    r.end('extract-a');
    expect(r.runs('load')).toEqual([]);
    r.end('extract-b');
    expect(r.runOf('load')).toMatchObject({
      id: 'load.20260101T020000Z',
      trigger: { kind: 'parents', runs: ['extract-a.20260101T020000Z', 'extract-b.20260101T020000Z'] },
    });
    r.end('load');
    r.end('report');
    expect(r.runs('report')).toEqual(['succeeded 02:00']);
    expect(r.lines('report')).toEqual(['ran 02:00']);
  });

  test('keeps its progress when the leader dies between the parents', () => {
    const r = pipeline();
    r.end('extract-a');
    r.restart();
    r.inventory([
      { launchName: r.runOf('extract-b').attempts[0]?.launchName ?? '', state: 'ended', exitCode: 0 },
    ]);
    expect(r.runOf('load').state).toBe('launching');
  });

  test('of a failed parent is skipped with the reason, and so is what hangs on it', () => {
    const r = pipeline();
    r.end('extract-a', 1);
    r.end('extract-b');
    expect(r.runs('load')).toEqual(['skipped 02:00']);
    expect(r.reasons('load')[0]).toContain('extract-a');
    expect(r.runs('report')).toEqual(['skipped 02:00']);
    expect(r.lines('report')).toEqual(['skipped 02:00']);
  });

  test('runs when a failed parent is rerun and succeeds', () => {
    const r = pipeline();
    r.end('extract-a', 1);
    r.end('extract-b');
    const failed = r.history.find((run) => run.job === 'extract-a') as Run;
    r.submit({ kind: 'rerun', run: failed, triggerId: 'again', by: 'ann' });
    r.end('extract-a');
    expect(r.runOf('load')).toMatchObject({ id: 'load.20260101T020000Z-ragain', state: 'launching' });
    r.end('load');
    r.end('report');
    expect(r.runs('report')).toEqual(['skipped 02:00', 'succeeded 02:00']);
  });

  test('that is paused is skipped, with the reason', () => {
    const r = pipeline();
    r.submit({ kind: 'pause', name: 'load', by: 'ann' });
    r.end('extract-a');
    r.end('extract-b');
    expect(r.reasons('load')).toEqual(['the job is paused']);
  });

  test('of an ending and its parent are one atomic group', () => {
    const r = pipeline();
    r.end('extract-a');
    let ending: string[] = [];
    const keep = r.keep.bind(r);
    r.keep = (decision) => {
      const group = decision.groups.find((writes) => writes.some((write) => write.kind === 'run-ended'));
      if (group !== undefined) ending = group.map((write) => write.kind);
      keep(decision);
    };
    r.end('extract-b');
    expect(ending).toEqual(['stats', 'ledger', 'state', 'run-ended', 'state', 'run']);
  });

  test('runs after a hand-started parent, with the parent as its cause', () => {
    const r = new Rig('2026-01-01T00:00:00Z');
    r.put({ name: 'a' }, { name: 'b', schedule: childOf('a') });
    r.trigger('a', { REGION: 'north' });
    r.end('a');
    expect(r.runOf('b')).toMatchObject({ trigger: { kind: 'parents' }, lineage: 'manual', root: 'a' });
  });

  test.each<[string, Run['lineage'], (r: Rig) => void]>([
    ['a schedule', 'scheduled', (r) => r.advance('2026-01-01T02:00:00Z')],
    ['a start by hand', 'manual', (r) => r.trigger('a')],
    [
      'a rerun of such a start',
      'rerun',
      (r) => {
        r.trigger('a');
        r.end('a');
        r.submit({ kind: 'rerun', run: r.history.at(-1) as Run, triggerId: 'again', by: 'ann' });
      },
    ],
  ])('says at every level that %s began it, also after a restart', (_, lineage, begin) => {
    const r = new Rig('2026-01-01T00:00:00Z');
    r.put({ name: 'a', schedule: nightly });
    for (const name of ['x', 'y']) r.put({ name, schedule: childOf('a'), policy: { overlap: 'allow' } });
    r.put({ name: 'b', schedule: childOf('x', 'y') });
    begin(r);
    r.end('a');
    const begun = r.state.entry('x').runs.length - 1;
    r.restart();
    for (const name of ['x', 'y']) r.end(name, 0, begun);
    expect([r.runOf('b').lineage, r.runOf('b').trigger.kind]).toEqual([lineage, 'parents']);
    const above = r.history.filter(({ job }) => job === 'x' || job === 'y');
    expect(above.map((run) => run.lineage)).toEqual([lineage, lineage]);
  });

  test('with a chain of 5,000 below it is skipped without exhausting the stack', () => {
    const r = new Rig('2026-01-01T00:00:00Z');
    r.put({ name: 'j0' });
    for (let i = 1; i <= 5_000; i++) r.put({ name: `j${i}`, schedule: childOf(`j${i - 1}`) });
    r.trigger('j0');
    r.end('j0', 1);
    expect(r.runs('j5000').map((run) => run.split(' ')[0])).toEqual(['skipped']);
  });
});

describe('parents of different cadence', () => {
  test('per day: the child waits for all 24 hourly runs and the daily one', () => {
    const r = new Rig('2025-12-31T23:30:00Z');
    r.put(
      { name: 'hourly', schedule: { cron: '0 * * * *' } },
      { name: 'daily', schedule: { cron: '30 1 * * *' } },
    );
    r.put({ name: 'close', schedule: { after: { parents: ['hourly', 'daily'], per: 'day' } } });
    for (let hour = 0; hour < 24; hour++) {
      r.advance(`2026-01-01T${String(hour).padStart(2, '0')}:00:01Z`);
      r.end('hourly');
      if (hour === 2) r.end('daily');
      expect(r.runs('close')).toEqual(hour < 23 ? [] : ['launching 23:00']);
    }
  });
});

describe('deleting', () => {
  test('a parent is refused and names its children, unless told what to do with them', () => {
    const r = pipeline();
    const remove = (dependents: 'refuse' | 'cascade' | 'detach') =>
      r.submit({ kind: 'delete-job', name: 'load', dependents, by: 'ann' });
    expect(() => remove('refuse')).toThrow(
      expect.objectContaining({
        code: 'JOB_HAS_DEPENDENTS',
        details: expect.objectContaining({ names: ['report'] }),
      }),
    );
    expect(remove('detach')).toEqual({ deleted: ['load'], detached: ['report'] });
    expect(r.view('report').job.definition.schedule).toBeUndefined();
    expect([...r.jobs.keys()].sort()).toEqual(['extract-a', 'extract-b', 'report']);
  });

  test('with cascade takes all that hangs on it, and ends what runs', () => {
    const r = pipeline();
    r.end('extract-b');
    const answer = r.submit({ kind: 'delete-job', name: 'extract-a', dependents: 'cascade', by: 'ann' });
    expect(answer).toEqual({ deleted: ['extract-a', 'load', 'report'], detached: [] });
    expect([...r.jobs.keys()]).toEqual(['extract-b']);
    expect(r.effects.at(-1)).toMatchObject({ kind: 'kill' });
    expect(r.live.size).toBe(0);
  });
});

describe('applying many jobs', () => {
  const apply = (r: Rig, definitions: object[], options: { prune?: boolean; dryRun?: boolean } = {}) =>
    r.submit({
      kind: 'apply',
      definitions: definitions.map((definition, i) => ({
        definition: { run: { command: 'true' }, ...definition },
        source: `jobs.yaml:${i + 1}`,
      })),
      prune: options.prune ? { labels: {} } : null,
      dryRun: options.dryRun ?? false,
      by: 'ann',
    });
  const outcomes = (results: ReturnType<typeof apply>) =>
    results.map((each) => `${each.name} ${each.outcome}`);

  test('takes children before their parents', () => {
    const r = new Rig('2026-01-01T00:00:00Z');
    expect(
      outcomes(
        apply(r, [
          { name: 'c', schedule: childOf('b') },
          { name: 'b', schedule: childOf('a') },
          { name: 'a' },
        ]),
      ),
    ).toEqual(['c created', 'b created', 'a created']);
  });

  test('is idempotent, and an edge may turn around', () => {
    const r = new Rig('2026-01-01T00:00:00Z');
    apply(r, [{ name: 'a' }, { name: 'b', schedule: childOf('a') }]);
    expect(outcomes(apply(r, [{ name: 'a' }, { name: 'b', schedule: childOf('a') }]))).toEqual([
      'a unchanged',
      'b unchanged',
    ]);
    expect(outcomes(apply(r, [{ name: 'a', schedule: childOf('b') }, { name: 'b' }]))).toEqual([
      'a changed',
      'b changed',
    ]);
    expect(r.view('a').parents).toEqual(['b']);
  });

  test('refuses a cycle with its path, an orphan and a broken job, and takes the rest', () => {
    const r = new Rig('2026-01-01T00:00:00Z');
    const results = apply(r, [
      { name: 'x', schedule: childOf('y') },
      { name: 'y', schedule: childOf('x') },
      { name: 'orphan', schedule: childOf('nobody') },
      { name: 'below', schedule: childOf('orphan') },
      { name: 'bad', schedule: { cron: 'nonsense' } },
      { name: 'good' },
    ]);
    expect(outcomes(results)).toEqual([
      'x refused',
      'y refused',
      'orphan refused',
      'below refused',
      'bad refused',
      'good created',
    ]);
    expect(results[0]?.error).toMatchObject({
      code: 'DEPENDENCY_CYCLE',
      message: expect.stringContaining('→'),
    });
    expect(results[2]?.error).toMatchObject({ code: 'UNKNOWN_PARENT' });
    expect(results[4]?.error).toMatchObject({ code: 'INVALID_SCHEDULE', details: { source: 'jobs.yaml:5' } });
    expect([...r.jobs.keys()]).toEqual(['good']);
  });

  test('prunes what is not listed, children first; a dry run only tells', () => {
    const r = new Rig('2026-01-01T00:00:00Z');
    apply(r, [{ name: 'a' }, { name: 'b', schedule: childOf('a') }, { name: 'c', schedule: childOf('b') }]);
    const told = outcomes(apply(r, [{ name: 'a' }], { prune: true, dryRun: true }));
    expect(told).toEqual(['a unchanged', 'c deleted', 'b deleted']);
    expect(r.jobs.size).toBe(3);
    expect(outcomes(apply(r, [{ name: 'a' }], { prune: true }))).toEqual(told);
    expect([...r.jobs.keys()]).toEqual(['a']);
  });
});

describe('a diamond: a above b and c, d below both', () => {
  function diamond(): Rig {
    const r = new Rig('2026-01-01T00:00:00Z');
    r.put({ name: 'a', schedule: nightly, policy: { overlap: 'allow' } });
    r.put({ name: 'b', schedule: childOf('a'), policy: { overlap: 'allow' } });
    r.put({ name: 'c', schedule: childOf('a'), policy: { overlap: 'allow' } });
    r.put({ name: 'd', schedule: childOf('b', 'c'), policy: { overlap: 'allow' } });
    r.put({ name: 'e', schedule: childOf('c', 'd'), policy: { overlap: 'allow' } });
    return r;
  }
  const whole = (r: Rig): void => {
    r.advance('2026-01-01T02:00:00Z');
    for (const name of ['a', 'b', 'c', 'd', 'e']) r.end(name);
  };
  const rerun = (r: Rig, name: string, triggerId: string): void => {
    const run = r.history.findLast((each) => each.job === name) as Run;
    r.submit({ kind: 'rerun', run, triggerId, by: 'ann' });
  };
  const last = (r: Rig, name: string): string | undefined => r.runs(name).at(-1)?.split(' ')[0];

  test('after a rerun of a, d runs once, when both branches were made again', () => {
    const r = diamond();
    whole(r);
    rerun(r, 'a', 'x1xx');
    r.end('a');
    r.end('b');
    expect(r.runs('d')).toEqual(['succeeded 02:00']);
    r.restart();
    const c = r.runOf('c').attempts[0]?.launchName ?? '';
    r.inventory([{ launchName: c, state: 'ended', exitCode: 0 }]);
    expect(last(r, 'd')).toBe('launching');
    expect(r.runs('e')).toHaveLength(1);
    r.end('d');
    r.end('e');
    expect([r.runs('d'), r.runs('e')].map((runs) => runs.length)).toEqual([2, 2]);
  });

  test('after a rerun in which one branch failed, d does not run on the other alone', () => {
    const r = diamond();
    whole(r);
    rerun(r, 'a', 'x1xx');
    r.end('a');
    r.end('b');
    r.end('c', 1);
    expect(r.runs('d')).toEqual(['succeeded 02:00']);
    rerun(r, 'c', 'x2xx');
    r.end('c');
    expect(last(r, 'd')).toBe('launching');
  });

  test('a rerun of one branch is enough for what hangs on it alone', () => {
    const r = diamond();
    whole(r);
    rerun(r, 'b', 'x1xx');
    r.end('b');
    expect(last(r, 'd')).toBe('launching');
  });

  test('two starts by hand at once are not mixed', () => {
    const r = diamond();
    r.trigger('a');
    r.now += 1_000;
    r.trigger('a');
    r.end('a');
    r.end('a');
    r.end('b', 0, 0);
    r.end('c', 0, 1);
    expect(r.runs('d')).toEqual([]);
    r.end('b', 0, 0);
    expect(r.runOf('d').variant).toBe('mt2');
    r.end('c', 0, 0);
    expect(
      r.state
        .entry('d')
        .runs.map((run) => run.variant)
        .sort(),
    ).toEqual(['mt1', 'mt2']);
    for (const name of ['d', 'd']) r.end(name);
    expect(
      r.state
        .entry('e')
        .runs.map((run) => run.variant)
        .sort(),
    ).toEqual(['mt1', 'mt2']);
  });

  test('a start by hand of a is not judged by what a branch did before', () => {
    const r = diamond();
    r.trigger('c');
    r.end('c', 1);
    r.now += 1_000;
    r.trigger('a');
    r.end('a');
    r.end('b');
    r.end('c');
    expect(r.reasons('d')).toEqual([]);
    const { id } = r.history.findLast((run) => run.job === 'c') as Run;
    expect(r.runOf('d').trigger).toMatchObject({ runs: [expect.stringMatching(/^b\./), id] });
    r.now += 1_000;
    r.trigger('b');
    r.end('b');
    expect(r.state.entry('d').runs).toHaveLength(1);
  });

  test('a rerun of one branch completes the round of a start by hand', () => {
    const r = diamond();
    r.trigger('a');
    r.end('a');
    r.end('b');
    r.end('c', 1);
    expect(last(r, 'd')).toBe('skipped');
    r.now += 1_000;
    rerun(r, 'c', 'x1xx');
    r.end('c');
    expect(last(r, 'd')).toBe('launching');
  });

  test('a start by hand of a runs d once', () => {
    const r = diamond();
    r.trigger('a');
    for (const name of ['a', 'b', 'c', 'd', 'e']) r.end(name);
    expect(r.runs('d')).toHaveLength(1);
    expect(r.runs('e')).toHaveLength(1);
  });
});
