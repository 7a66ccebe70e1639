/** A ZooKeeper server that only shakes hands, and answers what the test says: for answers no real one can be made to give. */

import { createServer, type Server, type Socket } from 'node:net';
import { Frames } from '../../src/store/zookeeper/wire/frames.ts';

export interface ScriptedRequest {
  readonly xid: number;
  readonly type: number;
  /** Of a read or a look whether it is there; empty for everything else. */
  readonly path: string;
}

export type Answer = (request: ScriptedRequest, socket: Socket) => void;

/** Types of requests in ZooKeeper's protocol. */
export const requestType = {
  create: 1,
  exists: 3,
  read: 4,
  ping: 11,
  children: 12,
  multi: 14,
  readMany: 22,
} as const;

export class ScriptedZooKeeper {
  answer: Answer;
  readonly sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #timeoutMs: number;

  constructor(timeoutMs: number, answer: Answer) {
    this.#timeoutMs = timeoutMs;
    this.answer = answer;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get connect(): string {
    return `127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => {});
    const frames = new Frames();
    let met = false;
    socket.on('data', (bytes) => {
      for (const frame of frames.take(bytes)) {
        if (met) this.answer(requestOf(frame), socket);
        else socket.write(this.#welcome());
        met = true;
      }
    });
  }

  #welcome(): Buffer {
    const body = Buffer.alloc(4 + 4 + 8 + 4 + 16);
    body.writeInt32BE(this.#timeoutMs, 4);
    body.writeBigInt64BE(1n, 8);
    body.writeInt32BE(16, 16);
    return framed(body);
  }
}

function requestOf(frame: Buffer): ScriptedRequest {
  const type = frame.readInt32BE(8);
  const hasPath = type === requestType.exists || type === requestType.read;
  const path = hasPath ? frame.toString('utf8', 16, 16 + frame.readInt32BE(12)) : '';
  return { xid: frame.readInt32BE(4), type, path };
}

/** What a read answers: the data, and a stat of which only the version is looked at. */
export function nodeWith(data: string | Buffer, version = 0): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(Buffer.byteLength(data));
  const stat = Buffer.alloc(68);
  stat.writeInt32BE(version, 32);
  return Buffer.concat([length, Buffer.from(data), stat]);
}

/** The answer to a read of many; null: it is not there. Without any, also that of a multi that was done. */
export function manyWith(nodes: readonly (Buffer | null)[]): Buffer {
  const header = (type: number, done: boolean): Buffer => {
    const bytes = Buffer.alloc(9);
    bytes.writeInt32BE(type, 0);
    bytes.writeUInt8(done ? 1 : 0, 4);
    return bytes;
  };
  const missing = Buffer.alloc(4);
  missing.writeInt32BE(-101);
  const parts = nodes.flatMap((node) =>
    node === null ? [header(-1, false), missing] : [header(4, false), nodeWith(node)],
  );
  return Buffer.concat([...parts, header(-1, true)]);
}

/** An answer: number of the request, change counter, error, and what follows. */
export function reply(xid: number, error = 0, body: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(16);
  header.writeInt32BE(xid, 0);
  header.writeBigInt64BE(1n, 4);
  header.writeInt32BE(error, 12);
  return framed(Buffer.concat([header, body]));
}

/** A change notice of the type, for the path. */
export function notice(type: number, path: string): Buffer {
  const body = Buffer.alloc(12 + path.length);
  body.writeInt32BE(type, 0);
  body.writeInt32BE(3, 4);
  body.writeInt32BE(path.length, 8);
  body.write(path, 12);
  return reply(-1, 0, body);
}

function framed(body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}
