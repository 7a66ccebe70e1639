/**
 * The program that measures container starts, and what they are compared with. The program records the time of its
 * first instruction. The same start is made by direct calls to the Engine's API, by `docker run` and by `runc`. Each
 * creates one container without network that runs the program.
 */

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { tarOf } from '../src/executor/docker/tar.ts';
import type { Dockerd } from '../test/support/dockerd.ts';
import { until } from '../test/support/until.ts';
import { buildStamp } from './stamp.ts';

export const stampImage = 'carillon-stamp:1';
/** A start takes 0.1 s, a burst of starts several seconds. */
const stampTimeoutMs = 120_000;

/** Starts a container that writes the file `<name>`. Resolves when the program that was called reports success. */
export type Peer = (name: string) => Promise<void>;

export interface Peers {
  readonly bare: Peer;
  readonly dockerRun: Peer;
  readonly runc: Peer;
  /** Directory on this host for the recorded times; `/out` in the containers. */
  readonly out: string;
  /** When the container's first instruction ran: milliseconds of the wall clock, with fractions. */
  stamped(name: string): Promise<number>;
}

export async function makePeers(dockerd: Dockerd, dir: string): Promise<Peers> {
  const out = join(dir, 'out');
  const rootfs = join(dir, 'bundle/rootfs');
  for (const folder of [out, join(rootfs, 'out')]) mkdirSync(folder, { recursive: true });
  const program = join(rootfs, 'stamp');
  buildStamp(program);
  const image = tarOf([{ name: 'stamp', mode: 0o755, bytes: readFileSync(program) }]);
  const [repo, tag] = stampImage.split(':') as [string, string];
  const answer = await dockerd.docker.importImage(Readable.from([image]), { repo, tag });
  await (answer as Readable).toArray();
  writeBundle(join(dir, 'bundle'), out);
  const call = callOf(dockerd.socketPath);
  const binds = [`${out}:/out`];
  return {
    out,
    async bare(name) {
      const body = {
        Image: stampImage,
        Entrypoint: ['/stamp', `/out/${name}`],
        HostConfig: { NetworkMode: 'none', Binds: binds, Init: true },
      };
      const { Id } = JSON.parse(await call('POST', `/containers/create?name=bare-${name}`, body));
      await call('POST', `/containers/${Id}/start`);
    },
    dockerRun: (name) =>
      run('docker', [
        ...['-H', dockerd.host, 'run', '--init', '--network', 'none', '-v', `${out}:/out`],
        ...['--name', `cli-${name}`, '--entrypoint', '/stamp', stampImage, `/out/${name}`],
      ]),
    runc: (name) => runBundle(dir, name),
    async stamped(name) {
      const file = join(out, name);
      const text = await until(
        `${name} is stamped`,
        () => (existsSync(file) ? readFileSync(file, 'utf8') : ''),
        stampTimeoutMs,
      );
      return Number(text) / 1e6;
    },
  };
}

/** The output of `runc spec` with the same mount. Unlike the Engine's, it has no system call filter. */
function writeBundle(bundle: string, out: string): void {
  execFileSync('runc', ['spec', '--bundle', bundle]);
  const file = join(bundle, 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8'));
  config.process.terminal = false;
  config.mounts.push({ destination: '/out', type: 'bind', source: out, options: ['rbind', 'rw'] });
  writeFileSync(file, JSON.stringify(config));
}

/** A bundle runs one program, so each run has its own bundle over the same files. */
async function runBundle(dir: string, name: string): Promise<void> {
  const bundle = join(dir, `bundle-${name}`);
  mkdirSync(bundle);
  const config = JSON.parse(readFileSync(join(dir, 'bundle/config.json'), 'utf8'));
  config.process.args = ['/stamp', `/out/${name}`];
  config.root.path = join(dir, 'bundle/rootfs');
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  await run('runc', ['--root', join(dir, 'runc'), 'run', '--bundle', bundle, name]);
}

function run(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}`))));
  });
}

/** Returns a client of the Engine's API with as little overhead as possible. */
function callOf(socketPath: string) {
  const agent = new Agent({ keepAlive: true });
  return (method: string, path: string, body?: object): Promise<string> =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? '' : JSON.stringify(body);
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
      const sent = request({ socketPath, agent, method, path, headers }, (answer) => {
        answer.setEncoding('utf8');
        let said = '';
        answer.on('data', (part: string) => {
          said += part;
        });
        answer.on('end', () =>
          (answer.statusCode ?? 500) < 300 ? resolve(said) : reject(new Error(`${path}: ${said}`)),
        );
      });
      sent.on('error', reject);
      sent.end(text);
    });
}
