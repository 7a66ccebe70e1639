/** What is due next: the earliest first, the highest priority first among equals. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Timetable } from '../../../src/scheduler/state/timetable.ts';

interface Thing {
  readonly id: number;
  readonly priority: number;
}

const entry = fc.record({ instant: fc.nat(12), priority: fc.nat(3) });
// Taken from seldom enough that much waits.
const step = fc.oneof(
  { arbitrary: entry, weight: 15 },
  { arbitrary: fc.record({ takenAt: fc.nat(12) }), weight: 1 },
);

test('it gives what a sorted list gives, whatever is added and taken when', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
      const timetable = new Timetable<Thing>();
      let model: { instant: number; priority: number }[] = [];
      const order = (a: (typeof model)[number], b: (typeof model)[number]): number =>
        a.instant - b.instant || b.priority - a.priority;
      const takeAll = (now: number): void => {
        for (;;) {
          const [first] = model.sort(order);
          expect(timetable.earliest()).toBe(first?.instant ?? Number.POSITIVE_INFINITY);
          expect(timetable.size).toBe(model.length);
          const taken = timetable.takeDue(now);
          if (first === undefined || first.instant > now) {
            expect(taken).toBeNull();
            return;
          }
          expect({ instant: taken?.instant, priority: taken?.subject.priority }).toEqual(first);
          model = model.slice(1);
        }
      };
      steps.forEach((each, id) => {
        if ('takenAt' in each) takeAll(each.takenAt);
        else {
          timetable.add(each.instant, { id, priority: each.priority });
          model.push(each);
        }
      });
      takeAll(12);
    }),
    { numRuns: 500 },
  );
});

test('each thing is taken with its own instant, and once', () => {
  const timetable = new Timetable<Thing>();
  const instants = Array.from({ length: 100 }, (_, i) => (i * 37) % 101);
  for (const [id, instant] of instants.entries()) timetable.add(instant, { id, priority: 0 });
  const taken = instants.map(() => timetable.takeDue(200));
  expect(taken.map((each) => instants[each?.subject.id ?? -1])).toEqual(taken.map((each) => each?.instant));
  expect(new Set(taken.map((each) => each?.subject.id)).size).toBe(100);
  expect(timetable.takeDue(200)).toBeNull();
});

test('it shows what comes up to an instant, all of it or as many as are wanted', () => {
  fc.assert(
    fc.property(fc.array(entry), fc.nat(12), fc.nat(8), (entries, instant, more) => {
      const timetable = new Timetable<Thing>();
      entries.forEach((each, id) => {
        timetable.add(each.instant, { id, priority: each.priority });
      });
      const wanted = entries.flatMap((each, id) => (each.instant <= instant ? [id] : []));
      const idsOf = (most: number) => timetable.upTo(instant, most).map(({ id }) => id);
      expect(idsOf(entries.length + 1).sort((a, b) => a - b)).toEqual(wanted);
      const some = idsOf(more + 1);
      expect(some).toHaveLength(Math.min(more + 1, wanted.length));
      expect(wanted).toEqual(expect.arrayContaining(some));
    }),
  );
});
