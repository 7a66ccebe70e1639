/** Output in frames: what readers get of it, against what was printed. */

import { appendFileSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { FrameLog } from '../../../src/executor/logs/frame-log.ts';
import { FrameReader, frameOf } from '../../../src/executor/logs/frames.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { LogChunk, LogPosition, LogQuery } from '../../../src/scheduler/ports.ts';

type Stream = LogChunk['stream'];
let root: string;
let sequence = 0;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'carillon-frames-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Writes as the supervisor does: launch.h. */
class Printer {
  readonly path = join(root, `launch-${++sequence}`);
  readonly log = new FrameLog(this.path, (part) => `${this.path}.${part}`);
  readonly #at = { stdout: 0, stderr: 0 };
  #part = 0;

  constructor() {
    const status = Buffer.from(this.#status());
    writeFileSync(this.path, Buffer.concat([status, Buffer.alloc(2_048 - status.length)]));
  }

  print(stream: Stream, text: string, timeNs = 0n): void {
    this.#write(stream === 'stdout' ? 0 : 1, Buffer.from(text), timeNs);
    this.#at[stream] += Buffer.byteLength(text);
  }

  /** Begins the next part, and removes the one before the last. */
  async turn(): Promise<void> {
    this.#part += 1;
    this.positions();
    const file = await open(this.path, 'r+');
    await file.write(this.#status(), 0);
    await file.close();
    if (this.#part > 2) unlinkSync(`${this.path}.${this.#part - 2}`);
  }

  /** Output of which the disk had no room for anything. */
  lose(stream: Stream, bytes: number): void {
    this.#at[stream] += bytes;
  }

  positions(): void {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64LE(BigInt(this.#at.stdout), 0);
    bytes.writeBigUInt64LE(BigInt(this.#at.stderr), 8);
    this.#write(3, bytes, 0n);
  }

  #write(kind: number, bytes: Buffer, timeNs: bigint): void {
    const head = Buffer.alloc(16);
    head.writeBigUInt64LE(timeNs, 0);
    head.writeUInt32LE(bytes.length, 8);
    head.writeUInt32LE(kind, 12);
    const path = this.#part === 0 ? this.path : `${this.path}.${this.#part}`;
    appendFileSync(path, Buffer.concat([head, bytes]));
  }

  #status(): string {
    return `carillon-launch 1 002048 ${String(this.#part).padStart(10, '0')} ${'0'.repeat(15)}\n`;
  }
}

const ended = { clock: realClock, ended: () => true };

async function read(log: FrameLog, query: LogQuery = {}): Promise<LogChunk[]> {
  const chunks: LogChunk[] = [];
  for await (const chunk of log.read(query, ended)) chunks.push(chunk);
  return chunks;
}

const textOf = (chunks: readonly LogChunk[], stream?: Stream): string =>
  Buffer.concat(
    chunks.filter((chunk) => stream === undefined || chunk.stream === stream).map(({ bytes }) => bytes),
  ).toString();

const printed = fc.array(
  fc.record({
    stream: fc.constantFrom<Stream>('stdout', 'stderr'),
    text: fc.stringMatching(/^[ab\n]{1,9}$/),
    turn: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
);

describe('output in frames', () => {
  test('is read in the order in which it was printed, with times', async () => {
    const printer = new Printer();
    printer.print('stdout', 'one\n', 1n);
    printer.print('stderr', 'two\nth', 2n);
    printer.print('stdout', 'four\n', 3n);
    printer.print('stderr', 'ree\n', 4n);
    expect(textOf(await read(printer.log))).toBe('one\ntwo\nthfour\nree\n');
    const timed = await read(printer.log, { timestamps: true });
    expect(timed.map(({ stream, printed }) => [stream, printed])).toEqual([
      ['stdout', { timeNs: 1n, inLine: false }],
      ['stderr', { timeNs: 2n, inLine: false }],
      ['stdout', { timeNs: 3n, inLine: false }],
      ['stderr', { timeNs: 4n, inLine: true }],
    ]);
    expect(textOf(await read(printer.log, { stream: 'stderr' }))).toBe('two\nthree\n');
  });

  test('whose middle was removed has a line in its place, with the number of bytes', async () => {
    const printer = new Printer();
    for (let part = 0; part < 5; part++) {
      printer.print('stdout', `part ${part}\n`);
      printer.print('stderr', `err ${part}\n`);
      await printer.turn();
    }
    printer.print('stdout', 'last\n');
    const dropped = (bytes: number) => `[carillon: ${bytes} bytes of output were dropped here]\n`;
    const whole = await read(printer.log);
    expect(textOf(whole, 'stdout')).toBe(`part 0\n${dropped(21)}part 4\nlast\n`);
    expect(textOf(whole, 'stderr')).toBe(`err 0\n${dropped(18)}err 4\n`);
    expect(textOf(await read(printer.log, { stream: 'stdout' }))).toBe(textOf(whole, 'stdout'));
  });

  test('for which the disk had no room has a line in its place', async () => {
    const printer = new Printer();
    printer.print('stdout', 'before');
    printer.lose('stdout', 100);
    printer.positions();
    printer.print('stdout', 'after\n');
    expect(textOf(await read(printer.log))).toBe(
      'before\n[carillon: 100 bytes of output were dropped here]\nafter\n',
    );
  });

  test('for which the disk had no room again and again has one line in its place', async () => {
    const printer = new Printer();
    printer.print('stdout', 'before\n');
    for (let time = 0; time < 3; time++) {
      printer.lose('stdout', 10);
      printer.positions();
    }
    printer.print('stdout', 'after\n');
    expect(textOf(await read(printer.log))).toBe(
      'before\n[carillon: 30 bytes of output were dropped here]\nafter\n',
    );
  });

  test('continues after any position that a reader had', async () => {
    const streams = fc.constantFrom<Stream | undefined>(undefined, 'stdout', 'stderr');
    await fc.assert(
      fc.asyncProperty(printed, streams, async (pieces, stream) => {
        const printer = new Printer();
        for (const { stream: to, text } of pieces) printer.print(to, text);
        const query = stream === undefined ? {} : { stream };
        const all = await read(printer.log, { ...query, timestamps: true });
        for (const [index, { next }] of all.entries()) {
          const rest = await read(printer.log, { ...query, after: next as LogPosition });
          expect(textOf(rest)).toBe(textOf(all.slice(index + 1)));
        }
      }),
      { numRuns: 40 },
    );
  });

  test('has the last lines of each stream, over all parts', async () => {
    await fc.assert(
      fc.asyncProperty(printed, fc.integer({ min: 1, max: 5 }), async (pieces, tail) => {
        const printer = new Printer();
        let turns = 0;
        for (const { stream, text, turn } of pieces) {
          printer.print(stream, text);
          // All parts are kept.
          if (turn && turns++ < 2) await printer.turn();
        }
        const chunks = await read(printer.log, { tail });
        for (const stream of ['stdout', 'stderr'] as const) {
          const all = pieces
            .filter((piece) => piece.stream === stream)
            .map(({ text }) => text)
            .join('');
          const lines = all.split(/(?<=\n)/).filter((line) => line !== '');
          expect(textOf(chunks, stream)).toBe(lines.slice(-tail).join(''));
        }
      }),
      { numRuns: 60 },
    );
  });

  test('after a loss of power is read on from what is there', async () => {
    const printer = new Printer();
    printer.print('stdout', 'kept\n');
    let isOver = false;
    let text = '';
    const clock = {
      ...realClock,
      after: (_: number, callback: () => void) => {
        if (!isOver) printer.print('stdout', 'new\n');
        isOver = true;
        return realClock.after(0, callback);
      },
    };
    const query = { follow: true, after: { stdout: 1_000, stderr: 0 } };
    for await (const { bytes } of printer.log.read(query, { clock, ended: () => isOver }))
      text += Buffer.from(bytes).toString();
    expect(text).toBe('new\n');
  });

  test('is neither repeated nor missed by a follower while parts begin, and when it moves', async () => {
    const printer = new Printer();
    const clock = {
      ...realClock,
      after: (_: number, callback: () => void) => realClock.after(0, callback),
    };
    let isOver = false;
    let text = '';
    const following = (async () => {
      for await (const { bytes } of printer.log.read({ follow: true }, { clock, ended: () => isOver }))
        text += Buffer.from(bytes).toString();
    })();
    let all = '';
    for (let line = 0; line < 200; line++) {
      printer.print('stdout', `${line}\n`);
      all += `${line}\n`;
      if (line % 20 !== 0) continue;
      while (text !== all) await new Promise((resolve) => setImmediate(resolve));
      await printer.turn();
    }
    await printer.log.moveTo(join(root, `kept-${++sequence}`));
    isOver = true;
    await following;
    expect(text).toBe(all);
  });

  test.each([
    ['empty', Buffer.alloc(0)],
    ['of zeros, as after a loss of power', Buffer.alloc(10_000)],
    ['of another program', Buffer.from('hello\n'.repeat(1_000))],
  ])('in a file that is %s has nothing', async (_, bytes) => {
    const path = join(root, `damaged-${++sequence}`);
    writeFileSync(path, bytes);
    const log = new FrameLog(path, (part) => `${path}.${part}`);
    expect([await read(log), await log.bytesDropped()]).toEqual([[], 0]);
  });

  test.each([
    ['a frame that cannot be', Buffer.alloc(64, 0xff)],
    ['positions that are too short', frameOf({ timeNs: 1n, kind: 3, bytes: Buffer.alloc(8) })],
  ])('with %s is read up to it', async (_, bytes) => {
    const printer = new Printer();
    printer.print('stdout', 'good\n');
    appendFileSync(printer.path, bytes);
    expect(textOf(await read(printer.log))).toBe('good\n');
  });

  test('behind a frame that cannot be is not taken in by each read of a follower', async () => {
    const printer = new Printer();
    printer.print('stdout', 'good\n');
    appendFileSync(printer.path, Buffer.alloc(1_000_000, 0xff));
    const file = await open(printer.path);
    const reader = new FrameReader(file, 2_048);
    expect(await reader.frames()).toMatchObject([{ bytes: Buffer.from('good\n') }]);
    expect(await reader.frames()).toEqual([]);
    const reads = vi.spyOn(file, 'read');
    expect(await reader.frames()).toEqual([]);
    expect(reads).not.toHaveBeenCalled();
    await reader.close();
  });
});
