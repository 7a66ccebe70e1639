/** Which due times of a job are decided: when its clock is set back, its schedule changes, or both. Times are hours. */

import { describe, expect, test } from 'vitest';
import { emptyJoin } from '../../../src/dag/ready.ts';
import { freshState } from '../../../src/scheduler/model/fresh-state.ts';
import type { JobState, LedgerLine, Stretch } from '../../../src/scheduler/model/model.ts';
import type { ScheduleInput } from '../../../src/scheduler/schedule/model.ts';
import {
  addLeap,
  beginNames,
  beginSchedule,
  compiled,
  moveCursor,
  nextUndecided,
  takeBack,
  undecidedUpTo,
} from '../../../src/scheduler/state/decided.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const at = (hour: number): number => START + hour * 3_600_000;
const hour = (ms: number): number => (ms - START) / 3_600_000;
/** A millisecond, in hours. */
const MS = 1 / 3_600_000;

const hourly: ScheduleInput = { cron: '0 * * * *' };
const evenHours: ScheduleInput = { cron: '0 */2 * * *' };
const unreadable: ScheduleInput = { cron: '0 * * * *', timezone: 'Nowhere/Atlantis' };

type Hours = readonly [from: number, to: number, schedule?: ScheduleInput | null];

const stretch = ([from, to, schedule]: Hours): Stretch => ({
  from: at(from),
  to: at(to),
  ...(schedule !== undefined && { schedule }),
});

/** Begun at 0 hours under an hourly schedule. */
function job(more: { cursor?: number; begins?: number; ahead?: Hours[]; eras?: Hours[] } = {}): JobState {
  const { cursor = 0, begins = 0, ahead = [], eras = [] } = more;
  return {
    ...freshState('a', at(cursor)),
    begins: at(begins),
    ahead: ahead.map(stretch),
    eras: eras.map(stretch),
  };
}

const scheduled = (state: JobState, input: ScheduleInput | null = hourly) => ({
  schedule: input === null ? null : compiled(input),
  state,
});

const rounded = (ms: number): number => Math.round(hour(ms) * 1_000) / 1_000;
const shown = (stretches: readonly Stretch[]): Hours[] =>
  stretches.map(({ from, to, schedule }) =>
    schedule === undefined ? [rounded(from), rounded(to)] : [rounded(from), rounded(to), schedule],
  );

const line = (from: number, to: number, count: number, more: Partial<LedgerLine> = {}): LedgerLine => ({
  job: 'a',
  from: at(from),
  to: at(to),
  count,
  end: 'missed',
  reason: { code: 'catch-up-none' },
  run: null,
  ...more,
});

describe('the next due time that is not decided', () => {
  test.each<[string, Parameters<typeof job>[0], number | null]>([
    ['follows the cursor', { cursor: 3 }, 4],
    ['follows what was decided ahead of the cursor', { cursor: 3, ahead: [[4, 6]] }, 7],
    ['lies before what was decided ahead, where there is one', { cursor: 3, ahead: [[5, 6]] }, 4],
    [
      'lies between two parts that were decided',
      {
        cursor: 3,
        ahead: [
          [4, 4],
          [6, 6],
        ],
      },
      5,
    ],
    [
      'lies behind both, where none is between them',
      {
        cursor: 3,
        ahead: [
          [4, 4.5],
          [4.7, 6],
        ],
      },
      7,
    ],
    ['is one that the schedule of that time did not have', { cursor: 3, ahead: [[4, 8, evenHours]] }, 5],
    ['is none of a schedule that cannot be read any more', { cursor: 3, ahead: [[4, 8, unreadable]] }, 9],
    ['is none of a time of rounds', { cursor: 3, ahead: [[4, 8, null]] }, 9],
  ])('%s', (_, state, expected) => {
    const next = nextUndecided(scheduled(job(state)));
    expect(next === null ? null : hour(next)).toBe(expected);
  });

  test('is none without a schedule, and none behind the last', () => {
    expect(nextUndecided(scheduled(job(), null))).toBeNull();
    const three: ScheduleInput = { every: 'R3/2026-01-01T01:00:00Z/PT1H' };
    expect(nextUndecided(scheduled(job({ cursor: 3 }), three))).toBeNull();
    expect(nextUndecided(scheduled(job({ cursor: 0, ahead: [[1, 3]] }), three))).toBeNull();
  });
});

