import fc from 'fast-check';
import { expect, test } from 'vitest';
import { placeOfMistake } from '../../src/job-file/json-place.ts';

test('a text with one character put in is not wrong before that character', () => {
  fc.assert(
    fc.property(
      fc.json(),
      fc.nat(),
      fc.constantFrom('}', ']', ',', ':', '"', 'x', '1', '{', '['),
      (json, seed, sign) => {
        const at = seed % (json.length + 1);
        const text = json.slice(0, at) + sign + json.slice(at);
        fc.pre(!isJson(text));
        const { line, column } = placeOfMistake(text);
        expect(line).toBe(1);
        // A token may begin before the character that spoils it, and a quote may swallow what follows.
        const token = /(?:"(?:[^"\\]|\\.)*\\?|[\w.+-]*)$/.exec(text.slice(0, at))![0];
        expect(column - 1).toBeGreaterThanOrEqual(at - token.length);
        expect(column - 1).toBeLessThanOrEqual(text.length);
      },
    ),
  );
});

test('a megabyte of text in one string costs nothing worth mentioning', () => {
  expect(placeOfMistake(`["${'x'.repeat(4_000_000)}", oops]`)).toEqual({ line: 1, column: 4_000_006 });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
