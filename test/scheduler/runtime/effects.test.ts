/** How each effect is carried out, and what is reported of it. */

import { describe, expect, test, vi } from 'vitest';
import { CarillonError, type ErrorCode } from '../../../src/errors.ts';
import type { Event } from '../../../src/scheduler/event.ts';
import type { LaunchSpec } from '../../../src/scheduler/job/spec.ts';
import type { Launcher } from '../../../src/scheduler/ports.ts';
import { Performer } from '../../../src/scheduler/runtime/perform.ts';
import type { Effect } from '../../../src/scheduler/state/decision.ts';
import { createFakeLauncher, FakeEngine } from '../../support/fake-launcher.ts';
import { SimClock } from '../../support/sim-clock.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const engine = 'process';

const spec = (launchName: string, due = 0): LaunchSpec => ({ launchName, engine, due }) as LaunchSpec;
const launch = (
  launchName: string,
  more: { delayMs?: number; notBefore?: number; priority?: number; due?: number } = {},
): Effect => ({
  kind: 'launch',
  spec: spec(launchName, more.due),
  host: null,
  priority: more.priority ?? 0,
  notBefore: more.notBefore ?? START,
  delayMs: more.delayMs ?? null,
});
const kill = (launchName: string, host: string | null = null): Effect => ({
  kind: 'kill',
  engine,
  host,
  launchName,
  graceMs: 10_000,
});
const favour = (launchName: string, more: { warm?: boolean; forMs?: number } = {}) => ({
  spec: spec(launchName),
  priority: 0,
  warm: true,
  forMs: 60_000,
  ...more,
});

/** A performer of one engine whose calls the test answers; `did` has them in order. */
function rig({ startsInFlight = 1, configured = true, waits = false } = {}) {
  const clock = new SimClock(START);
  const did: string[] = [];
  const posted: Exclude<Event, { kind: 'command' }>[] = [];
  const logged: string[] = [];
  /** The fields of `logged`. */
  const fields: object[] = [];
  const answers = new Map<string, () => Promise<void>>();
  const state = { fresh: true, awaited: (_: string) => true, held: false, mayStart: [] as (() => boolean)[] };
  const answer = (call: string): Promise<void> => {
    did.push(call);
    return answers.get(call)?.() ?? Promise.resolve();
  };
  const launcher: Launcher = {
    ...createFakeLauncher(new FakeEngine(clock)),
    launch: (each, mayStart) => {
      if (mayStart !== undefined) state.mayStart.push(mayStart);
      return answer(`launch ${each.launchName}`);
    },
    ...(waits && {
      launchAt: ({ launchName }: LaunchSpec, at: number) => answer(`launch ${launchName} at ${at - START}`),
    }),
    ahead: {
      prepare: (each, { warm, forMs, mayStart }) => {
        state.mayStart.push(mayStart);
        return answer(`prepare ${each.launchName} ${warm ? 'warm' : 'cold'} ${forMs}`);
      },
      isHeld: () => state.held,
      discard: (launchName) => answer(`discard ${launchName}`),
    },
    kill: (launchName, graceMs) => answer(`kill ${launchName} ${graceMs}`),
    takeBack: (launchName) => answer(`take back ${launchName}`),
    remove: (launchName) => answer(`remove ${launchName}`),
  };
  const note = (level: string) => (some: object, event: string) => {
    logged.push(`${level} ${event}`);
    fields.push(some);
  };
  const performer = new Performer({
    notify: () => undefined,
    launchers: new Map(configured ? [[engine, launcher]] : []),
    hostOf: () => null,
    launcherOf: () => (configured ? launcher : undefined),
    engineOf: ({ host }) => (host === 'gone' ? undefined : launcher),
    clock,
    log: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') },
    startsInFlight: () => startsInFlight,
    isFresh: () => state.fresh,
    isAwaited: (launchName) => state.awaited(launchName),
    post: (event) => posted.push(event),
  });
  const fails = (call: string, error: unknown): void =>
    void answers.set(call, () => Promise.reject(error as Error));
  /** Until what is returned is called; then it fails with the error, if there is one. */
  const hangs = (call: string, error?: Error): (() => void) => {
    let go = (): void => undefined;
    const end = (resolve: () => void, reject: (error: Error) => void): void => {
      go = () => (error === undefined ? resolve() : reject(error));
    };
    answers.set(call, () => new Promise(end));
    return () => go();
  };
  const kinds = (): string[] => posted.map((event) => event.kind);
  return { clock, did, posted, logged, fields, answers, state, performer, fails, hangs, kinds };
}

