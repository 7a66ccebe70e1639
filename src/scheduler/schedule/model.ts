/**
 * A schedule as a user writes it, and compiled. A compiled schedule is an immutable value that any number of
 * jobs share. Its due times depend only on it and on the time zone database.
 */

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

/** As a user writes it. Without a time zone, the offset of the start applies, or else UTC. */
export type ScheduleInput =
  | { readonly cron: string; readonly timezone?: string; readonly dst?: DstPolicy }
  /** An ISO 8601 repeat (`R5/2026-01-01T00:00:00Z/P1D`) or a bare duration (`PT5S`, `1h30m`). */
  | { readonly every: string; readonly timezone?: string }
  /** A single ISO 8601 date-time. */
  | { readonly at: string; readonly timezone?: string };

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

/** Compiled. `text` and `timezone` contain everything except the DST policy of a cron schedule. */
export type Schedule = CronSchedule | RepeatSchedule | OneOffSchedule;
