/** When engines are asked what they run, and what becomes of one that does not answer. */

import { describe, expect, test } from 'vitest';
import type { Event } from '../../../src/scheduler/event.ts';
import type { Launcher, LaunchReport } from '../../../src/scheduler/ports.ts';
import { type HostEngine, Inventories } from '../../../src/scheduler/runtime/inventories.ts';
import { createFakeLauncher, FakeEngine } from '../../support/fake-launcher.ts';
import { SimClock } from '../../support/sim-clock.ts';

const WAIT_MS = 5_000;
const there: HostEngine = { engine: 'process', host: 'n2' };

/** Engines that answer as the test says, and what came in of it: `engine@host` with what the event says. */
function rig(engines: readonly string[] = ['process']) {
  const clock = new SimClock(Date.parse('2026-01-01T00:00:00Z'));
  const logged: string[] = [];
  /** The fields of `logged`. */
  const fields: object[] = [];
  const seen: string[] = [];
  const inventories: Extract<Event, { kind: 'inventory' }>['inventory'][] = [];
  /** By engine and host: what the engine does when it is asked. */
  const answers = new Map<string, () => Promise<LaunchReport[]>>();
  const asked: string[] = [];
  const parts = { needed: true, reachable: true, running: new Set<string>() };
  const answer = (key: string) => async () => {
    asked.push(key);
    return (answers.get(key) ?? (async () => []))();
  };
  const launcher = (name: string): Launcher => ({
    ...createFakeLauncher(new FakeEngine(clock), name),
    inventory: answer(name),
  });
  const note = (level: string) => (some: object, event: string) => {
    logged.push(`${level} ${event}`);
    fields.push(some);
  };
  const subject = new Inventories({
    launchers: new Map(engines.map((name) => [name, launcher(name)])),
    engineOf: ({ engine, host }) =>
      parts.reachable ? { ...launcher(engine), inventory: answer(`${engine}@${host}`) } : undefined,
    hostOf: (engine) => (engine === 'process' ? 'n1' : null),
    isNeeded: () => parts.needed,
    isWanted: () => true,
    running: () => new Set(parts.running),
    clock,
    log: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') },
    post: (event) => {
      if (event.kind === 'inventory') {
        inventories.push(event.inventory);
        const { engine, host, takeOver } = event.inventory;
        seen.push(`${engine}@${host} ${takeOver ? 'taking over' : 'again'}`);
      } else if (event.kind === 'host-lost') seen.push(`${event.engine}@${event.host} lost`);
    },
  });
  const takeOver = async (elsewhere: readonly HostEngine[] = []): Promise<() => boolean> => {
    let done = false;
    void subject.takeOver(WAIT_MS, elsewhere).then(() => {
      done = true;
    });
    await clock.settle();
    return () => done;
  };
  return { clock, logged, fields, seen, inventories, answers, asked, parts, subject, takeOver };
}

const down = async (): Promise<never> => {
  throw new Error('nobody there');
};
const hangs = (): Promise<never> => new Promise(() => undefined);

describe('at a takeover', () => {
  test('every engine is asked once, and the takeover goes on when all have answered', async () => {
    const { seen, takeOver } = rig(['process', 'docker']);
    const isDone = await takeOver();
    expect(seen).toEqual(['process@n1 taking over', 'docker@null taking over']);
    expect(isDone()).toBe(true);
  });

  test('an engine that cannot be reached is asked each second, and holds up nothing', async () => {
    const { clock, seen, answers, asked, logged, fields, takeOver } = rig(['process', 'docker']);
    answers.set('docker', down);
    const isDone = await takeOver();
    expect(isDone()).toBe(true);
    expect([logged, fields]).toEqual([
      ['warn engine.inventory-failed'],
      [{ engine: 'docker', error: 'nobody there' }],
    ]);
    await clock.advance(2_500);
    expect(asked.filter((name) => name === 'docker')).toHaveLength(3);
    answers.delete('docker');
    await clock.advance(1_000);
    // Whatever it says first is still what it has of older terms.
    expect(seen).toEqual(['process@n1 taking over', 'docker@null taking over']);
  });

  test('an engine that does not answer holds it up for a bounded time', async () => {
    const { clock, answers, takeOver } = rig();
    answers.set('process', hangs);
    const isDone = await takeOver();
    await clock.advance(WAIT_MS - 1);
    expect(isDone()).toBe(false);
    await clock.advance(1);
    expect(isDone()).toBe(true);
  });

  test('other nodes are not waited for', async () => {
    const { answers, takeOver } = rig();
    answers.set('process@n2', hangs);
    const isDone = await takeOver([there]);
    expect(isDone()).toBe(true);
  });
});

