/** A followed log goes on when the server is ended and started again: each line once, with `--tail` too. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { eventually, Server } from '../support/server.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'carillon-followed-'));
const lines = 300;
let server: Server;

beforeAll(async () => {
  server = await Server.start(dataDir);
});
afterAll(async () => {
  await server.end('SIGTERM');
  rmSync(dataDir, { recursive: true, force: true });
});

/** What `carillon logs -f` has printed so far, and its end. */
function follow(...args: string[]): { said: () => string; end: Promise<number> } {
  let out = '';
  const end = runCli(['logs', '-f', ...args], {
    serve: async () => 0,
    restore: () => Promise.reject(new Error('nothing is restored here')),
    environment: {},
    version: '1.2.3',
    io: {
      out: () => {},
      raw: (text) => {
        out += text;
      },
      terminal: false,
      err: () => {},
      stdin: async () => '',
      now: () => Date.now(),
      sleep: (delayMs) => new Promise((done) => setTimeout(done, delayMs)),
      timezone: 'UTC',
      color: false,
      progress: false,
      by: 'ann@laptop',
      url: server.url,
    },
  });
  return { said: () => out, end };
}

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'carillon logs -f prints each line once, over a server that is ended by %s and comes back',
  async (signal) => {
    const job = `counter-${signal.toLowerCase()}`;
    await server.ask('PUT', `/api/v1/jobs/${job}`, {
      run: {
        command: `i=0; while [ $i -lt ${lines} ]; do i=$((i+1)); echo "é $i"; echo same >&2; sleep 0.03; done`,
      },
    });
    const { body } = await server.ask<{ id: string }>('POST', `/api/v1/jobs/${job}/trigger`);
    const whole = follow(body.id, '--stream', 'stdout');
    const both = follow(body.id);
    await eventually(
      async () => whole.said(),
      (said) => said.includes('é 20\n'),
    );
    const tail = follow(body.id, '--stream', 'stdout', '--tail', '3');
    await eventually(
      async () => tail.said(),
      (said) => said.length > 50,
    );
    const { port } = new URL(server.url);
    await server.end(signal);
    server = await Server.start(dataDir, ['--port', port]);
    expect(await Promise.all([whole.end, both.end, tail.end])).toEqual([0, 0, 0]);
    expect(whole.said()).toBe(Array.from({ length: lines }, (_, i) => `é ${i + 1}\n`).join(''));
    const [first = ''] = tail.said().split('\n', 1);
    expect(Number(first.slice(2))).toBeGreaterThan(10);
    expect(tail.said()).toBe(whole.said().slice(whole.said().indexOf(`${first}\n`)));
    expect(both.said().match(/^same$/gm)).toHaveLength(lines);
    expect(both.said().match(/^é \d+$/gm)).toHaveLength(lines);
  },
  60_000,
);
