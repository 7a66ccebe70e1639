/** What the ledger and the runs say of due times that did not start a run: which end, how many, and why. */

import { describe, expect, test } from 'vitest';
import type { LedgerLine } from '../../../src/scheduler/model/model.ts';
import { inWords, wordsOf } from '../../support/in-words.ts';
import { Rig } from '../../support/rig.ts';

const second = (iso: string): number => Date.parse(iso);
/** The job's lines without its name. */
const lines = (rig: Rig): Omit<LedgerLine, 'job'>[] =>
  [...rig.ledger.values()]
    .filter(({ job }) => job === 'a')
    .sort((a, b) => a.from - b.from)
    .map(({ job: _, ...line }) => line);

/** Every hour from 01:00; away until 03:10. */
function away(policy: object, until = '2026-01-01T03:10:00Z'): Rig {
  const rig = new Rig('2026-01-01T00:30:00Z');
  rig.put({ name: 'a', schedule: { cron: '0 * * * *' }, policy: { overlap: 'allow', ...policy } });
  rig.sleep(until);
  return rig;
}

describe('due times that passed while nobody led', () => {
  const passed = { from: second('2026-01-01T01:00:00Z'), run: null };
  const all = { ...passed, to: second('2026-01-01T03:00:00Z'), count: 3 };
  test.each<[string, object, object[]]>([
    [
      'are missed without catching up',
      { catchUp: 'none' },
      [{ ...all, end: 'missed', reason: 'not processed in time, and policy.catchUp is none' }],
    ],
    [
      'are missed outside the start window',
      { catchUp: 'latest', startWithin: 'PT5M' },
      [{ ...all, end: 'missed', reason: 'the start window had passed' }],
    ],
    [
      'are missed beyond the limit',
      { catchUp: 'all', catchUpLimit: 2 },
      [
        {
          ...passed,
          // To right before the first that is run.
          to: second('2026-01-01T02:00:00Z') - 1,
          count: 1,
          end: 'missed',
          reason: 'more than 2 runs to catch up',
        },
      ],
    ],
    [
      'are caught up by the latest',
      { catchUp: 'latest' },
      [
        {
          from: second('2026-01-01T01:00:00Z'),
          to: second('2026-01-01T03:00:00Z') - 1,
          count: 2,
          end: 'caught-up',
          reason: null,
          run: 'a.20260101T030000Z',
        },
      ],
    ],
  ])('%s', (_, policy, expected) => {
    expect(inWords(lines(away(policy)))).toEqual(expected);
  });

  test.each([
    ['missed', { catchUp: 'none' }, { missed: 3, skipped: 0 }],
    ['caught up', { catchUp: 'latest' }, { missed: 0, skipped: 0 }],
  ])('are counted where they are %s', (_, policy, counters) => {
    expect(away(policy).view('a').state).toMatchObject(counters);
  });

  test.each([
    ['is on time at five seconds', 'none', 5_000, ['launching 01:00']],
    ['is late a millisecond later', 'none', 5_001, []],
    ['is caught up then, by default', 'latest', 5_001, ['launching 01:00']],
  ])('one that %s', (_, catchUp, lateMs, runs) => {
    const rig = new Rig('2026-01-01T00:30:00Z');
    rig.put({ name: 'a', schedule: { cron: '0 * * * *' }, policy: { catchUp } });
    rig.sleep(second('2026-01-01T01:00:00Z') + lateMs - rig.now);
    expect(rig.runs('a')).toEqual(runs);
  });

  test.each([
    ['ends with the window', 600_000, ['launching 01:00']],
    ['ends a millisecond behind it', 600_001, []],
  ])('a start window counts to its last millisecond: one that %s', (_, lateMs, runs) => {
    const rig = new Rig('2026-01-01T00:30:00Z');
    rig.put({
      name: 'a',
      schedule: { cron: '0 * * * *' },
      policy: { catchUp: 'none', startWithin: 'PT10M' },
    });
    rig.sleep(second('2026-01-01T01:00:00Z') + lateMs - rig.now);
    expect(rig.runs('a')).toEqual(runs);
  });

  test('of a job that runs every second run each, while they are on time', () => {
    const rig = new Rig('2026-01-01T00:00:00.500Z');
    rig.put({ name: 'a', schedule: { cron: '* * * * * *' }, policy: { catchUp: 'none', overlap: 'allow' } });
    rig.sleep(7_000);
    expect(rig.runs('a')).toEqual(['03', '04', '05', '06', '07'].map((s) => `launching 00:00:${s}`));
    expect(rig.lines('a')).toEqual(['missed 00:00:01 x2']);
  });

  test('with catch-up latest, those that are on time do not run beside the one that catches up', () => {
    const rig = new Rig('2026-01-01T00:00:00.500Z');
    rig.put({
      name: 'a',
      schedule: { cron: '* * * * * *' },
      policy: { catchUp: 'latest', overlap: 'allow' },
    });
    rig.sleep(7_000);
    expect(rig.runs('a')).toEqual(['launching 00:00:07']);
    expect(rig.lines('a')).toEqual(['caught-up 00:00:01 x6']);
  });

  test('with a limit without a window, a job that does not catch up runs none of them', () => {
    expect(away({ catchUp: 'none', catchUpLimit: 2 }).runs('a')).toEqual([]);
  });

  test('with a window, a job that does not catch up runs the newest up to its limit', () => {
    const rig = away({ catchUp: 'none', startWithin: 'PT12H', catchUpLimit: 2 });
    expect(rig.runs('a')).toEqual(['launching 02:00', 'launching 03:00']);
  });
});

