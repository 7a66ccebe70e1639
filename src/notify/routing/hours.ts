/** Hours of a route: `{ days: mon-fri, from: "09:00", to: "17:30", timezone: Europe/Berlin }`. */

import { type Static, Type } from 'typebox';
import { describe, type Findings } from '../../scheduler/job/schema/explain.ts';
import { closed, text } from '../../scheduler/job/schema/parts.ts';
import type { Hours } from '../../scheduler/model/alert.ts';
import { resolveZoneName } from '../../scheduler/schedule/zone-name.ts';

const time = (description: string, pattern: string) => Type.String({ description, pattern });
const clock = '(?:[01][0-9]|2[0-3]):[0-5][0-9]';

export const HoursSchema = Type.Object(
  {
    days: Type.Optional(text('Days of the week, such as mon-fri, or sat,sun.')),
    from: Type.Optional(time('a time of day, such as "09:00"', `^${clock}$`)),
    to: Type.Optional(time('a time of day, such as "17:30", or "24:00"', `^(?:${clock}|24:00)$`)),
    timezone: text('An IANA name, such as Europe/Berlin.'),
  },
  closed,
);

const names = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const everyDay = names.map((_, day) => day);

/** The hours, checked by the schema before. Adds what else is wrong to the findings. */
export function hoursOf(written: Static<typeof HoursSchema>, field: string, findings: Findings): Hours {
  const { days, from = '00:00', to = '24:00', timezone } = written;
  const zone = findings.attempt(() => resolveZoneName(timezone, `${field}.timezone`).id) ?? timezone;
  const on = days === undefined ? everyDay : daysOf(days);
  const refuse = (name: string, value: string, allowed: string): void =>
    findings.add('INVALID_FIELD', `${field}.${name} is ${describe(value)}. Allowed: ${allowed}.`, {
      field: `${field}.${name}`,
      value,
      allowed,
    });
  if (on === null) refuse('days', days as string, 'days of the week, such as mon-fri, or sat,sun');
  if (from === to) refuse('to', to, 'another time than that of from');
  return { days: on ?? [], from: minutesOf(from), to: minutesOf(to), timezone: zone };
}

/** `mon-fri`, `sat,sun`, `fri-mon`. Null: not days. */
function daysOf(written: string): number[] | null {
  const found = new Set<number>();
  for (const part of written.toLowerCase().split(',')) {
    const [first = -1, last = first, ...more] = part.split('-').map((name) => names.indexOf(name.trim()));
    if (first < 0 || last < 0 || more.length > 0) return null;
    for (let day = first; ; day = (day + 1) % names.length) {
      found.add(day);
      if (day === last) break;
    }
  }
  return [...found].sort();
}

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}
