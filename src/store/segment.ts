/**
 * A segment of the log: the records of one commit as compressed text. It contains its term and number, so
 * that two segments are equal only if they are from the same commit. Records keep their stored form until a
 * value is needed.
 */

import { gunzipSync, gzipSync } from 'node:zlib';
import { type Stored, type StoredRecord, tooNew } from '../scheduler/records/kind.ts';
import { formatOf, newest, newestFormat } from '../scheduler/records/stored.ts';

/** Shorter texts stay readable; compressing longer ones is worth the time. */
const COMPRESS_FROM = 1_024;
/** The first byte of gzip output; no JSON text starts with it. */
const GZIP = 0x1f;

export interface Segment {
  readonly term: number;
  readonly seq: number;
  /** The checkpoint when this was written: the tables were complete up to there. */
  readonly checkpoint: number;
  readonly writes: readonly StoredRecord[];
}

/** `v` is the format that its records need, so that earlier releases stop at it and do not misread it. */
export function encodeSegment(segment: Segment): Buffer {
  return pack({ v: formatOf(segment.writes), ...segment });
}

/** Its records in their newest versions. STORE_TOO_NEW. */
export function parseSegment(data: Buffer): Segment {
  const { v, ...segment } = unpack(data) as unknown as { v: number } & Segment;
  if (v > newestFormat) throw tooNew(`Segment ${segment.seq} of the log in ZooKeeper (format ${v})`);
  return { ...segment, writes: segment.writes.map(newest) };
}

/** JSON, compressed if that pays. */
export function pack(value: object): Buffer {
  const data = Buffer.from(JSON.stringify(value));
  return data.length < COMPRESS_FROM ? data : gzipSync(data, { level: 1 });
}

export function unpack(data: Buffer): Stored {
  return JSON.parse((data[0] === GZIP ? gunzipSync(data) : data).toString());
}
