/**
 * Converts between Chronos jobs and native definitions. The definition says what the job does. Its `chronos`
 * part stores what was sent and has no native form, so that a client reads back what it wrote. Stored values
 * count only while they agree with the definition, so an edit through the native API is visible here.
 */

import { CarillonError } from '../../errors.ts';
import type { JobView } from '../handle.ts';
import type { JobDefinition } from '../job/definition.ts';
import { sameJson } from '../job/same.ts';
import {
  type Aspect,
  aspects,
  droppable,
  keptOnly,
  type Native,
  type Reading,
  timing,
  type Unmapped,
} from './aspects.ts';
import {
  type ChronosField,
  type ChronosJob,
  chronosDefaults,
  counters,
  crossFilled,
  type Generation,
  printJob,
  saysNothingOf,
} from './job.ts';
import { nativeName, shownName } from './names.ts';
import { readChronosJob, readKept, type Sent } from './read.ts';
import { beginsNow, never, onceNow, remaining, wasShown } from './schedule.ts';

/** The `chronos` part of a definition. */
export interface Kept extends Partial<ChronosJob> {
  /** When a schedule without a start was sent, in epoch milliseconds. */
  readonly begins?: number;
  readonly unmapped?: readonly Unmapped[];
}

export interface Target {
  readonly generation: Generation;
  /** Epoch milliseconds. */
  readonly now: number;
  /** The job that is replaced. */
  readonly before: JobView | null;
  /** Parts that the engine does not support. */
  readonly unmapped: readonly Unmapped[];
}

/**
 * The equivalent definition. Fields that equal what a client reads, or has read, of the job stay unchanged;
 * if all do, the result is the previous definition. INVALID_SCHEDULE, UNKNOWN_TIMEZONE; everything else is
 * checked by the scheduler.
 */
export function toDefinition(sent: Sent, target: Target): JobDefinition {
  const { generation, now, before, unmapped } = target;
  const { job, given } = sent;
  const shown = before === null ? [] : formsOf(before, sent);
  const keptBefore = before === null ? {} : keptOf(before.job.definition);
  const reading = {
    generation,
    now,
    unmapped,
    given: (field: ChronosField) => given.has(field),
    same: (field: ChronosField) => says([field], sent, generation, shown),
    before: keptBefore.container ?? null,
  };
  const kept: Record<string, unknown> = {};
  const name = nativeName(job.name);
  let definition: JobDefinition = before?.job.definition ?? { name, run: {} };
  const changed = new Set<Aspect | ChronosField>();
  const dropped: Unmapped[] = [];
  for (const aspect of aspects) {
    const { drops = [] } = aspect;
    const droppedBefore = drops.filter((part) => keptBefore.unmapped?.includes(part));
    const refused = drops.filter((part) => unmapped.includes(part) && !droppedBefore.includes(part));
    const looked = [...aspect.fields, ...(aspect.also ?? [])];
    if (refused.length === 0 && says(looked, sent, generation, shown)) {
      for (const field of aspect.fields) if (field in keptBefore) kept[field] = keptBefore[field];
      if (aspect === timing && keptBefore.begins !== undefined) kept.begins = keptBefore.begins;
      dropped.push(...droppedBefore);
      continue;
    }
    changed.add(aspect);
    definition = withNative(
      definition,
      aspect.read(job, { ...reading, into: before === null ? null : definition }),
    );
    keepRest(kept, aspect, job, definition);
    if (aspect === timing && 'schedule' in kept) kept.begins = now;
    dropped.push(...drops.filter((part) => unmapped.includes(part)));
  }
  for (const field of keptOnly) {
    const same = says([field], sent, generation, shown);
    if (!same) changed.add(field);
    const value = same ? keptBefore[field] : job[field];
    if (value !== undefined && !sameJson(value, chronosDefaults[field])) kept[field] = value;
  }
  if (before !== null && changed.size === 0) return before.job.definition;
  // A client sends the counters back as it read them, so they are used for a new job only.
  for (const field of counters) {
    const value = before === null ? job[field] : keptBefore[field];
    if (value !== undefined && value !== chronosDefaults[field]) kept[field] = value;
  }
  if (dropped.length > 0) kept.unmapped = dropped;
  if (job.name !== name) kept.name = job.name;
  return { ...definition, name, paused: pausedAs(job, before, changed.has(timing)), chronos: kept };
}

