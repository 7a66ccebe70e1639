/** The schema of `params`: what a run can be given, and what a manual start of the job asks for. */

import { type Static, Type } from 'typebox';
import { paramForm } from './forms.ts';
import { closed, oneOf, text } from './parts.ts';
import { published } from './published.ts';

export const paramTypes = [
  'string',
  'integer',
  'number',
  'boolean',
  'date',
  'time',
  'duration',
  'secret',
] as const;
export type ParamType = (typeof paramTypes)[number];

/** Maximum parameters of one run, and bytes of each: they become environment variables. */
export const MAX_PARAMS = 64;
export const MAX_PARAM_BYTES = 4_096;
/** Allowed values of one parameter. */
const MAX_VALUES = 256;

/** A value as it is written: `5` and `"5"` are the same number. */
export type ParamValue = string | number | boolean;

const scalar = (description: string) =>
  Type.Unsafe<ParamValue>({
    description,
    ...published({ type: ['string', 'number', 'boolean'] }),
  });

const Param = Type.Object(
  {
    type: Type.Optional(
      oneOf(paramTypes, {
        description:
          'Default: string. date is 2026-11-21, time 06:30 or 06:30:00, duration PT1H or 90s, boolean true or false. ' +
          'secret is a reference to a secret: file:/path, env:NAME or vault:path#key.',
      }),
    ),
    values: Type.Optional(
      Type.Array(scalar('An allowed value.'), {
        minItems: 1,
        maxItems: MAX_VALUES,
        uniqueItems: true,
        description: 'The allowed values. Default: all of the type.',
      }),
    ),
    minimum: Type.Optional(
      Type.Number({
        minimum: -Number.MAX_SAFE_INTEGER,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Least value of an integer or a number.',
      }),
    ),
    maximum: Type.Optional(
      Type.Number({
        minimum: -Number.MAX_SAFE_INTEGER,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Greatest value of an integer or a number.',
      }),
    ),
    default: Type.Optional(scalar('The value of a run that is given none. Default: no value.')),
    required: Type.Optional(
      Type.Boolean({
        description: 'Each run must be given a value. Default: false. Has no effect with a default.',
      }),
    ),
    description: Type.Optional(text('Shown where the value is asked for.')),
  },
  closed,
);
export type ParamDefinition = Static<typeof Param>;

export const Params = Type.Record(Type.String(), Param, {
  maxProperties: MAX_PARAMS,
  description:
    'Parameters of a run, which become environment variables. With this, a run is given no others. Without, any are allowed.',
  ...published({
    patternProperties: undefined,
    propertyNames: { allOf: [{ pattern: paramForm }, { not: { pattern: '^CARILLON_' } }] },
    additionalProperties: Param,
  }),
});
export type ParamsDefinition = Static<typeof Params>;
