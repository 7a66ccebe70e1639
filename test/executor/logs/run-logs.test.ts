import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LogFiles } from '../../../src/executor/logs/files.ts';
import { createRunLogs, type RunLogs } from '../../../src/executor/logs/run-logs.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { Clock, LogChunk, LogQuery } from '../../../src/scheduler/ports.ts';
import { append } from './append.ts';

let root: string;
let sequence = 0;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'carillon-logs-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const bytes = (text: string): Uint8Array => Buffer.from(text);
const folder = (): string => join(root, `f${++sequence}`);

async function collect(chunks: AsyncIterable<LogChunk>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk.bytes);
  return Buffer.concat(parts).toString();
}

/** How many bytes the text says were dropped before it, and the rest of the text. */
function split(text: string): [dropped: number, kept: string] {
  const [line = '', count = '0'] = /^\[carillon: ([\d,]+) bytes? of output [^\n]*\]\n/.exec(text) ?? [];
  return [Number(count.replaceAll(',', '')), text.slice(line.length)];
}

describe('the files of one launch', () => {
  const following = { clock: realClock, ended: () => true };

  async function files(bytesPerStream: number): Promise<LogFiles> {
    const directory = folder();
    await mkdir(directory);
    return new LogFiles(directory, bytesPerStream);
  }

  test('tail gives what splitting all lines gives, over both generations', async () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'é', ' '), maxLength: 40 });
    const printed = fc.array(fc.tuple(line, fc.constantFrom('\n', '\n', '')), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(printed, fc.nat(70), async (pieces, tail) => {
        const log = await files(600);
        for (const [text, end] of pieces) await append(log, 'stdout', bytes(text + end));
        const [dropped, kept] = split(await collect(log.read({}, following)));
        const lines = kept.match(/[^\n]*\n|[^\n]+$/g) ?? [];
        const wanted = tail === 0 ? '' : lines.slice(-tail).join('');
        expect(split(await collect(log.read({ tail }, following)))[1]).toBe(wanted);
        const all = bytes(pieces.flat().join(''));
        expect(Buffer.from(all).subarray(dropped).toString()).toBe(kept);
      }),
      { numRuns: 60 },
    );
  });

  test('what is kept is the end, at least half of the bound and at most all of it', async () => {
    const log = await files(1000);
    for (let n = 1000; n < 2000; n++) await append(log, 'stderr', bytes(`${n}\n`));
    const kept = await collect(log.read({}, following));
    expect(kept.endsWith('1998\n1999\n')).toBe(true);
    expect(kept.length).toBeGreaterThanOrEqual(500);
    expect(await log.bytes()).toBeLessThanOrEqual(1000);
  });

  test('one piece larger than the bound is cut to its end', async () => {
    const log = await files(1000);
    await append(log, 'stdout', bytes(`${'x'.repeat(50_000)}end`));
    expect(await log.bytes()).toBeLessThanOrEqual(1000);
    expect(await collect(log.read({}, following))).toMatch(/^\[carillon: 49,503 .*\]\nx+end$/);
  });

  test('what was dropped is said in its place, with its number, also to a reader of another process', async () => {
    const log = await files(1000);
    for (let n = 1000; n < 2000; n++) await append(log, 'stdout', bytes(`${n}\n`));
    await append(log, 'stderr', bytes('all of it\n'));
    const again = new LogFiles(log.path('stdout').replace('/stdout', ''), 1000);
    for (const reader of [log, again]) {
      const [dropped, kept] = split(await collect(reader.read({ stream: 'stdout' }, following)));
      expect(dropped + kept.length).toBe(5000);
      expect(dropped).toBe(await reader.dropped('stdout'));
      expect(await collect(reader.read({ stream: 'stderr' }, following))).toBe('all of it\n');
      expect(await collect(reader.read({ stream: 'stdout', tail: 1 }, following))).toBe('1999\n');
      expect(await collect(reader.read({ stream: 'stdout', tail: 0 }, following))).toBe('');
    }
  });

  test('a follower that output is cut away from is told how much it missed, on a line of its own', async () => {
    const log = await files(1000);
    await append(log, 'stdout', bytes('begun'));
    let ended = false;
    const reading = log.read({ follow: true }, { clock: realClock, ended: () => ended });
    const first = await reading.next();
    expect(Buffer.from(first.value?.bytes ?? []).toString()).toBe('begun');
    await append(log, 'stdout', bytes('x'.repeat(2000)));
    ended = true;
    expect(await collect(reading)).toBe(
      `\n[carillon: 1,500 bytes of output were dropped here]\n${'x'.repeat(500)}`,
    );
  });

  test('a follower neither repeats nor misses a line while files are cut, or moved', async () => {
    const log = await files(4096);
    let ended = false;
    let read = '';
    let printed = '';
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const reading = (async () => {
      for await (const chunk of log.read({ follow: true }, { clock: realClock, ended: () => ended })) {
        read += Buffer.from(chunk.bytes).toString();
        while (!ended && printed.length - read.length < 1000) await turn(); // Lags on purpose.
      }
    })();
    for (let n = 0; n < 400; n++) {
      const line = `line ${n} ${'.'.repeat(n % 50)}\n`;
      printed += line;
      await append(log, 'stdout', bytes(line));
      if (n === 200) await log.moveTo(folder());
      // The reader may lag by what is kept and no more, else the oldest is gone for it as for everybody.
      while (printed.length - read.length > 1500) await turn();
    }
    ended = true;
    await reading;
    expect(read).toBe(printed);
  });

  test('a file that somebody else cut is read on from its start', async () => {
    const log = await files(10_000);
    await append(log, 'stdout', bytes('before\n'));
    let ended = false;
    let read = '';
    for await (const chunk of log.read({ follow: true }, { clock: realClock, ended: () => ended })) {
      read += Buffer.from(chunk.bytes).toString();
      if (read === 'before\n') await writeFile(log.path('stdout'), 'new\n');
      else ended = true;
    }
    expect(read).toBe('before\nnew\n');
  });
});

