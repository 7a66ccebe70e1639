/**
 * A followed log goes on behind what was printed when the connection is lost: each byte once, with `--tail` too, and what
 * was dropped in between is counted.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { clientWith, printingTo } from '../support/command-line.ts';
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

async function restart(signal: 'SIGKILL' | 'SIGTERM', ...args: string[]): Promise<void> {
  const { port } = new URL(server.url);
  await server.end(signal);
  server = await Server.start(dataDir, ['--port', port, ...args]);
}

async function started(job: string, command: string): Promise<string> {
  await server.ask('PUT', `/api/v1/jobs/${job}`, { run: { command } });
  return (await server.ask<{ id: string }>('POST', `/api/v1/jobs/${job}/trigger`)).body.id;
}

/** What `carillon logs -f` has printed so far, and its end. After a lost connection it waits for `mayReturn`. */
function follow(
  args: readonly string[],
  { url = server.url, mayReturn }: { url?: string; mayReturn?: Promise<unknown> } = {},
): { said: () => string; end: Promise<number> } {
  let out = '';
  const io = printingTo(() => {}, {
    raw: (text) => void (out += text),
    sleep: async (delayMs) => {
      await (mayReturn ?? sleep(delayMs));
    },
    url,
  });
  return { said: () => out, end: runCli(['logs', '-f', ...args], clientWith(io)) };
}

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'carillon logs -f prints each line once, over a server that is ended by %s and comes back',
  async (signal) => {
    const id = await started(
      `counter-${signal.toLowerCase()}`,
      `i=0; while [ $i -lt ${lines} ]; do i=$((i+1)); echo "é $i"; echo same >&2; sleep 0.03; done`,
    );
    const whole = follow([id, '--stream', 'stdout']);
    const both = follow([id]);
    await eventually(
      async () => whole.said(),
      (said) => said.includes('é 20\n'),
    );
    const tail = follow([id, '--stream', 'stdout', '--tail', '3']);
    await eventually(
      async () => tail.said(),
      (said) => said.length > 50,
    );
    await restart(signal);
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

test('output that was dropped while the connection was lost is counted where it is missing', async () => {
  await restart('SIGTERM', '--log-limit', '20KiB');
  const [more, all] = [join(dataDir, 'more'), join(dataDir, 'all')];
  const id = await started(
    'dropping',
    `{ seq 1 1000; until [ -e ${more} ]; do sleep 0.02; done; seq 1001 20000; } | tee ${all}; sleep 1`,
  );
  let mayReturn = () => {};
  const following = follow([id], { mayReturn: new Promise<void>((resolve) => (mayReturn = resolve)) });
  await eventually(
    async () => following.said(),
    (said) => said.endsWith('\n1000\n'),
  );
  await server.end('SIGKILL');
  writeFileSync(more, '');
  await eventually(
    async () => readFileSync(all, 'utf8'),
    (printed) => printed.endsWith('\n20000\n'),
  );
  server = await Server.start(dataDir, ['--port', new URL(server.url).port, '--log-limit', '20KiB']);
  await eventually(
    () => server.get<{ attempts: { bytesDropped: number }[] }>(`/api/v1/runs/${id}`),
    ({ attempts }) => (attempts[0]?.bytesDropped ?? 0) > 0,
  );
  mayReturn();
  expect(await following.end).toBe(0);
  const printed = readFileSync(all, 'utf8');
  const [line = '', count = ''] =
    /^\[carillon: ([\d,]+) bytes of output were dropped here\]\n/m.exec(following.said()) ?? [];
  const dropped = Number(count.replaceAll(',', ''));
  expect(dropped).toBeGreaterThan(10_000);
  const before = following.said().indexOf(line);
  expect(before).toBeGreaterThan(printed.indexOf('1001\n'));
  expect(following.said()).toBe(`${printed.slice(0, before)}${line}${printed.slice(before + dropped)}`);
}, 120_000);

test('each byte comes once through a proxy that cuts every connection', async () => {
  const line = '😀 é €';
  const id = await started(
    'cut',
    `for i in $(seq 150); do echo "${line} $i"; echo "e $i" >&2; sleep 0.005; done`,
  );
  const clients = new Set<Socket>();
  const { port } = new URL(server.url);
  const proxy = createServer((client) => {
    const upstream = connect(Number(port), '127.0.0.1');
    // Some let all of it pass at once: a slow machine has no smaller pieces.
    let left = 500 + 300 * (clients.size % 30);
    clients.add(client);
    upstream.on('data', (bytes) => {
      client.write(bytes.subarray(0, left));
      left -= bytes.length;
      if (left <= 0) client.destroy();
    });
    client.on('data', (bytes) => upstream.write(bytes));
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const)
      one.on('error', () => {}).on('close', () => other.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const immediately = { url, mayReturn: Promise.resolve() };
  const whole = follow([id, '--stream', 'stdout'], immediately);
  const both = follow([id], immediately);
  expect(await Promise.all([whole.end, both.end])).toEqual([0, 0]);
  for (const client of clients) client.destroy();
  await new Promise((resolve) => proxy.close(resolve));
  const wanted = Array.from({ length: 150 }, (_, i) => `${line} ${i + 1}\n`).join('');
  expect(whole.said()).toBe(wanted);
  expect(both.said().replaceAll(/^e \d+\n/gm, '')).toBe(wanted);
  expect(both.said().match(/^e \d+$/gm)).toEqual(Array.from({ length: 150 }, (_, i) => `e ${i + 1}`));
  expect(clients.size).toBeGreaterThan(3);
}, 120_000);