describe('starts', () => {
  test('go by priority, then by due time, then as they came; so many at a time', async () => {
    const { clock, did, performer, hangs } = rig();
    const go = hangs('launch first');
    performer.perform([launch('first')]);
    performer.perform([
      launch('late', { due: 2 }),
      launch('early', { due: 1 }),
      launch('too', { due: 2 }),
      launch('urgent', { due: 9, priority: 5 }),
    ]);
    await clock.settle();
    expect([did, performer.waiting(engine)]).toEqual([['launch first'], 4]);
    go();
    await clock.settle();
    expect(did.slice(1)).toEqual(['launch urgent', 'launch early', 'launch late', 'launch too']);
    expect([performer.waiting(engine), performer.waiting('other')]).toEqual([0, 0]);
  });

  test('wait while leadership is not proven, and are looked at again soon', async () => {
    const { clock, did, state, performer } = rig();
    state.fresh = false;
    performer.perform([launch('a')]);
    await clock.advance(1_000);
    expect(did).toEqual([]);
    state.fresh = true;
    await clock.advance(50);
    expect(did).toEqual(['launch a']);
  });

  test('that wait for a slot wait on when it is free while leadership is not proven', async () => {
    const { clock, did, state, performer, hangs } = rig({ startsInFlight: 2 });
    const go = ['a', 'b'].map((name) => hangs(`launch ${name}`));
    performer.perform(['a', 'b', 'c'].map((name) => launch(name)));
    state.fresh = false;
    for (const each of go) each();
    await clock.advance(1_000);
    expect([did, performer.waiting(engine)]).toEqual([['launch a', 'launch b'], 1]);
    state.fresh = true;
    await clock.advance(50);
    expect(did).toEqual(['launch a', 'launch b', 'launch c']);
  });

  test('are not looked for while leadership is not proven and none waits', async () => {
    const { clock, state, performer, hangs } = rig();
    const go = hangs('launch a');
    performer.perform([launch('a')]);
    state.fresh = false;
    const timers = vi.spyOn(clock, 'after');
    go();
    await clock.advance(1_000);
    expect(timers).not.toHaveBeenCalled();
  });

  test('do not begin once nobody waits for them', async () => {
    const { clock, did, state, performer } = rig();
    state.awaited = (launchName) => launchName !== 'a';
    performer.perform([launch('a'), launch('b')]);
    await clock.settle();
    expect(did).toEqual(['launch b']);
  });

  test('may begin only while leadership is proven and somebody waits, up to the last moment', async () => {
    const { clock, state, performer } = rig();
    performer.perform([launch('a')]);
    await clock.settle();
    const [mayStart = () => true] = state.mayStart;
    expect(mayStart()).toBe(true);
    state.fresh = false;
    expect(mayStart()).toBe(false);
    state.fresh = true;
    state.awaited = () => false;
    expect(mayStart()).toBe(false);
  });

  test('of a later time begin then, and once where they are put off again', async () => {
    const { clock, did, performer } = rig();
    performer.perform([launch('a', { delayMs: 1_000 })]);
    await clock.advance(500);
    performer.perform([launch('a', { delayMs: 1_000 })]);
    await clock.advance(999);
    expect(did).toEqual([]);
    await clock.advance(10_000);
    expect(did).toEqual(['launch a']);
  });

  test.each<[string, unknown, Event['kind'], string]>([
    ['is refused', new CarillonError('LAUNCH_REFUSED', 'no image'), 'refused', 'warn launch.refused'],
    [
      'asks too much of the engine',
      new CarillonError('UNSUPPORTED_BY_ENGINE', 'no gpus'),
      'refused',
      'warn launch.refused',
    ],
    ['has no place', new CarillonError('NO_PLACE', 'no memory'), 'unplaced', 'warn launch.unplaced'],
    [
      'cannot be asked for',
      new CarillonError('ENGINE_UNAVAILABLE', 'down'),
      'deferred',
      'warn launch.deferred',
    ],
    [
      'fails otherwise, which says nothing of whether it started',
      new TypeError('oops'),
      'deferred',
      'error launch.failed',
    ],
    ['fails with no error at all', 'why', 'deferred', 'error launch.failed'],
  ])('one that %s is reported', async (_, error, kind, log) => {
    const { clock, posted, logged, fields, performer, fails } = rig();
    fails('launch a', error);
    performer.perform([launch('a')]);
    await clock.settle();
    const reason = error instanceof Error ? error.message : error;
    expect(posted).toEqual([{ kind, now: START, launchName: 'a', reason }]);
    const what = error instanceof CarillonError ? { code: error.code, reason } : { error };
    expect([logged, fields]).toEqual([[log], [{ engine, launch: 'a', ...what }]]);
  });

  test('on an engine that is not configured are put off', async () => {
    const { clock, posted, fields, performer } = rig({ configured: false });
    performer.perform([launch('a')]);
    await clock.settle();
    const reason = "the engine 'process' is not configured";
    expect(posted).toEqual([{ kind: 'deferred', now: START, launchName: 'a', reason }]);
    expect(fields).toEqual([{ engine, launch: 'a', code: 'ENGINE_UNAVAILABLE', reason }]);
  });

  test('that began and were not observed are known, until nobody waits for them', async () => {
    const { clock, state, performer, fails } = rig({ startsInFlight: 3 });
    fails('launch c', new CarillonError('NO_PLACE' as ErrorCode, 'no'));
    performer.perform([launch('a'), launch('b'), launch('c')]);
    await clock.settle();
    expect([...performer.unobserved()]).toEqual(['a', 'b']);
    state.awaited = (launchName) => launchName === 'b';
    expect([...performer.unobserved()]).toEqual(['b']);
    state.awaited = () => true;
    expect([...performer.unobserved()]).toEqual(['b']);
  });
});

