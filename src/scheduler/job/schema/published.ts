/**
 * Schemas as they are published: for clients, editors and the OpenAPI document. The schemas that requests and files
 * are checked by say less, because what they refuse is refused before the parsers, whose words are better. What a
 * schema says besides stands with it under `published`; here it takes its place.
 */

/** More about a schema, for those who read it and not for the check; `undefined` takes a keyword away. */
export const published = (keywords: Readonly<Record<string, unknown>>) => ({ published: keywords });

/** A copy in which everything is said. */
export function publish(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(publish);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { published: more, ...said } = schema as Record<string, unknown>;
  const all = Object.entries({ ...said, ...(more as object | undefined) });
  return Object.fromEntries(
    all.filter(([, value]) => value !== undefined).map(([key, value]) => [key, publish(value)]),
  );
}
