/**
 * The grid agrees with the ledger and the runs. The oracle looks up each due time in everything that was written, one
 * after the other, and counts days minute by minute; it knows the schedule as arithmetic.
 */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inOneGo } from '../../src/job-file/json-text.ts';
import type { LedgerLine, Run } from '../../src/scheduler/model/model.ts';
import { type Cell, cellsOf, daysBetween, newestDue, roundsAt } from '../../src/scheduler/read/grid.ts';
import { readerOf } from '../../src/scheduler/read/job-reader.ts';
import { compileSchedule } from '../../src/scheduler/schedule/parse.ts';
import { zoneOf } from '../../src/scheduler/schedule/zone.ts';
import { Rig } from '../support/rig.ts';

const MINUTE_MS = 60_000;
const PERIOD_MS = 20 * MINUTE_MS;
const start = Date.parse('2026-03-28T00:05:00Z');
const schedule = { cron: '*/20 * * * *' };
const compiled = compileSchedule(schedule);

const ops = [
  'live',
  'live',
  'sleep',
  'pause',
  'resume',
  'end',
  'fail',
  'rerun',
  'trigger',
  'restart',
  'fill',
] as const;
type Op = (typeof ops)[number];

function worldAfter(catchUp: string, overlap: string, steps: readonly (readonly [Op, number])[]): Rig {
  const rig = new Rig(new Date(start).toISOString());
  rig.put({ name: 'a', schedule, policy: { catchUp, overlap } });
  rig.put({ name: 'b', schedule: { after: { parents: ['a'] } }, policy: { overlap: 'allow' } });
  for (const [op, size] of steps) act(rig, op, size);
  return rig;
}

function act(rig: Rig, op: Op, size: number): void {
  const job = size % 3 === 0 ? 'b' : 'a';
  if (op === 'live') rig.advance(size * MINUTE_MS);
  else if (op === 'sleep') rig.sleep(size * 5 * MINUTE_MS);
  else if (op === 'pause' || op === 'resume') rig.submit({ kind: op, name: 'a', by: 'test' });
  else if (op === 'restart') rig.restart(size * MINUTE_MS);
  else if (op === 'trigger') rig.trigger(job);
  // A run of a due time of which the ledger tells something else, as a backfill makes it.
  else if (op === 'fill') {
    const like = rig.history.find((run) => run.job === 'a');
    const due = Math.floor((start + size * PERIOD_MS) / PERIOD_MS) * PERIOD_MS;
    if (like !== undefined && due < rig.now)
      rig.history.push({ ...like, id: `a-b${rig.history.length}`, variant: 'b1', due, createdAt: rig.now });
  } else if (op === 'rerun') {
    const ended = rig.history.filter((run) => run.job === job);
    const of = ended[size % Math.max(1, ended.length)];
    rig.triggers += 1;
    if (of !== undefined) rig.submit({ kind: 'rerun', run: of, triggerId: `t${rig.triggers}`, by: 'test' });
  } else if (rig.state.entry(job).runs[0]?.state === 'launching') rig.end(job, op === 'end' ? 0 : 1);
}

const runsOf = (rig: Rig, job: string): Run[] =>
  [...rig.history, ...rig.state.runs.values()].filter((run) => run.job === job);
const linesOf = (rig: Rig, job: string): LedgerLine[] =>
  [...rig.ledger.values()].filter((line) => line.job === job && line.count > 0);

function pastOf(rig: Rig, job: string) {
  const reader = readerOf(rig.state);
  return {
    lines: linesOf(rig, job),
    backfilled: [],
    runs: runsOf(rig, job),
    pending: reader.lacking(job).map(({ due }) => due),
    schedule: job === 'a' ? compiled : null,
    knownFrom: Number.NEGATIVE_INFINITY,
  };
}

