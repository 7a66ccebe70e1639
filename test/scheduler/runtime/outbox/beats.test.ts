/** What services outside are told of runs: in order, for a minute, and again by a new leader. */

import { beforeEach, expect, test } from 'vitest';
import type { Notice, SchedulerHandle } from '../../../../src/scheduler/handle.ts';
import type { JobDefinition } from '../../../../src/scheduler/job/definition.ts';
import type { JobState, Run, RunState } from '../../../../src/scheduler/model/model.ts';
import { Beats } from '../../../../src/scheduler/runtime/outbox/beats.ts';
import { SimClock } from '../../../support/sim-clock.ts';

let clock: SimClock;
let told: string[];
let warnings: object[];
let answer: () => Error | null;
let notify: (notice: Notice) => void;
let heartbeat: JobDefinition['heartbeat'];
let last: JobState['last'];
let runs: Run[];

beforeEach(() => {
  clock = new SimClock(1_000_000);
  told = [];
  warnings = [];
  answer = () => null;
  heartbeat = { to: ['hc'] };
  last = null;
  runs = [];
  const jobs = {
    subscribe: (listener: (notice: Notice) => void) => {
      notify = listener;
      return () => undefined;
    },
    jobNames: () => ['a'],
    reader: () => ({ glance: () => ({ job: { definition: { heartbeat } }, state: { last }, runs }) }),
  } as unknown as SchedulerHandle;
  const log = { info() {}, error() {}, debug() {}, warn: (fields: object) => void warnings.push(fields) };
  const notifier = {
    receivers: new Set<string>(),
    start: async () => undefined,
    stop: async () => undefined,
    send: async () => undefined,
    beat: async (service: string, { run, beat }: { run: string; beat: string }) => {
      told.push(`${service} ${run} ${beat}`);
      const error = answer();
      if (error !== null) throw error;
    },
  };
  new Beats({ notifier, clock, log }, jobs);
  leader(true);
});

const leader = (leading: boolean): void => notify({ kind: 'leader', term: 1, leading });
const run = (id: string, state: RunState, startedAt: number | null = clock.now()): Run =>
  ({ id, job: 'a', state, attempts: startedAt === null ? [] : [{ startedAt }] }) as unknown as Run;
const happens = async (...some: Run[]): Promise<void> => {
  for (const each of some) notify({ kind: 'run', run: each });
  await clock.settle();
};

test('a start once, then how it ended', async () => {
  await happens(run('1', 'launching', null), run('1', 'running'), run('1', 'running'), run('1', 'succeeded'));
  await happens(run('2', 'running'), run('2', 'timed-out'));
  expect(told).toEqual(['hc 1 start', 'hc 1 success', 'hc 2 start', 'hc 2 failure']);
});

test('nothing of runs that did not run', async () => {
  await happens(run('1', 'skipped', null), run('2', 'missed', null), run('3', 'killed', null));
  expect(told).toEqual([]);
});

test('what the job says, and each service once', async () => {
  heartbeat = { to: ['hc', 'other', 'hc'], on: ['success'] };
  await happens(run('1', 'running'), run('1', 'succeeded'));
  expect(told).toEqual(['hc 1 success', 'other 1 success']);
  heartbeat = undefined;
  await happens(run('2', 'running'), run('2', 'succeeded'));
  expect(told).toHaveLength(2);
});

test('a service that does not respond is told again, in order, for a minute', async () => {
  answer = () => new Error('away');
  await happens(run('1', 'running'), run('1', 'succeeded'));
  expect(told).toEqual(['hc 1 start']);
  await clock.advance(7_000);
  expect(told).toEqual(['hc 1 start', 'hc 1 start', 'hc 1 start']);
  answer = () => null;
  await clock.advance(21_000);
  expect(told.slice(3)).toEqual(['hc 1 start', 'hc 1 success']);
  expect(warnings).toEqual([]);
});

test('what is too late is told nobody, and said in the log', async () => {
  answer = () => new Error('away');
  await happens(run('1', 'running'));
  await clock.advance(120_000);
  expect(told).toHaveLength(4);
  expect(warnings).toEqual([{ job: 'a', run: '1', beat: 'start', service: 'hc', reason: 'away' }]);
});

test('by the leader only', async () => {
  answer = () => new Error('away');
  await happens(run('1', 'running'));
  leader(false);
  await happens(run('1', 'succeeded'));
  await clock.advance(120_000);
  expect(told).toEqual(['hc 1 start']);
});

test('a new leader tells what happened in the last minute, which the last one may not have told', async () => {
  leader(false);
  const now = clock.now();
  last = { id: '1', state: 'succeeded', due: 0, endedAt: now - 59_000 };
  runs = [run('2', 'running', now - 1_000), run('3', 'running', now - 61_000)];
  leader(true);
  await happens(...runs);
  expect(told).toEqual(['hc 1 success', 'hc 2 start']);
  told = [];
  leader(false);
  last = { id: '1', state: 'succeeded', due: 0, endedAt: now - 61_000 };
  runs = [];
  leader(true);
  await clock.settle();
  expect(told).toEqual([]);
});

test('not more than a thousand wait', async () => {
  answer = () => new Error('away');
  for (let i = 0; i < 1_001; i++) notify({ kind: 'run', run: run(String(i), 'running') });
  await clock.settle();
  expect(warnings).toEqual([
    { job: 'a', run: '1000', beat: 'start', service: 'hc', reason: 'too many are waiting' },
  ]);
});
