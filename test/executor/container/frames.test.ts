import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countLines, FrameParser, readFrames, skipLines } from '../../../src/executor/container/frames.ts';
import { jsonLines } from '../../../src/executor/docker/lines.ts';
import type { LogChunk } from '../../../src/scheduler/ports.ts';

const kinds = { stdout: 1, stderr: 2 } as const;

function frame({ stream, bytes }: LogChunk, time = '2026-11-29T03:00:00.000000000Z'): Buffer {
  const payload = Buffer.concat([Buffer.from(`${time} `), bytes]);
  const header = Buffer.alloc(8);
  header[0] = kinds[stream];
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** Neighbours of one stream joined, so that only content and order count. */
function joined(chunks: readonly LogChunk[]): { stream: string; text: string }[] {
  const all: { stream: string; text: string }[] = [];
  for (const { stream, bytes } of chunks) {
    const text = Buffer.from(bytes).toString('latin1');
    if (text === '') continue;
    if (all.at(-1)?.stream === stream) all.at(-1)!.text += text;
    else all.push({ stream, text });
  }
  return all;
}

async function* portions(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const chunk = fc.record({
  stream: fc.constantFrom('stdout' as const, 'stderr' as const),
  bytes: fc.uint8Array({ maxLength: 40 }),
});
const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 10 });

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of source) all.push(value);
  return all;
}

async function* each<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}

describe('frames', () => {
  test('come out as they went in, whatever the portions', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(chunk), sizes, async (chunks, portionSizes) => {
        const bytes = Buffer.concat(chunks.map((each) => frame(each)));
        const read = await collect(readFrames(portions(bytes, portionSizes)));
        expect(joined(read)).toEqual(joined(chunks));
      }),
    );
  });

  test('are passed on before they are whole', () => {
    const bytes = frame({ stream: 'stderr', bytes: Buffer.from('abcdef') });
    const parser = new FrameParser();
    expect(joined(parser.push(bytes.subarray(0, -4)))).toEqual([{ stream: 'stderr', text: 'ab' }]);
    expect(joined(parser.push(bytes.subarray(-4)))).toEqual([{ stream: 'stderr', text: 'cdef' }]);
  });

  test.each([
    ['2026-11-29T03:00:00.123456789Z', '1795921200123456789'],
    ['2026-11-29T04:30:00.5+01:30', '1795921200500000000'],
    ['2026-11-29T03:00:00Z', '1795921200000000000'],
  ])('have the time %s, also in portions', async (time, timeNs) => {
    const bytes = frame({ stream: 'stdout', bytes: Buffer.from('a b\n') }, time);
    const printed = { timeNs: BigInt(timeNs), inLine: false };
    expect(new FrameParser().push(bytes)).toMatchObject([{ bytes: Buffer.from('a b\n'), printed }]);
    expect((await collect(readFrames(portions(bytes, [1]))))[0]).toMatchObject({ printed });
  });

  test('continue a line of their own stream only', () => {
    const texts = [
      ['stdout', 'long '],
      ['stderr', 'between\n'],
      ['stdout', 'line\n'],
      ['stdout', 'next\n'],
    ] as const;
    const bytes = texts.map(([stream, text]) => frame({ stream, bytes: Buffer.from(text) }));
    const read = new FrameParser().push(Buffer.concat(bytes));
    expect(read.map(({ printed }) => printed?.inLine)).toEqual([false, false, true, false]);
  });

  test.each([
    ['of a line without one', 'text without a time\n'],
    ['that never ends', `2026-11-29T03:00:00.${'0'.repeat(100_000)}`],
    ['that is cut off', '2026-11-29T03:0'],
  ])('with a time %s are refused', (_, text) => {
    const header = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
    header.writeUInt32BE(text.length, 4);
    const bytes = Buffer.concat([header, Buffer.from(text)]);
    expect(() => new FrameParser().push(bytes)).toThrow('has no times');
  });

  test('are read no faster than they are wanted', async () => {
    let produced = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        produced++;
        yield frame({ stream: 'stdout', bytes: Buffer.from('line\n') });
      }
    }
    const reader = readFrames(endless());
    for (let i = 0; i < 3; i++) await reader.next();
    expect(produced).toBe(3);
    await reader.return(undefined);
  });

  test.each([['plain text\n'], ['\u0003\0\0\0\0\0\0\u0001x'], ['\u0001\0\u0001\0\0\0\0\u0001x']])(
    '%j is none',
    (text) => {
      expect(() => new FrameParser().push(Buffer.from(text, 'latin1'))).toThrow('has no frames');
    },
  );
});

describe('lines of a log', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '\n'), maxLength: 30 });
  const linesOf = (whole: string): string[] => whole.match(/[^\n]*\n|[^\n]+$/g) ?? [];

  test('are counted and skipped as if the text were whole', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(text), fc.nat({ max: 10 }), async (parts, tail) => {
        const chunks = parts.map((part) => ({ stream: 'stdout' as const, bytes: Buffer.from(part) }));
        const lines = linesOf(parts.join(''));
        expect(await countLines(each(chunks))).toBe(lines.length);
        const skipped = Math.max(0, lines.length - tail);
        const rest = await collect(skipLines(each(chunks), skipped));
        expect(rest.map(({ bytes }) => Buffer.from(bytes).toString()).join('')).toBe(
          lines.slice(skipped).join(''),
        );
      }),
    );
  });
});

describe('JSON lines', () => {
  test('come out whole, whatever the portions', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue()), sizes, async (values, portionSizes) => {
        const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\r\n`).join(''));
        const read = await collect(jsonLines(portions(bytes, portionSizes)));
        expect(JSON.stringify(read)).toBe(JSON.stringify(values));
      }),
    );
  });

  test('that never end are given up', async () => {
    const endless = each(Array.from({ length: 3 }, () => Buffer.alloc(512 * 1024, 'x')));
    await expect(collect(jsonLines(endless))).rejects.toThrow('the engine sent a line with more than');
  });
});
