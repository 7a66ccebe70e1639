/** For how long nobody leads, as one node sees it that is asked every five seconds. */

import { expect, test } from 'vitest';
import { Unled } from '../../../src/scheduler/runtime/health/unled.ts';
import { testMember } from '../../support/rig.ts';

interface Look {
  readonly term: number;
  readonly leader: string | null;
  readonly leading?: boolean;
}
const memberOf = (id: string | null) => (id === null ? null : { ...testMember, id });
const other: Look = { term: 1, leader: 'other' };
const nobody: Look = { term: 1, leader: null };
const selfElected: Look = { term: 2, leader: 'self' };
const terms = (count: number): Look[] =>
  Array.from({ length: count }, (_, i) => ({ term: i + 2, leader: i % 2 === 0 ? 'other' : 'self' }));

test.each<[string, readonly Look[], number]>([
  ['a leader that has led for a while', [other, other, other, other, other], 0],
  [
    'a change of leader that is over',
    [other, other, other, other, nobody, ...Array(5).fill({ term: 2, leader: 'other' })],
    0,
  ],
  ['nobody since the first look', [nobody, nobody, nobody, nobody, nobody], 20_000],
  ['a leader that left, and nobody after it', [other, other, other, other, nobody, nobody, nobody], 10_000],
  [
    'itself elected, and not leading',
    [selfElected, selfElected, selfElected, selfElected, selfElected],
    20_000,
  ],
  ['itself leading after a while', [selfElected, selfElected, { ...selfElected, leading: true }], 0],
  ['each elected node failing at once', terms(8), 35_000],
])('%s', (_, looks, unledMs) => {
  let [now, seen] = [0, 0];
  let leader: string | null = null;
  const unled = new Unled({
    self: { id: 'self' },
    election: { leader: () => memberOf(leader) },
    clock: { monotonicMs: () => now },
  });
  for (const look of looks) {
    ({ leader } = look);
    seen = unled.forMs(look.term, look.leading === true);
    now += 5_000;
  }
  expect(seen).toBe(unledMs);
});
