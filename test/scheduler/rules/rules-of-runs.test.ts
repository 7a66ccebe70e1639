/** Rules about runs: their templates at launch, their condition, what exit codes mean, and the time for all attempts. */

import { describe, expect, test } from 'vitest';
import { CarillonError } from '../../../src/errors.ts';
import { parseRunPolicy } from '../../../src/node/run-policy.ts';
import type { LaunchSpec } from '../../../src/scheduler/job/spec.ts';
import type { Run } from '../../../src/scheduler/model/model.ts';
import { comingLaunch } from '../../../src/scheduler/rules/coming.ts';
import { summarise } from '../../../src/scheduler/stats/stats.ts';
import { abilities } from '../../support/engines.ts';
import { wordsOf } from '../../support/in-words.ts';
import { Rig, testSettings } from '../../support/rig.ts';

const nightly = { cron: '0 2 * * *', timezone: 'Europe/Berlin' };
const two = '2026-11-30T01:00:00Z';

function rigWith(...definitions: ({ name: string } & Record<string, unknown>)[]): Rig {
  const rig = new Rig('2026-11-30T00:00:00Z');
  rig.put(...definitions);
  return rig;
}

const specs = (rig: Rig): LaunchSpec[] =>
  rig.effects.flatMap((effect) => (effect.kind === 'launch' ? [effect.spec] : []));
/** `state (reason)` of the ended runs of a job. */
const ends = (rig: Rig, name: string): string[] =>
  rig.history.filter(({ job }) => job === name).map(({ state, reason }) => `${state} (${wordsOf(reason)})`);

describe('the templates of a run', () => {
  const word = 'load {{ due | date: "%F" }} {{ params.region }} {{ run.attempt }}';
  const job = {
    name: 'a',
    schedule: nightly,
    params: { region: { default: 'eu' } },
    labels: { day: '{{ due | date: "%F" }}' },
    run: { argv: ['sh', '-c', word], env: { REGION: '{{ params.region }}' } },
    policy: { retries: { limit: 1, delay: 'PT1M', jitter: false } },
  };

  test('are rendered for each attempt', () => {
    const rig = rigWith(job);
    rig.advance(two);
    rig.end('a', 1);
    rig.advance('2026-11-30T01:01:00Z');
    expect(specs(rig).map(({ argv }) => argv?.[2])).toEqual(['load 2026-11-30 eu 1', 'load 2026-11-30 eu 2']);
    expect(specs(rig)[0]).toMatchObject({
      labels: { day: '2026-11-30' },
      env: { REGION: 'eu', region: 'eu' },
    });
  });

  test('are rendered the same by the next leader', () => {
    const rig = rigWith(job);
    rig.advance(two);
    const [first] = specs(rig);
    rig.restart();
    rig.inventory([]);
    expect(specs(rig).at(-1)).toMatchObject({ argv: first?.argv, env: first?.env });
  });

  test('are rendered for a preparation as for the launch', () => {
    const rig = rigWith({ ...job, policy: { warmStart: 'PT1M' } });
    const coming = comingLaunch(rig.state, rig.state.entry('a'), rig.now)?.spec;
    rig.advance(two);
    expect(coming?.argv).toEqual(specs(rig)[0]?.argv);
  });

  test('end a run that they cannot be rendered for', () => {
    const rig = rigWith({
      name: 'a',
      params: { day: { type: 'date' } },
      run: { argv: ['{{ params.day }}'] },
    });
    rig.trigger('a');
    expect(ends(rig, 'a')).toEqual([
      'failed (run.argv[0], line 1, column 4: undefined variable: params.day)',
    ]);
    rig.trigger('a', { day: '2026-11-01' });
    expect(specs(rig)[0]?.argv).toEqual(['2026-11-01']);
  });

  test('are checked when they have become something', () => {
    const settings = {
      engines: { docker: { concurrency: null, abilities: abilities.docker, tombstoneMs: 600_000 } },
      pools: {},
    };
    const rig = new Rig('2026-11-30T00:00:00Z', settings);
    rig.put({ name: 'a', params: { v: {} }, run: { image: '{{ params.v }}' } });
    rig.trigger('a', { v: ' ' });
    expect(rig.history[0]?.state).toBe('failed');
    expect(wordsOf(rig.history[0]?.reason)).toContain('run.image, line 1, column 1: it becomes nothing');
    rig.trigger('a', { v: 'etl:1.2' });
    expect(specs(rig)[0]?.image).toBe('etl:1.2');
  });

  test('are judged by the run policy with what they have become', () => {
    const engines = { docker: { concurrency: null, abilities: abilities.docker, tombstoneMs: 600_000 } };
    const policy =
      'rules: [{ name: all, allow: { engines: ["*"], users: ["*", (image)], images: ["etl:*"] } }]';
    const runPolicy = parseRunPolicy(policy, 'policy.yaml');
    const rig = new Rig('2026-11-30T00:00:00Z', { ...testSettings, engines, runPolicy });
    rig.put({ name: 'a', params: { image: {} }, run: { image: '{{ params.image }}' } });
    rig.trigger('a', { image: 'other:1' });
    expect(wordsOf(rig.history[0]?.reason)).toContain(
      'run.image is "other:1", which the run policy does not allow',
    );
    rig.trigger('a', { image: 'etl:1' });
    expect(specs(rig)[0]?.image).toBe('etl:1');
  });

  test('of a job of an earlier release are texts, until it is put again', () => {
    const rig = rigWith({ name: 'a', run: { argv: ['x'] } });
    const old = rig.jobs.get('a');
    if (old === undefined) return expect.fail('there is no job');
    const definition = { name: 'a', run: { argv: ['{{.Names}}'] } };
    rig.jobs.set('a', { ...old, definition });
    rig.restart();
    rig.trigger('a');
    expect(specs(rig)[0]?.argv).toEqual(['{{.Names}}']);
    const put = { kind: 'put-job', definition, mode: 'replace', by: 'ann', source: 'a.yaml' } as const;
    expect(() => rig.submit(put)).toThrow(CarillonError);
    const again = { ...put, definition: { name: 'a', run: { argv: ['{{ run.job }}'] } } };
    rig.jobs.set('a', { ...old, definition: again.definition });
    rig.restart();
    expect(rig.submit(again).outcome).toBe('changed');
  });
});