describe('an engine of this node', () => {
  test('is asked again half a minute after each answer', async () => {
    const { clock, seen, takeOver } = rig();
    await takeOver();
    await clock.advance(29_999);
    expect(seen).toHaveLength(1);
    await clock.advance(30_001);
    expect(seen).toEqual(['process@n1 taking over', 'process@n1 again', 'process@n1 again']);
  });

  test('that answered before is asked again half a minute after a failure', async () => {
    const { clock, seen, answers, asked, takeOver } = rig();
    await takeOver();
    answers.set('process', down);
    await clock.advance(30_000);
    answers.delete('process');
    await clock.advance(29_999);
    expect(asked).toHaveLength(2);
    await clock.advance(1);
    expect(seen).toEqual(['process@n1 taking over', 'process@n1 again']);
  });

  test('tells what it has, and beside it what was known to run when it was asked', async () => {
    const { clock, inventories, answers, parts, takeOver } = rig();
    const reports: LaunchReport[] = [{ launchName: 'x', state: 'running' }];
    parts.running.add('x');
    answers.set('process', async () => {
      parts.running.add('started since');
      return reports;
    });
    await clock.advance(1_234);
    await takeOver();
    expect(inventories).toEqual([
      {
        engine: 'process',
        host: 'n1',
        reports,
        running: new Set(['x']),
        monotonicMs: clock.monotonicMs(),
        takeOver: true,
      },
    ]);
  });

  test.each([
    ['answers', async (): Promise<LaunchReport[]> => []],
    ['fails', down],
  ])('that %s after the end is not heard', async (_, late) => {
    const { clock, seen, asked, answers, logged, subject, takeOver } = rig();
    let answer = (): void => undefined;
    answers.set(
      'process',
      () => new Promise((resolve, reject) => (answer = () => late().then(resolve, reject))),
    );
    await takeOver();
    subject.stop();
    answer();
    await clock.advance(120_000);
    expect({ seen, logged, asked: asked.length }).toEqual({ seen: [], logged: [], asked: 1 });
  });
});

describe('an engine that only another node reaches', () => {
  test('is asked each second while launches of ours are there, as at a takeover each time', async () => {
    const { clock, asked, seen, parts, takeOver } = rig([]);
    await takeOver([there]);
    await clock.advance(2_500);
    parts.needed = false;
    await clock.advance(60_000);
    expect(asked).toHaveLength(3);
    expect(seen).toEqual(Array(3).fill('process@n2 taking over'));
  });

  test('counts as lost when it has not answered for a minute, and is asked on', async () => {
    const { clock, answers, seen, logged, fields, takeOver } = rig([]);
    answers.set('process@n2', down);
    await takeOver([there]);
    await clock.advance(59_999);
    expect(seen).toEqual([]);
    await clock.advance(1);
    expect(seen).toEqual(['process@n2 lost']);
    expect(logged).toEqual([...Array(61).fill('debug host.silent'), 'warn host.lost']);
    expect([fields.at(0), fields.at(-1)]).toEqual([{ ...there, error: 'nobody there' }, there]);
    answers.delete('process@n2');
    await clock.advance(1_000);
    expect(seen).toEqual(['process@n2 lost', 'process@n2 taking over']);
  });

  test('is asked no more after the end, each of several', async () => {
    const { clock, asked, subject, takeOver } = rig([]);
    await takeOver([there, { ...there, host: 'n3' }]);
    subject.stop();
    await clock.advance(61_000);
    expect(asked).toEqual(['process@n2', 'process@n3']);
  });

  test('counts as lost likewise when nothing is known of how to reach it', async () => {
    const { clock, seen, parts, takeOver } = rig([]);
    parts.reachable = false;
    await takeOver([there]);
    await clock.advance(61_000);
    expect(seen).toEqual(['process@n2 lost']);
  });

  test('counts its minute anew after each answer', async () => {
    const { clock, answers, seen, takeOver } = rig([]);
    answers.set('process@n2', down);
    await takeOver([there]);
    await clock.advance(50_500);
    answers.delete('process@n2');
    await clock.advance(1_000);
    answers.set('process@n2', down);
    seen.length = 0;
    await clock.advance(59_000);
    expect(seen).toEqual([]);
    await clock.advance(2_000);
    expect(seen).toEqual(['process@n2 lost']);
  });

  test('is lost again only after another minute', async () => {
    const { clock, answers, seen, takeOver } = rig([]);
    answers.set('process@n2', down);
    await takeOver([there]);
    await clock.advance(119_000);
    expect(seen).toEqual(['process@n2 lost']);
    await clock.advance(3_000);
    expect(seen).toEqual(['process@n2 lost', 'process@n2 lost']);
  });

  test('is not asked for anything once nothing of ours is there', async () => {
    const { clock, asked, parts, takeOver } = rig([]);
    parts.needed = false;
    await takeOver([there]);
    await clock.advance(61_000);
    expect(asked).toEqual([]);
  });

  test.each([
    ['answers', async (): Promise<LaunchReport[]> => []],
    ['fails', down],
  ])('that %s after the end is not heard', async (_, late) => {
    const { clock, seen, asked, answers, subject, takeOver } = rig([]);
    let answer = (): void => undefined;
    answers.set(
      'process@n2',
      () => new Promise((resolve, reject) => (answer = () => late().then(resolve, reject))),
    );
    await takeOver([there]);
    subject.stop();
    await clock.advance(61_000);
    answer();
    await clock.advance(61_000);
    expect({ seen, asked: asked.length }).toEqual({ seen: [], asked: 1 });
  });
});
