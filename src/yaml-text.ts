/**
 * YAML as jobs. The library's lexer and parser do not recurse and are held to the bounds while they go; only what
 * has passed is composed, which recurses as deep as the text is nested. That no name stands twice in a mapping is
 * checked here, because the library compares each with all others.
 */

import {
  Composer,
  CST,
  type Document,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  visit,
  type YAMLMap,
} from 'yaml';
import { CarillonError } from './errors.ts';
import type { WrittenJob } from './job-file.ts';
import { beyondBound, textBounds, tooLong } from './text-bounds.ts';

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

  constructor(text: string, source: string) {
    this.#text = text;
    this.#source = source;
  }

  jobs(): WrittenJob[] {
    const jobs: WrittenJob[] = [];
    let documents = 0;
    for (const document of this.#documents()) {
      // A warning is a tag or directive that would be ignored: not what was meant either.
      const problem = document.errors[0] ?? document.warnings[0];
      if (problem) throw this.#unquoted(problem.pos[0]) ?? this.#unreadable(problem.message, problem.pos[0]);
      documents += 1;
      if (documents > textBounds.documents) {
        const at = document.range[0];
        throw beyondBound(this.#place(at), 'the text has too many documents', textBounds.documents);
      }
      for (const job of this.#jobsIn(document)) jobs.push(job);
    }
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
    const value = withoutExtensions(this.#plain(document, root));
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
          if (!isScalar(key) || (key.type === 'PLAIN' && typeof key.value === 'symbol')) continue;
          if (names.has(key.value) && key.value !== '<<') {
            const name = JSON.stringify(key.value);
            throw this.#unreadable(`the name ${name} stands twice in one mapping`, key.range?.[0] ?? 0);
          }
          names.add(key.value);
        }
      },
    });
  }

  /** What the library throws here (an alias without an anchor, one that repeats too much, a merge of no mapping) is
   * about the text: anything else would have been refused before. */
  #plain(document: Document.Parsed, root: Node): unknown {
    try {
      return document.toJS({ maxAliasCount: textBounds.repeats });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (error instanceof RangeError)
        throw this.#unreadable('merges are nested too deep', root.range?.[0] ?? 0);
      const at = unresolvedIn(document) ?? root.range?.[0] ?? 0;
      throw this.#unquoted(at) ?? this.#unreadable(error.message, at);
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

/** A line is looked at so far. */
const MAX_LINE = 1_024;
/** What stands before a text that begins with a sign that no plain text may begin with, and the text; no alias. */
const unquotedText =
  /^(.*?(?:^\s*-|[:{[,])\s+)((?:\*(?![A-Za-z_])|[@%`])[^#{}[\]]*?)\s*(?:,\s+[\w-]+:.*|[}\]].*)?(?:\s#.*)?$/;

/** Where the first alias stands that names nothing. */
function unresolvedIn(document: Document.Parsed): number | undefined {
  let at: number | undefined;
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return undefined;
      at = alias.range?.[0];
      return visit.BREAK;
    },
  });
  return at;
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
    const count = (value: unknown): void => {
      values++;
      if (typeof value === 'string') characters += value.length;
      if (values > textBounds.jobValues)
        throw beyondBound(source, 'with its aliases one job has too many values', textBounds.jobValues);
      if (characters > textBounds.jobBytes)
        throw beyondBound(source, 'with its aliases one job is too long', textBounds.jobBytes, 'bytes');
      if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) count(inner);
    };
    count(definition);
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
