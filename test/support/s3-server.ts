/** A server that speaks S3 and checks signatures: versitygw, over a folder. Assumes s3-server.sh has run. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.ts';

const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
const program = join(cache, 'carillon-test/versitygw-v1.8.0/versitygw');

export const hasS3 = existsSync(program);

export class S3Server {
  readonly keys = { accessKeyId: 'carillon', secretAccessKey: 'a-secret/of+carillon=' };
  readonly bucket = 'logs';
  readonly url: string;
  readonly #dir: string;
  readonly #address: string;
  #child: ChildProcess | null = null;

  private constructor(dir: string, address: string) {
    this.#dir = dir;
    this.#address = address;
    this.url = `http://${address}`;
  }

  static async start(): Promise<S3Server> {
    const dir = mkdtempSync(join(tmpdir(), 'carillon-s3-'));
    const server = new S3Server(dir, `127.0.0.1:${await freePort()}`);
    mkdirSync(join(dir, 'objects', server.bucket), { recursive: true });
    mkdirSync(join(dir, 'meta'));
    await server.begin();
    return server;
  }

  /** Starts it again after `end`. */
  async begin(): Promise<void> {
    const { accessKeyId, secretAccessKey } = this.keys;
    const where = ['posix', '--sidecar', join(this.#dir, 'meta'), join(this.#dir, 'objects')];
    const child = spawn(program, ['--port', this.#address, '--quiet', ...where], {
      stdio: 'ignore',
      env: { ...process.env, ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
    });
    this.#child = child;
    await until('the S3 server answers', async () => {
      if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
      return fetch(this.url).then(
        () => true,
        () => false,
      );
    });
  }

  async end(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const exited = once(child, 'exit');
    if (child.kill('SIGKILL')) await exited;
  }

  async stop(): Promise<void> {
    await this.end();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
