/** What becomes of runs that were unfinished when a backup was taken, once it is restored. */

import { describe, expect, test } from 'vitest';
import { restoredRun } from '../../src/scheduler/restored.ts';
import { Rig, testSettings } from '../support/rig.ts';

const settings = {
  ...testSettings,
  engines: { process: { concurrency: 2, kind: 'process' as const, tombstoneMs: 600_000 } },
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
    expect(queued?.reason).toBe(
      'it was queued when the backup was taken, and what became of it since is not known',
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

  test('ends as killed, and is not retried, where its engine can not be asked', () => {
    const rig = world();
    rig.put({ name: 'running', policy: { retries: { limit: 3, delay: 'PT1S' } } });
    restore(rig, false);
    rig.advance(120_000);
    expect(launches(rig)).toEqual([]);
    expect(ends(rig)).toMatchObject({ running: ['killed', 'killed'], launching: ['killed'] });
  });
});
