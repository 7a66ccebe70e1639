/** What answers of a collector mean, and what goes to it. */

import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Collector } from '../../src/traces/collector.ts';
import type { Headers } from '../../src/traces/headers.ts';
import { SimClock } from '../support/sim-clock.ts';

const NOW = Date.parse('2026-11-30T10:00:00Z');
const never = new AbortController().signal;

let server: Server;
let url: string;
let clock: SimClock;
let respond: (response: ServerResponse) => void;
let seen: {
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}[];

beforeEach(async () => {
  clock = new SimClock(NOW);
  seen = [];
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    seen.push({ path: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() });
    respond(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const send = (headers: Headers = {}, signal = never) =>
  new Collector({ url, headers: async () => headers, clock }).send('{"resourceSpans":[]}', signal);
const answering =
  (status: number, body = '', headers: Record<string, string> = {}) =>
  (response: ServerResponse): void =>
    void response.writeHead(status, headers).end(body);

test('a request is OTLP in JSON, with the headers that were configured', async () => {
  respond = answering(200, '{}');
  await send({ authorization: 'Bearer key' });
  expect(seen).toMatchObject([
    {
      path: '/v1/traces',
      headers: { 'content-type': 'application/json', authorization: 'Bearer key' },
      body: '{"resourceSpans":[]}',
    },
  ]);
});

test.each([
  ['{}', 0, ''],
  ['', 0, ''],
  ['no JSON', 0, ''],
  ['{"partialSuccess":{}}', 0, ''],
  ['{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too\\nold"}}', 3, 'too old'],
  ['{"partialSuccess":{"rejectedSpans":-1}}', 0, ''],
  [`{"partialSuccess":{"rejectedSpans":2,"errorMessage":"${'x'.repeat(1_000)}"}}`, 2, 'x'.repeat(200)],
])('200 with %j: taken', async (body, rejected, message) => {
  respond = answering(200, body);
  expect(await send()).toEqual({ kind: 'taken', rejected, message });
});

test.each([400, 401, 404, 413, 500, 307])('%i: refused', async (status) => {
  respond = answering(status, `no\u{1b}[2J${'x'.repeat(1e6)}`, { location: url });
  const answer = await send();
  expect(answer).toMatchObject({
    kind: 'refused',
    message: expect.stringMatching(new RegExp(`^it responded with status ${status}: no \\[2Jx{1,200}$`)),
  });
  // Not even a redirect is followed: headers have keys.
  expect(seen.length).toBe(1);
});

test.each([
  [429, '7', 7_000],
  [503, 'Mon, 30 Nov 2026 10:00:30 GMT', 30_000],
  [503, 'Mon, 30 Nov 2026 09:00:00 GMT', 0],
  [502, 'soon', 0],
  [504, '', 0],
  [429, '999999999', 600_000],
])('%i with Retry-After %j: again after %i ms', async (status, after, retryAfterMs) => {
  respond = answering(status, '', after === '' ? {} : { 'retry-after': after });
  expect(await send()).toEqual({ kind: 'away', message: `it responded with status ${status}`, retryAfterMs });
});

test('no answer within ten seconds: again', async () => {
  respond = () => void clock.advance(10_000);
  expect(await send()).toEqual({ kind: 'away', message: 'it did not respond within 10 s', retryAfterMs: 0 });
});

test('no server: again, with the reason and no key', async () => {
  const closed = once(server, 'close');
  server.close();
  await closed;
  expect(await send({ authorization: 'Bearer key' })).toEqual({
    kind: 'away',
    message: 'it cannot be reached (ECONNREFUSED)',
    retryAfterMs: 0,
  });
});

test('headers that cannot be read: again, because they may be later', async () => {
  const headers = () => Promise.reject(new Error('no file'));
  expect(await new Collector({ url, headers, clock }).send('{}', never)).toMatchObject({ kind: 'away' });
  expect(seen).toEqual([]);
});
