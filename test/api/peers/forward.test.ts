/** Two nodes over HTTP: one leads, the other passes on to it what only the leader can do. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { forwardLimits } from '../../../src/api/peers/forward.ts';
import { apiLimits } from '../../../src/api/wire/limits.ts';
import { CarillonError } from '../../../src/errors.ts';
import { peerLimits } from '../../../src/peers/client.ts';
import type { ClusterView, RunLogChunk, RunLogQuery } from '../../../src/scheduler/handle.ts';
import type { Member, StopSignal } from '../../../src/scheduler/ports.ts';
import { ApiWorld, type Body } from '../../support/api-world.ts';
import { believing, localAdmin } from '../../support/askers.ts';
import { until } from '../../support/until.ts';

const run = { command: 'true' };
const member = (id: string, url: string): Member => ({ id, url, host: id, pid: 1, version: '0.1.0' });

async function* gone(): AsyncGenerator<RunLogChunk> {
  yield* [];
  throw new CarillonError('LOGS_GONE', 'too old');
}

let leader: ApiWorld;
let follower: ApiWorld;
let leads: Member;
let follows: Member;
/** What the follower believes. */
let view: Partial<ClusterView>;
/** How the leader's part of the world is told to talk. */
let outputs: (signal?: StopSignal, query?: RunLogQuery) => AsyncIterable<RunLogChunk>;
/** The output that the follower has. */
let here: (query: RunLogQuery) => AsyncIterable<RunLogChunk>;
let caughtUp: () => Promise<boolean>;
const others: Server[] = [];

