/**
 * Finds lines in output that comes in chunks, in memory of a few lines, however long a line is. Each stream has its own
 * lines. Only plain text is searched for, so the time is proportional to the output whatever a client asks for.
 */

import type { LogChunk } from '../scheduler/ports.ts';
import { timeText } from './log-times.ts';
import type { WireLogHit } from './wire/log-search.ts';

/** Characters of a line that are shown, and of a line of its context. */
export const shownCharacters = 1_000;
/** Characters shown before a match that is further back in its line. */
const leadCharacters = 200;

export interface Wanted {
  readonly text: string;
  readonly ignoreCase: boolean;
  /** Lines before and after. */
  readonly context: number;
}

export type Found = Omit<WireLogHit, 'kind' | 'run' | 'attempt'>;

type Match = (text: string) => number;

/** The output of one attempt. */
export class LogSearch {
  readonly #streams: Readonly<Record<LogChunk['stream'], StreamSearch>>;
  #left: number;

  /** Finds up to `most` lines. */
  constructor(wanted: Wanted, most: number) {
    this.#left = most;
    const take = (): boolean => this.#left-- > 0;
    const of = (stream: LogChunk['stream']) => new StreamSearch(stream, wanted, take);
    this.#streams = { stdout: of('stdout'), stderr: of('stderr') };
  }

  /** As many lines were found as may be, each with its context. */
  get isFull(): boolean {
    const { stdout, stderr } = this.#streams;
    return this.#left <= 0 && !stdout.isOpen && !stderr.isOpen;
  }

  /** One step for each line: what is complete with it, usually nothing. */
  add(chunk: LogChunk): Generator<readonly Found[]> {
    return this.#streams[chunk.stream].add(chunk);
  }

  /** What the end of the output completes. */
  *end(): Generator<readonly Found[]> {
    yield* this.#streams.stdout.end();
    yield* this.#streams.stderr.end();
  }
}

type Open = Found & { readonly after: string[] };

class StreamSearch {
  readonly #stream: LogChunk['stream'];
  readonly #context: number;
  readonly #match: Match;
  readonly #take: () => boolean;
  // A read begins at the first byte that is kept, so a byte order mark is a character like any other.
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  readonly #kept: number;
  #before: string[] = [];
  /** Hits whose lines after them are still to come, oldest first. */
  #open: Open[] = [];
  #number = 0;
  #line: Line | null = null;

  constructor(stream: LogChunk['stream'], wanted: Wanted, take: () => boolean) {
    this.#stream = stream;
    this.#context = wanted.context;
    this.#match = matcher(wanted);
    this.#take = take;
    this.#kept = leadCharacters + wanted.text.length - 1;
  }

  get isOpen(): boolean {
    return this.#open.length > 0;
  }

  *add({ bytes, printed }: LogChunk): Generator<readonly Found[]> {
    const time = printed === undefined ? null : timeText(printed.timeNs);
    yield* this.#addText(this.#decoder.decode(bytes, { stream: true }), time);
  }

  *end(): Generator<readonly Found[]> {
    yield* this.#addText(this.#decoder.decode(), null);
    if (this.#line !== null) yield this.#endLine(this.#line);
    yield this.#open.splice(0);
  }

  *#addText(text: string, time: string | null): Generator<readonly Found[]> {
    for (let from = 0; from < text.length; ) {
      const newline = text.indexOf('\n', from);
      const end = newline < 0 ? text.length : newline;
      this.#line ??= new Line(time);
      this.#line.add(text.slice(from, end), this.#match, this.#kept);
      if (newline >= 0) yield this.#endLine(this.#line);
      from = end + 1;
    }
  }

  /** Returns the hits that are complete with this line. */
  #endLine(line: Line): readonly Found[] {
    this.#line = null;
    this.#number++;
    const { start } = line;
    for (const { after } of this.#open) after.push(start);
    const isHit = line.isFound && this.#take();
    if (isHit) {
      this.#open.push({
        stream: this.#stream,
        line: this.#number,
        time: line.time,
        ...line.shown,
        before: this.#before,
        after: [],
      });
    }
    if (this.#context > 0) this.#before = [...this.#before, start].slice(-this.#context);
    const complete = this.#open.findIndex(({ after }) => after.length < this.#context);
    return this.#open.splice(0, complete < 0 ? this.#open.length : complete);
  }
}

/** One line, of which the beginning, the part around the first match, and the newest characters are kept. */
class Line {
  readonly time: string | null;
  #start = '';
  #length = 0;
  /** The newest characters, in which a match may have begun. */
  #rest = '';
  #part: { from: number; text: string } | null = null;

  constructor(time: string | null) {
    this.time = time;
  }

  add(piece: string, match: Match, kept: number): void {
    const room = shownCharacters - this.#start.length;
    if (room > 0) this.#start += piece.slice(0, room);
    if (this.#part === null) this.#look(this.#rest + piece, match, kept);
    else if (this.#part.text.length < shownCharacters)
      this.#part.text += piece.slice(0, shownCharacters - this.#part.text.length);
    this.#length += piece.length;
  }

  get isFound(): boolean {
    return this.#part !== null;
  }

  /** The beginning of the line, for a context. */
  get start(): string {
    return withoutReturn(wholeCharacters(this.#start), this.#start.length === this.#length);
  }

  get shown(): { readonly text: string; readonly from: number; readonly length: number } {
    const { from, text } = this.#part ?? { from: 0, text: this.#start };
    const isToEnd = from + text.length === this.#length;
    const shown = withoutReturn(wholeCharacters(text), isToEnd);
    const begun = from > 0 && isLow(text, 0) ? from + 1 : from;
    return { text: shown, from: begun, length: isToEnd ? begun + shown.length : this.#length };
  }

  #look(text: string, match: Match, kept: number): void {
    const at = match(text);
    if (at < 0) {
      this.#rest = text.slice(-kept);
      return;
    }
    const textFrom = this.#length - this.#rest.length;
    const isNear = textFrom + at + leadCharacters <= shownCharacters;
    if (isNear) this.#part = { from: 0, text: this.#start };
    else {
      const from = Math.max(0, at - leadCharacters);
      this.#part = { from: textFrom + from, text: text.slice(from, from + shownCharacters) };
    }
    this.#rest = '';
  }
}

function matcher({ text, ignoreCase }: Wanted): Match {
  if (!ignoreCase) return (line) => line.indexOf(text);
  const literal = new RegExp(text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'iu');
  return (line) => line.search(literal);
}

/** Half a character at either end is left out. */
function wholeCharacters(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return text.slice(isLow(text, 0) ? 1 : 0, last >= 0xd800 && last < 0xdc00 ? -1 : text.length);
}

function isLow(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code < 0xe000;
}

const withoutReturn = (text: string, isToEnd: boolean): string =>
  isToEnd && text.endsWith('\r') ? text.slice(0, -1) : text;
