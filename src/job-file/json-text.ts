/**
 * Splits JSON of many jobs: one pass over the bytes finds where each job begins and checks the limits, so
 * that no parser gets more than one job at a time. Large texts are processed in steps, between which other
 * work can run.
 */

import { beyondBound, textBounds } from './bounds.ts';
import { placeIn } from './utf8.ts';

/** One value of the text: bytes from `start` to before `end`, and its first line. */
export interface JsonPiece {
  readonly start: number;
  readonly end: number;
  readonly line: number;
  /** Number of field names in it, including duplicates. */
  readonly names: number;
}

export interface JsonPieces {
  /**
   * The pieces are the entries of a list, or of the list in `{ "jobs": [...] }`; otherwise there is one
   * piece.
   */
  readonly list: boolean;
  readonly pieces: readonly JsonPiece[];
}

/** Where the text stops being JSON, as far as can be seen outside the pieces. */
export interface JsonMistake {
  readonly mistake: number;
}

/** Tokens processed per step: about a millisecond. */
const STEP = 20_000;

const jobsList = /^[ \t\r\n]*\{[ \t\r\n]*"jobs"[ \t\r\n]*:[ \t\r\n]*\[/;
/** Only a few words and spaces precede the first job. */
const HEAD_BYTES = 4_096;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const NEWLINE = 0x0a;

/** Steps through a text of many jobs. INVALID_BODY with line and column if a limit is exceeded. */
export function* splitJson(
  bytes: Uint8Array,
  source: string,
): Generator<void, JsonPieces | JsonMistake, void> {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, HEAD_BYTES));
  const jobs = jobsList.exec(head)?.[0];
  if (jobs !== undefined) {
    const found = yield* new Splitter(bytes, source, 2).split(jobs.length, jobs.split('\n').length);
    // There are other fields than `jobs`, so it is one value.
    if ('pieces' in found || found.mistake !== NOT_ALONE) return found;
  }
  const begin = Math.max(0, head.search(/[^ \t\r\n]/));
  const line = head.slice(0, begin).split('\n').length;
  if (head[begin] === '[') return yield* new Splitter(bytes, source, 1).split(begin + 1, line);
  return yield* new Splitter(bytes, source, 0).split(begin, line);
}

/**
 * Checks the limits of one job for a text of one value. INVALID_BODY with line and column. Returns the number
 * of field names.
 */
export function boundJson(bytes: Uint8Array, source: string): number {
  const splitter = new Splitter(bytes, source, 0);
  inOneGo(splitter.split(0, 1));
  return splitter.names;
}

/**
 * Number of field names in a parsed value. If it is less than in the text, a name occurred twice in an
 * object, of which parsers silently keep the last.
 */
export function namesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner = Array.isArray(value) ? value : Object.values(value);
  let names = Array.isArray(value) ? 0 : inner.length;
  for (const each of inner) names += namesIn(each);
  return names;
}

/** Instead of a position: another field follows the list of jobs. */
const NOT_ALONE = -1;

class Splitter {
  readonly #bytes: Uint8Array;
  readonly #source: string;
  /** Depth of the list's entries. 0: the text is one value. */
  readonly #listDepth: number;
  readonly #pieces: JsonPiece[] = [];
  #depth: number;
  #line = 1;
  #values = 0;
  #names = 0;
  #start: number | null = null;
  #startLine = 1;
  #startValues = 0;
  #startNames = 0;

  constructor(bytes: Uint8Array, source: string, listDepth: number) {
    this.#bytes = bytes;
    this.#source = source;
    this.#listDepth = listDepth;
    this.#depth = listDepth;
  }

  get names(): number {
    return this.#names;
  }

