/** The command line over several servers, some of which are gone, or do not lead, or break off. */

import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WireProblem, WireRun } from '../../src/api/wire/schema.ts';
import type { WireCluster } from '../../src/api/wire/views.ts';
import { runCommand } from '../support/command-line.ts';

let first: FastifyInstance;
let second: FastifyInstance;
let urls: string;
let now: number;
let slept: number;

beforeEach(() => {
  first = fastify({ forceCloseConnections: true });
  second = fastify({ forceCloseConnections: true });
  now = Date.UTC(2026, 10, 21, 12);
  slept = 0;
});
afterEach(async () => {
  await first.close();
  await second.close();
});

async function listen(): Promise<void> {
  const at = { host: '127.0.0.1', port: 0 };
  urls = `${await first.listen(at)}/, ${await second.listen(at)}`;
}

const carillon = (...args: string[]) =>
  runCommand(args, {
    url: urls,
    now: () => now,
    sleep: async (delayMs) => {
      slept += 1;
      now += delayMs;
    },
  });

const run = (state: string): Partial<WireRun> => ({
  id: 'a.1',
  job: 'a',
  state: state as WireRun['state'],
  due: '2026-11-21T12:00:00.000Z',
  trigger: { kind: 'manual', by: 'ann', of: null, catchUp: false },
  attempts: [],
  catchesUp: 0,
  interval: null,
  params: {},
  reason: null,
  endedAt: null,
});
const refuse = (reply: FastifyReply, status: number, code: WireProblem['code']) =>
  reply.code(status).send({ type: '', title: '', status, code, detail: `it is ${code}` });

describe('of several servers', () => {
  test('the first that answers is asked', async () => {
    second.get('/api/v1/graph.dot', async () => 'digraph {}\n');
    await listen();
    await first.close();
    expect(await carillon('graph', '--dot')).toEqual({ code: 0, out: 'digraph {}\n', err: '' });
  });

  test('one at a port that cannot be asked is passed over', async () => {
    second.get('/api/v1/graph.dot', async () => 'digraph {}\n');
    await listen();
    urls = urls.replace(/^[^,]*/, 'http://127.0.0.1:6667');
    expect((await carillon('graph', '--dot')).code).toBe(0);
  });

  test('none answers: each is named, at once', async () => {
    await listen();
    await first.close();
    await second.close();
    const { code, err } = await carillon('run', 'a', '--wait');
    expect([code, slept]).toEqual([3, 0]);
    for (const url of urls.split(/\/?, /)) expect(err).toContain(`${url} (ECONNREFUSED)`);
  });

  test('a refusal is final, and no reason to ask another', async () => {
    first.get('/api/v1/graph.dot', (_, reply) => refuse(reply, 503, 'NOT_LEADING'));
    second.get('/api/v1/graph.dot', async () => 'digraph {}\n');
    await listen();
    expect((await carillon('graph', '--dot')).code).toBe(3);
  });
});

describe('run --wait', () => {
  test('goes on through a change of leader, and makes one run', async () => {
    const keys: unknown[] = [];
    first.post('/api/v1/jobs/a/trigger', (request, reply) => {
      keys.push(request.headers['idempotency-key']);
      reply.hijack();
      reply.raw.destroy();
    });
    const trigger = ['NOT_LEADING', 'STORE_UNAVAILABLE', null] as const;
    second.post('/api/v1/jobs/a/trigger', (request, reply) => {
      keys.push(request.headers['idempotency-key']);
      const code = trigger[keys.length - 2];
      return code ? refuse(reply, 503, code) : reply.code(202).send(run('waiting'));
    });
    const states = [run('running'), null, run('succeeded')];
    const read = (reply: FastifyReply) => {
      const state = states.shift();
      return state ? reply.send(state) : refuse(reply, 404, 'RUN_NOT_FOUND');
    };
    first.get('/api/v1/runs/a.1', (_, reply) => read(reply));
    second.get('/api/v1/runs/a.1', (_, reply) => read(reply));
    await listen();
    // The first breaks off, the second refuses, and so on by turns.
    const { code, out, err } = await carillon('run', 'a', '--wait');
    expect(out).toMatch(/state +succeeded/);
    expect(code).toBe(0);
    expect(keys).toHaveLength(4);
    expect(new Set(keys)).toEqual(new Set([expect.stringMatching(/^[0-9a-f-]{36}$/)]));
    expect(err.match(/is unavailable/g)).toHaveLength(1);
  });

  test('gives up after a minute', async () => {
    first.post('/api/v1/jobs/a/trigger', (_, reply) => refuse(reply, 503, 'NOT_LEADING'));
    second.post('/api/v1/jobs/a/trigger', (_, reply) => refuse(reply, 503, 'NOT_LEADING'));
    await listen();
    const began = now;
    const { code, err } = await carillon('run', 'a', '--wait');
    expect([code, now - began]).toEqual([3, 60_000]);
    expect(err).toContain('it is NOT_LEADING');
  });

  test.each([
    ['5', 5_000],
    ['0.5', 500],
    ['10s', 10_000],
    ['PT10S', 10_000],
    ['1m30s', 90_000],
  ])('gives up at its own timeout of %s', async (timeout, waitedMs) => {
    first.post('/api/v1/jobs/a/trigger', (_, reply) => refuse(reply, 503, 'NOT_LEADING'));
    second.post('/api/v1/jobs/a/trigger', (_, reply) => refuse(reply, 503, 'NOT_LEADING'));
    await listen();
    const began = now;
    expect((await carillon('run', 'a', '--wait', '--timeout', timeout)).code).toBe(3);
    expect(now - began).toBe(Math.min(waitedMs, 60_000));
  });

  test.each([
    ['0', /a duration above zero/],
    ['-1', /a duration above zero/],
    ['PT0S', /a duration above zero/],
    ['1 hour', /write 1h or PT1H/],
    ['soon', /is not an ISO 8601 duration/],
    ['P1M', /months, whose length varies/],
    ['Infinity', /above zero/],
  ])('refuses a timeout of %s before anything is sent', async (timeout, says) => {
    await listen();
    const { code, err } = await carillon('run', 'a', '--wait', `--timeout=${timeout}`);
    expect(code).toBe(2);
    expect(err).toMatch(says);
  });

  test('without --wait nothing is repeated', async () => {
    first.post('/api/v1/jobs/a/trigger', (_, reply) => refuse(reply, 503, 'NOT_LEADING'));
    await listen();
    expect([(await carillon('run', 'a')).code, slept]).toEqual([3, 0]);
  });
});