/** A job that has run for the last time reads as disabled. Sending that back does not pause it. */
function pausedAs({ disabled }: ChronosJob, before: JobView | null, anew: boolean): boolean {
  if (before === null || anew || disabled !== isDisabled(before)) return disabled;
  return before.state.paused !== null;
}

/** The fields have the values of one of these forms of the job. */
function says(
  fields: readonly ChronosField[],
  { job, given }: Sent,
  generation: Generation,
  forms: readonly ChronosJob[],
): boolean {
  const same = (field: ChronosField, form: ChronosJob): boolean =>
    saysNothingOf(field, given, generation) || sameJson(job[field], form[field]);
  return forms.some((form) => fields.every((field) => same(field, form)));
}

/**
 * The forms of the job that a client may send back: as it reads it, alone and in lists, as it read it before,
 * and as it was sent. Sending one of them changes nothing, unless the job begins when it is sent.
 */
function formsOf(view: JobView, { job: { schedule } }: Sent): ChronosJob[] {
  const shown = toChronos(view);
  const settled = settledFields(view.job.definition);
  const written = settled.schedule.startsWith('R') ? settled.schedule : null;
  const earlier =
    view.schedule !== null && wasShown(schedule, view.schedule, view.state.cursor, written)
      ? [{ ...shown, schedule }]
      : [];
  const sent = beginsNow(schedule || onceNow) ? [] : [settled];
  const forms = [shown, crossFilled(shown), ...earlier, ...sent];
  return forms.map((form) => readChronosJob(printJob(form, 2)).job);
}

function keepRest(
  kept: Record<string, unknown>,
  { fields, write }: Aspect,
  job: ChronosJob,
  now: JobDefinition,
): void {
  const written = write(now);
  for (const field of fields) if (!sameJson(job[field], written[field])) kept[field] = job[field];
}

/** Anyone who writes a definition can set this part, so unreadable content is ignored. */
export function keptOf({ chronos = {} }: JobDefinition): Kept {
  const { begins, unmapped } = chronos;
  return {
    ...readKept(chronos).fields,
    ...(typeof begins === 'number' && { begins }),
    ...(Array.isArray(unmapped) && { unmapped: droppable.filter((part) => unmapped.includes(part)) }),
  };
}

/** Undefined clears a field. */
function withNative(definition: JobDefinition, native: Native): JobDefinition {
  const { run, policy, ...top } = native;
  const policies = merged(definition.policy, policy);
  const { policy: _, ...rest } = definition;
  return merged(
    {
      ...rest,
      run: merged(definition.run, run),
      ...(Object.keys(policies).length > 0 && { policy: policies }),
    },
    top,
  ) as JobDefinition;
}

function merged(base: object | undefined, changes: object | undefined): Record<string, unknown> {
  const all = Object.entries({ ...base, ...changes });
  return Object.fromEntries(all.filter(([, value]) => value !== undefined));
}

/** True if the definition already has all these values. */
function agrees(native: Native, definition: JobDefinition): boolean {
  const { run = {}, policy = {}, ...top } = native;
  const has = (part: object, whole: object): boolean =>
    Object.entries(part).every(([field, value]) =>
      sameJson(value, (whole as Record<string, unknown>)[field]),
    );
  return has(run, definition.run ?? {}) && has(policy, definition.policy ?? {}) && has(top, definition);
}

/**
 * True if the stored fields are equivalent to the current definition, in either generation. Unreadable fields
 * are not.
 */
