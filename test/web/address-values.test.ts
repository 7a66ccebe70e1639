/** Whatever an address says, a page gets a value that it can show, or none. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stretch } from '../../web/src/job/calendar.ts';
import { choiceIn, instantIn, millisecondsIn, wholeIn } from '../../web/src/parts/address-values.ts';

describe('a value in the address', () => {
  it.each([
    null,
    '',
    '9e18',
    '-1',
    '1.5',
    'NaN',
    'Infinity',
    '0x10',
    ' 1',
    '8640000000000001',
    '9'.repeat(400),
  ])('%j is no instant in milliseconds', (text) => {
    expect(millisecondsIn(text)).toBeNull();
  });

  it.each([
    null,
    '',
    'yesterday',
    '1',
    '2026-13-45T00:00:00Z',
    '-271821-04-20T00:00:00Z',
    '+275760-09-13T00:00:00Z',
    '9999-12-31T23:59:59Z',
    '1969-12-31T23:59:59Z',
  ])('%j is no instant', (text) => {
    expect(instantIn(text)).toBeNull();
  });

  it('is read where it is one', () => {
    expect(millisecondsIn('1764288000000')).toBe(1_764_288_000_000);
    expect(instantIn('2026-11-21T03:00:00.000Z')).toBe(Date.parse('2026-11-21T03:00:00Z'));
    expect(wholeIn('3', 1, 5)).toBe(3);
    expect(choiceIn('day', ['month', 'day'])).toBe('day');
  });

  it('is absent where it is out of bounds, or none of the choices', () => {
    expect([wholeIn('0', 1, 5), wholeIn('6', 1, 5), wholeIn('three', 1, 5)]).toEqual([null, null, null]);
    expect([choiceIn('year', ['month', 'day']), choiceIn(null, ['month'])]).toEqual([null, null]);
  });

  it('leads to a month that can be shown and asked for, however it is written', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double().map(String), fc.maxSafeNat().map(String)), (text) => {
        const { fromMs, toMs } = stretch('month', millisecondsIn(text) ?? 0);
        for (const ms of [fromMs, toMs]) expect(new Date(ms).toISOString()).toMatch(/^\d{4}-/);
      }),
    );
  });
});
