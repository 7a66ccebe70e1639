/**
 * Validates requests against the schemas of their routes. Query parameters arrive as text and are converted
 * to the type in the schema. A mismatch is reported like one in a job file: the field, the value, what is
 * allowed, and the closest known name. Bodies that are jobs (described by a reference or a choice, not by an
 * object here) are checked by the scheduler and pass unchanged.
 */

import type { FastifySchemaCompiler } from 'fastify';
import { CarillonError } from '../../errors.ts';
import { describe, explain, Findings, type Shape, shorten } from '../../scheduler/job/schema/explain.ts';
import { JobsBody } from '../body/read.ts';

const sources: Readonly<Record<string, string>> = {
  querystring: 'query',
  params: 'path',
  headers: 'header',
  body: 'body',
};

/** One problem is enough: further ones are often consequences of the first. */
const maxProblems = 1;

export const compileCheck: FastifySchemaCompiler<Shape> = ({ schema, httpPart = 'body' }) => {
  const source = sources[httpPart] ?? httpPart;
  if (httpPart === 'body' && schema.type !== 'object') return () => true;
  // What an identity provider adds to its return is the protocol's to check.
  if (httpPart === 'querystring' && 'additionalProperties' in schema && schema.additionalProperties === true)
    return () => true;
  return (given: unknown) => {
    try {
      const absent = given === undefined || given === null;
      // A body may be omitted if all of its fields are optional.
      if (absent && !schema.required?.length) return { value: given };
      const data = absent ? {} : given;
      const value = httpPart === 'querystring' ? readQuery(schema, data as Query) : data;
      if (httpPart === 'body') refuseOtherThanObject(data);
      const findings = new Findings(source, maxProblems);
      explain(schema, value, '', findings);
      const problem = findings.problems[0];
      return problem === undefined ? { value } : { error: problem };
    } catch (error) {
      return { error: error as Error };
    }
  };
};

function refuseOtherThanObject(body: unknown): void {
  const fits = typeof body === 'object' && !Array.isArray(body);
  if (fits && !(body instanceof JobsBody)) return;
  const given = body instanceof JobsBody ? 'YAML' : describe(body);
  throw new CarillonError('INVALID_BODY', `The body is ${given}, but must be a JSON object.`, {
    field: 'body',
    value: shorten(body instanceof JobsBody ? 'YAML' : body),
    allowed: 'a JSON object',
    source: 'body',
  });
}

/** The parsed query. A repeated parameter is a list. */
export type Query = Readonly<Record<string, string | string[]>>;

/**
 * Converts `limit=5` to a number and `state=a,b` to a list if the schema says so. Everything else is left for
 * the check.
 */
function readQuery(schema: Shape, query: Query): Record<string, unknown> {
  const { properties = {} } = schema;
  return Object.fromEntries(
    Object.keys(query).map((name) => {
      const shape = Object.hasOwn(properties, name) ? properties[name] : undefined;
      const isOne = shape !== undefined && shape.type !== 'array';
      return [name, readParameter(shape, isOne ? single(query, name)! : query[name]!)];
    }),
  );
}

/**
 * Returns the value of a parameter that is no list, or null if it is absent. INVALID_FIELD if it is repeated.
 */
export function single(query: Query, name: string): string | null {
  const given = query[name] ?? null;
  if (!Array.isArray(given)) return given;
  const allowed = 'one value';
  throw new CarillonError('INVALID_FIELD', `${name} occurs ${given.length} times. Allowed: ${allowed}.`, {
    field: name,
    value: shorten(given),
    allowed,
    source: 'query',
  });
}

function readParameter(shape: Shape | undefined, given: string | string[]): unknown {
  if (shape?.type === 'array') {
    const list = Array.isArray(given) ? given : [given];
    // Values of an enumeration never contain a comma; free texts such as labels may.
    return shape.items?.anyOf === undefined ? list : list.flatMap((text) => text.split(','));
  }
  if (typeof given !== 'string') return given;
  if (shape?.type === 'integer' && /^-?\d{1,16}$/.test(given)) return Number(given);
  if (shape?.type === 'boolean' && given === 'true') return true;
  if (shape?.type === 'boolean' && given === 'false') return false;
  return given;
}
