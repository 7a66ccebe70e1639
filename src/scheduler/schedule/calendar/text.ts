/** Windows of a calendar as a user writes them: dates, ranges of dates, and times of the week. */

import { CarillonError } from '../../../errors.ts';
import { DAY_MS, dayNumber, monthLength } from '../civil.ts';
import { WEEK_MS, type Window } from './calendar.ts';

/** For people: a date, a range of dates with the last day included, or a range of local times; then what it is. */
export const DATES_ALLOWED =
  '2026-12-25, 2026-12-24..2027-01-01 (both days included) or 2026-12-24T18:00..2026-12-27T06:00, each with a text behind it if you like';
export const WEEKLY_ALLOWED = 'sat, mon-fri, sat,sun, or with times: mon-fri 18:00-06:00';

const MINUTE_MS = 60_000;
const date = '\\d{4}-\\d\\d-\\d\\d';
const moment = `${date}(?:T\\d\\d:\\d\\d)?`;
const datesForm = new RegExp(`^(${moment})(?: ?\\.\\. ?(${moment}))?(?: +(\\S.*))?$`);
const dayNames = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const weeklyForm = /^([a-z]{3}(?:[-,][a-z]{3})*)(?: +(\d\d:\d\d)-(\d\d:\d\d))?$/;

export interface WrittenDates {
  readonly window: Window;
  /** What it is, such as the name of a holiday. Empty: not said. */
  readonly label: string;
}

/** INVALID_FIELD. */
export function parseDates(text: string, field: string): WrittenDates {
  const refuse = (): never => {
    throw invalid(field, text, DATES_ALLOWED);
  };
  const match = datesForm.exec(text.trim());
  if (match === null) return refuse();
  const [, first = '', last, label = ''] = match;
  const from = momentOf(first);
  const to = momentOf(last ?? first);
  const isOneTime = last === undefined && first.includes('T');
  if (from === null || to === null || isOneTime) return refuse();
  const end = (last ?? first).includes('T') ? to : to + DAY_MS;
  return end > from ? { window: [from, end], label } : refuse();
}

/** In milliseconds since Monday 00:00; those that go on into the next week are two. INVALID_FIELD. */
export function parseWeekly(text: string, field: string): Window[] {
  const refuse = (): never => {
    throw invalid(field, text, WEEKLY_ALLOWED);
  };
  const match = weeklyForm.exec(text.trim().toLowerCase());
  if (match === null) return refuse();
  const [, days = '', begin, finish] = match;
  const from = begin === undefined ? 0 : timeOf(begin);
  const until = finish === undefined ? DAY_MS : timeOf(finish);
  if (from === null || until === null || from === DAY_MS) return refuse();
  const length = until > from ? until - from : until + DAY_MS - from;
  const windows: Window[] = [];
  for (const part of days.split(',')) {
    const [first = '', last = first, ...others] = part.split('-');
    const [firstDay, lastDay] = [dayNames.indexOf(first), dayNames.indexOf(last)];
    if (firstDay < 0 || lastDay < 0 || others.length > 0) return refuse();
    for (let day = firstDay; ; day = (day + 1) % 7) {
      const at = day * DAY_MS + from;
      windows.push([at, Math.min(at + length, WEEK_MS)]);
      if (at + length > WEEK_MS) windows.push([0, at + length - WEEK_MS]);
      if (day === lastDay) break;
    }
  }
  return windows;
}

/** `2026-12-25`. */
export function dateText(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 10);
}

/** As it is written in `dates`: whole days as dates. */
export function datesText([from, to]: Window): string {
  if (from % DAY_MS !== 0 || to % DAY_MS !== 0) return `${minuteText(from)}..${minuteText(to)}`;
  return to - from === DAY_MS ? dateText(from) : `${dateText(from)}..${dateText(to - DAY_MS)}`;
}

const minuteText = (wallMs: number): string => new Date(wallMs).toISOString().slice(0, 16);

/** Local milliseconds as if they were UTC. Null: there is no such date or time. */
function momentOf(text: string): number | null {
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split('-').map(Number);
  const time = text.length > 10 ? timeOf(text.slice(11)) : 0;
  if (time === null || month < 1 || month > 12 || day < 1 || day > monthLength(year, month)) return null;
  return dayNumber(year, month, day) * DAY_MS + time;
}

/** Up to 24:00. */
function timeOf(text: string): number | null {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  const ms = (hours * 60 + minutes) * MINUTE_MS;
  return minutes < 60 && ms <= DAY_MS ? ms : null;
}

function invalid(field: string, value: string, allowed: string): CarillonError {
  const shown = value.length > 100 ? `${value.slice(0, 100)}…` : value;
  return new CarillonError('INVALID_FIELD', `${field} is ${JSON.stringify(shown)}. Allowed: ${allowed}.`, {
    field,
    value: shown,
    allowed,
  });
}
