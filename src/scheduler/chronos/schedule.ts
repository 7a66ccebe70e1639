/**
 * Chronos schedules: `Rn/start/period`, where the start is also the cursor. A sent schedule becomes an
 * anchored repeat here. A client reads the remaining repeat: as it was sent until the first due time is
 * decided, then with the next start and the remaining number of runs.
 */

import { CarillonError, invariant } from '../../errors.ts';
import { zoneFor } from '../schedule/adjusted.ts';
import { DAY_MS, dayNumber, SECOND_MS } from '../schedule/civil.ts';
import { formatDateTime, isZero, parseDateTime, parseRepeat } from '../schedule/iso.ts';
import { indexAfter, instantOf } from '../schedule/iso-next.ts';
import { type OneOffSchedule, openOf, type RepeatSchedule, type Schedule } from '../schedule/model.ts';
import { nextInstant } from '../schedule/next.ts';
import { compileSchedule, resolveSchedule } from '../schedule/parse.ts';
import { formatDuration, formatPeriod, readPeriod } from '../schedule/period.ts';
import { instantOfWall, offsetAt, type Zone, zoneOf } from '../schedule/zone.ts';
import { resolveZoneName } from '../schedule/zone-name.ts';

/** A missing schedule means: once, now. */
export const onceNow = 'R1//PT24H';

const form = /^(R[0-9]*)\/(.*)\/(P.*)$/;

export interface NativeRepeat {
  readonly every: string;
  readonly timezone?: string;
}

/** Without a start, the job begins when it is sent, each time it is sent. */
export const beginsNow = (schedule: string): boolean => form.exec(schedule)?.[2] === '';

/** The repeat as a native schedule; `now` replaces an omitted start. INVALID_SCHEDULE, UNKNOWN_TIMEZONE. */
export function nativeRepeat(schedule: string, scheduleTimeZone: string, now: number): NativeRepeat {
  const match = form.exec(schedule);
  if (match === null) {
    throw new CarillonError('INVALID_SCHEDULE', `Cannot parse schedule '${schedule}'`, {
      field: 'schedule',
      value: schedule.slice(0, 80),
      allowed: 'Rn/start/period: R/2026-01-01T00:00:00Z/PT24H; without a start it begins now',
    });
  }
  const [, repeats = '', start = '', period = ''] = match;
  const timezone = zoneName(scheduleTimeZone);
  const zone = timezone === null ? {} : { timezone };
  if (runsAtOnce(schedule)) return { every: atOnce(repeats, start, timezone, now), ...zone };
  const rest = `${start === '' ? startNow(timezone, now) : fullStart(start)}/${period}`;
  const { count } = parseRepeat(`${repeats}/${rest}`, 'schedule');
  if (count <= 1 || count === Number.POSITIVE_INFINITY) return { every: `${repeats}/${rest}`, ...zone };
  return { every: `R${count + standingFor({ every: `R/${rest}`, ...zone }, now)}/${rest}`, ...zone };
}

/**
 * As in Chronos, one run stands for all due times before the job was sent and uses one of its n runs; without
 * this the others would be lost with the passed due times.
 */
function standingFor(endless: NativeRepeat, now: number): number {
  const schedule = compileSchedule(resolveSchedule(endless, { hashSeed: '', now }).resolved);
  invariant(schedule.kind === 'every', 'a repeat is compiled to one');
  return Math.max(0, indexAfter(schedule, now) - 1);
}

/**
 * Several runs without time between them, `R10//P`: one after another, each as soon as the previous one has
 * ended.
 */
export function runsAtOnce(schedule: string): boolean {
  const [, repeats = '', , period = ''] = form.exec(schedule) ?? [];
  if (!/^R0*[1-9]\d*$/.test(repeats) || Number(repeats.slice(1)) === 1) return false;
  const length = period === 'P' || period === 'PT' ? noTime : readPeriod(period);
  return typeof length !== 'string' && isZero(length);
}

const noTime = { months: 0, days: 0, ms: 0 };

/** They are due one second apart, the shortest interval of a schedule, from the start or from now. */
function atOnce(repeats: string, start: string, timezone: string | null, now: number): string {
  const begins = start === '' ? null : fullStart(start);
  const wall = begins === null ? null : parseDateTime(begins, 'schedule');
  const zone = zoneOf(timezone ?? wall?.offset ?? 'UTC');
  const past = wall === null || instantOfWall(zone, wall.wallMs) < now;
  return `${repeats}/${past ? startNow(timezone, now) : begins}/PT1S`;
}

