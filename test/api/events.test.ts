import { once } from 'node:events';
import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { liveLimits } from '../../src/api/live.ts';
import type { SchedulerHandle } from '../../src/scheduler/handle.ts';
import { ApiWorld } from '../support/api-world.ts';
import { until } from '../support/until.ts';

let api: ApiWorld;
const listen = async (instead: Partial<SchedulerHandle> = {}) => {
  api = await ApiWorld.at('2026-11-21T00:00:00Z', { heartbeatMs: 10_000 }, instead);
  await api.app.listen({ host: '127.0.0.1', port: 0 });
};
const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.leave();
  await api.close();
});

const run = { command: 'true' };

interface Frame {
  readonly id?: string;
  readonly event?: string;
  readonly data?: Record<string, unknown>;
}

/** Somebody who watches over a real connection. */
class Client {
  text = '';
  ended = false;
  readonly response: IncomingMessage;
  readonly #request: ClientRequest;

  constructor(request: ClientRequest, response: IncomingMessage) {
    this.#request = request;
    this.response = response;
    response.setEncoding('utf8').on('data', (chunk) => (this.text += chunk));
    response.on('close', () => (this.ended = true)).on('error', () => {});
    clients.push(this);
  }

  static async open(path: string, headers: Record<string, string> = {}): Promise<Client> {
    const { port } = api.app.server.address() as AddressInfo;
    const request = get({ host: '127.0.0.1', port, path: `/api/v1${path}`, headers, agent: false });
    request.on('error', () => {});
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return new Client(request, response);
  }

  get frames(): Frame[] {
    return this.text
      .split('\n\n')
      .slice(0, -1)
      .map((text) => {
        const fields = Object.fromEntries(text.split('\n').map((line) => line.split(/: (.*)/s, 2)));
        return { ...fields, ...(fields.data && { data: JSON.parse(fields.data) }) };
      })
      .filter((frame) => 'data' in frame);
  }

  get events(): string[] {
    return this.frames.map(({ event, data }) => {
      if (event === 'job') return `job ${data!.name} ${data!.change}`;
      if (event === 'run')
        return `run ${(data!.run as { job: string; state: string }).job} ${(data!.run as { state: string }).state}`;
      return String(event);
    });
  }

  /** Waits until so many events came. */
  sees(count: number): Promise<unknown> {
    return until(`${count} events, have ${this.events}`, () => this.frames.length >= count);
  }

  leave(): void {
    this.#request.destroy();
  }
}

