/**
 * A segment of the log: the writes of one commit as compressed text. It names its term and number, so that
 * two segments are equal only if they are the same commit's. What is written keeps its stored form until
 * somebody wants the value.
 */

import { gunzipSync, gzipSync } from 'node:zlib';
import { CarillonError } from '../errors.ts';
import type { Write, WriteGroup } from '../scheduler/model/write.ts';
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

/** `key` is the name of the job or the id of the run; `more` a revision or the first instant of a line. */
export type StoredWrite = readonly [kind: Write['kind'], key: string, value: Stored, more?: number];

export interface Segment {
  readonly term: number;
  readonly seq: number;
  /** Up to where the tables were complete when this was written. */
  readonly checkpoint: number;
  readonly writes: readonly StoredWrite[];
}

export function encodeSegment(segment: Segment): Buffer {
  return pack({ v: VERSION, ...segment });
}

export function parseSegment(data: Buffer): Segment {
  const { v, ...segment } = unpack(data) as unknown as { v: number } & Segment;
  if (v === VERSION) return segment;
  throw new CarillonError(
    'STORE_UNAVAILABLE',
    `segment ${segment.seq} of the log was written by a later version`,
  );
}

/** JSON, compressed where that pays. */
export function pack(value: object): Buffer {
  const data = Buffer.from(JSON.stringify(value));
  return data.length < COMPRESS_FROM ? data : gzipSync(data, { level: 1 });
}

export function unpack(data: Buffer): Stored {
  return JSON.parse((data[0] === GZIP ? gunzipSync(data) : data).toString());
}

/** Shares nothing that changes with the writes. */
export function encodeWrites(groups: readonly WriteGroup[]): StoredWrite[] {
  return groups.flatMap((group) => group.map(encodeWrite));
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
      return [kind, write.run.id, encodeRun(write.run)];
    case 'ledger':
      return [kind, write.line.job, encodeLine(write.line), write.line.from];
  }
}

/** Values that nobody else has; each call makes new ones. */
export function decodeWrite([kind, key, value, more = 0]: StoredWrite): Write {
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
