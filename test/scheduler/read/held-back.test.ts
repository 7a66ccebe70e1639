import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HeldBack, MAX_LOOKED_AT } from '../../../src/scheduler/read/held-back.ts';
import { readerOf } from '../../../src/scheduler/read/job-reader.ts';
import { Rig } from '../../support/rig.ts';

test('of any graph the nearest standing jobs on each way up are found, and no others', () => {
  const size = 9;
  const name = (n: number): string => `job-${n}`;
  const graph = fc.record({
    parents: fc.array(fc.uniqueArray(fc.nat(size), { maxLength: 3 }), { minLength: size, maxLength: size }),
    paused: fc.uniqueArray(fc.nat(size), { maxLength: 4 }),
  });
  fc.assert(
    fc.property(graph, ({ parents, paused }) => {
      const rig = new Rig('2026-01-01T00:00:00Z');
      const above = parents.map((all, n) => all.filter((parent) => parent < n).map(name));
      above.forEach((all, n) => {
        const schedule = all.length === 0 ? {} : { schedule: { after: { parents: all } } };
        rig.put({ name: name(n), ...schedule, paused: paused.includes(n) });
      });
      const held = new HeldBack(readerOf(rig.state));
      const expected = (n: number): string[] =>
        (above[n] ?? []).flatMap((parent) => {
          const at = Number(parent.slice(4));
          return paused.includes(at) ? [parent] : expected(at);
        });
      for (let n = size - 1; n >= 0; n--)
        expect(
          held
            .by(name(n))
            .map(({ job }) => job)
            .sort(),
        ).toEqual([...new Set(expected(n))].sort());
    }),
    { numRuns: 60 },
  );
});

test.each([
  ['within the bound is found', MAX_LOOKED_AT, [{ job: 'job-0', status: 'paused' }]],
  ['beyond the bound is not looked for: a read takes milliseconds', 100_000, []],
])('a paused job %s', (_, length, expected) => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  rig.put({ name: 'job-0', paused: true });
  for (let n = 1; n <= length; n++) rig.state.graph.setParents(`job-${n}`, [`job-${n - 1}`]);
  const reader = readerOf(rig.state);
  let asked = 0;
  const parentsOf = (name: string) => {
    asked += 1;
    return reader.parentsOf(name);
  };
  expect(new HeldBack({ ...reader, parentsOf }).by(`job-${length}`)).toEqual(expected);
  expect(asked).toBeLessThan(4 * MAX_LOOKED_AT);
});

test('a query that reaches the bound hides nothing from the next', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  const length = 3 * MAX_LOOKED_AT;
  rig.put({ name: `job-${MAX_LOOKED_AT}`, paused: true });
  for (let n = 1; n <= length; n++) rig.state.graph.setParents(`job-${n}`, [`job-${n - 1}`]);
  const held = new HeldBack(readerOf(rig.state));
  expect(held.by(`job-${length}`)).toEqual([]);
  expect(held.by(`job-${2 * MAX_LOOKED_AT}`)).toEqual([{ job: `job-${MAX_LOOKED_AT}`, status: 'paused' }]);
});
