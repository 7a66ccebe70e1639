/** A follower's copy: loaded once, kept up with each commit, and loaded again when something was missed. */

import { expect, test } from 'vitest';
import type { Notice } from '../../../src/scheduler/handle.ts';
import type { Log, Store, Watcher } from '../../../src/scheduler/ports.ts';
import type { LoadedItem, Write } from '../../../src/scheduler/records/table.ts';
import { Replica } from '../../../src/scheduler/runtime/replica.ts';
import { createMemoryStore } from '../../../src/store/memory.ts';
import { Rig, testSettings } from '../../support/rig.ts';
import { SimClock } from '../../support/sim-clock.ts';

/** The writes by which a leader created the job. */
function created(name: string): Write[] {
  const rig = new Rig('2026-01-01T00:00:00Z');
  const writes: Write[] = [];
  const keep = rig.keep.bind(rig);
  rig.keep = (decision) => {
    writes.push(...decision.groups.flat());
    keep(decision);
  };
  rig.put({ name });
  return writes;
}

const loaded = (name: string): LoadedItem[] =>
  created(name).flatMap((write): LoadedItem[] => {
    if (write.kind === 'job') return [{ kind: 'job', value: write.value }];
    return write.kind === 'state' ? [{ kind: 'state', value: write.value }] : [];
  });

/** A replica of a store whose loads, commits and answers the test makes. */
function rig() {
  const clock = new SimClock(Date.parse('2026-01-01T00:00:00Z'));
  const loads: { resolve: (...items: LoadedItem[]) => void; reject: (error: Error) => void }[] = [];
  const watchers: Watcher[] = [];
  const stopped: Watcher[] = [];
  const notices: Notice[] = [];
  const logged: string[] = [];
  const told = { caughtUp: async (): Promise<void> => undefined };
  const store: Store = {
    ...createMemoryStore(),
    async *load() {
      yield await new Promise<LoadedItem[]>((resolve, reject) =>
        loads.push({ resolve: (...items) => resolve(items), reject }),
      );
    },
    watch: (watcher) => {
      watchers.push(watcher);
      return { caughtUp: () => told.caughtUp(), lagMs: () => 7, stop: () => void stopped.push(watcher) };
    },
  };
  const log: Log = {
    debug() {},
    info: (_, event) => void logged.push(event),
    error() {},
    warn: (_, event) => void logged.push(event),
  };
  const replica = new Replica(
    {
      settings: testSettings,
      installation: 'test',
      store,
      clock,
      log,
      onNotices: (some) => notices.push(...some),
    },
    null,
  );
  const jobs = (): string[] | null => replica.state && [...replica.state.jobs.keys()].sort();
  const commit = (name: string): void => watchers.at(-1)?.onWrites(structuredClone(created(name)), 0);
  return { clock, replica, loads, watchers, stopped, notices, logged, told, jobs, commit };
}

/** A replica that has loaded these jobs. */
async function loadedRig(...names: string[]): Promise<ReturnType<typeof rig>> {
  const all = rig();
  void all.replica.load();
  await all.clock.settle();
  all.loads[0]?.resolve(...names.flatMap(loaded));
  await all.clock.settle();
  return all;
}

/** Whether the promise was kept by now. */
function isDone(promise: Promise<unknown>): () => boolean {
  let done = false;
  void promise.then(
    () => (done = true),
    () => undefined,
  );
  return () => done;
}

test('there is no copy, and nothing is known of its age, until all of it is loaded', async () => {
  const { clock, replica, loads, jobs } = rig();
  const done = isDone(replica.load());
  await clock.settle();
  expect([done(), jobs(), replica.lagMs()]).toEqual([false, null, null]);
  loads[0]?.resolve(...loaded('a'));
  await clock.settle();
  expect([done(), jobs(), replica.lagMs()]).toEqual([true, ['a'], 7]);
});

test('what is committed while it is loaded is in the copy, whether or not it was loaded as well', async () => {
  const { clock, replica, loads, jobs, notices, commit } = rig();
  void replica.load();
  await clock.settle();
  commit('a');
  commit('b');
  loads[0]?.resolve(...loaded('a'));
  await clock.settle();
  expect(jobs()).toEqual(['a', 'b']);
  expect(notices).toEqual([]);
});

