/** What a leadership asks of the engines when it begins, and that time is let in only then. */

import { describe, expect, test, vi } from 'vitest';
import type { Launcher, LaunchReport, Log } from '../../../src/scheduler/ports.ts';
import { Leadership } from '../../../src/scheduler/runtime/leadership.ts';
import type { EngineOf } from '../../../src/scheduler/runtime/perform.ts';
import { State } from '../../../src/scheduler/state/state.ts';
import { createMemoryStore } from '../../../src/store/memory.ts';
import { abilities } from '../../support/engines.ts';
import { createFakeLauncher, FakeEngine } from '../../support/fake-launcher.ts';
import { Rig, testMember, testSettings } from '../../support/rig.ts';
import { SimClock } from '../../support/sim-clock.ts';

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
const hour = 3_600_000;

const exactly = (ms: number | null) => (ms === null ? null : { leastMs: ms, mostMs: ms });

/** A leadership over what another leader, on the node `n1`, has written in the hour before. */
async function following(
  former: (rig: Rig) => void,
  { host = 'n1', clockAheadMs = 0 as number | null, startsInFlight = undefined as number | undefined } = {},
) {
  const process = {
    concurrency: null,
    abilities: abilities.process,
    tombstoneMs: 60_000,
    host: 'n1',
    ...(startsInFlight !== undefined && { startsInFlight }),
  };
  const rig = new Rig('2026-01-01T00:00:00Z', { ...testSettings, engines: { process } });
  former(rig);
  process.host = host;
  const state = new State(rig.settings, 'test');
  const copy = <T>(values: Iterable<T>): T[] => structuredClone([...values]);
  state.load(copy(rig.jobs.values()).map((job) => ({ kind: 'job', value: job })));
  state.load(copy(rig.states.values()).map((each) => ({ kind: 'state', value: each })));
  state.load(copy(rig.live.values()).map((run) => ({ kind: 'run', value: run })));
  state.ready();
  const clock = new SimClock(rig.now);
  const engine = new FakeEngine(clock);
  const asked: string[] = [];
  const wanted: ((launchName: string) => boolean)[] = [];
  const held = {
    inventory: async (): Promise<LaunchReport[]> => [],
    /** What other nodes have. */
    elsewhere: [] as LaunchReport[],
    launch: async (_: string): Promise<void> => undefined,
    /** Whether each launch may still begin. */
    mayStart: [] as (() => boolean)[],
  };
  const launcher: Launcher = {
    ...createFakeLauncher(engine),
    inventory: (isWanted) => {
      asked.push('here');
      if (isWanted !== undefined) wanted.push(isWanted);
      return held.inventory();
    },
    launch: async (spec, mayStart) => {
      if (mayStart !== undefined) held.mayStart.push(mayStart);
      await held.launch(spec.launchName);
      engine.start(spec);
    },
  };
  const engineOf: EngineOf = ({ host: at }) => ({
    ...launcher,
    inventory: async () => {
      asked.push(at ?? 'everywhere');
      return held.elsewhere;
    },
  });
  const store = createMemoryStore();
  const term = await store.campaign();
  const broken: unknown[] = [];
  const leadership = new Leadership({
    send: async () => undefined,
    unledMs: 0,
    commits: () => ({ times: { bounds: [], counts: [], sum: 0 }, failed: 0 }),
    term,
    clockAhead: exactly(clockAheadMs),
    state,
    store,
    clock,
    log: silent,
    startsInFlight: 2,
    launchers: new Map([['process', launcher]]),
    engineOf,
    self: testMember,
    members: () => [],
    isFresh: () => true,
    onNotices() {},
    onBroken: (error) => broken.push(error),
  });
  const begun = { yes: false };
  const begin = async (): Promise<void> => {
    void leadership.begin().then(() => {
      begun.yes = true;
    });
    await clock.settle();
  };
  return { rig, state, clock, engine, asked, wanted, held, leadership, begun, begin, broken };
}

const running = (rig: Rig): void => {
  rig.put({ name: 'a', policy: { overlap: 'allow', retries: { limit: 1, delay: 'PT1M' } } });
  rig.trigger('a');
  rig.begin('a');
};

