/** Output as lines: chunks of two streams, in any pieces. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogLines, matching, mostLines, type Stream } from '../../web/src/run/log-lines.ts';

const texts = (lines: LogLines) => lines.lines.map(({ text }) => text);

function linesOf(...chunks: (readonly [Stream, string])[]): LogLines {
  const lines = new LogLines();
  for (const [stream, text] of chunks) lines.add([{ stream, text }]);
  return lines;
}

describe('the lines of an output', () => {
  it.each<[string, (readonly [Stream, string])[], string[]]>([
    [
      'a line in two pieces is one',
      [
        ['stdout', 'a'],
        ['stdout', 'b\n'],
      ],
      ['ab'],
    ],
    ['a line that is not ended is shown already', [['stdout', 'a\nb']], ['a', 'b']],
    ['an empty line is a line', [['stdout', 'a\n\nb\n']], ['a', '', 'b']],
    [
      'the other stream does not cut a line in two',
      [
        ['stdout', 'a'],
        ['stderr', 'x\n'],
        ['stdout', 'b\n'],
      ],
      ['ab', 'x'],
    ],
    ['what was written over is gone', [['stdout', '10 %\r20 %\r30 %\n']], ['30 %']],
    ['a line end of Windows is a line end', [['stdout', 'a\r\nb\r\n']], ['a', 'b']],
    ['the colours of terminals are left out', [['stdout', '\u001b[1;31mred\u001b[0m\n']], ['red']],
  ])('%s', (_, chunks, expected) => {
    expect(texts(linesOf(...chunks))).toEqual(expected);
  });

  it('are the same however the text is cut', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n'), maxLength: 60 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(60), { maxLength: 6 }), (whole, cuts) => {
        const places = [
          0,
          ...cuts.map((cut) => Math.min(cut, whole.length)).sort((a, b) => a - b),
          whole.length,
        ];
        const pieces = places.slice(1).map((place, i) => ['stdout', whole.slice(places[i], place)] as const);
        const expected = whole.split('\n');
        if (expected.at(-1) === '') expected.pop();
        expect(texts(linesOf(...pieces))).toEqual(expected);
      }),
    );
  });

  it('are bounded, and say how many were dropped', () => {
    const lines = linesOf(['stdout', 'x\n'.repeat(mostLines + 7)]);
    expect(lines.lines).toHaveLength(mostLines);
    expect(lines.dropped).toBe(7);
  });

  it('go on where the open line was dropped', () => {
    const lines = linesOf(['stderr', 'open'], ['stdout', 'x\n'.repeat(mostLines)], ['stderr', ' end\n']);
    expect(texts(lines).at(-1)).toBe(' end');
  });

  it('are found by part, in any case, in the streams asked for', () => {
    const { lines } = linesOf(['stdout', 'Hello\n'], ['stderr', 'hell\n'], ['stdout', 'other\n']);
    const found = (streams: readonly Stream[], text: string) =>
      matching(lines, { streams, text }).map((line) => line.text);
    expect(found(['stdout', 'stderr'], 'HELL')).toEqual(['Hello', 'hell']);
    expect(found(['stderr'], '')).toEqual(['hell']);
    expect(found(['stdout', 'stderr'], '')).toHaveLength(3);
  });
});

describe('times of lines', () => {
  const [first, second] = ['2026-11-29T03:00:00.123456789Z', '2026-11-29T03:00:01.000000000Z'];

  it('are taken off the text, once for a line in pieces', () => {
    const lines = new LogLines();
    lines.add([
      { stream: 'stdout', text: `${first} a`, timed: true },
      { stream: 'stderr', text: `${second} x\n`, timed: true },
      { stream: 'stdout', text: `b\n${second} c\n`, timed: true },
    ]);
    expect(lines.lines.map(({ text, time }) => [text, time])).toEqual([
      ['ab', first],
      ['x', second],
      ['c', second],
    ]);
  });

  it('that a job prints by itself stay in the text', () => {
    const lines = new LogLines();
    lines.add([{ stream: 'stdout', text: `${first} a\n` }]);
    expect(lines.lines.map(({ text, time }) => [text, time])).toEqual([[`${first} a`, null]]);
  });
});
