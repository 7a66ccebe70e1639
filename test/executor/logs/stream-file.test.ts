/** Offsets count from the first byte ever printed, whoever opens the files, and whenever the one before was killed. */

import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { rename, stat, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LogFiles } from '../../../src/executor/logs/files.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { LogPosition, LogQuery } from '../../../src/scheduler/ports.ts';
import { append } from './append.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'carillon-offsets-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const folder = (): string => mkdtempSync(join(root, 'f'));
/** Of each offset another text, as far as a test can see. */
const printed = Array.from({ length: 4_000 }, (_, n) => `${n.toString().padStart(4)}\n`).join('');
const begin: LogPosition = { stdout: 0, stderr: 0 };

/** What a reader gets whose files were opened anew; each byte must be that of its offset. */
async function read(files: LogFiles, query: LogQuery) {
  let [text, dropped] = ['', 0];
  let next = query.after ?? begin;
  for await (const chunk of files.read(query, { clock: realClock, ended: () => true })) {
    const piece = Buffer.from(chunk.bytes).toString();
    const count = /^\n?\[carillon: ([\d,]+) bytes? of output (?:was|were) dropped here\]\n$/.exec(piece)?.[1];
    const from = (chunk.next as LogPosition)[chunk.stream] - (count === undefined ? piece.length : 0);
    if (count === undefined) {
      expect(piece).toBe(printed.slice(from, from + piece.length));
      text += piece;
    } else dropped += Number(count.replaceAll(',', ''));
    expect(from).toBe(next[chunk.stream] + (count === undefined ? 0 : Number(count.replaceAll(',', ''))));
    next = chunk.next as LogPosition;
  }
  return { text, dropped, next };
}

test('a reader of any object continues where another one ended; what was dropped in between is counted', async () => {
  const step = fc.record({ size: fc.nat(900), opensAnew: fc.boolean(), reads: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const directory = folder();
      let files = new LogFiles(directory, 600);
      let [position, had, length] = [begin, 0, 0];
      for (const { size, opensAnew, reads } of steps) {
        if (opensAnew) files = new LogFiles(directory, 600);
        await append(files, 'stdout', Buffer.from(printed.slice(length, length + size)));
        length += size;
        if (!reads) continue;
        const { text, dropped, next } = await read(files, { after: position });
        had += text.length + dropped;
        expect([had, next]).toEqual([length, { stdout: length, stderr: 0 }]);
        position = next;
      }
      const anew = new LogFiles(directory, 600);
      const whole = await read(anew, {});
      expect(whole.dropped).toBe(await anew.dropped('stdout'));
      expect(whole.dropped + whole.text.length).toBe(length);
    }),
    { numRuns: 60 },
  );
});

test('the last lines are preceded by their position, and what is not asked for stays where it was', async () => {
  const files = new LogFiles(folder(), 10_000);
  await append(files, 'stdout', Buffer.from(printed.slice(0, 50)));
  await append(files, 'stderr', Buffer.from(printed.slice(0, 25)));
  const positions: unknown[] = [];
  for await (const { next, bytes } of files.read({ tail: 2 }, { clock: realClock, ended: () => true }))
    positions.push([bytes.length, next]);
  expect(positions).toEqual([
    [0, { stdout: 40, stderr: 15 }],
    [10, { stdout: 50, stderr: 15 }],
    [10, { stdout: 50, stderr: 25 }],
  ]);
  const after = { stdout: 10, stderr: 20 };
  expect((await read(files, { stream: 'stdout', after, tail: 1 })).next).toEqual({ stdout: 50, stderr: 20 });
});

test('a position behind the end is the end, for this reader only', async () => {
  const files = new LogFiles(folder(), 10_000);
  await append(files, 'stdout', Buffer.from(printed.slice(0, 50)));
  const after = { stdout: 9_000, stderr: 7 };
  expect(await read(files, { after: { stdout: 50, stderr: 0 } })).toMatchObject({ text: '' });
  for await (const chunk of files.read({ after }, { clock: realClock, ended: () => true }))
    expect(chunk).toBe('nothing');
  expect((await read(files, {})).text).toBe(printed.slice(0, 50));
});

