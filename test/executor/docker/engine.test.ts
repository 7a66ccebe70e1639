/** The client against an engine that answers as real ones do in moments that are hard to arrange. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { expiriesOf } from '../../../src/executor/container/expiries.ts';
import { DockerEngine } from '../../../src/executor/docker/engine.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { Clock } from '../../../src/scheduler/ports.ts';

const hastyClock: Clock = {
  ...realClock,
  after: (delayMs, callback) => realClock.after(delayMs / 200, callback),
};
const dir = mkdtempSync(join(tmpdir(), 'carillon-engine-'));
const servers: Server[] = [];

afterEach(() => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function engineOf(answer: RequestListener, clock = realClock) {
  const server = createServer(answer);
  servers.push(server);
  const path = join(dir, `engine-${servers.length}-${Math.round(performance.now())}.sock`);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return new DockerEngine({ host: path, tls: null, clock });
}

describe('the client of an engine', () => {
  test('sees the failure of a pull that began well', async () => {
    const said: unknown[] = [];
    const engine = await engineOf((_, response) => {
      response.write('{"status":"Pulling"}\r\n{"status":"Verifying"}\r\n');
      response.end('{"errorDetail":{"message":"denied"},"error":"denied"}\r\n');
    });
    await expect(engine.pull('tool:1', null, ({ status }) => said.push(status))).rejects.toMatchObject({
      words: 'denied',
    });
    expect(said).toEqual(['Pulling', 'Verifying']);
  });

  test('takes no task of a Swarm for a container of its own, though it has the labels', async () => {
    const entry = (name: string) => ({ Id: name, Names: [`/${name}`], State: 'running' });
    const engine = await engineOf((_, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify([entry('job-1'), entry('job-1.1.x7k2w0q9')]));
    });
    expect((await engine.list('c')).map(({ Id }) => Id)).toEqual(['job-1']);
  });

  test('gives credentials to a pull in a header and nowhere else', async () => {
    const requests: IncomingMessage[] = [];
    const engine = await engineOf((request, response) => {
      requests.push(request);
      response.end('{"status":"Done"}\n');
    });
    const auth = { username: 'me', password: 'hush', serveraddress: 'r.example.com' };
    await engine.pull('r.example.com/tool:1', auth, () => {});
    const [request] = requests;
    expect(request?.url).toBe('/images/create?fromImage=r.example.com%2Ftool%3A1');
    const header = Buffer.from(String(request?.headers['x-registry-auth']), 'base64url').toString();
    expect(JSON.parse(header)).toEqual(auth);
  });

  test('gives up a pull that goes silent', async () => {
    const engine = await engineOf((_, response) => void response.write('{"status":"Pulling"}\n'), hastyClock);
    await expect(engine.pull('tool:1', null, () => {})).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  });

  test('asks for events from before it connects, by the clock of the engine', async () => {
    const asked: string[] = [];
    const engine = await engineOf((request, response) => {
      asked.push(request.url ?? '');
      if (request.url === '/info') response.end('{"SystemTime":"2026-11-21T14:00:00.5Z"}');
      else response.write('{"Action":"die"}\n');
    });
    const stop = new AbortController();
    for await (const { Action } of await engine.events('c', stop.signal)) {
      expect(Action).toBe('die');
      break;
    }
    expect(asked[1]).toMatch(/^\/events\?.*since=1795269600.5/);
  });

  test('is not left hanging by an answer that breaks off', async () => {
    const engine = await engineOf((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"Id"', () => response.destroy());
    }, hastyClock);
    await expect(engine.inspect('job')).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  });

  test('gives up what is under way when it is closed', async () => {
    let asked = () => {};
    const arrived = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const engine = await engineOf(() => asked());
    const answer = engine.version().catch((error: unknown) => error);
    await arrived;
    engine.close();
    expect(await answer).toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
    await expect(engine.version()).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  });

  test.each([502, 503, 504])('takes %i for an outcome that nobody knows', async (status) => {
    const engine = await engineOf(
      (_, response) => void response.writeHead(status).end('{"message":"no leader"}'),
    );
    await expect(engine.start('id')).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringContaining('no leader'),
    });
  });

  test('goes where it is told, whatever DOCKER_HOST says', async () => {
    vi.stubEnv('DOCKER_HOST', 'tcp://127.0.0.1:9');
    vi.stubEnv('DOCKER_TLS_VERIFY', '1');
    vi.stubEnv('DOCKER_PATH_PREFIX', '/elsewhere');
    const engine = await engineOf((_, response) => void response.end('{"Version":"1","ApiVersion":"1.41"}'));
    expect(await engine.version()).toEqual({ Version: '1', ApiVersion: '1.41' });
  });
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describe.skipIf(!hasOpenssl)('an engine behind TLS', () => {
  const file = (name: string) => join(dir, name);
  const tls = { caFile: file('ca.pem'), certFile: file('client.pem'), keyFile: file('client.key') };
  let host: string;
  let server: ReturnType<typeof createTlsServer>;

  beforeAll(async () => {
    const openssl = (...args: string[]) =>
      execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const key = (name: string) => [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      file(`${name}.key`),
    ];
    openssl('req', '-x509', ...key('ca'), '-out', file('ca.pem'), '-subj', '/CN=ca', '-days', '2');
    for (const name of ['server', 'client']) {
      const issuer = ['-CA', file('ca.pem'), '-CAkey', file('ca.key')];
      const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
      openssl('req', '-x509', ...issuer, ...key(name), '-out', file(`${name}.pem`), ...subject);
    }
    const [ca, cert, serverKey] = [file('ca.pem'), file('server.pem'), file('server.key')].map((path) =>
      readFileSync(path),
    );
    const options = { ca: ca!, cert: cert!, key: serverKey!, requestCert: true, rejectUnauthorized: true };
    server = createTlsServer(
      options,
      (_, response) => void response.end('{"Version":"1","ApiVersion":"1.41"}'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    host = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server?.closeAllConnections();
    server?.close();
  });

  test('has certificates that end, and says when', async () => {
    const ends = await expiriesOf(tls)();
    expect(ends.map(({ name }) => name)).toEqual(['ca.pem', 'client.pem']);
    for (const { at } of ends) expect(at - Date.now()).toBeLessThan(2 * 86_400_000);
    expect(await expiriesOf({ ...tls, caFile: file('client.key') })()).toHaveLength(1);
    expect(await expiriesOf({ ...tls, caFile: file('none.pem') })()).toHaveLength(1);
    expect(await expiriesOf(null)()).toEqual([]);
  });

  test('is spoken to with the keys in the files', async () => {
    expect(await new DockerEngine({ host, tls, clock: realClock }).version()).toMatchObject({ Version: '1' });
  });

  test('is not believed when another authority vouches for it', async () => {
    const engine = new DockerEngine({ host, tls: { ...tls, caFile: tls.certFile }, clock: realClock });
    await expect(engine.version()).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  });

  test('needs files that can be read', () => {
    const create = () =>
      new DockerEngine({ host, tls: { ...tls, keyFile: '/nowhere/key.pem' }, clock: realClock });
    expect(create).toThrow(expect.objectContaining({ code: 'INVALID_FIELD' }));
  });
});
