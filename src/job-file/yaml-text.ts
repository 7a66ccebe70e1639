/**
 * Parses YAML texts of jobs. The library's lexer and parser do not recurse, and the limits are checked while
 * they run; only accepted documents are composed, which recurses as deep as the text is nested. Duplicate
 * names in a mapping are detected here, because the library compares each name with all others.
 */

import {
  Composer,
  CST,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  type Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import { CarillonError, firstOf } from '../errors.ts';
import { beyondBound, textBounds, tooLong } from './bounds.ts';
import type { WrittenJob } from './written-job.ts';

const options = { merge: true, stringKeys: true, uniqueKeys: false, prettyErrors: false } as const;

/** The jobs in a text, each with its line. INVALID_BODY, LIMIT_EXCEEDED. */
export function readYaml(text: string, source: string): WrittenJob[] {
  // Every character has at least one byte, so bytes are only counted near the limit.
  const bytes = text.length > textBounds.yamlBytes / 3 ? new TextEncoder().encode(text).length : 0;
  if (bytes > textBounds.yamlBytes) throw tooLong(source, bytes, textBounds.yamlBytes);
  return new YamlText(text, source).jobs();
}

class YamlText {
  readonly #text: string;
  readonly #source: string;
  readonly #lines = new LineCounter();
  readonly #bounds = new Bounds((at) => this.#place(at));
  /** Number of fields added by merges, in all documents. */
  #merged = 0;

  constructor(text: string, source: string) {
    this.#text = text;
    this.#source = source;
  }

  jobs(): WrittenJob[] {
    const jobs: WrittenJob[] = [];
    const problems = new Problems();
    let documents = 0;
    for (const document of this.#documents()) {
      // A warning is about a tag or directive that would be ignored, which is not what the author intended.
      for (const { message, pos } of [...document.errors, ...document.warnings])
        problems.add(this.#unquoted(pos[0]) ?? this.#unreadable(message, pos[0]));
      documents += 1;
      if (documents > textBounds.documents) {
        const at = document.range[0];
        throw beyondBound(this.#place(at), 'the text has too many documents', textBounds.documents);
      }
      if (problems.isFull) break;
      if (document.errors.length + document.warnings.length > 0) continue;
      problems.from(() => {
        for (const job of this.#jobsIn(document)) jobs.push(job);
      });
    }
    problems.refuse();
    if (this.#bounds.hasAliases) refuseExpanded(jobs);
    return jobs;
  }

  /** Complete documents, composed one by one within the limits. */
  *#documents(): Generator<Document.Parsed> {
    const parser = new Parser(this.#lines.addNewLine);
    const composer = new Composer(options);
    this.#lines.addNewLine(0);
    for (const lexeme of new Lexer().lex(this.#text)) {
      this.#bounds.take(lexeme, parser);
      for (const token of parser.next(lexeme)) yield* composer.next(token);
      this.#bounds.check(parser);
    }
    for (const token of parser.end()) yield* composer.next(token);
    yield* composer.end();
  }

  #jobsIn(document: Document.Parsed): WrittenJob[] {
    const root: Node | null = document.contents;
    if (root === null) return [];
    this.#refuseMisuse(document);
    const value = withoutExtensions(this.#plain(root, new Map()));
    if (value === null) return [];
    const list = listIn(value);
    if (list === null) return [{ definition: value, source: `${this.#source}:${this.#lineOf(root)}` }];
    const node = list !== value && isMap(root) ? root.get('jobs', true) : root;
    const items = isSeq(node) ? node.items : [];
    return list.map((definition, index) => {
      const line = this.#lineOf((items[index] as Node | undefined) ?? root);
      return { definition, source: `${this.#source}:${line}` };
    });
  }

  /** Duplicate names, and aliases that would repeat endlessly. */
  #refuseMisuse(document: Document.Parsed): void {
    visit(document, {
      Alias: (_, { source, range }, path) => {
        if (!path.some((around) => 'anchor' in around && around.anchor === source)) return;
        throw this.#unreadable(`the alias *${source} is inside the value that it refers to`, range?.[0] ?? 0);
      },
      Map: (_, { items }: YAMLMap) => {
        const names = new Set<unknown>();
        for (const { key } of items) {
          // A mapping may contain several merges.
          if (isMergeKey(key) || !isScalar(key)) continue;
          if (names.has(key.value)) {
            const name = JSON.stringify(key.value);
            throw this.#unreadable(`the name ${name} occurs twice in one mapping`, key.range?.[0] ?? 0);
          }
          names.add(key.value);
        }
      },
    });
  }

  /**
   * The value of a node; `named` contains the values of earlier anchors. The library's own conversion
   * resolves each merge again, with everything that it merges itself, and searches all anchors for each
   * alias.
   */
  #plain(node: unknown, named: Map<string, unknown>): unknown {
    if (isAlias(node)) {
      if (named.has(node.source)) return named.get(node.source);
      const at = node.range?.[0] ?? 0;
      const problem = `the alias *${node.source} refers to nothing: there is no &${node.source} before it`;
      throw this.#unquoted(at) ?? this.#unreadable(problem, at);
    }
    if (!isNode(node)) return null;
    let value: unknown = null;
    if (isScalar(node)) value = node.value;
    else if (isSeq(node)) value = node.items.map((item) => this.#plain(item, named));
    else if (isMap(node)) value = this.#mapping(node, named);
    if (node.anchor !== undefined) named.set(node.anchor, value);
    return value;
  }

  #mapping({ items }: YAMLMap, named: Map<string, unknown>): object {
    const mapping = {};
    for (const { key, value: node } of items) {
      const value = this.#plain(node, named);
      if (isMergeKey(key)) this.#merge(mapping, value, (key as Node).range?.[0] ?? 0);
      else setField(mapping, (key as Scalar<string>).value, value);
    }
    return mapping;
  }

  /** Fields of the mapping override merged ones, and of several merged mappings the first counts. */
  #merge(mapping: object, value: unknown, at: number): void {
    for (const source of Array.isArray(value) ? value : [value]) {
      if (typeof source !== 'object' || source === null || Array.isArray(source))
        throw this.#unreadable('<< requires a mapping, or a list of mappings', at);
      const fields = Object.entries(source);
      this.#merged += fields.length;
      if (this.#merged > textBounds.merged)
        throw beyondBound(this.#place(at), 'merges (<<) add too many fields', textBounds.merged);
      for (const [name, inner] of fields) if (!Object.hasOwn(mapping, name)) setField(mapping, name, inner);
    }
  }

  #lineOf(node: Node): number {
    return this.#lines.linePos(node.range?.[0] ?? 0).line;
  }

  #place(at: number): string {
    const { line, col } = this.#lines.linePos(at);
    return `${this.#source}:${line}:${col}`;
  }

  /**
   * The most common mistake: an unquoted text that starts with a YAML indicator, such as `*` in cron. Null
   * for any other.
   */
  #unquoted(at: number): CarillonError | null {
    const { line } = this.#lines.linePos(at);
    const from = this.#lines.lineStarts[line - 1] ?? 0;
    const written = this.#text.slice(from, from + MAX_LINE).split(/\r?\n/, 1)[0] as string;
    const [, before = '', text = ''] = unquotedText.exec(written) ?? [];
    if (text === '' || from + before.length > at) return null;
    const sign = text[0] as string;
    return this.#unreadable(
      `a text that starts with ${sign} must be quoted: ${JSON.stringify(text)}`,
      from + before.length,
    );
  }

  #unreadable(problem: string, at: number): CarillonError {
    const place = this.#place(at);
    return new CarillonError('INVALID_BODY', `${place}: ${problem.trim().replace(/\.$/, '')}.`, {
      source: place,
      allowed: 'jobs as YAML or JSON',
    });
  }
}

