/** What a follower knows of the leader's clock when it takes over. */

import { describe, expect, test } from 'vitest';
import type { Run } from '../../../src/scheduler/model/model.ts';
import type { Log, Store, Watcher } from '../../../src/scheduler/ports.ts';
import { Replica } from '../../../src/scheduler/runtime/replica.ts';
import { createMemoryBacking, createMemoryStore } from '../../../src/store/memory.ts';
import { Rig, testSettings } from '../../support/rig.ts';
import { SimClock } from '../../support/sim-clock.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const silent = { debug() {}, info() {}, warn() {}, error() {} } as unknown as Log;

const exactly = (ms: number | null) => (ms === null ? null : { leastMs: ms, mostMs: ms });

/** Null: an earlier release wrote it, without the time of its decision. */
type LoadedRun = readonly [which: number, behindMs: number | null];

/** A leader's store and a follower of it that may miss what is committed; `loaded` are runs that it began with. */
async function followed(...loaded: LoadedRun[]) {
  const clock = new SimClock(Date.parse('2026-01-01T10:00:00Z'));
  const backing = createMemoryBacking();
  const leader = createMemoryStore(backing);
  const term = await leader.campaign();
  const rig = new Rig('2026-01-01T10:00:00Z');
  rig.put({ name: 'a', policy: { overlap: 'allow' } });
  let watcher: Watcher | null = null;
  let misses = false;
  let maxAgeMs = 0;
  const inner = createMemoryStore(backing);
  const store: Store = {
    ...inner,
    watch: (own) => {
      watcher = own;
      return inner.watch({
        ...own,
        onWrites: (writes) => (misses ? undefined : own.onWrites(writes, maxAgeMs)),
      });
    },
  };
  const parts = { settings: testSettings, installation: 'memory', store, clock, log: silent, onNotices() {} };
  const replica = new Replica(parts, null);
  const running: Run[] = ['m1', 'm2'].map((variant) => {
    rig.trigger('a');
    return { ...structuredClone(rig.runOf('a', rig.view('a').runs.length - 1)), variant };
  });
  const [first] = running as [Run];
  // Nothing is counted of a run that waits.
  running.push({ ...first, id: `${first.id}-waits`, variant: 'm3', state: 'queued', attempts: [] });
  /** The leader writes these of its runs, and its clock shows `at`. */
  const writes = (at: number | null, ...which: number[]) =>
    leader.commit(term, [
      which.map((index) => {
        const { decidedAt: _, ...run } = running[index] as Run;
        return { kind: 'run', value: { ...run, ...(at !== null && { decidedAt: at }) } } as const;
      }),
    ]);
  /** The leader writes its job again. */
  const writesJob = () =>
    leader.commit(term, [
      [...rig.jobs.values()].map((job) => ({ kind: 'job', value: job, revision: null }) as never),
    ]);
  await writesJob();
  for (const [which, behindMs] of loaded)
    await writes(behindMs === null ? null : clock.now() - behindMs, which);
  await replica.load();
  return {
    clock,
    replica,
    writes,
    writesJob,
    miss: (isMissed: boolean) => {
      misses = isMissed;
      if (!isMissed) watcher?.onGap();
    },
    /** The maximum age of the commits that follow. */
    mayBeOld: (ms: number) => void (maxAgeMs = ms),
    ahead: async () => (await replica.takeOver()).clockAhead,
    /** A node that led with what was written, its clock `clockAheadMs` ahead of that, follows again. */
    after: async (clockAheadMs: number | null) => {
      const { state } = await replica.takeOver();
      const next = new Replica(parts, { state, clockAhead: exactly(clockAheadMs) });
      return { load: () => next.load(), ahead: async () => (await next.takeOver()).clockAhead };
    },
  };
}