beforeEach(async () => {
  view = {};
  here = gone;
  caughtUp = async () => true;
  leads = member('node-1', '');
  follows = member('node-2', '');
  const leading = (): ClusterView => ({
    role: 'leader',
    term: 1,
    leader: leads,
    self: leads,
    members: [leads, follows],
    lagMs: 0,
    store: { reachable: true, detail: null },
    unled: false,
    takeover: null,
  });
  const logs = (_id: string, query: RunLogQuery) => outputs(query.signal, query);
  leader = await ApiWorld.at('2026-11-21T00:00:00Z', {}, { cluster: leading, logs });
  follower = await ApiWorld.over(
    leader.world,
    { bodyLimitBytes: 8 * 1024 * 1024 },
    {
      cluster: () => ({ ...leading(), role: 'follower', self: follows, lagMs: 7, ...view }),
      caughtUp: () => caughtUp(),
      submit: async () => {
        throw new CarillonError('NOT_LEADING', 'submitted to a follower');
      },
      logs: (_id: string, query: RunLogQuery) => here(query),
    },
  );
  leads = member('node-1', await leader.app.listen({ host: '127.0.0.1', port: 0 }));
  follows = member('node-2', await follower.app.listen({ host: '127.0.0.1', port: 0 }));
});
afterEach(async () => {
  for (const server of others.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await follower.app.close();
  await leader.close();
});

/** Something else that listens where the leader should be. */
async function instead(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<void> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  others.push(server);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  view = { leader: member('node-1', `http://127.0.0.1:${port}`) };
}

const typed = (type: string, body: string) => ({ body, headers: { 'content-type': type } });

describe('a change through a follower', () => {
  test('is made by the leader, and its answer comes back as it is', async () => {
    const created = await follower.send('POST /jobs', { body: { name: 'a', run } });
    expect([created.statusCode, created.headers.location]).toEqual([201, '/api/v1/jobs/a']);
    expect(created.headers['x-carillon-leader']).toBe('node-1');
    expect(await follower.get('/jobs/a')).toEqual(await leader.get('/jobs/a'));
    const again = await follower.send('POST /jobs', { body: { name: 'a', run } });
    const direct = await leader.send('POST /jobs', { body: { name: 'a', run } });
    expect([again.statusCode, again.json()]).toEqual([409, direct.json()]);
    expect(again.headers['content-type']).toBe(direct.headers['content-type']);
  });

  test.each<[string, Parameters<ApiWorld['send']>[1], number]>([
    ['POST /jobs', typed('application/yaml', 'name: y\nrun: { command: "true" }\n'), 201],
    ['POST /jobs', typed('application/json', '{"name": "a",}'), 400],
    ['POST /jobs', typed('text/plain', 'name: a'), 400],
    ['POST /jobs', {}, 400],
    ['PUT /jobs/%C3%A9%20%2F?x=1', { body: { run } }, 400],
    ['DELETE /jobs/nope?dependents=cascade', {}, 404],
    ['POST /jobs/nope/trigger', {}, 404],
    ['POST /schedules/preview', { body: { cron: '0 2 * * *' } }, 200],
  ])('%s %j', async (what, sent, status) => {
    const through = await follower.send(what, sent);
    expect(through.statusCode).toBe(status);
    expect(through.headers['x-carillon-leader']).toBe('node-1');
    if (status >= 400) expect(through.json()).toEqual((await leader.send(what, sent)).json());
  });

  test('may be ten thousand jobs', async () => {
    const jobs = Array.from({ length: 10_000 }, (_, i) => ({ name: `job-${i}`, run }));
    const { results } = await follower.post('/apply', jobs);
    expect(results).toHaveLength(10_000);
    expect(leader.world.scheduler.jobCount()).toBe(10_000);
  });

  test('tells the leader who asked', async () => {
    await follower.post('/jobs', { name: 'a', run });
    await follower.post('/jobs/a/pause', undefined, { 'test-name': 'ann' });
    await follower.post('/jobs', { name: 'b', run, paused: true });
    expect((await leader.get('/jobs/a')).paused.by).toBe('ann');
    const asker = { principal: { ...localAdmin, name: 'ann' }, from: '192.0.2.7', via: 'node-2' };
    const forwarded = await believing().passOn(asker, { method: 'POST', path: '/api/v1/jobs' });
    await leader.post('/jobs', { name: 'c', run }, forwarded as Record<string, string>);
    await leader.post('/jobs', { name: 'd', run }, { ...forwarded, 'x-carillon-forwarded-by': 'node-2' });
    const by = async (name: string) => (await leader.get(`/jobs/${name}`)).updatedBy;
    expect([await by('a'), await by('c'), await by('d')]).toEqual(['local', 'local', 'ann']);
  });

  test('is answered once this node has it too, and after a bound anyway', async () => {
    let arrive: ((caughtUp: boolean) => void) | null = null;
    caughtUp = () => new Promise((resolve) => (arrive = resolve));
    let answered = false;
    const writing = follower.post('/jobs', { name: 'a', run }).then(() => (answered = true));
    const arrived = await until('this node waits for it', () => arrive);
    expect([leader.world.scheduler.jobCount(), answered]).toEqual([1, false]);
    arrived(false);
    await writing;
    caughtUp = async () => {
      throw new CarillonError('STORE_UNAVAILABLE', 'gone');
    };
    expect((await follower.send('POST /jobs/a/pause')).statusCode).toBe(200);
  });

  test('from a foreign page is refused here, and from a page of this node is made', async () => {
    const foreign = await follower.send('POST /jobs', {
      body: { name: 'a', run },
      headers: { origin: 'http://x' },
    });
    expect(foreign.statusCode).toBe(400);
    const { host } = new URL(follows.url);
    const own = await fetched(`${follows.url}/api/v1/jobs`, {
      method: 'POST',
      headers: { origin: `http://${host}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'a', run }),
    });
    expect(own.status).toBe(201);
  });

  const fetched = (url: string, init?: RequestInit) => leader.settled(fetch(url, init));

  test.each([
    ['with its length said', true],
    ['in chunks', false],
  ])('with too large a body %s is refused', async (_, said) => {
    // Where the length is known nobody is waited for.
    if (said) view = { leader: null };
    const size = 9 * 1024 * 1024;
    const outgoing = request(`${follows.url}/api/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(said && { 'content-length': size }) },
    });
    outgoing.on('error', () => {});
    outgoing.write(Buffer.alloc(size - 1, ' '));
    outgoing.end(' ');
    const [response] = (await leader.settled(once(outgoing, 'response'))) as [IncomingMessage];
    expect(response.statusCode).toBe(413);
    response.resume();
  });
});

test('a body in chunks stays one, whatever the method', async () => {
  const bodies: string[] = [];
  await instead((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      bodies.push(`${request.method} ${body}`);
      response.writeHead(204).end();
    });
  });
  for (const method of ['DELETE', 'PUT']) {
    const outgoing = request(`${follows.url}/api/v1/jobs/a`, {
      method,
      headers: { 'transfer-encoding': 'chunked' },
    });
    outgoing.write('one');
    outgoing.end('two');
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(204);
    response.resume();
  }
  expect(bodies).toEqual(['DELETE onetwo', 'PUT onetwo']);
});

