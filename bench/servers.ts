/**
 * Debian's Redis and PostgreSQL for the benchmarks, and npm packages that use them. Both are fetched once into the
 * user's cache folder, and nothing is installed. The servers have Debian's settings, apart from those named here, and
 * listen on a socket in a folder of their own. They end with this process.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../test/support/until.ts';

const cache = join(homedir(), '.cache', 'carillon');
/** The last versions that run on Node 20. */
const packages = ['bullmq@6.7.0', 'ioredis@6.0.0', 'graphile-worker@0.17.3', 'pg-boss@10.4.2', 'pg@8.23.1'];
const startTimeoutMs = 60_000;

export interface Server {
  /** The folder with its socket. */
  readonly dir: string;
  stop(): Promise<void>;
}

/** A package of those above. Its types are not installed, so the caller says what it uses. */
export function peerPackage<T>(name: string): T {
  const version = createHash('sha256').update(packages.join()).digest('hex').slice(0, 8);
  const folder = cached(`bench-packages-${version}`, (dir) =>
    execFileSync('npm', [
      ...['install', '--prefix', dir, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund'],
      ...packages,
    ]),
  );
  return createRequire(join(folder, 'bench.js'))(name) as T;
}

/** Syncs its file once per second, which is the default when it keeps one. */
export async function startRedis(): Promise<Server> {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-redis-'));
  const socket = join(dir, 'redis.sock');
  const settings = ['--port', '0', '--unixsocket', socket, '--dir', dir, '--appendonly', 'yes'];
  const child = run(dir, [join(debian(), 'usr/bin/redis-server'), ...settings]);
  return started(dir, child, () => existsSync(socket));
}

/** Syncs each commit, which is the default. */
export async function startPostgres(): Promise<Server> {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-postgres-'));
  const versions = join(debian(), 'usr/lib/postgresql');
  const bin = join(versions, readdirSync(versions)[0] as string, 'bin');
  const data = join(dir, 'data');
  const initdb = ['-D', data, '-U', 'bench', '-A', 'trust', '-E', 'UTF8', '--no-locale'];
  const [program, ...args] = notRoot([join(bin, 'initdb'), ...initdb]) as [string, ...string[]];
  execFileSync(program, args, { env: environment() });
  const child = run(dir, [join(bin, 'postgres'), '-D', data, '-k', dir, '-c', 'listen_addresses=']);
  const state = join(data, 'postmaster.pid');
  return started(dir, child, () => existsSync(state) && /^ready/m.test(readFileSync(state, 'utf8')));
}

/** The kernel ends the server should this process die without having stopped it. */
function run(dir: string, command: readonly string[]): ChildProcess {
  const log = openSync(join(dir, 'output.log'), 'a');
  const [program, ...args] = notRoot(['setpriv', '--pdeathsig', 'KILL', ...command]) as [string, ...string[]];
  return spawn(program, args, { stdio: ['ignore', log, log], env: environment() });
}

/** PostgreSQL refuses to run as root. In a user namespace root has another number, and its own files nevertheless. */
function notRoot(command: readonly string[]): readonly string[] {
  return process.getuid?.() === 0 ? ['unshare', '--user', '--map-user=65534', ...command] : command;
}

async function started(dir: string, child: ChildProcess, isReady: () => boolean): Promise<Server> {
  const exited = once(child, 'exit');
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const stop = async (): Promise<void> => {
    // PostgreSQL waits for its clients to leave.
    child.kill('SIGTERM');
    if (!hasEnded()) await exited;
    rmSync(dir, { recursive: true, force: true });
  };
  const ready = (): boolean => {
    if (!hasEnded()) return isReady();
    throw new Error(`${dir} ended:\n${readFileSync(join(dir, 'output.log'), 'utf8')}`);
  };
  try {
    await until(`${dir} is ready`, ready, startTimeoutMs);
  } catch (error) {
    await stop();
    throw error;
  }
  return { dir, stop };
}

/** The folder with the unpacked packages: the servers, and the libraries that this machine does not have. */
function debian(): string {
  return cached('bench-debian', (dir) => {
    const env = { ...process.env, LC_ALL: 'C' };
    const ask = (program: string, args: readonly string[], line: RegExp): string[] =>
      [...execFileSync(program, args, { encoding: 'utf8', env }).matchAll(line)].map(
        ([, name]) => name as string,
      );
    const [postgres] = ask('apt-cache', ['depends', 'postgresql'], /Depends: (postgresql-\d+)/g);
    const wanted = ['redis-server', 'redis-tools', postgres as string];
    const simulation = ['install', '--simulate', '--no-install-recommends', ...wanted];
    const missing = ask('apt-get', simulation, /^Inst (\S+)/gm);
    // Its own user for downloads has no access to the cache folder.
    const download = ['download', '-o', 'APT::Sandbox::User=root', ...new Set([...wanted, ...missing])];
    execFileSync('apt-get', download, { cwd: dir });
    for (const file of readdirSync(dir).filter((name) => name.endsWith('.deb'))) {
      execFileSync('dpkg-deb', ['--extract', file, '.'], { cwd: dir });
      rmSync(join(dir, file));
    }
  });
}

function environment(): NodeJS.ProcessEnv {
  const folders = ['lib', 'usr/lib'].map((folder) => join(debian(), folder)).filter(existsSync);
  const libraries = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.includes('-linux-gnu'))
      .map((name) => join(folder, name)),
  );
  return { PATH: process.env.PATH, LD_LIBRARY_PATH: libraries.join(':') };
}

/** A folder below the cache, complete or not there. */
function cached(name: string, fill: (dir: string) => void): string {
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const dir = mkdtempSync(`${folder}-`);
  try {
    fill(dir);
    renameSync(dir, folder);
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
  return folder;
}
