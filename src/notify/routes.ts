/** The routes in the file of alerts: which receivers get the alerts of jobs that name none. */

import { type Static, Type } from 'typebox';
import type { Findings } from '../scheduler/job/schema/explain.ts';
import { nearest } from '../scheduler/job/schema/nearest.ts';
import { closed, definitionLimits, oneOf, text } from '../scheduler/job/schema/parts.ts';
import { conditions, type Route, severities } from '../scheduler/model/alert.ts';
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
    continue: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type WrittenRoute = Static<typeof RouteSchema>;

/** The route, checked by the schema before. Adds what else is wrong to the findings. */
export function routeOf(
  { to, match = {}, continue: goesOn = false }: WrittenRoute,
  field: string,
  receivers: ReadonlySet<string>,
  findings: Findings,
): Route {
  for (const name of to) {
    if (receivers.has(name)) continue;
    const near = nearest(name, receivers);
    findings.add(
      'INVALID_FIELD',
      `${field}.to names '${name}', which is no receiver of the file.${near === null ? '' : ` Did you mean ${near}?`}`,
      { field: `${field}.to`, value: name, allowed: [...receivers] },
    );
  }
  const { labels = {}, owner = null, conditions = null, severities = null, hours } = match;
  return {
    ...{ labels, owner, conditions, severities, to, continue: goesOn },
    hours: hours === undefined ? null : hoursOf(hours, `${field}.match.hours`, findings),
  };
}
