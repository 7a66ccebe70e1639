import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { realClock } from '../../../../src/node/clock.ts';
import type { Clock, Log } from '../../../../src/scheduler/ports.ts';
import { loadLibrary } from '../../../../src/store/zookeeper/wire/library.ts';
import {
  createZooKeeperSession,
  type SessionParts,
  type SessionState,
  type ZooKeeperError,
  type ZooKeeperSession,
} from '../../../../src/store/zookeeper/wire/session.ts';
import { until } from '../../../support/until.ts';
import { ZooKeeper, zookeeperMissing } from '../../../support/zookeeper.ts';
import { ZooKeeperProxy } from '../../../support/zookeeper-proxy.ts';
import { notice, reply, requestType, ScriptedZooKeeper } from '../../../support/zookeeper-script.ts';

const empty = Buffer.alloc(0);
const events: string[] = [];
const record = (_: object, event: string): void => {
  events.push(event);
};
const log: Log = { info: record, warn: record, error: record, debug: record };
const releases: (() => Promise<void>)[] = [];

interface Watched extends ZooKeeperSession {
  readonly states: SessionState[];
}

function session(hosts: string, options: Partial<SessionParts> = {}): Watched {
  const made = createZooKeeperSession({
    hosts,
    sessionTimeoutMs: 2_000,
    auth: null,
    clock: realClock,
    log,
    ...options,
  });
  const states: SessionState[] = [];
  made.onState((state) => states.push(state));
  releases.unshift(() => made.close());
  return Object.assign(made, { states });
}

async function started(hosts: string, options: Partial<SessionParts> = {}): Promise<Watched> {
  const made = session(hosts, options);
  await made.start();
  return made;
}

async function proxied(port: number): Promise<ZooKeeperProxy> {
  const proxy = new ZooKeeperProxy(port);
  await proxy.start();
  releases.push(() => proxy.stop());
  return proxy;
}

/** Timers run fifty times as fast. */
const fast: Clock = { ...realClock, after: (ms, call) => realClock.after(ms / 50, call) };

const connected = (one: ZooKeeperSession): Promise<boolean> =>
  until('connected', () => one.state === 'connected');
const codeOf = (request: Promise<unknown>): Promise<string> =>
  request.then(
    () => 'done',
    (error: ZooKeeperError) => error.code ?? String(error),
  );

afterEach(async () => {
  for (const release of releases.splice(0)) await release();
  events.length = 0;
  vi.restoreAllMocks();
});