describe('reads', () => {
  test('are answered here, with how old they may be', async () => {
    await leader.post('/jobs', { name: 'a', run });
    view = { leader: member('node-1', 'http://127.0.0.1:1') };
    const read = await follower.send('GET /jobs/a');
    expect([read.statusCode, read.headers['x-carillon-lag-ms']]).toEqual([200, '7']);
    expect((await leader.send('GET /jobs/a')).headers['x-carillon-lag-ms']).toBeUndefined();
    view = { lagMs: null };
    expect((await follower.send('GET /jobs/a')).headers['x-carillon-lag-ms']).toBeUndefined();
  });

  test('of engines and of the cluster are the leader’s', async () => {
    for (const what of ['GET /engines', 'GET /pools']) {
      const answer = await follower.send(what);
      expect([answer.statusCode, answer.headers['x-carillon-leader']]).toEqual([200, 'node-1']);
    }
    const cluster = await follower.send('GET /cluster');
    expect(cluster.headers['x-carillon-leader']).toBe('node-1');
    expect(cluster.json()).toMatchObject({
      leader: { id: 'node-1' },
      members: [
        { id: 'node-1', role: 'leader', lagMs: 0 },
        { id: 'node-2', role: 'follower', lagMs: 7 },
      ],
    });
    expect((await follower.send('HEAD /engines')).statusCode).toBe(200);
  });

  test('of the cluster leave room for others, however many the leader answers', async () => {
    await leader.post('/jobs', { name: 'a', run });
    for (let i = 0; i < 2 * apiLimits.reads; i++)
      expect((await follower.send('GET /cluster')).statusCode).toBe(200);
    expect((await follower.send('GET /jobs/a')).statusCode).toBe(200);
  });

  test('of the cluster are this node’s while the leader is not to be reached', async () => {
    view = { leader: member('node-1', 'http://127.0.0.1:1') };
    expect(await follower.get('/cluster')).toMatchObject({
      leader: { id: 'node-1' },
      members: [
        { id: 'node-1', lagMs: 0 },
        { id: 'node-2', lagMs: 7 },
      ],
    });
    view = { leader: null };
    expect(await follower.get('/cluster')).toMatchObject({ leader: null });
  });

  test('of the cluster do not wait for a leader whose refusal does not end', async () => {
    let cutOff = false;
    await instead((request, response) => {
      if (request.url === '/health/ready') return void response.end('{}');
      response.on('close', () => (cutOff = true));
      response.writeHead(500).write('more follows');
    });
    expect((await follower.send('GET /cluster')).statusCode).toBe(200);
    await until('the leader is cut off', () => cutOff);
  });

  test('of events are live here', async () => {
    const response = await fetch(`${follows.url}/api/v1/events`);
    await follower.post('/jobs', { name: 'a', run });
    expect(await seen(response, '"change":"created"')).toContain('event: job');
  });
});

/** Reads until the text is there, and leaves. */
async function seen(response: Response, wanted: string): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes(wanted)) return text;
  }
  throw new Error(`ended with ${text}`);
}

