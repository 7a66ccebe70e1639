/**
 * A schedule of which only some due times count: those from its start on and before its end. Everything that
 * takes due times out of a schedule, or moves them, belongs here, so that all readers of schedules agree on it.
 */

import { formatDateTime, isoError, parseDateTime } from './iso.ts';
import type {
  AdjustedSchedule,
  Adjustment,
  BasicSchedule,
  CalendarSchedule,
  MemberSchedule,
} from './model.ts';
import { instantOfWall, type Zone, zoneOf } from './zone.ts';

export const adjustments = ['start', 'end'] as const;

/** The adjustment in what a user wrote. Null if it has none. */
export function adjustmentOf(input: Adjustment): Adjustment | null {
  const { start, end } = input;
  if (start === undefined && end === undefined) return null;
  return { ...(start !== undefined && { start }), ...(end !== undefined && { end }) };
}

export function adjust(basic: BasicSchedule, adjustment: Adjustment): AdjustedSchedule {
  const { start, end } = adjustment;
  const words = [
    basic.text,
    ...(start === undefined ? [] : ['from', start]),
    ...(end === undefined ? [] : ['until', end]),
  ];
  return {
    kind: 'adjusted',
    text: words.join(' '),
    timezone: basic.timezone,
    basic,
    fromMs: start === undefined ? -Infinity : boundMs(basic, start, 'schedule.start'),
    untilMs: end === undefined ? Infinity : boundMs(basic, end, 'schedule.end'),
    adjustment,
  };
}

/** A bound without an offset is a local time of the schedule. */
function boundMs(basic: BasicSchedule, text: string, field: string): number {
  const { wallMs, offset } = parseDateTime(text, field);
  return instantOfWall(offset === null ? zoneFor(basic) : zoneOf(offset), wallMs);
}

/** The zone in which a schedule's local times are. */
export function zoneFor(schedule: MemberSchedule | CalendarSchedule): Zone {
  if (schedule.kind === 'calendared') return schedule.zone;
  if (schedule.kind === 'adjusted') return zoneFor(schedule.basic);
  if (schedule.kind !== 'at') return schedule.zone;
  return zoneOf(schedule.timezone ?? parseDateTime(schedule.text, 'schedule.at').offset ?? 'UTC');
}

/** Throws INVALID_SCHEDULE if nothing lies between the bounds. */
export function checkBounds({ fromMs, untilMs, adjustment }: AdjustedSchedule): void {
  if (fromMs < untilMs) return;
  const start = formatDateTime(parseDateTime(adjustment.start!, 'schedule.start'));
  throw isoError('schedule.end', adjustment.end!, 'is not after the start', `a time after ${start}`);
}

export function nextAdjusted(
  { basic, fromMs, untilMs }: AdjustedSchedule,
  afterMs: number,
  next: (basic: BasicSchedule, afterMs: number) => number | null,
): number | null {
  const found = next(basic, Math.max(afterMs, fromMs - 1));
  return found !== null && found < untilMs ? found : null;
}

export function previousAdjusted(
  { basic, fromMs, untilMs }: AdjustedSchedule,
  beforeMs: number,
  previous: (basic: BasicSchedule, beforeMs: number) => number | null,
): number | null {
  const found = previous(basic, Math.min(beforeMs, untilMs));
  return found !== null && found >= fromMs ? found : null;
}
