/**
 * From what a person wrote to a schedule, in two steps. `resolveSchedule` runs once, when a job is
 * accepted: it checks, and fixes everything that depends on that moment or that job (H, an omitted start),
 * so that what is stored means the same on every node for ever. `compileSchedule` then needs the stored
 * text alone.
 */

import { invariant } from '../../errors.ts';
import { SECOND_MS } from './civil.ts';
import type { ParsedCron } from './cron.ts';
import { neverFires, parseCron, splitCron } from './cron.ts';
import { expandHash } from './cron-hash.ts';
import { everyMacro, expandMacro } from './cron-macro.ts';
import type { DateTime, Repeat } from './iso.ts';
import {
  formatDateTime,
  formatRepeat,
  isCalendar,
  isoError,
  isZero,
  parseDateTime,
  parseRepeat,
} from './iso.ts';
import type { CronSchedule, OneOffSchedule, RepeatSchedule, Schedule, ScheduleInput } from './model.ts';
import { nextInstant } from './next.ts';
import { DURATION_ALLOWED, goDurationMs, readPeriod } from './period.ts';
import { instantOfWall, offsetAt, zoneOf } from './zone.ts';
import { resolveZoneName } from './zone-name.ts';

export interface ResolveContext {
  /** What H hashes: `<namespace>/<job name>`. */
  readonly hashSeed: string;
  /** Epoch milliseconds; fixes an omitted start. */
  readonly now: number;
}

export interface ResolvedSchedule {
  readonly resolved: ScheduleInput;
  /** Sentences for the person who wrote it. */
  readonly warnings: string[];
}

/**
 * Checks a schedule and fills in what must be stored with it. Resolving its result again changes nothing.
 * Throws INVALID_SCHEDULE (the message points at the part), UNKNOWN_TIMEZONE, SCHEDULE_NEVER_FIRES.
 */
export function resolveSchedule(input: ScheduleInput, context: ResolveContext): ResolvedSchedule {
  const warnings: string[] = [];
  const timezone = resolveZone(input.timezone, warnings);
  const resolved = resolveKind(input, { ...context, timezone, warnings });
  const schedule = compileSchedule(resolved);
  if (nextInstant(schedule, context.now) === null) {
    if (schedule.kind === 'cron') throw neverFires(schedule.text);
    const none = schedule.kind === 'every' && schedule.last < schedule.first;
    warnings.push(
      none ? 'R0 means no runs: the schedule is exhausted' : 'every instant of the schedule is in the past',
    );
  }
  return { resolved, warnings };
}

interface Resolving extends ResolveContext {
  readonly timezone: string | null;
  readonly warnings: string[];
}

