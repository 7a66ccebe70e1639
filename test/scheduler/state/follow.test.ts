/** A follower that takes in every write of its leader has what the leader has, and says what changed. */

import { describe, expect, test } from 'vitest';
import type { Notice } from '../../../src/scheduler/handle.ts';
import type { Write } from '../../../src/scheduler/records/table.ts';
import { follow } from '../../../src/scheduler/state/follow.ts';
import { State } from '../../../src/scheduler/state/state.ts';
import { Rig, testSettings } from '../../support/rig.ts';

interface Followed {
  readonly rig: Rig;
  readonly follower: State;
  readonly notices: Notice[];
  readonly writes: Write[];
}

/** A leader, and a follower that takes in each of its decisions as it is committed. */
function followed(): Followed {
  const rig = new Rig('2026-01-01T00:00:00Z');
  const follower = new State(testSettings, 'test');
  const notices: Notice[] = [];
  const writes: Write[] = [];
  const keep = rig.keep.bind(rig);
  rig.keep = (decision) => {
    const committed = structuredClone(decision.groups.flat());
    writes.push(...structuredClone(committed));
    notices.push(...follow(follower, committed));
    keep(decision);
  };
  return { rig, follower, notices, writes };
}

/** Everything that an answer or a takeover is made of. */
function contents(state: State): object {
  const entries = [...state.jobs.values()].map(({ openLine: _, runs, ...entry }) => [
    entry.job.name,
    { ...entry, runs: runs.map(({ id }) => id), parents: state.graph.parentsOf(entry.job.name) },
  ]);
  return {
    jobs: Object.fromEntries(entries),
    names: [...state.names.after('')],
    runs: Object.fromEntries(state.runs),
    launches: Object.fromEntries([...state.launches].map(([name, run]) => [name, run.id])),
    pasts: [...state.pasts],
    pipelines: [...state.pipelines],
    alerts: Object.fromEntries(state.alerts),
  };
}

const launchName = (rig: Rig): string => rig.runOf('a').attempts.at(-1)?.launchName ?? '';
const hourly = { name: 'a', schedule: { cron: '0 * * * *' } };

const stories: [string, (rig: Rig) => void][] = [
  [
    'a pipeline has begun, and an alert is open',
    (rig) => {
      rig.put(
        { ...hourly, alerts: { on: ['pipeline-done'] } },
        { name: 'b', schedule: { after: { parents: ['a'] } } },
      );
      rig.advance('2026-01-01T01:00:00Z');
      rig.end('a', 1);
      rig.advance('2026-01-01T02:00:00Z');
      rig.end('a');
    },
  ],
  ['jobs were created', (rig) => rig.put({ name: 'b' }, hourly)],
  [
    'a job was changed while it had a run',
    (rig) => {
      rig.put({ name: 'a' });
      rig.trigger('a');
      rig.put(hourly);
    },
  ],
  [
    'a run waits for its time',
    (rig) => {
      rig.put({ name: 'a', policy: { retries: { limit: 1, delay: 'PT1M' } } });
      rig.trigger('a');
      rig.end('a', 1);
    },
  ],
  [
    'a run is in its second attempt',
    (rig) => {
      rig.put({ name: 'a', policy: { retries: { limit: 1, delay: 'PT1M' } } });
      rig.trigger('a');
      rig.end('a', 1);
      rig.advance(120_000);
      rig.begin('a');
    },
  ],
  [
    'an attempt was taken back, because the engine had no place for it',
    (rig) => {
      rig.put({ name: 'a' });
      rig.trigger('a');
      rig.event({ kind: 'unplaced', now: rig.now, launchName: launchName(rig), reason: 'no memory' });
    },
  ],
  [
    'an attempt that was taken back was made again',
    (rig) => {
      rig.put({ name: 'a' });
      rig.trigger('a');
      rig.event({ kind: 'unplaced', now: rig.now, launchName: launchName(rig), reason: 'no memory' });
      rig.advance(60_000);
      rig.begin('a');
    },
  ],
  [
    'one of several runs of a job ended',
    (rig) => {
      rig.put({ name: 'a', policy: { overlap: 'allow' } });
      for (let i = 0; i < 3; i++) rig.trigger('a');
      rig.end('a', 0, 1);
    },
  ],
  [
    'the newest of several runs of a job has started',
    (rig) => {
      rig.put({ name: 'a', policy: { overlap: 'allow' } });
      for (let i = 0; i < 3; i++) rig.trigger('a');
      rig.begin('a', 2);
    },
  ],
  [
    'parents have ended, and a child has its join',
    (rig) => {
      rig.put(
        { name: 'a' },
        { name: 'b' },
        { name: 'c', schedule: { after: { parents: ['a', 'b'] } } },
        { name: 'd', schedule: { after: { parents: ['a'] } } },
      );
      rig.trigger('a');
      rig.end('a');
    },
  ],
  [
    'due times were decided',
    (rig) => {
      rig.put(hourly);
      rig.advance('2026-01-01T03:00:00Z');
    },
  ],
  [
    'a job was deleted, and its past is kept',
    (rig) => {
      rig.put(hourly, { name: 'b' });
      rig.trigger('a');
      rig.end('a');
      rig.submit({ kind: 'delete-job', name: 'a', dependents: 'refuse', by: 'test' });
    },
  ],
  [
    'a job that was deleted while it ran has ended its run',
    (rig) => {
      rig.put(hourly);
      rig.trigger('a');
      rig.begin('a');
      const name = launchName(rig);
      rig.submit({ kind: 'delete-job', name: 'a', dependents: 'refuse', by: 'test' });
      const ended = { kind: 'ended', launchName: name, at: rig.now, exitCode: 0 } as const;
      rig.event({ kind: 'observed', now: rig.now, observation: ended });
    },
  ],
  [
    'a deleted job came back, with its percentiles',
    (rig) => {
      rig.put(hourly);
      rig.trigger('a');
      rig.end('a');
      rig.submit({ kind: 'delete-job', name: 'a', dependents: 'refuse', by: 'test' });
      rig.put(hourly);
    },
  ],
];

