/**
 * A segment of the log: the writes of one commit as compressed text. It names its term and number, so that
 * two segments are equal only if they are the same commit's.
 */

import { gunzipSync, gzipSync } from 'node:zlib';
import { CarillonError } from '../errors.ts';
import type { Write, WriteGroup } from '../scheduler/write.ts';
import {
  decodeJob,
  decodeLine,
  decodeRevision,
  decodeRun,
  decodeState,
  decodeStats,
  encodeJob,
  encodeLine,
  encodeRevision,
  encodeRun,
  encodeState,
  encodeStats,
  type Stored,
} from './codec.ts';

const VERSION = 1;
/** Shorter texts stay readable; longer ones are worth the work. */
const COMPRESS_FROM = 1_024;
/** The first byte of what gzip makes; no JSON text begins with it. */
const GZIP = 0x1f;

export interface Segment {
  readonly term: number;
  readonly seq: number;
  /** Up to where the tables were complete when this was written. */
  readonly checkpoint: number;
  readonly writes: readonly Write[];
}

type StoredWrite = readonly [kind: Write['kind'], key: string, value: Stored, more?: number];

export function encodeSegment(
  { term, seq, checkpoint }: Omit<Segment, 'writes'>,
  groups: readonly WriteGroup[],
): { readonly text: string; readonly data: Buffer } {
  const writes = groups.flat().map(encodeWrite);
  const text = JSON.stringify({ v: VERSION, term, seq, checkpoint, writes });
  return { text, data: packText(text) };
}

/** `segment` as it lies in the log, or as the text that it was made of. */
export function decodeSegment(segment: Buffer | string): Segment {
  const stored = typeof segment === 'string' ? JSON.parse(segment) : unpack(segment);
  const { v, term, seq, checkpoint, writes } = stored as {
    v: number;
    writes: StoredWrite[];
  } & Omit<Segment, 'writes'>;
  if (v !== VERSION)
    throw new CarillonError('STORE_UNAVAILABLE', `segment ${seq} of the log was written by a later version`);
  return { term, seq, checkpoint, writes: writes.map(decodeWrite) };
}

/** JSON, compressed where that pays. */
export function pack(value: object): Buffer {
  return packText(JSON.stringify(value));
}

function packText(text: string): Buffer {
  const data = Buffer.from(text);
  return data.length < COMPRESS_FROM ? data : gzipSync(data, { level: 1 });
}

export function unpack(data: Buffer): Stored {
  return JSON.parse((data[0] === GZIP ? gunzipSync(data) : data).toString());
}

function encodeWrite(write: Write): StoredWrite {
  const { kind } = write;
  switch (kind) {
    case 'job':
      return [kind, write.job.name, encodeJob(write.job)];
    case 'job-removed':
      return [kind, write.name, encodeRevision(write.revision), write.revision.revision];
    case 'state':
      return [kind, write.state.name, encodeState(write.state)];
    case 'stats':
      return [kind, write.stats.name, encodeStats(write.stats)];
    case 'run':
    case 'run-ended':
      return [kind, '', encodeRun(write.run)];
    case 'ledger':
      return [kind, write.line.job, encodeLine(write.line), write.line.from];
  }
}

function decodeWrite([kind, key, value, more = 0]: StoredWrite): Write {
  switch (kind) {
    case 'job':
      return { kind, job: decodeJob(key, value) };
    case 'job-removed':
      return { kind, name: key, revision: decodeRevision(key, more, value) };
    case 'state':
      return { kind, state: decodeState(key, value) };
    case 'stats':
      return { kind, stats: decodeStats(key, value) };
    case 'run':
    case 'run-ended':
      return { kind, run: decodeRun(value) };
    case 'ledger':
      return { kind, line: decodeLine(key, more, value) };
  }
}
