/** One node asks another over real connections; the other one may be hostile, or hang. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createPlainServer, type Server as PlainServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PeerFailure, Peers, peerLimits } from '../../src/peers/client.ts';
import { SimClock } from '../support/sim-clock.ts';
import { until } from '../support/until.ts';

const question = { method: 'GET', path: '/x', withinMs: 3_000 };
const MiB = 1024 * 1024;

let clock: SimClock;
let peers: Peers;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let server: Server;
let peer: { url: string };
const others: PlainServer[] = [];

beforeEach(async () => {
  clock = new SimClock(0);
  peers = new Peers(clock, 'node-1');
  server = createServer((request, response) => answer(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  peer = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
});
afterEach(() => {
  peers.close();
  server.closeAllConnections();
  server.close();
  for (const other of others.splice(0)) other.close();
});

const failed = (asked: Promise<unknown>): Promise<PeerFailure> =>
  asked.then(
    () => expect.fail('was answered'),
    (error) => {
      expect(error).toBeInstanceOf(PeerFailure);
      return error as PeerFailure;
    },
  );

/** Passes the time that the question allows, once the peer has got as far as `reached`. */
async function lateOnce(reached: () => boolean, asked: Promise<unknown>, ms = 3_000): Promise<PeerFailure> {
  const failure = failed(asked);
  await until('the peer got there', reached);
  await clock.advance(ms);
  return failure;
}

/** Writes as long as the other side reads. Returns the number of bytes that left. */
function endless(response: ServerResponse): () => number {
  const piece = Buffer.alloc(64 * 1024, ' ');
  let bytes = 0;
  const more = () => {
    while (!response.destroyed) {
      bytes += piece.length;
      if (!response.write(piece)) {
        response.once('drain', more);
        return;
      }
    }
  };
  more();
  return () => bytes;
}

