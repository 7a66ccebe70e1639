/**
 * Finds where a text stops being JSON. The engine's own parser is fast but does not always say; this one is
 * only used for texts that were refused, and reads no further than the first mistake.
 */

// Unrolled, so that a string of megabytes is one step.
const string = /"[^"\\\n\r\t]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\n\r\t]*)*"/.source;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/.source;
const sign = /[[\]{},:]/.source;
const token = new RegExp(`(${sign})|(${string})|${number}|(?:true|false|null)(?!\\w)`, 'y');
const blanks = /[ \t\n\r]*/y;

type Expected = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'colon' | 'comma-or-end';

/** Both start at 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** The position of the first invalid character, or the end if something is missing. */
export function placeOfMistake(text: string): Place {
  return placeOf(text, mistake(text));
}

function placeOf(text: string, at: number): Place {
  const before = text.slice(0, at).split('\n');
  return { line: before.length, column: before.at(-1)!.length + 1 };
}

/** A field name, and the position of its second occurrence. */
export interface NameTwice {
  readonly name: string;
  readonly place: Place;
}

/** The first name that occurs twice in one object of a valid JSON text. Null if there is none. */
export function nameTwice(text: string): NameTwice | null {
  /** The names in each enclosing object, and null for lists. */
  const open: (Set<string> | null)[] = [];
  token.lastIndex = afterBlanks(text, 0);
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [, mark, quoted] = match;
    const end = afterBlanks(text, token.lastIndex);
    if (mark === '{' || mark === '[') open.push(mark === '{' ? new Set() : null);
    else if (mark === '}' || mark === ']') open.pop();
    else if (quoted !== undefined && text[end] === ':') {
      const name = JSON.parse(quoted) as string;
      const names = open.at(-1);
      if (names?.has(name)) return { name, place: placeOf(text, match.index) };
      names?.add(name);
    }
    token.lastIndex = end;
  }
  return null;
}

function mistake(text: string): number {
  const open: string[] = [];
  let expected: Expected = 'value';
  for (let at = afterBlanks(text, 0); ; at = afterBlanks(text, token.lastIndex)) {
    token.lastIndex = at;
    const match = token.exec(text);
    if (match === null || (open.length === 0 && expected === 'comma-or-end')) return at;
    const next: Expected | null =
      match[1] === undefined
        ? afterScalar(expected, match[2] !== undefined)
        : afterSign(expected, match[1], open);
    if (next === null) return at;
    expected = next;
  }
}

function afterBlanks(text: string, from: number): number {
  blanks.lastIndex = from;
  blanks.test(text);
  return blanks.lastIndex;
}

/** What may follow, or null if it is not allowed here. */
function afterScalar(expected: Expected, isString: boolean): Expected | null {
  if (expected === 'key' || expected === 'key-or-end') return isString ? 'colon' : null;
  return expected === 'value' || expected === 'value-or-end' ? 'comma-or-end' : null;
}

/** What may follow, or null if it is not allowed here. `open` contains the enclosing brackets. */
function afterSign(expected: Expected, sign: string, open: string[]): Expected | null {
  const inside = open.at(-1);
  if (sign === ':') return expected === 'colon' ? 'value' : null;
  if (sign === ',') {
    if (expected !== 'comma-or-end') return null;
    return inside === '[' ? 'value' : 'key';
  }
  if (sign === '[' || sign === '{') {
    if (expected !== 'value' && expected !== 'value-or-end') return null;
    open.push(sign);
    return sign === '[' ? 'value-or-end' : 'key-or-end';
  }
  const [opened, whenEmpty] = sign === ']' ? ['[', 'value-or-end'] : ['{', 'key-or-end'];
  if (inside !== opened || (expected !== whenEmpty && expected !== 'comma-or-end')) return null;
  open.pop();
  return 'comma-or-end';
}
