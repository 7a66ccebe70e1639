/** The command line when nobody reads its output any more, or when it cannot be written: a pipe to `head`, a full disk. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { program } from '../support/program.ts';
import { eventually, Server } from '../support/server.ts';

const dir = mkdtempSync(join(tmpdir(), 'carillon-cli-output-'));
let server: Server;

beforeAll(async () => {
  server = await Server.start(join(dir, 'data'));
});
afterAll(async () => {
  await server.end('SIGTERM');
  rmSync(dir, { recursive: true, force: true });
});

type Stream = 'pipe' | number;

function carillon(args: string, stdin = '', streams: readonly [Stream, Stream] = ['pipe', 'pipe']) {
  const [command, main] = program;
  const child = spawn(command, [main, ...args.split(' ')], {
    stdio: ['pipe', ...streams],
    env: { ...process.env, CARILLON_URL: server.url },
  });
  child.stdin?.end(stdin);
  return child;
}

/** Its exit code. */
async function ended(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

const good = 'name: good\nrun: { command: x }\n';
const refused = `${good}---\nname: bad\nrun: { comand: x }\n`;

test.each([
  ['a refused job is exit code 1', 'apply -f - --dry-run', refused, 1],
  ['a success is exit code 0', 'apply -f - --dry-run', good, 0],
  ['a problem found by validate is exit code 2', 'validate -', refused, 2],
  ['a failed run is exit code 1', 'run fails --wait', '', 1],
])('without a reader of standard output and standard error %s', async (_, args, stdin, code) => {
  await server.ask('PUT', '/api/v1/jobs/fails', { run: { command: 'exit 3' } });
  const child = carillon(args, stdin);
  // Long before the program has loaded.
  child.stdout?.destroy();
  child.stderr?.destroy();
  expect(await ended(child)).toBe(code);
});

test('following the output of a run ends with 0 when its reader has seen enough', async () => {
  await server.ask('PUT', '/api/v1/jobs/endless', { run: { command: 'exec yes' } });
  const { body } = await server.ask<{ id: string }>('POST', '/api/v1/jobs/endless/trigger');
  const child = carillon(`logs -f ${body.id}`);
  child.stdout?.once('data', () => child.stdout?.destroy());
  expect(await ended(child)).toBe(0);
  await server.quieten('endless');
});

test('a full disk behind standard error changes no exit code', async () => {
  const child = carillon('apply -f - --dry-run', `${good}policy: { completion: callback }\n`, [
    'pipe',
    openSync('/dev/full', 'w'),
  ]);
  expect(await ended(child)).toBe(0);
});

test.each(['schema', 'apply -f - --dry-run'])('%s says that a full disk takes no output', async (args) => {
  const child = carillon(args, good, [openSync('/dev/full', 'w'), 'pipe']);
  let err = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  expect(await ended(child)).toBe(1);
  expect(err).toBe('error: The output cannot be written (ENOSPC).\n');
});

test('a full disk behind its log does not end the scheduler', async () => {
  const full = openSync('/dev/full', 'w');
  for (const format of ['json', 'pretty']) {
    const scheduler = await Server.start(
      join(dir, format),
      ['--log-level', 'debug', '--log-format', format],
      {
        log: full,
      },
    );
    await scheduler.ask('PUT', '/api/v1/jobs/good', { run: { command: 'true' } });
    await scheduler.ask('POST', '/api/v1/jobs/good/trigger');
    await eventually(
      () => scheduler.get<{ counts: { succeeded: number } }>('/api/v1/jobs/good'),
      ({ counts }) => counts.succeeded === 1,
    );
    expect(await scheduler.end('SIGTERM')).toBe(0);
  }
});