describe('from the next due time, nothing is decided', () => {
  test.each<[string, Hours[], number, number]>([
    ['up to now', [], 9, 9],
    ['up to right before what was decided ahead', [[6, 7]], 9, 6 - MS],
    ['up to now, where that comes later', [[6, 7]], 5, 5],
    ['up to now, where that came earlier', [[1, 3]], 9, 9],
    [
      'up to the first of several',
      [
        [8, 8],
        [6, 6],
      ],
      9,
      6 - MS,
    ],
    ['up to the first that both schedules have', [[5, 8, evenHours]], 9, 6 - MS],
    ['up to now, where they have none in common', [[6.5, 7.5, evenHours]], 9, 9],
    ['up to the first of a schedule that cannot be read', [[5, 8, unreadable]], 9, 5 - MS],
    ['up to what is decided now', [[9, 12]], 9, 9 - MS],
  ])('%s', (_, ahead, now, expected) => {
    const upTo = undecidedUpTo(scheduled(job({ cursor: 3, ahead })), at(4), at(now));
    expect(hour(upTo)).toBeCloseTo(expected, 9);
  });

  test('up to now without a schedule', () => {
    expect(hour(undecidedUpTo(scheduled(job({ ahead: [[5, 6]] }), null), at(4), at(9)))).toBe(9);
  });
});

describe('a cursor that moves', () => {
  test.each<[string, Hours[], number, Hours[], Hours[]]>([
    ['leaves what is ahead of it', [[5, 6]], 4, [[5, 6]], []],
    ['leaves what reaches further', [[5, 7]], 6, [[5, 7]], []],
    ['takes in what it has reached', [[5, 6]], 6, [], []],
    ['remembers other schedules that it has passed', [[5, 6, evenHours]], 6, [], [[5, 6, evenHours]]],
    ['does not remember them before', [[5, 7, evenHours]], 6, [[5, 7, evenHours]], []],
  ])('%s', (_, ahead, to, left, eras) => {
    const state = job({ cursor: 3, ahead });
    moveCursor({ state }, at(to));
    expect(hour(state.cursor)).toBe(to);
    expect([shown(state.ahead), shown(state.eras)]).toEqual([left, eras]);
  });

  test('remembers the newest nineteen, and the time of all before them as one that is decided', () => {
    const ahead = Array.from({ length: 25 }, (_, i): Hours => [i + 1, i + 1, evenHours]);
    const state = job({ ahead: ahead.toReversed() });
    moveCursor({ state }, at(25));
    expect(shown(state.eras)).toEqual([[1, 6, null], ...ahead.slice(6)]);
  });

  test('remembers twenty as they are', () => {
    const ahead = Array.from({ length: 20 }, (_, i): Hours => [i + 1, i + 1, evenHours]);
    const state = job({ ahead });
    moveCursor({ state }, at(25));
    expect(shown(state.eras)).toEqual(ahead);
  });
});