describe('runIf', () => {
  const child = { name: 'b', schedule: { after: { parents: ['a'] } } };
  const job = {
    name: 'a',
    schedule: nightly,
    params: { full: { type: 'boolean', default: false } },
    runIf: '{{ params.full }}',
  };

  test('skips a run that does not meet it, and with it what follows', () => {
    const rig = rigWith(job, child);
    rig.advance(two);
    expect(ends(rig, 'a')).toEqual(['skipped (runIf is false: {{ params.full }})']);
    expect(ends(rig, 'b')[0]).toContain('skipped (parent a was skipped');
    expect(rig.lines('a')).toEqual(['skipped 01:00']);
    expect(rig.effects).toEqual([]);
  });

  test('lets a child run that follows whatever became of its parent', () => {
    const rig = rigWith(job, { name: 'b', schedule: { after: { parents: ['a'], when: 'all-done' } } });
    rig.advance(two);
    expect(rig.runOf('b').state).toBe('launching');
  });

  test('lets a run start that meets it', () => {
    const rig = rigWith(job);
    expect(rig.trigger('a', { full: 'true' }).state).toBe('launching');
  });

  test('is asked before an unfinished run is replaced', () => {
    const rig = rigWith({ ...job, policy: { overlap: 'replace' } });
    rig.trigger('a', { full: 'true' });
    rig.advance(two);
    expect(rig.runs('a').sort()).toEqual(['launching 00:00', 'skipped 01:00']);
  });

  test('prepares nothing for a run that will not start', () => {
    const rig = rigWith({ ...job, policy: { warmStart: 'PT1M' } });
    expect(comingLaunch(rig.state, rig.state.entry('a'), rig.now)).toBeNull();
  });
});

describe('exit codes', () => {
  const retries = { limit: 2, delay: 'PT1M', jitter: false };

  test.each<[string, object, number | null, string]>([
    ['retry any failure without a rule', {}, 3, 'waiting'],
    ['retry those of onExitCodes', { onExitCodes: [75] }, 75, 'waiting'],
    ['retry no others', { onExitCodes: [75] }, 1, 'failed (exit code 1)'],
    ['retry none of exceptExitCodes', { exceptExitCodes: [2] }, 2, 'failed (exit code 2)'],
    ['retry all others', { exceptExitCodes: [2] }, 3, 'waiting'],
    ['say nothing about an attempt that was lost', { onExitCodes: [75] }, null, 'waiting'],
  ])('%s', (_, rules, exitCode, expected) => {
    const rig = rigWith({ name: 'a', policy: { retries: { ...retries, ...rules } } });
    rig.trigger('a');
    rig.end('a', exitCode);
    expect(expected === 'waiting' ? rig.runOf('a').state : ends(rig, 'a')[0]).toBe(expected);
  });

  test('of skipExitCodes end a run as skipped: no failure, no retry, no duration', () => {
    const rig = rigWith(
      { name: 'a', schedule: nightly, policy: { retries, skipExitCodes: [99] }, alerts: { on: ['failed'] } },
      { name: 'b', schedule: { after: { parents: ['a'] } } },
      { name: 'c', schedule: { after: { parents: ['a'], when: 'all-done' } } },
    );
    rig.advance(two);
    rig.end('a', 99);
    expect(ends(rig, 'a')).toEqual(['skipped (exit code 99 is one of policy.skipExitCodes)']);
    expect(rig.lines('a')).toEqual(['skipped 01:00']);
    expect(ends(rig, 'b')[0]).toContain('skipped (parent a was skipped');
    expect(rig.runOf('c').state).toBe('launching');
    expect([...rig.alerts.values()]).toEqual([]);
    const { state, stats } = rig.state.entry('a');
    expect(state).toMatchObject({ skipped: 1, failed: 0, succeeded: 0, consecutiveFailures: 0 });
    expect([
      summarise(stats?.today.runTime ?? '')?.count ?? 0,
      summarise(stats?.today.failedRunTime ?? '')?.count ?? 0,
    ]).toEqual([0, 0]);
    rig.restart();
    expect(rig.state.entry('a').runs).toEqual([]);
  });

  test('of skipExitCodes after a retry, too', () => {
    const rig = rigWith({ name: 'a', policy: { retries, skipExitCodes: [99] } });
    rig.trigger('a');
    rig.end('a', 1);
    rig.advance(60_000);
    rig.end('a', 99);
    expect(ends(rig, 'a')).toEqual(['skipped (exit code 99 is one of policy.skipExitCodes)']);
  });

  test.each<[string, object, string]>([
    [
      'in two lists',
      { retries: { onExitCodes: [2], exceptExitCodes: [2] } },
      '2 is in both policy.retries.onExitCodes and policy.retries.exceptExitCodes.',
    ],
    [
      'retried and skipped',
      { skipExitCodes: [75], retries: { onExitCodes: [75] } },
      '75 is in both policy.retries.onExitCodes and policy.skipExitCodes.',
    ],
    [
      'of success',
      { skipExitCodes: [0] },
      'policy.skipExitCodes[0] is 0. Allowed: a whole number from 1 up to 255.',
    ],
  ])('are refused %s', (_, policy, message) => {
    expect(() => rigWith({ name: 'a', policy })).toThrow(message);
  });
});

