/** The times that a calendar covers, with the texts of its dates. */

import type { CalendarView } from '../../scheduler/handle.ts';
import { covers, nextChange } from '../../scheduler/schedule/calendar/calendar.ts';
import { parseDates } from '../../scheduler/schedule/calendar/text.ts';
import { offsetAt } from '../../scheduler/schedule/zone.ts';
import type { WireCalendarPreview } from '../wire/calendars/calendars.ts';
import { iso } from '../wire/instants.ts';

/** Three a day for a year. */
const MAX_WINDOWS = 1_100;

export function coveredIn(
  { stored, compiled }: CalendarView,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): WireCalendarPreview {
  const timezone = stored.document.timezone ?? 'UTC';
  if (compiled === null) return { timezone, windows: [], complete: true };
  const dates = (stored.document.dates ?? []).map((text) => parseDates(text, 'dates'));
  const labelAt = (at: number): string => {
    const wallMs = at + offsetAt(compiled.zone, at);
    return (
      dates.find(({ window: [from, to], label }) => label !== '' && from <= wallMs && wallMs < to)?.label ??
      ''
    );
  };
  // Ends of dates, where the text may change.
  const found: { from: number; to: number; label: string }[] = [];
  let at = fromMs;
  while (at < toMs) {
    const change = Math.min(
      nextChange(compiled, at),
      toMs,
      nextDate(dates, at, at + offsetAt(compiled.zone, at)),
    );
    if (covers(compiled, at)) {
      const label = labelAt(at);
      const last = found.at(-1);
      if (last !== undefined && last.to === at && last.label === label) last.to = change;
      else if (found.length === MAX_WINDOWS) return { timezone, windows: found.map(toWire), complete: false };
      else found.push({ from: at, to: change, label });
    }
    at = change;
  }
  return { timezone, windows: found.map(toWire), complete: true };
}

type Dates = readonly { readonly window: readonly [number, number] }[];

/** The next begin or end of a date, by the offset of now; after a clock change it is looked for again. */
function nextDate(dates: Dates, at: number, wallMs: number): number {
  let edge = Number.POSITIVE_INFINITY;
  for (const { window } of dates) for (const each of window) if (each > wallMs && each < edge) edge = each;
  return at + (edge - wallMs);
}

const toWire = ({ from, to, label }: { from: number; to: number; label: string }) => ({
  from: iso(from),
  to: iso(to),
  label,
});
