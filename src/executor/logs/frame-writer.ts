/** Writes output in frames as supervisor/launch.h does: the first part and the last two are kept. FrameLog reads it. */

import { type FileHandle, open, rm } from 'node:fs/promises';
import type { LogChunk } from '../../scheduler/ports.ts';
import { keptPath } from './frame-log.ts';
import {
  frameHead,
  frameKind,
  frameOf,
  maxFrameBytes,
  partBounds,
  statusBytes,
  statusLine,
} from './frames.ts';

const newline = 0x0a;
/** Frames are written together once they have this size. */
const blockBytes = 64 * 1024;

/** Writes the output of one launch into an empty directory. */
export async function writeFrames(
  directory: string,
  logBytes: number,
  output: AsyncIterable<LogChunk>,
): Promise<void> {
  const writer = await FrameWriter.create(directory, logBytes);
  try {
    for await (const chunk of output) await writer.write(chunk);
    await writer.flush();
  } finally {
    await writer.close();
  }
}

class FrameWriter {
  readonly #directory: string;
  readonly #bounds: ReturnType<typeof partBounds>;
  readonly #first: FileHandle;
  readonly #printed = { stdout: 0, stderr: 0 };
  #part = 0;
  #file: FileHandle;
  /** Of the newest part. */
  #bytes = 0;
  #unwritten: Buffer[] = [];
  #unwrittenBytes = 0;
  /** Bytes printed before the second part, and before each of the two newest. */
  #beforeSecond = 0;
  #beforeNewest: readonly [older: number, newest: number] = [0, 0];

  private constructor(directory: string, logBytes: number, first: FileHandle) {
    this.#directory = directory;
    this.#bounds = partBounds(logBytes);
    this.#first = first;
    this.#file = first;
  }

  static async create(directory: string, logBytes: number): Promise<FrameWriter> {
    const file = await open(keptPath(directory, 0), 'wx', 0o600);
    const writer = new FrameWriter(directory, logBytes, file);
    await file.appendFile(Buffer.alloc(statusBytes));
    await writer.#noteParts(0);
    return writer;
  }

  async write({ stream, bytes, printed }: LogChunk): Promise<void> {
    for (let from = 0; from < bytes.length; from += maxFrameBytes)
      await this.#print(stream, bytes.subarray(from, from + maxFrameBytes), printed?.timeNs ?? 0n);
  }

  async close(): Promise<void> {
    await this.#file.close();
    if (this.#file !== this.#first) await this.#first.close();
  }

  /** A part ends with a line if that line ends in these bytes. */
  async #print(stream: LogChunk['stream'], bytes: Uint8Array, timeNs: bigint): Promise<void> {
    const bound = this.#part === 0 ? this.#bounds.first : this.#bounds.further;
    const fits = this.#bytes + frameHead + bytes.length <= bound;
    const end = fits ? bytes.length : this.#bytes < bound ? bytes.lastIndexOf(newline) + 1 : 0;
    await this.#keep(stream, bytes.subarray(0, end), timeNs);
    if (fits) return;
    await this.#beginPart();
    await this.#keep(stream, bytes.subarray(end), timeNs);
  }

  async #keep(stream: LogChunk['stream'], bytes: Uint8Array, timeNs: bigint): Promise<void> {
    if (bytes.length === 0) return;
    this.#add(frameOf({ timeNs, kind: frameKind[stream], bytes }));
    this.#printed[stream] += bytes.length;
    if (this.#unwrittenBytes >= blockBytes) await this.flush();
  }

  #add(frame: Buffer): void {
    this.#unwritten.push(frame);
    this.#unwrittenBytes += frame.length;
    this.#bytes += frame.length;
  }

  async flush(): Promise<void> {
    const bytes = Buffer.concat(this.#unwritten);
    this.#unwritten = [];
    this.#unwrittenBytes = 0;
    await this.#file.appendFile(bytes);
  }

  /** Begins the next part and removes the one before the last. */
  async #beginPart(): Promise<void> {
    await this.flush();
    if (this.#file !== this.#first) await this.#file.close();
    this.#part += 1;
    this.#file = await open(keptPath(this.#directory, this.#part), 'wx', 0o600);
    this.#bytes = 0;
    const { stdout, stderr } = this.#printed;
    const positions = Buffer.alloc(16);
    positions.writeBigUInt64LE(BigInt(stdout), 0);
    positions.writeBigUInt64LE(BigInt(stderr), 8);
    this.#add(frameOf({ timeNs: 0n, kind: frameKind.positions, bytes: positions }));
    await this.flush();
    this.#beforeNewest = [this.#beforeNewest[1], stdout + stderr];
    if (this.#part === 1) this.#beforeSecond = stdout + stderr;
    await this.#noteParts(this.#part > 2 ? this.#beforeNewest[0] - this.#beforeSecond : 0);
    if (this.#part > 2) await rm(keptPath(this.#directory, this.#part - 2));
  }

  async #noteParts(dropped: number): Promise<void> {
    await this.#first.write(statusLine({ begin: statusBytes, newest: this.#part, dropped }), 0);
  }
}
