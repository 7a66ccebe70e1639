/** Who counts as local: real connections of several system users. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ConnectionTable } from '../../src/auth/connections.ts';
import { authWorld, questionOf, serving } from '../support/authentication.ts';

const isRoot = process.getuid?.() === 0;
const nobody = 65_534;

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serverAt(host: string, more: Parameters<typeof authWorld>[0] = {}) {
  const world = await authWorld(more);
  closers.push(world.close);
  const { port, close } = await serving(host, async (request, response) => {
    const { name } = await world.authentication.authenticator.authenticate(questionOf(request));
    response.end(name);
  });
  closers.push(close);
  return { world, port };
}

/** Status and text of an answer that a process of the user gets. */
async function askAs(
  user: number | null,
  url: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const script = `require('http').get(${JSON.stringify(url)}, {headers: ${JSON.stringify(headers)}}, (r) => {
    let text = ''; r.on('data', (d) => text += d); r.on('end', () => console.log(r.statusCode + ' ' + text)); })`;
  const child = spawn(process.execPath, ['-e', script], {
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
    ...(user !== null && { uid: user, gid: user }),
  });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  await once(child, 'close');
  return text.trim();
}

describe.skipIf(process.platform !== 'linux')('local connections', () => {
  for (const [listening, asked] of [
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '[::1]'],
    ['::', '127.0.0.1'],
    ['::', '[::1]'],
  ] as const) {
    test(`the server's user is known without a log-in at ${asked} of ${listening}`, async () => {
      const { port } = await serverAt(listening);
      expect(await askAs(null, `http://${asked}:${port}/`)).toMatch(/^200 \S+$/);
    });

    test.runIf(isRoot)(`another user is not, at ${asked} of ${listening}`, async () => {
      const { port } = await serverAt(listening);
      expect(await askAs(nobody, `http://${asked}:${port}/`)).toMatch(/^401 /);
    });
  }

  for (const header of ['x-forwarded-for', 'x-forwarded-proto', 'forwarded', 'via', 'x-real-ip'])
    test(`a request that a proxy passes on is not local: ${header}`, async () => {
      const { port } = await serverAt('127.0.0.1');
      expect(await askAs(null, `http://127.0.0.1:${port}/`, { [header]: '127.0.0.1' })).toMatch(/^401 /);
    });

  for (const host of [
    'carillon.example.org',
    '127.0.0.1.example.org',
    'localhost.example.org:4400',
    '10.0.0.7',
  ])
    test(`a request for ${host} is not local`, async () => {
      const { port } = await serverAt('127.0.0.1');
      expect(await askAs(null, `http://127.0.0.1:${port}/`, { host })).toMatch(/^401 /);
    });

  test('nobody is local while the server has another name', async () => {
    const { port } = await serverAt('127.0.0.1', { names: ['127.0.0.1', 'carillon.example.org'] });
    expect(await askAs(null, `http://127.0.0.1:${port}/`)).toMatch(/^401 /);
  });

  test('the owner is asked once for each connection', async () => {
    let reads = 0;
    const table = new ConnectionTable();
    const owners = {
      ownerOf: (...ends: Parameters<ConnectionTable['ownerOf']>) => {
        reads++;
        return table.ownerOf(...ends);
      },
    };
    const { port } = await serverAt('127.0.0.1', { owners });
    const socket = connect(port, '127.0.0.1');
    let answers = '';
    socket.on('data', (chunk) => {
      answers += chunk;
    });
    for (const connection of ['keep-alive', 'keep-alive', 'close'])
      socket.write(`GET / HTTP/1.1\r\nHost: localhost\r\nConnection: ${connection}\r\n\r\n`);
    await once(socket, 'close');
    expect(answers.match(/HTTP\/1.1 200/g)).toHaveLength(3);
    expect(reads).toBe(1);
  });
});

describe('the table of connections', () => {
  const far = { address: '127.0.0.1', port: 0x9c40 };
  const near = { address: '127.0.0.1', port: 0x1130 };
  const line = (state: string, user: number, inode: number) =>
    `   7: 0100007F:9C40 0100007F:1130 ${state} 00000000:00000000 00:00000000 00000000  ${user}        0 ${inode} 1 0000000000000000 20 4 30 10 -1\n`;
  const ownerIn = (...tables: string[]) =>
    new ConnectionTable(async () =>
      tables.map((text) => Buffer.from(`  sl  local_address\n${text}`)),
    ).ownerOf(far, near);

  test('an established connection has an owner', async () => {
    expect(await ownerIn(line('01', 1000, 42))).toBe(1000);
  });

  test('an end that its program has closed has none, although the system writes 0', async () => {
    expect(await ownerIn(line('05', 0, 0))).toBeNull();
    expect(await ownerIn(line('06', 0, 0))).toBeNull();
    expect(await ownerIn(line('01', 0, 0))).toBeNull();
  });

  test('the server’s own end of the connection does not count', async () => {
    const reversed = line('01', 0, 42).replace('0100007F:9C40 0100007F:1130', '0100007F:1130 0100007F:9C40');
    expect(await ownerIn(reversed)).toBeNull();
  });

  test('a client that speaks IPv6 to an IPv4 address is found', async () => {
    const mapped = line('01', 7, 42).replaceAll('0100007F', '0000000000000000FFFF00000100007F');
    expect(await ownerIn('', mapped)).toBe(7);
  });

  test('many that ask at the same time share a read that began after they asked', async () => {
    let reads = 0;
    const table = new ConnectionTable(async () => {
      reads++;
      return [Buffer.from(line('01', 1, 42))];
    });
    const first = Promise.all(Array.from({ length: 100 }, () => table.ownerOf(far, near)));
    expect(new Set(await first)).toEqual(new Set([1]));
    expect(reads).toBe(1);
    await table.ownerOf(far, near);
    expect(reads).toBe(2);
  });
});
