/** Jobs with a calendar: what is left out has its entry, and children wait for nothing. */

import { beforeEach, describe, expect, test } from 'vitest';
import { textOrNull } from '../../../../src/scheduler/model/reason.ts';
import { Rig } from '../../../support/rig.ts';

let rig: Rig;
// A Thursday.
beforeEach(() => {
  rig = new Rig('2026-11-26T00:00:00Z');
});

const calendar = (name: string, document: object) =>
  rig.submit({
    kind: 'put-calendar',
    document: { calendar: name, ...document },
    expanded: [],
    expandedUntil: null,
    dryRun: false,
    by: 'ann',
    source: 'test',
  });
const daily = (more: object = {}) => ({
  name: 'a',
  schedule: { cron: '0 2 * * *', calendar: { except: 'weekend', ...more } },
});
/** Day, outcome and reason of each entry. */
const ledger = (name: string) =>
  [...rig.ledger.values()]
    .filter((line) => line.job === name)
    .sort((x, y) => x.from - y.from)
    .map(({ from, end, count, reason }) => {
      const why = textOrNull(reason);
      return `${new Date(from).toISOString().slice(8, 10)} ${end}${count === 1 ? '' : ` x${count}`}${why === null ? '' : `: ${why}`}`;
    });
const live = (name: string, to: string) => {
  for (let day = rig.now; day <= Date.parse(to); day += 3_600_000) {
    rig.advance(new Date(day).toISOString());
    for (const run of [...rig.state.runs.values()])
      if (run.job === name && run.state === 'launching') rig.end(name);
  }
};

