/**
 * Output as server-sent events. The id of each event is the reader's position after it, `attempt:stdout:stderr` in bytes
 * from the beginning of the output: who sends it back as `Last-Event-ID` or `after` gets what follows, from any node.
 * Events hold whole characters, so a position never lies within one that is valid.
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

/** `stop`: the reader goes away, or the node stops. Then a character may be cut in two only for now. */
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
    const { stream, bytes } = chunk;
    const text = characters[stream].add(bytes);
    if (text !== '') yield event(chunk, { stream, text });
    else if (bytes.length === 0 && chunk.next !== undefined) yield event(chunk);
  }
  if (last === null || stop.aborted) return;
  for (const stream of ['stdout', 'stderr'] as const) {
    const text = characters[stream].end();
    if (text !== '') yield event(last, { stream, text });
  }
}

/** Text of bytes that come in pieces: a character that a piece cuts in two comes with the next one. */
class Characters {
  // Output begins anywhere, so a byte order mark is a character like others.
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #rest: Uint8Array = new Uint8Array(0);

  /** Bytes whose character is not complete. */
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

/** How many bytes at the end may begin a character that goes on behind it. */
function openBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < lengthOf(byte) ? back : 0;
  }
  return 0;
}

/** Of the character that begins with this byte. */
function lengthOf(byte: number): number {
  if (byte < 0xe0) return 2;
  return byte < 0xf0 ? 3 : 4;
}
