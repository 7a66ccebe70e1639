/**
 * Turns what a user wrote into a schedule, in two steps. `resolveSchedule` runs once, when a job is accepted:
 * it validates, and fixes everything that depends on that time or that job (H, an omitted start), so that the
 * stored text means the same on every node forever. `compileSchedule` then needs only the stored text
 * (compile.ts).
 */

import { allAnswers, CarillonError } from '../../errors.ts';
import { adjustmentOf, checkBounds } from './adjusted.ts';
import { MAX_INSTANT_MS, SECOND_MS } from './civil.ts';
import { type CronInput, compileMember, compileSchedule, dstDefaults } from './compile.ts';
import { neverFires, parseCron, splitCron } from './cron/cron.ts';
import { expandHash } from './cron/hash.ts';
import { everyMacro, expandMacro } from './cron/macro.ts';
import type { DateTime, Repeat } from './iso.ts';
import {
  formatDateTime,
  formatRepeat,
  isCalendar,
  isoError,
  isZero,
  parseDateTime,
  parseRepeat,
  tooLate,
} from './iso.ts';
import { meantSchedule } from './meant.ts';
import type {
  AdjustedSchedule,
  Adjustment,
  BasicInput,
  BasicSchedule,
  MemberInput,
  MemberSchedule,
  ScheduleInput,
} from './model.ts';
import { nextInstant } from './next.ts';
import { DURATION_ALLOWED, readDuration } from './period.ts';
import { instantOfWall, offsetAt, zoneOf } from './zone.ts';
import { resolveZoneName } from './zone-name.ts';

export { compileSchedule };

export interface ResolveContext {
  /** Input of the hash for H: `<namespace>/<job name>`. */
  readonly hashSeed: string;
  /** Epoch milliseconds; replaces an omitted start. */
  readonly now: number;
}

export interface ResolvedSchedule {
  readonly resolved: ScheduleInput;
  /** Warnings for the author. */
  readonly warnings: string[];
}

/**
 * Validates a schedule and fills in what must be stored with it. Resolving the result again changes nothing.
 * Throws INVALID_SCHEDULE (the message points at the part), UNKNOWN_TIMEZONE, SCHEDULE_NEVER_FIRES.
 */
export function resolveSchedule(input: ScheduleInput, context: ResolveContext): ResolvedSchedule {
  if (!('any' in input)) return resolveMember(input, context);
  const members = allAnswers<ResolvedMember[]>(
    ...input.any.map((member, index) => () => inMember(index, () => resolveMember(member, context))),
  );
  return {
    resolved: { any: members.map(({ resolved }) => resolved) },
    warnings: [...new Set(members.flatMap(({ warnings }) => warnings))],
  };
}

/** In errors, the field is that of the member. */
function inMember<T>(index: number, resolve: () => T): T {
  try {
    return resolve();
  } catch (error) {
    if (!(error instanceof CarillonError)) throw error;
    throw ofMember(index, error);
  }
}

function ofMember(index: number, { code, message, details }: CarillonError): CarillonError {
  const { field, others, ...rest } = details;
  const path = (text: string): string => text.replace(/^schedule\./, `schedule.any[${index}].`);
  return new CarillonError(code, path(message), {
    ...rest,
    ...(field !== undefined && { field: path(field) }),
    ...(others !== undefined && { others: others.map((other) => ofMember(index, other)) }),
  });
}

interface ResolvedMember extends ResolvedSchedule {
  readonly resolved: MemberInput;
}

function resolveMember(input: MemberInput, context: ResolveContext): ResolvedMember {
  const warnings: string[] = [];
  const resolving = (timezone: string | null) => {
    const within = { ...context, timezone, warnings };
    const adjustment = resolveAdjustment(input, within);
    const start = adjustment?.start ?? null;
    return { ...hinting(input, () => resolveKind(input, { ...within, start })), ...adjustment };
  };
  let timezone: string | null;
  try {
    timezone = resolveZone(input.timezone, warnings);
  } catch (error) {
    const refuse = () => {
      throw error;
    };
    // Also reports further problems.
    [timezone] = allAnswers<[never, unknown]>(refuse, () => resolving(null));
  }
  const resolved = resolving(timezone);
  const { basic, adjusted } = parts(compileMember(resolved));
  // A start filled in below is now, rounded down to a second, and has not passed yet.
  if (nextInstant(basic, wholeSecond(context.now) - 1) === null) {
    if (basic.kind === 'cron') throw neverFires(basic.text);
    if (basic.kind === 'every' && basic.last < basic.first)
      warnings.push('R0 means no runs: the schedule is exhausted');
  }
  if (adjusted !== null) checkBounds(adjusted);
  return { resolved, warnings };
}