describe('logs -f', () => {
  const frame = (id: string, stream: string, text: string) =>
    `id: ${id}\nevent: log\ndata: ${JSON.stringify({ stream, text })}\n\n`;

  function saying(app: FastifyInstance, frames: string[], asked: string[]): void {
    app.get('/api/v1/runs/a.1', async () => run('running'));
    app.get('/api/v1/runs/a.1/logs', (request, reply) => {
      asked.push(request.url.split('?')[1] ?? '');
      reply.hijack();
      reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
      const whole = frames.join('');
      // Cut anywhere: frames do not come as they were written.
      reply.raw.write(whole.slice(0, 25));
      setImmediate(() => {
        reply.raw.write(whole.slice(25), () =>
          whole.includes('event: end') ? reply.raw.end() : reply.raw.destroy(),
        );
      });
    });
  }

  test('goes on where a broken connection ended, in each stream', async () => {
    const asked: string[] = [];
    saying(first, [frame('1:6:0', 'stdout', 'one\ntw'), frame('1:6:2', 'stderr', 'ä')], asked);
    saying(
      second,
      [
        frame('1:6:4', 'stderr', 'x\n'),
        frame('1:8:4', 'stdout', 'o\n'),
        frame('1:10:4', 'stdout', '3\n'),
        'event: end\ndata: {}\n\n',
      ],
      asked,
    );
    await listen();
    const { code, out, err } = await carillon('logs', '-f', 'a.1', '--stream', 'stdout');
    expect([code, out]).toEqual([0, 'one\ntwäx\no\n3\n']);
    expect(asked).toEqual(['stream=stdout&follow=true', 'stream=stdout&after=1%3A6%3A2&follow=true']);
    expect(err.match(/is unavailable/g)).toHaveLength(1);
  });

  test('--tail is asked for once: the rest follows what was printed', async () => {
    const asked: string[] = [];
    saying(first, [frame('1:4:0', 'stdout', 'one\n')], asked);
    saying(second, [frame('1:8:0', 'stdout', 'two\n'), 'event: end\ndata: {}\n\n'], asked);
    await listen();
    expect((await carillon('logs', '-f', 'a.1', '--tail', '2')).out).toBe('one\ntwo\n');
    expect(asked).toEqual(['follow=true', 'after=1%3A4%3A0&follow=true']);
  });
});

describe('status', () => {
  const member = { id: 'n1', url: 'http://10.0.0.1:4400', host: 'h1', pid: 7 };
  const at = { labels: { zone: 'a' }, capacity: { process: 64 }, running: { process: 3 } };
  const cluster: WireCluster = {
    leader: member,
    term: 3,
    members: [
      { ...member, version: '0.1.0', role: 'leader', lagMs: 0, ...at },
      {
        ...member,
        id: 'n2',
        url: 'http://10.0.0.2:4400',
        version: '0.1.0',
        role: 'follower',
        lagMs: 12,
        ...at,
      },
      {
        ...member,
        id: 'n3',
        url: 'http://10.0.0.3:4400',
        version: '0.1.0',
        role: 'follower',
        lagMs: null,
        ...at,
      },
    ],
    store: { reachable: true, detail: 'zk-1:2181' },
    takeover: { at: '2026-11-21T11:59:00.000Z', tookMs: 310, term: 3 },
  };

  test('shows who leads, who follows and how closely, and the last take-over', async () => {
    first.get('/api/v1/cluster', async () => cluster);
    first.get('/api/v1/engines', async () => ({ items: [], next: null }));
    await listen();
    const { code, out } = await carillon('status');
    expect(code).toBe(0);
    expect(out).toMatch(/leader +h1, pid 7, http:\/\/10.0.0.1:4400\nterm +3\nstore +reachable: zk-1:2181/);
    expect(out).toMatch(/take-over +2026-11-21 11:59:00 \+00:00 \(1 min. ago\), took 310ms, term 3/);
    expect(out).toMatch(/n1 +leader +http:\/\/10.0.0.1:4400 +0ms/);
    expect(out).toMatch(/n2 +follower +http:\/\/10.0.0.2:4400 +12ms/);
    expect(out).toMatch(/n3 +follower +http:\/\/10.0.0.3:4400 +– /);
    expect(JSON.parse((await carillon('status', '--json')).out)).toEqual({ ...cluster, engines: [] });
  });

  test.each([
    ['no node leads', null],
    ['the leader is gone meanwhile', member],
  ])('%s: shows the rest, and fails', async (_, leader) => {
    first.get('/api/v1/cluster', async () => ({ ...cluster, leader }));
    first.get('/api/v1/engines', (__, reply) => refuse(reply, 503, 'NOT_LEADING'));
    await listen();
    const { code, out } = await carillon('status');
    expect(code).toBe(1);
    expect(out).toMatch(/n2 +follower/);
    expect(out).toMatch(/no leader responds/);
  });
});
