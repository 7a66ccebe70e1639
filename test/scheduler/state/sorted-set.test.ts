import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inOneGo } from '../../../src/job-file/json-text.ts';
import { sorted } from '../../../src/scheduler/read/sorted.ts';
import { SortedSet } from '../../../src/scheduler/state/sorted-set.ts';

const byValue = (a: number, b: number): number => a - b;

test('a sorted set reads as a sorted array does, whatever is added and removed when', () => {
  const change = fc.record({ add: fc.boolean(), value: fc.nat(400), after: fc.option(fc.nat(400)) });
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(5_000)), fc.array(change, { maxLength: 200 }), (first, changes) => {
      const set = new SortedSet<number>(byValue);
      const model = new Set(first);
      for (const value of first) set.add(value);
      for (const { add, value, after } of changes) {
        const { version } = set;
        if (add && !model.has(value)) set.add(value);
        if (!add) set.remove(value);
        if (add) model.add(value);
        else model.delete(value);
        if (!add) expect(set.version).toBeGreaterThan(version);
        const expected = [...model].sort(byValue).filter((each) => after === null || each > after);
        expect([...set.after(after)]).toEqual(expected);
      }
    }),
    { numRuns: 30 },
  );
});

test('a sorted set of thousands splits its chunks and keeps its order', () => {
  const set = new SortedSet<number>(byValue);
  set.sort();
  const values = Array.from({ length: 9_973 }, (_, i) => (i * 7_919) % 9_973);
  for (const value of values) set.add(value);
  expect([...set.after(null)]).toEqual(values.toSorted(byValue));
  expect([...set.after(9_000)]).toHaveLength(972);
  for (const value of values) if (value % 3 !== 0) set.remove(value);
  expect([...set.after(null)]).toEqual(values.filter((value) => value % 3 === 0).sort(byValue));
});

test('sorting in steps is a stable sort, in many steps', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { maxLength: 5_000, size: 'max' }), (keys) => {
      const items = keys.map((key, at) => ({ key, at }));
      const order = (a: { key: number }, b: { key: number }): number => a.key - b.key;
      expect(inOneGo(sorted(items, order))).toEqual(items.toSorted(order));
    }),
    { numRuns: 30 },
  );
  let steps = 0;
  for (const _ of sorted(
    Array.from({ length: 20_000 }, (_, i) => -i),
    byValue,
  ))
    steps += 1;
  expect(steps).toBeGreaterThan(100);
});
