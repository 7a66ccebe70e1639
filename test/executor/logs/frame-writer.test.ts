/** Output that is written in frames, against what FrameLog reads of it. */

import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FrameLog } from '../../../src/executor/logs/frame-log.ts';
import { writeFrames } from '../../../src/executor/logs/frame-writer.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { LogChunk, LogPosition, LogQuery } from '../../../src/scheduler/ports.ts';

let root: string;
let sequence = 0;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'carillon-writer-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

type Piece = readonly [stream: LogChunk['stream'], text: string, timeNs?: bigint];

async function written(
  pieces: readonly Piece[],
  logBytes = 1_000_000,
): Promise<{ dir: string; log: FrameLog }> {
  const dir = join(root, `d${++sequence}`);
  mkdirSync(dir);
  const output = async function* (): AsyncGenerator<LogChunk> {
    for (const [stream, text, timeNs] of pieces)
      yield {
        stream,
        bytes: Buffer.from(text),
        ...(timeNs !== undefined && { printed: { timeNs, inLine: false } }),
      };
  };
  await writeFrames(dir, logBytes, output());
  return { dir, log: FrameLog.keptIn(dir) };
}

async function read(log: FrameLog, query: LogQuery = {}): Promise<LogChunk[]> {
  const chunks: LogChunk[] = [];
  for await (const chunk of log.read(query, { clock: realClock, ended: () => true })) chunks.push(chunk);
  return chunks;
}

const textOf = (chunks: readonly LogChunk[]): string =>
  Buffer.concat(chunks.map(({ bytes }) => bytes)).toString();

describe('output written in frames', () => {
  test('is read in its order, in one file, each piece with the time that is known', async () => {
    const { dir, log } = await written([
      ['stdout', '[carillon: a line of ours]\n'],
      ['stdout', 'one\n', 1n],
      ['stderr', 'two ', 2n],
      ['stdout', 'three\n', 3n],
      ['stderr', 'end\n', 4n],
    ]);
    expect(readdirSync(dir)).toEqual(['output']);
    const timed = await read(log, { timestamps: true });
    expect(textOf(timed)).toBe('[carillon: a line of ours]\none\ntwo three\nend\n');
    expect(timed.map(({ printed }) => printed)).toEqual([
      undefined,
      { timeNs: 1n, inLine: false },
      { timeNs: 2n, inLine: false },
      { timeNs: 3n, inLine: false },
      { timeNs: 4n, inLine: true },
    ]);
  });

  test('nothing is nothing', async () => {
    const { log } = await written([]);
    expect([await log.exists(), await read(log), await log.bytesDropped()]).toEqual([true, [], 0]);
  });

  test('one piece that is larger than a frame is whole', async () => {
    const text = 'x'.repeat(200_000);
    const { log } = await written([['stderr', text, 1n]]);
    expect(textOf(await read(log))).toBe(text);
  });

  test.each([1_000, 10_000, 100_000])(
    'keeps its beginning and its end within %i bytes, and tells between two lines what is missing',
    async (bound) => {
      const lines = Array.from({ length: 30_000 }, (_, n) => `line ${n}\n`);
      const { dir, log } = await written(
        lines.map((line) => ['stdout', line, 1n] as const),
        bound,
      );
      const text = textOf(await read(log));
      const all = lines.join('');
      const [line = '', count = ''] =
        /^\[carillon: ([\d,]+) bytes of output were dropped here\]\n/m.exec(text) ?? [];
      const dropped = Number(count.replaceAll(',', ''));
      const before = text.indexOf(line);
      expect(text).toBe(`${all.slice(0, before)}${line}${all.slice(before + dropped)}`);
      expect(all[before + dropped - 1]).toBe('\n');
      expect(dropped).toBe(await log.bytesDropped());
      expect(await log.bytes()).toBeLessThan(bound + 200);
      // A frame's head has 16 bytes, and a line at least 7.
      expect(before).toBeGreaterThan((bound / 4) * (7 / 23) - 23);
      expect(all.length - before - dropped).toBeGreaterThan(((bound * 3) / 8) * (7 / 23) - 23);
      expect(readdirSync(dir)).toHaveLength(3);
    },
  );

  test('a line without an end is cut where the bound is', async () => {
    const pieces = Array.from({ length: 50 }, () => ['stdout', 'x'.repeat(1_000), 1n] as const);
    const { log } = await written(pieces, 10_000);
    const text = textOf(await read(log));
    const [, before = '', count = '', after = ''] =
      /^(x+)\n\[carillon: ([\d,]+) bytes of output were dropped here\]\n(x+)$/.exec(text) ?? [];
    expect(before.length + Number(count.replaceAll(',', '')) + after.length).toBe(50_000);
    expect(await log.bytes()).toBeLessThan(10_000);
  });

  test('continues after any position that a reader had, whatever was dropped', async () => {
    const piece = fc.tuple(
      fc.constantFrom('stdout' as const, 'stderr' as const),
      fc.stringMatching(/^[ab\n]{1,30}$/),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 100, max: 900 }),
        async (pieces, bound) => {
          const { log } = await written(pieces, bound);
          const printed = { stdout: 0, stderr: 0 };
          for (const [stream, text] of pieces) printed[stream] += text.length;
          const all = await read(log, { timestamps: true });
          expect(all.at(-1)?.next).toEqual(printed);
          const dropped = textOf(all).matchAll(/carillon: ([\d,]+) byte/g);
          const counts = [...dropped].map(([, count = '']) => Number(count.replaceAll(',', '')));
          expect(counts.reduce((sum, count) => sum + count, 0)).toBe(await log.bytesDropped());
          for (const [index, { next }] of all.entries()) {
            const rest = await read(log, { after: next as LogPosition });
            expect(textOf(rest)).toBe(textOf(all.slice(index + 1)));
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
