import { describe, expect, test } from 'vitest';
import type { Run } from '../../../src/scheduler/model/model.ts';
import { pathOf, roundOf } from '../../../src/scheduler/read/round.ts';

const at = (time: string): number => Date.parse(`2026-11-21T${time}:00Z`);
const jobs = [
  { name: 'load', parents: [] },
  { name: 'clean', parents: ['load'] },
  { name: 'zip', parents: ['load'] },
  { name: 'report', parents: ['clean', 'zip'] },
];

interface Of {
  readonly due?: string;
  readonly created?: string;
  readonly ended?: string | null;
  readonly by?: readonly string[];
}
const run = (job: string, { due = '02:00', created = due, ended = '03:00', by }: Of = {}): Run =>
  ({
    id: `${job}.${due}.${created}`,
    job,
    due: at(due),
    createdAt: at(created),
    trigger: by === undefined ? { kind: 'schedule' } : { kind: 'parents', runs: by },
    state: ended === null ? 'running' : 'succeeded',
    endedAt: ended === null ? null : at(ended),
    attempts: [{}],
  }) as unknown as Run;

const candidates = (...runs: Run[]) =>
  new Map(jobs.map(({ name }) => [name, runs.filter(({ job }) => job === name)]));

describe('the runs of a round', () => {
  test('are the newest of its due time: a rerun takes the place of the first', () => {
    const found = roundOf(
      jobs,
      candidates(run('load'), run('load', { created: '05:00' }), run('clean')),
      at('02:00'),
    );
    expect([...found.values()].map(({ id }) => id)).toEqual(['load.02:00.05:00', 'clean.02:00.02:00']);
  });

  test('are the first that it triggered, where they are due later', () => {
    const load = run('load');
    const clean = run('clean', { due: '02:06', by: [load.id] });
    const later = run('clean', { due: '04:06', by: ['load.04:00', load.id] });
    const report = run('report', { due: '02:09', by: [clean.id] });
    const stranger = run('zip', { due: '02:09', by: ['other.02:00'] });
    const found = roundOf(jobs, candidates(load, later, clean, report, stranger), at('02:00'));
    expect([...found.values()]).toEqual([load, clean, report]);
  });
});

describe('the critical path of a round', () => {
  const round = (ends: Record<string, string | null>) =>
    new Map(Object.entries(ends).map(([job, ended]) => [job, run(job, { ended })]));
  const times = { due: at('02:00'), now: at('09:00') };

  test.each<[string, Record<string, string | null>, readonly string[], number]>([
    [
      'goes back over the parents that ended last',
      { load: '02:10', clean: '02:20', zip: '02:30', report: '02:31' },
      ['load', 'zip', 'report'],
      31,
    ],
    [
      'ends with the job that ended last, which need not be the last of the tree',
      { load: '02:10', clean: '02:20', zip: '05:00', report: '02:31' },
      ['load', 'zip'],
      180,
    ],
    ['ends now while a run goes on', { load: '02:10', clean: null }, ['load', 'clean'], 420],
    ['has nothing of a round without runs', {}, [], 0],
  ])('%s', (_, ends, path, minutes) => {
    expect(pathOf(jobs, round(ends), times)).toEqual({ jobs: path, totalMs: minutes * 60_000 });
  });

  test('takes its time from when somebody began it, if it was not its schedule', () => {
    const load = run('load', { created: '08:00', ended: '08:10', by: [] });
    const begun = new Map([['load', load]]);
    expect(pathOf(jobs, begun, times)).toEqual({ jobs: ['load'], totalMs: 10 * 60_000 });
  });
});
