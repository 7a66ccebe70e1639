import { describe, expect, test } from 'vitest';
import type { JobGlance } from '../../../src/scheduler/handle.ts';
import { freshState } from '../../../src/scheduler/model/fresh-state.ts';
import type { Attempt, Run } from '../../../src/scheduler/model/model.ts';
import { lateness } from '../../../src/scheduler/read/late.ts';
import { remainingMs, runTimes } from '../../../src/scheduler/stats/run-times.ts';
import { fold } from '../../../src/scheduler/stats/stats.ts';
import { wordsOf } from '../../support/in-words.ts';

const at = (text: string): number => Date.parse(`2026-11-21T${text}Z`);
const due = at('02:00:00');

/** Statistics of so many runs, each of which took `ms`. */
const stats = (count: number, ms: number) => {
  let folded = null;
  for (let n = 0; n < count; n++) folded = fold(folded, 'j', { runTime: ms }, due);
  return folded;
};

function run(parts: Partial<Run> = {}, startedAt: number | null = null): Run {
  const attempts =
    startedAt === null ? [] : [{ number: 1, createdAt: startedAt, startedAt, endedAt: null } as Attempt];
  const trigger = { kind: 'schedule' } as const;
  return {
    id: 'r',
    job: 'j',
    due,
    root: null,
    trigger,
    createdAt: due,
    state: startedAt === null ? 'queued' : 'running',
    reason: null,
    notBefore: null,
    attempts,
    ...parts,
  } as Run;
}

function job(parts: {
  runs?: Run[];
  expect?: object;
  schedule?: object;
  count?: number;
  tookMs?: number;
  due?: number | null;
  paused?: boolean;
  join?: boolean;
}): JobGlance {
  const state = freshState('j', 0);
  return {
    job: { name: 'j', definition: { name: 'j', run: {}, expect: parts.expect, schedule: parts.schedule } },
    state: {
      ...state,
      paused: parts.paused ? { at: 0, by: 'ada' } : null,
      join: parts.join ? { open: [], recent: [] } : null,
    },
    stats: stats(parts.count ?? 0, parts.tookMs ?? 0),
    schedule: null,
    fault: null,
    due: parts.due ?? null,
    runs: parts.runs ?? [],
  } as unknown as JobGlance;
}

const lacking = () => [{ due, parents: ['a', 'b'] }];

describe('a job is late', () => {
  test.each([
    [
      'when a run has not started a minute after it was due',
      job({ runs: [run()] }),
      '02:01:00',
      'not-started',
    ],
    [
      'when it has not started by startWithin',
      job({ runs: [run()], expect: { startWithin: 'PT5S' } }),
      '02:00:05',
      'not-started',
    ],
    [
      'when what its parents made due has not started a minute later',
      job({ runs: [run({ trigger: { kind: 'parents', runs: [] }, createdAt: at('03:00:00') })] }),
      '03:01:00',
      'not-started',
    ],
    [
      'when a run has not ended by finishBy',
      job({ runs: [run({}, due)], expect: { finishBy: '02:30' } }),
      '02:30:00',
      'not-ended',
    ],
    [
      'when it has not ended by finishBy in its own zone',
      job({ runs: [run({}, due)], expect: { finishBy: '06:00' }, schedule: { timezone: 'Europe/Berlin' } }),
      '05:00:00',
      'not-ended',
    ],
    [
      'when a rerun has not ended by the next finishBy, whatever day it stands for',
      job({
        runs: [
          run(
            {
              due: due - 86_400_000,
              root: 'j',
              trigger: { kind: 'rerun', by: 'ada', of: 'r' },
              createdAt: at('03:00:00'),
            },
            at('03:00:00'),
          ),
        ],
        expect: { finishBy: '04:30' },
      }),
      '04:30:00',
      'not-ended',
    ],
    [
      'when it runs twice as long as nearly all did',
      job({ runs: [run({}, due)], count: 10, tookMs: 60_000 }),
      '02:02:00.318',
      'not-ended',
    ],
    [
      'when it runs a minute that took a second',
      job({ runs: [run({}, due)], count: 10, tookMs: 1_000 }),
      '02:01:00',
      'not-ended',
    ],
    [
      'when finishBy has passed and parents are lacking',
      job({ join: true, expect: { finishBy: '02:30' } }),
      '02:30:00',
      'not-ended',
    ],
    ['when nobody decided about a due instant', job({ due }), '02:01:00', 'not-decided'],
  ])('%s', (_, late, since, kind) => {
    expect(lateness(late, at(since), lacking)).toBeNull();
    expect(lateness(late, at(since) + 1, lacking)).toMatchObject({ kind, since: at(since) });
  });
});

describe('a job is in time', () => {
  const never = at('23:00:00');
  test.each([
    ['while it waits for its next due instant', job({ due: never })],
    [
      'when it was started in time and too little is known of how long it takes',
      job({ runs: [run({}, due)], count: 9, tookMs: 1_000 }),
    ],
    ['while it is paused', job({ due, paused: true })],
    ['while its parents are lacking and it says nothing of its end', job({ join: true })],
  ])('%s', (_, inTime) => {
    expect(lateness(inTime, never, lacking)).toBeNull();
  });

  test('with finishBy on the next day when it was due after it', () => {
    const evening = job({
      runs: [run({ due: at('22:00:00') }, at('22:00:00'))],
      expect: { finishBy: '06:00' },
    });
    expect(lateness(evening, at('23:59:59'), lacking)).toBeNull();
    expect(lateness(evening, at('06:00:00') + 86_400_001, lacking)).not.toBeNull();
  });
});

test('a late job says why', () => {
  const waits = job({ runs: [run({ reason: { code: 'text', text: 'the pool etl is full' } })] });
  expect(wordsOf(lateness(waits, at('02:10:00'), lacking)?.reason)).toBe(
    'has not started: the pool etl is full',
  );
  const round = job({ join: true, expect: { finishBy: '02:30' } });
  expect(wordsOf(lateness(round, at('03:00:00'), lacking)?.reason)).toBe(
    'should have ended by 02:30 UTC, but a, b have not ended',
  );
});

test('what is left of a run is up to the first run time that it has not passed', () => {
  const times = { count: 10, p50Ms: 1_000, p95Ms: 3_000 };
  expect(remainingMs(times, 0)).toEqual({ p50: 1_000, p95: 3_000 });
  expect(remainingMs(times, 1_500)).toEqual({ p50: 1_500, p95: 1_500 });
  expect(remainingMs(times, 3_000)).toBeNull();
  expect(remainingMs(runTimes(null), 0)).toBeNull();
});