const parts = (schedule: MemberSchedule): { basic: BasicSchedule; adjusted: AdjustedSchedule | null } =>
  schedule.kind === 'adjusted'
    ? { basic: schedule.basic, adjusted: schedule }
    : { basic: schedule, adjusted: null };

/** The time zone overrides an offset, as in the start of a repeat. */
function resolveAdjustment(input: MemberInput, context: Resolving): Adjustment | null {
  const adjustment = adjustmentOf(input);
  if (adjustment === null) return null;
  const bound = (text: string, field: string): string => {
    const at = parseDateTime(text.trim(), field);
    if (at.offset !== 'Z') warnIfOverridden(at, context);
    return formatDateTime(context.timezone === null ? at : { ...at, offset: null });
  };
  const { start, end } = adjustment;
  return {
    ...(start !== undefined && { start: bound(start, 'schedule.start') }),
    ...(end !== undefined && { end: bound(end, 'schedule.end') }),
  };
}

interface Resolving extends ResolveContext {
  readonly timezone: string | null;
  /** From which the due times count: the start of a repeat without one. */
  readonly start?: string | null;
  readonly warnings: string[];
}

/** Adds a suggestion if the text is valid as something else. */
function hinting(input: BasicInput, resolve: () => BasicInput): BasicInput {
  try {
    return resolve();
  } catch (error) {
    if (!(error instanceof CarillonError) || error.code !== 'INVALID_SCHEDULE') throw error;
    const written = 'cron' in input ? input.cron : 'every' in input ? input.every : input.at;
    const meant = meantSchedule(written);
    // It is valid as what it is, so the problem is another one.
    const same =
      'cron' in input
        ? `cron: ${JSON.stringify(written)}`
        : 'every' in input
          ? `every: ${written}`
          : `at: ${written}`;
    if (meant === null || meant === same) throw error;
    throw new CarillonError(error.code, `${error.message} Did you mean \`${meant}\`?`, error.details);
  }
}

function resolveKind(input: BasicInput, context: Resolving): BasicInput {
  if ('cron' in input) {
    const duration = everyMacro(input.cron);
    if (duration !== null) return resolveDuration(duration, 'schedule.cron', context);
    return resolveCron(input, context);
  }
  if ('every' in input) {
    const text = input.every.trim();
    if (!text.startsWith('R')) return resolveDuration(text, 'schedule.every', context);
    return resolveRepeat(parseRepeat(text, 'schedule.every'), 'schedule.every', context);
  }
  const at = parseDateTime(input.at.trim(), 'schedule.at');
  if (at.offset === 'Z') warnIfOverridden(at, context);
  const local = inZone(at, context);
  checkYear(local, context.timezone, 'schedule.at');
  return withZone({ at: formatDateTime(local) }, context.timezone);
}

function resolveZone(name: string | undefined, warnings: string[]): string | null {
  if (name === undefined || name.trim() === '') return null;
  const { id, warning } = resolveZoneName(name, 'schedule.timezone');
  if (warning !== null) warnings.push(warning);
  return id;
}

function withZone<T extends object>(input: T, timezone: string | null): T & { timezone?: string } {
  return timezone === null ? input : { ...input, timezone };
}

function resolveCron(input: CronInput, context: Resolving): BasicInput {
  const hashed = expandHash(splitCron(expandMacro(input.cron)), context.hashSeed);
  const parsed = parseCron(hashed.expression);
  context.warnings.push(...parsed.warnings);
  // `H/15` follows the clock like `*/15`, which its expanded form no longer shows.
  const dst = hashed.wildcard && !parsed.wildcard ? { ...dstDefaults(true), ...input.dst } : input.dst;
  return withZone(dst === undefined ? { cron: parsed.text } : { cron: parsed.text, dst }, context.timezone);
}

