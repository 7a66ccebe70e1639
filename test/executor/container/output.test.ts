/** Output of an engine as readers ask for it: positions count from its oldest entry, as long as nothing was dropped. */

import { describe, expect, test, vi } from 'vitest';
import { type OutputSource, wantedOutput } from '../../../src/executor/container/output.ts';
import type { LogChunk, LogQuery } from '../../../src/scheduler/ports.ts';

const entry = (stream: LogChunk['stream'], text: string): LogChunk => ({ stream, bytes: Buffer.from(text) });
const entries = [entry('stdout', 'a\n'), entry('stderr', 'bb\n'), entry('stdout', 'ccc\n')];

/** What is read, with the position behind it. */
async function read(query: LogQuery, source: Partial<OutputSource> = {}): Promise<unknown[]> {
  const all = async function* () {
    yield* entries;
  };
  const found: unknown[] = [];
  for await (const { stream, bytes, next } of wantedOutput(query, {
    ...{ read: all, isCut: async () => false, ...source },
  }))
    found.push([stream, Buffer.from(bytes).toString(), next && `${next.stdout}:${next.stderr}`]);
  return found;
}

const [a, b, c] = [
  ['stdout', 'a\n', '2:0'],
  ['stderr', 'bb\n', '2:3'],
  ['stdout', 'ccc\n', '6:3'],
];
const isCut = async () => true;

describe('output that an engine keeps', () => {
  test.each<[string, LogQuery, unknown[]]>([
    ['from its beginning', {}, [a, b, c]],
    ['behind a position', { after: { stdout: 2, stderr: 0 } }, [b, c]],
    ['behind a position in the middle', { after: { stdout: 3, stderr: 3 } }, [['stdout', 'cc\n', '6:3']]],
    ['behind a position, whatever the tail', { after: { stdout: 2, stderr: 3 }, tail: 3 }, [c]],
    ['behind its end', { after: { stdout: 6, stderr: 3 } }, []],
    ['its last lines, followed', { tail: 2, follow: true }, [b, c]],
    ['all its lines, preceded by its beginning', { tail: 3, follow: true }, [['stdout', '', '0:0'], a, b, c]],
  ])('%s', async (_, query, found) => {
    expect(await read(query)).toEqual(found);
  });

  test('a stream that is not read stays where its reader was', async () => {
    const stdout = async function* () {
      yield entry('stdout', 'a\n');
      yield entry('stdout', 'ccc\n');
    };
    expect(await read({ stream: 'stdout', after: { stdout: 2, stderr: 3 } }, { read: stdout })).toEqual([c]);
  });

  test('continued within a line, its time stands before the next line only', async () => {
    const printed = { timeNs: 1n, inLine: false };
    const timed = async function* () {
      for (const each of entries) yield { ...each, printed };
    };
    const inLine = async (query: LogQuery) => {
      const found: unknown[] = [];
      for await (const chunk of wantedOutput(query, { read: timed, isCut: async () => false }))
        if (chunk.bytes.length > 0) found.push([Buffer.from(chunk.bytes).toString(), chunk.printed?.inLine]);
      return found;
    };
    expect(await inLine({ after: { stdout: 1, stderr: 3 } })).toEqual([
      ['\n', true],
      ['ccc\n', false],
    ]);
    expect(await inLine({ tail: 1, follow: true })).toEqual([['ccc\n', false]]);
  });

  test('its last lines are taken as the engine finds them where nobody continues', async () => {
    const readTail = async function* (count: number) {
      yield* entries.slice(-count);
    };
    const whole = vi.fn(async function* () {
      yield* entries;
    });
    const found = await read({ tail: 2 }, { readTail, read: whole });
    expect(found).toEqual([b, c].map(([stream, text]) => [stream, text, undefined]));
    expect(whole).not.toHaveBeenCalled();
    expect(await read({ tail: 0 }, { readTail, read: whole })).toEqual([]);
    expect(await read({ tail: 2, follow: true }, { readTail })).toEqual([b, c]);
  });

  test('its last lines are whole if the engine has them in pieces', async () => {
    const pieces = ['before\n', 'a ', 'long ', 'line\n', 'end\n'].map((text) => entry('stdout', text));
    const source = {
      read: async function* () {
        yield* pieces;
      },
      readTail: async function* (count: number) {
        yield* pieces.slice(-count);
      },
    };
    const last = async (tail: number) =>
      (await read({ tail }, source)).map((found) => (found as string[])[1]);
    expect((await last(1)).join('')).toBe('end\n');
    expect((await last(2)).join('')).toBe('a long line\nend\n');
    expect((await last(3)).join('')).toBe('before\na long line\nend\n');
  });

  test('whose oldest the engine has dropped says so, and all that is left comes to who continues', async () => {
    const line = '[carillon: older output was dropped by the engine here]\n';
    expect(await read({}, { isCut })).toEqual([['stdout', line, undefined], a, b, c]);
    const again =
      '[carillon: the engine dropped output; everything that is left follows and may repeat output above]\n';
    const after = { stdout: 2, stderr: 3 };
    expect(await read({ after }, { isCut })).toEqual([['stdout', again, undefined], a, b, c]);
  });
});
