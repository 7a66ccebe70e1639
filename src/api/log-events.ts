/**
 * Output as server-sent events. The id of each event is the reader's position after it: `attempt:stdout:stderr`, in
 * bytes from the beginning of the output. A client that sends it as `Last-Event-ID` or `after` gets the output after it,
 * from any node. Events contain whole characters, so a position never lies within a valid one.
 */

import { CarillonError } from '../errors.ts';
import type { RunLogChunk } from '../scheduler/handle.ts';
import type { LogPosition } from '../scheduler/ports.ts';
import type { WireLogEvent } from './wire/schema.ts';

export const positionForm = '^[1-9][0-9]{0,6}:[0-9]{1,15}:[0-9]{1,15}$';

/** Where the reader of an attempt continues. */
export interface AttemptPosition {
  readonly attempt: number;
  readonly after: LogPosition;
}

export function positionOf(text: string, source: { readonly field: string; readonly source: string }) {
  if (!new RegExp(positionForm).test(text)) {
    throw new CarillonError('INVALID_FIELD', `${source.field} is no position in an output.`, {
      ...source,
      value: text.slice(0, 80),
      allowed: 'the id of an event, such as 1:2048:0',
    });
  }
  const [attempt, stdout, stderr] = text.split(':').map(Number) as [number, number, number];
  return { attempt, after: { stdout, stderr } } satisfies AttemptPosition;
}

const positionText = (attempt: number, { stdout, stderr }: LogPosition): string =>
  `${attempt}:${stdout}:${stderr}`;

/** `stop` aborts when the client disconnects or the node stops. Then the rest of a character may still follow. */
export async function* toEvents(
  output: AsyncIterable<RunLogChunk>,
  stop: AbortSignal,
): AsyncGenerator<string> {
  const characters = { stdout: new Characters(), stderr: new Characters() };
  const event = ({ attempt, next }: Omit<RunLogChunk, 'bytes'>, wire?: WireLogEvent): string => {
    const { stdout, stderr } = characters;
    const had = next && { stdout: next.stdout - stdout.open, stderr: next.stderr - stderr.open };
    const id = had === undefined ? '' : `id: ${positionText(attempt, had)}\n`;
    return wire === undefined ? `${id}\n` : `${id}event: log\ndata: ${JSON.stringify(wire)}\n\n`;
  };
  let last: RunLogChunk | null = null;
  for await (const chunk of output) {
    last = chunk;
    const { stream, bytes, printed } = chunk;
    const text = characters[stream].add(bytes);
    if (text !== '') yield event(chunk, { stream, text, ...(printed && { timed: true }) });
    else if (bytes.length === 0 && chunk.next !== undefined) yield event(chunk);
  }
  if (last === null || stop.aborted) return;
  for (const stream of ['stdout', 'stderr'] as const) {
    const text = characters[stream].end();
    if (text !== '') yield event(last, { stream, text });
  }
}

/** Decodes bytes that come in pieces. A character that is split between two pieces comes with the second. */
class Characters {
  // A read may begin anywhere, so a byte order mark is a character like any other.
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #rest: Uint8Array = new Uint8Array(0);

  /** Number of bytes of an incomplete character. */
  get open(): number {
    return this.#rest.length;
  }

  add(bytes: Uint8Array): string {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const end = all.length - openBytes(all);
    this.#rest = all.slice(end);
    return this.#decoder.decode(all.subarray(0, end));
  }

  end(): string {
    const rest = this.#rest;
    this.#rest = new Uint8Array(0);
    return this.#decoder.decode(rest);
  }
}

/** Number of bytes at the end that may belong to an incomplete character. */
function openBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < lengthOf(byte) ? back : 0;
  }
  return 0;
}

/** Length in bytes of the character that begins with this byte. */
function lengthOf(byte: number): number {
  if (byte < 0xe0) return 2;
  return byte < 0xf0 ? 3 : 4;
}
