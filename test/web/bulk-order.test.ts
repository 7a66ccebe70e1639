/** Bulk deletes go from the ends of the graph upwards, and what is run in bulk starts at its beginnings. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { childrenFirst, hangingOn, startsOf } from '../../web/src/jobs/bulk-order.ts';

/** Job i may wait for jobs before it: no cycles. */
const jobs = fc.array(fc.array(fc.nat(11), { maxLength: 3 }), { maxLength: 12 }).map((parents) =>
  parents.map((_, i) => ({
    name: `j${i}`,
    children: parents.flatMap((of, child) => (child > i && of.includes(i) ? [`j${child}`] : [])),
  })),
);

describe('the order of deleting', () => {
  it('has each job once, and none before what waits for it', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...Array(12).keys()]), jobs, (order, all) => {
        const chosen = order.flatMap((i) => all[i] ?? []);
        const result = childrenFirst(chosen).map(({ name }) => name);
        expect(result.toSorted()).toEqual(chosen.map(({ name }) => name).toSorted());
        for (const { name, children } of chosen) {
          for (const child of children) {
            if (result.includes(child)) expect(result.indexOf(child)).toBeLessThan(result.indexOf(name));
          }
        }
      }),
    );
  });

  it('goes down chains that are longer than a call stack is deep', () => {
    const chain = Array.from({ length: 20_000 }, (_, i) => ({ name: `j${i}`, children: [`j${i + 1}`] }));
    expect(childrenFirst(chain)[0]?.name).toBe('j19999');
  });

  it('what hangs on them is named once, in order, and without themselves', () => {
    const chosen = [
      { name: 'a', children: ['b', 'z', 'x'] },
      { name: 'b', children: ['x'] },
    ];
    expect(hangingOn(chosen)).toEqual(['x', 'z']);
  });
});

describe('run now on several jobs', () => {
  const edges = [
    ['extract', 'clean'],
    ['clean', 'join'],
    ['rates', 'join'],
    ['join', 'report'],
  ].map(([from, to]) => ({ from: from as string, to: to as string }));
  const named = (...names: string[]) => names.map((name) => ({ name }));
  const split = (...names: string[]) => {
    const { start, follow } = startsOf(named(...names), edges);
    return [start.map(({ name }) => name), follow.map(({ name }) => name)];
  };

  it.each([
    [
      'a whole pipeline starts at its beginnings',
      ['join', 'extract', 'report', 'clean', 'rates'],
      ['extract', 'rates'],
    ],
    ['jobs without parents all start', ['extract', 'rates', 'alone'], ['extract', 'rates', 'alone']],
    ['one job starts, whatever it waits for', ['report'], ['report']],
    ['a job follows its only chosen parent', ['clean', 'join'], ['clean']],
    ['a job follows by way of one that was not chosen', ['extract', 'report'], ['extract']],
    ['siblings both start', ['clean', 'rates'], ['clean', 'rates']],
  ])('%s', (_, chosen, start) => {
    expect(split(...chosen)).toEqual([start, chosen.filter((name) => !start.includes(name))]);
  });

  it('starts none that another one leads to, and reaches all', () => {
    fc.assert(
      fc.property(jobs, fc.func(fc.boolean()), (all, isChosen) => {
        const links = all.flatMap(({ name, children }) => children.map((to) => ({ from: name, to })));
        const chosen = all.filter(isChosen);
        const { start, follow } = startsOf(chosen, links);
        const below = (name: string): string[] =>
          links.filter(({ from }) => from === name).flatMap(({ to }) => [to, ...below(to)]);
        const led = new Set(start.flatMap(({ name }) => below(name)));
        expect(start.filter(({ name }) => led.has(name))).toEqual([]);
        expect(follow.filter(({ name }) => !led.has(name))).toEqual([]);
        expect([...start, ...follow].length).toBe(chosen.length);
      }),
    );
  });
});
