/** Maintenance windows in the file of alerts: one with an end, or hours of the week. */

import { type Static, Type } from 'typebox';
import type { Findings } from '../../scheduler/job/schema/explain.ts';
import { closed, definitionLimits, text } from '../../scheduler/job/schema/parts.ts';
import type { Maintenance } from '../../scheduler/model/alert.ts';
import { parseDateTime } from '../../scheduler/schedule/iso.ts';
import { instantOfDateTime } from '../../scheduler/schedule/parse.ts';
import { HoursSchema, hoursOf } from './hours.ts';

export const maintenanceLimits = { windows: 100, reason: 500 } as const;

const instant = Type.String({
  description: 'a time with its offset, such as 2026-12-05T20:00:00+01:00',
  maxLength: 64,
  pattern: '(?:Z|[+-][0-9]{2}:?[0-9]{2})$',
});

export const MaintenanceSchema = Type.Object(
  {
    reason: Type.String({
      description: 'Why nobody needs to be notified.',
      minLength: 1,
      maxLength: maintenanceLimits.reason,
    }),
    match: Type.Optional(
      Type.Object(
        {
          labels: Type.Optional(
            Type.Record(Type.String(), Type.String(), { maxProperties: definitionLimits.labels }),
          ),
          owner: Type.Optional(text('Owner of the job.')),
        },
        closed,
      ),
    ),
    from: Type.Optional(instant),
    until: Type.Optional(instant),
    hours: Type.Optional(HoursSchema),
  },
  closed,
);
export type WrittenMaintenance = Static<typeof MaintenanceSchema>;

/** The window, checked by the schema before. Adds what else is wrong to the findings. */
export function maintenanceOf(written: WrittenMaintenance, field: string, findings: Findings): Maintenance {
  const { reason, match = {}, hours } = written;
  const at = (name: 'from' | 'until'): number | null => {
    const value = written[name];
    return value === undefined
      ? null
      : findings.attempt(() => instantOfDateTime(parseDateTime(value, `${field}.${name}`), null));
  };
  const from = at('from');
  const until = at('until');
  if (written.until === undefined && hours === undefined)
    findings.add('MISSING_FIELD', `${field} has no end. Allowed: until, or hours.`, {
      field: `${field}.until`,
      allowed: 'until, or hours',
    });
  if (from !== null && until !== null && until <= from)
    findings.add('INVALID_FIELD', `${field}.until is not after from. Allowed: a later time.`, {
      field: `${field}.until`,
      value: written.until,
      allowed: 'a time after from',
    });
  return {
    ...{ labels: match.labels ?? {}, owner: match.owner ?? null, from, until, reason },
    hours: hours === undefined ? null : hoursOf(hours, `${field}.hours`, findings),
  };
}