/** Java's three-letter zone names with their meaning in Java, which differs elsewhere for some. */
const javaZones: Readonly<Record<string, string>> = {
  ACT: 'Australia/Darwin',
  AET: 'Australia/Sydney',
  AGT: 'America/Argentina/Buenos_Aires',
  ART: 'Africa/Cairo',
  AST: 'America/Anchorage',
  BET: 'America/Sao_Paulo',
  BST: 'Asia/Dhaka',
  CAT: 'Africa/Harare',
  CNT: 'America/St_Johns',
  CST: 'America/Chicago',
  CTT: 'Asia/Shanghai',
  EAT: 'Africa/Addis_Ababa',
  ECT: 'Europe/Paris',
  IET: 'America/Indiana/Indianapolis',
  IST: 'Asia/Kolkata',
  JST: 'Asia/Tokyo',
  MIT: 'Pacific/Apia',
  NET: 'Asia/Yerevan',
  NST: 'Pacific/Auckland',
  PLT: 'Asia/Karachi',
  PNT: 'America/Phoenix',
  PRT: 'America/Puerto_Rico',
  PST: 'America/Los_Angeles',
  SST: 'Pacific/Guadalcanal',
  VST: 'Asia/Ho_Chi_Minh',
};

/** A warning if the zone was interpreted as another one; null otherwise. */
export function zoneTaken(scheduleTimeZone: string): string | null {
  const id = Object.hasOwn(javaZones, scheduleTimeZone) ? javaZones[scheduleTimeZone] : undefined;
  if (id !== undefined) return `scheduleTimeZone ${scheduleTimeZone} is taken as ${id}, as Java has it`;
  if (scheduleTimeZone === '' || scheduleTimeZone === 'null' || javaOffset.test(scheduleTimeZone))
    return null;
  try {
    const { id, warning } = resolveZoneName(scheduleTimeZone, 'scheduleTimeZone');
    // The native schedule has the warnings about a zone that is used unchanged.
    return id === scheduleTimeZone ? null : warning;
  } catch (error) {
    if (error instanceof CarillonError) return null;
    throw error;
  }
}

/** Java's offset format: `GMT+2`, `GMT-05:30`. */
const javaOffset = /^GMT([+-])(\d{1,2})(?::?(\d\d))?$/;

/** Some clients send null as a word. Java treats an unknown name as GMT; here it is unknown. */
export function zoneName(text: string): string | null {
  if (text === '' || text === 'null') return null;
  if (Object.hasOwn(javaZones, text)) return javaZones[text]!;
  const offset = javaOffset.exec(text);
  const name = offset === null ? text : `${offset[1]}${offset[2]!.padStart(2, '0')}:${offset[3] ?? '00'}`;
  return resolveZoneName(name, 'scheduleTimeZone').id;
}

function startNow(timezone: string | null, now: number): string {
  const second = Math.floor(now / SECOND_MS) * SECOND_MS;
  if (timezone === null) return formatDateTime({ wallMs: second, offset: 'Z' });
  return formatDateTime({ wallMs: second + offsetAt(zoneOf(timezone), second), offset: null });
}

const week = /^(\d{4})-W(\d\d)(?:-(\d))?$/;
const ordinal = /^(\d{4})-(\d{3})$/;

/** Accepts all start formats of Joda: a month, a week, a day of the year, a time without a date. */
function fullStart(start: string): string {
  const [date = '', time] = start.split('T', 2);
  const text = time === undefined ? fullDate(date) : `${fullDate(date)}T${time}`;
  const { wallMs } = parseDateTime(text, 'schedule');
  if (wallMs < 0) {
    throw new CarillonError('INVALID_SCHEDULE', `Scheduled start date '${start}' is before 1970!`, {
      field: 'schedule',
      value: start,
      allowed: 'a start from 1970 on',
    });
  }
  return text;
}

