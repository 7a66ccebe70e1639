/** Finding lines in output, whatever pieces it comes in. */

import { describe, expect, test } from 'vitest';
import { type Found, LogSearch, shownCharacters, type Wanted } from '../../src/api/log-search.ts';
import type { LogChunk } from '../../src/scheduler/ports.ts';

type Piece = string | Uint8Array | readonly ['stderr', string];

function found(pieces: readonly Piece[], wanted: Partial<Wanted> & { text: string }, most = 100): Found[] {
  const search = new LogSearch({ ignoreCase: false, context: 0, ...wanted }, most);
  const steps = pieces.map(chunkOf).flatMap((chunk) => (search.isFull ? [] : [...search.add(chunk)]));
  return [...steps, ...search.end()].flat();
}

function chunkOf(piece: Piece): LogChunk {
  const [stream, bytes] = Array.isArray(piece) ? piece : ['stdout', piece];
  return { stream, bytes: typeof bytes === 'string' ? Buffer.from(bytes) : bytes } as LogChunk;
}

/** Each byte a piece of its own. */
const bytesOf = (text: string): Uint8Array[] => [...Buffer.from(text)].map((byte) => Buffer.from([byte]));
const long = 'x'.repeat(5_000);

describe('a line is found', () => {
  test.each<[how: string, pieces: Piece[], text: string, lines: [number, string][]]>([
    [
      'by its number',
      ['a\nb\nab\n'],
      'b',
      [
        [2, 'b'],
        [3, 'ab'],
      ],
    ],
    ['once, however often it has the text', ['aaaa\n'], 'a', [[1, 'aaaa']]],
    ['over the border of two chunks', ['one nee', 'dle\ntwo\n'], 'needle', [[1, 'one needle']]],
    ['byte by byte', bytesOf('ä\nein Übel\r\n'), 'Übel', [[2, 'ein Übel']]],
    ['without a newline at the end', ['a\nlast'], 'last', [[2, 'last']]],
    ['beside empty lines', ['\n\nx\n\n'], 'x', [[3, 'x']]],
    ['beyond a beginning that looks like it', ['aab', 'aac\n'], 'aabaac', [[1, 'aabaac']]],
    [
      'by signs that mean something elsewhere',
      ['f(x) [a.b]* $\n', 'fx\n'],
      '(x) [a.b]* $',
      [[1, 'f(x) [a.b]* $']],
    ],
    ['with a byte order mark', ['\ufeffa\n'], 'a', [[1, '\ufeffa']]],
    ['with bytes that are no characters', [Buffer.from([0x61, 0xff, 0x62, 0x0a])], 'b', [[1, 'a\ufffdb']]],
    ['not over the end of a line', ['ab\ncd\n'], 'abcd', []],
    ['not in another case', ['Error\n'], 'error', []],
  ])('%s', (_, pieces, text, lines) => {
    expect(found(pieces, { text }).map(({ line, text: shown }) => [line, shown])).toEqual(lines);
  });

  test.each([
    ['ERROR', 'An Error.', true],
    ['größe', 'GRÖSSE GRÖẞE', true],
    ['ΣΊΣΥΦΟΣ', 'σίσυφος', true],
    ['𐐀', '𐐨', true],
    ['a.c', 'ABC', false],
    ['(/\\', 'x(/\\x', true],
  ])('ignoring case: %s in %s', (text, line, isFound) => {
    expect(found([`${line}\n`], { text, ignoreCase: true })).toHaveLength(isFound ? 1 : 0);
    expect(found(bytesOf(`${line}\n`), { text, ignoreCase: true })).toHaveLength(isFound ? 1 : 0);
  });
});

test('streams have lines of their own, which do not mix', () => {
  const pieces: Piece[] = ['nee', ['stderr', 'e1\nnee'], 'dle 1\n', ['stderr', 'dle 2'], 'o2\n'];
  expect(found(pieces, { text: 'needle', context: 1 })).toMatchObject([
    { stream: 'stdout', line: 1, text: 'needle 1', before: [], after: ['o2'] },
    { stream: 'stderr', line: 2, text: 'needle 2', before: ['e1'], after: [] },
  ]);
});

