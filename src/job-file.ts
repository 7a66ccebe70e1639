/**
 * Job files: what people keep in version control and hand to `apply`. YAML (several documents, a list, or
 * `jobs:` with a list) or JSON of the same shapes. Reads text into plain values and where each began;
 * whether they are good jobs is for `checkDefinition`. Bounded in size, in count, and in what aliases may
 * expand to, because the text may come from anyone.
 */

import { Document, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments, visit } from 'yaml';
import { CarillonError } from './errors.ts';

export const jobFileLimits = {
  /** About 100,000 jobs of usual length. */
  characters: 32 * 1024 * 1024,
  /** How often what one anchor names may be repeated, through nested aliases too; stops a "billion laughs". */
  aliases: 100_000,
} as const;

/** One job as written, unchecked. */
export interface WrittenJob {
  readonly definition: unknown;
  /** `jobs.yaml:12`: the line at which it begins. */
  readonly source: string;
}

/**
 * The jobs in a file, in order. `source` names the file. INVALID_BODY with line and column for text that is
 * not YAML or JSON, LIMIT_EXCEEDED for text beyond the bound.
 */
export function parseJobFile(text: string, source: string): WrittenJob[] {
  if (text.length > jobFileLimits.characters) {
    throw new CarillonError('LIMIT_EXCEEDED', `${source} is larger than a job file may be.`, {
      source,
      value: `${text.length} characters`,
      allowed: `at most ${jobFileLimits.characters} characters`,
    });
  }
  return parseJson(text, source) ?? parseYaml(text, source);
}

/** JSON would pass as YAML too, at a hundredth of the speed. Null when it is not JSON: YAML's errors tell where. */
function parseJson(text: string, source: string): WrittenJob[] | null {
  if (!/^\s*[[{]/.test(text)) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const list = listIn(value);
  if (list === null) return [{ definition: value, source: `${source}:${linesAtDepth(text, 0)[0]}` }];
  // Only lists and objects have a line here; anything else is refused later, and is worth the slow way.
  if (list.some((entry) => typeof entry !== 'object' || entry === null)) return null;
  const lines = linesAtDepth(text, list === value ? 1 : 2);
  return list.map((definition, index) => ({ definition, source: `${source}:${lines[index]}` }));
}

/** The jobs of a list, or of an object that holds nothing but `jobs`; null for anything else. */
function listIn(value: unknown): unknown[] | null {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'object' || value === null || Object.keys(value).join() !== 'jobs') return null;
  return 'jobs' in value && Array.isArray(value.jobs) ? value.jobs : null;
}

/** The lines at which the values at `depth` of a JSON text begin that are lists or objects. */
function linesAtDepth(text: string, depth: number): number[] {
  const starts: number[] = [];
  let line = 1;
  let at = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}\n]/g)) {
    if (token === '\n') line++;
    else if (token === '[' || token === '{') {
      if (at++ === depth) starts.push(line);
    } else if (token === ']' || token === '}') at--;
  }
  return starts;
}

function parseYaml(text: string, source: string): WrittenJob[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
    stringKeys: true,
  });
  // The parser answers an empty text with an object that only holds its tokens.
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    // A warning is a tag or directive that would be ignored: not what was meant either.
    const problem = document.errors[0] ?? document.warnings[0];
    if (problem) throw unreadable(problem.message, lines.linePos(problem.pos[0]), source);
    return jobsIn(document, lines, source);
  });
}

function jobsIn(document: Document.Parsed, lines: LineCounter, source: string): WrittenJob[] {
  const root: Node | null = document.contents;
  if (root === null) return [];
  const position = (node: Node) => lines.linePos(node.range?.[0] ?? 0);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: jobFileLimits.aliases });
  } catch (error) {
    // How the parser says that an alias has no anchor, or that aliases expand too far.
    if (error instanceof ReferenceError) throw unreadable(error.message, position(root), source);
    throw error;
  }
  if (value === null) return [];
  const list = listIn(value);
  if (list === null) return [{ definition: value, source: `${source}:${position(root).line}` }];
  const node = list !== value && isMap(root) ? root.get('jobs', true) : root;
  const items = isSeq(node) ? node.items : [];
  return list.map((definition, index) => {
    const { line } = position((items[index] as Node | undefined) ?? root);
    return { definition, source: `${source}:${line}` };
  });
}

function unreadable(problem: string, at: { line: number; col: number }, source: string): CarillonError {
  const place = `${source}:${at.line}:${at.col}`;
  return new CarillonError('INVALID_BODY', `${place}: ${problem.trim().replace(/\.$/, '')}.`, {
    source: place,
    allowed: 'jobs as YAML or JSON',
  });
}

/** Definitions as one YAML text, a document each: the same text for the same definitions. */
export function formatJobFile(definitions: readonly unknown[]): string {
  return definitions.map(formatDocument).join('---\n');
}

function formatDocument(definition: unknown): string {
  const document = new Document(definition, { aliasDuplicateObjects: false });
  visit(document, {
    Pair(_, { key }) {
      // Plain, it would be read as YAML's merge key.
      if (isScalar(key) && key.value === '<<') key.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString({ lineWidth: 0 });
}