function stillSays(
  aspect: Aspect,
  job: ChronosJob,
  reading: Omit<Reading, 'generation'>,
  definition: JobDefinition,
): boolean {
  try {
    return ([3, 2] as const).some((generation) =>
      agrees(aspect.read(job, { ...reading, generation }), definition),
    );
  } catch (error) {
    if (error instanceof CarillonError) return false;
    throw error;
  }
}

/** The job as a Chronos client reads it. */
export function toChronos(view: JobView): ChronosJob {
  const job = settledFields(view.job.definition);
  return { ...job, ...timingOf(view, job), ...countersOf(view), disabled: isDisabled(view) };
}

/** All fields except those that change as the job runs. */
export function settledFields(definition: JobDefinition): ChronosJob {
  const { begins, unmapped = [], name: _, ...fields } = keptOf(definition);
  let written: ChronosJob = { ...chronosDefaults, name: shownName(definition) };
  for (const aspect of aspects) written = { ...written, ...aspect.write(definition) };
  let job: ChronosJob = { ...written, ...fields };
  const reading = {
    now: begins ?? 0,
    unmapped,
    given: (field: ChronosField) => field in fields,
    same: () => false,
    into: definition,
    before: null,
  };
  for (const aspect of aspects) {
    const kept = aspect.fields.filter((field) => field in fields);
    if (kept.length === 0 || stillSays(aspect, job, reading, definition)) continue;
    job = { ...job, ...Object.fromEntries(kept.map((field) => [field, written[field]])) };
  }
  return job;
}

function timingOf(
  { job: { definition, createdAt }, state, schedule, runs }: JobView,
  { parents, schedule: written }: ChronosJob,
): Partial<ChronosJob> {
  if (parents !== null) return { schedule: '', scheduleTimeZone: '' };
  if (schedule === null) return { schedule: never(createdAt) };
  const asWritten = definition.schedule?.every !== undefined && written.startsWith('R') ? written : null;
  // Due times that passed while the job was disabled are no runs: until the first run, the schedule reads as
  // it was sent.
  const ran = state.last !== null || runs.length > 0;
  return { schedule: remaining(schedule, state.cursor, { written: asWritten, ran }) };
}

/** Counted here, in addition to what the job was imported with. */
export function countersOf({
  job: { definition },
  state,
}: Pick<JobView, 'job' | 'state'>): Partial<ChronosJob> {
  const base = keptOf(definition);
  const later = (at: number | null, before: string | undefined): string => {
    if (at === null) return before ?? '';
    return before !== undefined && instantOf(before) > at ? before : new Date(at).toISOString();
  };
  return {
    successCount: state.succeeded + (base.successCount ?? 0),
    errorCount: state.failed - state.killed + (base.errorCount ?? 0),
    lastSuccess: later(state.lastSucceededAt, base.lastSuccess),
    lastError: later(state.lastFailedAt, base.lastError),
    errorsSinceLastSuccess:
      state.consecutiveFailures + (state.succeeded === 0 ? (base.errorsSinceLastSuccess ?? 0) : 0),
  };
}

/** Chronos disables a job after its last repetition has succeeded. */
function isDisabled({ status, state }: JobView): boolean {
  if (status === 'paused' || status === 'disabled') return true;
  return status === 'completed' && state.last?.state === 'succeeded';
}

export type LastState = 'success' | 'failure' | 'fresh';

/** How the last run of the job ended. */
export function lastStateOf({ lastSuccess, lastError }: ChronosJob): LastState {
  if (lastError === '') return lastSuccess === '' ? 'fresh' : 'success';
  return instantOf(lastSuccess) > instantOf(lastError) ? 'success' : 'failure';
}

/** Parses a time in any form that a client may have sent. An invalid one sorts before all others. */
function instantOf(text: string): number {
  const at = Date.parse(text);
  return Number.isNaN(at) ? Number.NEGATIVE_INFINITY : at;
}

/** The current state of the job. */
export function currentStateOf({ runs }: JobView): string {
  const running = runs.filter(({ state }) => state === 'launching' || state === 'running').length;
  if (running > 0) return `${running} running`;
  return runs.length > 0 ? 'queued' : 'idle';
}
