/** When engines are asked what they run, and what becomes of one that does not answer. */

import { describe, expect, test } from 'vitest';
import type { Event } from '../../../src/scheduler/event.ts';
import type { Launcher, LaunchReport } from '../../../src/scheduler/ports.ts';
import { Inventories } from '../../../src/scheduler/runtime/inventories.ts';
import { createFakeLauncher, FakeEngine } from '../../support/fake-launcher.ts';
import { SimClock } from '../../support/sim-clock.ts';

const WAIT_MS = 5_000;

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
  const parts = { running: new Set<string>() };
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
    hostOf: (engine) => (engine === 'process' ? 'n1' : null),
    isWanted: () => true,
    running: () => new Set(parts.running),
    clock,
    log: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') },
    post: (event) => {
      if (event.kind === 'inventory') {
        inventories.push(event.inventory);
        const { engine, host, takeOver } = event.inventory;
        seen.push(`${engine}@${host} ${takeOver ? 'taking over' : 'again'}`);
      }
    },
  });
  const takeOver = async (): Promise<() => boolean> => {
    let done = false;
    void subject.takeOver(WAIT_MS).then(() => {
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