describe('without a leader', () => {
  const waiting = async (asked: Promise<Body>, ms: number): Promise<void> => {
    asked.catch(() => {});
    await leader.world.clock.advance(ms);
  };

  test('a change waits for one', async () => {
    view = { leader: null };
    const asked = follower.send('POST /jobs', { body: { name: 'a', run } });
    await waiting(asked, forwardLimits.leaderWithinMs - 500);
    view = {};
    await leader.world.clock.advance(forwardLimits.leaderPollMs);
    expect((await asked).statusCode).toBe(201);
  });

  test('a change waits to be made here, if this node comes to lead', async () => {
    view = { leader: null };
    const asked = follower.send('POST /jobs/nope/pause');
    await waiting(asked, 1_000);
    // Elected, and not yet at work.
    view = { leader: follows, role: 'starting' };
    await leader.world.clock.advance(1_000);
    view = { leader: follows, role: 'leader' };
    await leader.world.clock.advance(forwardLimits.leaderPollMs);
    expect((await asked).json().detail).toBe('submitted to a follower');
  });

  test('a change is refused after a while', async () => {
    view = { leader: null };
    const asked = follower.send('POST /jobs', { body: { name: 'a', run } });
    await waiting(asked, forwardLimits.leaderWithinMs + forwardLimits.leaderPollMs);
    const answer = await asked;
    expect([answer.statusCode, answer.json().code, answer.headers['retry-after']]).toEqual([
      503,
      'NOT_LEADING',
      '1',
    ]);
  });

  test('a leader that cannot be reached counts as absent; the next leader is asked', async () => {
    view = { leader: member('node-3', 'http://127.0.0.1:1') };
    const asked = follower.send('POST /jobs', { body: { name: 'a', run } });
    for (let i = 0; i < 5; i++) await waiting(asked, 100);
    view = {};
    expect((await clockUntil(asked)).statusCode).toBe(201);
    view = { leader: member('node-3', 'http://127.0.0.1:1') };
    const refused = await clockUntil(follower.send('POST /jobs/a/pause'));
    expect(refused.json()).toMatchObject({
      code: 'NOT_LEADING',
      detail: expect.stringMatching(/ECONNREFUSED/),
    });
  });

  test('a request that was forwarded is not forwarded again', async () => {
    for (const what of ['POST /jobs/a/pause', 'GET /engines', 'GET /cluster']) {
      const refused = await follower.send(what, { headers: { 'x-carillon-forwarded-by': 'node-3' } });
      expect([refused.statusCode, refused.json().code]).toEqual([503, 'NOT_LEADING']);
    }
    // Two nodes that take each other for the leader.
    view = { leader: member('node-3', follows.url) };
    expect((await follower.send('POST /jobs/a/pause')).json().code).toBe('NOT_LEADING');
  });
});

/** Lets simulated time pass, real connections having their turn, until there is an answer. */
async function clockUntil<T>(asked: Promise<T>): Promise<T> {
  let open = true;
  asked.finally(() => (open = false)).catch(() => {});
  await until('an answer', async () => {
    if (open) await leader.world.clock.advance(100);
    return !open;
  });
  return asked;
}