async function all(body: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

describe('a question', () => {
  test('names the node that asks, whatever the headers say', async () => {
    const heard: (string | string[] | undefined)[][] = [];
    answer = ({ method, url, headers }, response) => {
      heard.push([method, url, headers['x-carillon-forwarded-by'], headers['user-agent'], headers.a]);
      response.end();
    };
    await peers.read(peer, { ...question, maxBytes: 0 });
    const headers = { 'x-carillon-forwarded-by': 'someone', 'user-agent': 'curl', a: 'b' };
    await peers.read(peer, { ...question, headers, maxBytes: 0 });
    expect(heard).toEqual([
      ['GET', '/x', 'node-1', 'carillon-node', undefined],
      ['GET', '/x', 'node-1', 'curl', 'b'],
    ]);
  });

  test('has its body sent', async () => {
    answer = async (request, response) => response.end(`${request.method} ${await all(request)}`);
    const asked = {
      ...question,
      method: 'POST',
      send: (outgoing: { end(text: string): void }) => outgoing.end('é'),
    };
    expect(await peers.read(peer, { ...asked, maxBytes: 10 })).toEqual({ status: 200, text: 'POST é' });
  });

  test.each(['nonsense', 'ftp://127.0.0.1/', ''])(
    'to the address %j fails, and nothing was sent',
    async (url) => {
      const failure = await failed(peers.open({ url }, question));
      expect([failure.message, failure.sent]).toEqual([`invalid address: '${url}'`, false]);
    },
  );

  test('to a port where nobody listens fails, and nothing was sent', async () => {
    const failure = await failed(peers.open({ url: 'http://127.0.0.1:1' }, question));
    expect([failure.message, failure.sent]).toEqual(['ECONNREFUSED', false]);
  });

  test('to a peer that accepts and never completes a secure connection fails in time, and nothing was sent', async () => {
    let accepted = false;
    const silent = createPlainServer((socket) => {
      accepted = true;
      socket.on('error', () => {}).resume();
    }).listen(0, '127.0.0.1');
    others.push(silent);
    await once(silent, 'listening');
    const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const failure = await lateOnce(() => accepted, peers.open({ url }, question), peerLimits.connectMs);
    expect([failure.message, failure.sent]).toEqual(['no connection within 2000 ms', false]);
  });

  test('that is given up before its answer fails, and a part may have been sent', async () => {
    const control = new AbortController();
    answer = () => control.abort();
    const failure = await failed(peers.open(peer, { ...question, signal: control.signal }));
    expect([failure.message, failure.sent]).toEqual(['aborted', true]);
  });
});

describe('an answer', () => {
  test.each([
    ['with the status 000', 'HTTP/1.1 000 X\r\nContent-Length: 2\r\n\r\nhi', 'invalid status 0'],
    ['with a status of four digits', 'HTTP/1.1 2000 X\r\n\r\n', 'HPE_INVALID_STATUS'],
    [
      'that switches protocols',
      'HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
      'closed without an answer',
    ],
    ['with too many headers', `HTTP/1.1 200 X\r\n${'a: b\r\n'.repeat(10_000)}`, 'HPE_HEADER_OVERFLOW'],
    ['that is no HTTP', 'SSH-2.0-x\r\n', 'HPE_INVALID_CONSTANT'],
  ])('%s fails, and a part was sent', async (_, text, message) => {
    const raw = createPlainServer((socket) => {
      socket.on('error', () => {}).once('data', () => socket.write(text));
      socket.on('close', () => raw.close());
    }).listen(0, '127.0.0.1');
    await once(raw, 'listening');
    const url = `http://127.0.0.1:${(raw.address() as AddressInfo).port}`;
    expect(await failed(peers.open({ url }, question))).toMatchObject({ message, sent: true });
  });

  test('that only announces itself again and again fails in time', async () => {
    let asked = false;
    answer = (_, response) => {
      for (let i = 0; i < 1_000; i++) response.writeProcessing();
      asked = true;
    };
    const failure = await lateOnce(() => asked, peers.open(peer, question));
    expect(failure.message).toBe('no answer within 3000 ms');
  });
});

describe('a whole answer', () => {
  const read = (maxBytes = MiB) => peers.read(peer, { ...question, maxBytes });

  test('is returned whatever its status, up to its bound', async () => {
    answer = (_, response) => response.writeHead(503).end('abc');
    expect(await read(3)).toEqual({ status: 503, text: 'abc' });
    expect((await failed(read(2))).message).toBe('more than 2 bytes');
  });

  test('that never ends is given up at its bound, and the peer is cut off', async () => {
    let sent = () => 0;
    let cutOff = false;
    answer = (_, response) => {
      response.on('close', () => (cutOff = true));
      sent = endless(response);
    };
    const failure = await failed(read());
    expect([failure.message, failure.sent]).toEqual(['more than 1048576 bytes', true]);
    await until('the peer is cut off', () => cutOff);
    // What was read, and what the buffers of two sockets take.
    expect(sent()).toBeLessThan(32 * MiB);
  });

  test.each<[string, (response: ServerResponse) => void]>([
    ['without a head', () => {}],
    ['with a head and nothing else', (response) => response.flushHeaders()],
    ['with half a body', (response) => response.writeHead(200, { 'content-length': 9 }).write('half')],
  ])('%s fails in time, and the peer is cut off', async (_, begin) => {
    let asked = false;
    let cutOff = false;
    answer = (_, response) => {
      response.on('close', () => (cutOff = true));
      begin(response);
      asked = true;
    };
    const failure = await lateOnce(() => asked, read());
    expect([failure.message, failure.sent]).toEqual(['no answer within 3000 ms', true]);
    await until('the peer is cut off', () => cutOff);
  });

  test('that comes in drops fails in time', async () => {
    let drop: (() => void) | null = null;
    answer = (_, response) => {
      drop = () => response.write('.');
    };
    const failure = failed(read());
    const dripping = await until('the peer was asked', () => drop);
    for (let passed = 0; passed < question.withinMs; passed += 500) {
      dripping();
      await clock.advance(500);
    }
    expect((await failure).message).toBe('no answer within 3000 ms');
  });

  test('that breaks off fails', async () => {
    answer = (_, response) =>
      response.writeHead(200, { 'content-length': 9 }).write('half', () => response.destroy());
    expect(await failed(read())).toMatchObject({ message: 'ECONNRESET', sent: true });
  });
});

describe('a body that is passed on', () => {
  test('may take longer than its head, and have any size', async () => {
    const text = 'x'.repeat(5 * MiB);
    answer = (_, response) => response.end(text);
    const { status, body } = await peers.open(peer, question);
    await clock.advance(10 * question.withinMs);
    expect([status, (await all(body)) === text]).toEqual([200, true]);
  });

  test('comes in small pieces, and waits in the peer while nobody reads it', async () => {
    let sent = () => 0;
    answer = (_, response) => {
      sent = endless(response);
    };
    const { body } = await peers.open(peer, question);
    let read = 0;
    for await (const piece of body) {
      expect(piece.length).toBeLessThanOrEqual(64 * 1024);
      if ((read += piece.length) > MiB) {
        let before = -1;
        await until('the peer waits', () => before === (before = sent()));
        expect(before).toBeLessThan(32 * MiB);
        return;
      }
    }
  });

  test('that pauses too long while it is read fails, and the peer is cut off', async () => {
    let cutOff = false;
    answer = (_, response) => {
      response.on('close', () => (cutOff = true));
      response.write('half');
    };
    const { body } = await peers.open(peer, question);
    const pieces = body[Symbol.asyncIterator]();
    expect(String((await pieces.next()).value)).toBe('half');
    // Its reader may take any time.
    await clock.advance(2 * peerLimits.pauseMs);
    const next = failed(pieces.next());
    await clock.advance(peerLimits.pauseMs);
    expect(await next).toMatchObject({ message: 'silent for 30000 ms', sent: true });
    await until('the peer is cut off', () => cutOff);
  });

  test('that is live may pause, until it is discarded', async () => {
    let more = () => {};
    let cutOff = false;
    answer = (_, response) => {
      response.on('close', () => (cutOff = true));
      response.flushHeaders();
      more = () => response.write('late');
    };
    const { body, discard } = await peers.open(peer, { ...question, live: true });
    const pieces = body[Symbol.asyncIterator]();
    const first = pieces.next();
    await clock.advance(10 * peerLimits.pauseMs);
    more();
    expect(String((await first).value)).toBe('late');
    const second = failed(pieces.next());
    discard();
    await second;
    await until('the peer is cut off', () => cutOff);
  });

  test('ends with the signal of its question', async () => {
    const control = new AbortController();
    answer = (_, response) => response.flushHeaders();
    const { body } = await peers.open(peer, { ...question, live: true, signal: control.signal });
    const read = failed(all(body));
    control.abort();
    expect((await read).message).toBe('aborted');
  });

  test('keeps its connection when it was read to its end', async () => {
    let connections = 0;
    server.on('connection', () => connections++);
    answer = (_, response) => response.end('x');
    for (let i = 0; i < 3; i++) await all((await peers.open(peer, question)).body);
    expect(connections).toBe(1);
  });
});