/** What is known of one due time. Null: nothing. */
function said(rig: Rig, job: string, due: number): string | null {
  const runs = runsOf(rig, job).filter((run) => run.due === due);
  const newest = runs.reduce<Run | null>(
    (best, run) =>
      best === null ||
      run.createdAt > best.createdAt ||
      (run.createdAt === best.createdAt && run.id > best.id)
        ? run
        : best,
    null,
  );
  if (newest !== null) return newest.state;
  const line = linesOf(rig, job).find(
    ({ from, to }) => from === due || (from < due && due <= to && job === 'a' && due % PERIOD_MS === 0),
  );
  if (line !== undefined) return line.end === 'ran' ? (line.state ?? 'ran') : line.end;
  return readerOf(rig.state)
    .lacking(job)
    .some((round) => round.due === due)
    ? 'pending'
    : null;
}

const badness =
  'failed lost timed-out killed missed skipped running launching queued waiting pending caught-up ran succeeded'.split(
    ' ',
  );

/** The worst of all due times in the span, and how many there are. */
function worstIn(rig: Rig, job: string, from: number, to: number): Pick<Cell, 'state' | 'count' | 'worst'> {
  const odd = runsOf(rig, job).map(({ due }) => due);
  const dues = new Set(odd.filter((due) => due >= from && due < to));
  for (let due = Math.ceil(from / PERIOD_MS) * PERIOD_MS; due < to; due += PERIOD_MS) dues.add(due);
  const states = [...dues].map((due) => said(rig, job, due)).filter((state) => state !== null);
  const [worst = null] = states.sort((a, b) => badness.indexOf(a) - badness.indexOf(b));
  return {
    state: worst as Cell['state'],
    count: states.length,
    worst: states.filter((state) => state === worst).length,
  };
}

const step = fc.tuple(fc.constantFrom(...ops), fc.integer({ min: 1, max: 90 }));
const history = fc.tuple(
  fc.constantFrom('none', 'latest', 'all'),
  fc.constantFrom('skip', 'queue-all', 'allow'),
  fc.array(step, { minLength: 3, maxLength: 40 }),
);

test('rounds: each cell is what the ledger and the runs say of its due time, and no due time is left out', () => {
  fc.assert(
    fc.property(history, (past) => {
      const rig = worldAfter(...past);
      const all = { from: start, to: Number.MAX_SAFE_INTEGER, most: 10_000 };
      const dues = inOneGo(newestDue(pastOf(rig, 'a'), all));
      const expected = new Set(runsOf(rig, 'a').map(({ due }) => due));
      for (let due = Math.ceil(start / PERIOD_MS) * PERIOD_MS; due <= rig.now; due += PERIOD_MS)
        if (said(rig, 'a', due) !== null) expected.add(due);
      expect([...dues].reverse()).toEqual([...expected].sort((x, y) => x - y));
      const columns = roundsAt(dues);
      for (const job of ['a', 'b']) {
        const cells = inOneGo(cellsOf(pastOf(rig, job), columns));
        expect(cells.map(({ state, count, worst }) => ({ state, count, worst }))).toEqual(
          columns.map(({ from, to }) => worstIn(rig, job, from, Math.min(to, rig.now + PERIOD_MS))),
        );
      }
    }),
    { numRuns: 150 },
  );
});

test('days: each cell counts the due times of its day and shows the worst, in zones that change their clocks too', () => {
  fc.assert(
    fc.property(history, fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu'), (past, zone) => {
      const rig = worldAfter(...past);
      const columns = daysBetween(zoneOf(zone), { from: start - 1, to: rig.now + 1, most: 100 });
      expect(columns.at(-1)?.to).toBeGreaterThan(rig.now);
      expect(columns[0]?.from).toBeLessThan(start);
      for (const [index, { from }] of columns.entries())
        if (index > 0) expect(columns[index - 1]?.to).toBe(from);
      for (const job of ['a', 'b']) {
        const cells = inOneGo(cellsOf(pastOf(rig, job), columns));
        expect(cells.map(({ state, count, worst }) => ({ state, count, worst }))).toEqual(
          columns.map(({ from, to }) => worstIn(rig, job, from, to)),
        );
      }
    }),
    { numRuns: 150 },
  );
});