describe('a leader that dies', () => {
  test('before it answers: nobody knows', async () => {
    await instead((_, response) => response.socket?.destroy());
    const answer = await follower.send('POST /jobs', { body: { name: 'a', run } });
    expect([answer.statusCode, answer.json().code]).toEqual([503, 'STORE_UNAVAILABLE']);
    expect(answer.json().detail).toMatch(/may or may not have been made/);
    expect((await follower.send('GET /engines')).json().code).toBe('NOT_LEADING');
  });

  test('without a word: it is given up when another leads', async () => {
    let asked = false;
    await instead(() => (asked = true));
    const answer = follower.send('POST /jobs', { body: { name: 'a', run } });
    await until('it was asked', () => asked);
    await leader.world.clock.advance(10 * forwardLimits.afterChangeMs);
    view = { leader: null };
    expect((await clockUntil(answer)).json().detail).toMatch(/may or may not have been made/);
  });

  test('in the middle of its answer: the answer is cut off, and not made whole', async () => {
    await instead((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"half":', () => response.socket?.destroy());
    });
    const response = await fetch(`${follows.url}/api/v1/jobs/a/pause`, { method: 'POST' });
    await expect(response.text()).rejects.toThrow(/terminated/);
  });

  test('without a word, and stays the leader: it is given up after a bound', async () => {
    let asked = false;
    await instead(() => (asked = true));
    const answer = follower.send('POST /jobs', { body: { name: 'a', run } });
    await until('it was asked', () => asked);
    await leader.world.clock.advance(forwardLimits.answerWithinMs);
    expect((await answer).json().detail).toMatch(/no answer within 180000 ms.*may or may not have been made/);
  });

  test('silently in the middle of its answer: the answer is cut off after a bound', async () => {
    await instead((_, response) => void response.writeHead(200).write('half'));
    const response = await fetch(`${follows.url}/api/v1/jobs/a/pause`, { method: 'POST' });
    const text = response.text();
    await leader.world.clock.advance(peerLimits.pauseMs - 1);
    expect(await Promise.race([text.catch(() => 'cut off'), Promise.resolve('waits')])).toBe('waits');
    await leader.world.clock.advance(1);
    await expect(text).rejects.toThrow(/terminated/);
  });

  test('silently in the middle of its answer: a client that goes takes it along', async () => {
    let gone = false;
    await instead((_, response) => {
      response.on('close', () => (gone = true));
      response.writeHead(200).write('half');
    });
    const control = new AbortController();
    await fetch(`${follows.url}/api/v1/jobs/a/pause`, { method: 'POST', signal: control.signal });
    control.abort();
    await until('the leader hears of it', () => gone);
  });

  test('a node that stops waits for what it passed on', async () => {
    let finish = () => {};
    await instead((_, response) => {
      finish = () => response.writeHead(204).end();
    });
    const asked = fetch(`${follows.url}/api/v1/jobs/a`, { method: 'DELETE' });
    const before = finish;
    await until('it was asked', () => finish !== before);
    const closing = follower.app.close();
    await until('it does not listen any more', () => !follower.app.server.listening);
    const began = performance.now();
    finish();
    expect((await asked).status).toBe(204);
    // And not for the connection, which the client would keep.
    await closing;
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  test('a client that goes takes its request along', async () => {
    let gone = false;
    let asked = false;
    await instead((request, response) => {
      asked = true;
      request.resume();
      response.on('close', () => (gone = true));
    });
    const { port } = new URL(follows.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write('POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n');
    socket.write('Content-Length: 100\r\n\r\n{"name":');
    await until('the leader was asked', () => asked);
    socket.destroy();
    await until('the leader hears of it', () => gone);
  });
});

describe('output', () => {
  const line = (text: string): RunLogChunk => ({
    attempt: 1,
    stream: 'stdout',
    bytes: new TextEncoder().encode(text),
    next: { stdout: text.length, stderr: 0 },
  });
  let id: string;
  beforeEach(async () => {
    await leader.post('/jobs', { name: 'a', run });
    id = (await leader.post('/jobs/a/trigger')).id;
    await leader.world.clock.settle();
  });

  test.each([
    ['text/plain', 'one\ntwo\n'],
    ['text/event-stream', ': output follows\n\n: output follows\n\nid: 1:4:0\nevent: log\n'],
  ])('that another node keeps is handed on as %s', async (accept, body) => {
    outputs = async function* () {
      yield line('one\n');
      yield line('two\n');
    };
    const answer = await follower.send(`GET /runs/${id}/logs`, { headers: { accept } });
    expect(answer.statusCode).toBe(200);
    expect(answer.body.slice(0, body.length)).toBe(body);
  });

  test('is followed as it comes, until the client goes', async () => {
    let stopped = false;
    outputs = async function* (signal) {
      yield line('one\n');
      await new Promise<void>((resolve) => signal?.addEventListener('abort', resolve));
      stopped = true;
    };
    const response = await fetch(`${follows.url}/api/v1/runs/${id}/logs?follow=true`);
    await seen(response, 'one\n');
    await until('the leader stopped reading', () => stopped);
  });

  test('that another node keeps goes on there behind the position of its reader', async () => {
    const asked: RunLogQuery[] = [];
    outputs = async function* (_, query) {
      asked.push(query ?? {});
      yield line('two\n');
    };
    for (const [path, headers] of [
      [`/runs/${id}/logs?tail=3`, { 'last-event-id': '1:4:7' }],
      [`/runs/${id}/logs?after=1:4:7`, {}],
    ] as const)
      expect((await follower.send(`GET ${path}`, { headers })).body).toBe('two\n');
    expect(asked).toMatchObject(Array(2).fill({ attempt: 1, after: { stdout: 4, stderr: 7 } }));
  });

  test('that no node keeps is gone', async () => {
    outputs = gone;
    expect((await follower.send(`GET /runs/${id}/logs`)).json().code).toBe('LOGS_GONE');
  });

  test('that a node keeps which is away is not gone', async () => {
    const away = member('node-3', 'http://127.0.0.1:1');
    view = { members: [leads, follows, away] };
    outputs = gone;
    const answer = await follower.send(`GET /runs/${id}/logs`);
    expect(answer.json()).toMatchObject({ code: 'ENGINE_UNAVAILABLE', names: ['http://127.0.0.1:1'] });
  });

  test('that was asked for by another node is looked for here only', async () => {
    outputs = async function* () {
      yield line('never read');
    };
    const forwarded = { 'x-carillon-forwarded-by': 'node-3' };
    expect((await follower.send(`GET /runs/${id}/logs`, { headers: forwarded })).statusCode).toBe(410);
  });

  describe('of a node that is away is read from the archive:', () => {
    const asked: RunLogQuery[] = [];
    let archived: () => AsyncGenerator<RunLogChunk>;
    beforeEach(() => {
      asked.length = 0;
      view = { members: [leads, follows] };
      here = async function* (query) {
        asked.push(query);
        if (query.anywhere !== true)
          throw new CarillonError('LOGS_GONE', 'elsewhere', { field: 'host', value: 'node-9' });
        yield* archived();
      };
    });

    test.each([
      ['text/plain', 'one\n'],
      [
        'text/event-stream',
        ': output follows\n\nid: 1:4:0\nevent: log\ndata: {"stream":"stdout","text":"one\\n"}\n\nevent: end\ndata: {}\n\n',
      ],
    ])('as %s', async (accept, body) => {
      archived = async function* () {
        yield line('one\n');
      };
      const answer = await follower.send(`GET /runs/${id}/logs?tail=3`, { headers: { accept } });
      expect(answer.body).toBe(body);
      expect(asked).toMatchObject([{ tail: 3 }, { tail: 3, anywhere: true }]);
    });

    test('a search finds it there', async () => {
      archived = async function* () {
        yield line('one\n');
      };
      expect(await follower.get(`/runs/${id}/logs/search?text=one`)).toMatchObject([
        { kind: 'hit', text: 'one' },
        { kind: 'end', attempts: 1, gone: 0, failed: 0 },
      ]);
    });

    test('an archive that does not have it changes nothing', async () => {
      archived = gone;
      const answer = await follower.send(`GET /runs/${id}/logs`);
      expect(answer.json()).toMatchObject({ code: 'ENGINE_UNAVAILABLE', names: ['node-9'] });
    });

    test('an archive that cannot be read is named', async () => {
      // biome-ignore lint/correctness/useYield: it fails
      archived = async function* () {
        throw new CarillonError('LOGS_GONE', 'may be there', { names: ['s3://logs'] });
      };
      const answer = await follower.send(`GET /runs/${id}/logs`);
      expect(answer.json()).toMatchObject({ code: 'ENGINE_UNAVAILABLE', names: ['node-9', 's3://logs'] });
      expect((await follower.get(`/runs/${id}/logs/search?text=one`)).at(-1)).toMatchObject({ failed: 1 });
    });
  });

  describe('is searched where it is:', () => {
    const search = () => follower.get(`/runs/${id}/logs/search?text=two&limit=5&ignoreCase=true`);
    const asked: RunLogQuery[] = [];

    test('another node sends what it finds', async () => {
      outputs = async function* (_, query) {
        asked.push(query ?? {});
        yield line('one\n');
        yield line('Two\n');
      };
      expect(await search()).toMatchObject([
        { kind: 'hit', run: id, attempt: 1, line: 2, text: 'Two' },
        { kind: 'end', hits: 1, attempts: 1, bytes: 8, gone: 0, failed: 0 },
      ]);
      expect(asked).toMatchObject([{ attempt: 1 }]);
    });

    test('no node has it', async () => {
      outputs = gone;
      expect(await search()).toMatchObject([{ kind: 'end', attempts: 0, gone: 1, failed: 0 }]);
    });

    test('a node that may have it is away', async () => {
      view = { members: [leads, follows, member('node-3', 'http://127.0.0.1:1')] };
      outputs = gone;
      const [end] = await search();
      expect(end).toMatchObject({ kind: 'end', attempts: 0, gone: 0, failed: 1 });
      expect(end.failure).toContain('http://127.0.0.1:1');
    });

    test('a node breaks off', async () => {
      outputs = async function* () {
        yield line('two\n');
        throw new Error('a fault');
      };
      const [hit, end] = await search();
      expect([hit.text, end.failed, end.attempts]).toEqual(['two', 1, 0]);
    });
  });
});
