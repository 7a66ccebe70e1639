/** What the steps make of the forms of 0.1.0; a store of that release is read in test/store/upgrade.test.ts. */

import { expect, test } from 'vitest';
import type { JobState, Run } from '../../../src/scheduler/model/model.ts';
import { decodeValue } from '../../../src/scheduler/records/stored.ts';

const stored = { id: 'a.1', job: 'a', due: 1, trigger: { kind: 'schedule' }, attempts: [] };
const read = (value: object): Run => decodeValue(['run', 'a.1', { ...stored, ...value }]) as Run;

test.each([
  [undefined, 'scheduled'],
  ['mabc', 'manual'],
  ['r77', 'rerun'],
  ['r77~extract', 'rerun'],
  ['~rates', 'scheduled'],
])('a run of version 1 with the variant %s is %s', (variant, lineage) => {
  const trigger = { kind: 'parents', runs: ['b.1'] };
  expect(read({ trigger, ...(variant !== undefined && { variant }) })).toMatchObject({ lineage, trigger });
});

test('a run of version 2 says what began it, whatever its variant is', () => {
  expect(read({ v: 2, variant: 'mabc' }).lineage).toBe('scheduled');
});

test.each([
  ['stands for earlier due times', { catchesUp: 3 }, { kind: 'schedule', catchUp: true }],
  ['is one of a row', { inRow: true }, { kind: 'schedule', catchUp: true }],
  ['is neither', {}, { kind: 'schedule' }],
])('a run of version 1 that %s', (_, fields, trigger) => {
  expect(read(fields).trigger).toEqual(trigger);
});

test('rounds of version 1, and the entries in them, get the lineage of their variants', () => {
  const end = { runId: 'a.1', due: 1, outcome: 'succeeded' };
  const join = {
    open: [{ key: 'loose', due: 1, variant: '', fired: false, ends: { a: { ...end, variant: 'r7' } } }],
    recent: [{ key: 'due:1', due: 1, variant: 'mx', fired: true, ends: { a: { ...end, variant: '' } } }],
    mark: 1,
  };
  expect((decodeValue(['state', 'b', { cursor: 0, join }]) as JobState).join).toEqual({
    open: [{ ...join.open[0], ends: { a: { ...end, variant: 'r7', lineage: 'rerun' } } }],
    recent: [{ ...join.recent[0], lineage: 'manual' }],
    mark: 1,
  });
});

test('a reason of version 2 keeps its text, wherever it is', () => {
  const text = (words: string) => ({ code: 'text', text: words });
  const ended = read({
    v: 2,
    reason: 'killed by ann',
    kill: { at: 1, by: 'ann', as: 'killed', reason: 'killed by ann' },
    attempts: [{ number: 1, reason: 'exit code 1' }, { number: 2 }],
  });
  expect(ended).toMatchObject({
    reason: text('killed by ann'),
    kill: { at: 1, by: 'ann', reason: text('killed by ann') },
    attempts: [{ reason: text('exit code 1') }, { reason: null }],
  });
  expect(read({ v: 2 })).toMatchObject({ reason: null, kill: null, attempts: [] });
  const line = { to: 1, end: 'skipped', reason: 'the job is paused' };
  expect(decodeValue(['ledger', 'a', line, 1])).toMatchObject({ reason: text('the job is paused') });
  const disabled = { at: 1, reason: '3 failed runs in a row' };
  expect(decodeValue(['state', 'a', { v: 2, cursor: 0, disabled, leaps: [{ line }] }])).toMatchObject({
    disabled: { at: 1, reason: text('3 failed runs in a row') },
    leaps: [{ line: { ...line, reason: text('the job is paused') } }],
  });
});
