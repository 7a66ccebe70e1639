/** What clients may hold at once, over real connections from several addresses of this machine. */

import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { apiLimits } from '../../../src/api/wire/limits.ts';
import { CarillonError } from '../../../src/errors.ts';
import type { SchedulerHandle } from '../../../src/scheduler/handle.ts';
import { ApiWorld } from '../../support/api-world.ts';
import { until } from '../../support/until.ts';

const megabyte = 1024 * 1024;
const cli = { 'user-agent': 'carillon-cli' };
const json = { 'content-type': 'application/json' };
const node = { 'x-carillon-forwarded-by': 'node-2' };

let api: ApiWorld;
let port: number;
const open: { destroy(): void }[] = [];
beforeEach(async () => {
  api = await ApiWorld.at('2026-11-21T00:00:00Z', { heartbeatMs: 1_000_000 });
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  port = (api.app.server.address() as AddressInfo).port;
});
afterEach(async () => {
  for (const each of open.splice(0)) each.destroy();
  await api.close();
});

/** From now on the API asks these instead of the scheduler. */
async function over(instead: Partial<SchedulerHandle>): Promise<void> {
  const { app, world } = api;
  await app.close();
  api = await ApiWorld.over(world, {}, instead);
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  port = (api.app.server.address() as AddressInfo).port;
}

interface Asked {
  readonly from?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** One request on a connection of its own, from an address of the loopback network. */
function start(path: string, { from = '127.0.0.1', method = 'GET', headers = {} }: Asked): ClientRequest {
  const options = { host: '127.0.0.1', port, path, method, headers, localAddress: from, agent: false };
  const asked = request(options).on('error', () => {});
  open.push(asked);
  return asked;
}

async function answerOf(asked: ClientRequest): Promise<IncomingMessage> {
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.on('error', () => {});
  return answer;
}

async function statusOf(path: string, asked: Asked = {}): Promise<number> {
  const outgoing = start(path, asked);
  outgoing.end(asked.body);
  return (await api.settled(answerOf(outgoing))).statusCode ?? 0;
}

test('a page of large jobs is sent as it is read, not made as one text', async () => {
  const env = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`A${i}`, 'x'.repeat(30_000)]));
  for (let i = 0; i < 20; i++) await api.post('/jobs', { name: `a${i}`, run: { command: 'true', env } });
  const asked = start('/api/v1/jobs', {});
  asked.end();
  const answer = await answerOf(asked);
  expect(answer.headers['transfer-encoding']).toBe('chunked');
  const { items } = JSON.parse(Buffer.concat(await answer.toArray()).toString());
  expect(items).toHaveLength(20);
  expect(items[19].definition.run.env).toEqual(env);
});

/** What the node says of itself, asked without a connection. */
async function gauge(name: string): Promise<number> {
  const { body } = await api.app.inject({ url: '/metrics', headers: { accept: 'text/plain' } });
  return Number(new RegExp(`^carillon_http_${name} (\\d+)$`, 'm').exec(body)?.[1]);
}

describe('streams', () => {
  const { total, perAddress, kept } = apiLimits.streams;
  const stream = (asked: Asked = {}) => statusOf('/api/v1/events', asked);
  const fill = async (count: number, asked: Asked) => {
    for (let i = 0; i < count; i++) expect(await stream(asked)).toBe(200);
  };

  test('of one address leave room for others, for the command line and for nodes', async () => {
    await fill(perAddress, {});
    expect(await stream(), 'one more of the same').toBe(503);
    expect(await stream({ from: '127.0.0.2' })).toBe(200);
    expect(await stream({ headers: cli })).toBe(200);
    expect(await stream({ headers: node })).toBe(200);
    expect(await gauge('streams')).toBe(perAddress + 3);
  });

  test('of all addresses leave room for the command line and for nodes', async () => {
    await fill(perAddress, {});
    await fill(total - kept - perAddress, { from: '127.0.0.2' });
    expect(await stream({ from: '127.0.0.3' })).toBe(503);
    await fill(kept, { headers: cli });
    expect(await stream({ headers: cli })).toBe(503);
    expect(await stream({ from: '127.0.0.3', headers: node })).toBe(503);
    expect(await gauge('streams')).toBe(total);
    expect(await statusOf('/api/v1/jobs'), 'what is no stream').toBe(200);
  });

  test('that end make room', async () => {
    await fill(perAddress, {});
    open[0]?.destroy();
    await until('a free place', async () => (await gauge('streams')) < perAddress);
    expect(await stream()).toBe(200);
  });

  test('are followed outputs as well, and a refusal says when to try again', async () => {
    await api.post('/jobs', { name: 'a', run: { command: 'true' } });
    const { id } = await api.post('/jobs/a/trigger');
    await fill(perAddress, {});
    const asked = start(`/api/v1/runs/${id}/logs?follow=true`, {});
    asked.end();
    const answer = await answerOf(asked);
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '1']);
    const text = Buffer.concat(await answer.toArray()).toString();
    expect(JSON.parse(text)).toMatchObject({
      code: 'BUSY',
      allowed: `the limit for 127.0.0.1 is ${perAddress}`,
    });
  });
});

