/**
 * Log segments as nodes. A segment that is too large for a node is split into parts beside it, which are
 * created before the segment itself.
 */

import { CarillonError } from '../../errors.ts';
import { parseSegment, type Segment } from '../segment.ts';
import { segmentPath } from './paths.ts';
import type { ZooKeeperSession } from './wire/session.ts';

/** Maximum size of one node: well below the server's 1 MiB for a whole request. */
const MAX_NODE_BYTES = 512 * 1024;

/** The content of a segment's node if it has parts; no segment starts like this. */
const PARTS = Buffer.from('parts:');

export interface LogNodes {
  /** Content of the segment's own node. */
  readonly node: Buffer;
  /** Nodes to create before it. */
  readonly parts: readonly { readonly path: string; readonly data: Buffer }[];
}

/** Part names include the term, so that an older leader's leftovers are never used. */
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
      if (part === null) throw new CarillonError('STORE_UNAVAILABLE', 'A segment of the log is incomplete.');
      return part.data;
    }),
  );
  return parseSegment(data);
}

/** The segment number of a log node, for segments and parts. */
export const seqOf = (name: string): number => Number.parseInt(name, 10);
