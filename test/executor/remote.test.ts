/** An engine through its node: what this node does with answers, and with something hostile in the node's place. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CarillonError } from '../../src/errors.ts';
import { createRemoteEngine } from '../../src/executor/remote.ts';
import { Peers } from '../../src/peers/client.ts';
import type { LaunchSpec } from '../../src/scheduler/job/spec.ts';
import type { LaunchReport } from '../../src/scheduler/ports.ts';
import { SimClock } from '../support/sim-clock.ts';
import { until } from '../support/until.ts';

let clock: SimClock;
let peers: Peers;
let url: string | null;
let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let engine: ReturnType<typeof createRemoteEngine>;

beforeEach(async () => {
  clock = new SimClock(0);
  peers = new Peers(clock, 'node-1');
  server = createServer((request, response) => answer(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  engine = createRemoteEngine({
    engine: 'process',
    host: 'node-2',
    peer: () => (url === null ? null : { url }),
    peers,
  });
});
afterEach(() => {
  peers.close();
  server.closeAllConnections();
  server.close();
});

const failed = (asked: Promise<unknown>): Promise<CarillonError> =>
  asked.then(
    () => expect.fail('was answered'),
    (error) => {
      expect(error).toMatchObject({
        code: 'ENGINE_UNAVAILABLE',
        details: { field: 'host', value: 'node-2' },
      });
      return error;
    },
  );

const json = (response: ServerResponse, text: string) =>
  response.writeHead(200, { 'content-type': 'application/json' }).end(text);

const reports: LaunchReport[] = [
  { launchName: 'a', state: 'created' },
  { launchName: 'b', state: 'running', startedAt: 1, image: 'sha256:1', bytesDropped: null },
  {
    launchName: 'c',
    state: 'ended',
    startedAt: 1,
    endedAt: 2,
    exitCode: null,
    reason: 'x',
    infrastructure: true,
  },
];

describe('an engine of another node', () => {
  test('has the inventory that the node reports', async () => {
    answer = ({ method, url }, response) =>
      method === 'GET' && url === '/internal/engines/process/inventory'
        ? json(response, JSON.stringify(reports))
        : response.writeHead(404).end();
    expect(await engine.inventory()).toEqual(reports);
  });

  test('reports what a later release adds to a launch', async () => {
    answer = (_, response) => json(response, '[{"launchName":"a","state":"running","more":1}]');
    expect(await engine.inventory()).toMatchObject([{ launchName: 'a', state: 'running' }]);
  });

  test.each([
    ['one that this release knows is kept', { code: 'node-down', node: 'n3' }, true],
    ['one of a later release is left to the text', { code: 'later' }, false],
    ['one that lacks what its text needs is left to the text', { code: 'node-down' }, false],
    ['the code of another reason is left to the text', { code: 'waits-for-runs' }, false],
    ['what is no object is left to the text', 'node-down', false],
  ])('of the causes of an end, %s', async (_, cause, isKept) => {
    const report = { launchName: 'a', state: 'ended', reason: 'x' };
    answer = (__, response) => json(response, JSON.stringify([{ ...report, cause }]));
    expect(await engine.inventory()).toEqual([isKept ? { ...report, cause } : report]);
  });

  test('has changes made by its node', async () => {
    const asked: unknown[] = [];
    answer = async (request, response) => {
      let body = '';
      for await (const piece of request) body += piece;
      const { 'content-type': type, 'user-agent': agent } = request.headers;
      asked.push([request.method, request.url, type, agent, JSON.parse(body)]);
      response.writeHead(204).end();
    };
    await engine.kill('a', 10);
    await engine.takeBack('b');
    await engine.remove('c');
    const sent = (what: string, body: object) => [
      ...['POST', `/internal/engines/process/${what}`, 'application/json', 'carillon-node'],
      body,
    ];
    expect(asked).toEqual([
      sent('kill', { launchName: 'a', graceMs: 10 }),
      sent('take-back', { launchName: 'b' }),
      sent('remove', { launchName: 'c' }),
    ]);
  });

  test('tells what happens there, without causes of a later release', async () => {
    const ticket = { boot: 1, at: 2, seq: 3 };
    const ended = { kind: 'ended', launchName: 'a', at: 5, exitCode: 1, reason: 'x' };
    const observations = [
      { kind: 'started', launchName: 'a', at: 4 },
      { ...ended, cause: { code: 'later' } },
    ];
    answer = (_, response) => json(response, JSON.stringify({ ticket, observations }));
    expect(await engine.changes(7, ticket)).toEqual({ ticket, observations: [observations[0], ended] });
  });

  test('tells nothing of what happens if its node is of 0.2.0', async () => {
    answer = (_, response) => response.writeHead(404).end();
    expect(await engine.changes(7, null)).toBeNull();
  });

  test.each(['{}', '{"ticket":{"boot":1,"at":2,"seq":3},"observations":[{"kind":"later"}]}'])(
    'does not tell %s',
    async (text) => {
      answer = (_, response) => json(response, text);
      expect((await failed(engine.changes(7, null))).message).toMatch(/is no list of changes/);
    },
  );

  test.each([
    ['LAUNCH_REFUSED', 'LAUNCH_REFUSED'],
    ['NO_PLACE', 'NO_PLACE'],
    ['NOT_LEADING', 'NO_PLACE'],
    ['ENGINE_UNAVAILABLE', 'ENGINE_UNAVAILABLE'],
    ['INTERNAL', 'ENGINE_UNAVAILABLE'],
  ])('that answers a launch with %s: %s', async (code, meant) => {
    answer = (_, response) => response.writeHead(503).end(JSON.stringify({ code, detail: 'so' }));
    const launch = engine.launchFor({} as LaunchSpec, { boot: 1, at: 2, seq: 3 });
    await expect(launch).rejects.toMatchObject({ code: meant, message: expect.stringContaining('so') });
  });

  test('has nothing of a launch that never left for its node', async () => {
    url = 'http://127.0.0.1:1';
    const launch = engine.launchFor({} as LaunchSpec, { boot: 1, at: 2, seq: 3 });
    await expect(launch).rejects.toMatchObject({ code: 'NO_PLACE' });
  });

  test('is unavailable while its node is absent', async () => {
    url = null;
    expect((await failed(engine.inventory())).message).toBe(
      'the node node-2 does not respond: the node is absent',
    );
  });

  test('is unavailable while its node refuses, with the beginning of the reason', async () => {
    answer = (_, response) => response.writeHead(503).end(`not now ${'.'.repeat(10_000)}`);
    const { message } = await failed(engine.kill('a', 10));
    expect(message).toMatch(/^the node node-2 does not respond: it answered 503: not now \.+…$/);
    expect(message.length).toBeLessThan(600);
  });

  test('follows no redirect', async () => {
    let asked = 0;
    answer = (_, response) => {
      asked++;
      response.writeHead(307, { location: '/elsewhere' }).end();
    };
    expect((await failed(engine.inventory())).message).toMatch(/it answered 307/);
    expect(asked).toBe(1);
  });
});

describe('something hostile in the place of the node', () => {
  test('that answers without an end costs no more than the bound', async () => {
    let sent = 0;
    const piece = Buffer.alloc(1024 * 1024, ' ');
    answer = (_, response) => {
      const more = () => {
        // A client without a bound gets a valid answer in the end.
        if (sent > 512) response.end('[]');
        else if (!response.destroyed)
          response.write(piece, () => {
            sent++;
            more();
          });
      };
      more();
    };
    expect((await failed(engine.inventory())).message).toMatch(/more than 33554432 bytes/);
    expect(sent).toBeLessThan(128);
  });

  test('that sends a head and then nothing is given up in time', async () => {
    let asked = false;
    answer = (_, response) => {
      response.flushHeaders();
      asked = true;
    };
    const failure = failed(engine.inventory());
    await until('it was asked', () => asked);
    await clock.advance(3_000);
    expect((await failure).message).toBe('the node node-2 does not respond: no answer within 3000 ms');
  });

  test.each(['', '[', '{}', 'null', '[1]', '[{"launchName":"a"}]', '[{"launchName":1,"state":"ended"}]'])(
    'that answers %j is no engine',
    async (text) => {
      answer = (_, response) => json(response, text);
      expect((await failed(engine.inventory())).message).toMatch(/is no inventory/);
    },
  );
});
