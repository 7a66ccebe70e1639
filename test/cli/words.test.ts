import { describe, expect, test } from 'vitest';
import { changeLine, changesBetween } from '../../src/cli/difference.ts';
import { block } from '../../src/cli/failure.ts';
import type { Io } from '../../src/cli/shell.ts';
import {
  card,
  lasting,
  ledgerEnd,
  moment,
  short,
  table,
  when,
  whenExactly,
  zoned,
} from '../../src/cli/words.ts';

const io = { color: false, timezone: 'Europe/Berlin', now: () => Date.UTC(2026, 10, 21, 12) } as Io;

describe('a duration has two units at most', () => {
  test.each([
    [null, '–'],
    [0, '0ms'],
    [999, '999ms'],
    [1_000, '1.0s'],
    [59_999, '59.9s'],
    [60_000, '1m 0s'],
    [3_599_999, '59m 59s'],
    [7_500_000, '2h 5m'],
    [273_600_000, '3d 4h'],
  ])('%s ms is %s', (ms, words) => {
    expect(lasting(ms)).toBe(words);
  });
});

test("an instant is told in the viewer's zone, with how far off it is", () => {
  expect(when('2026-11-21T14:00:00.000Z', io)).toBe('2026-11-21 15:00:00 (in 2 hr.)');
  expect(when('2026-11-20T12:00:00.000Z', io)).toBe('2026-11-20 13:00:00 (1 day ago)');
  expect(when(null, io)).toBe('–');
  expect(moment('2026-07-01T00:00:00.000Z', 'Europe/Berlin')).toBe('Wed 2026-07-01 02:00:00 +02:00');
});

test('where no column says the zone, the offset is told, and heads of columns say the zone', () => {
  expect(whenExactly('2026-11-21T14:00:00.000Z', io)).toBe('2026-11-21 15:00:00 +01:00 (in 2 hr.)');
  expect(whenExactly(null, io)).toBe('–');
  expect(zoned('DUE', io)).toBe('DUE (Europe/Berlin)');
});

describe('a reason in a list fits into its line', () => {
  test.each([
    [null, ''],
    ['exit code 3', 'exit code 3'],
    ['two\nlines', 'two lines'],
    [`no program ${'x'.repeat(100)}`, `no program ${'x'.repeat(60)}…`],
    ['𝄞'.repeat(73), `${'𝄞'.repeat(71)}…`],
  ])('%s', (reason, text) => {
    expect(short(reason)).toBe(text);
  });
});

test('a table has no borders, and nothing in a cell breaks its line', () => {
  const text = table(
    ['JOB', 'WHY'],
    [
      ['a', 'two\nlines \u001b[2J'],
      ['longer', ''],
    ],
    io,
  );
  expect(text).toBe('JOB     WHY\na       two lines \\u001b[2J\nlonger');
});

test('a card leaves out what is not there', () => {
  expect(
    card(
      [
        ['job', 'a'],
        ['owner', null],
        ['labels', ''],
        ['state', 'active'],
      ],
      io,
    ),
  ).toBe('job    a\nstate  active');
});

test.each([
  ['ran', 'succeeded', 'succeeded'],
  ['ran', 'timed-out', 'timed-out'],
  ['ran', null, 'ran, end not recorded'],
  ['caught-up', null, 'caught up'],
  ['caught-up', 'failed', 'caught up: failed'],
  ['skipped', 'skipped', 'skipped'],
  ['missed', null, 'missed'],
] as const)('a ledger line with end %s and state %s reads "%s"', (end, state, words) => {
  const line = {
    job: 'a',
    from: '',
    to: '',
    count: 1,
    more: false,
    end,
    state,
    reason: null,
    why: null,
    run: null,
  };
  expect(ledgerEnd(line, io)).toBe(words);
});

test('definitions differ field by field; lists are compared as a whole', () => {
  const before = { name: 'a', policy: { timeout: 'PT1H', retries: { limit: 1 } }, run: { argv: ['a', 'b'] } };
  const after = { name: 'a', policy: { timeout: 'PT2H' }, run: { argv: ['a', 'c'] }, owner: 'me' };
  expect(changesBetween(before, after).map(changeLine)).toEqual([
    '~ policy.timeout: PT1H → PT2H',
    '- policy.retries: {"limit":1}',
    '~ run.argv: ["a","b"] → ["a","c"]',
    '+ owner: me',
  ]);
  expect(changesBetween(after, after)).toEqual([]);
});

test('a failure is one block with the field, the value and what is allowed', () => {
  const details = { field: 'port', value: 'x', allowed: ['1', '2'], source: '--port' };
  expect(block('error', { code: 'INVALID_FIELD', message: 'No.', details })).toBe(
    [
      'error: No.',
      '  code     INVALID_FIELD',
      '  where    --port',
      '  field    port',
      '  value    x',
      '  allowed  1, 2',
      '',
    ].join('\n'),
  );
});