describe('live events', () => {
  test('tell of jobs and runs as they change, with the run as it is then', async () => {
    await listen();
    const client = await Client.open('/events');
    expect(client.response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    await api.post('/jobs', { name: 'a', run });
    const { id } = await api.post('/jobs/a/trigger');
    await api.world.clock.settle();
    api.world.engine.exit(api.world.engine.newest('a'), 0);
    await api.world.clock.settle();
    await client.sees(4);
    expect(client.events).toEqual(['job a created', 'run a launching', 'run a running', 'run a succeeded']);
    const { children: _, ...found } = await api.get(`/runs/${id}`);
    expect(client.frames.at(-1)?.data).toEqual({ kind: 'run', run: found });
  });

  test('of one job only, if that is asked for', async () => {
    await listen();
    const client = await Client.open('/events?job=b');
    await api.post('/jobs', { name: 'a', run });
    await api.post('/jobs', { name: 'b', run });
    await client.sees(1);
    expect(client.events).toEqual(['job b created']);
  });

  test('go on where a lost connection ended', async () => {
    await listen();
    const first = await Client.open('/events');
    for (const name of ['a', 'b', 'c']) await api.post('/jobs', { name, run });
    await first.sees(3);
    const second = await Client.open('/events', { 'last-event-id': first.frames[0]!.id! });
    await second.sees(2);
    expect(second.frames).toEqual(first.frames.slice(1));
    const upToDate = await Client.open('/events', { 'last-event-id': first.frames[2]!.id! });
    await api.post('/jobs', { name: 'd', run });
    await upToDate.sees(1);
    expect(upToDate.events).toEqual(['job d created']);
  });

  test.each([
    ['of another process', 'other-1'],
    ['from the future', 'FUTURE'],
    ['of nonsense', 'x'],
    ['that is no longer kept', 'OLD'],
  ])('tell of a gap to a client with an id %s', async (_, lastId) => {
    await listen();
    const first = await Client.open('/events');
    await api.post('/jobs', { name: 'a', run });
    await first.sees(1);
    const id = first.frames[0]!.id!;
    if (lastId === 'OLD') {
      const { scheduler } = api.world;
      const changes = Array.from({ length: 2 * liveLimits.kept }, (_, i) =>
        scheduler.submit({ kind: i % 2 === 0 ? 'pause' : 'resume', name: 'a', by: 'test' }),
      );
      await api.settled(Promise.all(changes));
    }
    const asked = { OLD: id, FUTURE: id.replace(/\d+$/, '99') }[lastId] ?? lastId;
    const second = await Client.open('/events', { 'last-event-id': asked });
    await second.sees(1);
    expect(second.events).toEqual(['gap']);
  });

  test('beat while nothing happens', async () => {
    await listen();
    const client = await Client.open('/events');
    const beats = () => client.text.split(': still here').length - 1;
    for (const beat of [1, 2]) {
      expect(beats()).toBe(beat - 1);
      await api.world.clock.advance(10_000);
      await until('a heartbeat', () => beats() === beat);
    }
  });

  test('cut off a client that does not read, instead of keeping everything for it', async () => {
    await listen();
    const { port } = api.app.server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1').pause();
    socket.on('error', () => {});
    socket.write('GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await api.post('/jobs', { name: 'a', run, description: 'x' });
    // What the system itself keeps for a connection comes on top of our bound.
    const params = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`P${n}`, 'x'.repeat(4_000)]));
    const open = () =>
      new Promise<number>((resolve) => api.app.server.getConnections((_, count) => resolve(count)));
    await until('the connection stands', async () => (await open()) === 1);
    for (let i = 0; i < 200 && (await open()) === 1; i++) await api.post('/jobs/a/trigger', { params });
    await until('the connection is closed', async () => (await open()) === 0);
    socket.destroy();
  });

  test('end when the app closes, and when the client goes nothing is left behind', async () => {
    await listen();
    const stays = await Client.open('/events');
    const goes = await Client.open('/events');
    goes.leave();
    await api.app.close();
    await until('the end', () => stays.ended);
    expect(api.errors).toEqual([]);
  });

  test('and connections without a question keep nobody waiting when the app closes', async () => {
    await listen();
    const { port } = api.app.server.address() as AddressInfo;
    // A keep-alive connection with a stream, and one that was opened in advance.
    const stream = await fetch(`http://127.0.0.1:${port}/api/v1/events`);
    const silent = connect(port, '127.0.0.1');
    const ended = once(silent, 'close');
    await once(silent, 'connect');
    silent.resume();
    const began = performance.now();
    await api.app.close();
    expect(performance.now() - began).toBeLessThan(2_000);
    await ended;
    expect(await stream.text()).toContain('retry:');
  });
});

describe('following output', () => {
  let say: (text: string) => void;
  let finish: () => void;
  let stopped: boolean;
  let asked: boolean;

  beforeEach(async () => {
    const waiting: (string | null)[] = [];
    let wake = () => {};
    stopped = false;
    asked = false;
    say = (text) => {
      waiting.push(text);
      wake();
    };
    finish = () => {
      waiting.push(null);
      wake();
    };
    await listen({
      async *logs(_id, { signal }) {
        asked = true;
        signal?.addEventListener('abort', () => {
          stopped = true;
          wake();
        });
        for (;;) {
          while (waiting.length === 0 && signal?.aborted !== true)
            await new Promise<void>((done) => (wake = done));
          const text = waiting.shift() ?? null;
          if (text === null) return;
          yield { attempt: 1, stream: 'stdout', bytes: new TextEncoder().encode(text) };
        }
      },
    });
  });

  test('is sent as it comes, and ends with the run', async () => {
    say('one\n');
    const client = await Client.open('/runs/r/logs?follow=true');
    await until('the first line', () => client.text === 'one\n');
    say('two\n');
    await until('the second line', () => client.text === 'one\ntwo\n');
    finish();
    await until('the end', () => client.ended);
    expect(client.response.complete).toBe(true);
  });

  test('as events begins before there is any', async () => {
    const opening = Client.open('/runs/r/logs?follow=true', { accept: 'text/event-stream' });
    await until('the request waits', () => asked);
    await api.world.clock.advance(1_000);
    const client = await opening;
    say('late\n');
    finish();
    await until('the end', () => client.ended);
    expect(client.frames).toEqual([
      { event: 'log', data: { stream: 'stdout', text: 'late\n' } },
      { event: 'end', data: {} },
    ]);
  });

  test('stops reading when the client goes', async () => {
    say('one\n');
    const client = await Client.open('/runs/r/logs?follow=true');
    await until('the first line', () => client.text === 'one\n');
    client.leave();
    await until('reading stopped', () => stopped);
  });

  test('stops when the app closes', async () => {
    say('one\n');
    const client = await Client.open('/runs/r/logs?follow=true');
    await until('the first line', () => client.text === 'one\n');
    await api.app.close();
    expect(stopped).toBe(true);
    await until('the end', () => client.ended);
  });
});