describe('a follower has what its leader has when', () => {
  test.each(stories)('%s', (_, story) => {
    const { rig, follower } = followed();
    story(rig);
    expect(contents(follower)).toEqual(contents(rig.state));
  });

  test.each(stories)('%s, and it loaded all of it before it was told', (_, story) => {
    const { rig, writes } = followed();
    story(rig);
    // What is committed while a copy is loaded is told as well; the copy may have it already.
    const late = new State(testSettings, 'test');
    const copy = <T>(values: Iterable<T>): T[] => structuredClone([...values]);
    late.load(copy(rig.jobs.values()).map((job) => ({ kind: 'job', value: job })));
    late.load(copy(rig.states.values()).map((state) => ({ kind: 'state', value: state })));
    late.load(copy(rig.stats.values()).map((stats) => ({ kind: 'stats', value: stats })));
    late.load(copy(rig.live.values()).map((run) => ({ kind: 'run', value: run })));
    late.ready();
    follow(late, writes);
    expect(contents(late)).toEqual(contents(rig.state));
  });
});

describe('a follower says of a job that it was', () => {
  const command = (kind: 'pause' | 'resume') => (rig: Rig) =>
    void rig.submit({ kind, name: 'a', by: 'test' } as never);
  const failing = { ...hourly, policy: { disableAfterFailures: 1 } };
  const fail = (rig: Rig): void => {
    rig.trigger('a');
    rig.end('a', 1);
  };
  test.each<[string, ((rig: Rig) => void)[]]>([
    ['created', [(rig) => rig.put(hourly)]],
    ['changed', [(rig) => rig.put(hourly), (rig) => rig.put({ ...hourly, description: 'b' })]],
    ['paused', [(rig) => rig.put(hourly), command('pause')]],
    ['resumed', [(rig) => rig.put(hourly), command('pause'), command('resume')]],
    ['disabled', [(rig) => rig.put(failing), fail]],
    ['resumed', [(rig) => rig.put(failing), fail, command('resume')]],
    [
      'deleted',
      [
        (rig) => rig.put(hourly),
        (rig) => void rig.submit({ kind: 'delete-job', name: 'a', dependents: 'refuse', by: 'test' }),
      ],
    ],
  ])('%s', (change, steps) => {
    const { rig, notices } = followed();
    for (const step of steps) {
      notices.length = 0;
      step(rig);
    }
    const jobs = notices.filter((notice) => notice.kind === 'job');
    expect(jobs).toEqual([
      { kind: 'job', name: 'a', change, revision: change === 'changed' || change === 'deleted' ? 2 : 1 },
    ]);
  });

  test('nothing when only its counters and its cursor moved', () => {
    const { rig, notices } = followed();
    rig.put(hourly);
    command('pause')(rig);
    notices.length = 0;
    rig.advance('2026-01-01T03:00:00Z');
    expect(rig.view('a').state.skipped).toBe(3);
    expect(notices).toEqual([]);
  });
});

test('a follower says of each run what it is now, also that it ended', () => {
  const { rig, notices } = followed();
  rig.put({ name: 'a' });
  rig.trigger('a');
  rig.end('a');
  const runs = notices.flatMap((notice) => (notice.kind === 'run' ? [notice.run.state] : []));
  expect(runs).toEqual(['launching', 'running', 'succeeded']);
});
