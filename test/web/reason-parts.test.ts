/** What the web app shows of a reason: its pieces, as the server cut them. */

import { expect, test } from 'vitest';
import { partsIn } from '../../web/src/parts/reason-parts.ts';

const run = { id: 'a.b.20261121T145019Z', job: 'a.b', due: '2026-11-21T14:50:19.000Z' };
const parts = [{ text: 'waits for ' }, { text: run.id, run }, { text: ' to end' }];
const why = { code: 'waits-for-runs', because: null, text: `waits for ${run.id} to end`, refs: [], parts };

test('a reason has the pieces of the server', () => {
  expect(partsIn(why, why.text, false)).toEqual(parts);
});

test('a reason that begins a sentence has a capital letter, unless it begins with a run', () => {
  expect(partsIn(why, why.text, true)).toEqual([{ text: 'Waits for ' }, ...parts.slice(1)]);
  expect(partsIn({ ...why, parts: parts.slice(1) }, why.text, true)).toEqual(parts.slice(1));
});

test.each([null, undefined])(
  'without a reason (%s) the text is one piece, and nothing is read out of it',
  (none) => {
    expect(partsIn(none, why.text, false)).toEqual([{ text: why.text }]);
  },
);