describe('a job except on weekends', () => {
  test('runs on the other days, and the ledger says why not on these', () => {
    calendar('weekend', { weekly: ['sat-sun'] });
    rig.put(daily());
    live('a', '2026-11-30T12:00:00Z');
    expect(ledger('a')).toEqual(['26 ran', '27 ran', '28 skipped x2: weekend', '30 ran']);
    expect(rig.view('a').state.skipped).toBe(2);
  });

  test('the entry is written when its due time comes, and survives a take-over', () => {
    calendar('weekend', { weekly: ['sat-sun'] });
    rig.put(daily());
    live('a', '2026-11-28T01:59:00Z');
    expect(ledger('a')).toEqual(['26 ran', '27 ran']);
    rig.restart();
    live('a', '2026-11-28T02:01:00Z');
    expect(ledger('a').at(-1)).toBe('28 skipped: weekend');
    rig.restart();
    live('a', '2026-11-29T02:01:00Z');
    expect(ledger('a').slice(2)).toEqual(['28 skipped: weekend', '29 skipped: weekend']);
  });

  test('moves its runs to the next day that it allows', () => {
    calendar('weekend', { weekly: ['sat-sun'] });
    rig.put({ name: 'a', schedule: { cron: '0 2 * * SAT', calendar: { except: 'weekend', then: 'next' } } });
    live('a', '2026-12-01T00:00:00Z');
    expect(ledger('a')).toEqual(['28 skipped: weekend, moved to 2026-11-30T02:00:00.000Z', '30 ran']);
  });

  test('moves its runs to the day before, and several to one', () => {
    calendar('weekend', { weekly: ['sat-sun'] });
    rig.put(daily({ then: 'previous' }));
    live('a', '2026-12-01T00:00:00Z');
    expect(ledger('a')).toEqual([
      '26 ran',
      '27 ran',
      '28 skipped x2: weekend, moved to 2026-11-27T02:00:00.000Z',
      '30 ran',
    ]);
  });

  test('after a long sleep, catches up only what it would have run', () => {
    calendar('weekend', { weekly: ['sat-sun'] });
    rig.put({ ...daily(), policy: { catchUp: 'all', overlap: 'allow' } });
    rig.sleep('2026-12-01T12:00:00Z');
    rig.event({ kind: 'tick', now: rig.now });
    expect(rig.runs('a')).toHaveLength(4);
    expect(ledger('a')).toEqual(['28 skipped x2: weekend']);
  });

  test('while it is paused, each due time has one entry', () => {
    calendar('weekend', { weekly: ['sat-sun'] });
    rig.put(daily());
    rig.submit({ kind: 'pause', name: 'a', by: 'ann' });
    rig.advance('2026-12-01T00:00:00Z');
    expect(ledger('a')).toEqual([
      '26 skipped x2: the job is paused',
      '28 skipped x2: weekend',
      '30 skipped: the job is paused',
    ]);
  });

  test('is planned again when the calendar changes', () => {
    calendar('weekend', { weekly: ['sat-sun'] });
    rig.put(daily());
    live('a', '2026-11-27T12:00:00Z');
    calendar('weekend', { weekly: ['sun'] });
    expect(new Date(rig.view('a').nextDue ?? 0).toISOString()).toBe('2026-11-28T02:00:00.000Z');
    live('a', '2026-11-30T00:00:00Z');
    expect(ledger('a')).toEqual(['26 ran', '27 ran', '28 ran', '29 skipped: weekend']);
  });

  test('an unknown calendar is refused, with the known ones', () => {
    calendar('weekend', { weekly: ['sat-sun'] });
    const put = () =>
      rig.put({ name: 'a', schedule: { cron: '0 2 * * *', calendar: { except: 'weekends' } } });
    expect(put).toThrow("There is no calendar named 'weekends'. Did you mean 'weekend'? Calendars: weekend.");
  });

  test('a calendar in use is not deleted', () => {
    calendar('weekend', { weekly: ['sat-sun'] });
    rig.put(daily());
    expect(() => rig.submit({ kind: 'delete-calendar', name: 'weekend', by: 'ann' })).toThrow(
      "1 job uses the calendar 'weekend': a.",
    );
  });

  test('a schedule that is due often cannot move its runs', () => {
    calendar('weekend', { weekly: ['sat-sun'] });
    const put = () =>
      rig.put({ name: 'a', schedule: { cron: '* * * * *', calendar: { except: 'weekend', then: 'next' } } });
    expect(put).toThrow(/more than 100 due times/);
  });

  test.each([[{}], [{ except: 'weekend', only: 'weekend' }]])('%j is no choice', (choice) => {
    calendar('weekend', { weekly: ['sat-sun'] });
    const put = () => rig.put({ name: 'a', schedule: { cron: '* * * * *', calendar: choice } });
    expect(put).toThrow(/exactly one/);
  });

  test('children of two parents with the same calendar run in the rounds that there are', () => {
    calendar('weekend', { weekly: ['sat-sun'] });
    rig.put(daily(), { ...daily(), name: 'b' });
    rig.put({ name: 'c', schedule: { after: { parents: ['a', 'b'] } } });
    for (const day of ['26', '27', '28', '29', '30']) {
      rig.advance(`2026-11-${day}T02:00:00Z`);
      for (const name of ['a', 'b']) if (rig.state.entry(name).runs.length > 0) rig.end(name);
      if (rig.state.entry('c').runs.length > 0) rig.end('c');
    }
    expect(rig.runs('c')).toHaveLength(3);
  });
});

test('only on days of a calendar, a job runs on these', () => {
  calendar('month-end', { dates: ['2026-11-30'] });
  rig.put({ name: 'a', schedule: { cron: '0 2 * * *', calendar: { only: 'month-end' } } });
  live('a', '2026-12-02T00:00:00Z');
  expect(ledger('a')).toEqual(
    ['26 skipped x4: month-end', '30 ran', '01 skipped: month-end']
      .sort((a, b) => (a < b ? -1 : 1))
      .sort((a, b) => Number(a.startsWith('01')) - Number(b.startsWith('01'))),
  );
});