describe('launches that were decided ahead', () => {
  const early = (launchName: string, priority = 0): Effect =>
    launch(launchName, { notBefore: START + 10, priority });

  test('start when they are due, in their order', async () => {
    const { clock, did, performer } = rig();
    performer.perform([early('a'), early('urgent', 5), launch('now')]);
    await clock.advance(9);
    expect(did).toEqual(['launch now']);
    await clock.advance(1);
    expect(did).toEqual(['launch now', 'launch urgent', 'launch a']);
  });

  test('each when it is due, though a later one came first', async () => {
    const { clock, did, performer } = rig();
    performer.perform([launch('b', { notBefore: START + 20 }), early('a')]);
    await clock.advance(10);
    expect(did).toEqual(['launch a']);
    await clock.advance(10);
    expect(did).toEqual(['launch a', 'launch b']);
  });

  test('are given at once to an engine that can wait', async () => {
    const { clock, did, performer } = rig({ waits: true });
    performer.perform([early('a'), launch('now')]);
    await clock.settle();
    expect(did).toEqual(['launch a at 10', 'launch now']);
  });

  test('do not start when their timer fires early', async () => {
    const { clock, did, performer } = rig();
    performer.perform([early('a')]);
    clock.step(-1);
    await clock.advance(10);
    expect(did).toEqual([]);
    await clock.advance(1);
    expect(did).toEqual(['launch a']);
  });

  test('do not wait for a clock that was set back', async () => {
    const { clock, did, performer } = rig();
    performer.perform([early('a')]);
    clock.step(-3_600_000);
    await clock.advance(10);
    expect(did).toEqual(['launch a']);
  });

  test('and are killed before they are due never start', async () => {
    const { clock, did, posted, performer } = rig();
    performer.perform([early('a')]);
    performer.perform([kill('a')]);
    await clock.advance(1_000);
    expect([did, posted.map(({ kind }) => kind)]).toEqual([['kill a 10000'], ['observed']]);
  });

  test('are left to the next leader by one that stops', async () => {
    const { clock, did, performer } = rig();
    performer.perform([early('a')]);
    await performer.stop();
    await clock.advance(1_000);
    expect(did).toEqual([]);
  });
});

