/**
 * Each due instant of a schedule has exactly one end: a run of its own, or a place in one line of the ledger. What was
 * said of an instant stays so, whatever happens to the job or the clock afterwards.
 */

import { hasLine } from '../../src/scheduler/model/ids.ts';
import type { LedgerLine, Run } from '../../src/scheduler/model/model.ts';
import { isSame } from '../../src/scheduler/model/reason.ts';
import { isEnded } from '../../src/scheduler/model/run-state.ts';
import type { Schedule } from '../../src/scheduler/schedule/model.ts';
import { nextInstant } from '../../src/scheduler/schedule/next.ts';
import type { JobLife, Said } from './judge.ts';

/** What the clock leapt over is taken back with a leap that is longer than this; see ARCHITECTURE.md. */
const LEAP_MS = 10_800_000;

export const iso = (at: number): string => (Number.isFinite(at) ? new Date(at).toISOString() : String(at));

const isStretch = ({ line }: Said): boolean => line.run === null || line.end === 'caught-up';
const isInstant = (schedule: Schedule | null, at: number): boolean =>
  schedule !== null && nextInstant(schedule, at - 1) === at;

/** The line speaks of this instant. */
const speaksOf = ({ line, schedule }: Said, at: number): boolean =>
  line.count > 0 && line.from <= at && at <= line.to && (line.from === line.to || isInstant(schedule, at));

/** What is wrong with a line in the moment in which it is written, or null. */
export function lineFault(life: JobLife, line: LedgerLine): string | null {
  const { name } = life.job;
  const old = life.lines.get(line.from);
  const now = said(life, line, 0);
  if (
    old !== undefined &&
    old.line.count > 0 &&
    !goesOn(old.line, line) &&
    !takesBack(old, line) &&
    !makesUpFor(life, old.line, line)
  )
    return `${name}: at ${iso(line.from)} the ledger said '${saying(old.line)}', and says '${saying(line)}' now`;
  for (const other of life.lines.values()) {
    if (other.line.from === line.from || other.line.to < line.from || other.line.from > line.to) continue;
    const at = firstShared(now, other);
    if (at !== null)
      return `${name}: of ${iso(at)} the ledger says '${saying(other.line)}' and '${saying(line)}'`;
  }
  if (!isStretch(now)) return null;
  const run = [...life.runs.values()].find(
    (each) => isScheduled(each) && speaksOf(now, each.due) && !isMadeUpBy(life, each, line),
  );
  return run === undefined ? null : `${name}: '${saying(line)}' covers the run ${run.id}`;
}

/** The same is said, of the same run or of a stretch that has grown. */
const goesOn = (old: LedgerLine, line: LedgerLine): boolean =>
  old.run === line.run && old.end === line.end && isSame(old.reason, line.reason) && line.to >= old.to;

const takesBack = ({ line: old, isLeap }: Said, line: LedgerLine): boolean =>
  isLeap && line.to < old.to && line.count <= old.count && line.end === old.end && line.run === old.run;

/** A run that was missed was reported after all. */
const makesUpFor = ({ runs }: Pick<JobLife, 'runs'>, old: LedgerLine, line: LedgerLine): boolean =>
  old.end === 'missed' &&
  runs.has(old.run ?? '') &&
  isMadeUpBy({ runs }, runs.get(old.run ?? '') as Run, line);

function isMadeUpBy({ runs }: Pick<JobLife, 'runs'>, { id, state }: Run, { end, run }: LedgerLine): boolean {
  const trigger = runs.get(run ?? '')?.trigger;
  return state === 'missed' && end === 'caught-up' && trigger?.kind === 'rerun' && trigger.of === id;
}

/** The line as it is said now, or as it goes on. */
export function said(life: JobLife, line: LedgerLine, latest: number): Said {
  const before = life.lines.get(line.from);
  if (before !== undefined && before.line.count > 0 && before.line.end === line.end)
    return { ...before, line };
  return { line, schedule: life.schedule, isLeap: latest - line.from > LEAP_MS };
}