describe('bodies', () => {
  const { total, perAddress, kept } = apiLimits.bodyRoom;
  const declared = { ...json, 'content-length': String(apiLimits.bodyBytes) };
  const part = Buffer.alloc(8 * megabyte, ' ');

  /** Sends eight megabytes of a body of 32 and stays; null, or the status if it is answered. */
  async function hold(asked: Asked = {}): Promise<number | null> {
    const headers = { ...declared, ...asked.headers };
    const before = await gauge('body_bytes');
    const outgoing = start('/api/v1/apply', { method: 'POST', ...asked, headers });
    let status: number | null = null;
    outgoing.once('response', (answer: IncomingMessage) => (status = answer.statusCode ?? 0));
    outgoing.write(part);
    const full = before + part.length - apiLimits.smallBodyBytes;
    await until('it is held or refused', async () => status !== null || (await gauge('body_bytes')) === full);
    return status;
  }

  const fill = async (asked: Asked, most: number) => {
    for (let i = 0; i < most; i++) if ((await hold(asked)) === 503) return i;
    return most;
  };

  test('that are declared large and sent in part hold no more than their bound', async () => {
    const held = await fill({}, 200);
    expect(held).toBe(Math.floor(perAddress / (part.length - apiLimits.smallBodyBytes)));
    for (let i = 0; i < 20; i++) expect(await hold()).toBe(503);
    expect(await gauge('body_bytes')).toBeLessThanOrEqual(perAddress);
    expect(await hold({ from: '127.0.0.2' }), 'another address').toBe(null);
    expect(await hold({ headers: cli }), 'the command line').toBe(null);
    for (const from of ['127.0.0.2', '127.0.0.3', '127.0.0.4']) await fill({ from }, 200);
    expect(await gauge('body_bytes')).toBeLessThanOrEqual(total - kept + part.length);
    expect(await hold({ headers: node }), 'another node').toBe(null);
    expect(process.memoryUsage().arrayBuffers).toBeLessThan(2 * total);
  });

  test('that are small always have room', async () => {
    await fill({}, 200);
    const job = JSON.stringify({ name: 'a', run: { command: 'true' }, description: 'x'.repeat(4_000) });
    expect(await statusOf('/api/v1/jobs', { method: 'POST', headers: json, body: job })).toBe(201);
  });

  test('that are refused can be sent again, and those that go make room', async () => {
    await fill({}, 200);
    const body = `[]${' '.repeat(megabyte)}`;
    const asked = start('/api/v1/apply', { method: 'POST', headers: json });
    asked.end(body);
    const answer = await answerOf(asked);
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '1']);
    for (const each of open.splice(0)) each.destroy();
    await until('room', async () => (await gauge('body_bytes')) === 0);
    expect(await statusOf('/api/v1/apply', { method: 'POST', headers: json, body })).toBe(200);
    await until('it is given back', async () => (await gauge('body_bytes')) === 0);
  });

  test.each([
    ['GET', 200],
    ['DELETE', 400],
  ])('that nobody reads do no harm when they stop coming: %s', async (method, status) => {
    const outgoing = start('/api/v1/jobs/a', { method, headers: { 'content-length': '100000' } });
    await api.post('/jobs', { name: 'a', run: { command: 'true' } });
    outgoing.write('[');
    const answering = answerOf(outgoing);
    await api.world.clock.advance(2 * apiLimits.bodySilenceMs);
    expect((await answering).statusCode).toBe(status);
    await api.world.clock.advance(2 * apiLimits.bodySilenceMs);
    expect(await statusOf('/api/v1/jobs')).toBe(200);
  });

  test('that stop coming are given up', async () => {
    const outgoing = start('/api/v1/apply', { method: 'POST', headers: declared });
    outgoing.write(part);
    await until('it is held', async () => (await gauge('body_bytes')) > 7 * megabyte);
    const answering = answerOf(outgoing);
    await api.world.clock.advance(apiLimits.bodySilenceMs);
    const answer = await answering;
    expect([answer.statusCode, answer.headers.connection]).toEqual([408, 'close']);
    await until('it is given back', async () => (await gauge('body_bytes')) === 0);
  });
});

