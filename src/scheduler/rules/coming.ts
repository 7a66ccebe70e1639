/**
 * The next launch of a job and its preparation: pull the image and create the container (`prestage`), or
 * start a container or a process and stop it at its gate (`warmStart`). Processes are held for a moment unasked. The names of
 * runs and launches follow from the due time, so a launch is known before it is decided. Preparation never affects correctness:
 * at the due time the run is decided as usual, and a preparation for a different launch is discarded.
 */

import { CarillonError } from '../../errors.ts';
import type { JobDefinition } from '../job/definition.ts';
import { choiceOf, isLeaderOnly } from '../job/node-choice.ts';
import { policyOf } from '../job/policy.ts';
import type { LaunchSpec } from '../job/spec.ts';
import type { EngineSettings, Settings } from '../model/model.ts';
import type { Entry, State } from '../state/state.ts';
import { whatThrows } from '../state/usable.ts';
import { holdOf } from './calendars/holds.ts';
import { isForeseeable } from './due.ts';
import { engineFor, engineSettings, policyRefusal } from './engine-choice.ts';
import { launchedDefinition, unmetCondition } from './given/launched.ts';
import { engineLimit, firstLaunch, limitsOf } from './launch.ts';
import { idleReason, newRun, ofSchedule } from './runs.ts';

/** A waiting container takes about 3 MB; to prepare earlier, use `prestage`. */
export const LONGEST_WARM_START_MS = 600_000;
/**
 * A process is held this long without being asked for: dozens are prepared in that time, on a busy machine too. If its scheduler
 * dies, what is held was nobody's run, unlike what was decided.
 */
export const UNASKED_MS = 500;
/** Nothing is pulled more than a day ahead, so the lease of a created container fits a timer. */
export const LONGEST_PRESTAGE_MS = 86_400_000;

/** One preparation step, and its time. */
export interface Step {
  readonly at: number;
  readonly warm: boolean;
}

export interface Coming {
  readonly due: number;
  /** By its job. */
  readonly isAsked: boolean;
  readonly spec: LaunchSpec;
  /** Ascending; each replaces the previous one. */
  readonly steps: readonly Step[];
}

/**
 * Null if there is nothing to prepare: not requested or too early for what is not, nothing due, the job is idle or blocked,
 * the run policy refuses it, or its engine is gone.
 */
export function comingLaunch(state: State, entry: Entry, now: number): Coming | null {
  const found = whatThrows(() => ({ coming: foreseen(state, entry, now) }));
  return typeof found === 'string' ? null : found.coming;
}

/** Jobs on this engine are held unasked. */
export const isHeldUnasked = ({ abilities }: EngineSettings): boolean =>
  !abilities.images && abilities.ahead.warmStart === null;

function foreseen(state: State, entry: Entry, now: number): Coming | null {
  const { definition } = entry.job;
  const { due } = entry;
  if (due === null || idleReason(entry) !== null || holdOf(state, entry, due) !== null) return null;
  const { prestageMs, warmStartMs } = policyOf(definition.policy);
  const isAsked = prestageMs !== null || warmStartMs !== null;
  const steps = isAsked
    ? askedSteps(state, entry, due)
    : due - now <= UNASKED_MS && isStartedSoon(state, entry)
      ? [{ at: due - UNASKED_MS, warm: true }]
      : [];
  if (steps.length === 0) return null;
  const engine = engineFor(definition.run ?? {}, state.settings);
  const run = newRun(state, entry, ofSchedule(entry, due, false), due);
  if (unmetCondition(entry.job, run) !== null) return null;
  const launched = { ...entry.job, definition: launchedDefinition(entry.job, run, 1) };
  if (policyRefusal(launched, engine, state.settings) !== null) return null;
  return { due, isAsked, spec: firstLaunch(state, entry, run), steps };
}

function askedSteps(state: State, entry: Entry, due: number): Step[] {
  const { definition } = entry.job;
  const { prestageMs, warmStartMs } = policyOf(definition.policy);
  const can = (field: Field): boolean => whyNot(field, definition, state.settings) === null;
  const steps: Step[] = [];
  if (prestageMs !== null && prestageMs > (warmStartMs ?? 0) && can('prestage'))
    steps.push({ at: due - prestageMs, warm: false });
  if (warmStartMs !== null && can('warmStart')) steps.push({ at: due - warmStartMs, warm: true });
  return steps;
}

/** Nothing is in its way now, so what is held will hardly be in vain. */
function isStartedSoon(state: State, entry: Entry): boolean {
  const { definition } = entry.job;
  const { run } = definition;
  const { settings } = state;
  if (run === undefined || !isForeseeable(entry) || whyNot('warmStart', definition, settings) !== null)
    return false;
  const engine = engineFor(run, settings);
  const limits = limitsOf(state, entry, engineLimit(settings, engine));
  return isHeldUnasked(engineSettings(engine, settings)) && state.slots.full(limits) === null;
}

const fields = ['prestage', 'warmStart'] as const;
type Field = (typeof fields)[number];

/** INVALID_FIELD or UNSUPPORTED_BY_ENGINE for a job that cannot be prepared as requested. */
export function checkAhead(definition: JobDefinition, settings: Settings): void {
  const { policy = {} } = definition;
  for (const field of fields) {
    if (policy[field] === undefined) continue;
    const problem = whyNot(field, definition, settings);
    if (problem !== null) {
      throw new CarillonError(problem.code, `policy.${field} cannot be used here: ${problem.why}.`, {
        field: `policy.${field}`,
        value: policy[field],
        allowed: problem.allowed,
      });
    }
    const { prestageMs, warmStartMs } = policyOf(policy);
    const [lengthMs, longestMs, longest] =
      field === 'prestage'
        ? [prestageMs, LONGEST_PRESTAGE_MS, 'P1D']
        : [warmStartMs, LONGEST_WARM_START_MS, 'PT10M'];
    if (lengthMs === null || (lengthMs > 0 && lengthMs <= longestMs)) continue;
    throw new CarillonError('INVALID_FIELD', `policy.${field} is ${policy[field]}.`, {
      field: `policy.${field}`,
      value: policy[field],
      allowed: `longer than zero, at most ${longest}`,
    });
  }
}

interface Problem {
  readonly code: 'INVALID_FIELD' | 'UNSUPPORTED_BY_ENGINE';
  readonly why: string;
  readonly allowed: string;
}

/** Why the job cannot be prepared in this way. Null if it can. */
function whyNot(field: Field, { schedule, run = {} }: JobDefinition, settings: Settings): Problem | null {
  if (schedule === undefined || schedule.after !== undefined)
    return {
      code: 'INVALID_FIELD',
      why: 'the start time of the job is not known in advance',
      allowed: 'with cron, every or at',
    };
  if (schedule.jitter !== undefined)
    return {
      code: 'INVALID_FIELD',
      why: 'schedule.jitter moves the start of its runs',
      allowed: 'without schedule.jitter',
    };
  if (!isLeaderOnly(choiceOf(run)))
    return {
      code: 'INVALID_FIELD',
      why: 'the node of the job is not known in advance',
      allowed: 'on: leader',
    };
  const engine = engineFor(run, settings);
  const why = engineSettings(engine, settings).abilities.ahead[field];
  if (why === null) return null;
  const able = (settings.known ?? []).filter(({ abilities }) => abilities.ahead[field] === null);
  return {
    code: 'UNSUPPORTED_BY_ENGINE',
    why: `the engine '${engine}' does not support it: ${why}`,
    allowed:
      able.length === 0 ? 'another engine' : `engines of kind ${able.map(({ name }) => name).join(' or ')}`,
  };
}