function fullDate(date: string): string {
  if (date === '') return '1970-01-01';
  if (/^\d{4}$/.test(date)) return `${date}-01-01`;
  if (/^\d{4}-\d\d$/.test(date)) return `${date}-01`;
  const weekDate = week.exec(date);
  const ordinalDate = ordinal.exec(date);
  let day: number | null = null;
  if (weekDate !== null) {
    const fourth = dayNumber(Number(weekDate[1]), 1, 4);
    // 1970-01-01 was a Thursday, so its week began three days earlier.
    const monday = fourth - ((((fourth + 3) % 7) + 7) % 7);
    day = monday + (Number(weekDate[2]) - 1) * 7 + Number(weekDate[3] ?? 1) - 1;
  } else if (ordinalDate !== null) day = dayNumber(Number(ordinalDate[1]), 1, 1) + Number(ordinalDate[2]) - 1;
  return day === null ? date : new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** The rest of a schedule after everything up to `cursor` was decided; as `written` until the job `ran`. */
export function remaining(
  schedule: Schedule,
  cursor: number,
  { written, ran }: { readonly written: string | null; readonly ran: boolean },
): string {
  if (schedule.kind === 'every') {
    // The cursor of a repeat of which a due time was decided is on a due time.
    const begun = ran && nextInstant(schedule, cursor - 1) === cursor;
    return written !== null && !begun ? written : remainingRepeat(schedule, cursor, written);
  }
  if (schedule.kind === 'at') return remainingInstant(schedule, nextInstant(schedule, cursor) === null);
  return remainingCron(schedule, cursor);
}

const remainingInstant = ({ atMs, timezone }: OneOffSchedule, over: boolean): string =>
  `${over ? 'R0' : 'R1'}/${instantText(atMs, zoneOf(timezone ?? 'UTC'))}/PT24H`;

/** A cron schedule has no period, as others of which some due times are left out; the interval to the due time after the next is the closest to one. */
function remainingCron(schedule: Schedule, cursor: number): string {
  const open = openOf(schedule);
  const zone = open.kind === 'any' ? zoneOf('UTC') : zoneFor(open);
  const next = nextInstant(schedule, cursor);
  const following = next === null ? null : nextInstant(schedule, next);
  if (next === null || following === null) return `R0/${instantText(cursor, zone)}/PT24H`;
  return `R/${instantText(next, zone)}/${formatDuration(following - next)}`;
}

const printedStart = /^R\d*\/(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?:Z|[+-]\d\d:\d\d))\//;

/** True for a text that a client may have read: the rest of the schedule at any due time up to the next. */
export function wasShown(text: string, schedule: Schedule, cursor: number, written: string | null): boolean {
  if (schedule.kind === 'at')
    return text === remainingInstant(schedule, true) || text === remainingInstant(schedule, false);
  const start = Date.parse(printedStart.exec(text)?.[1] ?? '');
  const latest = nextInstant(schedule, cursor) ?? cursor;
  if (Number.isNaN(start) || start > latest || nextInstant(schedule, start - 1) !== start) return false;
  const shown =
    schedule.kind === 'every'
      ? remainingRepeat(schedule, start - 1, written)
      : remainingCron(schedule, start - 1);
  return text === shown;
}

function remainingRepeat(schedule: RepeatSchedule, cursor: number, written: string | null): string {
  const k = indexAfter(schedule, cursor);
  const count = schedule.last === Number.POSITIVE_INFINITY ? 'R' : `R${Math.max(0, schedule.last - k + 1)}`;
  const period = (written === null ? null : form.exec(written)?.[3]) ?? formatPeriod(schedule.period);
  return `${count}/${instantText(instantOf(schedule, k), schedule.zone)}/${period}`;
}

/** A manual job: a repeat with no runs. */
export const never = (since: number): string => `R0/${instantText(since, zoneOf('UTC'))}/PT24H`;

/** `2026-01-01T09:00:00.000+01:00`; Z for an offset of zero. */
function instantText(instantMs: number, zone: Zone): string {
  const offsetMs = offsetAt(zone, instantMs);
  if (offsetMs === 0) return new Date(instantMs).toISOString();
  const minutes = Math.round(Math.abs(offsetMs) / 60_000);
  const two = (value: number) => String(value).padStart(2, '0');
  const offset = `${offsetMs < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  return `${new Date(instantMs + offsetMs).toISOString().slice(0, -1)}${offset}`;
}
