/** Watches calendars and maintenance, from the writes alone. */

import type { MaintenanceMode, StoredCalendar } from '../../src/scheduler/model/calendar.ts';
import type { Rules } from '../../src/scheduler/records/table.ts';

type Kind = 'calendar' | 'calendar-removed' | 'calendar-revision' | 'maintenance' | 'maintenance-ended';

/** No job's counters change. */
const nothing = (_: unknown): null => null;

export class CalendarJudge {
  readonly calendars = new Map<string, StoredCalendar>();
  readonly maintenance = new Map<string, MaintenanceMode>();

  readonly takes: Rules<Kind, undefined, null> = {
    calendar: (_, calendar) => nothing(this.calendars.set(calendar.name, calendar)),
    'calendar-removed': (_, { name }) => nothing(this.calendars.delete(name)),
    'calendar-revision': () => null,
    maintenance: (_, mode) => nothing(this.maintenance.set(mode.id, mode)),
    'maintenance-ended': (_, { id }) => nothing(this.maintenance.delete(id)),
  };
}