describe('a clock that is set back', () => {
  test.each<[string, Parameters<typeof job>[0], number, Hours[], Hours[], number]>([
    ['leaves decided what was decided since', { cursor: 8 }, 5, [[5, 8]], [], 0],
    ['leaves the due time at the cursor decided', { cursor: 8 }, 8 - MS, [[8, 8]], [], 0],
    ['changes nothing where the cursor stands', { cursor: 8 }, 8, [], [], 0],
    [
      'leaves decided what lay ahead of it before',
      { cursor: 8, ahead: [[12, 13]] },
      5,
      [
        [5, 8],
        [12, 13],
      ],
      [],
      0,
    ],
    ['joins what touches', { cursor: 8, ahead: [[8 + MS, 13]] }, 5, [[5, 13]], [], 0],
    [
      'keeps apart what does not',
      { cursor: 8, ahead: [[8 + 2 * MS, 13]] },
      5,
      [
        [5, 8],
        [8, 13],
      ],
      [],
      0,
    ],
    ['joins what is inside another', { cursor: 8, ahead: [[6, 7]] }, 5, [[5, 8]], [], 0],
    ['to before the schedule began makes it begin then', { cursor: 8, begins: 6 }, 5, [[6, 8]], [], 5],
    [
      'to before a schedule leaves decided what the one before decided',
      { cursor: 8, begins: 6, eras: [[1, 6, evenHours]] },
      3,
      [
        [3, 6, evenHours],
        [6, 8],
      ],
      [[1, 3, evenHours]],
      3,
    ],
    [
      'forgets no earlier schedule',
      {
        cursor: 8,
        begins: 6,
        eras: [
          [1, 2, evenHours],
          [3, 6, hourly],
        ],
      },
      7,
      [[7, 8]],
      [
        [1, 2, evenHours],
        [3, 6, hourly],
      ],
      6,
    ],
    [
      'keeps as past the due time that it shows',
      { cursor: 8, begins: 6, eras: [[3, 6, evenHours]] },
      3,
      [
        [3, 6, evenHours],
        [6, 8],
      ],
      [[3, 3, evenHours]],
      3,
    ],
  ])('%s', (_, before, now, ahead, eras, begins) => {
    const state = job(before);
    expect(takeBack(scheduled(state), at(now))).toEqual([]);
    expect([rounded(state.cursor), rounded(state.begins)]).toEqual([rounded(at(now)), begins]);
    expect(shown(state.ahead)).toEqual(ahead);
    expect(shown(state.eras)).toEqual(eras);
    for (const stretch of state.ahead) expect(stretch.from).toBeGreaterThan(at(now));
  });

  test('decides no due time a second time, whatever it shows', () => {
    for (let now = 0; now <= 8; now += 0.25) {
      const state = job({ cursor: 8 });
      takeBack(scheduled(state), at(now));
      expect(hour(nextUndecided(scheduled(state)) ?? 0)).toBe(9);
    }
  });

  const left = { from: at(2), to: at(6), count: 5 };
  test.each<[string, number, LedgerLine['end'], Partial<LedgerLine> | null, object]>([
    ['takes back what was passed in one step, where it is future again', 6, 'missed', left, { missed: 5 }],
    ['takes back a step that was skipped, too', 6, 'skipped', left, { missed: 0, skipped: 5 }],
    [
      'takes back one that was caught up, which counts nothing',
      6,
      'caught-up',
      left,
      { missed: 0, skipped: 0 },
    ],
    ['takes all of it back', 1, 'missed', { to: at(2), count: 0 }, { missed: 0 }],
    ['leaves the due time that it shows', 2, 'missed', { to: at(2), count: 1 }, { missed: 1 }],
    ['leaves what is past', 10, 'missed', null, { missed: 9 }],
  ])('%s', (_, now, end, expected, counters) => {
    const state = job({ cursor: 10 });
    const whole = line(2, 10, 9, { end });
    addLeap(state, whole);
    if (end === 'missed' || end === 'skipped') state[end] = 9;
    const lines = takeBack(scheduled(state), at(now));
    expect(lines).toEqual(expected === null ? [] : [{ ...whole, ...expected }]);
    expect(state).toMatchObject(counters);
    expect(state.leaps.map((leap) => leap.line)).toEqual(
      expected === null ? [whole] : lines.filter(({ count }) => count > 0),
    );
    // What was decided before the step stays so; behind it the job goes on.
    expect(shown(state.ahead)).toEqual(now === 1 ? [[1, 2]] : []);
    expect(hour(nextUndecided(scheduled(state)) ?? 0)).toBe(Math.max(2, now + 1));
  });

  test('takes back less with each time that it is set back', () => {
    const state = job({ cursor: 10 });
    addLeap(state, line(2, 10, 9));
    state.missed = 9;
    const counts = [8, 5, 3, 1].map((now) => takeBack(scheduled(state), at(now))[0]?.count);
    expect(counts).toEqual([7, 4, 2, 0]);
    expect([state.missed, state.leaps]).toEqual([0, []]);
  });

  test('says that there are more than were counted, where there are', () => {
    const secondly: ScheduleInput = { cron: '* * * * * *' };
    const state = job({ cursor: 100 });
    addLeap(state, line(0, 100, 100_000, { more: true }));
    const [left] = takeBack(scheduled(state, secondly), at(50));
    expect(left).toMatchObject({ count: 100_000, more: true });
    const [rest] = takeBack(scheduled(state, secondly), at(1));
    expect(rest).toEqual(line(0, 1, 3_601));
  });

  test('takes back a step under the schedule that it was made under', () => {
    const state = job({ cursor: 12, begins: 10, eras: [[0, 10, evenHours]] });
    state.leaps = [{ line: line(2, 10, 5), schedule: evenHours }];
    state.missed = 5;
    expect(takeBack(scheduled(state), at(6))).toEqual([line(2, 6, 3)]);
    expect(state.leaps).toEqual([{ line: line(2, 6, 3), schedule: evenHours }]);
    expect(shown(state.ahead)).toEqual([[10, 12]]);
  });

  test('takes back the middle of what was decided, and leaves both ends', () => {
    const state = job({ cursor: 10 });
    addLeap(state, line(4, 6, 3));
    takeBack(scheduled(state), at(1));
    expect(shown(state.ahead)).toEqual([
      [1, 4],
      [6, 10],
    ]);
    expect(hour(nextUndecided(scheduled(state)) ?? 0)).toBe(4);
    moveCursor({ state }, at(4));
    expect(hour(nextUndecided(scheduled(state)) ?? 0)).toBe(5);
    moveCursor({ state }, at(6));
    expect(hour(nextUndecided(scheduled(state)) ?? 0)).toBe(11);
  });
});