describe('one due time', () => {
  beforeEach(() => rig.put({ name: 'a', schedule: { cron: '0 2 * * *' } }));

  test('is skipped, and the next one runs', () => {
    rig.submit({ kind: 'skip-next', name: 'a', reason: 'inventory', by: 'ann' });
    live('a', '2026-11-27T12:00:00Z');
    expect(ledger('a')).toEqual(['26 skipped: skipped by ann: inventory', '27 ran']);
  });

  test('skipped twice, are two', () => {
    rig.submit({ kind: 'skip-next', name: 'a', reason: '', by: 'ann' });
    rig.submit({ kind: 'skip-next', name: 'a', reason: '', by: 'ann' });
    rig.restart();
    live('a', '2026-11-28T12:00:00Z');
    expect(ledger('a')).toEqual(['26 skipped x2: skipped by ann', '28 ran']);
  });

  test('is moved, and runs then', () => {
    const [from, to] = ['2026-11-27T02:00:00Z', '2026-11-26T18:00:00Z'].map((at) => Date.parse(at)) as [
      number,
      number,
    ];
    rig.submit({ kind: 'move-due', name: 'a', from, to, reason: '', by: 'ann' });
    live('a', '2026-11-28T12:00:00Z');
    expect(rig.runs('a')).toEqual(['succeeded 02:00', 'succeeded 18:00', 'succeeded 02:00']);
    expect(ledger('a')).toEqual([
      '26 ran',
      '26 ran',
      '27 skipped: moved to 2026-11-26T18:00:00.000Z by ann',
      '28 ran',
    ]);
  });

  test('is not moved before the one before it', () => {
    const [from, to] = ['2026-11-28T02:00:00Z', '2026-11-26T18:00:00Z'].map((at) => Date.parse(at)) as [
      number,
      number,
    ];
    expect(() => rig.submit({ kind: 'move-due', name: 'a', from, to, reason: '', by: 'ann' })).toThrow(
      /2026-11-27T02/,
    );
  });

  test('that was skipped is due again when the exception is taken back', () => {
    const { exception } = rig.submit({ kind: 'skip-next', name: 'a', reason: '', by: 'ann' });
    rig.submit({ kind: 'clear-exception', name: 'a', at: exception.at, by: 'ann' });
    live('a', '2026-11-26T12:00:00Z');
    expect(ledger('a')).toEqual(['26 ran']);
  });

  test('another schedule knows no exceptions of the one before', () => {
    rig.submit({ kind: 'skip-next', name: 'a', reason: '', by: 'ann' });
    rig.put({ name: 'a', schedule: { cron: '0 2 * * *', timezone: 'Europe/Berlin' } });
    live('a', '2026-11-26T12:00:00Z');
    expect(ledger('a')).toEqual(['26 ran']);
  });
});

describe('a pause with an end', () => {
  beforeEach(() => rig.put({ name: 'a', schedule: { cron: '0 * * * *' }, policy: { catchUp: 'none' } }));
  const pause = () =>
    rig.submit({ kind: 'pause', name: 'a', until: Date.parse('2026-11-26T02:30:00Z'), by: 'ann' });

  test('ends by itself', () => {
    pause();
    live('a', '2026-11-26T03:30:00Z');
    expect(rig.lines('a')).toEqual(['skipped 01:00 x2', 'ran 03:00']);
  });

  test('ends under another leader', () => {
    pause();
    rig.restart();
    live('a', '2026-11-26T03:30:00Z');
    expect(rig.view('a').state.paused).toBeNull();
    expect(rig.lines('a')).toEqual(['skipped 01:00 x2', 'ran 03:00']);
  });

  test('that nobody saw end leaves the rest to the catch-up policy', () => {
    pause();
    rig.sleep('2026-11-26T04:00:00Z');
    rig.event({ kind: 'tick', now: rig.now });
    rig.end('a');
    expect(rig.lines('a')).toEqual(['skipped 01:00 x2', 'missed 03:00', 'ran 04:00']);
  });
});