describe('the time for all attempts', () => {
  const policy = {
    totalTimeout: 'PT10M',
    timeout: 'PT6M',
    retries: { limit: 9, delay: 'PT1M', factor: 1, jitter: false },
  };
  const reason = 'all attempts together took longer than the total timeout of PT10M';
  const begin = (more: object = {}): Rig => {
    const rig = rigWith({ name: 'a', policy: { ...policy, ...more } });
    rig.trigger('a');
    rig.begin('a');
    return rig;
  };
  const retried = (rig: Rig): void => {
    rig.advance(60_000);
    rig.begin('a');
  };

  test('ends an attempt and retries nothing', () => {
    const rig = begin();
    rig.advance(180_000);
    rig.end('a', 1);
    retried(rig);
    rig.advance(5 * 60_000 + 59_999);
    expect(rig.runOf('a').kill).toBeNull();
    rig.advance(1);
    expect(wordsOf(rig.runOf('a').kill?.reason)).toBe(reason);
    rig.end('a', 137);
    expect(ends(rig, 'a')).toEqual([`timed-out (${reason})`]);
  });

  test('tells engines how much of it is left', () => {
    const rig = begin();
    rig.advance(300_000);
    rig.end('a', 1);
    retried(rig);
    expect(specs(rig).map(({ timeoutMs }) => timeoutMs)).toEqual([360_000, 240_000]);
  });

  test('makes no retry that would begin after it', () => {
    const rig = begin({ retries: { ...policy.retries, delay: 'PT6M' } });
    rig.advance(240_000);
    rig.end('a', 3);
    expect(ends(rig, 'a')).toEqual(['failed (exit code 3)']);
  });

  test('counts while a retry waits for a slot', () => {
    const rig = begin({ pool: 'etl' });
    rig.put({ name: 'b', policy: { pool: 'etl', overlap: 'allow' } });
    rig.trigger('b');
    rig.trigger('b');
    rig.end('a', 1);
    rig.advance(60_000);
    expect(rig.runOf('a').state).toBe('queued');
    rig.advance(540_000);
    expect(ends(rig, 'a')).toEqual([`timed-out (${reason})`]);
  });

  test('does not count before the first attempt has started', () => {
    const rig = rigWith({ name: 'a', policy });
    rig.trigger('a');
    rig.advance(3_600_000);
    expect(rig.runOf('a')).toMatchObject({ state: 'launching', kill: null } satisfies Partial<Run>);
  });

  test('does not depend on the wall clock', () => {
    const rig = begin();
    rig.advance(180_000);
    rig.end('a', 1);
    rig.setClock(3_600_000);
    retried(rig);
    rig.advance(5 * 60_000 + 59_000);
    expect(rig.runOf('a').kill).toBeNull();
    rig.setClock(-7_200_000);
    rig.advance(999);
    expect(rig.runOf('a').kill).toBeNull();
    rig.advance(1);
    expect(rig.runOf('a').kill).not.toBeNull();
  });

  test('goes on with the next leader', () => {
    const rig = begin();
    rig.advance(300_000);
    rig.end('a', 1);
    rig.restart();
    retried(rig);
    rig.advance(240_000);
    expect(wordsOf(rig.runOf('a').kill?.reason)).toBe(reason);
  });
});
