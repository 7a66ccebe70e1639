/**
 * How routes describe their parameters, responses and error codes. The checks and the OpenAPI document are
 * generated from this.
 */

import { type TProperties, type TSchema, Type } from 'typebox';
import { catalogue, type ErrorCode } from '../errors.ts';
import { jobNamePattern } from '../scheduler/job/definition.ts';
import { dayForm, instantForm } from '../scheduler/job/schema/forms.ts';
import { published } from '../scheduler/job/schema/published.ts';
import { apiLimits } from './wire/limits.ts';
import { WireProblem } from './wire/schema.ts';
import { ref } from './wire/shape.ts';

/** Responses of a route that uses the scheduler: the success, and the error codes by status. */
export const answers = (good: Good, codes: readonly ErrorCode[] = []): Record<string, Response> =>
  answersHere(good, [...codes, 'NOT_LEADING', 'STORE_UNAVAILABLE']);

/** Error codes of every route. */
const everywhere = ['INVALID_FIELD', 'UNKNOWN_FIELD', 'MISDIRECTED'] as const;

/** Responses of a route that uses only this process. */
export function answersHere(good: Good, codes: readonly ErrorCode[] = []): Record<string, Response> {
  const responses: Record<string, Response> = {};
  for (const [status, { description, schema, type = 'application/json' }] of Object.entries(good)) {
    responses[status] = content(description, type, schema);
  }
  return refusing(responses, [...everywhere, ...codes]);
}

/** Adds error codes to responses. */
export function refusing(
  given: Readonly<Record<string, Response>>,
  codes: readonly ErrorCode[],
): Record<string, Response> {
  const responses = { ...given };
  for (const code of new Set(codes)) {
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
export type Response = { readonly description: string };

const content = (description: string, type: string, schema: TSchema) => ({
  description,
  content: { [type]: { schema } },
});

/** Query parameters. Any other parameter is refused. */
export const query = <P extends TProperties>(parameters: P) =>
  Type.Object(parameters, { additionalProperties: false });

const runIdForm = '^[A-Za-z0-9_.-]{1,200}$';
const cursorForm = '^[A-Za-z0-9_-]+$';

export const named = Type.Object({
  name: Type.String({ description: 'Job name.', ...published({ pattern: jobNamePattern }) }),
});
export type Named = { name: string };

export const identified = Type.Object({
  id: Type.String({ description: 'Run id.', ...published({ pattern: runIdForm }) }),
});
export type Identified = { id: string };

export const paging = {
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: apiLimits.page,
      description: `Maximum entries per page. Default: ${apiLimits.defaultPage}.`,
    }),
  ),
  cursor: Type.Optional(
    Type.String({
      maxLength: 2_048,
      description: 'The next of the previous page.',
      ...published({ pattern: cursorForm }),
    }),
  ),
};

export const instantText = (description: string) =>
  Type.String({ maxLength: 64, description, ...published({ pattern: instantForm }) });

export const span = {
  from: Type.Optional(instantText('Start of the range of due times, included. ISO 8601.')),
  to: Type.Optional(instantText('End of the range of due times, not included. ISO 8601.')),
};

const day = (description: string) =>
  Type.Optional(Type.String({ maxLength: 10, description, ...published({ pattern: dayForm }) }));

export const daySpan = {
  from: day('First UTC day, such as 2026-11-21.'),
  to: day('Last UTC day, included.'),
};

export const labelFilter = Type.Optional(
  Type.Array(Type.String({ maxLength: 512 }), {
    maxItems: 16,
    description: 'team (has the label) or team=sales (has it with this value). If repeated, all must match.',
  }),
);
