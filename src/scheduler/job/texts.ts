/** Texts as the system sees them: in bytes of UTF-8, and without what it can't hold. Pure. */

const fault = /[\0\p{Surrogate}]/u;

/** In words what the text holds that can't be handed to a program or written to a file, and where; null: nothing. */
export function faultIn(text: string): string | null {
  const at = text.search(fault);
  if (at === -1) return null;
  const what = text[at] === '\0' ? 'a NUL (\\u0000)' : `half a character (${escaped(text.charCodeAt(at))})`;
  return `holds ${what} at position ${at + 1}`;
}

const escaped = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;

/** Bytes of the text in UTF-8; half a character counts as three. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    bytes += unit < 0x800 ? 1 : 2;
    // Four bytes for the two halves of a character: two for each unit.
    if (unit >= 0xd800 && unit < 0xdc00 && isSecondHalf(text.charCodeAt(i + 1))) i++;
  }
  return bytes;
}

const isSecondHalf = (unit: number): boolean => unit >= 0xdc00 && unit < 0xe000;
