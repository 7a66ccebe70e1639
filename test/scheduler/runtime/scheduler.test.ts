/** One node: what it answers while it starts, leads, loses its leadership and stops. */

import { describe, expect, test } from 'vitest';
import { CarillonError } from '../../../src/errors.ts';
import type { Notice } from '../../../src/scheduler/handle.ts';
import type { Election, Launcher, Log, LogChunk, Member } from '../../../src/scheduler/ports.ts';
import { activityEvents } from '../../../src/scheduler/runtime/activity.ts';
import { Scheduler } from '../../../src/scheduler/runtime/scheduler.ts';
import { createMemoryBacking, createMemoryStore, type MemoryBacking } from '../../../src/store/memory.ts';
import { abilities } from '../../support/engines.ts';
import { createFakeLauncher, FakeEngine } from '../../support/fake-launcher.ts';
import { testMember } from '../../support/rig.ts';
import { SimClock } from '../../support/sim-clock.ts';

const START = Date.parse('2026-01-01T00:00:00Z');

/** An election that the test decides; each is of a newer term. */
function handElection(backing: MemoryBacking) {
  let elected = (_: number): void => undefined;
  let deposed = (_: string): void => undefined;
  const state = { fresh: true, started: 0, stopped: 0, leader: null as Member | null };
  const election: Election = {
    async start() {
      state.started += 1;
    },
    async stop() {
      state.stopped += 1;
    },
    onElected: (listener) => (elected = listener),
    onDeposed: (listener) => (deposed = listener),
    isFresh: () => state.fresh,
    members: () => [testMember],
    leader: () => state.leader,
    term: () => backing.term,
  };
  return {
    election,
    state,
    elect: () => {
      backing.term += 1;
      state.leader = testMember;
      elected(backing.term);
    },
    depose: (reason = 'another leads') => {
      state.leader = null;
      deposed(reason);
    },
  };
}

function node({
  host = null as string | null,
  backing = createMemoryBacking(),
  logs = ['out'],
  engines = ['process'],
} = {}) {
  const clock = new SimClock(START);
  const engine = new FakeEngine(clock);
  const hand = handElection(backing);
  const store = createMemoryStore(backing);
  const faults = {
    commit: null as Error | null,
    /** What is waited for: by a commit that is durable, by engines, and by a copy that is to catch up. */
    committed: Promise.resolve(),
    started: Promise.resolve(),
    inventory: Promise.resolve(),
    caughtUp: Promise.resolve(),
  };
  const logged: string[] = [];
  /** The fields of `logged`. */
  const fields: object[] = [];
  const elsewhere: string[] = [];
  const fatal: unknown[] = [];
  const notices: Notice[] = [];
  const note = (some: object, event: string): void => {
    // What happens to jobs has tests of its own.
    if (event in activityEvents) return;
    logged.push(event);
    fields.push(some);
  };
  const log: Log = { debug() {}, info: note, warn: note, error: note };
  const asked: string[] = [];
  const fake = createFakeLauncher(engine);
  const launcher: Launcher = {
    ...fake,
    start: () => faults.started,
    inventory: () => faults.inventory.then(() => fake.inventory()),
    stop: async () => void asked.push('stop'),
    async *logs(launchName): AsyncIterable<LogChunk> {
      asked.push(launchName);
      for (const text of logs) yield { stream: 'stdout', bytes: new TextEncoder().encode(text) };
    },
  };
  const process = {
    concurrency: null,
    abilities: abilities.process,
    tombstoneMs: 600_000,
    ...(host !== null && { host }),
  };
  const scheduler = new Scheduler({
    settings: { engines: { process }, pools: { etl: 2 } },
    installation: 'test',
    self: testMember,
    store: {
      ...store,
      commit: async (term, groups) => {
        if (faults.commit !== null) throw faults.commit;
        await store.commit(term, groups);
        await faults.committed;
      },
      watch: (watcher) => ({
        ...store.watch(watcher),
        caughtUp: () => faults.caughtUp,
      }),
    },
    election: hand.election,
    launchers: engines.map((name) => ({ ...launcher, engine: name })),
    elsewhere: (there) => ({
      ...launcher,
      inventory: () => new Promise(() => undefined),
      kill: async (launchName) => void elsewhere.push(`kill ${launchName} on ${there.engine}@${there.host}`),
    }),
    clock,
    log,
    startsInFlight: 2,
    onFatal: (error) => fatal.push(error),
  });
  scheduler.subscribe((notice) => notices.push(notice));
  const put = async (name: string, more: object = {}): Promise<unknown> => {
    const answer = scheduler.submit({
      kind: 'put-job',
      definition: { name, run: { command: 'true' }, ...more },
      mode: 'replace',
      by: 'ann',
      source: 'test',
    });
    answer.catch(() => undefined);
    await clock.settle();
    return answer;
  };
  const trigger = async (name: string) => {
    const answer = scheduler.submit({ kind: 'trigger', name, triggerId: 'abcd', params: {}, by: 'ann' });
    await clock.settle();
    return answer;
  };
  const start = async (): Promise<void> => {
    await scheduler.start();
    await clock.settle();
  };
  const lead = async (): Promise<void> => {
    await start();
    hand.elect();
    await clock.settle();
  };
  return {
    ...hand,
    clock,
    engine,
    scheduler,
    faults,
    logged,
    fields,
    fatal,
    notices,
    asked,
    elsewhere,
    put,
    trigger,
    start,
    lead,
  };
}

