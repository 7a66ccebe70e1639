/**
 * Job files for version control and `apply`: YAML (several documents, a list, or `jobs:` with a list) or JSON
 * of the same shapes. Parses text into plain values with their positions; `checkDefinition` validates them.
 * Limited by `textBounds`, because the text may come from anyone.
 */

import { Document, isScalar, visit } from 'yaml';
import { textBounds, tooLong } from './bounds.ts';
import { inOneGo, namesIn, splitJson } from './json-text.ts';
import type { WrittenJob } from './written-job.ts';
import { findFields } from './yaml-place.ts';
import { readYaml } from './yaml-text.ts';

/**
 * The jobs in a file, in order. `source` names the file. INVALID_BODY with line and column for text that is
 * not YAML or JSON or exceeds a limit; LIMIT_EXCEEDED for text that is too long.
 */
export function parseJobFile(text: string, source: string): WrittenJob[] {
  const find = findFields(text);
  return (readJson(text, source) ?? readYaml(text, source)).map((job) => ({
    ...job,
    placeOf: (field) => {
      const found = find(Number(job.source.slice(source.length + 1)), field);
      return found === null ? job.source : `${source}:${found.line}:${found.column}`;
    },
  }));
}

/**
 * JSON is valid YAML too, but parses a hundred times faster. Null if it is not JSON, or if a name occurs
 * twice in one object: the YAML parser reports where.
 */
function readJson(text: string, source: string): WrittenJob[] | null {
  if (!/^\s*[[{]/.test(text)) return null;
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > textBounds.jsonBytes) throw tooLong(source, bytes.length, textBounds.jsonBytes);
  const found = inOneGo(splitJson(bytes, source));
  if ('mistake' in found) return null;
  const decoder = new TextDecoder();
  try {
    const jobs: WrittenJob[] = [];
    for (const { start, end, line, names } of found.pieces) {
      const definition: unknown = JSON.parse(decoder.decode(bytes.subarray(start, end)));
      if (namesIn(definition) !== names) return null;
      jobs.push({ definition, source: `${source}:${line}` });
    }
    return jobs;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Definitions as one YAML text, one document each: the same text for the same definitions. */
export function formatJobFile(definitions: readonly unknown[]): string {
  return definitions.map(formatDocument).join('---\n');
}

/** Characters that are invisible or reorder the text; the library writes some of them unescaped. */
const unseen = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

function formatDocument(definition: unknown): string {
  const document = new Document(definition, { aliasDuplicateObjects: false });
  visit(document, {
    Pair(_, { key }) {
      // Unquoted, it would be YAML's merge key.
      if (isScalar(key) && key.value === '<<') key.type = 'QUOTE_DOUBLE';
    },
    Scalar(_, scalar) {
      if (typeof scalar.value === 'string' && scalar.value.search(unseen) !== -1)
        scalar.type = 'QUOTE_DOUBLE';
    },
  });
  // Between double quotes an escape equals the character; elsewhere none of these remain.
  return document.toString({ lineWidth: 0 }).replace(unseen, escaped);
}
