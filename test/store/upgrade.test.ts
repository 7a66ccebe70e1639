/** Stores and backups of earlier releases, read by this one. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realClock } from '../../src/node/clock.ts';
import type { Log, Store } from '../../src/scheduler/ports.ts';
import { readBackup } from '../../src/store/backup-file.ts';
import { restoreEmbedded } from '../../src/store/embedded/restore.ts';
import { createEmbeddedStore } from '../../src/store/embedded/store.ts';
import { createZooKeeperStore, type ZooKeeperStore } from '../../src/store/zookeeper/store.ts';
import { createZooKeeperSession, type ZooKeeperSession } from '../../src/store/zookeeper/wire/session.ts';
import { byKey, everything } from '../support/store-contents.ts';
import { ZooKeeper, zookeeperMissing } from '../support/zookeeper.ts';

const silent: Log = { info() {}, warn() {}, error() {}, debug() {} };
const fixture = (file: string): string => join(import.meta.dirname, '../fixtures/0.1.0', file);
const expected = byKey(JSON.parse(readFileSync(fixture('expected.json'), 'utf8')));

const root = mkdtempSync(join(tmpdir(), 'carillon-upgrade-'));
let places = 0;
let zookeeper: ZooKeeper;
beforeAll(async () => {
  if (zookeeperMissing === null) zookeeper = await ZooKeeper.start({ nodes: 1, tickMs: 100 });
}, 60_000);
afterAll(async () => {
  await zookeeper?.stop();
  rmSync(root, { recursive: true, force: true });
});

const sessionAt = (chroot: string): ZooKeeperSession =>
  createZooKeeperSession({
    hosts: `${zookeeper.connect}/${chroot}`,
    sessionTimeoutMs: 2_000,
    auth: null,
    clock: realClock,
    log: silent,
  });

/** A folder with the embedded store as the release left it. */
function embeddedFolder(): string {
  const dir = join(root, `embedded-${places++}`, 'store');
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'data.mdb'), gunzipSync(readFileSync(fixture('store.mdb.gz'))));
  writeFileSync(`${dir}.json`, readFileSync(fixture('store.json')));
  return dir;
}

async function openEmbedded(dir: string): Promise<Store> {
  const store = createEmbeddedStore({ dir });
  await store.open();
  return store;
}

/** A path in ZooKeeper with the nodes as the release left them. */
async function zookeeperPath(): Promise<string> {
  const chroot = `from-${places++}`;
  const session = sessionAt(chroot);
  await session.start();
  const lines = gunzipSync(readFileSync(fixture('zookeeper.json.gz')))
    .toString()
    .split('\n');
  for (const line of lines) {
    const [path, data, version = 0] = JSON.parse(line) as [string, string, number?];
    await session.create(path, Buffer.from(data, 'base64'));
    for (let i = 0; i < version; i++)
      await session.multi([{ kind: 'set', path, data: Buffer.from(data, 'base64'), version: null }]);
  }
  await session.close();
  return chroot;
}

async function openZooKeeper(chroot: string): Promise<ZooKeeperStore> {
  const store = createZooKeeperStore({
    session: sessionAt(chroot),
    hosts: chroot,
    clock: realClock,
    log: silent,
  });
  await store.open();
  return store;
}

async function restored(file: string): Promise<Store> {
  const dir = join(root, `restored-${places++}`, 'store');
  const { records } = await readBackup(fixture(file));
  await restoreEmbedded({ dir, replace: false, installation: 'restored', lastTerm: 1, now: 0 }, records);
  return openEmbedded(dir);
}

describe('a store that 0.1.0 wrote is read by this release, every kind of record in it', () => {
  test('embedded', async () => {
    const store = await openEmbedded(embeddedFolder());
    expect(await everything(store)).toEqual(expected);
    await store.close();
  });

  test.skipIf(zookeeperMissing !== null)('in ZooKeeper, before and after a checkpoint', async () => {
    const chroot = await zookeeperPath();
    const store = await openZooKeeper(chroot);
    expect(await everything(store)).toEqual(expected);
    const term = await store.campaign();
    await store.commit(term, []);
    await store.checkpoint();
    expect(await everything(store)).toEqual(expected);
    await store.close();
    const again = await openZooKeeper(chroot);
    expect(await everything(again)).toEqual(expected);
    await again.close();
  });

  test.each(['embedded.backup', 'zookeeper.backup'])('in %s', async (file) => {
    const store = await restored(file);
    expect(await everything(store)).toEqual(expected);
    await store.close();
  });
});
