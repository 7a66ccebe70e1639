/**
 * A registry of images of our own for the tests: Debian's docker-registry on a free port of the loopback, with a
 * password or open. Assumes test/support/install.sh has run. Leaves no process and no file behind after `stop`.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { testImage } from './dockerd.ts';
import { until } from './until.ts';

/** Whom a registry with a password lets in. */
export const registryLogin = { username: 'me', password: 'hush-4714' } as const;
const passwordHash = '$2y$04$abcdefghijklmnopqrstuukS3.3DTfgRgk1T0y71LCR27UTqO2SNa';

/** Why no registry can be started here, or null when one can. */
export function registryMissing(): string | null {
  const found = spawnSync('docker-registry', ['--version']).status === 0;
  return found ? null : 'docker-registry not installed; on Debian as root: bash test/support/install.sh';
}

export class Registry {
  /** `127.0.0.1:port`, as images are named by. */
  readonly host: string;
  readonly #dir: string;
  readonly #process: ChildProcess;

  private constructor(host: string, dir: string, child: ChildProcess) {
    this.host = host;
    this.#dir = dir;
    this.#process = child;
  }

  static async start({ needsLogin }: { needsLogin: boolean }): Promise<Registry> {
    const dir = mkdtempSync(join(tmpdir(), 'carillon-registry-'));
    writeFileSync(join(dir, 'htpasswd'), `${registryLogin.username}:${passwordHash}\n`);
    const auth = { htpasswd: { realm: 'test', path: join(dir, 'htpasswd') } };
    const config = {
      version: 0.1,
      // It says which port it has got.
      log: { level: 'info' },
      storage: { filesystem: { rootdirectory: join(dir, 'data') } },
      http: { addr: '127.0.0.1:0' },
      ...(needsLogin && { auth }),
    };
    writeFileSync(join(dir, 'config.yml'), JSON.stringify(config));
    // The kernel ends it should this process die without having stopped it.
    const args = ['--pdeathsig', 'KILL', 'docker-registry', 'serve', join(dir, 'config.yml')];
    const child = spawn('setpriv', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk;
    });
    const host = await until('the registry listens', () => /listening on (127\.0\.0\.1:\d+)/.exec(said)?.[1]);
    const registry = new Registry(host, dir, child);
    await until('the registry answers', async () => {
      const answer = await fetch(`http://${registry.host}/v2/`).catch(() => null);
      return answer !== null && [200, 401].includes(answer.status);
    });
    return registry;
  }

  /** Pushes the test image, changed by `label` so that it is another one, and forgets it on the engine. */
  async push(docker: Docker, name: string, label = ''): Promise<string> {
    const [repo, tag] = [`${this.host}/${name.split(':')[0]}`, name.split(':')[1] ?? 'latest'];
    const made = await docker.createContainer({ Image: testImage, Cmd: ['true'] });
    const query = { container: made.id, repo, tag };
    await made.commit({ _query: query, _body: { Labels: { label } } } as never);
    await made.remove();
    // Engines want some login even for a registry that asks for none.
    const login = { ...registryLogin, serveraddress: this.host };
    const image = docker.getImage(`${repo}:${tag}`);
    const answer = await image.push({ authconfig: login });
    const lines = await new Promise<{ error?: string; aux?: { Digest?: string } }[]>((resolve, reject) =>
      docker.modem.followProgress(answer, (error, all) => (error ? reject(error) : resolve(all))),
    );
    const failed = lines.find(({ error }) => error !== undefined);
    if (failed !== undefined) throw new Error(failed.error);
    await image.remove();
    return `${repo}@${lines.find(({ aux }) => aux?.Digest !== undefined)?.aux?.Digest}`;
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, 'exit');
    if (this.#process.exitCode === null && this.#process.kill('SIGKILL')) await ended;
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