test('what is committed then is in the copy at once, and told', async () => {
  const { jobs, notices, commit } = await loadedRig();
  commit('b');
  expect(jobs()).toEqual(['b']);
  expect(notices).toMatchObject([{ kind: 'job', name: 'b', change: 'created' }]);
});

test('a first load that fails is told to whoever asked for it', async () => {
  const { clock, replica, loads, jobs } = rig();
  const load = replica.load();
  const refused = expect(load).rejects.toThrow('no store');
  await clock.settle();
  loads[0]?.reject(new Error('no store'));
  await refused;
  expect(jobs()).toBeNull();
});

test('after a gap the old copy is shown until the new one is whole, its age unknown', async () => {
  const { clock, replica, loads, watchers, stopped, jobs } = await loadedRig('a');
  watchers[0]?.onGap();
  await clock.settle();
  expect([jobs(), replica.lagMs()]).toEqual([['a'], null]);
  expect(stopped).toEqual([watchers[0]]);
  loads[1]?.resolve(...loaded('b'));
  await clock.settle();
  expect([jobs(), replica.lagMs()]).toEqual([['b'], 7]);
});

test('a copy that cannot be loaded again is tried each second', async () => {
  const { clock, loads, watchers, jobs, logged } = await loadedRig();
  watchers[0]?.onGap();
  await clock.settle();
  loads[1]?.reject(new Error('no store'));
  await clock.advance(999);
  expect(loads).toHaveLength(2);
  await clock.advance(1);
  loads[2]?.resolve(...loaded('b'));
  await clock.advance(10_000);
  expect([jobs(), loads.length, logged]).toEqual([
    ['b'],
    3,
    ['replica.not-loaded', 'replica.not-loaded-over'],
  ]);
});

test('a first load that failed is made good by the next', async () => {
  const { clock, replica, loads, jobs } = rig();
  const failed = expect(replica.load()).rejects.toThrow();
  await clock.settle();
  loads[0]?.reject(new Error('no store'));
  await failed;
  replica.loadAgain();
  await clock.settle();
  loads[1]?.resolve(...loaded('a'));
  await clock.settle();
  expect(jobs()).toEqual(['a']);
});

test('it has caught up when it is loaded and the store has told everything', async () => {
  const { clock, replica, loads, told } = rig();
  void replica.load();
  let tell = (): void => undefined;
  told.caughtUp = () => new Promise((resolve) => (tell = resolve));
  const done = isDone(replica.caughtUp());
  await clock.settle();
  loads[0]?.resolve();
  await clock.settle();
  expect(done()).toBe(false);
  tell();
  await clock.settle();
  expect(done()).toBe(true);
});

test('it has not caught up when a gap came in between: it is loaded first', async () => {
  const { clock, replica, loads, watchers, told, jobs } = await loadedRig();
  told.caughtUp = async () => {
    told.caughtUp = async () => undefined;
    watchers[0]?.onGap();
  };
  const done = isDone(replica.caughtUp());
  await clock.settle();
  expect(done()).toBe(false);
  loads[1]?.resolve(...loaded('b'));
  await clock.settle();
  expect([done(), jobs()]).toEqual([true, ['b']]);
});

test('a copy that was taken over is not kept up any more', async () => {
  const { replica, watchers, stopped, jobs, commit } = await loadedRig('a');
  const { state } = await replica.takeOver();
  commit('b');
  expect([jobs(), [...state.jobs.keys()]]).toEqual([['a'], ['a']]);
  expect(stopped).toEqual([watchers[0]]);
});

test('a copy that is stopped while it cannot be loaded is not tried any more', async () => {
  const { clock, replica, loads, watchers } = await loadedRig();
  watchers[0]?.onGap();
  await clock.settle();
  replica.stop();
  loads[1]?.reject(new Error('no store'));
  await clock.advance(10_000);
  expect(loads).toHaveLength(2);
});
