/** What somebody tries who wants to be let in as somebody else. Each got through once. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ConnectionTable } from '../../src/auth/connections.ts';
import { noteLimits } from '../../src/auth/notes.ts';
import type { Principal } from '../../src/scheduler/access/principal.ts';
import { type AuthWorld, authWorld, question, questionOf, serving } from '../support/authentication.ts';
import { SimClock } from '../support/sim-clock.ts';

const isRoot = process.getuid?.() === 0;
const nobody = 65_534;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function worldWith(more: Parameters<typeof authWorld>[0]): Promise<AuthWorld> {
  const world = await authWorld(more);
  closers.push(world.close);
  return world;
}

/** A port that nobody uses. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Another user sends a request from the port, and resets the connection when it is told to. */
function stranger(from: number, to: number): ChildProcess {
  const script = `
    const socket = require('net').connect({ port: ${to}, host: '127.0.0.1', localPort: ${from} }, () =>
      socket.write('GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n'));
    process.stdin.once('data', () => socket.resetAndDestroy()).once('end', () => process.exit());
    socket.once('close', () => console.log('reset'));`;
  const child = spawn(process.execPath, ['-e', script], { cwd: '/', env: {}, uid: nobody, gid: nobody });
  closers.push(() => child.kill());
  return child;
}

describe.skipIf(!isRoot || process.platform !== 'linux')('a request from a port that is used again', () => {
  test.each(['the server’s user', 'the same stranger'])('is not local if %s has it now', async (next) => {
    const table = new ConnectionTable();
    let asked: () => void = () => {};
    let reused: () => void = () => {};
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    const isReused = new Promise<void>((resolve) => (reused = resolve));
    const world = await worldWith({
      owners: {
        ownerOf: async (far, near) => {
          asked();
          await isReused;
          return table.ownerOf(far, near);
        },
      },
    });
    const found: Promise<Principal>[] = [];
    const { port, close } = await serving('127.0.0.1', async (request, response) => {
      found.push(world.authentication.authenticator.authenticate(questionOf(request)));
      await found.at(-1);
      response.end();
    });
    closers.push(close);
    const own = await freePort();
    const first = stranger(own, port);
    await isAsked;
    first.stdin?.write('x');
    await once(first.stdout!, 'data');
    let again: Socket | null = null;
    if (next === 'the server’s user') {
      again = connect({ port, host: '127.0.0.1', localPort: own });
      closers.push(() => again?.destroy());
      await once(again, 'connect');
    }
    reused();
    await expect(found[0]).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

test('a stranger’s long address does not make a note too long to be told', async () => {
  const clock = new SimClock(0);
  const world = await worldWith({ clock });
  const ask = world.authentication.authenticator;
  const path = `/${'"'.repeat(15_000)}`;
  for (let i = 0; i < 30; i++)
    await ask.authenticate(question({}, { from: `192.0.2.${i}`, path })).catch(() => {});
  await clock.advance(noteLimits.everyMs);
  const [line] = world.told.flatMap(({ lines }) => lines);
  expect(line).toMatchObject({ outcome: 'refused', on: expect.stringMatching(/^GET \/"{100}/) });
  expect(JSON.stringify(world.told).length).toBeLessThan(64 * 1024);
});