describe('a body whose client has gone', () => {
  test('counts until its request is processed', async () => {
    let finish: ((answer: never) => void) | null = null;
    const submit = () => new Promise<never>((resolve) => (finish = resolve));
    await over({ submit: submit as SchedulerHandle['submit'] });
    const connections = await gauge('connections');
    const outgoing = start('/api/v1/apply', {
      method: 'POST',
      headers: json,
    });
    outgoing.end(`[{"name":"a","run":{"command":"x"}}]${' '.repeat(megabyte)}`);
    await until('it is processed', () => finish !== null);
    outgoing.destroy();
    await until('its client has gone', async () => (await gauge('connections')) === connections);
    expect(await gauge('body_bytes')).toBeGreaterThan(megabyte / 2);
    (finish as unknown as (answer: never) => void)([] as never);
    await until('it is given back', async () => (await gauge('body_bytes')) === 0);
  });
});

describe('reads', () => {
  let begun: string[];
  let finish: (() => void)[];
  let arrived: number;
  beforeEach(async () => {
    [begun, finish, arrived] = [[], [], 0];
    const run = (id: string) =>
      new Promise<never>((_, reject) => {
        begun.push(id);
        finish.push(() => reject(new CarillonError('RUN_NOT_FOUND', `There is no run ${id}.`)));
      });
    await over({ run });
    api.app.server.on('request', () => arrived++);
  });

  async function ask(ids: readonly string[], asked: Asked = {}): Promise<ClientRequest[]> {
    const before = arrived;
    const all = ids.map((id) => start(`/api/v1/runs/${id}`, asked));
    for (const each of all) each.end();
    await until('all have arrived', () => arrived === before + ids.length);
    return all;
  }
  const many = Array.from({ length: 3 * apiLimits.reads }, (_, i) => `run-${i}`);

  test('beyond a few wait, and those whose clients have gone meanwhile are not begun', async () => {
    const asked = await ask(many);
    await until('some have begun', () => begun.length === apiLimits.reads);
    for (const each of asked) each.destroy();
    await until('all have gone', async () => (await gauge('connections')) <= 1);
    const later = start('/api/v1/runs/later', {});
    later.end();
    const answer = answerOf(later);
    for (const each of finish.splice(0)) each();
    await until('the next has begun', () => begun.includes('later'));
    expect(begun).toHaveLength(apiLimits.reads + 1);
    finish[0]?.();
    expect((await answer).statusCode).toBe(404);
  });

  test('whose clients have gone count until they are done', async () => {
    const asked = await ask(many.slice(0, apiLimits.reads));
    await until('all have begun', () => begun.length === apiLimits.reads);
    for (const each of asked) each.destroy();
    await until('all have gone', async () => (await gauge('connections')) <= 1);
    await ask(['later']);
    expect(await statusOf('/health/live')).toBe(200);
    expect(begun).not.toContain('later');
    finish[0]?.();
    await until('it has begun', () => begun.includes('later'));
  });

  test.each<[string, Asked]>([
    ['another address', { from: '127.0.0.2' }],
    ['the command line', { headers: cli }],
    ['another node', { headers: node }],
  ])('of one client do not delay those of %s', async (_, asked) => {
    await ask(many);
    await until('some have begun', () => begun.length === apiLimits.reads);
    await ask(['theirs'], asked);
    expect(await statusOf('/health/live')).toBe(200);
    finish[0]?.();
    finish[1]?.();
    await until('two more have begun', () => begun.length === apiLimits.reads + 2);
    expect(begun).toContain('theirs');
  });
});

describe('reads of every route', () => {
  /** The document says which there are. */
  async function paths(): Promise<string[]> {
    await api.post('/jobs', { name: 'a', run: { command: 'true' } });
    const { id } = await api.post('/jobs/a/trigger');
    const document = await api.get('/openapi.json');
    return Object.entries(document.paths as Record<string, object>)
      .filter(([, methods]) => 'get' in methods)
      .map(([path]) =>
        path
          .replace('{name}', 'a')
          .replace('{id}', id)
          .replace(/\{\w+\}/g, '1'),
      )
      .filter((path) => path !== '/api/v1/events');
  }

  test('make room when they are answered, whatever the answer is', async () => {
    const all = await paths();
    expect(all.length).toBeGreaterThan(25);
    for (const path of all) {
      for (const method of ['GET', 'HEAD']) await statusOf(path, { method });
      await statusOf(`${path}?nonsense=1`);
    }
    await until('all have ended', async () => (await gauge('reads')) === 0);
  });

  test('make room when their clients have gone', async () => {
    for (const path of await paths()) {
      const outgoing = start(path, {});
      outgoing.end();
      await once(api.app.server, 'request');
      outgoing.destroy();
    }
    await until('all have ended', async () => (await gauge('reads')) === 0);
  });
});

