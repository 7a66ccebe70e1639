/** Starts that wait: the first by their order, by age among equals, and any of them taken out by its key. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StartLine } from '../../../src/scheduler/runtime/start-line.ts';

interface Waiting {
  readonly id: number;
  readonly rank: number;
}

const step = fc.oneof(
  fc.record({ do: fc.constant('add' as const), key: fc.nat(15), rank: fc.nat(3) }),
  fc.record({ do: fc.constant('drop' as const), key: fc.nat(15) }),
  fc.record({ do: fc.constant('take' as const) }),
);

test('it gives what a list gives that is sorted by order, then age, whatever is added, taken and dropped when', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150, size: 'max' }), (steps) => {
      const line = new StartLine<Waiting>((a, b) => a.rank < b.rank);
      let model: { key: string; value: Waiting }[] = [];
      const first = () =>
        model.reduce<(typeof model)[number] | undefined>(
          (best, each) =>
            best === undefined ||
            each.value.rank < best.value.rank ||
            (each.value.rank === best.value.rank && each.value.id < best.value.id)
              ? each
              : best,
          undefined,
        );
      const without = (key: string | undefined): void => {
        model = model.filter((each) => each.key !== key);
      };
      const take = (): void => {
        const expected = first();
        expect(line.take()).toEqual(expected?.value);
        without(expected?.key);
      };
      for (const [id, each] of steps.entries()) {
        if (each.do === 'take') take();
        else if (each.do === 'drop') {
          const key = `k${each.key}`;
          expect(line.drop(key)).toEqual(model.find((one) => one.key === key)?.value);
          without(key);
        } else {
          const [key, value] = [`k${each.key}`, { id, rank: each.rank }];
          line.add(key, value);
          without(key);
          model.push({ key, value });
        }
        expect(line.size).toBe(model.length);
      }
      while (model.length > 0) take();
      expect(line.take()).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});

test('what is cleared is gone, by its key as well', () => {
  const line = new StartLine<number>((a, b) => a < b);
  for (const value of [3, 1, 2]) line.add(`k${value}`, value);
  line.clear();
  expect([line.size, line.take(), line.drop('k1')]).toEqual([0, undefined, undefined]);
  line.add('k1', 5);
  expect(line.take()).toBe(5);
});
