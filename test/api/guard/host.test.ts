/** Which Host is answered, over real connections: what a page with a rebound name is told, on every path. */

import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiWorld } from '../../support/api-world.ts';

let api: ApiWorld;
let port: number;
const webDir = mkdtempSync(join(tmpdir(), 'carillon-host-'));
beforeAll(async () => {
  mkdirSync(join(webDir, 'assets'));
  writeFileSync(join(webDir, 'index.html'), '<title>Carillon</title>');
  writeFileSync(join(webDir, 'assets/app.js'), '1');
  const hosts = ['scheduler.example', '10.0.0.11', 'fd00::1'];
  api = await ApiWorld.at('2026-11-21T00:00:00Z', { webDir, hosts });
  await api.post('/jobs', { name: 'secret-job', run: { command: 'true' } });
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  port = (api.app.server.address() as AddressInfo).port;
});
afterAll(async () => {
  await api.close();
  rmSync(webDir, { recursive: true });
});

/** Sends these lines as they are and reads until the server closes; the status and the whole answer. */
async function say(lines: readonly string[], body = ''): Promise<{ status: number; text: string }> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  socket.write(`${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`);
  await once(socket, 'close');
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), text };
}

const paths = [
  '/',
  '/jobs',
  '/assets/app.js',
  '/ping',
  '/health/live',
  '/health/ready',
  '/metrics',
  '/nothing',
  '/%E0%A4%A',
  '/api/v1/jobs',
  '/api/v1/events',
  '/api/v1/openapi.json',
  '/api/v1/nothing',
  '/v1/scheduler/jobs',
  '/v1/scheduler/nothing',
  '/scheduler/jobs',
  '/internal/engines/process/inventory',
];

test('no header is dropped for coming late', async () => {
  const body = '{"cron":"@daily"}';
  const lines = ['POST /api/v1/schedules/preview HTTP/1.1', 'Host: localhost', ...Array(2_500).fill('a:')];
  const late = [`Content-Length: ${body.length}`, 'Content-Type: application/json'];
  expect((await say([...lines, ...late], body)).status).toBe(200);
  expect((await say([...lines, 'Origin: http://evil.example', ...late], body)).text).toContain(
    'evil.example',
  );
});

describe('a request for another host', () => {
  test.each(paths)('gets nothing from GET %s', async (path) => {
    const { status, text } = await say([`GET ${path} HTTP/1.1`, 'Host: evil.example', 'Accept: text/html']);
    expect([status, /secret-job|<title>/.test(text)], text).toEqual([421, false]);
    expect(text).toContain('--allowed-host evil.example');
  });

  test.each(['HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE', 'PATCH', 'TRACE'])('may not %s', async (method) => {
    for (const path of paths) {
      const { status } = await say([`${method} ${path} HTTP/1.1`, 'Host: evil.example', 'Content-Length: 0']);
      expect([path, status]).toEqual([path, 421]);
    }
  });

  test('creates no job, even where Origin agrees with it', async () => {
    const body = JSON.stringify({ name: 'rebound', run: { command: 'true' } });
    const { status } = await say(
      [
        'POST /api/v1/jobs HTTP/1.1',
        'Host: evil.example',
        'Origin: http://evil.example',
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
      ],
      body,
    );
    expect(status).toBe(421);
    expect((await api.get('/jobs')).total).toBe(1);
  });

  test.each([
    ['a header of proxies does not change it', ['Host: evil.example', 'X-Forwarded-Host: localhost']],
    ['a name that begins like one of ours', ['Host: localhost.evil.example']],
    ['a name that ends like one of ours', ['Host: evil-localhost']],
    ['a login before the name', ['Host: localhost@evil.example']],
    ['an address that only looks like loopback', ['Host: 127.0.0.1.evil.example']],
    ['the wildcard address', ['Host: 0.0.0.0']],
    ['the address of somebody else', ['Host: 10.0.0.12']],
    ['the address of somebody else, as IPv6', ['Host: [::ffff:10.0.0.12]']],
    ['an IPv6 address that ends like loopback', ['Host: [::fffe:127.0.0.1]']],
    ['an empty Host', ['Host:']],
    ['no host at all', ['Host: ://']],
    ['a second Host', ['Host: localhost', 'Host: evil.example']],
  ])('%s: 421', async (_, headers) => {
    expect((await say(['GET /api/v1/jobs HTTP/1.1', ...headers])).status).toBe(421);
  });

  test.each(['[::ffff:127.0.0.1]:15000', '[::ffff:7f00:1]', '127.8.9.10', '[::1]:1', 'LOCALHOST.'])(
    'loopback by any of its names is this host: %s',
    async (host) => {
      expect((await say(['GET /api/v1/jobs HTTP/1.1', `Host: ${host}`])).status).toBe(200);
    },
  );

  test.each(['[::ffff:10.0.0.12]', '[::ffff:128.0.0.1]', '[::7f00:1]'])(
    'an address within an address that is not: %s',
    async (host) => {
      expect((await say(['GET /api/v1/jobs HTTP/1.1', `Host: ${host}`])).status).toBe(421);
    },
  );

  test('gets nothing from an address that is too long', async () => {
    const { status } = await say([`GET /api/v1/jobs/${'x'.repeat(2_000)} HTTP/1.1`, 'Host: evil.example']);
    expect(status).toBe(421);
  });

  test('is recognised by a target that is a whole address', async () => {
    const target = (url: string) => say([`GET ${url} HTTP/1.1`, 'Host: localhost']);
    expect((await target('http://evil.example/api/v1/jobs')).status).toBe(421);
    expect((await target('evil.example')).status).not.toBe(200);
    expect((await target('http://localhost:1/api/v1/jobs')).status).toBe(200);
  });

  test('says what to set, in Chronos form on the paths of Chronos', async () => {
    const native = await api.send('GET /jobs', { headers: { host: 'evil.example:80' } });
    expect(native.json()).toMatchObject({ status: 421, code: 'MISDIRECTED', field: 'Host' });
    const chronos = await api.send('GET //v1/scheduler/jobs', { headers: { host: 'evil.example' } });
    expect([chronos.statusCode, chronos.json().message]).toEqual([
      421,
      expect.stringContaining('--allowed-host evil.example'),
    ]);
  });
});

