/**
 * Building blocks of wire schemas, and fields that several have: choices, nullable values, timestamps, pages, and references to components.
 */

import {
  type Static,
  type TProperties,
  type TSchema,
  type TSchemaOptions,
  type TUnsafe,
  Type,
} from 'typebox';
import { oneOf } from '../../scheduler/job/definition.ts';

/** References a schema with an `$id`: a component of the OpenAPI document. */
export const ref = <S extends TSchema>(schema: S & { readonly $id?: string }): TUnsafe<Static<S>> =>
  Type.Unsafe<Static<S>>({ $ref: `${schema.$id}#` });

export const orNull = <S extends TSchema>(schema: S, options: TSchemaOptions = {}) =>
  Type.Union([schema, Type.Null()], options);

export const instant = (description?: string) =>
  Type.String({
    format: 'date-time',
    ...(description && { description }),
    examples: ['2026-11-21T02:00:00.000Z'],
  });

export const count = (description: string) => Type.Integer({ minimum: 0, description });

/** `{ items, next }`: pass `next` as `cursor` to get the next page; null at the end. */
export const list = <S extends TSchema, M extends TProperties = Record<never, never>>(
  items: S,
  $id: string,
  more: M = {} as M,
) =>
  Type.Object(
    {
      ...more,
      items: Type.Array(items),
      next: orNull(Type.String(), { description: 'Cursor of the next page. Null on the last page.' }),
    },
    { $id },
  );

export const hidden = Type.Optional(
  Type.Array(Type.String(), {
    description:
      'Paths of what you may not see in the definition: it is *** there. Such a definition is not accepted back. Absent: nothing.',
  }),
);

/** Paused or disabled ancestors of a job. */
export const heldBack = Type.Array(
  Type.Object({ job: Type.String(), status: oneOf(['paused', 'disabled']) }),
  {
    description:
      'The nearest paused or disabled jobs that this job depends on, directly or indirectly. At most 10.',
  },
);
