/** The order of starts, against the plain sorting of what waits, and how many there are at a time. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Start, StartQueue } from '../../../src/scheduler/runtime/start-queue.ts';

/** A start that goes on until it is told to end. */
function start(launchName: string, more: Partial<Start> = {}) {
  let end = (): void => undefined;
  const done = new Promise<void>((resolve) => {
    end = resolve;
  });
  const begun: { is: boolean } = { is: false };
  const run = (): Promise<void> => {
    begun.is = true;
    return done;
  };
  return {
    launchName,
    kind: 'launch',
    priority: 0,
    due: 0,
    isWanted: () => true,
    run,
    begun,
    end,
    ...more,
  } as const;
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('launches go before what is made ready, then by priority, then by due instant, then as they came', async () => {
  const waiting = fc.array(
    fc.record({
      kind: fc.constantFrom('launch' as const, 'prepare' as const),
      priority: fc.integer({ min: -2, max: 2 }),
      due: fc.integer({ min: 0, max: 3 }),
    }),
    { maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(waiting, async (all) => {
      const queue = new StartQueue(1);
      const order: number[] = [];
      all.forEach((each, i) => {
        const run = async (): Promise<void> => void order.push(i);
        queue.add({ ...each, launchName: `n${i}`, isWanted: () => true, run }, false);
      });
      const pump = (): void => queue.pump(pump);
      pump();
      await settle();
      const rank = (i: number): number[] => {
        const { kind, priority, due } = all[i] as (typeof all)[number];
        return [kind === 'launch' ? 0 : 1, -priority, due, i];
      };
      const expected = all.map((_, i) => i).sort((a, b) => compare(rank(a), rank(b)));
      expect(order).toEqual(expected);
    }),
  );
});

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at < 0 ? 0 : (a[at] as number) - (b[at] as number);
}

test('no more than its width at a time, and the next when a place is free', async () => {
  const queue = new StartQueue(2);
  const starts = ['a', 'b', 'c'].map((name) => start(name));
  for (const each of starts) queue.add(each, false);
  const pump = (): void => queue.pump(pump);
  pump();
  expect(starts.map(({ begun }) => begun.is)).toEqual([true, true, false]);
  expect(queue.waiting).toBe(1);
  starts[0]?.end();
  await settle();
  expect(starts.map(({ begun }) => begun.is)).toEqual([true, true, true]);
});

test('what is held does not wait behind what has to be started', () => {
  const queue = new StartQueue(1);
  const starts = ['a', 'b', 'held'].map((name) => start(name));
  for (const each of starts) queue.add(each, each.launchName === 'held');
  queue.pump(() => undefined);
  expect(starts.map(({ begun }) => begun.is)).toEqual([true, false, true]);
});

test('a preparation is not counted among the launches that wait, before and after it begins', () => {
  const queue = new StartQueue(1);
  queue.add(start('a', { kind: 'prepare' }), false);
  expect(queue.waiting).toBe(0);
  queue.pump(() => undefined);
  expect(queue.waiting).toBe(0);
  queue.add(start('b'), false);
  expect(queue.waiting).toBe(1);
});

test.each([
  ['nothing', [] as boolean[], true],
  ['what is held', [true], false],
  ['what has to be started', [false], false],
  ['as many of both', [true, false], false],
])('a queue in which %s waits says whether it is empty', (_, isHeld, isEmpty) => {
  const queue = new StartQueue(1);
  isHeld.forEach((each, i) => {
    queue.add(start(`n${i}`), each);
  });
  expect(queue.isEmpty).toBe(isEmpty);
});

test('what is dropped or not wanted any more is not started; what runs is not added twice', async () => {
  const queue = new StartQueue(1);
  const [first, again, dropped, unwanted] = [
    start('a'),
    start('a'),
    start('b'),
    start('c', { isWanted: () => false }),
  ];
  queue.add(first, false);
  queue.pump(() => undefined);
  for (const each of [again, dropped, unwanted]) queue.add(each, false);
  expect(queue.waiting).toBe(2);
  expect(queue.drop({ kind: 'launch', launchName: 'b' })).toBe(true);
  expect(queue.drop({ kind: 'prepare', launchName: 'c' })).toBe(false);
  let answered = false;
  void queue.answered('a').then(() => {
    answered = true;
  });
  await settle();
  expect(answered).toBe(false);
  first.end();
  await settle();
  expect(answered).toBe(true);
  queue.pump(() => undefined);
  expect([again, dropped, unwanted].some(({ begun }) => begun.is)).toBe(false);
});

test('what waits and what was dropped agree with a plain list, whatever is added and dropped in between', async () => {
  const step = fc.record({
    what: fc.constantFrom('add' as const, 'add' as const, 'drop' as const),
    name: fc.integer({ min: 0, max: 12 }),
    kind: fc.constantFrom('launch' as const, 'prepare' as const),
    priority: fc.integer({ min: -1, max: 1 }),
    due: fc.integer({ min: 0, max: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const queue = new StartQueue(1);
      let plain: (typeof steps)[number][] = [];
      const order: (typeof steps)[number][] = [];
      for (const each of steps) {
        const { what, name, kind } = each;
        const others = plain.filter((other) => other.name !== name || other.kind !== kind);
        if (what === 'drop') {
          expect(queue.drop({ kind, launchName: `n${name}` })).toBe(others.length < plain.length);
          plain = others;
        } else {
          const run = async (): Promise<void> => void order.push(each);
          queue.add({ ...each, launchName: `n${name}`, isWanted: () => true, run }, false);
          plain = [...others, each];
        }
        expect(queue.waiting).toBe(plain.filter((other) => other.kind === 'launch').length);
        expect(queue.isEmpty).toBe(plain.length === 0);
      }
      const pump = (): void => queue.pump(pump);
      pump();
      await settle();
      const rank = ({ kind, priority, due }: (typeof steps)[number]): number[] => [
        kind === 'launch' ? 0 : 1,
        -priority,
        due,
      ];
      expect(order).toEqual([...plain].sort((a, b) => compare(rank(a), rank(b))));
    }),
  );
});

test('adding and dropping compare a start with few of those that wait', () => {
  const count = 20_000;
  let reads = 0;
  const queue = new StartQueue(1);
  const name = (i: number): string => `n${(i * 7919) % count}`;
  for (let i = 0; i < count; i++) {
    const each = start(name(i));
    // Later ones go before earlier ones: the worst order for a sorted list.
    Object.defineProperty(each, 'due', {
      get: () => {
        reads += 1;
        return count - i;
      },
    });
    queue.add(each, false);
  }
  for (let i = 0; i < count; i++) queue.drop({ kind: 'launch', launchName: name(i) });
  expect(queue.isEmpty).toBe(true);
  expect(reads).toBeLessThan(count * 200);
});
