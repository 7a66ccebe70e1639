/**
 * Typed access to the internals of node-zookeeper-client, in exactly the version named here. Its `Client` can
 * wait forever after common faults (no read timeout, half a response kept across a reconnect, callbacks never
 * called), so a `ConnectionManager` is used for one connection only and discarded with it; see connection.ts.
 * Its `Transaction` sends version 0 as "any version", so the records below it are filled directly. If the
 * installed library differs from this description, `loadLibrary` throws before anything is sent.
 */

import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type SecureContextOptions } from 'node:tls';
import { invariant } from '../../../errors.ts';

const testedVersion = '1.1.3';

/** One jute record: fields in, bytes out. */
export interface JuteRecord {
  byteLength(): number;
  serialize(buffer: Buffer, offset: number): number;
  deserialize(buffer: Buffer, offset: number): number;
}

/** The content of a request after its header. */
export type Payload = Pick<JuteRecord, 'byteLength' | 'serialize'>;

export interface RequestHeader extends JuteRecord {
  xid: number;
  type: number;
}

export interface LibraryRequest {
  readonly header: RequestHeader | null;
  readonly payload: Payload | null;
  toBuffer(): Buffer;
}

export interface Packet {
  readonly request: LibraryRequest;
}

/** Drives one socket: opens it, does the handshake, writes the queue, counts the xids. */
export interface ConnectionManager {
  readonly state: number;
  readonly sessionId: Buffer;
  readonly sessionPassword: Buffer;
  readonly sessionTimeout: number;
  readonly pendingQueue: Packet[];
  readonly packetQueue: { readonly queue: Packet[] };
  readonly connectTimeoutHandler: NodeJS.Timeout | null;
  socket?: Socket;
  zxid: Buffer;
  xid: number;
  connect(): void;
  setState(state: number): void;
  onSocketConnected(): void;
  onSocketDrain(): void;
  onSocketError(error: Error): void;
  queue(request: LibraryRequest): void;
  addAuthInfo(scheme: string, auth: Buffer): void;
  findNextServer(callback: (server: { host: string; port: number }) => void): void;
  onSocketData(bytes: Buffer): void;
  onSocketClosed(): void;
  onSocketTimeout(): void;
}

interface ManagerOptions {
  readonly sessionTimeout: number;
  readonly spinDelay: number;
  readonly sessionId?: Buffer;
  readonly sessionPassword?: Buffer;
}

type RecordClass<Fields> = new (...fields: unknown[]) => JuteRecord & Fields;

interface Jute {
  readonly OP_CODES: Readonly<Record<string, number>>;
  readonly Request: new (header: RequestHeader, payload: Payload | null) => LibraryRequest;
  readonly TransactionRequest: new (ops: readonly TransactionOp[]) => Payload;
  readonly data: {
    readonly ACL: RecordClass<{ perms: number }>;
    readonly Id: RecordClass<{ scheme: string; id: string }>;
  };
  readonly protocol: {
    readonly RequestHeader: new (xid: number, type: number) => RequestHeader;
    readonly CreateRequest: new (
      path: string,
      data: Buffer,
      acl: readonly JuteRecord[],
      flags: number,
    ) => Payload;
    readonly CreateResponse: RecordClass<{ readonly path: string }>;
    readonly ExistsRequest: new (path: string, watch: boolean) => Payload;
    readonly GetACLRequest: new (path: string) => Payload;
    readonly GetACLResponse: RecordClass<{
      readonly acl: readonly { readonly id: { readonly scheme: string; readonly id: string } }[] | undefined;
    }>;
    readonly SetACLRequest: new (path: string, acl: readonly JuteRecord[], version: number) => Payload;
    readonly GetDataRequest: new (path: string, watch: boolean) => Payload;
    readonly GetChildren2Request: new (path: string, watch: boolean) => Payload;
    readonly GetChildren2Response: RecordClass<{ readonly children: string[] | undefined }>;
    readonly MultiHeader: new (type: number, done: boolean, err: number) => Payload;
    readonly WatcherEvent: RecordClass<{ readonly type: number; readonly path: string }>;
  };
}

/** One operation of a multi, in the form of the records; -1 is any version, 0 is 0. */
export interface TransactionOp {
  readonly type: number;
  readonly path: string;
  readonly version?: number;
  readonly data?: Buffer;
  readonly acls?: readonly { toRecord(): JuteRecord }[];
  readonly mode?: number;
}

