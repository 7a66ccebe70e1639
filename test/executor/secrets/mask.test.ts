import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Mask, masksOf, mostMaskBytes } from '../../../src/executor/secrets/mask.ts';

const masked = (pieces: readonly (string | Uint8Array)[], masks: readonly Buffer[]): string => {
  const mask = new Mask(masks);
  const shown = pieces.map((piece) => mask.push(Buffer.from(piece)));
  return Buffer.concat([...shown, mask.end()]).toString('latin1');
};

/** What the masks mean, on the whole text at once. */
function wanted(text: string, masks: readonly Buffer[]): string {
  const forms = masks.map((mask) =>
    mask
      .toString('latin1')
      .replaceAll(/[^a-z]/gi, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`),
  );
  return forms.length === 0 ? text : text.replaceAll(new RegExp(forms.join('|'), 'g'), '***');
}

test('output with secrets in it is that of replacing them in the whole text, wherever it is cut', () => {
  // Few letters, so that values overlap, repeat and begin alike.
  const letters = fc.constantFrom('a', 'b', '\n', '"', '\xe9', '+');
  const value = fc.string({ unit: letters, minLength: 1, maxLength: 12 });
  const noise = fc.string({ unit: letters, maxLength: 20 });
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 4 }),
      fc.array(fc.oneof(noise, fc.nat(3)), { maxLength: 12 }),
      fc.array(fc.nat(100), { maxLength: 12 }),
      (values, parts, cuts) => {
        const masks = masksOf(values);
        const text = parts.map((part) => (typeof part === 'string' ? part : (values[part] ?? ''))).join('');
        const bytes = Buffer.from(text);
        const at = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
        const pieces = at.slice(1).map((to, index) => bytes.subarray(at[index], to));
        const shown = masked(pieces, masks);
        expect(shown).toBe(wanted(bytes.toString('latin1'), masks));
        for (const mask of masks) expect(shown).not.toContain(mask.toString('latin1'));
      },
    ),
    { numRuns: 2_000 },
  );
});

describe('of a value is masked', () => {
  test.each([
    ['itself', 'tok-3n', 'is tok-3n!', 'is ***!'],
    ['itself without its last line break', 'tok-3n\n', 'is tok-3n!', 'is ***!'],
    ['each of its lines', '-- begin --\nabcdefgh\nshort\n', 'abcdefgh short -- begin --', '*** short ***'],
    ['its text in JSON', 'a"b\\c', '{"a":"a\\"b\\\\c"}', '{"a":"***"}'],
    ['its text in an address', 'p@ss/word', 'http://u:p%40ss%2Fword@h', 'http://u:***@h'],
    ['its base64', 'p@ss/word', 'cEBzcy93b3Jk', '***'],
    ['the longest of several', 'abcd\nabcd-efgh-ijkl', 'abcd-efgh-ijkl', '***'],
  ])('%s', (_, value, text, shown) => expect(masked([text], masksOf([value]))).toBe(shown));

  test('nothing if it has less than four bytes', () => {
    expect(masksOf(['abc', '', 'a\n'])).toEqual([]);
  });

  test('everything in pieces if it is long, so that little is held back', () => {
    const value = 'xy'.repeat(10_000);
    const mask = new Mask(masksOf([value]));
    expect(masked([`<${value}>`], masksOf([value]))).toMatch(/^<\*+>$/);
    const shown = mask.push(Buffer.from(value.slice(0, mostMaskBytes + 10)));
    expect(shown.toString()).toBe('***');
  });
});
