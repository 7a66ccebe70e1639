/**
 * YAML as jobs. The library's lexer and parser do not recurse and are held to the bounds while they go; only what
 * has passed is composed, which recurses as deep as the text is nested. That no name stands twice in a mapping is
 * checked here, because the library compares each with all others.
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
  // No character has less than one byte: the bytes are only counted where it matters.
  const bytes = text.length > textBounds.yamlBytes / 3 ? new TextEncoder().encode(text).length : 0;
  if (bytes > textBounds.yamlBytes) throw tooLong(source, bytes, textBounds.yamlBytes);
  return new YamlText(text, source).jobs();
}

class YamlText {
  readonly #text: string;
  readonly #source: string;
  readonly #lines = new LineCounter();
  readonly #bounds = new Bounds((at) => this.#place(at));
  /** How many fields merges have brought in, in all documents. */
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
      // A warning is a tag or directive that would be ignored: not what was meant either.
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

  /** Documents as they are complete: composed one by one, behind the bounds. */
  *#documents(): Generator<Document.Parsed> {
    const parser = new Parser(this.#lines.addNewLine);
    const composer = new Composer(options);
    this.#lines.addNewLine(0);
    for (const lexeme of new Lexer().lex(this.#text)) {
      this.#bounds.take(lexeme, parser);
      for (const token of parser.next(lexeme)) yield* composer.next(token);
      this.#bounds.look(parser);
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

  /** Names that stand twice, and aliases that would repeat without end. */
  #refuseMisuse(document: Document.Parsed): void {
    visit(document, {
      Alias: (_, { source, range }, path) => {
        if (!path.some((around) => 'anchor' in around && around.anchor === source)) return;
        throw this.#unreadable(`the alias *${source} stands within what it names`, range?.[0] ?? 0);
      },
      Map: (_, { items }: YAMLMap) => {
        const names = new Set<unknown>();
        for (const { key } of items) {
          // Merges may come several times.
          if (isMergeKey(key) || !isScalar(key)) continue;
          if (names.has(key.value)) {
            const name = JSON.stringify(key.value);
            throw this.#unreadable(`the name ${name} stands twice in one mapping`, key.range?.[0] ?? 0);
          }
          names.add(key.value);
        }
      },
    });
  }

  /**
   * The value of a node; `named` holds what the anchors before it name. The library's own way resolves each merge
   * anew, with all that it merges itself, and looks through all anchors for each alias.
   */
  #plain(node: unknown, named: Map<string, unknown>): unknown {
    if (isAlias(node)) {
      if (named.has(node.source)) return named.get(node.source);
      const at = node.range?.[0] ?? 0;
      const problem = `the alias *${node.source} names nothing: no &${node.source} stands before it`;
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

  /** Fields that stand before the merge stay, and of several mappings the first counts. */
  #merge(mapping: object, value: unknown, at: number): void {
    for (const source of Array.isArray(value) ? value : [value]) {
      if (typeof source !== 'object' || source === null || Array.isArray(source))
        throw this.#unreadable('<< takes a mapping, or a list of mappings', at);
      const fields = Object.entries(source);
      this.#merged += fields.length;
      if (this.#merged > textBounds.merged)
        throw beyondBound(this.#place(at), 'merges (<<) bring in too many fields', textBounds.merged);
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

  /** The likeliest slip: a text that begins with a sign of YAML's own, as `*` in cron. Null for any other. */
  #unquoted(at: number): CarillonError | null {
    const { line } = this.#lines.linePos(at);
    const from = this.#lines.lineStarts[line - 1] ?? 0;
    const written = this.#text.slice(from, from + MAX_LINE).split(/\r?\n/, 1)[0] as string;
    const [, before = '', text = ''] = unquotedText.exec(written) ?? [];
    if (text === '' || from + before.length > at) return null;
    const sign = text[0] as string;
    return this.#unreadable(
      `a text that begins with ${sign} must stand in quotes: ${JSON.stringify(text)}`,
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

/** The problems of a text, at most one for each line: further problems on a line usually follow from the first. */
class Problems {
  readonly #all = new Map<string, CarillonError>();

  get isFull(): boolean {
    return this.#all.size >= MAX_PROBLEMS;
  }

  add(problem: CarillonError): void {
    const line = (problem.details.source ?? '').replace(/:\d+$/, '');
    if (!this.isFull && !this.#all.has(line)) this.#all.set(line, problem);
  }

  /** Takes what the reading refuses; bounds that are exceeded end all reading. */
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

/** A line is looked at so far. */
const MAX_LINE = 1_024;
/** What stands before a text that begins with a sign that no plain text may begin with, and the text; no alias. */
const unquotedText =
  /^(.*?(?:^\s*-|[:{[,])\s+)((?:\*(?![A-Za-z_])|[@%`])[^#{}[\]]*?)\s*(?:,\s+[\w-]+:.*|[}\]].*)?(?:\s#.*)?$/;

/** `<<`, unless it is quoted. */
const isMergeKey = (key: unknown): key is Scalar<string | symbol> =>
  isScalar(key) && key.type === 'PLAIN' && (typeof key.value === 'symbol' || key.value === '<<');

/** Any name is a field of its own, `__proto__` too. */
function setField(mapping: object, name: string, value: unknown): void {
  Object.defineProperty(mapping, name, { value, writable: true, enumerable: true, configurable: true });
}

/** `x-…` at the top is for whoever wrote the file: a place for anchors. */
function withoutExtensions(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !name.startsWith('x-')));
}

/** Counts what the parser is given and what it holds. */
class Bounds {
  readonly #place: (at: number) => string;
  #isScalar = false;
  #values = 0;
  #anchors = 0;
  #aliases = 0;

  constructor(place: (at: number) => string) {
    this.#place = place;
  }

  /** Before the parser gets the lexeme. */
  take(lexeme: string, { offset }: Parser): void {
    const type = this.#isScalar ? 'scalar' : CST.tokenType(lexeme);
    // A mark comes before each plain text and block: what follows it is the text itself.
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

  /** After it. */
  look({ stack, offset }: Parser): void {
    // The document itself is the first, and a text may be the last.
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

/** A value in YAML is a mark or two and a text. */
const MARKS = 3;

/** What aliases repeat is one value in memory, and many where it is written or checked. */
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

/** The jobs of a list, or of an object that holds nothing but `jobs`; null for anything else. */
function listIn(value: unknown): unknown[] | null {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'object' || value === null || Object.keys(value).join() !== 'jobs') return null;
  return 'jobs' in value && Array.isArray(value.jobs) ? value.jobs : null;
}
