/** A proxy in front of a ZooKeeper server that breaks connections at a chosen byte, or says nothing at all. */

import { createConnection, createServer, type Server, type Socket } from 'node:net';

export class ZooKeeperProxy {
  readonly #targetPort: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cutAfterBytes = Number.POSITIVE_INFINITY;
  #silent = false;
  #shut = false;
  /** Connections taken so far. */
  taken = 0;

  constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((client) => this.#serve(client));
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get connect(): string {
    return `127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Breaks every connection there is now. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Breaks the connection as soon as so many more bytes went to the client; the next one is whole again. */
  cutAfter(bytes: number): void {
    this.#cutAfterBytes = bytes;
  }

  /** Breaks every connection, and the new ones at once, until it is opened. */
  shut(): void {
    this.#shut = true;
    this.cut();
  }

  open(): void {
    this.#shut = false;
  }

  /** Takes connections and bytes, and passes on nothing. */
  silence(): void {
    this.#silent = true;
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(client: Socket): void {
    this.taken += 1;
    if (this.#shut) {
      client.destroy();
      return;
    }
    const server = createConnection(this.#targetPort, '127.0.0.1');
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
    client.on('data', (bytes) => {
      if (!this.#silent) server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (this.#silent) return;
      const rest = this.#cutAfterBytes;
      this.#cutAfterBytes -= bytes.length;
      if (bytes.length < rest) {
        client.write(bytes);
        return;
      }
      this.#cutAfterBytes = Number.POSITIVE_INFINITY;
      client.end(bytes.subarray(0, rest), () => server.destroy());
    });
  }
}
