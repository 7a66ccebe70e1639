/** A definition by the paths of its fields, as the form changes it. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leaves, type Tree, valueAt, withValue } from '../../web/src/edit/path.ts';

const key = fc.constantFrom('a', 'b', 'c');
const path = fc.array(key, { minLength: 1, maxLength: 3 }).map((keys) => keys.join('.'));
const tree: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.dictionary(key, fc.oneof({ maxDepth: 3 }, fc.nat(9), fc.array(fc.nat(9)), tie('tree')), {
    noNullPrototype: true,
  }),
})).tree;

describe('a field of a definition', () => {
  it('holds what it was set to, and nothing else changes', () => {
    fc.assert(
      fc.property(tree, path, fc.nat(9), (before, at, value) => {
        const copy = structuredClone(before);
        const after = withValue(before, at, value);
        expect(valueAt(after, at)).toBe(value);
        expect(before).toEqual(copy);
        const related = (other: string) =>
          other === at || other.startsWith(`${at}.`) || at.startsWith(`${other}.`);
        for (const other of leaves(before).filter((each) => !related(each))) {
          expect(valueAt(after, other)).toEqual(valueAt(before, other));
        }
      }),
    );
  });

  it('goes with what is empty without it', () => {
    const definition = { name: 'a', policy: { retries: { limit: 2 }, timeout: 'PT1H' } };
    const without = withValue(definition, 'policy.retries.limit', undefined);
    expect(without).toEqual({ name: 'a', policy: { timeout: 'PT1H' } });
    expect(withValue(without, 'policy.timeout', undefined)).toEqual({ name: 'a' });
    expect(withValue({ name: 'a' }, 'policy.retries.limit', undefined)).toEqual({ name: 'a' });
  });

  it('is listed when it is set', () => {
    expect(leaves({ name: 'a', run: { argv: ['x', 'y'], env: { A: 'b' } } })).toEqual([
      'name',
      'run.argv',
      'run.env.A',
    ]);
  });
});
