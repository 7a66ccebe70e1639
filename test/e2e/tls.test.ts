/** The HTTPS listener of the built program: what it speaks, whom it asks, and what happens when its files change. */

import { type ChildProcess, execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Authority, type PairFiles } from '../support/certificates.ts';
import { program } from '../support/program.ts';
import { Server } from '../support/server.ts';
import { until } from '../support/until.ts';

const dir = mkdtempSync(join(tmpdir(), 'carillon-tls-'));
let ca: Authority;
let pair: PairFiles;
let server: Server;

beforeAll(async () => {
  ca = await Authority.make(dir);
  pair = await ca.issue('server');
  const people = join(dir, 'people.yaml');
  writeFileSync(people, 'certificates: [{ subject: CN=ann, role: operator }]\n');
  server = await Server.start(join(dir, 'data'), [
    ...['--auth-file', people],
    ...['--tls-cert', pair.certFile, '--tls-key', pair.keyFile, '--tls-client-ca', ca.file],
    ...['--log-format', 'json'],
  ]);
});
afterAll(async () => {
  await server.end('SIGTERM');
  rmSync(dir, { recursive: true });
});

interface Said {
  readonly status: number | undefined;
  readonly text: string;
  /** The common name of the server's certificate. */
  readonly of: string;
}

/** As a client that trusts our authority. */
function ask(path: string, options: object = {}): Promise<Said> {
  return new Promise((resolve, reject) => {
    const asking = request(
      `${server.url}${path}`,
      { ca: ca.pair.cert, agent: false, ...options },
      (response) => {
        const of = (response.socket as TLSSocket).getPeerCertificate().subject.CN as string;
        let text = '';
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode, text, of }));
      },
    );
    asking.on('error', reject);
    asking.end();
  });
}

const said = (args: string[], env: Record<string, string> = {}) =>
  new Promise<{ code: number; err: string; out: string }>((resolve) => {
    const [command, main] = program;
    const child: ChildProcess = execFile(
      command,
      [main, ...args],
      { env: { ...process.env, CARILLON_URL: server.url, ...env } },
      (_, out, err) => resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });

describe('the listener', () => {
  test('answers over TLS, and its address says so', async () => {
    expect(server.url).toMatch(/^https:/);
    expect(await ask('/health/ready')).toMatchObject({ status: 200, of: 'server' });
    expect(JSON.parse((await ask('/api/v1/cluster')).text).leader.url).toMatch(/^https:/);
  });

  test('does not speak versions before TLS 1.2', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' };
    await expect(ask('/ping', old)).rejects.toThrow(/protocol|alert/);
    expect(await ask('/ping', { maxVersion: 'TLSv1.2' })).toMatchObject({ status: 200 });
  });

  test('does not answer plain HTTP', async () => {
    await expect(fetch(`${server.url.replace('https', 'http')}/ping`)).rejects.toThrow();
  });

  test('takes certificates of clients, and needs none', async () => {
    const { cert, key } = await ca.issue('ann');
    const stranger = await (await Authority.make(dir, 'other')).issue('eve');
    expect(await ask('/ping', { cert, key })).toMatchObject({ status: 200 });
    expect(await ask('/ping', stranger)).toMatchObject({ status: 200 });
  });

  test('knows who asks by the certificate, if it is of the authority and in the file of people', async () => {
    const whoIs = async (pair: object) => JSON.parse((await ask('/api/v1/me', pair)).text);
    const me = { kind: 'local', everywhere: expect.arrayContaining(['admin']) };
    const ann = { kind: 'person', name: 'CN=ann', everywhere: ['read', 'logs', 'operate'] };
    expect(await whoIs(await ca.issue('ann'))).toMatchObject(ann);
    expect(await whoIs(await ca.issue('bob'))).toMatchObject(me);
    const eve = await Authority.make(dir, 'eve');
    expect(await whoIs(await eve.issue('ann', { as: 'false-ann' }))).toMatchObject(me);
    expect(await whoIs(await ca.issue('ann', { as: 'late-ann', forMs: -1_000 }))).toMatchObject(me);
  });

  test('closes connections without a complete handshake after ten seconds, and answers others meanwhile', async () => {
    const { hostname, port } = new URL(server.url);
    // The beginning of a ClientHello of 508 bytes, of which a byte comes now and then.
    const hello = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]);
    const began = performance.now();
    const closedAfterMs: number[] = [];
    const sockets = Array.from({ length: 40 }, () =>
      connect({ host: hostname, port: Number(port) })
        .on('error', () => undefined)
        .once('close', () => closedAfterMs.push(performance.now() - began))
        .resume(),
    );
    const slow = sockets.slice(20);
    for (const socket of slow) socket.write(hello);
    const dripping = setInterval(() => {
      for (const socket of slow) if (socket.writable) socket.write(Buffer.from([0]));
    }, 500);
    try {
      expect(await ask('/ping')).toMatchObject({ status: 200 });
      await until('all are closed', () => closedAfterMs.length === sockets.length, 20_000);
      expect(Math.min(...closedAfterMs)).toBeGreaterThan(9_900);
      expect(await ask('/ping')).toMatchObject({ status: 200 });
    } finally {
      clearInterval(dripping);
      for (const socket of sockets) socket.destroy();
    }
  }, 28_000);

  test('closes connections that make no handshake when it stops', async () => {
    const other = await Server.start(join(dir, 'other'), [
      ...['--tls-cert', pair.certFile, '--tls-key', pair.keyFile],
    ]);
    const { hostname, port } = new URL(other.url);
    const silent = await new Promise<Socket>((resolve) => {
      const socket = connect({ host: hostname, port: Number(port) }, () => resolve(socket));
    });
    expect(await other.end('SIGTERM')).toBe(0);
    silent.destroy();
  });
});

