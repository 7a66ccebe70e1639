/** The dead man's switch, against a real HTTP server. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Heartbeat } from '../../src/node/heartbeat.ts';
import type { Clock, Log } from '../../src/scheduler/ports.ts';
import { SimClock } from '../support/sim-clock.ts';
import { until } from '../support/until.ts';

let dir: string;
let server: Server;
let requests: string[];
let answer: (response: ServerResponse) => void;
let logged: string[];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'carillon-heartbeat-'));
  requests = [];
  logged = [];
  answer = (response) => void response.end('OK');
  server = createServer((request, response) => {
    requests.push(request.url ?? '');
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  writeFileSync(join(dir, 'url'), `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-4711\n`);
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(dir, { recursive: true, force: true });
});

function heartbeat(file = join(dir, 'url'), environment: Record<string, string> = {}) {
  const sim = new SimClock(0);
  let armed = 0;
  const clock: Clock = {
    now: () => sim.now(),
    monotonicMs: () => sim.monotonicMs(),
    after: (delayMs, callback) => {
      armed += 1;
      return sim.after(delayMs, callback);
    },
  };
  let beats = 0;
  /** The end of the next interval, once the one before is done with. */
  const next = async (): Promise<void> => {
    await until('the next one is due', () => armed > beats);
    beats = armed;
    await sim.advance(60_000);
  };
  const state = { isWell: true };
  const note = (fields: object, event: string) => void logged.push(`${event} ${JSON.stringify(fields)}`);
  const log: Log = { debug: note, info: note, warn: note, error: note };
  const beat = new Heartbeat({ file, everyMs: 60_000, isWell: () => state.isWell, clock, log, environment });
  return { beat, next, sim, state };
}

describe('a heartbeat', () => {
  test('is sent at each interval while the node is well, and not before', async () => {
    const { beat, next, sim, state } = heartbeat();
    await beat.start();
    await sim.advance(59_999);
    expect(requests).toEqual([]);
    await next();
    await until('the first one', () => requests.length === 1);
    state.isWell = false;
    await next();
    state.isWell = true;
    await next();
    await until('the next one', () => requests.length === 2);
    await beat.stop();
    await sim.advance(600_000);
    expect(requests).toEqual(['/secret-4711', '/secret-4711']);
    expect(logged).toEqual([]);
  });

  test('that fails is logged once, without its secret, and so is the recovery', async () => {
    const { beat, next } = heartbeat();
    answer = (response) => void response.writeHead(503).end();
    await beat.start();
    for (let count = 1; count <= 3; count++) {
      await next();
      await until('an answer', () => requests.length === count);
    }
    answer = (response) => void response.end();
    await next();
    await until('it recovers', () => logged.length === 2);
    expect(logged).toEqual([
      expect.stringMatching(/^heartbeat\.failed \{"error":"127\.0\.0\.1:\d+ responded with status 503\."\}$/),
      'heartbeat.recovered {}',
    ]);
    await beat.stop();
  });

  test('to nobody is logged with the reason', async () => {
    writeFileSync(join(dir, 'url'), 'http://127.0.0.1:1/secret-4711');
    const { beat, next } = heartbeat();
    await beat.start();
    await next();
    await until('it fails', () => logged.length === 1);
    expect(logged[0]).toMatch(/^heartbeat\.failed \{"error":"127\.0\.0\.1:1 cannot be reached/);
    expect(logged.join()).not.toContain('secret-4711');
    await beat.stop();
  });

  test('that is not answered does not hold up the stop', async () => {
    answer = () => undefined;
    const { beat, next } = heartbeat();
    await beat.start();
    await next();
    await until('it is asked', () => requests.length === 1);
    await beat.stop();
  });

  test('goes through the proxy in the environment', async () => {
    const proxy = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    writeFileSync(join(dir, 'url'), 'http://hc.example.com/secret-4711');
    const { beat, next } = heartbeat(undefined, { HTTP_PROXY: proxy });
    await beat.start();
    await next();
    await until('the proxy is asked', () => requests.length === 1);
    expect(requests).toEqual(['http://hc.example.com/secret-4711']);
    await beat.stop();
  });

  test.each([
    ['nothing', ''],
    ['no URL', 'hello'],
    ['another kind of URL', 'file:///etc/passwd'],
  ])('with %s in its file is refused at the start', async (_, text) => {
    writeFileSync(join(dir, 'url'), text);
    await expect(heartbeat().beat.start()).rejects.toMatchObject({
      code: 'INVALID_FIELD',
      message: expect.stringContaining('Allowed: a file with '),
      details: { field: 'heartbeatUrlFile' },
    });
    await expect(heartbeat(join(dir, 'missing')).beat.start()).rejects.toThrow('it cannot be read (ENOENT)');
  });
});