/** A bare duration is an endless repeat that starts now. */
function resolveDuration(text: string, field: string, context: Resolving): BasicInput {
  const period = readDuration(text);
  const allowed = `${DURATION_ALLOWED}${field === 'schedule.every' ? ', or a repeat such as R/2026-01-01T00:00:00Z/P1D' : ''}`;
  if (typeof period === 'string') throw isoError(field, text, period, allowed);
  if (isZero(period)) throw isoError(field, text, 'has length zero', allowed);
  return resolveRepeat({ count: Infinity, anchor: null, fromEnd: false, period, end: null }, field, context);
}

function resolveRepeat(written: Repeat, field: string, context: Resolving): BasicInput {
  let repeat = written;
  let { timezone } = context;
  if (repeat.anchor === null && context.start != null) {
    repeat = { ...repeat, anchor: parseDateTime(context.start, 'schedule.start') };
  } else if (repeat.anchor === null) {
    // An exact interval needs no local clock. In UTC, a start in a repeated hour is unambiguous.
    if (!isCalendar(repeat.period)) timezone = null;
    repeat = { ...repeat, anchor: wallOfNow(context.now, timezone) };
  }
  const anchor = inZone(repeat.anchor!, { ...context, timezone });
  checkYear(anchor, timezone, field);
  if (repeat.end !== null) {
    // The offset of the start also applies to the end (ISO 8601).
    const written = { ...repeat.end, offset: repeat.end.offset ?? repeat.anchor!.offset };
    const end = inZone(written, { ...context, timezone });
    checkYear(end, timezone, field);
    const ms = instantOfDateTime(end, timezone) - instantOfDateTime(anchor, timezone);
    if (ms <= 0)
      throw isoError(field, formatDateTime(end), 'is not after the start', 'an end after the start');
    repeat = { ...repeat, period: { months: 0, days: 0, ms }, end: null };
  }
  const { period } = repeat;
  if (repeat.count > 1 && !isCalendar(period) && period.ms < SECOND_MS) {
    throw isoError(
      field,
      formatRepeat({ ...repeat, anchor }),
      'repeats faster than once a second',
      'PT1S or longer',
    );
  }
  return withZone({ every: formatRepeat({ ...repeat, anchor }) }, timezone);
}

function wholeSecond(instantMs: number): number {
  return Math.floor(instantMs / SECOND_MS) * SECOND_MS;
}

function wallOfNow(now: number, timezone: string | null): DateTime {
  const second = wholeSecond(now);
  if (timezone === null) return { wallMs: second, offset: 'Z' };
  return { wallMs: second + offsetAt(zoneOf(timezone), second), offset: null };
}

/** The time zone overrides an offset in the text: the digits stay. Without either it is UTC. */
function inZone(dateTime: DateTime, context: Resolving): DateTime {
  if (context.timezone === null) return { ...dateTime, offset: dateTime.offset ?? 'Z' };
  // Chronos users write Z before every zone; any other offset was intended.
  if (dateTime.offset !== 'Z') warnIfOverridden(dateTime, context);
  return { ...dateTime, offset: null };
}

function warnIfOverridden(dateTime: DateTime, { timezone, warnings }: Resolving): void {
  const local = { ...dateTime, offset: null };
  if (timezone === null || dateTime.offset === null) return;
  if (instantOfDateTime(dateTime, null) === instantOfDateTime(local, timezone)) return;
  const written = formatDateTime(dateTime);
  warnings.push(
    `the time zone overrides the offset: ${written} is taken as ${formatDateTime(local)} in ${timezone}`,
  );
}

/** The year has four digits, but the offset may move it into the next year. */
function checkYear(dateTime: DateTime, timezone: string | null, field: string): void {
  if (instantOfDateTime(dateTime, timezone) > MAX_INSTANT_MS) throw tooLate(field, formatDateTime(dateTime));
}

/** Epoch milliseconds. The time zone, or else UTC, applies if the text has no offset. */
export function instantOfDateTime(dateTime: DateTime, timezone: string | null): number {
  return instantOfWall(zoneOf(dateTime.offset ?? timezone ?? 'UTC'), dateTime.wallMs);
}
