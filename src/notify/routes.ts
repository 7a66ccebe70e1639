/** The routes in the file of alerts: which receivers get the alerts of jobs that name none. */

import { type Static, Type } from 'typebox';
import { CarillonError } from '../errors.ts';
import { explain, Findings, type Shape } from '../scheduler/job/schema/explain.ts';
import { closed, definitionLimits, oneOf, text } from '../scheduler/job/schema/parts.ts';
import { conditions, type Route, severities } from '../scheduler/model/alert.ts';
import { maxProblems, throwFirst } from './file.ts';

export const routeLimits = { routes: 500, to: 100 } as const;

const RoutesSchema = Type.Array(
  Type.Object(
    {
      to: Type.Array(text('Name of a receiver.'), { minItems: 1, maxItems: routeLimits.to }),
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
          },
          closed,
        ),
      ),
      continue: Type.Optional(Type.Boolean()),
    },
    closed,
  ),
  { maxItems: routeLimits.routes },
);

/** The routes, checked. Throws the first problem with its place, carrying the others. Absent: none. */
export function routesIn(
  value: unknown,
  receivers: ReadonlySet<string>,
  placeOf: (field: string) => string,
): readonly Route[] {
  if (value === undefined) return [];
  const findings = new Findings('', maxProblems);
  explain(RoutesSchema as object as Shape, value, 'routes', findings);
  const written = value as Static<typeof RoutesSchema>;
  if (findings.problems.length === 0)
    for (const [i, { to }] of written.entries())
      for (const name of to)
        if (!receivers.has(name))
          findings.add(
            'INVALID_FIELD',
            `routes[${i}].to names '${name}', which is no receiver of the file.`,
            {
              field: `routes[${i}].to`,
              value: name,
              allowed: [...receivers],
            },
          );
  throwFirst(findings, placeOf);
  return written.map(({ to, match = {}, continue: goesOn = false }) => ({
    labels: match.labels ?? {},
    owner: match.owner ?? null,
    conditions: match.conditions ?? null,
    severities: match.severities ?? null,
    to,
    continue: goesOn,
  }));
}

/** A key that the file does not have. */
export function refuseOthers(
  fields: Readonly<Record<string, unknown>>,
  placeOf: (field: string) => string,
): void {
  for (const field of Object.keys(fields)) {
    if (field === 'receivers' || field === 'routes') continue;
    const source = placeOf(field);
    throw new CarillonError(
      'UNKNOWN_FIELD',
      `${source}: the file has no field '${field}'. Allowed: receivers, routes.`,
      {
        field,
        source,
        allowed: ['receivers', 'routes'],
      },
    );
  }
}
