/** Checks calendars, and turns what is written into windows. */

import { Compile } from 'typebox/compile';
import { CarillonError, firstOf } from '../../../errors.ts';
import { joined, type Window } from '../../schedule/calendar/calendar.ts';
import { parseDates, parseWeekly } from '../../schedule/calendar/text.ts';
import { isKnownZone } from '../../schedule/zone.ts';
import { unknownZone } from '../../schedule/zone-name.ts';
import { explain, Findings, type Shape } from '../schema/explain.ts';
import { faultIn } from '../texts.ts';
import { CalendarDocument, calendarLimits } from './document.ts';

const MAX_PROBLEMS = 20;
const compiled = Compile(CalendarDocument);

/** Throws the first problem, carrying the others. */
export function checkCalendar(raw: unknown, source: string): CalendarDocument {
  const problem = firstOf(findCalendarProblems(raw, source));
  if (problem !== null) throw problem;
  return raw as CalendarDocument;
}

export function findCalendarProblems(raw: unknown, source: string): CarillonError[] {
  const findings = new Findings(source, MAX_PROBLEMS);
  if (!compiled.Check(raw)) {
    explain(CalendarDocument as object as Shape, raw, '', findings);
    return findings.problems;
  }
  const { timezone, dates = [], weekly = [], rules = [], blackout, description = '' } = raw;
  for (const [field, text] of [
    ['description', description],
    ...dates.map((each, i) => [`dates[${i}]`, each] as const),
  ] as const) {
    const fault = faultIn(text);
    if (fault !== null) findings.add('INVALID_FIELD', `${field} ${fault}.`, { field });
  }
  if (timezone !== undefined && !isKnownZone(timezone))
    findings.attempt(() => {
      throw unknownZone(timezone, 'timezone');
    });
  dates.forEach((text, i) => void findings.attempt(() => parseDates(text, `dates[${i}]`)));
  weekly.forEach((text, i) => void findings.attempt(() => parseWeekly(text, `weekly[${i}]`)));
  if (dates.length + weekly.length + rules.length === 0)
    findings.add('MISSING_FIELD', 'The calendar has none of dates, weekly and rules.', {
      field: 'dates',
      allowed: 'at least one of dates, weekly, rules',
    });
  if (blackout !== undefined && Object.keys(blackout.labels).length === 0)
    findings.add('INVALID_FIELD', 'blackout.labels is empty. Allowed: at least one label.', {
      field: 'blackout.labels',
      allowed: 'at least one label',
    });
  return findings.problems;
}

/** The windows of a checked calendar, with those of its rules. LIMIT_EXCEEDED. */
export function windowsIn(
  { dates = [], weekly = [] }: CalendarDocument,
  expanded: readonly Window[],
): { readonly dates: readonly Window[]; readonly weekly: readonly Window[] } {
  const all = joined([...dates.map((text, i) => parseDates(text, `dates[${i}]`).window), ...expanded]);
  if (all.length > calendarLimits.windows)
    throw new CarillonError('LIMIT_EXCEEDED', `The calendar has ${all.length} separate windows.`, {
      field: 'rules',
      value: all.length,
      allowed: `at most ${calendarLimits.windows}`,
    });
  return { dates: all, weekly: joined(weekly.flatMap((text, i) => parseWeekly(text, `weekly[${i}]`))) };
}