describe.skipIf(zookeeperMissing !== null)('with one server', () => {
  let zookeeper: ZooKeeper;
  let port: number;
  let folder = 0;
  /** A chroot of its own for each test. */
  const fresh = (hosts = zookeeper.connect): string => `${hosts}/test-${folder}`;
  beforeAll(async () => {
    zookeeper = await ZooKeeper.start({ nodes: 1 });
    port = zookeeper.servers[0]?.port as number;
  });
  afterEach(() => {
    folder += 1;
  });
  afterAll(() => zookeeper.stop());

  test('makes, reads, changes and removes nodes below its chroot', async () => {
    const one = await started(`${fresh()}/deeper`);
    expect(one.state).toBe('connected');
    expect(one.generation).toBe(1);
    expect(one.timeoutMs).toBe(2_000);
    expect(await one.create('/x', Buffer.from('first'))).toBe('/x');
    expect(await one.get('/x')).toEqual({ data: Buffer.from('first'), version: 0 });
    expect(await one.get('/y')).toBeNull();
    await one.multi([
      { kind: 'set', path: '/x', data: Buffer.from('second'), version: 0 },
      { kind: 'create', path: '/y', data: empty },
      { kind: 'check', path: '/x', version: 1 },
    ]);
    expect((await one.children('/')).sort()).toEqual(['x', 'y']);
    await one.sync();
    const second = { data: Buffer.from('second'), version: 1 };
    expect(await one.getMany(['/x', '/none', '/y'])).toEqual([second, null, { data: empty, version: 0 }]);
    expect(await one.create('/n_', empty, 'ephemeral-sequential')).toBe('/n_0000000002');
    await one.multi([
      { kind: 'remove', path: '/x', version: 1 },
      { kind: 'remove', path: '/y', version: null },
    ]);
    expect(await one.exists('/x')).toBe(false);
    const other = await started(zookeeper.connect);
    expect(await other.exists(`/test-${folder}/deeper/n_0000000002`)).toBe(true);
  });

  test('version 0 means 0 in a multi, and the refused operation is named', async () => {
    const one = await started(fresh());
    await one.create('/x', empty);
    await one.multi([{ kind: 'set', path: '/x', data: empty, version: null }]);
    for (const op of [
      { kind: 'check', path: '/x', version: 0 },
      { kind: 'set', path: '/x', data: empty, version: 0 },
      { kind: 'remove', path: '/x', version: 0 },
    ] as const) {
      const refused = { code: 'BAD_VERSION', opIndex: 1 };
      const multi = one.multi([{ kind: 'create', path: '/y', data: empty }, op]);
      await expect(multi).rejects.toMatchObject(refused);
    }
    expect(await one.children('/')).toEqual(['x']);
  });

  test('refuses with the code of the server', async () => {
    const one = await started(fresh());
    await one.create('/x', empty);
    await one.create('/x/y', empty);
    expect(await codeOf(one.create('/x', empty))).toBe('NODE_EXISTS');
    expect(await codeOf(one.create('/none/x', empty))).toBe('NO_NODE');
    expect(await codeOf(one.children('/none'))).toBe('NO_NODE');
    expect(await codeOf(one.multi([{ kind: 'remove', path: '/x', version: null }]))).toBe('NOT_EMPTY');
    expect(await codeOf(one.create('/x/..', empty))).toBe('OTHER');
  });

  test('tells once of a change, whatever the reader knew before', async () => {
    const one = await started(fresh());
    const told: string[] = [];
    const tell = (what: string) => () => {
      told.push(what);
    };
    const heard = (...wanted: string[]): Promise<boolean> =>
      until(
        `told ${wanted}`,
        () => told.length === wanted.length && wanted.every((each, i) => told[i] === each),
      );
    expect(await one.get('/x', tell('made'))).toBeNull();
    expect(await one.children('/', tell('children'))).toEqual([]);
    await one.create('/x', empty);
    await heard('made', 'children');
    // The newest function of a path replaces the one before, and a failing one harms nobody.
    await one.get('/x', tell('never'));
    await one.exists('/x', () => {
      told.push('changed');
      throw new Error('on purpose');
    });
    await one.multi([{ kind: 'set', path: '/x', data: empty, version: null }]);
    await heard('made', 'children', 'changed');
    await one.multi([{ kind: 'set', path: '/x', data: empty, version: null }]);
    await one.get('/x', tell('removed'));
    await one.multi([{ kind: 'remove', path: '/x', version: null }]);
    await heard('made', 'children', 'changed', 'removed');
    expect(events).toContain('zookeeper.watch-failed');
    expect(one.states).toEqual(['connected']);
  });

  test('what one request cannot carry is refused before it is sent', async () => {
    const one = await started(fresh());
    expect(await codeOf(one.create('/large', Buffer.alloc(900 * 1024)))).toBe('TOO_LARGE');
    const half = Buffer.alloc(460 * 1024);
    const ops = ['/a', '/b'].map((path) => ({ kind: 'create', path, data: half }) as const);
    expect(await codeOf(one.multi(ops))).toBe('TOO_LARGE');
    await one.create('/large', Buffer.alloc(899 * 1024, 7));
    expect((await one.get('/large'))?.data.equals(Buffer.alloc(899 * 1024, 7))).toBe(true);
    expect(one.states).toEqual(['connected']);
  });

  test('reads ten thousand nodes in order, small and large and missing', async () => {
    const one = await started(fresh());
    const paths = Array.from({ length: 10_000 }, (_, i) => `/n${i}`);
    const isThere = (i: number): boolean => i % 97 !== 5;
    const dataOf = (i: number): Buffer => Buffer.alloc(i % 250 === 0 ? 60_000 : 20, `${i};`);
    for (let begin = 0; begin < paths.length; begin += 200) {
      const indices = paths.slice(begin, begin + 200).map((_, i) => begin + i);
      const ops = indices
        .filter(isThere)
        .map((i) => ({ kind: 'create', path: paths[i] as string, data: dataOf(i) }) as const);
      await one.multi(ops);
    }
    const nodes = await one.getMany(paths);
    const wrong = nodes.findIndex((node, i) => !(isThere(i) ? node?.data.equals(dataOf(i)) : node === null));
    expect(wrong).toBe(-1);
    expect(await one.getMany([])).toEqual([]);
  });

  test('what a login made is for that login only, after a reconnect as well', async () => {
    const auth = { user: 'carillon', password: 'secret' };
    const proxy = await proxied(port);
    const owner = await started(fresh(proxy.connect), { auth });
    await owner.create('/x', Buffer.from('mine'));
    await owner.multi([{ kind: 'create', path: '/y', data: empty }]);
    const stranger = await started(zookeeper.connect);
    const root = `/test-${folder}`;
    expect(await codeOf(stranger.get(`${root}/x`))).toBe('NO_AUTH');
    expect(await codeOf(stranger.get(`${root}/y`))).toBe('NO_AUTH');
    expect(await codeOf(stranger.multi([{ kind: 'remove', path: `${root}/y`, version: null }]))).toBe(
      'NO_AUTH',
    );
    for (let round = 0; round < 5; round++) {
      proxy.cut();
      await until('suspended', () => owner.state === 'suspended');
      // The very first request after the login.
      const first = new Promise((resolve, reject) => {
        owner.onState((state) => {
          if (state === 'connected') owner.get('/x').then(resolve, reject);
        });
      });
      expect(await first).toEqual({ data: Buffer.from('mine'), version: 0 });
    }
    const wrong = session(fresh(), { auth: { ...auth, password: 'guess' } });
    await expect(wrong.start()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('NO_AUTH'),
    });
    expect(wrong.state).toBe('closed');
  });

  test('closing ends the session at the server', async () => {
    const one = await started(fresh());
    const other = await started(fresh());
    await one.create('/mine', empty, 'ephemeral');
    await Promise.all([one.close(), one.close()]);
    expect(await other.exists('/mine')).toBe(false);
    expect(one.states).toEqual(['connected', 'closed']);
    expect(one.silenceMs()).toBe(Number.POSITIVE_INFINITY);
    expect(await codeOf(one.get('/'))).toBe('NOT_CONNECTED');
  });

  test('an idle session stays alive, and proves it often', async () => {
    const one = await started(fresh(), { sessionTimeoutMs: 1_000 });
    const other = await started(fresh());
    await one.create('/mine', empty, 'ephemeral');
    let worst = 0;
    const begin = performance.now();
    await until('two session timeouts passed', () => {
      worst = Math.max(worst, one.silenceMs());
      return performance.now() - begin > 2_000;
    });
    expect(worst).toBeLessThan(700);
    expect(await other.exists('/mine')).toBe(true);
    expect(one.states).toEqual(['connected']);
  });

  test('a response that is cut anywhere is forgotten, and the next connection is whole', async () => {
    const proxy = await proxied(port);
    const one = await started(fresh(proxy.connect));
    await one.create('/x', Buffer.alloc(100, 'x'));
    for (const bytes of [1, 3, 4, 5, 19, 20, 21, 60, 150]) {
      proxy.cutAfter(bytes);
      expect(await codeOf(one.get('/x'))).toBe('CONNECTION_LOSS');
      await connected(one);
      expect((await one.get('/x'))?.data.length).toBe(100);
    }
    // And in the handshake itself.
    for (const bytes of [2, 10, 40]) {
      proxy.cut();
      proxy.cutAfter(bytes);
      await until('suspended', () => one.state === 'suspended');
      await connected(one);
      expect((await one.get('/x'))?.data.length).toBe(100);
    }
    expect(one.generation).toBe(1);
  });

  test('while there is no connection requests are refused at once, and none is sent later', async () => {
    const proxy = await proxied(port);
    const one = await started(fresh(proxy.connect));
    proxy.cut();
    await until('suspended', () => one.state === 'suspended');
    const begin = performance.now();
    const refused = Array.from({ length: 50 }, (_, i) => codeOf(one.create(`/late-${i}`, empty)));
    expect(new Set(await Promise.all(refused))).toEqual(new Set(['NOT_CONNECTED']));
    expect(one.silenceMs()).toBe(Number.POSITIVE_INFINITY);
    await connected(one);
    expect(performance.now() - begin).toBeLessThan(1_000);
    expect(await one.children('/')).toEqual([]);
    expect(one.generation).toBe(1);
  });

  test('watches end with the connection, and reading anew leaves one each', async () => {
    const proxy = await proxied(port);
    const one = await started(fresh(proxy.connect));
    let told = 0;
    const onChange = (): void => {
      told += 1;
    };
    for (let i = 0; i < 100; i++) await one.get('/', onChange);
    await one.create('/x', empty);
    await one.children('/x', onChange);
    proxy.cut();
    await until('suspended', () => one.state === 'suspended');
    await connected(one);
    let removed = false;
    await one.get('/x', () => {
      removed = true;
    });
    const other = await started(fresh());
    await other.multi([
      { kind: 'set', path: '/', data: empty, version: null },
      { kind: 'remove', path: '/x', version: null },
    ]);
    await until('the new watch is told', () => removed);
    expect(told).toBe(0);
    for (let i = 0; i < 100; i++) await one.get('/', onChange);
    await other.multi([{ kind: 'set', path: '/', data: empty, version: null }]);
    await until('told', () => told > 0);
    await one.sync();
    expect(told).toBe(1);
  });

  test('finds the one good server behind several that take connections and say nothing', async () => {
    const silent = await proxied(port);
    silent.silence();
    const begin = performance.now();
    const one = await started(
      fresh([silent.connect, silent.connect, silent.connect, zookeeper.connect].join()),
    );
    expect(performance.now() - begin).toBeLessThan(5_000);
    expect(one.state).toBe('connected');
  });

  test('says which servers it could not reach', async () => {
    const silent = await proxied(port);
    const address = silent.connect;
    await silent.stop();
    releases.shift();
    await expect(session(address, { clock: fast }).start()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(new RegExp(`${address}.*ECONNREFUSED`)),
    });
  });

  test('the numbers of the requests begin again before they run out', async () => {
    const { prototype } = loadLibrary().Manager;
    const connect = prototype.connect;
    vi.spyOn(prototype, 'connect').mockImplementation(function (this: typeof prototype) {
      this.xid = 2 ** 31 - 4;
      connect.call(this);
    });
    const one = await started(fresh());
    const made = Array.from({ length: 20 }, (_, i) => one.create(`/n${i}`, empty));
    expect(await Promise.all(made)).toHaveLength(20);
    expect(await one.children('/')).toHaveLength(20);
    expect(one.states).toEqual(['connected']);
  });

  test('a stall of this process is not taken for one of the server', async () => {
    const one = await started(fresh());
    const answer = one.get('/');
    const end = performance.now() + 1_500;
    while (performance.now() < end);
    expect(await answer).not.toBeNull();
    await one.sync();
    expect(one.states).toEqual(['connected']);
  });

  test('a listener that throws keeps nobody else from hearing', async () => {
    const one = session(fresh());
    one.onState(() => {
      throw new Error('on purpose');
    });
    const states: SessionState[] = [];
    one.onState((state) => states.push(state));
    await one.start();
    expect(states).toEqual(['connected']);
    expect(events).toContain('zookeeper.listener-failed');
  });

  test('a stopped server: all that waits fails, the session is given up in time, and a new one follows', async () => {
    const server = zookeeper.servers[0];
    const one = await started(fresh());
    await one.create('/mine', empty, 'ephemeral');
    const begin = performance.now();
    await server?.pause();
    try {
      const waiting = Array.from({ length: 10 }, () => codeOf(one.get('/')));
      await until('silence is seen', () => one.silenceMs() > 300);
      expect(new Set(await Promise.all(waiting))).toEqual(new Set(['CONNECTION_LOSS']));
      expect(performance.now() - begin).toBeLessThan(1_900);
      expect(one.state).toBe('suspended');
      await until('lost', () => one.state === 'lost');
      expect(performance.now() - begin).toBeLessThan(2_500);
      await one.close();
    } finally {
      server?.resume();
    }
    const two = await started(fresh());
    await server?.pause();
    await until('lost', () => two.state === 'lost');
    server?.resume();
    await connected(two);
    expect(two.generation).toBe(2);
    await until('the old session ends', async () => !(await two.exists('/mine')));
  });

  test('a killed server: every write is settled, and what was acknowledged is there', async () => {
    const server = zookeeper.servers[0];
    const one = await started(fresh(), { sessionTimeoutMs: 4_000 });
    const codes: string[] = [];
    let killed: Promise<void> | undefined;
    const writes = Array.from({ length: 5_000 }, async (_, i) => {
      codes[i] = await codeOf(one.create(`/n${i}`, empty));
      if (i === 300) killed = server?.stop('SIGKILL');
    });
    await Promise.all(writes);
    await killed;
    expect(new Set(codes)).toEqual(new Set(['done', 'CONNECTION_LOSS']));
    const closing = performance.now();
    await one.close();
    expect(performance.now() - closing).toBeLessThan(200);
    await server?.start();
    const two = await started(fresh());
    const there = new Set(await two.children('/'));
    const acknowledged = codes.flatMap((code, i) => (code === 'done' ? [`n${i}`] : []));
    expect(acknowledged.length).toBeGreaterThan(300);
    expect(acknowledged.filter((name) => !there.has(name))).toEqual([]);
  });
});

