/**
 * Files of settings in YAML or JSON with one mapping each. They are bounded, all mistakes are told together with their places, and
 * unknown fields with the nearest known one.
 */

import { readFile, stat } from 'node:fs/promises';
import { CarillonError, firstOf } from '../errors.ts';
import { parseJobFile } from '../job-file/read.ts';
import { Findings, type Hints } from '../scheduler/job/schema/explain.ts';

const maxFileBytes = 1024 * 1024;
const maxProblems = 20;

export type Fields = Readonly<Record<string, unknown>>;

/** LIMIT_EXCEEDED or an error of the system. */
export async function readBounded(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > maxFileBytes)
    throw new CarillonError('LIMIT_EXCEEDED', `${path} has ${size} bytes. Allowed: at most ${maxFileBytes}.`);
  return readFile(path, 'utf8');
}

export interface Reading<T> {
  /** The most important field, for files that have no mapping. */
  readonly main: string;
  readonly hints?: Hints;
  /** Adds what is wrong to the findings. */
  readonly check: (fields: Fields, findings: Findings) => T;
}

/** What `check` makes of the text, or its first problem with its place, carrying the others. `source`: the path of the file. */
export function readMapping<T>(text: string, source: string, { main, hints, check }: Reading<T>): T {
  const [first, ...others] = parseJobFile(text, source);
  const { definition, placeOf } = first ?? {};
  if (!isMapping(definition) || others.length > 0) {
    const allowed = `one mapping with ${main}`;
    const message = `${source}: it has no mapping, or several documents. Allowed: ${allowed}.`;
    throw new CarillonError('INVALID_FIELD', message, { field: main, source, allowed });
  }
  const findings = new Findings('', maxProblems, hints ?? null);
  const read = check(definition, findings);
  const problem = firstOf(
    findings.problems.map((each) => placed(each, main, (field) => placeOf?.(field) ?? source)),
  );
  if (problem !== null) throw problem;
  return read;
}

export const isMapping = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** With the place in the message, and without the value of an unknown field: it may be a secret. */
function placed(
  { code, message, details }: CarillonError,
  main: string,
  placeOf: (field: string) => string,
): CarillonError {
  const { value, field = main, ...others } = details;
  const source = placeOf(field);
  const told = code === 'UNKNOWN_FIELD' ? {} : { value };
  return new CarillonError(code, `${source}: ${message}`, { ...others, ...told, field, source });
}