const read = async (chunks: AsyncIterable<LogChunk>): Promise<string[]> => {
  const texts: string[] = [];
  for await (const { bytes } of chunks) texts.push(new TextDecoder().decode(bytes));
  return texts;
};

describe('a node', () => {
  test('that has not started has no copy to answer from', () => {
    const { scheduler } = node();
    expect(() => scheduler.jobCount()).toThrow(
      expect.objectContaining({
        code: 'STORE_UNAVAILABLE',
        message: 'This node has not loaded its copy of the state yet.',
      }),
    );
    expect(scheduler.cluster()).toMatchObject({ role: 'starting', term: 0, lagMs: null, takeover: null });
  });

  test('that has started follows: it answers, and takes no commands', async () => {
    const { scheduler, start, put } = node();
    await start();
    expect(scheduler.jobCount()).toBe(0);
    expect(scheduler.cluster()).toMatchObject({
      role: 'follower',
      leader: null,
      self: testMember,
      members: [testMember],
      lagMs: 0,
      store: { reachable: true },
    });
    expect(scheduler.leadership()).toEqual({ term: 0, leading: false });
    await expect(put('a')).rejects.toMatchObject({
      code: 'NOT_LEADING',
      message: 'This node does not lead at the moment. Retry shortly.',
    });
  });

  test('that is elected leads, and says so', async () => {
    const { scheduler, lead, put, notices, logged, fields } = node();
    await lead();
    expect(scheduler.leadership()).toEqual({ term: 1, leading: true });
    expect(scheduler.cluster()).toMatchObject({
      role: 'leader',
      term: 1,
      leader: testMember,
      lagMs: 0,
      takeover: { at: START, tookMs: 0, term: 1 },
      unled: false,
    });
    expect(notices).toEqual([{ kind: 'leader', term: 1, leading: true }]);
    expect([logged, fields]).toEqual([['leadership.begun'], [{ term: 1, jobs: 0, tookMs: 0 }]]);
    await put('a');
    expect(notices.at(-1)).toMatchObject({ kind: 'job', name: 'a', change: 'created' });
    expect([...scheduler.jobNames(null)]).toEqual(['a']);
  });

  test('that is deposed follows with everything that it wrote', async () => {
    const { clock, scheduler, lead, put, depose, notices, logged, fields } = node();
    await lead();
    await put('a');
    depose();
    await clock.settle();
    expect(notices.at(-1)).toEqual({ kind: 'leader', term: 1, leading: false });
    expect([logged.at(-1), fields.at(-1)]).toEqual([
      'leadership.ended',
      { term: 1, reason: 'another leads' },
    ]);
    expect([scheduler.cluster().role, scheduler.jobCount()]).toEqual(['follower', 1]);
    await expect(put('b')).rejects.toMatchObject({ code: 'NOT_LEADING' });
  });

  test('that is elected again leads with a newer term', async () => {
    const { clock, scheduler, lead, put, depose, elect, engine } = node();
    await lead();
    await put('a');
    depose();
    elect();
    await clock.settle();
    expect(scheduler.leadership()).toEqual({ term: 2, leading: true });
    expect(scheduler.jobCount()).toBe(1);
    expect(engine.started).toEqual([]);
  });

  test('whose commit fails leads no more, and stands again a second later', async () => {
    const { clock, scheduler, lead, put, faults, state, fatal, logged, fields } = node();
    await lead();
    await put('a');
    faults.commit = new CarillonError('STORE_UNAVAILABLE', 'the disk is full');
    await expect(put('b')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await clock.settle();
    expect([logged.slice(1), fields.slice(1)]).toEqual([
      ['leadership.broken', 'leadership.ended'],
      [
        { code: 'STORE_UNAVAILABLE', cause: 'the disk is full', failures: 1 },
        { term: 1, reason: 'the disk is full' },
      ],
    ]);
    // What was not written is not there.
    expect([scheduler.leadership().leading, [...scheduler.jobNames(null)]]).toEqual([false, ['a']]);
    await clock.advance(999);
    expect(state).toMatchObject({ started: 1, stopped: 1 });
    expect(logged).not.toContain('leadership.broken-over');
    await clock.advance(1);
    expect([state.started, fatal, logged.at(-1)]).toEqual([2, [], 'leadership.broken-over']);
  });

  test('whose commit fails does not stand again once it is stopped', async () => {
    const { clock, scheduler, lead, put, faults, state } = node();
    await lead();
    faults.commit = new CarillonError('STORE_UNAVAILABLE', 'the disk is full');
    await expect(put('b')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await scheduler.stop();
    await clock.advance(5_000);
    expect(state.started).toBe(1);
  });

  test('that waits for an engine tells how long its takeover took', async () => {
    const { clock, scheduler, lead, faults } = node();
    faults.inventory = new Promise(() => undefined);
    await clock.advance(1_000);
    await lead();
    await clock.advance(4_999);
    expect(scheduler.cluster()).toMatchObject({ role: 'starting', takeover: null });
    expect(scheduler.leadership()).toEqual({ term: 1, leading: false });
    await clock.advance(1);
    expect(scheduler.cluster()).toMatchObject({
      role: 'leader',
      takeover: { at: START + 6_000, tookMs: 5_000, term: 1 },
    });
  });

  test.each<[string, Error]>([
    ['a store that is damaged', new CarillonError('STORE_DAMAGED', 'a page is missing')],
    ['a fault of the program', new TypeError('undefined is not a function')],
  ])('that meets %s ends', async (_, error) => {
    const { clock, lead, put, faults, fatal, state, logged, fields } = node();
    await lead();
    faults.commit = error;
    await expect(put('b')).rejects.toBe(error);
    await clock.advance(5_000);
    expect([fatal, state.started]).toEqual([[error], 1]);
    expect([logged.at(-1), fields.at(-1)]).toEqual(['leadership.broken', { error }]);
  });

  test('that stops leads no more, and does not stand again', async () => {
    const { clock, scheduler, lead, put, notices, state, elect, asked, fields } = node();
    await lead();
    await put('a');
    const stopped = scheduler.stop();
    await clock.settle();
    await stopped;
    await scheduler.stop();
    expect(notices.filter((each) => each.kind === 'leader')).toEqual([
      { kind: 'leader', term: 1, leading: true },
      { kind: 'leader', term: 1, leading: false },
    ]);
    expect([asked, state.stopped, fields.at(-1)]).toEqual([['stop'], 1, { term: 1, reason: 'stopping' }]);
    expect(scheduler.jobCount()).toBe(1);
    elect();
    await clock.advance(5_000);
    expect([scheduler.leadership().leading, state.started]).toEqual([false, 1]);
  });

  test('that is stopped while an engine starts does not stand for election', async () => {
    const { clock, scheduler, start, faults, state } = node();
    let go = (): void => undefined;
    faults.started = new Promise((resolve) => (go = resolve));
    const started = start();
    await clock.settle();
    await scheduler.stop();
    go();
    await started;
    expect(state.started).toBe(0);
    expect(scheduler.cluster().role).toBe('starting');
  });

  test('that follows tells what the leader has written', async () => {
    const backing = createMemoryBacking();
    const [leader, follower] = [node({ backing }), node({ backing })];
    await leader.lead();
    await follower.start();
    await leader.put('a');
    await follower.clock.settle();
    expect(follower.notices).toMatchObject([{ kind: 'job', name: 'a', change: 'created' }]);
  });

  test.each([
    ['on its own engine', 'n1'],
    ['on an engine that every node reaches', null],
  ])('reaches what was launched %s itself', async (_, host) => {
    const { clock, engine, scheduler, lead, put, trigger, elsewhere } = node({ host });
    await lead();
    await put('a');
    const { id } = await trigger('a');
    void scheduler.submit({ kind: 'kill', runId: id, by: 'ann' });
    await clock.settle();
    expect([engine.kills, elsewhere]).toEqual([[engine.newest('a')], []]);
  });

  test('reaches what another node launched through that node', async () => {
    const backing = createMemoryBacking();
    const first = node({ host: 'n1', backing });
    await first.lead();
    await first.put('a');
    const { id } = await first.trigger('a');
    const second = node({ host: 'n2', backing });
    await second.lead();
    void second.scheduler.submit({ kind: 'kill', runId: id, by: 'ann' });
    await second.clock.settle();
    expect(second.elsewhere).toEqual([`kill ${first.engine.newest('a')} on process@n1`]);
    expect([first.engine.kills, second.engine.kills]).toEqual([[], []]);
  });

  test('goes on when one that watches it throws', async () => {
    const { scheduler, lead, put, logged, fields, notices } = node();
    const late: Notice[] = [];
    const error = new Error('full');
    scheduler.subscribe(() => {
      throw error;
    });
    scheduler.subscribe((notice) => late.push(notice));
    await lead();
    await put('a');
    expect(logged.filter((event) => event === 'notice.listener-failed')).toHaveLength(2);
    expect(fields.at(-1)).toEqual({ error, kind: 'job' });
    expect(late).toEqual(notices);
  });

  test('tells those no more who do not watch any longer', async () => {
    const { scheduler, lead } = node();
    const seen: Notice[] = [];
    scheduler.subscribe((notice) => seen.push(notice))();
    await lead();
    expect(seen).toEqual([]);
  });
});

test('a node that nobody leads says so after a while, and no more once it leads', async () => {
  const { clock, scheduler, start, elect } = node();
  await start();
  const looks: boolean[] = [];
  for (let i = 0; i < 10; i++) {
    looks.push(scheduler.cluster().unled);
    await clock.advance(5_000);
  }
  expect([looks[0], looks.at(-1)]).toEqual([false, true]);
  elect();
  await clock.settle();
  expect(scheduler.cluster().unled).toBe(false);
});

describe('a run', () => {
  test('is known while it is under way and when it has ended, and nobody can change what is known', async () => {
    const { clock, engine, scheduler, lead, put, trigger } = node();
    await lead();
    await put('a');
    const { id } = await trigger('a');
    const shown = await scheduler.run(id);
    shown.state = 'failed';
    expect((await scheduler.run(id)).state).toBe('running');
    expect([...scheduler.liveRuns()].map((run) => run.id)).toEqual([id]);
    expect(scheduler.liveRun(id)?.state).toBe('running');
    engine.exit(engine.newest('a'), 0);
    await clock.settle();
    expect((await scheduler.run(id)).state).toBe('succeeded');
    expect([...scheduler.liveRuns()]).toEqual([]);
  });

  test('is known while its end is being written', async () => {
    const { clock, engine, scheduler, lead, put, trigger, faults } = node();
    await lead();
    await put('a');
    const { id } = await trigger('a');
    let written = (): void => undefined;
    faults.committed = new Promise((resolve) => (written = resolve));
    engine.exit(engine.newest('a'), 0);
    await clock.settle();
    expect(scheduler.liveRun(id)).toBeUndefined();
    expect([...scheduler.liveRuns()].map(({ state }) => state)).toEqual(['succeeded']);
    written();
    await clock.settle();
    expect([...scheduler.liveRuns()]).toEqual([]);
  });

  test('that was rerun by a request and has ended is the answer when the request is repeated', async () => {
    const { clock, engine, scheduler, lead, put, trigger } = node();
    await lead();
    await put('a');
    const { id } = await trigger('a');
    engine.exit(engine.newest('a'), 1);
    await clock.settle();
    const run = await scheduler.run(id);
    const rerun = async (triggerId: string) => {
      const answer = scheduler.submit({ kind: 'rerun', run, triggerId, by: 'ann' });
      await clock.settle();
      return answer;
    };
    const first = await rerun('efgh');
    engine.exit(engine.newest('a'), 0);
    await clock.settle();
    expect(await rerun('efgh')).toMatchObject({ id: first.id, state: 'succeeded' });
    expect(engine.started).toHaveLength(2);
    expect((await rerun('ijkl')).id).not.toBe(first.id);
    expect(engine.started).toHaveLength(3);
  });

  test('that never was is not found', async () => {
    const { scheduler, lead } = node();
    await lead();
    await expect(scheduler.run('a.x')).rejects.toMatchObject({
      code: 'RUN_NOT_FOUND',
      details: { field: 'id', value: 'a.x' },
      message: expect.stringContaining("'a.x'"),
    });
  });
});

describe('the output of a run', () => {
  async function started(options: Parameters<typeof node>[0] = {}) {
    const all = node(options);
    await all.lead();
    await all.put('a', { policy: { retries: { limit: 1, delay: 'PT1S', jitter: false } } });
    const { id } = await all.trigger('a');
    return { ...all, id };
  }

  test('is that of its newest attempt, or of the one that is named', async () => {
    const { clock, engine, scheduler, id, asked } = await started();
    const first = engine.newest('a');
    engine.exit(first, 1);
    await clock.advance(1_000);
    expect(await read(scheduler.logs(id, {}))).toEqual(['out']);
    await read(scheduler.logs(id, { attempt: 1 }));
    await read(scheduler.logs(id, { attempt: 2 }));
    expect(asked).toEqual([engine.newest('a'), first, engine.newest('a')]);
  });

  test('of an attempt that never was is not found', async () => {
    const { scheduler, id } = await started();
    await expect(read(scheduler.logs(id, { attempt: 2 }))).rejects.toMatchObject({
      code: 'RUN_NOT_FOUND',
      message: expect.stringContaining(id),
      details: { field: 'attempt', value: 2, allowed: ['1'] },
    });
  });

  test('is none while it has no attempt, and where none started', async () => {
    const all = node();
    await all.lead();
    await all.put('a', { policy: { pool: 'etl' } });
    all.engine.refuse = () => 'no such image';
    const { id } = await all.trigger('a');
    await all.clock.settle();
    expect((await all.scheduler.run(id)).state).toBe('failed');
    expect(await read(all.scheduler.logs(id, {}))).toEqual([]);
    expect(await read(all.scheduler.logs(id, { follow: true }))).toEqual([]);
    expect(all.asked).toEqual([]);
  });

  test('that another node keeps is not here', async () => {
    const backing = createMemoryBacking();
    const { id } = await started({ host: 'n1', backing });
    const other = node({ host: 'n2', backing });
    await other.start();
    await expect(read(other.scheduler.logs(id, {}))).rejects.toMatchObject({
      code: 'LOGS_GONE',
      message: expect.stringContaining('n1'),
      details: { field: 'host', value: 'n1' },
    });
    // For what the launcher here has of it.
    expect(await read(other.scheduler.logs(id, { anywhere: true }))).toEqual(['out']);
    const same = node({ host: 'n1', backing });
    await same.start();
    expect(await read(same.scheduler.logs(id, {}))).toEqual(['out']);
  });

  test('of an engine that is no longer configured is gone', async () => {
    const backing = createMemoryBacking();
    const { id } = await started({ backing });
    const other = node({ backing, engines: [] });
    await other.start();
    await expect(read(other.scheduler.logs(id, {}))).rejects.toMatchObject({
      code: 'LOGS_GONE',
      message: "The engine 'process' is no longer configured.",
    });
  });

  test('that is followed is that of this run, whatever other runs start before', async () => {
    const { clock, engine, scheduler, lead, put, trigger, asked } = node();
    await lead();
    for (const name of ['a', 'b', 'c']) await put(name, { policy: { pool: 'etl' } });
    await put('d');
    const [, , { id }] = [await trigger('a'), await trigger('b'), await trigger('c')];
    const texts = read(scheduler.logs(id, { follow: true }));
    await trigger('d');
    expect(asked).toEqual([]);
    engine.exit(engine.newest('a'), 0);
    await clock.settle();
    expect([await texts, asked]).toEqual([['out'], [engine.newest('c')]]);
  });

  test('that is followed begins when the run has started', async () => {
    const all = node();
    await all.lead();
    await all.put('a');
    all.engine.down = true;
    const { id } = await all.trigger('a');
    let texts: string[] | null = null;
    void read(all.scheduler.logs(id, { follow: true })).then((some) => (texts = some));
    await all.clock.settle();
    expect(texts).toBeNull();
    all.engine.down = false;
    await all.clock.advance(10_000);
    expect(texts).toEqual(['out']);
  });

  test('that is followed says when it may go on, because the node stops', async () => {
    const { scheduler, id } = await started();
    const texts: number[] = [];
    const followed = async (): Promise<void> => {
      for await (const { bytes } of scheduler.logs(id, { follow: true })) {
        texts.push(bytes.length);
        void scheduler.stop();
      }
    };
    await expect(followed()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('is stopping'),
    });
    expect(texts).toEqual([3]);
    expect(await read(scheduler.logs(id, {}))).toEqual(['out']);
  });

  test('that is followed is none when the reader goes away before', async () => {
    const all = node();
    await all.lead();
    await all.put('a');
    all.engine.down = true;
    const { id } = await all.trigger('a');
    const reader = new AbortController();
    const texts = read(all.scheduler.logs(id, { follow: true, signal: reader.signal }));
    await all.clock.settle();
    reader.abort();
    expect(await texts).toEqual([]);
  });
});

describe('what another node asks of an engine here', () => {
  test('is for the leader to do itself, where this node leads', async () => {
    const { scheduler, lead } = node();
    await lead();
    expect(() => scheduler.local('process')).toThrow(expect.objectContaining({ code: 'NOT_LEADING' }));
  });

  test('is answered by the engine, where there is one', async () => {
    const { scheduler, start } = node();
    await start();
    expect(await scheduler.local('process').inventory()).toEqual([]);
    expect(() => scheduler.local('docker')).toThrow(
      expect.objectContaining({
        code: 'ENGINE_NOT_CONFIGURED',
        details: { field: 'engine', value: 'docker', allowed: ['process'] },
        message: expect.stringContaining("'docker'"),
      }),
    );
  });
});

describe('a node has caught up', () => {
  test('when it leads', async () => {
    const { scheduler, lead } = node();
    await lead();
    expect(await scheduler.caughtUp(1_000)).toBe(true);
  });

  test('not before it has begun', async () => {
    expect(await node().scheduler.caughtUp(1_000)).toBe(false);
  });

  test.each<[string, Promise<void>, boolean]>([
    ['with what was committed, when it follows', Promise.resolve(), true],
    ['not where the store does not answer in time', new Promise(() => undefined), false],
  ])('%s', async (_, answer, isCaughtUp) => {
    const { clock, scheduler, start, faults } = node();
    await start();
    faults.caughtUp = answer;
    const caughtUp = scheduler.caughtUp(1_000);
    await clock.advance(1_000);
    expect(await caughtUp).toBe(isCaughtUp);
  });

  test('not where the store fails', async () => {
    const { scheduler, start, faults } = node();
    await start();
    faults.caughtUp = Promise.reject(new CarillonError('STORE_UNAVAILABLE', 'no store'));
    expect(await scheduler.caughtUp(1_000)).toBe(false);
  });
});

test('engines, pools, the clock and a backup are those of the node', async () => {
  const { scheduler, lead, put, clock } = node();
  await lead();
  await put('a', { policy: { pool: 'etl' } });
  await clock.advance(1_000);
  expect(scheduler.now()).toBe(START + 1_000);
  expect(await scheduler.engines()).toMatchObject([{ name: 'process', reachable: true, startQueue: 0 }]);
  expect(scheduler.pools()).toEqual([{ name: 'etl', places: 2, taken: 0, queued: 0 }]);
  expect(scheduler.job('a')).toMatchObject({ job: { name: 'a' } });
  const parts: Uint8Array[] = [];
  for await (const part of scheduler.backup()) parts.push(part);
  expect(parts.length).toBeGreaterThan(0);
});
