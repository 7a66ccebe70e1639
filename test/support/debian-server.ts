/** A server of Debian that listens on loopback, with its data in a folder that goes with it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export class DebianServer {
  readonly url: string;
  readonly #dir: string;
  readonly #child: ChildProcess;

  private constructor(dir: string, child: ChildProcess, url: string) {
    this.#dir = dir;
    this.#child = child;
    this.url = url;
  }

  /** Resolves once it says where it listens. */
  static async start(
    program: string,
    config: object,
    argsOf: (configFile: string, dataDir: string) => readonly string[],
  ): Promise<DebianServer> {
    const dir = mkdtempSync(join(tmpdir(), `carillon-${program}-`));
    const configFile = join(dir, 'config.yml');
    // JSON is YAML.
    writeFileSync(configFile, JSON.stringify(config));
    const args = [...argsOf(configFile, join(dir, 'data')), '--web.listen-address=127.0.0.1:0'];
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stderr as NodeJS.ReadableStream })) {
      lines.push(line);
      const address = /msg="Listening on" address=(127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (address === undefined) continue;
      child.stderr?.resume();
      return new DebianServer(dir, child, `http://${address}`);
    }
    rmSync(dir, { recursive: true, force: true });
    throw new Error(`${program} ended before it listened:\n${lines.join('\n')}`);
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    if (this.#child.exitCode === null && this.#child.kill('SIGKILL')) await exited;
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
