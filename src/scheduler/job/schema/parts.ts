/** Building blocks of the job schema, and its limits. */

import { type TSchemaOptions, Type } from 'typebox';
import { durationForm, textForm } from './forms.ts';
import { published } from './published.ts';

/** Limits of a job. Each keeps a definition well below the size of one stored node. */
export const definitionLimits = {
  nameLength: 128,
  textLength: 4_096,
  /**
   * Also the limit in bytes of a command, an argument and a variable: the operating system allows twice as
   * much for each.
   */
  commandLength: 65_536,
  variableNameLength: 255,
  parents: 256,
  labels: 64,
  env: 512,
  listLength: 64,
  /** The whole job as JSON: half of the limit of a ZooKeeper node. */
  bytes: 512 * 1024,
  /** Nesting of lists and mappings; a job without its `chronos` part needs five. */
  depth: 16,
} as const;

export const closed = { additionalProperties: false } as const;
export const duration = (description: string, pattern = durationForm) =>
  Type.String({
    description: `${description} A duration such as PT30S, PT1H, P1D, 90s or 1h30m.`,
    maxLength: 64,
    examples: ['90s', 'PT90S'],
    ...published({ pattern }),
  });
export const text = (description: string, pattern = textForm, more = {}) =>
  Type.String({ description, maxLength: definitionLimits.textLength, ...published({ pattern, ...more }) });
export const word = Type.String({
  maxLength: definitionLimits.commandLength,
  ...published({ pattern: textForm }),
});
/** Keys and values with a format of their own are left to the parsers. */
export const textMap = (
  description: string,
  most: number,
  { names = { propertyNames: { pattern: textForm } } as object, value = textForm } = {},
) =>
  Type.Record(Type.String(), Type.String({ maxLength: definitionLimits.commandLength }), {
    description,
    maxProperties: most,
    ...published({
      patternProperties: undefined,
      ...names,
      additionalProperties: {
        type: 'string',
        maxLength: definitionLimits.commandLength,
        pattern: value,
      },
    }),
  });

/** Enumerations by which the scheduler decides. Stored jobs may have other values; see stored-form.ts. */
export const words = {
  when: ['all-succeeded', 'all-done', 'any-succeeded', 'all-failed', 'any-failed'],
  parentWhen: ['succeeded', 'failed', 'done'],
  per: ['minute', 'hour', 'day', 'week', 'month'],
  weekday: ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'],
  overlap: ['skip', 'queue', 'queue-all', 'allow', 'replace'],
  catchUp: ['none', 'latest', 'all'],
  onFailure: ['stop', 'continue'],
  completion: ['exit', 'callback'],
} as const;

/** One of these values. */
export const oneOf = <const W extends readonly string[]>(words: W, options: TSchemaOptions = {}) =>
  Type.Unsafe<W[number]>(
    Type.Union(
      words.map((word) => Type.Literal(word)),
      options,
    ),
  );