describe('of what is decided ahead of the cursor', () => {
  test('forty parts are remembered, however often the clock is set back and the schedule edited', () => {
    const state = job({ cursor: 0 });
    for (let i = 1; i <= 200; i++) {
      state.cursor = at(200 - i + 0.5);
      state.begins = at(200 - i);
      takeBack(scheduled(state), at(200 - i));
      beginSchedule(state, { cron: `${i % 60} * * * *` }, at(0));
    }
    expect(state.ahead).toHaveLength(40);
    expect(state.eras.length).toBeLessThanOrEqual(20);
  });

  test('the neighbours that are the shortest together become one, in which every due time is decided', () => {
    const ahead = Array.from({ length: 39 }, (_, i): Hours => [10 * i + 20, 10 * i + 22, evenHours]);
    const state = job({ cursor: 8, ahead: [...ahead, [33, 34, hourly]] });
    takeBack(scheduled(state), at(5));
    expect(shown(state.ahead)).toEqual([[5, 8], ahead[0], [30, 34, null], ...ahead.slice(2)]);
  });

  test('forty are remembered as they are', () => {
    const ahead = Array.from({ length: 39 }, (_, i): Hours => [10 * i + 20, 10 * i + 22, evenHours]);
    const state = job({ cursor: 8, ahead });
    takeBack(scheduled(state), at(5));
    expect(shown(state.ahead)).toEqual([[5, 8], ...ahead]);
  });

  test('rounds that lie ahead count too', () => {
    const decided = Array.from({ length: 8 }, (_, i) => ({ from: at(2 * i + 10), to: at(2 * i + 11) }));
    const ahead = Array.from({ length: 38 }, (_, i): Hours => [10 * i + 50, 10 * i + 59, evenHours]);
    const state = { ...job({ cursor: 5, ahead }), join: { ...emptyJoin, decided } };
    beginNames(state, null, at(6));
    expect(shown(state.ahead)).toHaveLength(40);
    expect(shown(state.ahead).slice(3)).toEqual(ahead.slice(1));
  });
});

describe('of the steps that passed a long time', () => {
  test('the longest four are remembered', () => {
    const state = job({ cursor: 100 });
    for (const [from, to] of [
      [0, 10],
      [20, 24],
      [30, 45],
      [50, 58],
      [60, 69],
      [70, 77],
    ] as const)
      addLeap(state, line(from, to, 1));
    expect(state.leaps.map((leap) => hour(leap.line.from))).toEqual([0, 30, 50, 60]);
  });
});