export interface Library {
  readonly Manager: {
    new (hosts: string, options: ManagerOptions, onState: (state: number) => void): ConnectionManager;
    readonly prototype: ConnectionManager;
    readonly STATES: Readonly<Record<'CONNECTING' | 'CONNECTED' | 'SESSION_EXPIRED', number>>;
  };
  readonly jute: Jute;
}

let loaded: Library | null = null;

/** Loads the library once and checks that everything used is there. */
export function loadLibrary(): Library {
  loaded ??= checked();
  return loaded;
}

/** A session as the servers know it. */
export interface Identity {
  readonly id: Buffer;
  readonly password: Buffer;
}

export interface ManagerOfOne {
  readonly server: { readonly host: string; readonly port: number };
  readonly identity: Identity | null;
  readonly sessionTimeoutMs: number;
  readonly zxid: Buffer;
  readonly login: string | null;
  /** Null: without TLS. */
  readonly tls: SecureContextOptions | null;
  onBytes(bytes: Buffer): void;
  onClosed(): void;
}

/** The field is a signed 32-bit number; the library would exceed it. */
const maxXid = 2 ** 31 - 1;

/** A manager for one connection to one server, with the library's faulty parts replaced. */
export function createManager(options: ManagerOfOne): ConnectionManager {
  const { server, identity, sessionTimeoutMs, zxid, login, tls, onBytes, onClosed } = options;
  const { Manager } = loadLibrary();
  const known = identity && { sessionId: identity.id, sessionPassword: identity.password };
  const manager = new Manager(
    'unused:1',
    { sessionTimeout: sessionTimeoutMs, spinDelay: 0, ...known },
    () => {},
  );
  manager.zxid = zxid;
  wrapXid(manager);
  manager.findNextServer = (callback) => callback(server);
  // The library keeps half a frame for the next connection, and stops at unknown errors.
  manager.onSocketData = onBytes;
  // The library would reconnect by itself.
  manager.onSocketClosed = onClosed;
  // The library only pings when nothing is sent or received, but received data does not keep a session alive.
  manager.onSocketTimeout = () => {};
  // Queued by the library when the socket connects, so before everything sent once it is open.
  if (login !== null) manager.addAuthInfo('digest', Buffer.from(login));
  if (tls !== null) connectOver(manager, { ...tls, ...server });
  return manager;
}

/** The library connects in the same way, but without TLS only. */
function connectOver(manager: ConnectionManager, to: ConnectionOptions): void {
  manager.connect = () => {
    manager.setState(loadLibrary().Manager.STATES.CONNECTING);
    const socket = connectTls(to);
    manager.socket = socket;
    socket.setNoDelay();
    socket.on('secureConnect', () => manager.onSocketConnected());
    socket.on('data', (bytes) => manager.onSocketData(bytes));
    socket.on('drain', () => manager.onSocketDrain());
    socket.on('close', () => manager.onSocketClosed());
    socket.on('error', (error) => manager.onSocketError(error));
  };
}

/** Restarts the request numbers before they exceed 32 bits; responses arrive in order anyway. */
function wrapXid(manager: ConnectionManager): void {
  let xid = 1;
  Object.defineProperty(manager, 'xid', {
    get: () => xid,
    set: (next: number) => {
      xid = next > maxXid ? 1 : next;
    },
  });
}

function checked(): Library {
  const require = createRequire(import.meta.url);
  const { version } = require('node-zookeeper-client/package.json') as { version: string };
  invariant(
    version === testedVersion,
    `node-zookeeper-client is ${version}; this program drives the internals of ${testedVersion} only`,
  );
  const Manager = require('node-zookeeper-client/lib/ConnectionManager.js') as Library['Manager'];
  const jute = require('node-zookeeper-client/lib/jute/index.js') as Jute;
  const probe = new Manager('localhost:1', { sessionTimeout: 1, spinDelay: 0 }, () => {});
  const methods = [
    'connect',
    'queue',
    'addAuthInfo',
    'findNextServer',
    'setState',
    'onSocketConnected',
    'onSocketDrain',
    'onSocketError',
    'onSocketData',
    'onSocketClosed',
    'onSocketTimeout',
  ] as const;
  const missing: string[] = methods.filter((name) => typeof probe[name] !== 'function');
  for (const name of ['pendingQueue', 'sessionId', 'sessionPassword', 'zxid', 'xid'] as const)
    if (probe[name] === undefined) missing.push(name);
  if (!Array.isArray(probe.packetQueue?.queue)) missing.push('packetQueue.queue');
  invariant(missing.length === 0, `node-zookeeper-client ${version} lacks ${missing.join(', ')}`);
  return { Manager, jute };
}
