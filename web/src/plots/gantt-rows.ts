/**
 * Assigns the bars of the Gantt chart to rows: one row per job, more if its runs overlap. Jobs in trouble
 * first, then by first bar. Pure.
 */

import type { WireTimeline } from '../../../src/api/wire/plots.ts';

type WireBar = WireTimeline['bars'][number];

export type Look = 'ok' | 'fail' | 'late' | 'run' | 'wait' | 'coming';

export interface Bar {
  readonly wire: WireBar;
  readonly look: Look;
  /** Epoch milliseconds: due, ready to start, started, and ended or still running. */
  readonly due: number;
  readonly ready: number;
  readonly from: number;
  readonly to: number;
  /** Expected end; `to` without an estimate. */
  readonly until: number;
}

export interface Row {
  readonly job: string;
  /** The first row of its job, which shows the name. */
  readonly first: boolean;
  readonly bars: readonly Bar[];
}

export function rowsOf(bars: readonly WireBar[], now: number): Row[] {
  const jobs = new Map<string, Bar[]>();
  for (const wire of bars) {
    const bar = barOf(wire, now);
    const known = jobs.get(wire.job);
    if (known === undefined) jobs.set(wire.job, [bar]);
    else known.push(bar);
  }
  return [...jobs]
    .map(([job, own]) => ({ job, trouble: troubleOf(own), rows: apart(own) }))
    .sort(
      (a, b) =>
        b.trouble - a.trouble || a.rows[0]![0]!.from - b.rows[0]![0]!.from || (a.job < b.job ? -1 : 1),
    )
    .flatMap(({ job, rows }) => rows.map((own, i) => ({ job, first: i === 0, bars: own })));
}

function barOf(wire: WireBar, now: number): Bar {
  const due = Date.parse(wire.due);
  const ready = Date.parse(wire.ready);
  const from = wire.start === null ? ready : Date.parse(wire.start);
  const to = wire.end !== null ? Date.parse(wire.end) : wire.kind === 'coming' ? from : Math.max(from, now);
  const expected = wire.expectedEnd === null ? to : Date.parse(wire.expectedEnd);
  return {
    wire,
    look: lookOf(wire),
    due,
    ready,
    from,
    to: Math.max(from, to),
    until: Math.max(to, expected),
  };
}

const failed: ReadonlySet<string> = new Set(['failed', 'killed', 'timed-out', 'lost']);

function lookOf({ kind, state, late }: WireBar): Look {
  if (kind === 'coming') return 'coming';
  if (late) return 'late';
  if (state === 'succeeded') return 'ok';
  if (state !== null && failed.has(state)) return 'fail';
  if (state === 'running' || state === 'launching') return 'run';
  return state === 'missed' ? 'late' : 'wait';
}

/** 2: late. 1: its newest ended run failed. -1: it only waited or was skipped. */
function troubleOf(bars: readonly Bar[]): number {
  if (bars.some(({ look, wire }) => look === 'late' && wire.kind === 'unfinished')) return 2;
  if (bars.findLast(({ wire }) => wire.kind === 'ended')?.look === 'fail') return 1;
  return bars.every(({ look }) => look === 'wait' || look === 'coming') ? -1 : 0;
}

/** Puts each bar into the first free row. */
function apart(bars: readonly Bar[]): Bar[][] {
  const rows: Bar[][] = [];
  for (const bar of [...bars].sort((a, b) => a.from - b.from)) {
    const free = rows.find((row) => row.at(-1)!.until <= bar.from);
    if (free === undefined) rows.push([bar]);
    else free.push(bar);
  }
  return rows;
}