describe('what is no request', () => {
  test.each<[string, string[], string]>([
    ['an address that is too long', [`GET /${'x'.repeat(20_000)} HTTP/1.1`, 'Host: localhost'], '16 KiB'],
    ['an unknown method', ['NONSENSE / HTTP/1.1', 'Host: localhost'], 'not HTTP'],
    ['nonsense', ['\u0000\u0001'], 'not HTTP'],
  ])('is refused as a problem: %s', async (_, lines, words) => {
    const { status, text } = await say(lines);
    expect([status, JSON.parse(text.split('\r\n\r\n')[1] ?? '').detail]).toEqual([
      400,
      expect.stringContaining(words),
    ]);
    expect(text).toContain('application/problem+json');
  });
});

describe('a request for this host', () => {
  test.each([
    'localhost',
    'LOCALHOST:1234',
    'localhost.',
    '127.0.0.1',
    '127.8.9.1:80',
    '[::1]:4400',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]:4400',
    '[::ffff:7f00:1]',
    '[::ffff:10.0.0.11]',
    'scheduler.example',
    'Scheduler.Example:8443',
    '10.0.0.11:4400',
    '[fd00:0::1]:4400',
  ])('%s is answered', async (host) => {
    expect((await say(['GET /api/v1/jobs HTTP/1.1', `Host: ${host}`])).status).toBe(200);
  });

  test.each([
    ['/health/live', 200],
    ['/health/ready?', 200],
    ['/ping', 200],
    ['/metrics', 421],
    ['/api/v1/jobs', 421],
    ['/', 421],
  ])('without a Host, as HTTP/1.0 allows: %s %i', async (path, status) => {
    expect((await say([`GET ${path} HTTP/1.0`])).status).toBe(status);
  });
});

describe('a page of another origin', () => {
  const asks = (headers: Record<string, string>, request = 'GET /jobs') => api.send(request, { headers });

  test.each([
    ['reads with its Origin', { origin: 'http://localhost:3000' }],
    ['opens streams without reading them', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
    ['is on another port of this machine', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }],
    [
      'shows this one in a frame',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
    ],
  ])('that %s is refused', async (_, headers) => {
    expect((await asks(headers)).statusCode).toBe(400);
    expect((await asks(headers, 'GET //metrics')).statusCode).toBe(400);
  });

  test('that sends a form here as a navigation is refused', async () => {
    const form = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    };
    expect((await asks(form, 'POST /jobs/secret-job/pause')).statusCode).toBe(400);
    expect((await asks(form)).statusCode, 'a link').toBe(200);
  });

  test.each([
    ['the own page', { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }],
    ['a person who types the address', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }],
    ['the own page that names itself', { origin: 'http://localhost:4400', host: 'localhost:4400' }],
  ])('is not %s', async (_, headers) => {
    expect((await asks(headers)).statusCode).toBe(200);
  });
});
