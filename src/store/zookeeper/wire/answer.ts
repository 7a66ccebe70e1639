/**
 * Decodes server responses where the library would copy every byte or throw at unknown values. Each function
 * gets the frame and the offset of the response, and throws if the bytes are invalid.
 */

import { noNode, refused, type ZooKeeperError } from './error.ts';
import { loadLibrary } from './library.ts';

export interface NodeData {
  /** A view into the received bytes; never changes. */
  readonly data: Buffer;
  /** Increases by one with each change of the data; 0 for a new node. */
  readonly version: number;
}

const { protocol } = loadLibrary().jute;
/** Type (int), done (boolean) and error (int), before each part of a multi response. */
const multiHeaderBytes = 9;
const errorType = -1;
/** The stat after the data: four longs, three ints, a long, two ints and a long; the version is the first int. */
const statBytes = 68;
const versionInStat = 32;

/** The data as length and bytes, then the stat. */
export function readNode(frame: Buffer, offset: number): { node: NodeData; end: number } {
  // Length -1 means "no data", like an empty buffer.
  const length = Math.max(frame.readInt32BE(offset), 0);
  const stat = offset + 4 + length;
  const node = { data: frame.subarray(offset + 4, stat), version: frame.readInt32BE(stat + versionInStat) };
  return { node, end: stat + statBytes };
}

/** The response to a multiRead: a node or an error per path. */
export function readNodes(frame: Buffer, offset: number, what: string): (NodeData | null)[] {
  const nodes: (NodeData | null)[] = [];
  let at = offset;
  for (;;) {
    const header = readMultiHeader(frame, at);
    at += multiHeaderBytes;
    if (header.done) return nodes;
    if (header.type === errorType) {
      const number = frame.readInt32BE(at);
      if (number !== noNode) throw refused(what, number, nodes.length);
      nodes.push(null);
      at += 4;
    } else {
      const { node, end } = readNode(frame, at);
      nodes.push(node);
      at = end;
    }
  }
}

/**
 * A refused multi has one error per operation: 0 for those before the failed one, its number, and -2 for
 * those not tried. A successful multi has no errors.
 */
export function readRefusal(frame: Buffer, offset: number, what: string): ZooKeeperError | null {
  for (let index = 0, at = offset; ; index++, at += multiHeaderBytes + 4) {
    const header = readMultiHeader(frame, at);
    if (header.done || header.type !== errorType) return null;
    const number = frame.readInt32BE(at + multiHeaderBytes);
    if (number !== 0) return refused(what, number, index);
  }
}

/** Type and path of a watch event. */
export function readNotice(frame: Buffer, offset: number): { readonly type: number; readonly path: string } {
  const event = new protocol.WatcherEvent();
  event.deserialize(frame, offset);
  return event;
}

function readMultiHeader(frame: Buffer, offset: number): { type: number; done: boolean } {
  return { type: frame.readInt32BE(offset), done: frame.readUInt8(offset + 4) === 1 };
}
