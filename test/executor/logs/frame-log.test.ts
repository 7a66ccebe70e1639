/** Output in frames that no supervisor writes on a healthy disk. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FrameLog } from '../../../src/executor/logs/frame-log.ts';
import { FrameReader, frameKind } from '../../../src/executor/logs/frames.ts';
import { realClock } from '../../../src/node/clock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-frames-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function frame(kind: number, bytes: Buffer, size = bytes.length): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(size, 8);
  head.writeUInt32LE(kind, 12);
  return Buffer.concat([head, bytes]);
}

const printed = (text: string): Buffer => frame(frameKind.stdout, Buffer.from(text));

function positions(stdout: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(BigInt(stdout), 0);
  return frame(frameKind.positions, bytes);
}

async function textOf(...frames: readonly Buffer[]): Promise<string> {
  const path = join(folder, 'launch');
  const status = Buffer.from('carillon-launch 1 000052 0000000000 000000000000000\n');
  writeFileSync(path, Buffer.concat([status, ...frames]));
  const output = new FrameLog(path, (part) => `${path}.${part}`);
  const parts: Uint8Array[] = [];
  for await (const { bytes } of output.read({}, { clock: realClock, ended: () => true })) parts.push(bytes);
  return Buffer.concat(parts).toString();
}

test('one line tells of all that a full disk had no room for in a row', async () => {
  const text = await textOf(printed('a\n'), positions(12), positions(22), positions(32), printed('b\n'));
  expect(text).toBe('a\n[carillon: 30 bytes of output were dropped here]\nb\n');
});

test('what follows a damaged frame is not read', async () => {
  const damaged = [printed('a\n'), frame(frameKind.stdout, Buffer.alloc(4_000_000), 0xffff_ffff)];
  expect(await textOf(...damaged)).toBe('a\n');
  const file = await open(join(folder, 'launch'));
  const reader = new FrameReader(file, 52);
  expect((await reader.frames()).length).toBe(1);
  expect(await reader.frames()).toEqual([]);
  // A follower asks again and again.
  let bytesRead = 0;
  const read = file.read.bind(file);
  file.read = (async (...args: Parameters<typeof read>) => {
    const result = await read(...args);
    bytesRead += result.bytesRead;
    return result;
  }) as typeof file.read;
  expect(await reader.frames()).toEqual([]);
  expect(bytesRead).toBe(0);
  await reader.close();
});
