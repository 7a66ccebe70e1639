/** Expands the rules of a calendar (RFC 5545) to windows of local time, up to a horizon. */

import { RRuleTemporal } from 'rrule-temporal';
import { CarillonError } from '../errors.ts';
import type { CalendarDocument } from '../scheduler/job/calendar/document.ts';
import { joined, type Window } from '../scheduler/schedule/calendar/calendar.ts';
import { DAY_MS } from '../scheduler/schedule/civil.ts';
import { durationMs } from '../scheduler/schedule/period.ts';
import { offsetAt, zoneOf } from '../scheduler/schedule/zone.ts';

/** From a year ago: what was excluded yesterday is still shown. */
const BEHIND_MS = 366 * DAY_MS;
const AHEAD_YEARS = 10;
/** Of one rule, and candidates that are looked at to find them. */
const MAX_OCCURRENCES = 5_000;
const MAX_CANDIDATES = 200_000;
const ALLOWED =
  'lines with DTSTART and RRULE, and DURATION or DTEND unless it is a whole day: "DTSTART:20260101\\nRRULE:FREQ=MONTHLY;BYDAY=-1FR"';

export interface Expanded {
  readonly expanded: readonly Window[];
  /** Null: there are no rules, or all of them end before. */
  readonly expandedUntil: number | null;
}

/** Of a checked calendar. INVALID_FIELD. */
export function expandRules({ rules = [], timezone = 'UTC' }: CalendarDocument, now: number): Expanded {
  const to = horizonOf(now);
  const found = rules.map((rule, i) =>
    expandRule(rule, `rules[${i}]`, { timezone, from: now - BEHIND_MS, to }),
  );
  const isEndless = found.some(({ ends }) => !ends);
  return {
    expanded: joined(found.flatMap(({ windows }) => windows)),
    expandedUntil: isEndless ? to : null,
  };
}

/** The same for a whole day, so that a calendar that is submitted again is the same. */
export function horizonOf(now: number): number {
  return Date.UTC(new Date(now).getUTCFullYear() + AHEAD_YEARS, 0, 1);
}

interface Range {
  readonly timezone: string;
  readonly from: number;
  readonly to: number;
}

function expandRule(
  text: string,
  field: string,
  { timezone, from, to }: Range,
): { readonly windows: readonly Window[]; readonly ends: boolean } {
  const { start, length, rule } = readRule(text, field, timezone);
  const windows: Window[] = [];
  let isCut = false;
  try {
    // Local times as if they were UTC: a window follows the clock, whatever its zone does.
    const rrule = new RRuleTemporal({
      rruleString: `DTSTART:${compact(start)}Z\nRRULE:${rule}`,
      maxCandidateEvaluations: MAX_CANDIDATES,
      maxIterations: MAX_CANDIDATES,
    });
    rrule.all((each) => {
      const at = Date.parse(String(each).replace(/\[.*$/, ''));
      isCut = at >= to || windows.length >= MAX_OCCURRENCES;
      if (!isCut && at + length > from) windows.push([at, at + length]);
      return !isCut;
    });
  } catch (error) {
    throw invalid(field, text, error instanceof Error ? error.message : String(error));
  }
  if (windows.length >= MAX_OCCURRENCES)
    throw new CarillonError(
      'LIMIT_EXCEEDED',
      `${field} has more than ${MAX_OCCURRENCES} windows in ten years.`,
      {
        field,
        allowed: `at most ${MAX_OCCURRENCES}; times of the week are written in weekly`,
      },
    );
  return { windows, ends: !isCut };
}

const lineForm = /^(DTSTART|DTEND|DURATION|RRULE)(?:;[^:]*)?:(.+)$/i;
const dateForm = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?$/;

function readRule(
  text: string,
  field: string,
  timezone: string,
): { readonly start: number; readonly length: number; readonly rule: string } {
  const lines = new Map<string, string>();
  for (const line of text.split(/\r?\n/).map((each) => each.trim())) {
    if (line === '') continue;
    const [, name = '', value = ''] = lineForm.exec(line) ?? [];
    if (name === '' || lines.has(name.toUpperCase())) throw invalid(field, text, `the line ${line}`);
    lines.set(name.toUpperCase(), value);
  }
  const [begin = '', rule] = [lines.get('DTSTART'), lines.get('RRULE')];
  const start = localOf(begin, timezone);
  if (start === null || rule === undefined)
    throw invalid(field, text, 'DTSTART or RRULE is missing or wrong');
  const until = rule.replace(/UNTIL=([0-9TZ]+)/i, (_, at: string) => `UNTIL=${untilOf(at, begin, timezone)}`);
  return { start, length: lengthOf(lines, { field, text, start, timezone }), rule: until };
}

/** At least as long as a minute; a whole day if nothing is said and DTSTART is a date. */
function lengthOf(
  lines: ReadonlyMap<string, string>,
  { field, text, start, timezone }: { field: string; text: string; start: number; timezone: string },
): number {
  const [duration, end] = [lines.get('DURATION'), lines.get('DTEND')];
  if (duration !== undefined) return durationMs(duration, field);
  const to = end === undefined ? start + DAY_MS : localOf(end, timezone);
  const isTime = (lines.get('DTSTART') ?? '').includes('T');
  if (to === null || to <= start || (isTime && end === undefined))
    throw invalid(field, text, 'a time needs DURATION, or a DTEND behind it');
  return to - start;
}

/** Local milliseconds as if they were UTC. Null: it is not a date. */
function localOf(text: string, timezone: string): number | null {
  const match = dateForm.exec(text.trim());
  if (match === null) return null;
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const at = Date.UTC(year, month - 1, day, hours, minutes, seconds);
  if (new Date(at).getUTCDate() !== day || month < 1 || month > 12) return null;
  return match[7] === 'Z' ? at + offsetAt(zoneOf(timezone), at) : at;
}

/** As local time; a date includes its day. */
function untilOf(text: string, begin: string, timezone: string): string {
  const at = localOf(text, timezone);
  if (at === null) return text;
  const isDay = !text.includes('T');
  return `${compact(isDay && begin.includes('T') ? at + DAY_MS - 1_000 : at)}Z`;
}

const compact = (wallMs: number): string => new Date(wallMs).toISOString().replace(/[-:]|\.\d+Z$/g, '');

function invalid(field: string, value: string, problem: string): CarillonError {
  const shown = value.length > 100 ? `${value.slice(0, 100)}…` : value;
  return new CarillonError('INVALID_FIELD', `${field} cannot be read: ${problem}. Allowed: ${ALLOWED}.`, {
    field,
    value: shown,
    allowed: ALLOWED,
  });
}