test.each([
  ['nothing happened to the clocks', 0, 0, 0],
  ['all clocks were set back', -6 * HOUR_MS, -6 * HOUR_MS, 0],
  ['all clocks were set ahead', 6 * HOUR_MS, 6 * HOUR_MS, 0],
  ["only the leader's clock was set back", -6 * HOUR_MS, 0, 6 * HOUR_MS, MINUTE_MS],
  ["only this node's clock was set back", 0, -6 * HOUR_MS, -6 * HOUR_MS],
])('when %s while it missed what was committed, it knows', async (_, theirs, own, aheadMs, lateMs = 0) => {
  const { clock, replica, writes, miss, ahead } = await followed();
  await clock.advance(HOUR_MS);
  await writes(clock.now(), 0, 1, 2);
  await clock.advance(MINUTE_MS);
  miss(true);
  const begins = clock.now();
  clock.step(own);
  // A leader whose clock is set writes all that it counts time of.
  if (theirs !== 0) await writes(begins + theirs, 0, 1);
  miss(false);
  await replica.caughtUp();
  await clock.advance(10 * MINUTE_MS);
  // The missed decision was made at any time since the last known one.
  expect(await ahead()).toEqual({ leastMs: aheadMs - lateMs, mostMs: aheadMs });
});

test('what was missed and tells of no set clock makes nothing seem late', async () => {
  const { clock, replica, writes, miss, ahead } = await followed();
  await writes(clock.now(), 0, 1);
  miss(true);
  await clock.advance(MINUTE_MS);
  await writes(clock.now(), 0);
  await clock.advance(HOUR_MS);
  miss(false);
  await replica.caughtUp();
  expect(await ahead()).toEqual(exactly(0));
});

test.each([
  ['that had moved the instants of its runs to its clock', 0],
  ['that had decided nothing, its clock ahead', 5 * MINUTE_MS],
  ['that had decided nothing, its clock behind', -5 * MINUTE_MS],
])('a leader %s, leads again with the clock of these runs', async (_, aheadMs) => {
  const { clock, writes, after } = await followed();
  await writes(clock.now() - aheadMs, 0, 1);
  const again = await after(aheadMs);
  await again.load();
  await clock.advance(10 * MINUTE_MS);
  expect(await again.ahead()).toEqual(exactly(aheadMs));
});

test('a leader that was cut off leads again with the clock of another that decided for some time meanwhile', async () => {
  const { clock, writes, after } = await followed();
  await writes(clock.now(), 0, 1);
  await clock.advance(10_000);
  const again = await after(0);
  await writes(clock.now() - 5_000, 0, 1);
  await again.load();
  expect(await again.ahead()).toEqual({ leastMs: 0, mostMs: 5_000 });
});

test('a leader that did not notice that another took over leads again with the clock of the other', async () => {
  const { clock, writes, after } = await followed();
  await writes(clock.now(), 0);
  const again = await after(0);
  await writes(clock.now() - 5 * MINUTE_MS, 0, 1);
  await again.load();
  await clock.advance(10 * MINUTE_MS);
  expect(await again.ahead()).toEqual(exactly(5 * MINUTE_MS));
});

test.each([
  ['could be as late as it is', 5_200, 6_000, [0, 5_200]],
  ["is older than it can be late: the leader's clock is behind", 15_000, 5_000, [10_000, 15_000]],
  ['that shows two seconds less may have drifted', 2_000, 0, [0, 0]],
  ['that shows two seconds more may have drifted', -2_000, 0, [0, 0]],
  ['that shows more than two seconds less tells of a set clock', 2_001, 0, [2_001, 2_001]],
  ['that is late by all but two seconds may have drifted beside', 5_000, 3_000, [0, 5_000]],
  ['that is late by all but more than two seconds tells of a set clock', 5_000, 2_999, [2_001, 5_000]],
  ["is newer than this node's clock: the leader's is ahead", -5_200, 0, [-5_200, -5_200]],
  ["is newer than this node's clock, and could be late", -5_200, 60_000, [-5_200, -5_200]],
])('a decision %s', async (_, behindMs, ageMs, [leastMs, mostMs]) => {
  const { clock, writes, mayBeOld, ahead } = await followed();
  mayBeOld(ageMs);
  await writes(clock.now() - behindMs, 0);
  expect(await ahead()).toEqual({ leastMs, mostMs });
});

