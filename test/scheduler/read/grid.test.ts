import { describe, expect, test } from 'vitest';
import { inOneGo } from '../../../src/job-file/json-text.ts';
import type { LedgerLine, Run } from '../../../src/scheduler/model/model.ts';
import {
  cellsOf,
  daysBetween,
  type JobPast,
  MAX_COUNTED,
  roundsAt,
} from '../../../src/scheduler/read/grid.ts';
import { compileSchedule } from '../../../src/scheduler/schedule/parse.ts';
import { zoneOf } from '../../../src/scheduler/schedule/zone.ts';

const at = (time: string): number => Date.parse(`2026-11-21T${time}:00Z`);
const hourly = compileSchedule({ cron: '0 * * * *' });

const line = (from: string, to: string, more: Partial<LedgerLine>): LedgerLine => ({
  job: 'a',
  from: at(from),
  to: at(to),
  count: 1,
  end: 'ran',
  reason: null,
  run: null,
  ...more,
});
const run = (due: string, state: Run['state'], created: string): Run =>
  ({ id: `a.${due}-${created}`, job: 'a', due: at(due), variant: '', state, createdAt: at(created) }) as Run;

const nothing: JobPast = {
  lines: [],
  backfilled: [],
  runs: [],
  pending: [],
  schedule: hourly,
  knownFrom: Number.NEGATIVE_INFINITY,
};

describe('a round shows', () => {
  test.each<[string, Partial<JobPast>, unknown]>([
    ['nothing where nothing was due', {}, { state: null, count: 0 }],
    [
      'the end that the ledger has when the run is no longer kept',
      { lines: [line('02:00', '02:00', { state: 'lost' })] },
      { state: 'lost', again: false },
    ],
    ['that an old entry has no end', { lines: [line('02:00', '02:00', {})] }, { state: 'ran' }],
    [
      'the newest run of the due time, which makes up for the first',
      { runs: [run('02:00', 'succeeded', '05:00'), run('02:00', 'failed', '02:00')] },
      { state: 'succeeded', again: true },
    ],
    [
      'the run before what the ledger says of the same due time',
      {
        lines: [line('02:00', '02:00', { end: 'missed' })],
        runs: [run('02:00', 'running', '09:00')],
      },
      { state: 'running', again: false },
    ],
    [
      'a stretch of which it is one',
      { lines: [line('01:00', '09:00', { end: 'skipped', count: 9 })] },
      { state: 'skipped', count: 1 },
    ],
    [
      'nothing of a stretch that was revoked when the clock was set back',
      { lines: [line('01:00', '09:00', { end: 'missed', count: 0 })] },
      { state: null },
    ],
    [
      'nothing of a stretch of another schedule, which was not due then',
      {
        lines: [line('01:00', '09:00', { end: 'missed', count: 2 })],
        schedule: compileSchedule({ cron: '30 * * * *' }),
      },
      { state: null },
    ],
    [
      'what a backfill made of a due time whose run is no longer kept',
      {
        lines: [line('01:00', '09:00', { end: 'missed', count: 9 })],
        backfilled: [{ job: 'a', due: at('02:00'), state: 'succeeded', run: 'a-b1', backfill: '1', at: 0 }],
      },
      { state: 'succeeded', count: 1 },
    ],
    ['that its parents have not ended', { pending: [at('02:00')] }, { state: 'pending' }],
    [
      'that it is unknown when there was too much to read',
      { runs: [run('02:00', 'failed', '02:00')], knownFrom: at('02:00') + 1 },
      { state: null, known: false },
    ],
  ])('%s', (_, past, expected) => {
    const [cell] = inOneGo(
      cellsOf({ ...nothing, ...past }, [{ from: at('02:00'), to: at('03:00') - 31 * 60_000 }]),
    );
    expect(cell).toMatchObject(expected as object);
  });
});

test('a round lasts until the next one, for what is due a little later', () => {
  const columns = roundsAt([at('04:00'), at('02:00'), at('02:00')]);
  const runs = [run('02:06', 'failed', '02:06'), run('04:09', 'succeeded', '04:09')];
  const cells = inOneGo(cellsOf({ ...nothing, runs, schedule: null }, columns));
  expect(cells.map(({ state }) => state)).toEqual(['failed', 'succeeded']);
});

describe('a day shows', () => {
  test.each<[string, Partial<JobPast>, unknown]>([
    [
      'the worst end, how often, and of how many due times',
      {
        lines: [
          line('01:00', '01:00', { state: 'succeeded' }),
          line('02:00', '02:00', { state: 'failed' }),
          line('03:00', '06:00', { end: 'skipped', count: 4 }),
        ],
      },
      { state: 'failed', worst: 1, count: 6, again: false },
    ],
    [
      'what is left of a stretch in which a backfill ran some',
      {
        lines: [line('03:00', '06:00', { end: 'missed', count: 4 })],
        runs: [run('04:00', 'succeeded', '09:00'), run('04:10', 'succeeded', '04:10')],
      },
      { state: 'missed', worst: 3, count: 5 },
    ],
    [
      'its part of a stretch over several days',
      { lines: [{ ...line('12:00', '12:00', { end: 'skipped', count: 240 }), to: at('12:00') + 864e6 }] },
      { state: 'skipped', count: 12 },
    ],
    [
      `at most ${MAX_COUNTED} due times of a stretch that is longer than the day`,
      {
        lines: [{ ...line('00:01', '00:01', { end: 'skipped', count: 99_999 }), to: at('12:00') + 864e6 }],
        schedule: compileSchedule({ cron: '* * * * *' }),
      },
      { state: 'skipped', count: MAX_COUNTED + 1 },
    ],
  ])('%s', (_, past, expected) => {
    const days = daysBetween(zoneOf('UTC'), { from: at('00:00'), to: at('23:00'), most: 9 });
    const cells = inOneGo(cellsOf({ ...nothing, ...past }, days));
    expect(cells).toMatchObject([expected]);
  });

  test('as long as its zone makes it', () => {
    const days = daysBetween(zoneOf('Europe/Berlin'), {
      from: Number.NEGATIVE_INFINITY,
      to: Date.parse('2026-03-30T10:00:00Z'),
      most: 3,
    });
    expect(days.map(({ from, to }) => (to - from) / 3_600_000)).toEqual([24, 23, 24]);
    expect(new Date(days[2]?.from ?? 0).toISOString()).toBe('2026-03-29T22:00:00.000Z');
  });
});
