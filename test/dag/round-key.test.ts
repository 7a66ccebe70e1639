import { expect, test } from 'vitest';
import {
  dueKey,
  intervalKey,
  isSingle,
  kindOf,
  looseKey,
  rerunsKey,
  startKey,
} from '../../src/dag/round-key.ts';

test.each([
  ['the loose round', looseKey, 'loose', 'loose', false],
  ['reruns of dropped rounds', rerunsKey, 'reruns', 'reruns', false],
  ['a manual start', startKey({ due: 5, variant: 'm1' }), 'start:5:m1', 'start', true],
  ['an interval', intervalKey('2026-11-21'), 'per:2026-11-21', 'interval', true],
  ['a due time', dueKey({ due: 5, variant: '' }), 'due:5', 'due', true],
  ['a due time of a start', dueKey({ due: 5, variant: 'm1' }), 'due:5:m1', 'due', true],
  ['a kind of a later release', 'constructor:5', 'constructor:5', null, true],
])('the key of %s is stored as it always was, and is read as its kind', (_, key, stored, kind, single) => {
  expect(key).toBe(stored);
  expect(kindOf(key)).toBe(kind);
  expect(isSingle(key)).toBe(single);
});