test('a line in the place of dropped output ends a line, counts, and joins nothing', () => {
  const mark = '\n[carillon: 5 bytes of output were dropped here]\n';
  expect(found(['ab', mark, 'cd\nab\n'], { text: 'abcd' })).toEqual([]);
  expect(found(['ab', mark, 'cd\nab\n'], { text: 'ab' }).map(({ line }) => line)).toEqual([1, 4]);
});

describe('of a very long line', () => {
  test.each<[where: string, line: string, from: number, starts: string]>([
    ['the beginning is shown with a match in it', `abc needle${long}`, 0, 'abc needle'],
    ['the part around a match further back', `${long}needle${long}`, 4_800, `${'x'.repeat(200)}needle`],
    ['the end', `${long}needle`, 4_800, `${'x'.repeat(200)}needle`],
  ])('%s', (_, line, from, starts) => {
    for (const pieces of [[`${line}\n`], [line], line.match(/.{1,7}/g) as string[]]) {
      const [hit, ...others] = found(pieces, { text: 'needle' });
      expect(others).toEqual([]);
      expect(hit).toMatchObject({ line: 1, from, length: line.length });
      expect(hit!.text).toBe(line.slice(from, from + hit!.text.length));
      expect(hit!.text.startsWith(starts)).toBe(true);
      expect(hit!.text.length).toBe(Math.min(shownCharacters, line.length - from));
    }
  });

  test('no half character is shown', () => {
    const [hit] = found([`needle ${'😀'.repeat(3_000)}\n`], { text: 'needle' });
    expect(hit!.text).toBe(`needle ${'😀'.repeat(496)}`);
    const [back] = found([`x${'😀'.repeat(3_000)}needle\n`], { text: 'needle' });
    expect(back!.text).toBe(`${'😀'.repeat(100)}needle`);
    expect(back!.from).toBe(5_801);
  });

  test('a context has the beginning', () => {
    expect(found([`${long}\nneedle\n${long}\n`], { text: 'needle', context: 1 })).toMatchObject([
      { before: [long.slice(0, shownCharacters)], after: [long.slice(0, shownCharacters)] },
    ]);
  });
});

test('each hit has the lines around it, which may be hits too', () => {
  const lines = ['1', '2', '3 x', '4', '5 x', '6', '7'];
  expect(found([`${lines.join('\n')}\n`], { text: 'x', context: 2 })).toMatchObject([
    { line: 3, before: ['1', '2'], after: ['4', '5 x'] },
    { line: 5, before: ['3 x', '4'], after: ['6', '7'] },
  ]);
});

test('the last hit that is wanted still gets its context, and nothing more is found', () => {
  const search = new LogSearch({ text: 'x', ignoreCase: false, context: 1 }, 2);
  const add = (text: string) => [...search.add({ stream: 'stdout', bytes: Buffer.from(text) })].flat();
  expect(add('x1\nx2\n')).toMatchObject([{ text: 'x1' }]);
  expect(search.isFull).toBe(false);
  expect(add('x3\n')).toMatchObject([{ text: 'x2', after: ['x3'] }]);
  expect(search.isFull).toBe(true);
  expect([...search.end()].flat()).toEqual([]);
});

test('the time is that of the beginning of the line', () => {
  const search = new LogSearch({ text: 'needle', ignoreCase: false, context: 0 }, 1);
  const printed = (text: string, timeNs: bigint, inLine: boolean): LogChunk => ({
    stream: 'stdout',
    bytes: Buffer.from(text),
    printed: { timeNs, inLine },
  });
  const hits = [printed('a nee', 1_000_000_001n, false), printed('dle\n', 2_000_000_002n, true)];
  expect(hits.flatMap((chunk) => [...search.add(chunk)].flat())).toMatchObject([
    { time: '1970-01-01T00:00:01.000000001Z' },
  ]);
});
