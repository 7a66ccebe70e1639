/**
 * An archive of the logs that this node keeps, in a bucket: one object for each launch, with the files as they are kept. A
 * log is final once it is kept, so it is uploaded once; a mark beside its files says that it was. What has no mark is found
 * again at the next start, and tried again until the bucket takes it.
 */

import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { CarillonError } from '../../errors.ts';
import type { ArchiveFigures } from '../../scheduler/handle.ts';
import type { Clock, Log, LogChunk, LogQuery, Service } from '../../scheduler/ports.ts';
import { sleep } from '../../scheduler/waiting.ts';
import { LogFiles } from './files.ts';
import { FrameLog, keptPath } from './frame-log.ts';
import { writeFrames } from './frame-writer.ts';
import { isLaunchName, logsGone } from './run-logs.ts';
import type { S3Bucket } from './s3-bucket.ts';

/** Uploads at once. */
const width = 4;
const firstDelayMs = 1_000;
const longestDelayMs = 60_000;
const mark = 'archived';
/** The first line of an object: the number and the size of each file of which it consists. */
const headForm = /^carillon-output 1((?: \d+:\d+)+)$/;
const maxHeadBytes = 256;

export interface LogArchiveParts {
  /** Where the logs are kept, one directory each. */
  readonly dir: string;
  readonly logBytes: number;
  readonly bucket: Pick<S3Bucket, 'put' | 'get'>;
  /** For people. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
}

interface Part {
  readonly number: number;
  readonly bytes: number;
}

export class LogArchive implements Service {
  readonly #parts: LogArchiveParts;
  readonly #stop = new AbortController();
  readonly #waiting = new Set<string>();
  #uploading = 0;
  #working: Promise<void> | null = null;
  #isAway = false;
  #uploaded = 0;
  #failed = 0;

  constructor(parts: LogArchiveParts) {
    this.#parts = parts;
  }

  /** Finds what was kept and not uploaded before. */
  async start(): Promise<void> {
    const { dir } = this.#parts;
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await rm(this.#readDirectory, { recursive: true, force: true });
    for (const name of (await readdir(dir)).filter(isLaunchName))
      if (!(await exists(join(dir, name, mark)))) this.#waiting.add(name);
    this.#work();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#working;
  }

  figures(): ArchiveFigures {
    return { uploaded: this.#uploaded, failed: this.#failed, waiting: this.#waiting.size + this.#uploading };
  }

  /** Uploads what was kept under this name, also if something else was before. */
  async add(launchName: string): Promise<void> {
    await rm(join(this.#parts.dir, launchName, mark), { force: true });
    this.#waiting.add(launchName);
    this.#work();
  }

  /** LOGS_GONE if it is not in the bucket, or may be and the bucket does not respond: then it names the bucket. */
  async *read(launchName: string, query: LogQuery): AsyncGenerator<LogChunk, void, undefined> {
    if (!isLaunchName(launchName)) throw logsGone(launchName);
    const { clock } = this.#parts;
    const directory = join(this.#readDirectory, randomUUID());
    await mkdir(directory, { recursive: true, mode: 0o700 });
    try {
      await this.#download(launchName, directory);
      yield* FrameLog.keptIn(directory).read({ ...query, follow: false }, { clock, ended: () => true });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  get #readDirectory(): string {
    return join(this.#parts.dir, '.archived');
  }

  #work(): void {
    this.#working ??= this.#uploadAll().finally(() => {
      this.#working = null;
      // Added after the last look.
      if (this.#waiting.size > 0 && !this.#stop.signal.aborted) this.#work();
    });
  }

  async #uploadAll(): Promise<void> {
    const { clock } = this.#parts;
    let delayMs = firstDelayMs;
    while (this.#waiting.size > 0 && !this.#stop.signal.aborted) {
      const names = [...this.#waiting].slice(0, width);
      const errors = (await Promise.all(names.map((name) => this.#upload(name)))).filter(
        (error) => error !== null,
      );
      if (this.#stop.signal.aborted) return;
      this.#tell(errors[0] ?? null);
      if (errors.length === 0) delayMs = firstDelayMs;
      else {
        await sleep(clock, delayMs, this.#stop.signal);
        delayMs = Math.min(2 * delayMs, longestDelayMs);
      }
    }
  }

  /** Once for each outage. */
  #tell(error: Error | null): void {
    const { log, name: archive } = this.#parts;
    if (error !== null && !this.#isAway) log.warn({ archive, error: error.message }, 'archive.failed');
    if (error === null && this.#isAway) log.info({ archive }, 'archive.recovered');
    this.#isAway = error !== null;
  }

  async #upload(launchName: string): Promise<Error | null> {
    this.#waiting.delete(launchName);
    this.#uploading++;
    try {
      await this.#put(launchName, join(this.#parts.dir, launchName));
      return null;
    } catch (error) {
      // At the end: others must not wait for it.
      this.#waiting.add(launchName);
      if (!this.#stop.signal.aborted) this.#failed++;
      return error as Error;
    } finally {
      this.#uploading--;
    }
  }

  async #put(launchName: string, directory: string): Promise<void> {
    if (await exists(keptPath(directory, 0))) await this.#putFrames(launchName, directory);
    else if (await exists(join(directory, 'stdout'))) await this.#putStreams(launchName, directory);
    // Removed in the meantime: it was too old, or there was no room for it.
    else return;
    this.#uploaded++;
    await writeFile(join(directory, mark), '').catch(() => undefined);
  }

  /** Two files, of a process under the shell supervisor, as frames. */
  async #putStreams(launchName: string, directory: string): Promise<void> {
    const { clock, logBytes } = this.#parts;
    const frames = join(this.#readDirectory, randomUUID());
    await mkdir(frames, { recursive: true, mode: 0o700 });
    try {
      const output = new LogFiles(directory, logBytes).read({}, { clock, ended: () => true });
      await writeFrames(frames, logBytes, output);
      await this.#putFrames(launchName, frames);
    } finally {
      await rm(frames, { recursive: true, force: true });
    }
  }

  async #putFrames(launchName: string, directory: string): Promise<void> {
    const parts = await partsIn(directory);
    const head = `carillon-output 1${parts.map(({ number, bytes }) => ` ${number}:${bytes}`).join('')}\n`;
    const bytes = parts.reduce((sum, part) => sum + part.bytes, head.length);
    const body = Readable.from(content(head, directory, parts), { objectMode: false });
    try {
      await this.#parts.bucket.put(launchName, bytes, body, this.#stop.signal);
    } finally {
      body.destroy();
    }
  }

  async #download(launchName: string, directory: string): Promise<void> {
    const { bucket, name } = this.#parts;
    const found = await bucket
      .get(launchName, this.#stop.signal, (body) => restore(body, directory))
      .catch((error: Error) => {
        throw new CarillonError(
          'LOGS_GONE',
          `The output of ${launchName} may be in the archive, which cannot be read at the moment (${error.message}).`,
          { value: launchName, names: [name] },
        );
      });
    if (!found) throw logsGone(launchName);
  }
}

async function* content(head: string, directory: string, parts: readonly Part[]): AsyncGenerator<Uint8Array> {
  yield Buffer.from(head);
  for (const { number, bytes } of parts)
    if (bytes > 0) yield* createReadStream(keptPath(directory, number), { end: bytes - 1 });
}

async function partsIn(directory: string): Promise<Part[]> {
  const names = await readdir(directory);
  const numbers = names.flatMap((name) => {
    const [, number] = /^output(?:\.(\d+))?$/.exec(name) ?? [null];
    return number === null ? [] : [Number(number ?? 0)];
  });
  return Promise.all(
    numbers
      .sort((a, b) => a - b)
      .map(async (number) => ({ number, bytes: (await stat(keptPath(directory, number))).size })),
  );
}

/** Writes the files of an object. Fails unless they are whole. */
async function restore(body: AsyncIterable<Uint8Array>, directory: string): Promise<void> {
  const pieces = body[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  const more = async (): Promise<void> => {
    const { done, value } = await pieces.next();
    if (done) throw new Error('the object is not whole');
    rest = Buffer.concat([rest, value]);
  };
  try {
    while (!rest.includes('\n') && rest.length < maxHeadBytes) await more();
    const [head = ''] = rest.toString('latin1', 0, maxHeadBytes).split('\n', 1);
    const parts = headForm.exec(head)?.[1]?.trim().split(' ');
    if (parts === undefined) throw new Error('the object is not an output');
    rest = rest.subarray(head.length + 1);
    for (const part of parts) {
      const [number = 0, bytes = 0] = part.split(':').map(Number);
      const file = await open(keptPath(directory, number), 'wx', 0o600);
      try {
        for (let left = bytes; left > 0; ) {
          if (rest.length === 0) await more();
          const some = rest.subarray(0, left);
          await file.appendFile(some);
          left -= some.length;
          rest = rest.subarray(some.length);
        }
      } finally {
        await file.close();
      }
    }
  } finally {
    await pieces.return?.();
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
