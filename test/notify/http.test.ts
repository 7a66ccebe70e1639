/** What a receiver's server answers, and whether it is tried again. */

import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { HttpReceiver, type OneReceiver, oneReceiver, opened, SecretFiles } from './harness.ts';

const secret = 'T0123456/B7654321/x0x0x0x0x0x0x0x0';
let server: HttpReceiver;
let files: SecretFiles;
let slack: OneReceiver;

beforeEach(async () => {
  server = await HttpReceiver.start();
  files = new SecretFiles();
  slack = oneReceiver({ slack: { urlFile: files.write('url', `${server.url}/services/${secret}\n`) } });
});
afterEach(async () => {
  await server.stop();
  files.remove();
});

describe('a message over HTTP', () => {
  test.each([200, 201, 202, 204])('is delivered with status %i', async (status) => {
    server.answer = (response) => void response.writeHead(status).end();
    await slack.send(opened);
    expect(server.received.map(({ url }) => url)).toEqual([`/services/${secret}`]);
  });

  test.each([408, 425, 429, 500, 502, 503, 504, 599])('is tried again after status %i', async (status) => {
    server.answer = (response) => void response.writeHead(status).end('later');
    await expect(slack.send(opened)).rejects.toMatchObject({
      code: 'NOTIFICATION_FAILED',
      message: `${server.host} responded with status ${status}: "later".`,
    });
  });

  test.each([400, 401, 403, 404, 410, 413, 422])('is refused with status %i', async (status) => {
    server.answer = (response) => void response.writeHead(status).end('no_service');
    await expect(slack.send(opened)).rejects.toMatchObject({
      code: 'NOTIFICATION_REFUSED',
      message: `${server.host} responded with status ${status}: "no_service".`,
    });
  });

  test.each([301, 302, 303, 307, 308])('follows no redirect, status %i', async (status) => {
    server.answer = (response) =>
      void response.writeHead(status, { location: `http://169.254.169.254/${secret}` }).end();
    await expect(slack.send(opened)).rejects.toMatchObject({
      code: 'NOTIFICATION_REFUSED',
      message: `${server.host} responded with status ${status}, a redirect to 169.254.169.254. Redirects are not followed.`,
    });
    expect(server.received).toHaveLength(1);
  });

  test('shows a short line of the answer, without what is not printable and without the secret', async () => {
    const long = 'x'.repeat(100_000);
    server.answer = (response) => {
      response
        .writeHead(400)
        .end(`bad\r\n\u001b[31m\u0007 ${server.url}/services/${secret} ${secret.slice(18)} ${long}`);
    };
    const error = await slack.send(opened).catch((problem) => problem);
    expect(error.message).toMatch(/^127\.0\.0\.1:\d+ responded with status 400: "bad \*\*\* \*\*\* x+…"\.$/);
    expect(error.message.length).toBeLessThan(300);
  });

  test('does not wait for the rest of an endless answer', async () => {
    server.answer = (response) => {
      response.writeHead(500);
      const more = (): void => void (response.destroyed || response.write('y'.repeat(1_024), more));
      more();
    };
    await expect(slack.send(opened)).rejects.toThrow(/status 500: "y+…"/);
  });

  test('is tried again if there is no answer within 10 seconds', async () => {
    server.answer = () => undefined;
    const sending = slack.send(opened).catch((problem) => problem);
    await until('it is asked', () => server.received.length === 1);
    await slack.clock.advance(10_000);
    expect(await sending).toMatchObject({
      code: 'NOTIFICATION_FAILED',
      message: `${server.host} did not respond within 10 s.`,
    });
  });

  test('is tried again if nobody listens', async () => {
    const port = await freePort();
    const nobody = oneReceiver({
      slack: { urlFile: files.write('url', `http://127.0.0.1:${port}/${secret}`) },
    });
    await expect(nobody.send(opened)).rejects.toMatchObject({
      code: 'NOTIFICATION_FAILED',
      message: `127.0.0.1:${port} cannot be reached (ECONNREFUSED).`,
    });
  });

  test('is tried again if the connection breaks', async () => {
    server.answer = (response) => void response.socket?.destroy();
    await expect(slack.send(opened)).rejects.toMatchObject({ code: 'NOTIFICATION_FAILED' });
  });

  test('is interrupted by the stop', async () => {
    server.answer = () => undefined;
    const sending = slack.send(opened).catch((problem) => problem);
    await until('it is asked', () => server.received.length === 1);
    await slack.notifier.stop();
    expect(await sending).toMatchObject({
      code: 'NOTIFICATION_FAILED',
      message: 'The delivery was interrupted, because the node stops.',
    });
    await expect(slack.send(opened)).rejects.toMatchObject({ code: 'NOTIFICATION_FAILED' });
  });

  test('is waited for by the stop, also while its secret is read', async () => {
    let hasEnded = false;
    const end = (): void => {
      hasEnded = true;
    };
    slack.send(opened).then(end, end);
    await slack.notifier.stop();
    // Those who wait for it hear of it in this turn.
    await new Promise((resolve) => setImmediate(resolve));
    expect(hasEnded).toBe(true);
    expect(server.received).toEqual([]);
  });

  test('uses the login of a URL as a header, and never repeats it', async () => {
    const { host } = server;
    const receiver = oneReceiver({
      webhook: { urlFile: files.write('url', `http://ops:p%40ss-word-1@${host}/hook?token=abcdef0123`) },
    });
    await receiver.send(opened);
    expect(server.received[0]?.headers.authorization).toBe(
      `Basic ${Buffer.from('ops:p@ss-word-1').toString('base64')}`,
    );
    server.answer = (response) => void response.writeHead(403).end('p@ss-word-1 is not for abcdef0123');
    await expect(receiver.send(opened)).rejects.toThrow(
      `${host} responded with status 403: "*** is not for ***".`,
    );
  });
});

/** One that nobody listens at. */
async function freePort(): Promise<number> {
  const tcp = createTcpServer();
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
  const { port } = tcp.address() as AddressInfo;
  await new Promise((resolve) => tcp.close(resolve));
  return port;
}
