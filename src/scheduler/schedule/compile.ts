/**
 * Compiles a resolved input to the form from which due times are computed. Needs only the text and the time
 * zone database, so all nodes get the same result; equal texts share one value.
 */

import { invariant } from '../../errors.ts';
import { adjust, adjustmentOf } from './adjusted.ts';
import { parseCron } from './cron/cron.ts';
import { formatDateTime, formatRepeat, parseDateTime, parseRepeat } from './iso.ts';
import type {
  BasicInput,
  BasicSchedule,
  CronSchedule,
  MemberInput,
  MemberSchedule,
  OneOffSchedule,
  OpenSchedule,
  RepeatSchedule,
  ScheduleInput,
} from './model.ts';
import { instantOfWall, zoneOf } from './zone.ts';

export type CronInput = Extract<BasicInput, { cron: string }>;

/** Cached compiled schedules by text; see `remember`. A fleet has hundreds to thousands of distinct ones. */
const MAX_REMEMBERED = 4_096;
let recent = new Map<string, OpenSchedule>();
let older = new Map<string, OpenSchedule>();

/**
 * Compiles a resolved input. Equal texts give the same value while they are in use. Throws INVALID_SCHEDULE
 * or UNKNOWN_TIMEZONE for a text that `resolveSchedule` would have refused.
 */
export function compileSchedule(resolved: ScheduleInput): OpenSchedule {
  const key = keyOf(resolved);
  const found = recent.get(key);
  if (found !== undefined) return found;
  const schedule = older.get(key) ?? compile(resolved);
  remember(key, schedule);
  return schedule;
}

function keyOf(input: ScheduleInput): string {
  if ('any' in input) return `*|${JSON.stringify(input.any)}`;
  const { start, end } = input;
  const key = basicKey(input);
  return start === undefined && end === undefined ? key : `${key}|${start ?? ''}|${end ?? ''}`;
}

function basicKey(input: BasicInput): string {
  const zone = input.timezone ?? '';
  if ('cron' in input) return `c|${input.cron}|${zone}|${input.dst?.gap ?? ''}|${input.dst?.overlap ?? ''}`;
  return 'every' in input ? `e|${input.every}|${zone}` : `a|${input.at}|${zone}`;
}

/** Two generations: entries not used while one generation filled up are dropped. */
function remember(key: string, schedule: OpenSchedule): void {
  if (recent.size >= MAX_REMEMBERED) {
    older = recent;
    recent = new Map();
  }
  recent.set(key, schedule);
}

function compile(input: ScheduleInput): OpenSchedule {
  if (!('any' in input)) return compileMember(input);
  const members = input.any.map(compileMember);
  const texts = members.map(({ text, timezone }) => `${text} ${timezone ?? ''}`);
  return { kind: 'any', text: texts.join(' | '), timezone: null, members };
}

/** One schedule, with what changes its due times. */
export function compileMember(input: MemberInput): MemberSchedule {
  const basic = compileBasic(input);
  const adjustment = adjustmentOf(input);
  return adjustment === null ? basic : adjust(basic, adjustment);
}

function compileBasic(input: BasicInput): BasicSchedule {
  if ('cron' in input) return compileCron(input);
  const timezone = input.timezone ?? null;
  if ('every' in input) return compileRepeat(input.every, timezone);
  return compileOneOff(input.at, timezone);
}

function compileCron(input: CronInput): CronSchedule {
  const parsed = parseCron(input.cron);
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

/** The rule of cronie: wildcards follow the clock; fixed times are neither skipped nor repeated. */
export function dstDefaults(wildcard: boolean): { gap: 'run-once' | 'skip'; overlap: 'first' | 'both' } {
  return wildcard ? { gap: 'skip', overlap: 'both' } : { gap: 'run-once', overlap: 'first' };
}
