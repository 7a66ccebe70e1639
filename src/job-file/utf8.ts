/** Decodes UTF-8 strictly: invalid bytes are refused with their position, and never become U+FFFD. */

import { CarillonError } from '../errors.ts';

/**
 * The text from `start` to `end`, without a byte order mark. INVALID_BODY with line and column in the whole;
 * `source` names its origin.
 */
export function decodeUtf8(bytes: Uint8Array, source: string, start = 0, end = bytes.length): string {
  const part = bytes.subarray(start, end);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(part);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw notUtf8(bytes, start + firstFault(part), source);
  }
}

/** The bytes after a byte order mark, if there is one. */
export function withoutMark(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

function notUtf8(bytes: Uint8Array, at: number, source: string): CarillonError {
  const { line, column } = placeIn(bytes, at);
  const place = `${source}:${line}:${column}`;
  const byte = (bytes[at] ?? 0).toString(16).toUpperCase().padStart(2, '0');
  // What some editors call "Unicode".
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const hint = utf16 ? ' It looks like UTF-16.' : '';
  return new CarillonError('INVALID_BODY', `${place}: the byte 0x${byte} is not valid UTF-8.${hint}`, {
    field: 'body',
    value: `0x${byte}`,
    source: place,
    allowed: 'text in UTF-8',
  });
}

/** Line and column of a byte, starting at 1; columns count characters. */
export function placeIn(bytes: Uint8Array, at: number): { readonly line: number; readonly column: number } {
  let line = 1;
  let begin = 0;
  for (let i = bytes.indexOf(0x0a); i !== -1 && i < at; i = bytes.indexOf(0x0a, i + 1)) {
    line++;
    begin = i + 1;
  }
  return { line, column: new TextDecoder().decode(bytes.subarray(begin, at)).length + 1 };
}

/** The first byte of the first invalid character. */
function firstFault(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const length = lengthOfCharacter(bytes, at);
    if (length === 0) return at;
    at += length;
  }
  return at;
}

/** Length of the well-formed character at `at`; 0 if it is invalid (table 3-7 of the Unicode standard). */
function lengthOfCharacter(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  const [least, most] = secondByte(first);
  const second = bytes[at + 1] ?? 0;
  if (second < least || second > most) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  for (let i = 2; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}

function secondByte(first: number): readonly [least: number, most: number] {
  if (first < 0xc2 || first > 0xf4) return [1, 0];
  if (first === 0xe0) return [0xa0, 0xbf];
  if (first === 0xed) return [0x80, 0x9f];
  if (first === 0xf0) return [0x90, 0xbf];
  return [0x80, first === 0xf4 ? 0x8f : 0xbf];
}
