/** A reader of the log that stopped reading does not stop the scheduler. */

import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endServers, eventually, Server } from '../support/server.ts';

let dir: string;
let pipe: number;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'carillon-log-'));
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  // For reading as well, so that it is open, and nobody reads.
  pipe = openSync(join(dir, 'pipe'), 'r+');
});
afterEach(async () => {
  await endServers();
  closeSync(pipe);
  rmSync(dir, { recursive: true, force: true });
});

test('jobs run and the scheduler stops in time while the log is full', async () => {
  const server = await Server.start(dir, [], { log: pipe });
  await server.ask('POST', '/api/v1/jobs', { name: 'a', run: { command: 'true' } });
  // Each of these is a line of over a kilobyte. A pipe has room for 64 KiB.
  const name = 'x'.repeat(100);
  for (let i = 0; i < 300; i++) {
    const { status } = await server.ask('POST', `/api/v1/jobs/${name}-${i}/trigger`, {});
    expect(status).toBe(404);
  }
  await server.ask('POST', '/api/v1/jobs/a/trigger', {});
  await eventually(
    () => server.get<{ items: { state: string }[] }>('/api/v1/jobs/a/runs'),
    ({ items }) => items[0]?.state === 'succeeded',
  );
  expect(await server.end('SIGTERM')).toBe(0);
});
