/** Receivers behind a proxy: a real one, with tunnels for https. */

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parseAlertsFile } from '../../src/notify/file.ts';
import type { ReceiverSettings } from '../../src/notify/schema.ts';
import { type HttpReceiver, oneReceiver, opened, receiving, type SecretFiles } from './harness.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

/** Forwards requests and tunnels, and notes each. With a login, only for those who have it. */
class ProxyServer {
  readonly asked: string[] = [];
  login: string | null = null;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((request, response) => {
    this.asked.push(`${request.method} ${request.url}`);
    if (!this.#mayPass(request)) return void response.writeHead(407).end('login wanted');
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const onward = httpRequest(request.url ?? '', { method: request.method, headers });
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502);
      answer.pipe(response);
    });
    request.pipe(onward);
  });

  constructor() {
    this.#server.on('connection', (socket: Socket) => this.#sockets.add(socket));
    this.#server.on('connect', (request, client: Socket) => {
      this.asked.push(`CONNECT ${request.url}`);
      if (!this.#mayPass(request)) return void client.end('HTTP/1.1 407 Login wanted\r\n\r\n');
      const [host, port] = (request.url ?? '').split(':');
      const target = connect(Number(port), host, () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        client.pipe(target).pipe(client);
      });
      this.#sockets.add(target);
      for (const socket of [client, target]) socket.on('error', () => undefined);
    });
  }

  static async start(): Promise<ProxyServer> {
    const proxy = new ProxyServer();
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #mayPass({ headers }: IncomingMessage): boolean {
    const expected = `Basic ${Buffer.from(this.login ?? '').toString('base64')}`;
    return this.login === null || headers['proxy-authorization'] === expected;
  }
}

let server: HttpReceiver;
let files: SecretFiles;
receiving((ownServer, ownFiles) => {
  server = ownServer;
  files = ownFiles;
});
let proxy: ProxyServer;
beforeEach(async () => {
  proxy = await ProxyServer.start();
});
afterEach(() => proxy.stop());

const send = (settings: ReceiverSettings, environment: Record<string, string> = {}): Promise<void> =>
  oneReceiver(settings, undefined, environment).send(opened);

describe('a receiver of its own proxy', () => {
  test.each<[string, (url: string, proxy: string) => ReceiverSettings]>([
    ['slack', (url, proxy) => ({ slack: { urlFile: files.write('url', url), proxy } })],
    ['teams', (url, proxy) => ({ teams: { urlFile: files.write('url', url), proxy } })],
    ['pagerduty', (url, proxy) => ({ pagerduty: { url, routingKeyFile: files.write('key', 'k'), proxy } })],
    ['webhook', (url, proxy) => ({ webhook: { url, proxy } })],
    ['alertmanager', (url, proxy) => ({ alertmanager: { url, proxy } })],
  ])('%s sends through it', async (_, settings) => {
    await send(settings(`${server.url}/hook`, `http://${proxy.host}`));
    expect(proxy.asked).toEqual([expect.stringContaining(`POST ${server.url}/hook`)]);
    expect(server.received).toHaveLength(1);
  });

  test('gives it the login in its file, and never shows that', async () => {
    proxy.login = 'ops:p@ss-word-1';
    const proxyFile = files.write('proxy', `http://ops:p%40ss-word-1@${proxy.host}`);
    await send({ webhook: { url: server.url, proxyFile } });
    expect(server.received[0]?.headers).not.toHaveProperty('proxy-authorization');
    const { host } = proxy;
    await proxy.stop();
    const error = await send({ webhook: { url: server.url, proxyFile } }).catch((problem) => problem);
    expect(error).toMatchObject({
      code: 'NOTIFICATION_FAILED',
      message: `${server.host} cannot be reached through the proxy ${host} (ECONNREFUSED).`,
    });
    proxy = await ProxyServer.start();
  });

  test('is tried again if the proxy wants another login', async () => {
    proxy.login = 'ops:another';
    await expect(send({ webhook: { url: server.url, proxy: `http://${proxy.host}` } })).rejects.toMatchObject(
      { code: 'NOTIFICATION_FAILED', message: expect.stringContaining('407') },
    );
    await expect(
      send({ webhook: { url: 'https://hooks.example.com/x', proxy: `http://${proxy.host}` } }),
    ).rejects.toMatchObject({
      code: 'NOTIFICATION_FAILED',
      message: expect.stringMatching(/^hooks\.example\.com cannot be reached through the proxy .*407/),
    });
    expect(proxy.asked.at(-1)).toBe('CONNECT hooks.example.com:443');
  });
});