describe('a line of the ledger goes on', () => {
  const paused = (rig: Rig, kind: 'pause' | 'resume'): void =>
    void rig.submit({ kind, name: 'a', by: 'ann' });
  const minutely = (): Rig => {
    const rig = new Rig('2026-01-01T00:00:30Z');
    rig.put({ name: 'a', schedule: { cron: '* * * * *' }, policy: { catchUp: 'none', overlap: 'allow' } });
    return rig;
  };

  test('while a job is paused', () => {
    const rig = minutely();
    paused(rig, 'pause');
    rig.advance(180_000);
    expect(inWords(lines(rig))).toEqual([
      {
        from: second('2026-01-01T00:01:00Z'),
        to: second('2026-01-01T00:03:00Z'),
        count: 3,
        end: 'skipped',
        reason: 'the job is paused',
        run: null,
      },
    ]);
    expect(rig.view('a').state.skipped).toBe(3);
  });

  test('and another begins when the reason is another', () => {
    const rig = minutely();
    rig.put({
      name: 'a',
      schedule: { cron: '* * * * *' },
      policy: { catchUp: 'none', disableAfterFailures: 1 },
    });
    rig.advance(40_000);
    rig.end('a', 1);
    rig.advance(60_000);
    paused(rig, 'pause');
    rig.advance(60_000);
    const reasons = lines(rig).map(({ end, reason, count }) => `${end} ${wordsOf(reason)} x${count}`);
    expect(reasons).toEqual([
      'ran exit code 1 x1',
      'skipped the job is disabled: 1 consecutive failed runs x1',
      'skipped the job is paused x1',
    ]);
  });

  test('and another begins when the end is another', () => {
    const rig = minutely();
    rig.sleep(120_000);
    paused(rig, 'pause');
    rig.advance(60_000);
    expect(rig.lines('a')).toEqual(['missed 00:01 x2', 'skipped 00:03']);
  });

  test('and another begins behind a run', () => {
    const rig = minutely();
    paused(rig, 'pause');
    rig.advance(60_000);
    paused(rig, 'resume');
    rig.advance(60_000);
    paused(rig, 'pause');
    rig.advance(60_000);
    rig.end('a');
    expect(rig.lines('a')).toEqual(['skipped 00:01', 'ran 00:02', 'skipped 00:03']);
  });
});

describe('a run that does not start because of another says which', () => {
  function minutely(overlap: string, minutes: number): Rig {
    const rig = new Rig('2026-01-01T00:00:30Z');
    rig.put({ name: 'a', schedule: { cron: '* * * * *' }, policy: { overlap } });
    rig.advance(minutes * 60_000);
    return rig;
  }
  const id = (minute: number): string => `a.20260101T000${minute}00Z`;

  test.each<[string, string, number, (string | null)[], (string | null)[]]>([
    ['one is skipped', 'skip', 2, [`overlap: ${id(1)} is still launching`], [null]],
    ['one waits for the first', 'queue', 2, [], [null, `waits for ${id(1)} to end`]],
    [
      'a third is skipped, as one is already waiting',
      'queue',
      3,
      [`overlap: ${id(2)} is already waiting`],
      [null, `waits for ${id(1)} to end`],
    ],
    [
      'each waits for all before it, three of them named',
      'queue-all',
      6,
      [],
      [
        null,
        `waits for ${id(1)} to end`,
        `waits for ${id(1)}, ${id(2)} to end`,
        `waits for ${id(1)}, ${id(2)}, ${id(3)} to end`,
        `waits for ${id(1)}, ${id(2)}, ${id(3)} and 1 more to end`,
        `waits for ${id(1)}, ${id(2)}, ${id(3)} and 2 more to end`,
      ],
    ],
  ])('%s', (_, overlap, minutes, skipped, waiting) => {
    const rig = minutely(overlap, minutes);
    expect(rig.reasons('a')).toEqual(skipped);
    expect([...rig.state.runs.values()].map(({ reason }) => wordsOf(reason))).toEqual(waiting);
  });
});
