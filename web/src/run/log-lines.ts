/**
 * Output as lines. Chunks of the two streams are interleaved and can end anywhere; an unfinished line stays
 * open for its stream. Only the newest lines are kept, and dropped lines are counted.
 */

export type Stream = 'stdout' | 'stderr';

export interface LogLine {
  readonly key: number;
  readonly stream: Stream;
  readonly text: string;
  /** When its first piece was printed: UTC with nanoseconds. Null if the engine does not know. */
  readonly time: string | null;
}

/** As the server sends it. */
export interface LogPiece {
  readonly stream: Stream;
  readonly text: string;
  /** Each line in the text begins with its time. */
  readonly timed?: boolean;
}

const timeForm = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) /;

/** As many as a page can display and a person can scroll. The server keeps the rest. */
export const mostLines = 5_000;
/** A longer line is cut: it is data, not text. */
const mostCharacters = 4_000;

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours for terminals begin with ESC.
const terminalColours = /\u001b\[[0-9;?]*[A-Za-z]/g;

export class LogLines {
  #lines: LogLine[] = [];
  readonly #open: Record<Stream, number | null> = { stdout: null, stderr: null };
  #next = 0;
  #dropped = 0;

  /** The current lines; a new array after each change. */
  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** Appends chunks in order. */
  add(chunks: readonly LogPiece[]): void {
    const lines = [...this.#lines];
    for (const { stream, text, timed = false } of chunks) {
      const pieces = text.split('\n');
      const rest = pieces.pop() ?? '';
      for (const piece of pieces) {
        this.#put(lines, { stream, text: piece, timed });
        this.#open[stream] = null;
      }
      if (rest !== '') this.#put(lines, { stream, text: rest, timed });
    }
    const surplus = lines.length - mostLines;
    if (surplus > 0) {
      lines.splice(0, surplus);
      this.#dropped += surplus;
    }
    this.#lines = lines;
  }

  /** Appends to the open line of the stream, or opens one. */
  #put(lines: LogLine[], { stream, text, timed }: Required<LogPiece>): void {
    const open = this.#open[stream];
    const at = open === null ? -1 : lines.findLastIndex(({ key }) => key === open);
    const before = lines[at];
    const time = before === undefined && timed ? (timeForm.exec(text)?.[1] ?? null) : null;
    const printed = time === null ? text : text.slice(time.length + 1);
    const line: LogLine = {
      key: before === undefined ? this.#next++ : (open as number),
      stream,
      text: clean((before?.text ?? '') + printed),
      time: before?.time ?? time,
    };
    if (at < 0) lines.push(line);
    else lines[at] = line;
    this.#open[stream] = line.key;
  }
}

/** As displayed by a terminal: without colours and overwritten text. */
function clean(text: string): string {
  const plain = text.replace(terminalColours, '').replace(/\r+$/, '');
  const shown = plain.slice(plain.lastIndexOf('\r') + 1);
  return shown.length > mostCharacters ? `${shown.slice(0, mostCharacters)} …` : shown;
}

/** The lines of these streams that contain the text, ignoring case. */
export function matching(
  lines: readonly LogLine[],
  { streams, text }: { readonly streams: readonly Stream[]; readonly text: string },
): readonly LogLine[] {
  const wanted = text.toLowerCase();
  if (wanted === '' && streams.length === 2) return lines;
  return lines.filter((line) => streams.includes(line.stream) && line.text.toLowerCase().includes(wanted));
}
