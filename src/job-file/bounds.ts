/**
 * Limits for a text of jobs, checked before any parser sees it: parsers recurse, and use memory per value.
 * Each message names the exceeded limit and the position.
 */

import { CarillonError } from '../errors.ts';

export const textBounds = {
  /** Bytes of a JSON text: 20,000 jobs of typical length five times over. */
  jsonBytes: 32 * 1024 * 1024,
  /** Bytes of a YAML text, whose parser needs fifty times as much memory: 20,000 jobs of typical length. */
  yamlBytes: 8 * 1024 * 1024,
  /** Bytes of one job as JSON: twice the maximum of a job, for escapes. */
  jobBytes: 1024 * 1024,
  /** Nesting of lists and mappings in JSON and YAML: a job needs five, its Chronos part a few more. */
  depth: 32,
  /** Values in the whole text, including field names: 20,000 jobs with 75 each. */
  values: 1_500_000,
  /** Values of one job: every list and mapping of it full. */
  jobValues: 50_000,
  /** Fields of one YAML mapping; no mapping of a job may have more than 512. */
  fields: 10_000,
  /** Documents in one YAML text. */
  documents: 20_000,
  /** Anchors, and aliases, in one YAML text. */
  anchors: 10_000,
  /** Fields added by merges (`<<`): 20,000 jobs that each merge a hundred. */
  merged: 2_000_000,
} as const;

/** INVALID_BODY: `body:1:17: the text has more than 10,000 anchors. Allowed: at most 10,000.` */
export function beyondBound(place: string, problem: string, most: number, unit = ''): CarillonError {
  const bound = most.toLocaleString('en');
  const allowed = `at most ${bound}${unit === '' ? '' : ` ${unit}`}`;
  return new CarillonError('INVALID_BODY', `${place}: ${problem}. Allowed: ${allowed}.`, {
    field: 'body',
    source: place,
    allowed,
  });
}

/** LIMIT_EXCEEDED for a whole text. */
export function tooLong(source: string, bytes: number, most: number): CarillonError {
  const allowed = `at most ${most} bytes`;
  return new CarillonError('LIMIT_EXCEEDED', `${source} has ${bytes} bytes. Allowed: ${allowed}.`, {
    field: 'body',
    value: bytes,
    source,
    allowed,
  });
}
