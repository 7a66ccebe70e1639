/** A proxy between a client and a unix socket: records what is sent, and can hold requests back. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class WireProxy {
  readonly socketPath: string;
  /** The first line of each request, method and address. */
  readonly requests: string[] = [];
  /** What the other side has sent so far. */
  receivedBytes = 0;
  readonly #dir = mkdtempSync(join(tmpdir(), 'carillon-wire-'));
  readonly #target: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #answers = new Map<Socket, { line: string; client: Socket }>();
  #held: { pattern: RegExp; release: (() => void)[] } | null = null;

  constructor(target: string) {
    this.#target = target;
    this.socketPath = join(this.#dir, 'proxy.sock');
    this.#server = createServer((client) => this.#serve(client));
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.socketPath, resolve));
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** Requests whose first line matches wait until released. */
  hold(pattern: RegExp): () => void {
    const held = { pattern, release: [] as (() => void)[] };
    this.#held = held;
    return () => {
      this.#held = null;
      for (const release of held.release) release();
    };
  }

  /** Breaks every connection there is now. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Open connections whose request matches stay open, and nothing more comes through them. */
  silence(pattern: RegExp): void {
    for (const [server, { line, client }] of this.#answers)
      if (pattern.test(line)) server.unpipe(client).resume();
  }

  #serve(client: Socket): void {
    const server = createConnection(this.#target);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => {});
      from.on('close', (failed) => {
        this.#sockets.delete(from);
        // An engine that has said all closes first; what it said may still be on its way to the client.
        if (failed || from === client) to.destroy();
      });
    }
    server.on('close', () => this.#answers.delete(server));
    server.on('data', (bytes) => {
      this.receivedBytes += bytes.length;
    });
    server.pipe(client);
    // One request a connection: the client keeps none.
    client.once('data', (bytes) => {
      const line = bytes.toString('latin1').split('\r\n', 1)[0] ?? '';
      this.requests.push(line);
      this.#answers.set(server, { line, client });
      const pass = () => {
        server.write(bytes);
        client.pipe(server);
      };
      client.pause();
      if (this.#held?.pattern.test(line)) this.#held.release.push(pass);
      else pass();
    });
  }
}