describe('when the files change', () => {
  test('new connections see the new certificate, and those that are there continue', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect(await ask('/ping', { agent })).toMatchObject({ of: 'server' });
    await ca.issue('renewed', { as: 'server' });
    await until('a new connection sees it', async () => (await ask('/ping')).of === 'renewed');
    expect(await ask('/ping', { agent })).toMatchObject({ status: 200, of: 'server' });
    agent.destroy();
  });

  test('what does not fit changes nothing, and the log says so', async () => {
    const { of } = await ask('/ping');
    const other = await ca.issue('mismatch', { as: 'mismatch' });
    writeFileSync(pair.certFile, other.cert);
    await until('it is in the log', () => /tls\.files-not-read/.test(server.log));
    expect(await ask('/ping')).toMatchObject({ status: 200, of });
    writeFileSync(pair.keyFile, other.key);
    await until('the pair is whole again', async () => (await ask('/ping')).of === 'mismatch');
  });
});

describe('the command line', () => {
  test('trusts whom it is told to trust', async () => {
    expect(await said(['jobs', '--ca', ca.file])).toMatchObject({ code: 0 });
    expect(await said(['jobs'], { CARILLON_CA: ca.file })).toMatchObject({ code: 0 });
    expect(await said(['jobs'], { NODE_EXTRA_CA_CERTS: ca.file })).toMatchObject({ code: 0 });
  });

  test('says why it does not trust a server, and what to do', async () => {
    expect(await said(['jobs'])).toMatchObject({
      code: 3,
      err: expect.stringMatching(/certificate of an unknown authority.*--ca FILE/),
    });
    expect(await said(['jobs', '--ca', join(dir, 'none')])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/none cannot be read \(ENOENT\)/),
    });
    const late = await ca.issue('late', { forMs: -1_000 });
    const expired = await Server.start(join(dir, 'expired'), [
      ...['--tls-cert', late.certFile, '--tls-key', late.keyFile],
    ]);
    expect(await said(['jobs', '--ca', ca.file, '--url', expired.url])).toMatchObject({
      code: 3,
      err: expect.stringMatching(/has expired\. Renew it/),
    });
    await expired.end('SIGTERM');
  });
});
