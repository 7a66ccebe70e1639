/**
 * Checks job files without a server: each job by itself, its schedule, and the dependencies among the files.
 * Whether a parent or a pool outside the files exists is for the server to check.
 */

import { expandRules } from '../calendar-file/rules.ts';
import { applyOrder } from '../dag/check.ts';
import { Graph } from '../dag/graph.ts';
import { CarillonError, problemsIn } from '../errors.ts';
import type { WrittenJob } from '../job-file/written-job.ts';
import { findCalendarProblems } from '../scheduler/job/calendar/check.ts';
import { type CalendarDocument, isCalendarDocument } from '../scheduler/job/calendar/document.ts';
import { checkDefinition, findProblems } from '../scheduler/job/check/check.ts';
import type { JobDefinition } from '../scheduler/job/definition.ts';
import { parentNames } from '../scheduler/job/parents.ts';
import { type NextAt, nextSchedule, scheduleProblems } from '../scheduler/rules/define.ts';

export interface Validation {
  readonly problems: readonly CarillonError[];
  /** Valid but suspicious: `jobs.yaml:12: …`. */
  readonly warnings: readonly string[];
}

/** A job that is valid by itself. */
interface Sound {
  readonly definition: JobDefinition;
  readonly source: string;
  readonly placeOf?: WrittenJob['placeOf'];
}

/** `nowMs` replaces an omitted start. */
export function validateJobs(jobs: readonly WrittenJob[], nowMs: number): Validation {
  const problems: CarillonError[] = [];
  const warnings: string[] = [];
  const sound = new Map<string, Sound>();
  for (const { definition: raw, source, placeOf } of jobs) {
    if (isCalendarDocument(raw)) {
      const found = calendarProblems(raw, source, nowMs);
      problems.push(...found.flatMap(problemsIn).map((problem) => placedAt(problem, placeOf)));
      continue;
    }
    const found = findProblems(raw, source);
    if (found.length > 0) {
      const all = [...found, ...scheduleProblems(raw, source, { now: nowMs, known: found })];
      problems.push(...all.flatMap(problemsIn).map((problem) => placedAt(problem, placeOf)));
      continue;
    }
    const { definition, warnings: own } = checkDefinition(raw, source);
    warnings.push(...own.map((warning) => `${source}: ${warning}`));
    const first = sound.get(definition.name);
    if (first !== undefined) problems.push(twice(definition.name, first.source, source));
    else sound.set(definition.name, { definition, source });
    judgeSchedule({ definition, source, placeOf }, { nowMs, find: null }, { problems, warnings });
  }
  warnings.push(...parentsElsewhere(sound));
  const circle = cycleAmong(sound);
  if (circle !== null) problems.push(circle);
  return { problems, warnings };
}

/** Its rules are only read if the rest is right. */
function calendarProblems(raw: unknown, source: string, nowMs: number): CarillonError[] {
  const found = findCalendarProblems(raw, source);
  if (found.length > 0) return found;
  const problem = placed(source, () => void expandRules(raw as CalendarDocument, nowMs));
  return problem === null ? [] : [problem];
}

/** The problem with the position of its field. */
function placedAt(problem: CarillonError, placeOf: WrittenJob['placeOf']): CarillonError {
  const { code, message, details } = problem;
  if (details.field === undefined || placeOf === undefined) return problem;
  return new CarillonError(code, message, { ...details, source: placeOf(details.field) });
}

function twice(name: string, first: string, source: string): CarillonError {
  return new CarillonError('INVALID_FIELD', `${name} is defined twice, first at ${first}.`, {
    field: 'name',
    value: name,
    allowed: 'each name once',
    source,
  });
}

function judgeSchedule(
  { definition, source, placeOf }: Sound,
  { nowMs, find }: { readonly nowMs: number; readonly find: NextAt['find'] },
  into: { problems: CarillonError[]; warnings: string[] },
): void {
  const problem = placed(source, () => {
    const { warnings, passed } = nextSchedule(definition, { before: null, past: null }, { now: nowMs, find });
    const all = [...warnings, ...passed.warnings];
    into.warnings.push(...all.map((warning) => `${source}: ${warning}`));
  });
  if (problem !== null) into.problems.push(...problemsIn(problem).map((each) => placedAt(each, placeOf)));
}

function parentsElsewhere(sound: ReadonlyMap<string, Sound>): string[] {
  return [...sound.values()].flatMap(({ definition, source }) =>
    parentNames(definition.schedule?.after)
      .filter((parent) => !sound.has(parent))
      .map(
        (parent) => `${source}: the parent ${parent} is not in these files, so it must exist on the server`,
      ),
  );
}

function cycleAmong(sound: ReadonlyMap<string, Sound>): CarillonError | null {
  const waiting = [...sound.values()].map(({ definition }) => ({
    name: definition.name,
    parents: parentNames(definition.schedule?.after),
  }));
  const problem = placed('', () => void applyOrder(waiting, new Graph(), () => true));
  const source = sound.get(problem?.details.names?.[0] ?? '')?.source;
  if (problem === null || source === undefined) return problem;
  return new CarillonError(problem.code, problem.message, { ...problem.details, source });
}

/** Returns what `judge` throws, with its position. */
function placed(source: string, judge: () => void): CarillonError | null {
  try {
    judge();
    return null;
  } catch (error) {
    if (!(error instanceof CarillonError)) throw error;
    return error.from(source);
  }
}