describe.skipIf(zookeeperMissing !== null)('with three servers', () => {
  test('each restarts in turn, and the session lives on', async () => {
    const zookeeper = await ZooKeeper.start({ nodes: 3, tickMs: 200 });
    releases.push(() => zookeeper.stop());
    const one = await started(zookeeper.connect, { sessionTimeoutMs: 4_000 });
    await one.create('/mine', empty, 'ephemeral');
    let made = 0;
    let running = true;
    const writer = (async () => {
      for (let i = 0; running; i++) {
        if ((await codeOf(one.create(`/n${i}`, empty))) === 'done') made += 1;
        else await until('connected', () => one.state === 'connected' || !running);
      }
    })();
    for (const server of zookeeper.servers) {
      await server.stop('SIGKILL');
      const before = made;
      await until('writes go on with two', () => made > before + 10);
      await server.start();
    }
    running = false;
    await writer;
    expect(one.states).not.toContain('lost');
    expect(one.generation).toBe(1);
    expect(await one.exists('/mine')).toBe(true);
  });
});

describe('with a server that says what no server should', () => {
  const { ping, exists } = requestType;
  async function scripted(
    timeoutMs: number,
    answer: ScriptedZooKeeper['answer'],
  ): Promise<ScriptedZooKeeper> {
    const server = new ScriptedZooKeeper(timeoutMs, answer);
    await server.start();
    releases.push(() => server.stop());
    return server;
  }
  const stat = Buffer.alloc(68);
  const node = Buffer.concat([Buffer.alloc(4), stat]);
  const wellBehaved: ScriptedZooKeeper['answer'] = ({ xid, type }, socket) =>
    socket.write(reply(xid, 0, type === exists ? stat : node));

  test.each([-127, -118, -125, -9_999, 17])('error %i is OTHER, and the session goes on', async (error) => {
    const server = await scripted(2_000, wellBehaved);
    const one = await started(server.connect);
    server.answer = ({ xid }, socket) => socket.write(reply(xid, error));
    expect(await codeOf(one.get('/x'))).toBe('OTHER');
    expect(await codeOf(one.multi([{ kind: 'check', path: '/x', version: 1 }]))).toBe('OTHER');
    server.answer = wellBehaved;
    expect(await one.get('/x')).toEqual({ data: empty, version: 0 });
    expect(one.states).toEqual(['connected']);
  });

  test('an answer that cannot be read fails its request alone', async () => {
    const server = await scripted(2_000, wellBehaved);
    const one = await started(server.connect);
    server.answer = ({ xid }, socket) => socket.write(reply(xid, 0, Buffer.from([127, 127, 127])));
    expect(await codeOf(one.children('/x'))).toBe('OTHER');
    server.answer = wellBehaved;
    expect(await one.exists('/x')).toBe(true);
    expect(one.states).toEqual(['connected']);
  });

  const nonsense: readonly [string, (xid: number) => Buffer][] = [
    ['the number of another request', (xid) => reply(xid + 5)],
    ['a length that is none', () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a frame without a header', () => Buffer.from([0, 0, 0, 2, 1, 1])],
  ];
  test.each(nonsense)('%s ends the connection, and nothing else', async (_, bytes) => {
    const server = await scripted(2_000, wellBehaved);
    const one = await started(server.connect);
    server.answer = ({ xid }, socket) => socket.write(bytes(xid));
    const [first, second] = [codeOf(one.get('/x')), codeOf(one.get('/y'))];
    expect([await first, await second]).toEqual(['CONNECTION_LOSS', 'CONNECTION_LOSS']);
    server.answer = wellBehaved;
    await connected(one);
    expect(await one.exists('/x')).toBe(true);
    expect(one.generation).toBe(1);
  });

  test('a session nobody proves is given up though bytes still come', async () => {
    const server = await scripted(400, wellBehaved);
    const one = await started(server.connect);
    const asked: number[] = [];
    server.answer = ({ type }) => asked.push(type);
    const begin = performance.now();
    const waiting = codeOf(one.get('/x'));
    const talk = setInterval(() => {
      for (const socket of server.sockets) socket.write(notice(3, '/elsewhere'));
    }, 20);
    expect(await waiting).toBe('SESSION_LOST');
    clearInterval(talk);
    expect(performance.now() - begin).toBeLessThan(800);
    expect(one.states).toEqual(['connected', 'lost']);
    // The server is told, in case it hears.
    await until('the end of the session is said', () => asked.includes(-11));
    server.answer = wellBehaved;
    await connected(one);
    expect(one.generation).toBe(2);
  });

  test('a notice that overtakes the answer is not missed', async () => {
    const server = await scripted(2_000, wellBehaved);
    const one = await started(server.connect);
    server.answer = ({ xid }, socket) =>
      socket.write(Buffer.concat([notice(3, '/x'), reply(xid, 0, node), notice(3, '/x')]));
    let told = 0;
    await one.get('/x', () => {
      told += 1;
    });
    expect(told).toBe(2);
  });

  test('a refused login ends the start with the reason', async () => {
    const server = await scripted(2_000, ({ xid, type }, socket) => {
      if (type !== ping) socket.write(reply(xid, -115));
    });
    const one = session(server.connect, { auth: { user: 'a', password: 'b' } });
    await expect(one.start()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('login'),
    });
    expect(one.state).toBe('closed');
  });

  test('a server that takes the session and answers nothing fails the start in time', async () => {
    const server = await scripted(60_000, () => {});
    const one = session(server.connect, { sessionTimeoutMs: 60_000, clock: fast });
    await expect(one.start()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(one.state).toBe('closed');
  });

  test('closing does not wait for a server that does not answer', async () => {
    const server = await scripted(20_000, wellBehaved);
    const one = await started(server.connect, { sessionTimeoutMs: 20_000 });
    server.answer = () => {};
    const waiting = codeOf(one.get('/x'));
    const begin = performance.now();
    await one.close();
    expect(performance.now() - begin).toBeLessThan(1_500);
    expect(await waiting).toBe('CONNECTION_LOSS');
  });
});
