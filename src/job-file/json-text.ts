/**
 * JSON of many jobs, job by job: one pass over the bytes finds where each begins and holds the whole to its bounds,
 * so that no parser is given more than one job at a time. Texts of megabytes are passed in steps; whoever has
 * something else to do does it between them.
 */

import { beyondBound, textBounds } from './bounds.ts';
import { placeIn } from './utf8.ts';

/** One value of the text: bytes from `start` to before `end`, and the line at which it begins. */
export interface JsonPiece {
  readonly start: number;
  readonly end: number;
  readonly line: number;
  /** Names of fields in it, as often as they stand. */
  readonly names: number;
}

export interface JsonPieces {
  /** The pieces are the entries of a list, or of the list in `{ "jobs": [...] }`; otherwise there is one: all. */
  readonly list: boolean;
  readonly pieces: readonly JsonPiece[];
}

/** Where the text stops being JSON, as far as that can be told outside of the pieces. */
export interface JsonMistake {
  readonly mistake: number;
}

/** Marks and texts that are passed before others have a turn: about a millisecond. */
const STEP = 20_000;

const jobsList = /^[ \t\r\n]*\{[ \t\r\n]*"jobs"[ \t\r\n]*:[ \t\r\n]*\[/;
/** What precedes the first job is a few words and blanks. */
const HEAD_BYTES = 4_096;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const NEWLINE = 0x0a;

/** Steps through a text of many jobs. INVALID_BODY, with line and column, where a bound is exceeded. */
export function* splitJson(
  bytes: Uint8Array,
  source: string,
): Generator<void, JsonPieces | JsonMistake, void> {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, HEAD_BYTES));
  const jobs = jobsList.exec(head)?.[0];
  if (jobs !== undefined) {
    const found = yield* new Splitter(bytes, source, 2).split(jobs.length, jobs.split('\n').length);
    // Not only `jobs`: then it is one value.
    if ('pieces' in found || found.mistake !== NOT_ALONE) return found;
  }
  const begin = Math.max(0, head.search(/[^ \t\r\n]/));
  const line = head.slice(0, begin).split('\n').length;
  if (head[begin] === '[') return yield* new Splitter(bytes, source, 1).split(begin + 1, line);
  return yield* new Splitter(bytes, source, 0).split(begin, line);
}

/**
 * Holds a text of one value to the bounds, which are those of one job. INVALID_BODY likewise. Returns how many names
 * of fields stand in it.
 */
export function boundJson(bytes: Uint8Array, source: string): number {
  const splitter = new Splitter(bytes, source, 0);
  inOneGo(splitter.split(0, 1));
  return splitter.names;
}

/**
 * Names of fields in a parsed value. Fewer than stand in its text: one stood twice in an object, of which parsers keep
 * the last without a word.
 */
export function namesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner = Array.isArray(value) ? value : Object.values(value);
  let names = Array.isArray(value) ? 0 : inner.length;
  for (const each of inner) names += namesIn(each);
  return names;
}

/** In place of a position: behind the list of jobs comes another field. */
const NOT_ALONE = -1;

class Splitter {
  readonly #bytes: Uint8Array;
  readonly #source: string;
  /** Entries of the list are at this depth; 0: the text is one value. */
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

  /** `from`: behind the bracket of the list, or where the one value begins. */
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

  /** Passes one mark, text or word, and returns where the next begins. */
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
      throw beyondBound(
        this.#place(start),
        `one job is ${end - start} bytes long`,
        textBounds.jobBytes,
        'bytes',
      );
    }
    const names = this.#names - this.#startNames;
    this.#pieces.push({ start, end, line: this.#startLine, names });
    this.#start = null;
  }

  /** Behind the list there is nothing but what closes its object. */
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

/** To the end at once, for whoever has nothing else to do. */
export function inOneGo<T>(steps: Generator<void, T, void>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