describe('a kill', () => {
  test('is told to the engine with its grace', async () => {
    const { clock, did, posted, performer } = rig();
    performer.perform([kill('a')]);
    await clock.settle();
    expect([did, posted]).toEqual([['kill a 10000'], []]);
  });

  test('of a start that waits takes it out, says so, and tells the engine as well', async () => {
    const { clock, did, posted, performer, hangs } = rig();
    const go = hangs('launch first');
    performer.perform([launch('first'), launch('a'), kill('a')]);
    await clock.settle();
    go();
    await clock.settle();
    expect(did).toEqual(['launch first', 'kill a 10000']);
    expect(posted).toEqual([
      {
        kind: 'observed',
        now: START,
        observation: {
          kind: 'ended',
          launchName: 'a',
          at: START,
          exitCode: null,
          reason: 'ended before it was started',
        },
      },
    ]);
  });

  test('of a start of a later time calls it off', async () => {
    const { clock, did, performer } = rig();
    performer.perform([launch('a', { delayMs: 1_000 }), kill('a')]);
    await clock.advance(5_000);
    expect(did).toEqual(['kill a 10000']);
  });

  test('of a start that is under way waits for its answer', async () => {
    const { clock, did, performer, hangs } = rig();
    const go = hangs('launch a');
    performer.perform([launch('a')]);
    performer.perform([kill('a')]);
    await clock.settle();
    expect(did).toEqual(['launch a']);
    go();
    await clock.settle();
    expect(did).toEqual(['launch a', 'kill a 10000']);
  });

  test('that cannot be delivered is tried five times, two seconds apart', async () => {
    const { clock, did, logged, fields, performer, fails } = rig();
    const error = new CarillonError('ENGINE_UNAVAILABLE', 'down');
    fails('kill a 10000', error);
    performer.perform([kill('a')]);
    await clock.advance(1_999);
    expect(did).toHaveLength(1);
    await clock.advance(60_000);
    expect(did).toHaveLength(5);
    expect(logged).toEqual(Array(5).fill('warn launch.kill-failed'));
    expect(fields).toEqual([1, 2, 3, 4, 5].map((attempt) => ({ engine, launch: 'a', attempt, error })));
  });

  test('is tried no more once it was delivered, or the leadership has ended', async () => {
    const { clock, did, answers, performer, fails } = rig();
    fails('kill a 10000', new Error('down'));
    performer.perform([kill('a')]);
    await clock.settle();
    answers.clear();
    await clock.advance(60_000);
    expect(did).toHaveLength(2);
    const other = rig();
    other.fails('kill a 10000', new Error('down'));
    other.performer.perform([kill('a')]);
    await other.clock.settle();
    await other.performer.stop();
    await other.clock.advance(60_000);
    expect(other.did).toHaveLength(1);
    const late = rig();
    const fail = late.hangs('kill a 10000', new Error('down'));
    late.performer.perform([kill('a')]);
    await late.clock.settle();
    await late.performer.stop();
    fail();
    await late.clock.advance(60_000);
    expect(late.did).toHaveLength(1);
  });

  test('on a node that nobody can reach is left to the deadline of the run', async () => {
    const { clock, did, logged, performer } = rig();
    performer.perform([kill('a', 'gone')]);
    await clock.advance(60_000);
    expect([did, logged]).toEqual([[], []]);
  });
});

describe('what is forgotten', () => {
  test.each([
    ['remove', 'remove a'],
    ['take-back', 'take back a'],
  ] as const)('by %s is told to the engine, and logged where that fails', async (kind, call) => {
    const { clock, did, logged, fields, performer, fails } = rig();
    performer.perform([{ kind, engine, host: null, launchName: 'a' }]);
    await clock.settle();
    expect([did, logged]).toEqual([[call], []]);
    const error = new Error('down');
    fails(call, error);
    performer.perform([{ kind, engine, host: null, launchName: 'a' }]);
    performer.perform([{ kind, engine, host: 'gone', launchName: 'a' }]);
    await clock.settle();
    expect([did, logged]).toEqual([[call, call], ['warn launch.remove-failed']]);
    expect(fields).toEqual([{ engine, launch: 'a', error }]);
  });
});

