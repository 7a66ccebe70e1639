import { expect, test } from 'vitest';
import { reach } from '../../src/dag/reach.ts';

const children: Readonly<Record<string, readonly string[]>> = {
  a: ['b', 'c'],
  b: ['d'],
  c: ['d', 'e'],
  d: ['f'],
  e: ['f'],
};
const below = (steps?: number) => [...reach('a', (name) => children[name] ?? [], steps)];

test('a job reaches what its edges lead to, nearest first and each once', () => {
  expect(below()).toEqual(['b', 'c', 'd', 'e', 'f']);
});

test.each([
  [0, []],
  [1, ['b', 'c']],
  [2, ['b', 'c', 'd', 'e']],
  [9, ['b', 'c', 'd', 'e', 'f']],
])('at most %i edges away', (steps, expected) => {
  expect(below(steps)).toEqual(expected);
});