function resolveKind(input: ScheduleInput, context: Resolving): ScheduleInput {
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
  if (context.timezone !== null && at.offset === 'Z') context.warnings.push(overridden(at, context.timezone));
  return withZone({ at: formatDateTime(inZone(at, context)) }, context.timezone);
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

type CronInput = Extract<ScheduleInput, { cron: string }>;

function resolveCron(input: CronInput, context: Resolving): ScheduleInput {
  const hashed = expandHash(splitCron(expandMacro(input.cron)), context.hashSeed);
  const parsed = parseCron(hashed.expression);
  context.warnings.push(...parsed.warnings);
  // `H/15` follows the clock as `*/15` does, which its expanded form no longer shows.
  const dst = hashed.wildcard && !parsed.wildcard ? { ...dstDefaults(true), ...input.dst } : input.dst;
  return withZone(dst === undefined ? { cron: parsed.text } : { cron: parsed.text, dst }, context.timezone);
}

function dstDefaults(wildcard: boolean): { gap: 'run-once' | 'skip'; overlap: 'first' | 'both' } {
  return wildcard ? { gap: 'skip', overlap: 'both' } : { gap: 'run-once', overlap: 'first' };
}

/** A bare duration is a repeat without end that starts now. */
function resolveDuration(text: string, field: string, context: Resolving): ScheduleInput {
  const exactMs = goDurationMs(text);
  const period = exactMs === null ? readPeriod(text) : { months: 0, days: 0, ms: exactMs };
  const allowed = `${DURATION_ALLOWED}, or 1h30m, 90s${field === 'schedule.every' ? ', or a repeat such as R/2026-01-01T00:00:00Z/P1D' : ''}`;
  if (typeof period === 'string') throw isoError(field, text, period, allowed);
  if (isZero(period)) throw isoError(field, text, 'has no length', allowed);
  return resolveRepeat({ count: Infinity, anchor: null, fromEnd: false, period, end: null }, field, context);
}

function resolveRepeat(written: Repeat, field: string, context: Resolving): ScheduleInput {
  let repeat = written;
  let { timezone } = context;
  if (repeat.anchor === null) {
    // Exact time needs no wall clock; keeping to UTC makes a start in a repeated hour unambiguous.
    if (!isCalendar(repeat.period)) timezone = null;
    repeat = { ...repeat, anchor: wallOfNow(context.now, timezone) };
  }
  const anchor = inZone(repeat.anchor!, { ...context, timezone });
  if (repeat.end !== null) {
    const end = inZone(repeat.end, { ...context, timezone });
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

function wallOfNow(now: number, timezone: string | null): DateTime {
  const second = Math.floor(now / SECOND_MS) * SECOND_MS;
  if (timezone === null) return { wallMs: second, offset: 'Z' };
  return { wallMs: second + offsetAt(zoneOf(timezone), second), offset: null };
}

/** The time zone wins over an offset in the text: the digits stay. Without either it is UTC. */
function inZone(dateTime: DateTime, context: Resolving): DateTime {
  if (context.timezone === null) return { ...dateTime, offset: dateTime.offset ?? 'Z' };
  if (dateTime.offset !== null && dateTime.offset !== 'Z') {
    context.warnings.push(overridden(dateTime, context.timezone));
  }
  return { ...dateTime, offset: null };
}

function overridden(dateTime: DateTime, timezone: string): string {
  const local = formatDateTime({ ...dateTime, offset: null });
  return `the time zone ${timezone} wins over the offset of ${formatDateTime(dateTime)}, which is taken as ${local} there`;
}

function instantOfDateTime(dateTime: DateTime, timezone: string | null): number {
  return instantOfWall(zoneOf(dateTime.offset ?? timezone ?? 'UTC'), dateTime.wallMs);
}

/** Compiled schedules by their text; see `remember`. A fleet has hundreds to thousands of distinct ones. */
const MAX_REMEMBERED = 4_096;
let recent = new Map<string, Schedule>();
let older = new Map<string, Schedule>();

/**
 * Compiles a resolved input. Equal texts give the same value while they are in use. Throws INVALID_SCHEDULE
 * or UNKNOWN_TIMEZONE on a text that `resolveSchedule` would not have let through.
 */
export function compileSchedule(resolved: ScheduleInput): Schedule {
  const key = keyOf(resolved);
  const found = recent.get(key);
  if (found !== undefined) return found;
  const schedule = older.get(key) ?? compile(resolved);
  remember(key, schedule);
  return schedule;
}

function keyOf(input: ScheduleInput): string {
  const zone = input.timezone ?? '';
  if ('cron' in input) return `c|${input.cron}|${zone}|${input.dst?.gap ?? ''}|${input.dst?.overlap ?? ''}`;
  return 'every' in input ? `e|${input.every}|${zone}` : `a|${input.at}|${zone}`;
}

/** Two generations: what was not asked for while a whole one filled up is dropped. */
function remember(key: string, schedule: Schedule): void {
  if (recent.size >= MAX_REMEMBERED) {
    older = recent;
    recent = new Map();
  }
  recent.set(key, schedule);
}

function compile(input: ScheduleInput): Schedule {
  if ('cron' in input) return compileCron(input, parseCron(input.cron));
  const timezone = input.timezone ?? null;
  if ('every' in input) return compileRepeat(input.every, timezone);
  return compileOneOff(input.at, timezone);
}

function compileCron(input: CronInput, parsed: ParsedCron): CronSchedule {
  const timezone = input.timezone ?? 'UTC';
  const policy = { ...dstDefaults(parsed.wildcard), ...input.dst };
  return {
    kind: 'cron',
    text: parsed.text,
    timezone,
    zone: zoneOf(timezone),
    fields: parsed.fields,
    ...policy,
  };
}

function compileRepeat(text: string, timezone: string | null): RepeatSchedule {
  const repeat = parseRepeat(text, 'schedule.every');
  const { anchor, period, count } = repeat;
  invariant(anchor !== null && repeat.end === null, `the repeat ${text} was not resolved`);
  const zone = zoneOf(timezone ?? anchor.offset ?? 'UTC');
  return {
    kind: 'every',
    text: formatRepeat(repeat),
    timezone,
    zone,
    anchorWallMs: anchor.wallMs,
    anchorMs: instantOfWall(zone, anchor.wallMs),
    period,
    first: repeat.fromEnd ? Math.min(1 - count, 1) : 0,
    last: repeat.fromEnd ? 0 : count - 1,
  };
}

function compileOneOff(text: string, timezone: string | null): OneOffSchedule {
  const at = parseDateTime(text, 'schedule.at');
  const zone = zoneOf(timezone ?? at.offset ?? 'UTC');
  return { kind: 'at', text: formatDateTime(at), timezone, atMs: instantOfWall(zone, at.wallMs) };
}
