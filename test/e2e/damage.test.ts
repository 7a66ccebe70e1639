/** The program beside a damaged store: it ends with what is wrong and what to do, and with nothing else. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { program } from '../support/program.ts';
import { Server } from '../support/server.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'carillon-e2e-damage-'));
const file = join(dataDir, 'store', 'data.mdb');
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

beforeAll(async () => {
  const server = await Server.start(dataDir);
  const job = { name: 'kept', schedule: { cron: '0 2 * * *' }, run: { command: 'echo remember-me' } };
  await server.ask('POST', '/api/v1/jobs', job);
  await server.end('SIGTERM');
}, 60_000);

async function serve(): Promise<{ status: number | null; signal: string | null; said: string }> {
  const [command, main] = program;
  const args = ['serve', '--port', '0', '--data-dir', dataDir, '--log-level', 'silent'];
  const child = spawn(command, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  const [status, signal] = await once(child, 'close');
  return { status, signal, said };
}

const refused = (what: RegExp) => ({
  status: 3,
  signal: null,
  said: expect.stringMatching(new RegExp(`^error: .*${what.source}.*carillon restore FILE[^]*STORE_DAMAGED`)),
});

test('a changed record, which is found when the state is loaded, ends the start', async () => {
  const at = readFileSync(file).lastIndexOf(Buffer.from('remember-me'));
  const fd = openSync(file, 'r+');
  writeSync(fd, 'R', at);
  const answer = await serve();
  expect(answer).toEqual(refused(/record "kept" of table jobs is damaged/));
  expect(answer.said).not.toMatch(/^\s+at /m);
}, 60_000);

test('a file that is cut off ends the start, and not by SIGBUS', async () => {
  truncateSync(file, 10_000);
  const answer = await serve();
  expect(answer).toEqual(refused(/data\.mdb is truncated/));
  expect(answer.said).not.toMatch(/^\s+at /m);
}, 60_000);
