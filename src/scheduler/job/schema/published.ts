/**
 * Published schemas for clients, editors and the OpenAPI document. The schemas that check requests and files
 * are less strict, because what they reject never reaches the parsers, whose messages are better. The
 * additional keywords are under `published` in a schema and are merged here.
 */

/** Additional keywords for readers of a schema, not for the check. `undefined` removes a keyword. */
export const published = (keywords: Readonly<Record<string, unknown>>) => ({ published: keywords });

/** What reading the field needs beside reading the job; job/hidden.ts hides it from all others. */
export const needs = (permission: 'env' | 'secrets') => ({ 'x-carillon-needs': permission });

/** A copy with the additional keywords merged. */
export function publish(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(publish);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { published: more, ...said } = schema as Record<string, unknown>;
  const all = Object.entries({ ...said, ...(more as object | undefined) });
  return Object.fromEntries(
    all.filter(([, value]) => value !== undefined).map(([key, value]) => [key, publish(value)]),
  );
}
