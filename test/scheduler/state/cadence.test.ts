/** Which jobs are due at the same times, and by which rule a child's rounds are made. */

import { describe, expect, test } from 'vitest';
import type { AfterDefinition } from '../../../src/scheduler/job/definition.ts';
import { cadenceOf, joinSpecOf } from '../../../src/scheduler/state/cadence.ts';
import { compiled } from '../../../src/scheduler/state/decided.ts';

const hourly = { cron: '0 * * * *' };
const daily = { cron: '0 0 * * *' };

type Fleet = Record<string, { schedule?: object; parents?: string[]; known?: string | null }>;

const cadence = (fleet: Fleet, name: string): string | null =>
  cadenceOf(name, (job) => ({
    schedule: fleet[job]?.schedule === undefined ? null : compiled(fleet[job].schedule as never),
    parents: fleet[job]?.parents ?? [],
    known: fleet[job]?.known,
  }));

describe('a job has the cadence', () => {
  const fleet: Fleet = {
    a: { schedule: hourly },
    same: { schedule: { cron: '0 * * * *' } },
    berlin: { schedule: { ...hourly, timezone: 'Europe/Berlin' } },
    d: { schedule: daily },
    manual: {},
    b: { parents: ['a'] },
    c: { parents: ['b', 'same'] },
    diamond: { parents: ['c', 'b', 'a'] },
    mixed: { parents: ['b', 'd'] },
    below: { parents: ['mixed'] },
    unsure: { parents: ['a', 'manual'] },
  };
  test.each([
    ['of its own schedule', 'a', 'same'],
    ['of its parent', 'b', 'a'],
    ['of its parents, where they agree', 'c', 'a'],
    ['of all above it, on whatever ways', 'diamond', 'a'],
  ])('%s', (_, one, other) => {
    expect(cadence(fleet, one)).not.toBeNull();
    expect(cadence(fleet, one)).toBe(cadence(fleet, other));
  });

  test.each([
    ['of no job in another zone', 'a', 'berlin'],
    ['of no job with another schedule', 'a', 'd'],
  ])('%s', (_, one, other) => {
    expect(cadence(fleet, one)).not.toBe(cadence(fleet, other));
  });

  test.each([
    ['that is started by hand', 'manual'],
    ['whose parents differ', 'mixed'],
    ['below one whose parents differ', 'below'],
    ['below one that is started by hand', 'unsure'],
  ])('none, %s', (_, name) => {
    expect(cadence(fleet, name)).toBeNull();
  });

  test.each([
    ['that is known', { b: { parents: ['a'], known: 'x' } }, 'x'],
    [
      'none where that is known',
      { b: { schedule: undefined, parents: ['a'], known: null }, a: { schedule: hourly } },
      null,
    ],
  ])('%s', (_, known, expected) => {
    expect(cadence(known as Fleet, 'b')).toBe(expected);
  });

  test('none below a chain of more than ten thousand', () => {
    const chain = (length: number): Fleet => ({
      j0: { schedule: hourly },
      ...Object.fromEntries(Array.from({ length }, (_, i) => [`j${i + 1}`, { parents: [`j${i}`] }])),
    });
    expect(cadence(chain(9_999), 'j9999')).not.toBeNull();
    expect(cadence(chain(10_001), 'j10001')).toBeNull();
  });
});