const saying = ({ end, from, to, count, run }: LedgerLine): string =>
  `${end} ${iso(from)}${count === 1 ? '' : ` to ${iso(to)} x${count}`}${run === null ? '' : ` (${run})`}`;

function firstShared(a: Said, b: Said): number | null {
  const upTo = Math.min(a.line.to, b.line.to);
  const from = Math.max(a.line.from, b.line.from);
  const [walked, asked] = a.line.from === a.line.to ? [a, b] : [b, a];
  if (walked.line.from === walked.line.to)
    return speaksOf(walked, walked.line.from) && speaksOf(asked, walked.line.from) ? walked.line.from : null;
  const { schedule } = walked;
  for (let at = schedule && nextInstant(schedule, from - 1); at !== null && at <= upTo; ) {
    if (speaksOf(walked, at) && speaksOf(asked, at)) return at;
    at = schedule && nextInstant(schedule, at);
  }
  return null;
}

const isScheduled = ({ trigger }: Run): boolean => trigger.kind === 'schedule';

/** What is wrong with a run that is new, or null. */
export function runFault(life: JobLife, run: Run): string | null {
  if (!isScheduled(run)) return null;
  const said = [...life.lines.values()].find((each) => each.line.run !== run.id && speaksOf(each, run.due));
  return said === undefined
    ? null
    : `${run.id} is made, and the ledger says '${saying(said.line)}' of its instant`;
}

/** What is missing or miscounted of all that is decided under the job's schedule. */
export function ledgerFaults(life: JobLife): string[] {
  const { schedule, state, begins, blankUpTo } = life;
  const { name } = life.job;
  if (schedule === null || Number.isNaN(begins)) return [];
  const own = new Set<number>();
  for (const run of life.runs.values()) {
    if (!hasLine(run)) continue;
    own.add(run.due);
    if (!isEnded(run.state)) continue;
    const line = life.lines.get(run.due)?.line;
    if (line !== undefined && isMadeUpBy(life, run, line)) continue;
    if (line?.run !== run.id) return [`${name}: the run ${run.id} ended and has no line in the ledger`];
    if ((line.state ?? line.end) !== run.state)
      return [`${name}: the run ${run.id} ended as ${run.state}, its line says ${line.state ?? line.end}`];
  }
  const stretches = [...life.lines.values()].filter(isStretch);
  for (const { line, schedule: under } of stretches) {
    const covered = under === null ? line.count : countOf(under, line);
    if (line.count !== covered) return [`${name}: '${saying(line)}' covers ${covered}`];
  }
  for (const end of ['skipped', 'missed'] as const) {
    const lines = [...life.lines.values()].filter(({ line }) => line.end === end);
    const all = lines.reduce((sum, { line }) => sum + line.count, 0);
    const ofRuns = [...life.runs.values()].filter((run) => !hasLine(run) && run.state === end).length;
    if (state !== null && state[end] !== all + ofRuns)
      return [`${name}: counted ${state[end]} ${end}, the ledger has ${all}, and there are ${ofRuns} others`];
  }
  const cursor = state?.cursor ?? begins;
  for (let due = nextInstant(schedule, begins); due !== null && due <= cursor; ) {
    const at = due;
    if (at > blankUpTo && !own.has(at) && !stretches.some((each) => speaksOf(each, at)))
      return [`${name}: ${iso(at)} has neither a run nor a line in the ledger (up to ${iso(cursor)})`];
    due = nextInstant(schedule, at);
  }
  return [];
}

function countOf(schedule: Schedule, { from, to, count }: LedgerLine): number {
  let covered = 0;
  for (let at = count === 0 ? null : nextInstant(schedule, from - 1); at !== null && at <= to; covered++)
    at = nextInstant(schedule, at);
  return covered;
}