  /** `from`: after the bracket of the list, or the start of the one value. */
  *split(from: number, line: number): Generator<void, JsonPieces | JsonMistake, void> {
    const bytes = this.#bytes;
    this.#line = line;
    if (this.#listDepth === 0) this.#begin(from);
    let at = from;
    /** In the list: an entry has ended, and a comma or the end of the list must follow. */
    let full = false;
    let commas = 0;
    for (let steps = 1; at < bytes.length; steps++) {
      if (steps % STEP === 0) yield;
      const byte = bytes[at] as number;
      if (byte === NEWLINE) this.#line++;
      if (isBlank(byte)) {
        at++;
        continue;
      }
      const between = this.#listDepth > 0 && this.#depth === this.#listDepth && this.#start === null;
      if (between && (byte === COMMA || byte === 0x5d)) {
        if (byte === 0x5d) {
          if (!full && commas > 0) return { mistake: at };
          return this.#closed(at + 1);
        }
        if (!full) return { mistake: at };
        full = false;
        commas++;
        at++;
        continue;
      }
      if (between) {
        if (full) return { mistake: at };
        this.#begin(at);
      }
      at = this.#pass(byte, at);
      if (this.#depth < this.#listDepth) return { mistake: at - 1 };
      if (this.#listDepth > 0 && this.#depth === this.#listDepth && this.#start !== null) {
        this.#end(at);
        full = true;
      }
    }
    if (this.#listDepth > 0) return { mistake: at };
    this.#end(at);
    return { list: false, pieces: this.#pieces };
  }

  /** Skips one token and returns the start of the next. */
  #pass(byte: number, at: number): number {
    if (byte === QUOTE) {
      this.#count(at);
      return this.#afterText(at + 1);
    }
    // Brackets and braces differ in the bit that is masked here.
    const mark = byte & 0xdf;
    if (mark === 0x5b) {
      this.#count(at);
      this.#depth++;
      if (this.#depth > textBounds.depth) {
        throw beyondBound(
          this.#place(at),
          'lists and objects are nested too deep',
          textBounds.depth,
          'levels',
        );
      }
      return at + 1;
    }
    if (mark === 0x5d) {
      this.#depth--;
      return at + 1;
    }
    if (byte === COLON) this.#names++;
    if (byte === COMMA || byte === COLON) return at + 1;
    this.#count(at);
    let end = at + 1;
    while (end < this.#bytes.length && isOfWord(this.#bytes[end] as number)) end++;
    return end;
  }

  #afterText(from: number): number {
    const bytes = this.#bytes;
    for (let quote = bytes.indexOf(QUOTE, from); ; quote = bytes.indexOf(QUOTE, quote + 1)) {
      if (quote === -1) return bytes.length;
      let slashes = 0;
      while (bytes[quote - 1 - slashes] === BACKSLASH && quote - 1 - slashes >= from) slashes++;
      if (slashes % 2 === 0) return quote + 1;
    }
  }

  #count(at: number): void {
    this.#values++;
    if (this.#values > textBounds.values) {
      throw beyondBound(this.#place(at), 'the text has too many values', textBounds.values);
    }
    if (this.#values - this.#startValues > textBounds.jobValues) {
      throw beyondBound(this.#place(at), 'one job has too many values', textBounds.jobValues);
    }
  }

  #begin(at: number): void {
    this.#start = at;
    this.#startLine = this.#line;
    this.#startValues = this.#values;
    this.#startNames = this.#names;
  }

  #end(end: number): void {
    const start = this.#start ?? 0;
    if (end - start > textBounds.jobBytes) {
      throw beyondBound(this.#place(start), `one job has ${end - start} bytes`, textBounds.jobBytes, 'bytes');
    }
    const names = this.#names - this.#startNames;
    this.#pieces.push({ start, end, line: this.#startLine, names });
    this.#start = null;
  }

  /** After the list, only the end of its object may follow. */
  #closed(from: number): JsonPieces | JsonMistake {
    const bytes = this.#bytes;
    let braces = this.#listDepth - 1;
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (isBlank(byte)) continue;
      if (braces === 1 && byte === COMMA) return { mistake: NOT_ALONE };
      if (braces !== 1 || byte !== 0x7d) return { mistake: at };
      braces = 0;
    }
    return braces === 0 ? { list: true, pieces: this.#pieces } : { mistake: bytes.length };
  }

  #place(at: number): string {
    const { line, column } = placeIn(this.#bytes, at);
    return `${this.#source}:${line}:${column}`;
  }
}

const isBlank = (byte: number): boolean =>
  byte === 0x20 || byte === NEWLINE || byte === 0x0d || byte === 0x09;

const isOfWord = (byte: number): boolean =>
  !isBlank(byte) &&
  byte !== COMMA &&
  byte !== COLON &&
  byte !== QUOTE &&
  (byte & 0xdf) !== 0x5b &&
  (byte & 0xdf) !== 0x5d;

/** Runs all steps at once, if there is no other work. */
export function inOneGo<T>(steps: Generator<void, T, void>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
