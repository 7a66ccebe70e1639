/** The state in ZooKeeper as somebody sees it who is not of the installation: nothing, anywhere. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { realClock } from '../../../src/node/clock.ts';
import { zooKeeperLogin } from '../../../src/node/zookeeper/login.ts';
import { createZooKeeperElection } from '../../../src/store/zookeeper/election.ts';
import { protectTree } from '../../../src/store/zookeeper/protect.ts';
import { createZooKeeperStore } from '../../../src/store/zookeeper/store.ts';
import {
  createZooKeeperSession,
  type SessionParts,
  type ZooKeeperSession,
} from '../../../src/store/zookeeper/wire/session.ts';
import { Authority, type PairFiles } from '../../support/certificates.ts';
import { ZooKeeper, zookeeperMissing } from '../../support/zookeeper.ts';
import { silent } from '../../support/zookeeper-store.ts';

describe.skipIf(zookeeperMissing !== null)('an outsider', () => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-outsider-'));
  const open: ZooKeeperSession[] = [];
  let zookeeper: ZooKeeper;
  let ca: Authority;
  let node: PairFiles;
  let paths = 0;

  beforeAll(async () => {
    ca = await Authority.make(dir);
    node = await ca.issue('carillon');
    const pem = join(dir, 'server.all.pem');
    const server = await ca.issue('server');
    writeFileSync(pem, server.cert + readFileSync(server.keyFile, 'utf8'));
    zookeeper = await ZooKeeper.start({ nodes: 1, tls: { pem, ca: ca.file } });
  });
  afterEach(async () => {
    for (const session of open.splice(0)) await session.close();
  });
  afterAll(async () => {
    await zookeeper?.stop();
    rmSync(dir, { recursive: true });
  });

  const own = { user: 'carillon', password: 'secret' };
  const tlsOf = (files: Partial<PairFiles>) =>
    zooKeeperLogin({
      ...{ zkAuthFile: null, zkTlsCa: ca.file },
      ...(files.certFile !== undefined && { zkTlsCert: files.certFile }),
      ...(files.keyFile !== undefined && { zkTlsKey: files.keyFile }),
    });

  function sessionAt(path: string, login: Partial<SessionParts>): ZooKeeperSession {
    const [server] = zookeeper.servers;
    const port = login.tls ? server!.securePort : server!.port;
    const session = createZooKeeperSession({
      ...{ hosts: `${server!.host}:${port}${path}`, sessionTimeoutMs: 2_000, auth: null },
      ...{ clock: realClock, log: silent },
      ...login,
    });
    open.push(session);
    return session;
  }

  const storeOf = (session: ZooKeeperSession) =>
    createZooKeeperStore({ session, hosts: 'here', clock: realClock, log: silent });

  async function started(path: string, login: Partial<SessionParts>): Promise<ZooKeeperSession> {
    const session = sessionAt(path, login);
    await session.start();
    return session;
  }

  async function treeOf(session: ZooKeeperSession, path = '/'): Promise<string[]> {
    const below = await session.children(path);
    const all = await Promise.all(
      below.map((name) => treeOf(session, `${path === '/' ? '' : path}/${name}`)),
    );
    return [path, ...all.flat()];
  }

  /** What somebody is allowed who should be allowed nothing. Paths of the session are below `root`. */
  async function allowedTo(outsider: ZooKeeperSession, root: string, tree: readonly string[]) {
    const allowed: string[] = [];
    for (const path of tree) {
      const at = path === '/' ? root : `${root}${path}`;
      const tries: Record<string, () => Promise<unknown>> = {
        read: () => outsider.get(at),
        list: () => outsider.children(at),
        'read many': () => outsider.getMany([at]),
        write: () => outsider.multi([{ kind: 'set', path: at, data: Buffer.from('x'), version: null }]),
        create: () => outsider.create(`${at}/mine`, Buffer.from('x')),
        stand: () => outsider.create(`${at}/n_`, Buffer.from('x'), 'ephemeral-sequential'),
        ...(outsider.isGuarded && { protect: () => outsider.protect(at) }),
        ...(path !== '/' && {
          remove: () => outsider.multi([{ kind: 'remove', path: at, version: null }]),
        }),
      };
      for (const [what, act] of Object.entries(tries)) {
        const end = await act().then(
          () => 'done',
          (error: { code?: string }) => error.code,
        );
        if (end !== 'NO_AUTH') allowed.push(`${what} ${at}: ${end}`);
      }
    }
    return allowed;
  }

  async function outsiders(): Promise<[string, ZooKeeperSession][]> {
    return [
      ['without a login', await started('', {})],
      ['with a wrong password', await started('', { auth: { ...own, password: 'guess' } })],
      ['as another user', await started('', { auth: { user: 'eve', password: 'secret' } })],
      ['with another certificate', await started('', tlsOf(await ca.issue('eve')))],
    ];
  }

  test.each<[string, () => Partial<SessionParts>]>([
    ['a password', () => ({ auth: own })],
    ['a password, over TLS', () => ({ ...tlsOf({}), auth: own })],
    ['a certificate', () => tlsOf(node)],
  ])('reads and writes nothing of a state with %s', async (_, login) => {
    const root = `/outsider-${++paths}`;
    const session = sessionAt(root, login());
    const store = storeOf(session);
    await store.open();
    const self = { id: 'n1', url: 'http://127.0.0.1:1', host: 'n1', pid: 1, version: '1' };
    const election = createZooKeeperElection({
      session,
      self,
      host: '127.0.0.1',
      clock: realClock,
      log: silent,
    });
    const term = await new Promise<number>((resolve) => {
      election.onElected(resolve);
      void election.start();
    });
    await store.commit(term, []);
    const tree = await treeOf(session);
    expect(tree.length).toBeGreaterThan(1_000);
    const folders = tree.filter((path) => !/^\/[\w-]+\/[0-9a-f]{2}$/.test(path) || path.endsWith('/00'));
    for (const [who, outsider] of await outsiders())
      expect([who, await allowedTo(outsider, root, folders)]).toEqual([who, []]);
    expect((await Promise.all(tree.map((path) => session.isOpen(path)))).includes(true)).toBe(false);
    expect(await treeOf(session)).toEqual(tree);
    await election.stop();
    await store.close();
  });

  test('has lost an open state once it is taken over', async () => {
    const root = `/outsider-${++paths}`;
    const before = storeOf(sessionAt(root, {}));
    await before.open();
    await before.close();
    const refused = storeOf(sessionAt(root, { auth: own }));
    await expect(refused.open()).rejects.toMatchObject({
      code: 'INVALID_FIELD',
      message: expect.stringContaining('carillon zk protect'),
    });
    const owner = await started(root, { auth: own });
    let told = 0;
    const nodes = await protectTree(owner, 'here', (sofar) => (told = sofar));
    expect(nodes).toBe((await treeOf(owner)).length);
    expect(told).toBeGreaterThanOrEqual(nodes);
    const tree = await treeOf(owner);
    for (const [who, outsider] of await outsiders())
      expect([who, await allowedTo(outsider, root, tree.slice(0, 30))]).toEqual([who, []]);
    expect((await Promise.all(tree.map((path) => owner.isOpen(path)))).includes(true)).toBe(false);
    const after = storeOf(sessionAt(root, { auth: own }));
    await after.open();
    await after.close();
  });

  test('gains nothing when the take-over is interrupted, which is refused until it is complete', async () => {
    const root = `/outsider-${++paths}`;
    const before = storeOf(sessionAt(root, {}));
    await before.open();
    await before.close();
    const owner = await started(root, { auth: own });
    const broken = protectTree(owner, 'here', () => {
      throw new Error('interrupted');
    });
    await expect(broken).rejects.toThrow('interrupted');
    await expect(storeOf(sessionAt(root, { auth: own })).open()).rejects.toThrow(/zk protect/);
    await protectTree(owner, 'here', () => {});
    const after = storeOf(sessionAt(root, { auth: own }));
    await after.open();
    await after.close();
  });

  test('does not take a state from nodes that run', async () => {
    const root = `/outsider-${++paths}`;
    const session = sessionAt(root, {});
    await storeOf(session).open();
    await session.create('/election/n_', Buffer.from('{}'), 'ephemeral-sequential');
    const owner = await started(root, { auth: own });
    await expect(protectTree(owner, 'here', () => {})).rejects.toMatchObject({ code: 'STORE_IN_USE' });
  });

  test('is told which server is not trusted', async () => {
    const other = await Authority.make(dir, 'other');
    const login = zooKeeperLogin({ zkAuthFile: null, zkTlsCa: other.file });
    const impatient = { ...realClock, after: (ms: number, act: () => void) => realClock.after(ms / 20, act) };
    const session = sessionAt('/x', { ...login, clock: impatient });
    await expect(session.start()).rejects.toThrow(/certificate|signature/);
  });
});
