/** Bulk deletes go from the ends of the graph upwards. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { childrenFirst, hangingOn } from '../../web/src/jobs/bulk-order.ts';

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