describe.skipIf(!hasOpenssl)('a receiver with https', () => {
  let target: TlsServer;
  let received: string[];
  beforeEach(async () => {
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(files.dir, name)) as [string, string];
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const out = ['-keyout', key, '-out', cert];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, ...out],
      {
        stdio: 'ignore',
      },
    );
    received = [];
    target = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
      received.push(`${request.method} ${request.url}`);
      request.resume().on('end', () => response.end());
    });
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    target.closeAllConnections();
    await new Promise((resolve) => target.close(resolve));
  });

  test('sends through a tunnel, which shows the proxy nothing but the host', async () => {
    const host = `127.0.0.1:${(target.address() as AddressInfo).port}`;
    await send({ webhook: { url: `https://${host}/hook` } }, { HTTPS_PROXY: `http://${proxy.host}` });
    expect(proxy.asked).toEqual([`CONNECT ${host}`]);
    expect(received).toEqual(['POST /hook']);
  });
});

describe('proxies in the environment', () => {
  const toProxy = (): string => `http://${proxy.host}`;
  test.each<[string, () => Record<string, string>, boolean]>([
    ['http_proxy counts', () => ({ http_proxy: toProxy() }), true],
    ['HTTP_PROXY counts', () => ({ HTTP_PROXY: toProxy() }), true],
    ['a scheme may be missing', () => ({ HTTP_PROXY: proxy.host }), true],
    ['small letters win', () => ({ http_proxy: toProxy(), HTTP_PROXY: 'http://127.0.0.1:9' }), true],
    ['that of https does not count for http', () => ({ HTTPS_PROXY: toProxy() }), false],
    ['NO_PROXY excepts hosts', () => ({ HTTP_PROXY: toProxy(), NO_PROXY: 'example.com,127.0.0.1' }), false],
    ['and no others', () => ({ HTTP_PROXY: toProxy(), no_proxy: 'example.com' }), true],
    ['an empty one is none', () => ({ HTTP_PROXY: '' }), false],
  ])('%s', async (_, environment, isUsed) => {
    await send({ webhook: { url: server.url } }, environment());
    expect(server.received).toHaveLength(1);
    expect(proxy.asked).toHaveLength(isUsed ? 1 : 0);
  });

  test('do not count for a receiver that has its own', async () => {
    await send(
      { webhook: { url: server.url, proxy: toProxy() } },
      { HTTP_PROXY: 'http://127.0.0.1:9', NO_PROXY: '*' },
    );
    expect(proxy.asked).toHaveLength(1);
  });

  test('that are none are told without their value', async () => {
    await expect(
      send({ webhook: { url: server.url } }, { HTTPS_PROXY: 'socks5://hunter2@x' }),
    ).rejects.toMatchObject({
      code: 'NOTIFICATION_FAILED',
      message: 'HTTPS_PROXY in the environment is not an address of a proxy. Allowed: an http or https URL.',
    });
  });
});

describe('a proxy in the file', () => {
  test.each([
    ['proxy: "http://u:hunter2@proxy:3128"', 'receivers.a.webhook.proxy is "http://***@proxy:3128"'],
    [
      'proxy: "proxy:3128"',
      'receivers.a.webhook.proxy is "proxy:3128". Allowed: an http or https URL without a login.',
    ],
    ['proxyFile: proxy', 'receivers.a.webhook.proxyFile is not a path (its value is not shown).'],
    [
      'proxyFile: /p, proxy: "http://proxy:3128"',
      'receivers.a.webhook has proxy and proxyFile. Allowed: at most one of them.',
    ],
  ])('is not accepted as %s', (fields, words) => {
    const read = () =>
      parseAlertsFile(
        `receivers: { a: { webhook: { url: "http://example.com", ${fields} } } }`,
        'alerts.yaml',
      );
    expect(read).toThrow(words);
    expect(read).not.toThrow('hunter2');
  });
});
