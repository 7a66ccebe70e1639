/** What becomes of runs that were unfinished when a backup was taken, once it is restored. */

import { describe, expect, test } from 'vitest';
import { restoredJob, restoredRecords, restoredRun } from '../../../src/scheduler/rules/restored.ts';
import { abilities } from '../../support/engines.ts';
import { wordsOf } from '../../support/in-words.ts';
import { Rig, testSettings } from '../../support/rig.ts';

const settings = {
  ...testSettings,
  engines: { process: { concurrency: 2, abilities: abilities.process, tombstoneMs: 600_000 } },
};

/** Two runs under way, one of them started; one queued, one that waits for its turn. */
function world(): Rig {
  const rig = new Rig('2026-01-01T00:00:00Z', settings);
  rig.put({ name: 'running', policy: { overlap: 'queue' } }, { name: 'launching' }, { name: 'queued' });
  rig.trigger('running');
  rig.begin('running');
  rig.trigger('launching');
  rig.trigger('queued');
  rig.trigger('running');
  return rig;
}

function restore(rig: Rig, reaches: boolean): void {
  rig.now += 3_600_000;
  for (const [id, run] of rig.live)
    rig.live.set(id, restoredRun(run, { now: rig.now, reaches: () => reaches }));
  rig.restart();
}

const launches = (rig: Rig): string[] =>
  rig.effects.flatMap((effect) => (effect.kind === 'launch' ? [effect.spec.job] : []));
/** How the runs of each job ended, in order of the end. */
function ends(rig: Rig): Record<string, string[]> {
  const of: Record<string, string[]> = {};
  for (const { job, state } of rig.history) of[job] = [...(of[job] ?? []), state];
  return of;
}

describe('an unfinished run of a backup', () => {
  test('is never launched by the restore: one that was not under way ends as killed, with the reason', () => {
    const rig = world();
    restore(rig, true);
    rig.inventory([], true);
    expect(launches(rig)).toEqual([]);
    expect(ends(rig)).toMatchObject({
      queued: ['killed'],
      running: ['killed', 'lost'],
      launching: ['lost'],
    });
    const queued = rig.history.find((run) => run.job === 'queued');
    expect(wordsOf(queued?.reason)).toBe(
      'it was queued when the backup was taken, and its state since then is unknown',
    );
  });

  test('goes on when its engine still has it', () => {
    const rig = world();
    const [first, second] = ['running', 'launching'].map(
      (name) => rig.runOf(name).attempts[0]?.launchName ?? '',
    );
    restore(rig, true);
    rig.inventory(
      [
        { launchName: first ?? '', state: 'running', startedAt: rig.now - 3_600_000 },
        { launchName: second ?? '', state: 'ended', startedAt: 1, endedAt: 2, exitCode: 0 },
      ],
      true,
    );
    expect(rig.runOf('running').state).toBe('running');
    expect(ends(rig).launching).toEqual(['succeeded']);
    expect(rig.effects.some((effect) => effect.kind === 'kill')).toBe(false);
  });

  test('ends as killed, and is not retried, where its engine cannot be asked', () => {
    const rig = world();
    rig.put({ name: 'running', policy: { retries: { limit: 3, delay: 'PT1S' } } });
    restore(rig, false);
    rig.advance(120_000);
    expect(launches(rig)).toEqual([]);
    expect(ends(rig)).toMatchObject({ running: ['killed', 'killed'], launching: ['killed'] });
  });
});

describe('a due time that the backup has not decided', () => {
  test('has a launch of another name than the one that it had between backup and restore', () => {
    const hourly = { name: 'a', schedule: { cron: '0 * * * *' }, policy: { catchUp: 'all' } };
    const rig = new Rig('2026-01-01T00:30:00Z', settings);
    rig.put(hourly);
    rig.trigger('a');
    const adopted = rig.runOf('a').attempts[0]?.launchName ?? '';
    const backup = structuredClone({ jobs: rig.jobs, states: rig.states, live: rig.live });
    rig.end('a');
    rig.advance('2026-01-01T01:00:00Z');
    const before = rig.runOf('a');
    const ended = { launchName: before.attempts[0]?.launchName ?? '', state: 'ended' as const, exitCode: 0 };
    rig.end('a');

    const { jobs, states, live } = backup;
    rig.now = Date.parse('2026-01-01T01:20:00Z');
    rig.states.clear();
    for (const [name, state] of states) rig.states.set(name, state);
    for (const [name, job] of jobs) rig.jobs.set(name, restoredJob(job, rig.now));
    for (const [id, run] of live) rig.live.set(id, restoredRun(run, { now: rig.now, reaches: () => true }));
    rig.history.length = 0;
    rig.restart();
    rig.inventory([{ launchName: adopted, state: 'ended', startedAt: 1, endedAt: 2, exitCode: 0 }, ended]);
    expect(rig.runs('a')).toEqual(['succeeded 00:30']);
    rig.advance(0);
    const again = rig.runOf('a');
    expect([again.id, again.state]).toEqual([before.id, 'launching']);
    expect(again.attempts[0]?.launchName).not.toBe(ended.launchName);
    // An edit does not give the earlier names back.
    rig.put({ ...hourly, description: 'edited' });
    expect(rig.state.entry('a').job.restoredAt).toBe(Date.parse('2026-01-01T01:20:00Z'));
  });
});

test('a message that was owed when the backup was taken is not sent, and waits for somebody', () => {
  const rig = new Rig('2026-01-01T00:00:00Z', settings);
  rig.put({ name: 'bad', alerts: { to: ['pager'] } });
  rig.trigger('bad');
  rig.end('bad', 1);
  const into = { now: rig.now, reaches: () => true };
  for (const [id, owed] of rig.owed)
    rig.owed.set(id, restoredRecords.notification?.(into, owed) as typeof owed);
  rig.restart();
  expect(rig.effects.filter(({ kind }) => kind === 'notify')).toEqual([]);
  expect([...rig.owed.values()]).toMatchObject([
    { state: 'failed', error: 'it was owed when the backup was taken' },
  ]);
});