describe('an engine that is asked what it has', () => {
  test.each<[string, boolean, (rig: Rig) => string]>([
    [
      'an unfinished run is wanted',
      true,
      (rig) => {
        running(rig);
        return rig.runOf('a').attempts[0]?.launchName ?? '';
      },
    ],
    [
      'a run that has ended is not',
      false,
      (rig) => {
        running(rig);
        const { launchName = '' } = rig.runOf('a').attempts[0] ?? {};
        rig.end('a');
        return launchName;
      },
    ],
    ['no run that is known is not', false, () => 'of-another-time'],
  ])('is told that a launch of %s', async (_, isWanted, launchOf) => {
    let launchName = '';
    const { wanted, begin } = await following((rig) => {
      launchName = launchOf(rig);
    });
    await begin();
    expect(wanted.map((each) => each(launchName))).toEqual([isWanted]);
  });
});

describe('a leadership that begins', () => {
  test('is ready, and lets time in, once every engine has answered', async () => {
    let answer = (_: LaunchReport[]): void => undefined;
    const { clock, engine, held, leadership, begun, begin } = await following((rig) =>
      rig.put({ name: 'a', schedule: { cron: '* * * * * *' } }),
    );
    held.inventory = () => new Promise((resolve) => (answer = resolve));
    await begin();
    await clock.advance(3_000);
    expect([begun.yes, leadership.ready, engine.started.length]).toEqual([false, false, 0]);
    answer([]);
    await clock.advance(0);
    expect([begun.yes, leadership.ready]).toEqual([true, true]);
    await clock.advance(1_000);
    expect(engine.started.length).toBeGreaterThan(0);
  });

  test('goes on after five seconds without an answer', async () => {
    const { clock, held, leadership, begin } = await following(running);
    held.inventory = () => new Promise(() => undefined);
    await begin();
    await clock.advance(4_999);
    expect(leadership.ready).toBe(false);
    await clock.advance(1);
    expect(leadership.ready).toBe(true);
  });

  test('lets no time in when it has ended meanwhile', async () => {
    let answer = (_: LaunchReport[]): void => undefined;
    const { clock, engine, held, leadership, begin } = await following((rig) =>
      rig.put({ name: 'a', schedule: { cron: '* * * * * *' } }),
    );
    held.inventory = () => new Promise((resolve) => (answer = resolve));
    await begin();
    await leadership.end();
    const timers = vi.spyOn(clock, 'after');
    answer([]);
    await clock.advance(5_000);
    expect([leadership.ready, engine.started]).toEqual([false, []]);
    expect(timers).not.toHaveBeenCalled();
  });

  test('is not ready any more once it has ended', async () => {
    const { leadership, begin } = await following(running);
    await begin();
    expect(leadership.ready).toBe(true);
    await leadership.end();
    expect(leadership.ready).toBe(false);
  });
});

describe('a leadership that ends', () => {
  test('waits for the answer to each start that is under way', async () => {
    const { clock, held, leadership, begin } = await following((rig) => {
      rig.put({ name: 'a' });
      rig.trigger('a');
    });
    let answer = (): void => undefined;
    held.launch = () => new Promise((resolve) => (answer = resolve));
    await begin();
    let ended = false;
    void leadership.end().then(() => (ended = true));
    await clock.advance(60_000);
    expect(ended).toBe(false);
    answer();
    await clock.settle();
    expect(ended).toBe(true);
  });

  test('asks no engine any more, and decides no due time', async () => {
    const { clock, asked, engine, leadership, begin } = await following((rig) => {
      running(rig);
      rig.put({ name: 'b', schedule: { cron: '* * * * *' } });
    });
    await begin();
    await leadership.end();
    await clock.advance(120_000);
    expect([asked, engine.started]).toEqual([['here'], []]);
  });
});

test.each<[string, number[], boolean[]]>([
  ['while it is waited for', [], [true]],
  ['no more once it has ended', [0], [false]],
  ['no more once the next one is waited for', [1], [false, true]],
])('an attempt may begin %s', async (_, exitCodes, mayStart) => {
  const { clock, held, leadership, begin } = await following((rig) => {
    rig.put({ name: 'a', policy: { retries: { limit: 1, delay: 'PT0S', jitter: false } } });
    rig.trigger('a');
  });
  const launched: string[] = [];
  held.launch = (launchName) => {
    launched.push(launchName);
    return new Promise(() => undefined);
  };
  await begin();
  const at = clock.now();
  for (const exitCode of exitCodes) {
    const observation = { kind: 'ended', launchName: launched[0] ?? '', at, exitCode } as const;
    leadership.loop.post({ kind: 'observed', now: at, observation });
  }
  await clock.advance(1_000);
  expect(held.mayStart.map((each) => each())).toEqual(mayStart);
});

