import { expect, test } from 'vitest';
import { dstChanges } from '../../../src/scheduler/schedule/dst.ts';
import type { ScheduleInput } from '../../../src/scheduler/schedule/model.ts';
import { iso, scheduleOf } from './schedules.ts';

const year = [Date.parse('2024-01-01'), Date.parse('2025-01-01')] as const;

function effects(input: ScheduleInput) {
  return dstChanges(scheduleOf({ timezone: 'America/New_York', ...input }), ...year).map(
    (change) => change.effect,
  );
}

test('each change of the zone is listed with its instant and shift', () => {
  const changes = dstChanges(scheduleOf({ cron: '@daily', timezone: 'Australia/Lord_Howe' }), ...year);
  expect(changes.map(({ atMs, shiftMs }) => [iso(atMs), shiftMs / 60_000])).toEqual([
    ['2024-04-06T15:00:00Z', -30],
    ['2024-10-05T15:30:00Z', 30],
  ]);
});

test.each([
  ['a fixed time inside both', { cron: '30 1,2 * * *' }, ['runs-once-after', 'first-pass']],
  ['a wildcard', { cron: '*/5 * * * *' }, ['lost', 'both-passes']],
  [
    'a policy',
    { cron: '30 1,2 * * *', dst: { gap: 'skip', overlap: 'both' } } as const,
    ['lost', 'both-passes'],
  ],
  ['a time outside', { cron: '0 12 * * *' }, ['unaffected', 'unaffected']],
  ['a day outside', { cron: '30 2 15 * *' }, ['unaffected', 'unaffected']],
  ['a repeat by days inside the gap', { every: 'R/2024-01-01T02:30:00/P1D' }, ['moved', 'unaffected']],
  [
    'a repeat by days inside the overlap',
    { every: 'R/2024-01-01T01:30:00/P1D' },
    ['unaffected', 'first-pass'],
  ],
  [
    'a repeat counted back from its end',
    { every: 'R400/P1DT1H/2024-03-12T02:30:00' },
    ['moved', 'unaffected'],
  ],
  ['a repeat by months', { every: 'R/1990-01-10T02:30:00/P1M' }, ['moved', 'unaffected']],
  ['a repeat that has ended', { every: 'R3/2024-01-01T02:30:00/P1D' }, ['unaffected', 'unaffected']],
  ['exact time', { every: 'R/2024-01-01T02:30:00/PT1H' }, ['unaffected', 'unaffected']],
  ['a zone without changes', { cron: '@daily', timezone: 'Asia/Tokyo' }, []],
])('%s', (_, input, expected) => {
  expect(effects(input)).toEqual(expected);
});

test('a skipped day is lost whatever the policy', () => {
  const schedule = scheduleOf({ cron: '0 12 * * *', timezone: 'Pacific/Apia', dst: { gap: 'run-once' } });
  const found = dstChanges(schedule, Date.parse('2011-12-01'), Date.parse('2012-01-15'));
  expect(found).toEqual([{ atMs: Date.parse('2011-12-30T10:00:00Z'), shiftMs: 86_400_000, effect: 'lost' }]);
});