describe('the rounds of a child', () => {
  const spec = (after: AfterDefinition, cadences: Record<string, string | null> = {}) =>
    joinSpecOf(
      after,
      (parent) => cadences[parent] ?? null,
      (parent) => (parent === 'manual' ? null : compiled(parent === 'd' ? daily : (hourly as never))),
    );

  test.each<[string, Record<string, string | null>, boolean]>([
    ['go by due time where all parents have one cadence', { a: 'x', b: 'x' }, true],
    ['do not where one has another', { a: 'x', b: 'y' }, false],
    ['do not where the last has none', { a: 'x' }, false],
    ['do not where the first has none', { b: 'x' }, false],
    ['do not where none has one', {}, false],
  ])('%s', (_, cadences, aligned) => {
    expect(spec({ parents: ['a', 'b'] }, cadences)).toEqual({
      parents: ['a', 'b'],
      when: 'all-succeeded',
      aligned,
    });
  });

  test('wait for what the definition says', () => {
    expect(spec({ parents: ['a'], when: 'any-failed' }).when).toBe('any-failed');
  });

  const noon = Date.parse('2026-02-18T12:34:56.789Z');
  test.each<[NonNullable<AfterDefinition['per']>, string, string, number]>([
    ['minute', '2026-02-18T12:34:00Z', '2026-02-18T12:35:00Z', 1],
    ['hour', '2026-02-18T12:00:00Z', '2026-02-18T13:00:00Z', 1],
    ['day', '2026-02-18T00:00:00Z', '2026-02-19T00:00:00Z', 24],
    // A Wednesday.
    ['week', '2026-02-16T00:00:00Z', '2026-02-23T00:00:00Z', 168],
    ['month', '2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z', 28 * 24],
  ])(
    'per %s hold for the UTC interval from %s to %s, of %i runs of an hourly parent',
    (per, from, to, runs) => {
      const { per: interval } = spec({ parents: ['a'], per });
      const key = (ms: number): string | undefined => interval?.key(ms);
      expect(key(noon)).toBe(String(Date.parse(from)));
      expect([key(Date.parse(from)), key(Date.parse(to) - 1)]).toEqual([key(noon), key(noon)]);
      expect([key(Date.parse(from) - 1) === key(noon), key(Date.parse(to)) === key(noon)]).toEqual([
        false,
        false,
      ]);
      expect(interval?.expected('a', noon)).toBe(runs);
    },
  );

  test.each<[string, AfterDefinition, string, string, string, number]>([
    [
      'a day in Berlin begins at its midnight',
      { parents: ['a'], per: 'day', timezone: 'Europe/Berlin' },
      '2026-02-18T12:00:00Z',
      '2026-02-17T23:00:00Z',
      '2026-02-18T23:00:00Z',
      24,
    ],
    [
      'the day on which clocks go forward has 23 runs',
      { parents: ['a'], per: 'day', timezone: 'Europe/Berlin' },
      '2026-03-29T12:00:00Z',
      '2026-03-28T23:00:00Z',
      '2026-03-29T22:00:00Z',
      23,
    ],
    [
      'the day on which clocks go back has 25',
      { parents: ['a'], per: 'day', timezone: 'Europe/Berlin' },
      '2026-10-25T12:00:00Z',
      '2026-10-24T22:00:00Z',
      '2026-10-25T23:00:00Z',
      25,
    ],
    [
      'the month of New York goes from its first to its next first',
      { parents: ['a'], per: 'month', timezone: 'America/New_York' },
      '2026-11-01T03:59:59Z',
      '2026-10-01T04:00:00Z',
      '2026-11-01T04:00:00Z',
      31 * 24,
    ],
    [
      'weeks may begin on Sunday',
      { parents: ['a'], per: 'week', weekStart: 'sunday' },
      '2026-02-18T12:00:00Z',
      '2026-02-15T00:00:00Z',
      '2026-02-22T00:00:00Z',
      168,
    ],
    [
      'weeks may begin on Thursday, in a zone',
      { parents: ['a'], per: 'week', weekStart: 'thursday', timezone: 'Asia/Tokyo' },
      '2026-02-18T14:59:59Z',
      '2026-02-11T15:00:00Z',
      '2026-02-18T15:00:00Z',
      168,
    ],
    [
      'an hour in a zone half an hour off begins at half past',
      { parents: ['a'], per: 'hour', timezone: 'Asia/Kolkata' },
      '2026-02-18T12:40:00Z',
      '2026-02-18T12:30:00Z',
      '2026-02-18T13:30:00Z',
      1,
    ],
    [
      'one parent has the interval for all',
      { parents: ['d', { job: 'a', per: 'day' }], timezone: 'Europe/Berlin' },
      '2026-02-18T12:00:00Z',
      '2026-02-17T23:00:00Z',
      '2026-02-18T23:00:00Z',
      24,
    ],
  ])('%s', (_, after, within, from, to, runs) => {
    const { per } = spec(after);
    const first = Date.parse(from);
    const last = Date.parse(to) - 1;
    expect([within, from].map((each) => per?.key(Date.parse(each)))).toEqual([`${first}`, `${first}`]);
    expect(per?.key(last)).toBe(`${first}`);
    expect(per?.key(last + 1)).toBe(`${last + 1}`);
    expect(per?.key(first - 1)).not.toBe(`${first}`);
    expect(per?.expected('a', Date.parse(within))).toBe(runs);
    expect(per?.expected('d', last)).toBe(Math.max(1, Math.round((last - first) / 86_400_000)));
  });

  test('have the conditions of single parents', () => {
    const { when, conditions } = spec({ parents: ['a', { job: 'd', when: 'done' }, { job: 'manual' }] });
    expect(when).toBe('all-succeeded');
    expect([...(conditions ?? [])]).toEqual([['d', 'done']]);
  });

  test('of a December go to the new year', () => {
    const { per } = spec({ parents: ['a'], per: 'month' });
    expect(per?.expected('a', Date.parse('2026-12-05T00:00:00Z'))).toBe(31 * 24);
  });

  test.each([
    ['a parent that is started by hand is to have one', 'manual', 1],
    ['a parent that has none in it is to have one all the same', 'd', 1],
    ['the hourly parent is to have its one', 'a', 1],
  ])('per hour: %s', (_, parent, runs) => {
    const { per } = spec({ parents: ['a', 'd', 'manual'], per: 'hour' });
    // Asked for often, and for many hours: the same answer each time.
    for (let hour = 0; hour < 200; hour++) {
      expect(per?.expected(parent, noon + hour * 3_600_000)).toBe(runs);
      expect(per?.expected('a', noon + hour * 3_600_000)).toBe(1);
    }
  });
});