test.each([
  ['as its own setting says', 1, 1],
  ['as the default says, without a setting of its own', undefined, 2],
])('an engine gets as many starts at a time %s', async (_, startsInFlight, count) => {
  const { held, begin } = await following(
    (rig) => {
      rig.put({ name: 'a', policy: { overlap: 'allow' } });
      for (let i = 0; i < 3; i++) rig.trigger('a');
    },
    { startsInFlight },
  );
  const starts: string[] = [];
  held.launch = (launchName) => {
    starts.push(launchName);
    return new Promise(() => undefined);
  };
  await begin();
  expect(starts).toHaveLength(count);
});

describe('the engine of another node is asked', () => {
  test.each<[string, string[], (rig: Rig) => void]>([
    ['while a run of ours runs there', ['here', 'n1'], running],
    [
      'while one may be starting there',
      ['here', 'n1'],
      (rig) => {
        rig.put({ name: 'a' });
        rig.trigger('a');
      },
    ],
    [
      'once, however many run there',
      ['here', 'n1'],
      (rig) => {
        running(rig);
        rig.trigger('a');
      },
    ],
    [
      'not for an attempt that is over',
      ['here'],
      (rig) => {
        running(rig);
        rig.end('a', 1);
      },
    ],
    [
      'not for an attempt on an engine that every node reached',
      ['here'],
      (rig) => {
        Object.assign(rig.settings.engines.process ?? {}, { host: undefined });
        running(rig);
      },
    ],
    ['not when nothing of ours was launched', ['here'], (rig) => rig.put({ name: 'a' })],
  ])('%s', async (_, nodes, former) => {
    const { asked, begin } = await following(former, { host: 'n2' });
    await begin();
    expect([...asked].sort()).toEqual([...nodes].sort());
  });

  test('for each node, until nothing of ours is left there', async () => {
    const launched: string[] = [];
    const { clock, asked, held, leadership, begin } = await following(
      (rig) => {
        rig.put({ name: 'a', policy: { overlap: 'allow' } });
        for (const host of ['n1', 'n3']) {
          Object.assign(rig.settings.engines.process ?? {}, { host });
          rig.trigger('a');
          launched.push(rig.runOf('a', launched.length).attempts[0]?.launchName ?? '');
        }
      },
      { host: 'n2' },
    );
    held.elsewhere = launched.map((launchName) => ({ launchName, state: 'running' }));
    await begin();
    expect(asked).toEqual(['here', 'n1', 'n3']);
    const at = clock.now();
    const observation = { kind: 'ended', launchName: launched[0] ?? '', at, exitCode: 0 } as const;
    leadership.loop.post({ kind: 'observed', now: at, observation });
    await clock.advance(1_000);
    expect(asked).toEqual(['here', 'n1', 'n3', 'n3']);
  });

  test('not when it is this one', async () => {
    const { asked, begin } = await following(running);
    await begin();
    expect(asked).toEqual(['here']);
  });
});

describe('how far the clock is ahead of the one that runs are told by', () => {
  test('is what it was at the election until the first decision, with what it was set since', async () => {
    const { clock, leadership, begin } = await following(running, { clockAheadMs: hour });
    expect(leadership.clockAhead).toEqual(exactly(hour));
    clock.step(5_000);
    expect(leadership.clockAhead).toEqual(exactly(hour + 5_000));
    await begin();
    expect(leadership.clockAhead).toEqual(exactly(0));
    clock.step(-7_000);
    expect(leadership.clockAhead).toEqual(exactly(-7_000));
  });

  test('is moved into the runs with the first decision', async () => {
    const { rig, state, begin } = await following(running, { clockAheadMs: hour });
    const before = rig.runOf('a').attempts[0]?.startedAt ?? 0;
    await begin();
    expect([...state.runs.values()].map((run) => run.attempts[0]?.startedAt)).toEqual([before + hour]);
  });

  test('is not known until the runs are written as they are', async () => {
    const { rig, clock, state, leadership, begin } = await following(running, { clockAheadMs: null });
    const before = rig.runOf('a').attempts[0]?.startedAt;
    await clock.advance(5_000);
    expect(leadership.clockAhead).toBeNull();
    await begin();
    expect(leadership.clockAhead).toEqual(exactly(0));
    const [run] = state.runs.values();
    expect([run?.decidedAt, run?.attempts[0]?.startedAt]).toEqual([clock.now(), before]);
  });
});
