/** Busy jobs do not take the processors from the scheduler: its session comes before theirs. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { endServers, eventually, Server } from '../support/server.ts';

const niceOf = (autogroup: string): number => Number(/nice (-?\d+)/.exec(autogroup)?.[1]);
const sessionOf = (pid: number | 'self'): number => niceOf(readFileSync(`/proc/${pid}/autogroup`, 'utf8'));

interface RunList {
  readonly items: readonly { readonly id: string; readonly state: string }[];
}

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'carillon-priority-'));
});
afterEach(async () => {
  await endServers();
  rmSync(dir, { recursive: true, force: true });
});

describe.skipIf(process.getuid?.() !== 0 || !existsSync('/proc/self/autogroup'))('priority', () => {
  test('a scheduler that leads its session gets a higher priority than its jobs', async () => {
    const server = await Server.start(dir, [], { within: ['setsid'] });
    const run = { command: 'cat /proc/self/autogroup' };
    await server.ask('POST', '/api/v1/jobs', { name: 'shown', run });
    await server.ask('POST', '/api/v1/jobs/shown/trigger', {});
    const [ended] = await eventually(
      async () => (await server.get<RunList>('/api/v1/jobs/shown/runs')).items,
      ([first]) => first?.state === 'succeeded',
    );
    const id = encodeURIComponent(ended?.id ?? '');
    const output = JSON.stringify((await server.ask<unknown>('GET', `/api/v1/runs/${id}/logs`)).body);
    expect(niceOf(output)).toBe(0);
    expect(sessionOf(server.pid)).toBe(-10);
  });

  test('the session of a terminal keeps its priority', async () => {
    const before = sessionOf('self');
    const server = await Server.start(dir);
    expect(sessionOf(server.pid)).toBe(before);
  });
});