describe('a schedule that begins', () => {
  test.each<[string, Parameters<typeof job>[0], ScheduleInput | null, number, Hours[], Hours[], number]>([
    ['leaves decided what the one before decided', { cursor: 5 }, evenHours, 5, [], [[0, 5, evenHours]], 5],
    ['begins no earlier than what is decided', { cursor: 5 }, evenHours, 3, [], [[0, 5, evenHours]], 5],
    ['begins later where it is to', { cursor: 5 }, evenHours, 7, [], [[0, 5, evenHours]], 7],
    ['leaves nothing of one that decided nothing', { cursor: 5, begins: 5 }, evenHours, 5, [], [], 5],
    ['leaves nothing where there was none before', { cursor: 5, ahead: [[6, 7]] }, null, 5, [], [], 5],
    [
      'leaves decided what lay ahead, under the schedule of that time',
      {
        cursor: 5,
        ahead: [
          [6, 7],
          [8, 9, hourly],
        ],
      },
      evenHours,
      5,
      [
        [6, 7, evenHours],
        [8, 9, hourly],
      ],
      [[0, 5, evenHours]],
      5,
    ],
    [
      'passes what lay ahead of it',
      { cursor: 5, ahead: [[6, 7]] },
      evenHours,
      7,
      [],
      [
        [0, 5, evenHours],
        [6, 7, evenHours],
      ],
      7,
    ],
  ])('%s', (_, state, before, cursor, ahead, eras, begins) => {
    const changed = job(state);
    beginSchedule(changed, before, at(cursor));
    expect([shown(changed.ahead), shown(changed.eras)]).toEqual([ahead, eras]);
    expect([hour(changed.cursor), hour(changed.begins)]).toEqual([begins, begins]);
  });

  test('takes over the steps of the one before', () => {
    const state = job({ cursor: 5 });
    addLeap(state, line(0, 5, 5));
    beginSchedule(state, evenHours, at(5));
    beginSchedule(state, hourly, at(6));
    expect(state.leaps).toEqual([{ line: line(0, 5, 5), schedule: evenHours }]);
    beginSchedule(state, null, at(6));
    expect(state.leaps).toHaveLength(1);
  });

  test('remembers the newest twenty before it', () => {
    const state = job();
    for (let i = 1; i <= 25; i++) {
      moveCursor({ state }, at(i));
      beginSchedule(state, i % 2 === 0 ? hourly : evenHours, at(i));
    }
    expect(state.eras).toHaveLength(20);
    expect(hour(state.eras.at(-1)?.to ?? 0)).toBe(25);
  });
});

describe('a job that changes between rounds and due times', () => {
  const rounds = (...spans: [number, number][]) => ({
    ...emptyJoin,
    decided: spans.map(([from, to]) => ({ from: at(from), to: at(to) })),
  });

  test('gives no run of a schedule the name of a round', () => {
    const state = job({ cursor: 1 });
    state.join = rounds([2, 4], [6, 7]);
    beginNames(state, null, at(9));
    expect(hour(state.cursor)).toBe(7);
    expect(state.begins).toBe(state.cursor);
    expect(state.ahead).toEqual([]);
    expect(state.join).toMatchObject({ changed: at(7) });
    expect(shown(state.eras)).toEqual([
      [2, 4, null],
      [6, 7, null],
    ]);
  });

  test('leaves rounds of the future decided', () => {
    const state = job({ cursor: 1 });
    state.join = rounds([2, 4], [6, 7]);
    beginNames(state, null, at(5));
    expect([hour(state.cursor), hour(state.begins)]).toEqual([5, 5]);
    expect(shown(state.ahead)).toEqual([[6, 7, null]]);
    expect(hour(nextUndecided(scheduled(state)) ?? 0)).toBe(8);
  });

  test('remembers up to when it had a schedule', () => {
    const state = job({ cursor: 5, ahead: [[6, 8]] });
    beginNames(state, hourly, at(9));
    expect(state.join).toMatchObject({ changed: at(8) });
    expect([hour(state.cursor), shown(state.ahead)]).toEqual([5, [[6, 8]]]);
  });

  test('has nothing to remember where it had neither', () => {
    const state = job();
    beginNames(state, null, at(9));
    expect(state.join).toBeNull();
  });
});