describe('the kept logs', () => {
  const names = async (dir: string): Promise<string[]> => (await readdir(dir)).sort();
  const read = (logs: RunLogs, name: string, query: LogQuery = {}) =>
    collect(logs.read(name, query, () => true));

  /** A clock that stands where it is put. */
  function standingClock(): Clock & { at: number } {
    return {
      ...realClock,
      at: realClock.now(),
      now() {
        return this.at;
      },
    };
  }

  /** Keeps these pieces of one stream under a name. */
  const copy = (logs: RunLogs, name: string, ...pieces: readonly string[]) => logs.copy(name, each(pieces));

  async function* each(pieces: readonly string[]): AsyncGenerator<LogChunk> {
    for (const piece of pieces) yield { stream: 'stdout', bytes: bytes(piece) };
  }

  test('what was copied is read, by this and by a later node, until it is discarded', async () => {
    const dir = folder();
    const logs = createRunLogs({ dir, clock: realClock });
    await copy(logs, 'a', 'one\n', 'two\n');
    expect(await read(logs, 'a')).toBe('one\ntwo\n');
    expect(await read(createRunLogs({ dir, clock: realClock }), 'a', { tail: 1 })).toBe('two\n');
    await logs.discard('a');
    await expect(read(logs, 'a')).rejects.toMatchObject({ code: 'LOGS_GONE' });
  });

  test('a copy that is cut short is not kept, and one that is made again is kept once', async () => {
    const dir = folder();
    const logs = createRunLogs({ dir, clock: realClock, totalBytes: 1_500 });
    await copy(logs, 'first', 'x'.repeat(500));
    await copy(logs, 'a', 'x'.repeat(500));
    const cut = async function* () {
      yield* each(['x'.repeat(500)]);
      throw new Error('the engine is gone');
    };
    await expect(logs.copy('a', cut())).rejects.toThrow('the engine is gone');
    await expect(read(logs, 'a')).rejects.toMatchObject({ code: 'LOGS_GONE' });
    for (const end of ['one', 'two']) await copy(logs, 'a', 'x'.repeat(500), end);
    expect(await read(logs, 'a')).toBe(`${'x'.repeat(500)}two`);
    expect(await names(dir)).toEqual(['a', 'first']);
  });

  test('what an older release kept in two files is read', async () => {
    const dir = folder();
    await mkdir(join(dir, 'a'), { recursive: true });
    await writeFile(join(dir, 'a', 'stdout'), 'newest\n');
    await writeFile(join(dir, 'a', 'stdout.old'), 'older\n');
    await writeFile(join(dir, 'a', 'stdout.dropped'), '100');
    await writeFile(join(dir, 'a', 'stderr'), 'error\n');
    const logs = createRunLogs({ dir, clock: realClock });
    const dropped = '[carillon: 100 bytes of output were dropped here]\n';
    expect(await read(logs, 'a')).toBe(`${dropped}older\nnewest\nerror\n`);
    const after = { stdout: 106, stderr: 3 };
    expect(await read(logs, 'a', { after, timestamps: true })).toBe('newest\nor\n');
  });

  test('the oldest go when all together are too long, and the account survives a restart', async () => {
    const dir = folder();
    const options = { dir, clock: realClock, totalBytes: 500 };
    for (const name of ['a', 'b', 'c', 'd']) {
      await copy(createRunLogs(options), name, 'x'.repeat(100));
    }
    expect(await names(dir)).toEqual(['c', 'd']);
  });

  test('the oldest go when there are too many', async () => {
    const dir = folder();
    const logs = createRunLogs({ dir, clock: realClock, maxCount: 3 });
    for (const name of ['e', 'd', 'c', 'b', 'a']) await copy(logs, name, 'x');
    expect(await names(dir)).toEqual(['a', 'b', 'c']);
  });

  test('what is too old goes, except what was copied again', async () => {
    const [dir, clock] = [folder(), standingClock()];
    const logs = createRunLogs({ dir, clock, maxAgeMs: 1000 });
    await copy(logs, 'a', 'x');
    await copy(logs, 'b', 'x');
    clock.at += 900;
    await copy(logs, 'a', 'x');
    clock.at += 900;
    await copy(logs, 'c', 'x');
    expect(await names(dir)).toEqual(['a', 'c']);
  });

  test('handing over the same files twice keeps them once', async () => {
    const [dir, source] = [folder(), folder()];
    await mkdir(source);
    const logs = createRunLogs({ dir, clock: realClock });
    const files = new LogFiles(source, 1000);
    await append(files, 'stdout', bytes('kept\n'));
    await logs.keep('a', files);
    await logs.keep('a', new LogFiles(source, 1000));
    expect(await read(logs, 'a')).toBe('kept\n');
  });
});
