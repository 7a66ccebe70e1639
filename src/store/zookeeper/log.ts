/**
 * Segments as nodes. One that is too large for a node lies in parts beside it, which are there before the
 * segment itself is.
 */

import { CarillonError } from '../../errors.ts';
import { parseSegment, type Segment } from '../segment.ts';
import { segmentPath } from './paths.ts';
import type { ZooKeeperSession } from './wire/session.ts';

/** Of one node: well below the server's 1 MiB for a whole request. */
const MAX_NODE_BYTES = 512 * 1024;

/** What a segment of several parts has in its place; no segment begins like this. */
const PARTS = Buffer.from('parts:');

export interface LogNodes {
  /** Goes into the segment's own node. */
  readonly node: Buffer;
  /** To be created before it. */
  readonly parts: readonly { readonly path: string; readonly data: Buffer }[];
}

/** Parts are named after the term as well: an older leader's leftovers are never taken for them. */
export function toNodes(term: number, seq: number, data: Buffer): LogNodes {
  if (data.length <= MAX_NODE_BYTES) return { node: data, parts: [] };
  const count = Math.ceil(data.length / MAX_NODE_BYTES);
  const parts = Array.from({ length: count }, (_, i) => ({
    path: `${segmentPath(seq)}-${term}-${i}`,
    data: data.subarray(i * MAX_NODE_BYTES, (i + 1) * MAX_NODE_BYTES),
  }));
  return { node: Buffer.concat([PARTS, Buffer.from(parts.map(({ path }) => path).join(' '))]), parts };
}

export async function readSegment(
  session: Pick<ZooKeeperSession, 'getMany'>,
  node: Buffer,
): Promise<Segment> {
  if (!node.subarray(0, PARTS.length).equals(PARTS)) return parseSegment(node);
  const names = node.subarray(PARTS.length).toString().split(' ');
  const parts = await session.getMany(names);
  const data = Buffer.concat(
    parts.map((part) => {
      if (part === null) throw new CarillonError('STORE_UNAVAILABLE', 'a segment of the log is not complete');
      return part.data;
    }),
  );
  return parseSegment(data);
}

/** Whose number a node in the log has: segments and parts alike. */
export const seqOf = (name: string): number => Number.parseInt(name, 10);
