/**
 * A schedule as a user writes it, and compiled. A compiled schedule is an immutable value that any number of
 * jobs share. Its due times depend only on it and on the time zone database.
 */

import type { Calendar } from './calendar/calendar.ts';
import type { CronFields } from './cron/cron.ts';
import type { Period } from './period.ts';
import type { Zone } from './zone.ts';

/** What a cron schedule does with local times that a clock change skips or repeats. */
export interface DstPolicy {
  /** Skipped times: one run at the first time after the gap, or none. */
  readonly gap?: 'run-once' | 'skip';
  /** Repeated times: the first only, or both. */
  readonly overlap?: 'first' | 'both';
}

/** One schedule as a user writes it. Without a time zone, the offset of the start applies, or else UTC. */
export type BasicInput =
  | { readonly cron: string; readonly timezone?: string; readonly dst?: DstPolicy }
  /** An ISO 8601 repeat (`R5/2026-01-01T00:00:00Z/P1D`) or a bare duration (`PT5S`, `1h30m`). */
  | { readonly every: string; readonly timezone?: string }
  /** A single ISO 8601 date-time. */
  | { readonly at: string; readonly timezone?: string };

/** What changes the due times of a schedule. Absent: nothing. */
export interface Adjustment {
  /** Local times of the schedule's zone: due times from `start` on, and before `end`. */
  readonly start?: string;
  readonly end?: string;
}

export type MemberInput = BasicInput & Adjustment;

/** As a user writes it: one schedule, or several, each with a zone of its own. */
export type ScheduleInput = MemberInput | { readonly any: readonly MemberInput[] };

export interface CronSchedule {
  readonly kind: 'cron';
  /** The canonical expression: five fields, or six with seconds first, numbers only. */
  readonly text: string;
  readonly timezone: string;
  readonly zone: Zone;
  readonly fields: CronFields;
  readonly gap: 'run-once' | 'skip';
  readonly overlap: 'first' | 'both';
}

/** The due times are anchor + k * period for each whole k in [first, last]. */
export interface RepeatSchedule {
  readonly kind: 'every';
  /** The canonical repeat: `R/2026-01-01T00:00:00Z/PT5S`. */
  readonly text: string;
  /** Null: the offset in the text. */
  readonly timezone: string | null;
  readonly zone: Zone;
  /** The local time at k = 0, as if it were UTC. */
  readonly anchorWallMs: number;
  readonly anchorMs: number;
  readonly period: Period;
  readonly first: number;
  /** Infinity: unbounded. Less than `first`: exhausted. */
  readonly last: number;
}

export interface OneOffSchedule {
  readonly kind: 'at';
  /** The canonical date-time: `2026-12-01T00:00:00Z`. */
  readonly text: string;
  readonly timezone: string | null;
  readonly atMs: number;
}

export type BasicSchedule = CronSchedule | RepeatSchedule | OneOffSchedule;

/** A schedule without the due times outside of [fromMs, untilMs). */
export interface AdjustedSchedule {
  readonly kind: 'adjusted';
  readonly text: string;
  readonly timezone: string | null;
  readonly basic: BasicSchedule;
  readonly fromMs: number;
  readonly untilMs: number;
  /** As resolved. */
  readonly adjustment: Adjustment;
}

export type MemberSchedule = BasicSchedule | AdjustedSchedule;

/** The due times of all members. One that several have is one due time. */
export interface AnySchedule {
  readonly kind: 'any';
  readonly text: string;
  readonly timezone: null;
  readonly members: readonly MemberSchedule[];
}

/** Nothing is taken out by calendars. */
export type OpenSchedule = MemberSchedule | AnySchedule;

/** Which due times a calendar takes out, as a user writes it: exactly one of `except` and `only`. */
export interface CalendarChoice {
  readonly except?: string;
  readonly only?: string;
  /** What happens to a run that is taken out. Default: skip. */
  readonly then?: 'skip' | 'next' | 'previous';
}

/** Somebody has skipped or moved one due time. */
export interface Exception {
  readonly at: number;
  /** Where the run is moved. Null: it is skipped. */
  readonly to: number | null;
  readonly by: string;
  /** Why. Empty: not said. */
  readonly reason: string;
}

/** A schedule without the due times that a calendar or an exception takes out; see calendar/schedule.ts. */
export interface CalendarSchedule {
  readonly kind: 'calendared';
  readonly text: string;
  readonly timezone: string | null;
  readonly open: OpenSchedule;
  /** Null: there are exceptions only. */
  readonly calendar: Calendar | null;
  /** The calendar lets through what it covers, and nothing else. */
  readonly isOnly: boolean;
  readonly then: 'skip' | 'next' | 'previous';
  /** In which runs are moved to the same time of another day. */
  readonly zone: Zone;
  /** Runs are moved to [fromMs, untilMs) only. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly exceptions: readonly Exception[];
}

/** Compiled. `text` and `timezone` contain everything except the DST policy of a cron schedule. */
export type Schedule = OpenSchedule | CalendarSchedule;

export const openOf = (schedule: Schedule): OpenSchedule =>
  schedule.kind === 'calendared' ? schedule.open : schedule;