/** Maximum number of problems reported for one text. */
const MAX_PROBLEMS = 10;

/**
 * The problems of a text, at most one per line: further problems on a line are usually consequences of the
 * first.
 */
class Problems {
  readonly #all = new Map<string, CarillonError>();

  get isFull(): boolean {
    return this.#all.size >= MAX_PROBLEMS;
  }

  add(problem: CarillonError): void {
    const line = (problem.details.source ?? '').replace(/:\d+$/, '');
    if (!this.isFull && !this.#all.has(line)) this.#all.set(line, problem);
  }

  /** Collects a refusal; exceeding a limit ends all parsing. */
  from(read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof CarillonError) || error.code !== 'INVALID_BODY') throw error;
      this.add(error);
    }
  }

  refuse(): void {
    const problem = firstOf([...this.#all.values()]);
    if (problem !== null) throw problem;
  }
}

/** Maximum part of a line that is examined. */
const MAX_LINE = 1_024;
/**
 * Matches an unquoted text that starts with an indicator not allowed there, except an alias, and what
 * precedes it.
 */
const unquotedText =
  /^(.*?(?:^\s*-|[:{[,])\s+)((?:\*(?![A-Za-z_])|[@%`])[^#{}[\]]*?)\s*(?:,\s+[\w-]+:.*|[}\]].*)?(?:\s#.*)?$/;

/** `<<`, unless it is quoted. */
const isMergeKey = (key: unknown): key is Scalar<string | symbol> =>
  isScalar(key) && key.type === 'PLAIN' && (typeof key.value === 'symbol' || key.value === '<<');

/** Any name is an ordinary field, even `__proto__`. */
function setField(mapping: object, name: string, value: unknown): void {
  Object.defineProperty(mapping, name, { value, writable: true, enumerable: true, configurable: true });
}

/** `x-…` at the top level is free for the author, for example for anchors. */
function withoutExtensions(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !name.startsWith('x-')));
}

/** Counts the input and the state of the parser. */
class Bounds {
  readonly #place: (at: number) => string;
  #isScalar = false;
  #values = 0;
  #anchors = 0;
  #aliases = 0;

  constructor(place: (at: number) => string) {
    this.#place = place;
  }

  /** Call it before the parser gets the lexeme. */
  take(lexeme: string, { offset }: Parser): void {
    const type = this.#isScalar ? 'scalar' : CST.tokenType(lexeme);
    // A marker precedes each plain text and block: what follows it is the text itself.
    this.#isScalar = !this.#isScalar && type === 'scalar';
    if (type === 'anchor') this.#anchors++;
    else if (type === 'alias') this.#aliases++;
    if (type !== 'space' && type !== 'newline' && type !== 'comment') this.#values++;
    if (this.#anchors > textBounds.anchors)
      throw beyondBound(this.#place(offset), 'the text has too many anchors', textBounds.anchors);
    if (this.#aliases > textBounds.anchors)
      throw beyondBound(this.#place(offset), 'the text has too many aliases', textBounds.anchors);
    if (this.#values > textBounds.values * MARKS)
      throw beyondBound(this.#place(offset), 'the text has too many values', textBounds.values);
  }

  get hasAliases(): boolean {
    return this.#aliases > 0;
  }

  /** Call it after the parser got the lexeme. */
  check({ stack, offset }: Parser): void {
    // The document itself is the first level, and a text may be the last.
    if (stack.length > textBounds.depth + 2) {
      throw beyondBound(
        this.#place(offset),
        'lists and mappings are nested too deep',
        textBounds.depth,
        'levels',
      );
    }
    const top = stack.at(-1);
    const isMapping =
      top?.type === 'block-map' || (top?.type === 'flow-collection' && top.start.source === '{');
    if (!isMapping || top.items.length <= textBounds.fields) return;
    throw beyondBound(this.#place(offset), 'one mapping has too many fields', textBounds.fields, 'fields');
  }
}

/** A YAML value is one or two markers and a text. */
const MARKS = 3;

/**
 * A value repeated by aliases is stored once in memory, but counts each time when it is written or checked.
 */
function refuseExpanded(jobs: readonly WrittenJob[]): void {
  let allCharacters = 0;
  let allValues = 0;
  for (const { definition, source } of jobs) {
    let characters = 0;
    let values = 0;
    const count = (value: unknown, depth: number): void => {
      values++;
      if (typeof value === 'string') characters += value.length;
      if (depth > textBounds.depth && typeof value === 'object' && value !== null) {
        const problem = 'with its aliases one job is nested too deep';
        throw beyondBound(source, problem, textBounds.depth, 'levels');
      }
      if (values > textBounds.jobValues)
        throw beyondBound(source, 'with its aliases one job has too many values', textBounds.jobValues);
      if (characters > textBounds.jobBytes)
        throw beyondBound(source, 'with its aliases one job is too long', textBounds.jobBytes, 'bytes');
      if (typeof value !== 'object' || value === null) return;
      for (const inner of Object.values(value)) count(inner, depth + 1);
    };
    count(definition, 1);
    allCharacters += characters;
    allValues += values;
    if (allCharacters > textBounds.jsonBytes)
      throw beyondBound(source, 'with its aliases the text is too long', textBounds.jsonBytes, 'bytes');
    if (allValues > textBounds.values)
      throw beyondBound(source, 'with its aliases the text has too many values', textBounds.values);
  }
}

/** The jobs of a list, or of an object with `jobs` as its only field. Null for anything else. */
function listIn(value: unknown): unknown[] | null {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'object' || value === null || Object.keys(value).join() !== 'jobs') return null;
  return 'jobs' in value && Array.isArray(value.jobs) ? value.jobs : null;
}
