/**
 * The requests of a session as values: what to send and how to read the response. The library writes the
 * records; two requests that it does not know (multiRead and sync) are built from its parts. Paths are
 * absolute here, including the chroot.
 */

import { createHash } from 'node:crypto';
import { type NodeData, readNode, readNodes, readRefusal } from './answer.ts';
import type { ZooKeeperError } from './error.ts';
import { type JuteRecord, loadLibrary, type Payload, type TransactionOp } from './library.ts';

/** One request: `read` gets the frame and the offset of the response. */
export interface Call<T> {
  /** For messages: the request, and its node. */
  readonly what: string;
  readonly type: number;
  readonly payload: Payload | null;
  read(frame: Buffer, offset: number): T;
  /** The result for a missing node; without it a missing node is an error. */
  readonly missing?: (() => T) | undefined;
}

export type Op =
  | { readonly kind: 'create'; readonly path: string; readonly data: Uint8Array }
  /** `version` null: any version. */
  | {
      readonly kind: 'set';
      readonly path: string;
      readonly data: Uint8Array;
      readonly version: number | null;
    }
  | { readonly kind: 'remove'; readonly path: string; readonly version: number | null }
  | { readonly kind: 'check'; readonly path: string; readonly version: number };

export type CreateMode = 'persistent' | 'ephemeral' | 'ephemeral-sequential';

const opcode = {
  create: 1,
  remove: 2,
  exists: 3,
  get: 4,
  set: 5,
  getAcl: 6,
  setAcl: 7,
  sync: 9,
  children: 12,
  check: 13,
  multi: 14,
  multiRead: 22,
  close: -11,
} as const;
const flags: Readonly<Record<CreateMode, number>> = {
  persistent: 0,
  ephemeral: 1,
  'ephemeral-sequential': 3,
};
const anyVersion = -1;
const everyPermission = 31;

const { jute } = loadLibrary();
const { protocol } = jute;
const nothing = (): void => {};

/** Who may access what this session creates. */
export type Access = 'everybody' | 'creator';
const acls: Readonly<Record<Access, JuteRecord>> = {
  everybody: new jute.data.ACL(everyPermission, new jute.data.Id('world', 'anyone')),
  creator: new jute.data.ACL(everyPermission, new jute.data.Id('auth', '')),
};

export function getCall(path: string, watch: boolean): Call<NodeData | null> {
  return {
    what: `get ${path}`,
    type: opcode.get,
    payload: new protocol.GetDataRequest(path, watch),
    read: (frame, offset) => readNode(frame, offset).node,
    missing: () => null,
  };
}

export function existsCall(path: string, watch: boolean): Call<boolean> {
  return {
    what: `exists ${path}`,
    type: opcode.exists,
    payload: new protocol.ExistsRequest(path, watch),
    read: () => true,
    missing: () => false,
  };
}

export function childrenCall(path: string, watch: boolean): Call<string[]> {
  return {
    what: `children ${path}`,
    type: opcode.children,
    payload: new protocol.GetChildren2Request(path, watch),
    read(frame, offset) {
      const response = new protocol.GetChildren2Response();
      response.deserialize(frame, offset);
      return response.children ?? [];
    },
  };
}

/** The logins of a session. */
export interface Logins {
  /** The id by which the servers know `user:password`. */
  readonly digest: string | null;
  readonly hasCertificate: boolean;
}

export function digestOf(user: string, password: string): string {
  return `${user}:${createHash('sha1').update(`${user}:${password}`).digest('base64')}`;
}

/** True if somebody without these logins has a permission there. */
export function isOpenCall(path: string, logins: Logins): Call<boolean> {
  return {
    what: `access of ${path}`,
    type: opcode.getAcl,
    payload: new protocol.GetACLRequest(path),
    read(frame, offset) {
      const response = new protocol.GetACLResponse();
      response.deserialize(frame, offset);
      const ids = (response.acl ?? []).map(({ id }) => id);
      const others = ids.filter(({ scheme, id }) => !(scheme === 'digest' && id === logins.digest));
      // The name of a certificate is the servers' own spelling, and only one that is ours could read this.
      const isOurs = logins.hasCertificate && others.length === 1 && others[0]?.scheme === 'x509';
      return others.length > 0 && !isOurs;
    },
    missing: () => false,
  };
}

/** Gives the node to whoever this session is logged in as. */
export function protectCall(path: string): Call<void> {
  return {
    what: `protect ${path}`,
    type: opcode.setAcl,
    payload: new protocol.SetACLRequest(path, [acls.creator], anyVersion),
    read: nothing,
    missing: nothing,
  };
}

export function createCall(path: string, data: Uint8Array, mode: CreateMode, access: Access): Call<string> {
  return {
    what: `create ${path}`,
    type: opcode.create,
    payload: new protocol.CreateRequest(path, asBuffer(data), [acls[access]], flags[mode]),
    read(frame, offset) {
      const response = new protocol.CreateResponse();
      response.deserialize(frame, offset);
      return response.path;
    },
  };
}

/** Returns the error of the operation that failed the whole, or null if all succeeded. */
export function multiCall(ops: readonly Op[], access: Access): Call<ZooKeeperError | null> {
  const what = `multi of ${ops.length}, first ${ops[0]?.kind} ${ops[0]?.path}`;
  return {
    what,
    type: opcode.multi,
    payload: new jute.TransactionRequest(ops.map((op) => transactionOp(op, access))),
    read: (frame, offset) => readRefusal(frame, offset, what),
  };
}

function transactionOp(op: Op, access: Access): TransactionOp {
  switch (op.kind) {
    case 'create': {
      const acl = { toRecord: () => acls[access] };
      return {
        type: opcode.create,
        path: op.path,
        data: asBuffer(op.data),
        acls: [acl],
        mode: flags.persistent,
      };
    }
    case 'set':
      return { type: opcode.set, path: op.path, data: asBuffer(op.data), version: op.version ?? anyVersion };
    case 'remove':
      return { type: opcode.remove, path: op.path, version: op.version ?? anyVersion };
    case 'check':
      return { type: opcode.check, path: op.path, version: op.version };
  }
}

export function multiReadCall(paths: readonly string[]): Call<(NodeData | null)[]> {
  const what = `read ${paths.length} nodes from ${paths[0]}`;
  return {
    what,
    type: opcode.multiRead,
    payload: sequence([
      ...paths.flatMap((path) => [
        new protocol.MultiHeader(opcode.get, false, -1),
        new protocol.GetDataRequest(path, false),
      ]),
      new protocol.MultiHeader(-1, true, -1),
    ]),
    read: (frame, offset) => readNodes(frame, offset, what),
  };
}

/** Waits until the server has everything that was committed anywhere before. */
export function syncCall(path: string): Call<void> {
  return { what: 'sync', type: opcode.sync, payload: text(path), read: nothing };
}

export function closeCall(): Call<void> {
  return { what: 'close', type: opcode.close, payload: null, read: nothing };
}

function sequence(parts: readonly Payload[]): Payload {
  return {
    byteLength: () => parts.reduce((sum, part) => sum + part.byteLength(), 0),
    serialize: (buffer, offset) =>
      parts.reduce((end, part) => end + part.serialize(buffer, end), offset) - offset,
  };
}

function text(value: string): Payload {
  const bytes = Buffer.from(value);
  return {
    byteLength: () => 4 + bytes.length,
    serialize(buffer, offset) {
      buffer.writeInt32BE(bytes.length, offset);
      bytes.copy(buffer, offset + 4);
      return 4 + bytes.length;
    },
  };
}

function asBuffer(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
