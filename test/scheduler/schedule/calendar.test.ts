import { describe, expect, test } from 'vitest';
import { CarillonError } from '../../../src/errors.ts';
import { type Calendar, covers, nextChange } from '../../../src/scheduler/schedule/calendar/calendar.ts';
import { datesText, parseDates, parseWeekly } from '../../../src/scheduler/schedule/calendar/text.ts';
import { compile } from '../../../src/scheduler/state/calendars.ts';

const calendar = (document: object, timezone = 'Europe/Berlin'): Calendar =>
  compile({ name: 'c', document: { calendar: 'c', timezone, ...document }, expanded: [] });
const at = (text: string) => Date.parse(text);

describe('a calendar covers', () => {
  test.each<[string, object, string, boolean]>([
    ['a date from its local midnight', { dates: ['2026-12-25'] }, '2026-12-24T23:00:00Z', true],
    ['nothing before it', { dates: ['2026-12-25'] }, '2026-12-24T22:59:59.999Z', false],
    ['nothing from the next midnight on', { dates: ['2026-12-25'] }, '2026-12-25T23:00:00Z', false],
    ['the last day of a range', { dates: ['2026-12-31..2027-01-01'] }, '2027-01-01T22:59:59Z', true],
    ['nothing behind a range', { dates: ['2026-12-31..2027-01-01'] }, '2027-01-01T23:00:00Z', false],
    [
      'times up to their end',
      { dates: ['2026-12-24T18:00..2026-12-26T06:00'] },
      '2026-12-26T04:59:59Z',
      true,
    ],
    [
      'nothing at the end of times',
      { dates: ['2026-12-24T18:00..2026-12-26T06:00'] },
      '2026-12-26T05:00:00Z',
      false,
    ],
    ['a weekday', { weekly: ['sat'] }, '2026-11-28T12:00:00Z', true],
    ['days around the end of the week', { weekly: ['fri-mon'] }, '2026-11-30T12:00:00Z', true],
    ['no other weekday', { weekly: ['fri-mon'] }, '2026-12-01T12:00:00Z', false],
    ['times over midnight', { weekly: ['mon-fri 18:00-06:00'] }, '2026-11-28T04:59:59Z', true],
    ['times over midnight of Sunday', { weekly: ['sun 18:00-06:00'] }, '2026-11-30T04:59:59Z', true],
    ['nothing behind them', { weekly: ['sun 18:00-06:00'] }, '2026-11-30T05:00:00Z', false],
    [
      'the first pass of a repeated hour',
      { dates: ['2026-10-25T02:00..2026-10-25T03:00'] },
      '2026-10-25T00:30:00Z',
      true,
    ],
    ['its second pass', { dates: ['2026-10-25T02:00..2026-10-25T03:00'] }, '2026-10-25T01:30:00Z', true],
    ['no other hour then', { dates: ['2026-10-25T02:00..2026-10-25T03:00'] }, '2026-10-25T02:00:00Z', false],
    [
      'nothing in a skipped hour',
      { dates: ['2026-03-29T02:00..2026-03-29T03:00'] },
      '2026-03-29T01:00:00Z',
      false,
    ],
  ])('%s', (_, document, instant, covered) => {
    expect(covers(calendar(document), at(instant))).toBe(covered);
  });
});

test('between changes a calendar has one answer, also around clock changes', () => {
  const freeze = calendar({
    dates: ['2026-10-25T01:30..2026-10-25T02:30', '2026-03-28T23:00..2026-03-29T02:30'],
    weekly: ['sun 22:00-03:00'],
  });
  for (const [from, to] of [
    ['2026-03-26T00:00:00Z', '2026-04-01T00:00:00Z'],
    ['2026-10-22T00:00:00Z', '2026-10-28T00:00:00Z'],
  ] as const) {
    let change = at(from);
    for (let minute = at(from); minute < at(to); minute += 60_000) {
      const before = covers(freeze, minute);
      if (minute >= change) change = nextChange(freeze, minute);
      expect(change).toBeGreaterThan(minute);
      const naive = covers(freeze, minute + 60_000);
      if (naive !== before)
        expect(change, new Date(minute).toISOString()).toBeLessThanOrEqual(minute + 60_000);
    }
  }
});

describe('what is written', () => {
  test.each([
    '2026-13-01',
    '2026-02-29',
    '2026-12-25T18:00',
    '2026-12-26..2026-12-25',
    '2026-12-24T25:00..2026-12-25',
    'christmas',
    '25.12.2026',
  ])('%s is no date', (text) => {
    expect(() => parseDates(text, 'dates[0]')).toThrow(CarillonError);
  });

  test.each(['someday', 'mon-', 'mon 24:00-06:00', 'mon 9:00-10:00', 'mon 09:60-10:00', ''])(
    '%s is no time of the week',
    (text) => {
      expect(() => parseWeekly(text, 'weekly[0]')).toThrow(CarillonError);
    },
  );

  test('a date can have a text behind it', () => {
    expect(parseDates('2026-12-25 Christmas Day', 'dates[0]')).toEqual({
      window: [at('2026-12-25T00:00Z'), at('2026-12-26T00:00Z')],
      label: 'Christmas Day',
    });
  });

  test.each(['2026-12-25', '2026-12-25..2026-12-26', '2026-12-24T18:00..2026-12-27T00:00'])(
    '%s is written again as it was',
    (text) => {
      expect(datesText(parseDates(text, 'dates[0]').window)).toBe(text);
    },
  );
});