test('what arrived sooner shows how late a decision is', async () => {
  const { clock, writes, mayBeOld, ahead } = await followed();
  await writes(clock.now() - HOUR_MS, 0);
  await clock.advance(MINUTE_MS);
  mayBeOld(20_000);
  await writes(clock.now() - HOUR_MS - 15_000, 0);
  expect(await ahead()).toEqual({ leastMs: HOUR_MS, mostMs: HOUR_MS + 15_000 });
});

test('what arrived sooner shows that a decision is not late', async () => {
  const { clock, writes, mayBeOld, ahead } = await followed();
  await writes(clock.now() - HOUR_MS, 0);
  await clock.advance(MINUTE_MS);
  mayBeOld(20_000);
  await writes(clock.now() - HOUR_MS, 0);
  expect(await ahead()).toEqual(exactly(HOUR_MS));
});

test("what arrived before the leader's clock was set ahead shows nothing of how late a decision is", async () => {
  const { clock, writes, ahead } = await followed();
  await writes(clock.now() - HOUR_MS, 0);
  await clock.advance(MINUTE_MS);
  await writes(clock.now() - 10 * MINUTE_MS, 0);
  await clock.advance(10 * MINUTE_MS);
  expect(await ahead()).toEqual(exactly(10 * MINUTE_MS));
});

test.each<[string, (rig: Awaited<ReturnType<typeof followed>>) => Promise<void>]>([
  ['a change of a job', ({ writesJob }) => writesJob()],
  ['a run that an earlier release wrote', ({ writes }) => writes(null, 1)],
])('%s tells nothing of the clock', async (_, write) => {
  const rig = await followed();
  await rig.writes(rig.clock.now() - HOUR_MS, 0);
  await write(rig);
  expect(await rig.ahead()).toEqual(exactly(HOUR_MS));
});

test.each([
  ['the first is newer than another', [0, -6 * HOUR_MS], [1, -3 * HOUR_MS]],
  ['another is newer than the first', [0, -3 * HOUR_MS], [1, -6 * HOUR_MS]],
  ['nothing is counted of the newest', [0, -6 * HOUR_MS], [2, -9 * HOUR_MS]],
  ['an earlier release wrote another', [0, -6 * HOUR_MS], [1, null]],
] as [string, ...LoadedRun[]][])(
  "the newest counted run that it began with shows by how much the leader's clock is ahead, where %s",
  async (_, ...loaded) => {
    const { ahead } = await followed(...loaded);
    expect(await ahead()).toEqual(exactly(-6 * HOUR_MS));
  },
);

describe('a follower that has heard nothing of what was decided', () => {
  test('does not know the clock of the runs that it began with', async () => {
    const { clock, ahead } = await followed([0, 6 * HOUR_MS]);
    await clock.advance(MINUTE_MS);
    expect(await ahead()).toBeNull();
  });

  test.each([
    ['have decided yet', -6 * HOUR_MS],
    ['have decided any more', 6 * HOUR_MS],
  ])('learns it from a new run that its own clock cannot %s', async (_, aheadMs) => {
    const { clock, replica, writes, miss, ahead } = await followed([0, 6 * HOUR_MS]);
    miss(true);
    await writes(clock.now() - aheadMs, 1);
    miss(false);
    await replica.caughtUp();
    await clock.advance(10 * MINUTE_MS);
    expect(await ahead()).toEqual(exactly(aheadMs));
  });

  test('learns nothing from a new run that its own clock may have decided', async () => {
    const { clock, replica, writes, miss, ahead } = await followed([0, 6 * HOUR_MS]);
    miss(true);
    await clock.advance(MINUTE_MS);
    await writes(clock.now(), 1);
    await clock.advance(HOUR_MS);
    miss(false);
    await replica.caughtUp();
    expect(await ahead()).toBeNull();
  });
});

test('a node that did not know the clock of its runs and lost its leadership before its first decision does not know it', async () => {
  const { after } = await followed([0, 6 * HOUR_MS]);
  const again = await after(null);
  await again.load();
  expect(await again.ahead()).toBeNull();
});
