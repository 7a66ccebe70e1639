/** The state in ZooKeeper as somebody sees it who is not of the installation: nothing, anywhere. */

import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ACL, createClient, Id } from 'node-zookeeper-client';
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
import { allowedTo, treeBelow } from '../../support/outsider.ts';
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

  async function outsiders(): Promise<[string, ZooKeeperSession][]> {
    return [
      ['without a login', await started('', {})],
      ['with a wrong password', await started('', { auth: { ...own, password: 'guess' } })],
      ['as another user', await started('', { auth: { user: 'eve', password: 'secret' } })],
      ['with another certificate', await started('', tlsOf(await ca.issue('eve')))],
    ];
  }

  /** For them; and everything is as it was. */
  async function expectNothing(owner: ZooKeeperSession, root: string): Promise<void> {
    const tree = await treeBelow(owner, root);
    for (const [who, outsider] of await outsiders())
      expect([who, await allowedTo(outsider, owner, tree)]).toEqual([who, []]);
    expect((await Promise.all(tree.map((path) => owner.isOpen(path)))).includes(true)).toBe(false);
    expect(await treeBelow(owner, root)).toEqual(tree);
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
    const owner = await started('', login());
    expect((await treeBelow(owner, root)).length).toBeGreaterThan(1_000);
    await expectNothing(owner, root);
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
    expect(nodes).toBe((await treeBelow(owner, '/')).length);
    expect(told).toBeGreaterThanOrEqual(nodes);
    await expectNothing(await started('', { auth: own }), root);
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

  /** Whoever has the login gives the node to somebody else, too. */
  async function share(path: string, other: Id): Promise<void> {
    const client = createClient(zookeeper.connect);
    const connected = once(client, 'connected');
    client.connect();
    await connected;
    client.addAuthInfo('digest', Buffer.from(`${own.user}:${own.password}`));
    const acls = [new ACL(31, new Id('auth', '')), new ACL(31, other)];
    await new Promise<void>((resolve, reject) =>
      client.setACL(path, acls, -1, (error) => (error ? reject(error) : resolve())),
    );
    client.close();
  }

  /** A folder of the state with rights for somebody else besides. */
  test.each<[string, string, string]>([
    ['everybody', 'world', 'anyone'],
    ['addresses', 'ip', '127.0.0.1'],
    ['another user', 'digest', 'eve:hash'],
  ])('who has left a door open for %s is not let in', async (_, scheme, id) => {
    const root = `/outsider-${++paths}`;
    const before = storeOf(sessionAt(root, { auth: own }));
    await before.open();
    await before.close();
    const owner = await started(root, { auth: own });
    await share(`${root}/jobs`, new Id(scheme, id));
    await expect(storeOf(sessionAt(root, { auth: own })).open()).rejects.toThrow(/zk protect/);
    await protectTree(owner, 'here', () => {});
    await storeOf(sessionAt(root, { auth: own })).open();
  });

  test('who has prepared a path is refused, and stays as it is', async () => {
    for (const name of ['cluster', 'log', 'mine']) {
      const root = `/outsider-${++paths}`;
      const eve = await started(root, {});
      await eve.create(`/${name}`, Buffer.from('x'));
      await expect(storeOf(sessionAt(root, { auth: own })).open()).rejects.toThrow(/others|not from/);
      expect(await eve.children('/')).toEqual([name]);
    }
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