test('dropped output that ended within a line is told of on a line of its own, to a later reader too', async () => {
  const directory = folder();
  await append(new LogFiles(directory, 100), 'stdout', Buffer.from(printed.slice(0, 500)));
  const first: string[] = [];
  const reading = new LogFiles(directory, 100).read(
    { after: { stdout: 13, stderr: 0 } },
    { clock: realClock, ended: () => true },
  );
  for await (const { bytes } of reading) first.push(Buffer.from(bytes).toString());
  expect(first).toEqual(['\n[carillon: 437 bytes of output were dropped here]\n', printed.slice(450, 500)]);
});

test('more output than is kept, printed while a file is cut, leaves no gap in what is kept', async () => {
  const files = new LogFiles(folder(), 1_000);
  let length = 0;
  const print = (size: number) => {
    appendFileSync(files.path('stdout'), printed.slice(length, length + size));
    length += size;
  };
  for (let round = 0; round < 12; round++) {
    print(700);
    let cutting = true;
    const cut = files.trim().finally(() => {
      cutting = false;
    });
    const isCopied = () =>
      statSync(`${files.path('stdout')}.old.next`, { throwIfNoEntry: false })?.size === 500;
    while (cutting && !isCopied()) await new Promise((resolve) => setImmediate(resolve));
    print(800);
    await cut;
    const { text, dropped } = await read(files, {});
    expect(dropped + text.length).toBe(length);
  }
});

/** 40 bytes in the older generation from offset 100 on, 60 in the newest file; of these the last 30 are to be kept. */
test.each([
  ['before anything was moved', 0, 100],
  ['before the newest file was emptied', 1, 140],
  ['before what is gone was noted', 2, 170],
  ['at its very end', 3, 170],
])('a process killed during a cut, %s, leaves each byte at its offset', async (_, steps, dropped) => {
  const path = join(folder(), 'stdout');
  await writeFile(`${path}.dropped`, '100');
  await writeFile(`${path}.old`, printed.slice(100, 140));
  await writeFile(path, printed.slice(140, 200));
  await writeFile(`${path}.old.next`, printed.slice(170, 200));
  await writeFile(`${path}.cut`, `140 ${(await stat(`${path}.old.next`)).ino} 60\n`);
  if (steps > 0) await rename(`${path}.old.next`, `${path}.old`);
  if (steps > 1) await truncate(path, 0);
  if (steps > 2) await writeFile(`${path}.dropped`, '170');
  // The job goes on, by more than was cut.
  appendFileSync(path, printed.slice(200, 290));
  const after = { stdout: 185, stderr: 0 };
  for (const files of [new LogFiles(join(path, '..'), 60), new LogFiles(join(path, '..'), 60)]) {
    expect((await read(files, { after })).text).toBe(printed.slice(185, 290));
    expect(await read(files, {})).toMatchObject({ dropped, text: printed.slice(dropped, 290) });
    expect(await files.dropped('stdout')).toBe(dropped);
  }
  const files = new LogFiles(join(path, '..'), 60);
  await files.trim();
  expect(await read(files, { after })).toMatchObject({ dropped: 75, text: printed.slice(260, 290) });
});

test('a process killed before a cut was noted whole leaves everything as it was', async () => {
  const path = join(folder(), 'stdout');
  await writeFile(path, printed.slice(0, 60));
  await writeFile(`${path}.cut`, '0 123 ');
  const files = new LogFiles(join(path, '..'), 60);
  expect((await read(files, {})).text).toBe(printed.slice(0, 60));
  await expect(unlink(`${path}.cut`)).rejects.toThrow('ENOENT');
});