describe('unread long answers', () => {
  const { perAddress, total, kept } = apiLimits.longAnswers;

  /** Asks for a page larger than what the connection holds, and reads nothing of it. */
  async function hold(asked: Asked = {}): Promise<number> {
    const outgoing = start('/api/v1/jobs', asked);
    outgoing.end();
    const answer = await api.settled(answerOf(outgoing));
    answer.pause();
    return answer.statusCode ?? 0;
  }

  test('leave room for others, and make room when they end', async () => {
    const env = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`A${i}`, 'x'.repeat(30_000)]));
    for (let i = 0; i < 20; i++) await api.post('/jobs', { name: `a${i}`, run: { command: 'true', env } });
    for (let i = 0; i < perAddress; i++) expect(await hold()).toBe(200);
    expect(await hold()).toBe(503);
    expect(await hold({ headers: cli }), 'the command line').toBe(200);
    for (let i = 0; i < total - kept - perAddress; i++) expect(await hold({ from: '127.0.0.2' })).toBe(200);
    expect(await hold({ from: '127.0.0.3' }), 'all others together').toBe(503);
    expect(await hold({ headers: node }), 'another node').toBe(200);
    expect(await statusOf('/api/v1/apply', { method: 'POST', headers: json, body: '[]' })).toBe(200);
    open[20]?.destroy();
    await until('room', async () => (await hold()) === 200);
  });
});

describe('answers', () => {
  const { perAddress } = apiLimits.answerRoom;
  const large = 5_000_000;
  const page = '/api/v1/jobs/a';

  /** Lists are made while they are read. What is made as one text is made larger here than any job may be. */
  beforeEach(async () => {
    await api.post('/jobs', { name: 'a', run: { command: 'true' } });
    const view = api.world.scheduler.job('a');
    const definition = { ...view.job.definition, description: 'x'.repeat(large) };
    await over({ job: () => ({ ...view, job: { ...view.job, definition } }) });
  });

  /** Asks so many times on one connection, and reads nothing. */
  async function ask(times: number, path = page): Promise<Socket> {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => {}).pause();
    open.push(socket);
    await once(socket, 'connect');
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(times));
    return socket;
  }
  const held = () => gauge('answer_bytes');

  test('that nobody reads hold no more than their bound, and others are answered', async () => {
    for (let i = 0; i < 40; i++) await ask(2);
    await until('they are held', async () => (await held()) > perAddress - 2 * large);
    expect(await held()).toBeLessThanOrEqual(perAddress);
    expect(await statusOf(page)).toBe(503);
    expect(await statusOf('/health/live'), 'a small one').toBe(200);
    expect(await statusOf(page, { from: '127.0.0.2' })).toBe(200);
    expect(await statusOf(page, { headers: cli })).toBe(200);
    await api.world.clock.advance(apiLimits.answerMs);
    await until('they are given up', async () => (await held()) === 0);
    expect(await statusOf(page)).toBe(200);
  });

  test('to more than a few requests at once are not made: the connection ends', async () => {
    const socket = await ask(2_000);
    await until('some are held', async () => (await held()) > 0);
    expect(await held()).toBeLessThan(1.2 * large);
    const text = Buffer.concat(await socket.toArray()).toString();
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual([
      ...Array.from({ length: apiLimits.pipelined }, () => 'HTTP/1.1 200'),
      'HTTP/1.1 503',
    ]);
    await until('nothing is held', async () => (await held()) === 0);
  });
});

