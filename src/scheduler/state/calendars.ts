/** The calendars and maintenance of the installation, as stored and compiled. */

import { CarillonError } from '../../errors.ts';
import { windowsIn } from '../job/calendar/check.ts';
import { nearest } from '../job/schema/nearest.ts';
import type { MaintenanceMode, StoredCalendar } from '../model/calendar.ts';
import type { Calendar } from '../schedule/calendar/calendar.ts';
import { zoneOf } from '../schedule/zone.ts';
import { whatThrows } from './usable.ts';

interface Kept {
  readonly stored: StoredCalendar;
  /** Null: this node cannot use it, for example because it does not know its zone. */
  readonly compiled: Calendar | null;
}

export class Calendars {
  readonly #kept = new Map<string, Kept>();
  #blackouts: readonly { readonly stored: StoredCalendar; readonly compiled: Calendar }[] = [];
  /** By id. */
  readonly maintenance = new Map<string, MaintenanceMode>();

  put(stored: StoredCalendar): void {
    const compiled = whatThrows(() => compile(stored));
    this.#kept.set(stored.name, { stored, compiled: typeof compiled === 'string' ? null : compiled });
    this.#index();
  }

  remove(name: string): void {
    this.#kept.delete(name);
    this.#index();
  }

  stored(name: string): StoredCalendar | undefined {
    return this.#kept.get(name)?.stored;
  }

  /** Undefined if there is no such calendar, or this node cannot use it. */
  compiled = (name: string): Calendar | undefined => this.#kept.get(name)?.compiled ?? undefined;

  names(): string[] {
    return [...this.#kept.keys()].sort();
  }

  /** Those in whose windows some jobs do not start. */
  get blackouts(): readonly { readonly stored: StoredCalendar; readonly compiled: Calendar }[] {
    return this.#blackouts;
  }

  #index(): void {
    this.#blackouts = [...this.#kept.values()].flatMap(({ stored, compiled }) =>
      compiled === null || stored.document.blackout === undefined ? [] : [{ stored, compiled }],
    );
  }
}

/** Throws if its zone is unknown here. */
export function compile({
  name,
  document,
  expanded,
}: Pick<StoredCalendar, 'name' | 'document' | 'expanded'>): Calendar {
  return { name, zone: zoneOf(document.timezone ?? 'UTC'), ...windowsIn(document, expanded) };
}

/** The error that names the known ones. */
export function unknownCalendar(
  name: string,
  known: readonly string[],
  { code, field }: { readonly code: 'CALENDAR_NOT_FOUND' | 'UNKNOWN_CALENDAR'; readonly field: string },
): CarillonError {
  const near = nearest(name, known);
  const hint = near === null ? '' : ` Did you mean '${near}'?`;
  const all = known.length === 0 ? 'There are no calendars' : `Calendars: ${known.slice(0, 20).join(', ')}`;
  return new CarillonError(code, `There is no calendar named '${name}'.${hint} ${all}.`, {
    field,
    value: name,
    allowed: known.slice(0, 100),
  });
}
