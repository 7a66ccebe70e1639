/**
 * How routes describe themselves: what they take and answer, and with which codes they refuse. The checks and
 * the OpenAPI document are made from this.
 */

import { type TProperties, type TSchema, Type } from 'typebox';
import { catalogue, type ErrorCode } from '../errors.ts';
import { jobNamePattern } from '../scheduler/job/definition.ts';
import { dayForm, instantForm } from '../scheduler/job/schema/forms.ts';
import { published } from '../scheduler/job/schema/published.ts';
import { apiLimits } from './wire/limits.ts';
import { WireProblem } from './wire/schema.ts';
import { ref } from './wire/shape.ts';

/** Responses of a route that asks the scheduler: when all is well, and the codes of its refusals by status. */
export const answers = (good: Good, codes: readonly ErrorCode[] = []): Record<string, Response> =>
  answersHere(good, [...codes, 'NOT_LEADING', 'STORE_UNAVAILABLE']);

/** What any route may refuse with. */
const everywhere = ['INVALID_FIELD', 'UNKNOWN_FIELD', 'MISDIRECTED'] as const;

/** Responses of a route that needs nothing but this process. */
export function answersHere(good: Good, codes: readonly ErrorCode[] = []): Record<string, Response> {
  const responses: Record<string, Response> = {};
  for (const [status, { description, schema, type = 'application/json' }] of Object.entries(good)) {
    responses[status] = content(description, type, schema);
  }
  for (const code of new Set<ErrorCode>([...everywhere, ...codes])) {
    const { status } = catalogue[code];
    const others = responses[status]?.description;
    const description = others === undefined ? code : `${others}, ${code}`;
    responses[status] = content(description, 'application/problem+json', ref(WireProblem));
  }
  return responses;
}

type Good = Readonly<
  Record<number, { readonly description: string; readonly schema: TSchema; readonly type?: string }>
>;
type Response = { readonly description: string };

const content = (description: string, type: string, schema: TSchema) => ({
  description,
  content: { [type]: { schema } },
});

/** Query parameters; any other is refused. */
export const query = <P extends TProperties>(parameters: P) =>
  Type.Object(parameters, { additionalProperties: false });

const runIdForm = '^[A-Za-z0-9_.-]{1,200}$';
const cursorForm = '^[A-Za-z0-9_-]+$';

export const named = Type.Object({
  name: Type.String({ description: 'Name of the job.', ...published({ pattern: jobNamePattern }) }),
});
export type Named = { name: string };

export const identified = Type.Object({
  id: Type.String({ description: 'Id of the run.', ...published({ pattern: runIdForm }) }),
});
export type Identified = { id: string };

export const paging = {
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: apiLimits.page,
      description: `Entries of one page. Default: ${apiLimits.defaultPage}.`,
    }),
  ),
  cursor: Type.Optional(
    Type.String({
      maxLength: 2_048,
      description: 'next of the page before.',
      ...published({ pattern: cursorForm }),
    }),
  ),
};

export const instantText = (description: string) =>
  Type.String({ maxLength: 64, description, ...published({ pattern: instantForm }) });

export const span = {
  from: Type.Optional(instantText('Due instants from this one on, ISO 8601.')),
  to: Type.Optional(instantText('Due instants before this one, ISO 8601.')),
};

const day = (description: string) =>
  Type.Optional(Type.String({ maxLength: 10, description, ...published({ pattern: dayForm }) }));

export const daySpan = { from: day('First UTC day: 2026-11-21'), to: day('Last UTC day, included.') };

export const labelFilter = Type.Optional(
  Type.Array(Type.String({ maxLength: 512 }), {
    maxItems: 16,
    description: 'team (has the label) or team=sales (has it with this value); repeated: all of them.',
  }),
);
