/**
 * The ledger says one thing of every due time and never another, whatever happens to the job and the clock. The oracle
 * writes down what is said of each instant when it is said, and knows nothing of cursors.
 */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LedgerLine } from '../../src/scheduler/model/model.ts';
import { nextInstant } from '../../src/scheduler/schedule/next.ts';
import { compileSchedule } from '../../src/scheduler/schedule/parse.ts';
import { Rig } from '../support/rig.ts';

const MINUTE_MS = 60_000;
const schedules = [
  { cron: '0 * * * *' },
  { cron: '*/20 * * * *' },
  { every: 'R/2026-01-01T00:10:00Z/PT30M' },
  { after: { parents: ['p'] } },
  // By hand only.
  undefined,
];

type Op = (typeof ops)[number];
// Steps that together are shorter than what is taken back with the clock.
const ops = [
  'live',
  'sleep',
  'back',
  'back',
  'ahead',
  'pause',
  'resume',
  'end',
  'end',
  'parent',
  'trigger',
  'restart',
  'edit',
  'anew',
] as const;

class Oracle {
  readonly rig = new Rig('2026-01-01T00:05:00Z');
  schedule: number;
  readonly #catchUp: string;
  readonly #said = new Map<number, string>();
  readonly #lines = new Map<number, LedgerLine>();

  constructor(catchUp: string, schedule: number) {
    this.#catchUp = catchUp;
    this.schedule = schedule;
    this.rig.put({ name: 'p', schedule: { cron: '*/10 * * * *' }, policy: { overlap: 'allow' } });
    this.#put();
  }

  #put(): void {
    const policy = { catchUp: this.#catchUp, overlap: 'queue-all' };
    this.rig.put({ name: 'a', schedule: schedules[this.schedule], policy });
  }

  do(op: Op, size: number): void {
    const { rig } = this;
    if (op === 'live') rig.advance(size * MINUTE_MS);
    else if (op === 'sleep') rig.sleep(size * MINUTE_MS);
    else if (op === 'back') rig.setClock(-size * MINUTE_MS);
    else if (op === 'ahead') rig.setClock((size / 2) * MINUTE_MS);
    else if (op === 'pause' || op === 'resume') rig.submit({ kind: op, name: 'a', by: 'test' });
    else if (op === 'restart') rig.restart((size % 2 === 0 ? -1 : 0) * size * MINUTE_MS);
    else if (op === 'end') {
      if (rig.state.entry('a').runs[0]?.state === 'launching') rig.end('a');
    } else if (op === 'parent') {
      // Some of its runs, not always the oldest first.
      for (let left = size % 8; left > 0 && rig.view('p').runs.length > 0; left--)
        rig.end('p', 0, size % rig.view('p').runs.length);
    } else if (op === 'trigger') rig.trigger('a');
    else if (op === 'edit') {
      this.schedule = (this.schedule + size) % schedules.length;
      this.#put();
    } else {
      rig.submit({ kind: 'delete-job', name: 'a', dependents: 'refuse', by: 'test' });
      this.#note();
      // As often as not it comes back with a schedule of another kind.
      if (size % 2 === 0) this.schedule = (this.schedule + size / 2) % schedules.length;
      this.#put();
    }
    this.#note();
  }

  /** Writes down what is new, and fails where it is not what was said before. */
  #note(): void {
    for (const line of this.rig.ledger.values()) {
      if (line.job !== 'a') continue;
      const before = this.#lines.get(line.from);
      if (before === line) continue;
      this.#lines.set(line.from, line);
      for (const at of this.#instants(before === undefined ? line.from : before.to + 1, line))
        this.#say(at, line);
      if (before !== undefined)
        expect([line.end, line.run, line.to >= before.to]).toEqual([before.end, before.run, true]);
    }
    for (const run of this.rig.history)
      if (run.variant === '' && run.job === 'a') expect(this.#said.get(run.due), run.id).toContain(run.id);
    const ids = [...this.rig.history, ...this.rig.state.runs.values()].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  }

  #instants(from: number, line: LedgerLine): number[] {
    if (line.from === line.to) return from <= line.to ? [line.from] : [];
    const schedule = compileSchedule(schedules[this.schedule] as { cron: string });
    const found: number[] = [];
    for (
      let at = nextInstant(schedule, from - 1);
      at !== null && at <= line.to;
      at = nextInstant(schedule, at)
    )
      found.push(at);
    return found;
  }

  #say(at: number, { end, run }: LedgerLine): void {
    const said = `${end} ${run}`;
    expect(this.#said.get(at) ?? said, new Date(at).toISOString()).toBe(said);
    this.#said.set(at, said);
  }

  /** Instants up to the cursor of which nothing is said and that have no run; parents may have taken others. */
  silent(): number[] {
    const { state, schedule, runs } = this.rig.state.entry('a');
    const taken = [...state.eras, ...state.ahead].filter((each) => each.schedule === null);
    const silent: number[] = [];
    for (let at = schedule && nextInstant(schedule, state.begins); at !== null && at <= state.cursor; ) {
      const due = at;
      const isTaken = taken.some(({ from, to }) => from <= due && due <= to);
      if (!this.#said.has(at) && !isTaken && !runs.some((run) => run.due === due)) silent.push(at);
      at = schedule && nextInstant(schedule, at);
    }
    return silent;
  }
}

test('no order of pauses, edits, removals, restarts and set clocks makes the ledger say two things, or nothing', () => {
  const step = fc.tuple(fc.constantFrom(...ops), fc.integer({ min: 1, max: 70 }));
  const catchUps = fc.constantFrom('none', 'latest', 'all');
  const first = fc.integer({ min: 0, max: schedules.length - 1 });
  fc.assert(
    fc.property(
      catchUps,
      first,
      fc.array(step, { minLength: 3, maxLength: 30 }),
      (catchUp, schedule, steps) => {
        const oracle = new Oracle(catchUp, schedule);
        for (const [op, size] of steps) oracle.do(op, size);
        expect(oracle.silent().map((at) => new Date(at).toISOString())).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
});
