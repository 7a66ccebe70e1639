/** The routes in the file of alerts: which receivers get the alerts of jobs that name none. */

import { type Static, Type } from 'typebox';
import { remindersOf } from '../../scheduler/job/reminders.ts';
import { Escalation, MAX_ESCALATIONS } from '../../scheduler/job/schema/alerts.ts';
import type { Findings } from '../../scheduler/job/schema/explain.ts';
import { nearest } from '../../scheduler/job/schema/nearest.ts';
import { closed, definitionLimits, duration, oneOf, text } from '../../scheduler/job/schema/parts.ts';
import { conditions, type Route, severities } from '../../scheduler/model/alert.ts';
import type { Receivers } from '../schema.ts';
import { HoursSchema, hoursOf } from './hours.ts';

export const routeLimits = { routes: 500, to: 100 } as const;

export const RouteSchema = Type.Object(
  {
    to: Type.Array(text('Name of a receiver.'), {
      description: 'Names of receivers.',
      minItems: 1,
      maxItems: routeLimits.to,
    }),
    match: Type.Optional(
      Type.Object(
        {
          labels: Type.Optional(
            Type.Record(Type.String(), Type.String(), { maxProperties: definitionLimits.labels }),
          ),
          owner: Type.Optional(text('Owner of the job.')),
          conditions: Type.Optional(
            Type.Array(oneOf(conditions), { minItems: 1, maxItems: conditions.length }),
          ),
          severities: Type.Optional(
            Type.Array(oneOf(severities), { minItems: 1, maxItems: severities.length }),
          ),
          hours: Type.Optional(HoursSchema),
        },
        closed,
      ),
    ),
    repeatEvery: Type.Optional(
      duration('How often an open alert that nobody acknowledged is reported again.'),
    ),
    escalate: Type.Optional(Type.Array(Escalation, { maxItems: MAX_ESCALATIONS })),
    continue: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type WrittenRoute = Static<typeof RouteSchema>;

/** The route, checked by the schema before. Adds what else is wrong to the findings. */
export function routeOf(
  written: WrittenRoute,
  field: string,
  receivers: Receivers,
  findings: Findings,
): Route {
  const { to, match = {}, escalate = [], continue: goesOn = false } = written;
  const names = new Set(Object.keys(receivers));
  checkNames(to, `${field}.to`, names, findings);
  for (const [i, each] of escalate.entries())
    checkNames(each.to, `${field}.escalate[${i}].to`, names, findings);
  const { labels = {}, owner = null, conditions = null, severities = null, hours } = match;
  const toOwners = to.flatMap((name) => {
    const { toOwner = false, ownerDomains = null } = receivers[name]?.mail ?? {};
    return toOwner ? [[name, ownerDomains] as const] : [];
  });
  return {
    ...{ labels, owner, conditions, severities, to, continue: goesOn },
    ...(toOwners.length > 0 && { ownersAt: new Map(toOwners) }),
    ...remindersOf(written, field, findings),
    hours: hours === undefined ? null : hoursOf(hours, `${field}.match.hours`, findings),
  };
}

function checkNames(
  names: readonly string[],
  field: string,
  receivers: ReadonlySet<string>,
  findings: Findings,
): void {
  for (const name of names) {
    if (receivers.has(name)) continue;
    const near = nearest(name, receivers);
    findings.add(
      'INVALID_FIELD',
      `${field} names '${name}', which is no receiver of the file.${near === null ? '' : ` Did you mean ${near}?`}`,
      { field, value: name, allowed: [...receivers] },
    );
  }
}
