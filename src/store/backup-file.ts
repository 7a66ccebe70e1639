/**
 * The backup file: gzip over lines of JSON. The first line identifies the file and its commit, each further
 * line is a record, and the last one has their number and a checksum over all earlier lines. A truncated or
 * changed file is therefore refused, however it was compressed.
 */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import { CarillonError } from '../errors.ts';
import type { StoredRecord } from '../scheduler/records/kind.ts';
import { changesOf, checkRecord, newest, newestFormat } from '../scheduler/records/stored.ts';

/** Bytes per read and write. */
const CHUNK_BYTES = 64 * 1024;
/** Longer than any record: a longer line is no backup and is not kept in memory. */
const MAX_LINE = 128 * 1024 * 1024;

export interface BackupHeader {
  readonly carillon: 'backup';
  /** Store format of the original: a release that only knows earlier formats cannot read it. */
  readonly format: number;
  /** Version of the program that wrote it. */
  readonly version: string;
  readonly takenAt: string;
  readonly installation: string;
  readonly store: 'embedded' | 'zookeeper' | 'memory';
  /** The newest term when it was taken. */
  readonly term: number;
}

export interface BackupSummary {
  readonly header: BackupHeader;
  readonly counts: {
    readonly jobs: number;
    readonly unfinishedRuns: number;
    readonly tokens: number;
    readonly records: number;
  };
}

/** `records` are lines of JSON, in batches. Bytes are produced as fast as they are read. */
export function writeBackup(
  header: Omit<BackupHeader, 'carillon'>,
  records: AsyncIterable<readonly string[]>,
): AsyncIterable<Uint8Array> {
  async function* lines(): AsyncIterable<string> {
    const hash = createHash('sha256');
    const hashed = (text: string): string => {
      hash.update(text);
      return text;
    };
    yield hashed(`${JSON.stringify({ carillon: 'backup', ...header })}\n`);
    let count = 0;
    for await (const some of records) {
      count += some.length;
      if (some.length > 0) yield hashed(`${some.join('\n')}\n`);
    }
    yield `${JSON.stringify({ end: true, records: count, sha256: hash.digest('hex') })}\n`;
  }
  // The reader learns of failures, because the stream fails with them.
  return pipeline(Readable.from(lines()), createGzip({ level: 4, chunkSize: CHUNK_BYTES }), () => undefined);
}

/** Reads the whole file, keeping only names. INVALID_BACKUP says what is wrong. */
export async function checkBackup(path: string): Promise<BackupSummary> {
  const there = { job: new Set<string>(), run: new Set<string>(), token: new Set<string>() };
  let count = 0;
  const { header, records } = await readBackup(path);
  for await (const some of records) {
    count += some.length;
    for (const change of some.flatMap(changesOf)) {
      if (change.does === 'add' || !(change.kind in there)) continue;
      const keys = there[change.kind as keyof typeof there];
      if (change.does === 'put') keys.add(change.key);
      else keys.delete(change.key);
    }
  }
  const { job, run, token } = there;
  const counts = { jobs: job.size, unfinishedRuns: run.size, tokens: token.size, records: count };
  return { header, counts };
}

export interface ReadBackup {
  readonly header: BackupHeader;
  /** Fails with INVALID_BACKUP, at the latest at the end. */
  readonly records: AsyncIterable<readonly StoredRecord[]>;
}

export async function readBackup(path: string): Promise<ReadBackup> {
  const hash = createHash('sha256');
  const lines = linesOf(path);
  const first = await lines.next();
  const header = headerOf(path, first.value?.[0]);
  hash.update(`${first.value?.[0]}\n`);
  async function* records(): AsyncIterable<readonly StoredRecord[]> {
    let count = 0;
    let ended = false;
    const recordsIn = (some: readonly string[]): StoredRecord[] =>
      some.flatMap((line) => {
        const value = parsed(path, line);
        if (ended) throw invalid(path, 'continues after its end');
        if (!Array.isArray(value)) {
          ended = true;
          checkEnd(path, value, { records: count, sha256: hash.digest('hex') });
          return [];
        }
        hash.update(`${line}\n`);
        count += 1;
        return [checkedRecord(path, value)];
      });
    try {
      yield recordsIn((first.value ?? []).slice(1));
      for await (const some of lines) yield recordsIn(some);
    } finally {
      await lines.return(undefined);
    }
    if (!ended) throw invalid(path, 'is truncated');
  }
  return { header, records: records() };
}

async function* linesOf(path: string): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  try {
    const { size } = await regular(path);
    const file = createReadStream(path, { highWaterMark: CHUNK_BYTES });
    const text = pipeline(file, createGunzip({ chunkSize: CHUNK_BYTES }), () => undefined);
    for await (const chunk of text) {
      const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
      rest = lines.pop() as string;
      if (rest.length > MAX_LINE) throw invalid(path, 'has a line that is too long');
      if (lines.length > 0) yield lines;
    }
    // Zeros behind the end are ignored when the file is uncompressed.
    if (text.bytesWritten !== size) throw invalid(path, 'continues after its end');
  } catch (error) {
    throw unreadable(path, error);
  }
  if (rest !== '') throw invalid(path, 'is truncated');
}

/** The file is read twice, so it cannot be a pipe, which might also never end. */
async function regular(path: string): Promise<{ readonly size: number }> {
  const stats = await stat(path);
  if (!stats.isFile()) throw invalid(path, 'is not a regular file');
  return stats;
}

function unreadable(path: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof CarillonError) return error;
  if (code === 'Z_BUF_ERROR') return invalid(path, 'is truncated');
  if (code === 'ENOENT') return invalid(path, 'does not exist');
  return invalid(path, `cannot be read (${message})`);
}

function headerOf(path: string, line: string | undefined): BackupHeader {
  const header = line === undefined ? null : (parsed(path, line) as Partial<BackupHeader> | null);
  if (header?.carillon !== 'backup') throw invalid(path, 'is not a Carillon backup');
  if (typeof header.format !== 'number' || header.format > newestFormat) {
    throw invalid(
      path,
      `was written by a later release (version ${header.version}, format ${header.format}; newest ` +
        `known format: ${newestFormat}); restore it with that release`,
    );
  }
  return header as BackupHeader;
}

function checkEnd(path: string, value: unknown, found: { records: number; sha256: string }): void {
  const { end, records, sha256 } = value as { end?: unknown; records?: unknown; sha256?: unknown };
  if (end !== true) throw invalid(path, 'has a line that is not a record');
  if (records !== found.records || sha256 !== found.sha256) throw invalid(path, 'was changed or damaged');
}

function checkedRecord(path: string, value: unknown): StoredRecord {
  try {
    return newest(checkRecord(value));
  } catch (error) {
    throw invalid(path, `has a record that cannot be read: ${(error as Error).message}`);
  }
}

function parsed(path: string, line: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Falls through.
  }
  throw invalid(path, 'has a line that is not a record');
}

const invalid = (path: string, what: string): CarillonError =>
  new CarillonError('INVALID_BACKUP', `The backup ${path} ${what}. Nothing was restored.`, {
    field: 'file',
    value: path,
    allowed: 'a complete file written by carillon backup',
  });
