/**
 * Holds a server to its OpenAPI document with Schemathesis: requests are made up from the schemas, right and wrong
 * ones, and the answers judged. `npm run schemathesis -- --max-examples 400`; all flags go to Schemathesis.
 *
 * The server has a data folder of its own and, where this runs as root, another user: jobs are made up too. Their
 * commands are replaced on the way (hooks.py), so this is the second lock.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { addressOf } from '../support/address.ts';

const root = resolve(import.meta.dirname, '../..');
const version = '4.32.5';
const venv = join(homedir(), '.cache', 'carillon', `schemathesis-${version}`);
const nobody = 65_534;

/** Streams that last until their client goes cannot be judged by their answer. */
const endless = ['--exclude-operation-id', 'watchEvents'];

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) throw error ?? new Error(`${command} ended with ${status}`);
}

function install(): string {
  const program = join(venv, 'bin', 'schemathesis');
  if (!existsSync(program)) {
    run('python3', ['-m', 'venv', '--clear', venv]);
    run(join(venv, 'bin', 'pip'), ['install', '--quiet', `schemathesis==${version}`]);
  }
  return program;
}

async function start(dir: string): Promise<{ server: ChildProcess; url: string }> {
  const isRoot = process.getuid?.() === 0;
  chmodSync(dir, 0o777);
  const server = spawn(
    process.execPath,
    [
      join(root, 'dist/main.js'),
      'serve',
      '--port',
      '0',
      '--data-dir',
      join(dir, 'data'),
      '--log-level',
      'error',
    ],
    {
      cwd: dir,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env.PATH, HOME: dir },
      ...(isRoot && { uid: nobody, gid: nobody }),
    },
  );
  return { server, url: await addressOf(server) };
}

interface Known {
  readonly names: string[];
  readonly ids: string[];
}

/** Jobs that have run, so that paths lead somewhere: names that are made up hardly ever do. */
async function fill(url: string): Promise<Known> {
  const known: Known = { names: [], ids: [] };
  const post = async (path: string, body?: object): Promise<{ id: string }> => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method: 'POST',
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as { id: string };
  };
  for (let number = 0; number < 32; number++) {
    const name = `known-${number}`;
    await post('/jobs', { name, schedule: { cron: 'H H * * *' }, run: { command: 'echo hello' } });
    known.names.push(name);
    known.ids.push((await post(`/jobs/${name}/trigger`)).id);
  }
  return known;
}

async function main(args: readonly string[]): Promise<number> {
  const program = install();
  run('npm', ['run', '--silent', 'build']);
  const dir = mkdtempSync(join(tmpdir(), 'carillon-schemathesis-'));
  const { server, url } = await start(dir);
  try {
    const document = `${url}/api/v1/openapi.json`;
    const all = ['--checks', 'all', '--continue-on-failure', '--suppress-health-check', 'all'];
    const checked = spawn(program, ['run', document, '--url', url, ...all, ...endless, ...args], {
      cwd: dir,
      stdio: 'inherit',
      env: {
        ...process.env,
        SCHEMATHESIS_HOOKS: 'hooks',
        PYTHONPATH: import.meta.dirname,
        PYTHONDONTWRITEBYTECODE: '1',
        KNOWN: JSON.stringify(await fill(url)),
      },
    });
    const [code] = (await once(checked, 'exit')) as [number | null];
    const alive = server.exitCode === null && server.signalCode === null;
    if (!alive) process.stderr.write(`the server ended with ${server.exitCode ?? server.signalCode}\n`);
    return alive ? (code ?? 1) : 1;
  } finally {
    if (server.exitCode === null && server.signalCode === null) {
      server.kill('SIGTERM');
      await once(server, 'exit');
    }
    rmSync(dir, { recursive: true, force: true });
  }
}

process.exitCode = await main(process.argv.slice(2));
