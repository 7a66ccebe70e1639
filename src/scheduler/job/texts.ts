/**
 * Texts as the operating system sees them: as UTF-8 bytes, without characters that it cannot handle. Pure.
 */

const fault = /[\0\p{Surrogate}]/u;

/**
 * Describes a character that cannot be passed to a program or written to a file, and its position. Null:
 * none.
 */
export function faultIn(text: string): string | null {
  const at = text.search(fault);
  if (at === -1) return null;
  const what = text[at] === '\0' ? 'a NUL (\\u0000)' : `a lone surrogate (${escaped(text.charCodeAt(at))})`;
  return `contains ${what} at position ${at + 1}`;
}

const escaped = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;

/** Length in UTF-8 bytes. A lone surrogate counts as three. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    bytes += unit < 0x800 ? 1 : 2;
    // A surrogate pair has four bytes: two per unit.
    if (unit >= 0xd800 && unit < 0xdc00 && isSecondHalf(text.charCodeAt(i + 1))) i++;
  }
  return bytes;
}

const isSecondHalf = (unit: number): boolean => unit >= 0xdc00 && unit < 0xe000;