describe('requests that are sent without waiting for an answer', () => {
  test('are answered one after the other, each knowing what those before did', async () => {
    const job = JSON.stringify({ name: 'first', run: { command: 'true' } });
    const head = 'Host: localhost\r\nContent-Type: application/json';
    const socket = connect({ host: '127.0.0.1', port });
    open.push(socket);
    socket.write(
      `POST /api/v1/jobs HTTP/1.1\r\n${head}\r\nContent-Length: ${job.length}\r\n\r\n${job}` +
        `GET /api/v1/jobs/first HTTP/1.1\r\n${head}\r\n\r\n` +
        `DELETE /api/v1/jobs/first HTTP/1.1\r\n${head}\r\n\r\n` +
        `GET /api/v1/jobs/first HTTP/1.1\r\n${head}\r\nConnection: close\r\n\r\n`,
    );
    const text = Buffer.concat(await api.settled(socket.toArray())).toString();
    expect(text.match(/HTTP\/1\.1 \d+/g)?.map((line) => line.slice(9))).toEqual(['201', '200', '200', '404']);
  });

  test('take no places once their connection has gone', async () => {
    const socket = connect({ host: '127.0.0.1', port });
    open.push(socket);
    socket.write('GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(10));
    await once(socket, 'data');
    expect(await gauge('streams')).toBe(1);
    socket.destroy();
    await until('its place is free', async () => (await gauge('streams')) === 0);
    expect(await gauge('connections')).toBe(0);
  });
});

describe('connections', () => {
  /** Opens connections until so many stand, each after saying this. */
  async function crowd(count: number, from: string, says = ''): Promise<Socket[]> {
    const sockets: Socket[] = [];
    for (let i = 0; i < count; i++) {
      const socket = connect({ host: '127.0.0.1', port, localAddress: from });
      socket.on('error', () => {}).resume();
      open.push(socket);
      await once(socket, 'connect');
      if (says !== '') socket.write(says);
      sockets.push(socket);
    }
    return sockets;
  }
  const half = 'POST /api/v1/apply HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
  const slow = `${half}Content-Length: 10\r\n\r\n[`;

  test('of one address are bounded, and an idle one makes way for a new one', async () => {
    const sockets = await crowd(apiLimits.connectionsPerAddress, '127.0.0.1');
    await until('they stand', async () => (await gauge('connections')) === sockets.length);
    expect(await statusOf('/api/v1/jobs')).toBe(200);
    await until('the oldest went', () => sockets[0]?.closed === true);
    expect(sockets.filter(({ closed }) => closed)).toHaveLength(1);
    expect(await gauge('connections')).toBeLessThanOrEqual(apiLimits.connectionsPerAddress);
  });

  test('that are asked nothing or send slowly keep nobody out', async () => {
    for (const from of ['127.0.0.2', '127.0.0.3'])
      await crowd(apiLimits.connectionsPerAddress, from, from === '127.0.0.2' ? slow : half);
    await until('they stand', async () => (await gauge('connections')) === apiLimits.connections);
    for (let i = 0; i < 5; i++) expect(await statusOf('/api/v1/jobs', { from: '127.0.0.4' })).toBe(200);
    expect(await gauge('connections')).toBeLessThanOrEqual(apiLimits.connections);
  });

  test('whose clients do not take their answers make way when all others are being answered', async () => {
    const run = { command: 'true', env: { A: 'x'.repeat(50_000) } };
    await api.post(
      '/apply',
      Array.from({ length: 100 }, (_, i) => ({ name: `j${i}`, run })),
    );
    const busy = await ApiWorld.over(api.world, {}, { submit: () => new Promise(() => {}) });
    await busy.app.listen({ host: '127.0.0.1', port: 0 });
    port = (busy.app.server.address() as AddressInfo).port;
    try {
      const [unread] = await crowd(1, '127.0.0.2');
      unread?.pause().write('GET /api/v1/jobs?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n');
      const trigger = 'POST /api/v1/jobs/j0/trigger HTTP/1.1\r\nHost: localhost\r\n\r\n';
      await crowd(apiLimits.connectionsPerAddress - 1, '127.0.0.2', trigger);
      await until('it went for another', async () => {
        const [tried] = await crowd(1, '127.0.0.2', trigger);
        return tried !== undefined && unread?.resume().closed === true;
      });
    } finally {
      for (const each of open.splice(0)) each.destroy();
      await busy.close();
    }
  });

  test('that are answered stay', async () => {
    const stream = start('/api/v1/events', { from: '127.0.0.2' });
    stream.end();
    const answer = await answerOf(stream);
    await crowd(apiLimits.connectionsPerAddress + 10, '127.0.0.2');
    await until(
      'the others went',
      async () => (await gauge('connections')) <= apiLimits.connectionsPerAddress,
    );
    expect(answer.destroyed).toBe(false);
  });

  test('whose request is not here as a whole are ended at once when the app closes', async () => {
    const sockets = [...(await crowd(10, '127.0.0.2', slow)), ...(await crowd(10, '127.0.0.3', half))];
    await until('they stand', async () => (await gauge('connections')) === sockets.length);
    await api.app.close();
    await until('they went', () => sockets.every(({ closed }) => closed));
  });
});
