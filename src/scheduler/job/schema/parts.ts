/** What the schema of a job is made of, and its bounds. */

import { type TSchemaOptions, Type } from 'typebox';
import { durationForm, textForm } from './forms.ts';
import { published } from './published.ts';

/** Bounds on what one job may hold; each keeps a definition well under the size of one stored node. */
export const definitionLimits = {
  nameLength: 128,
  textLength: 4_096,
  /** Of a command, an argument and a variable in bytes, too: a system takes twice as much for each. */
  commandLength: 65_536,
  variableNameLength: 255,
  parents: 256,
  labels: 64,
  env: 512,
  listLength: 64,
  /** Of the whole job as JSON: half of what one node of ZooKeeper holds. */
  bytes: 512 * 1024,
  /** Of lists and mappings inside each other; a job without its `chronos` part needs five. */
  depth: 16,
} as const;

export const closed = { additionalProperties: false } as const;
export const duration = (description: string, pattern = durationForm) =>
  Type.String({
    description: `${description} A duration: PT30S, PT1H, P1D, or 90s, 1h30m.`,
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
/** Keys and values of a form of their own are for the parsers to judge. */
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

/** Words of fields by which the scheduler decides. Stored jobs may have others; see stored-form.ts. */
export const words = {
  when: ['all-succeeded', 'all-done', 'any-succeeded', 'all-failed', 'any-failed'],
  overlap: ['skip', 'queue', 'queue-all', 'allow', 'replace'],
  catchUp: ['none', 'latest', 'all'],
  onFailure: ['stop', 'continue'],
  completion: ['exit', 'callback'],
} as const;

/** One of these words. */
export const oneOf = <const W extends readonly string[]>(words: W, options: TSchemaOptions = {}) =>
  Type.Unsafe<W[number]>(
    Type.Union(
      words.map((word) => Type.Literal(word)),
      options,
    ),
  );