describe('a launch that is made ready', () => {
  test('is so behind all that is due, and for what is left of its time', async () => {
    const { clock, did, performer, hangs } = rig();
    const go = hangs('launch first');
    performer.perform([launch('first')]);
    performer.prepare(favour('ahead'));
    performer.perform([launch('a')]);
    await clock.advance(2_000);
    go();
    await clock.settle();
    expect(did).toEqual(['launch first', 'launch a', 'prepare ahead warm 58000']);
  });

  test('is not, once its time has passed', async () => {
    const { clock, did, performer, hangs } = rig();
    const go = hangs('launch first');
    performer.perform([launch('first')]);
    performer.prepare(favour('ahead', { forMs: 1_000, warm: false }));
    await clock.advance(1_000);
    go();
    await clock.settle();
    expect(did).toEqual(['launch first']);
  });

  test('is not, once it is launched', async () => {
    const { clock, did, performer, hangs } = rig();
    const go = hangs('launch first');
    performer.perform([launch('first')]);
    performer.prepare(favour('a'));
    performer.perform([launch('a')]);
    go();
    await clock.settle();
    expect(did).toEqual(['launch first', 'launch a']);
  });

  test('is not, once it is given up, and the engine is told', async () => {
    const { clock, did, logged, fields, performer, hangs, fails } = rig();
    const go = hangs('launch first');
    performer.perform([launch('first')]);
    performer.prepare(favour('ahead'));
    const error = new Error('down');
    fails('discard ahead', error);
    performer.discard(spec('ahead'));
    go();
    await clock.settle();
    expect([did, logged]).toEqual([['launch first', 'discard ahead'], ['warn ready.not-discarded']]);
    expect(fields).toEqual([{ engine, launch: 'ahead', error }]);
  });

  test('may start only while leadership is proven and has not ended', async () => {
    const { clock, state, performer } = rig();
    performer.prepare(favour('ahead'));
    await clock.settle();
    const [mayStart = () => true] = state.mayStart;
    expect(mayStart()).toBe(true);
    state.fresh = false;
    expect(mayStart()).toBe(false);
    state.fresh = true;
    await performer.stop();
    expect(mayStart()).toBe(false);
  });

  test('that cannot be is no news', async () => {
    const { clock, posted, logged, fields, performer, fails } = rig();
    const error = new Error('down');
    fails('prepare ahead warm 60000', error);
    performer.prepare(favour('ahead'));
    await clock.settle();
    expect([posted, logged]).toEqual([[], ['debug ready.not-prepared']]);
    expect(fields).toEqual([{ engine, launch: 'ahead', error }]);
  });

  test('starts before others, as next to nothing is left to do', async () => {
    const { clock, did, state, performer, hangs } = rig();
    hangs('launch first');
    performer.perform([launch('first')]);
    state.held = true;
    performer.perform([launch('held')]);
    await clock.settle();
    expect(did).toEqual(['launch first', 'launch held']);
  });

  test('is not, on an engine that makes nothing ready or is not configured', async () => {
    const { clock, did, performer } = rig({ configured: false });
    performer.prepare(favour('ahead'));
    performer.discard(spec('ahead'));
    await clock.settle();
    expect([did, performer.waiting(engine)]).toEqual([[], 0]);
  });
});

describe('a performer that has stopped', () => {
  test('starts nothing more, of what waits as well', async () => {
    const { clock, did, performer, hangs } = rig();
    const go = hangs('launch first');
    performer.perform([launch('first'), launch('second'), launch('later', { delayMs: 1_000 })]);
    let stopped = false;
    void performer.stop().then(() => {
      stopped = true;
    });
    await clock.settle();
    expect(stopped).toBe(false);
    go();
    await clock.settle();
    expect(stopped).toBe(true);
    performer.perform([launch('a'), kill('b')]);
    performer.prepare(favour('ahead'));
    await clock.advance(5_000);
    expect(did).toEqual(['launch first']);
  });
});
