/** Stores and backups of earlier releases, read by this one. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { realClock } from '../../src/node/clock.ts';
import type { Job, JobState } from '../../src/scheduler/model/model.ts';
import { AUDIT_OWNER } from '../../src/scheduler/model/token.ts';
import type { Store } from '../../src/scheduler/ports.ts';
import { newestFormat } from '../../src/scheduler/records/stored.ts';
import { records, type Write } from '../../src/scheduler/records/table.ts';
import { checkBackup, readBackup } from '../../src/store/backup-file.ts';
import { restoreEmbedded } from '../../src/store/embedded/restore.ts';
import { createEmbeddedStore } from '../../src/store/embedded/store.ts';
import { unpack } from '../../src/store/segment.ts';
import type { ZooKeeperStore } from '../../src/store/zookeeper/store.ts';
import type { createZooKeeperSession, ZooKeeperSession } from '../../src/store/zookeeper/wire/session.ts';
import { auditLine, job, token } from '../conformance/store.ts';
import { byKey, everything } from '../support/store-contents.ts';
import { ZooKeeper, zookeeperMissing } from '../support/zookeeper.ts';
import { openStoreBelow, sessionBelow, silent } from '../support/zookeeper-store.ts';

const fixture = (file: string): string => join(import.meta.dirname, '../fixtures/0.1.0', file);
const answered = byKey(JSON.parse(readFileSync(fixture('expected.json'), 'utf8')));

/** Runs and rounds whose chain a person began: 0.1.0 said so in the first letter of their variant. */
const lineages: Readonly<Record<string, string>> = { mabc: 'manual', r77: 'rerun' };

/** What the release answered, with what has become a field of its own since. */
const expected = byKey(
  JSON.parse(JSON.stringify(answered), (key, value) => {
    if (key === 'reason' && typeof value === 'string') return { code: 'text', text: value };
    // There were no alerts and no reports then.
    if (typeof value?.cursor === 'number') return { ...value, muted: null, pipeline: null, heard: [] };
    // Nothing was measured then.
    if (typeof value?.failedRunTime === 'string') return { ...value, cpuTime: '', peakMemory: '' };
    if (typeof value?.variant !== 'string' || value.parent !== undefined) return value;
    const lineage = lineages[value.variant];
    if (value.trigger === undefined) return lineage === undefined ? value : { ...value, lineage };
    const trigger = value.inRow === true ? { ...value.trigger, catchUp: true } : value.trigger;
    return { ...value, lineage: lineage ?? 'scheduled', trigger };
  }),
);

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

const sessionAt = (chroot: string, create?: typeof createZooKeeperSession): ZooKeeperSession =>
  sessionBelow(zookeeper.connect, chroot, create);

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

const openZooKeeper = (chroot: string): Promise<ZooKeeperStore> => openStoreBelow(zookeeper.connect, chroot);

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

const laterFormat = newestFormat + 1;

/**
 * A later release: it has two kinds more, and a newer version of runs. Only the table of kinds differs, so this is also
 * what adding a kind takes: no store has a line for it.
 */
async function laterRelease() {
  vi.resetModules();
  vi.doMock('../../src/scheduler/records/table.ts', async (original) => {
    const table = await original<typeof import('../../src/scheduler/records/table.ts')>();
    const { run } = table.records;
    const named = ({ name }: { name: string }) => name;
    const asIs = (value: object) => ({ ...value });
    return {
      ...table,
      records: {
        ...table.records,
        run: {
          ...run,
          since: laterFormat,
          steps: [...run.steps, (older: object) => ({ ...older, note: 'upgraded' })],
        },
        song: {
          ...{ is: 'present', since: laterFormat, steps: [], table: 'songs', key: named },
          ...{ encode: asIs, decode: ([, , value]: [string, string, object]) => value },
        },
        verse: {
          ...{ is: 'past', since: laterFormat, steps: [], table: 'verses', keep: 20, key: named },
          ...{ more: ({ number }: { number: number }) => number, encode: asIs },
          owner: ([, name]: [string, string]) => name,
          place: ([, , , number]: [string, string, object, number]) => [number],
          decode: ([, , value]: [string, string, object]) => value,
        },
      },
    };
  });
  const embedded = await import('../../src/store/embedded/store.ts');
  const zookeeperStore = await import('../../src/store/zookeeper/store.ts');
  const session = await import('../../src/store/zookeeper/wire/session.ts');
  const { createMemoryStore } = await import('../../src/store/memory.ts');
  vi.doUnmock('../../src/scheduler/records/table.ts');
  vi.resetModules();
  return { ...embedded, ...zookeeperStore, ...session, createMemoryStore };
}

const song = { kind: 'song', value: { name: 'carol', text: 'ding' } } as unknown as Write;
const verse = (number: number): Write =>
  ({ kind: 'verse', value: { name: 'carol', number } }) as unknown as Write;
const tooNew = {
  code: 'STORE_TOO_NEW',
  message: expect.stringMatching(
    /was written by a later release.*Start the later release again, or restore a backup/,
  ),
};

async function versesOf(store: Store): Promise<unknown[]> {
  const range = { owner: 'carol', from: 3, below: 6, withPrevious: true };
  return store.archive.past('verse' as never, range);
}

async function loadedOf(store: Store, kind: string): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const items of store.load())
    for (const item of items) if (String(item.kind) === kind) found.push(item.value);
  return found;
}

describe('a later release, with two kinds more and a newer version of one', () => {
  const withSongs = async (store: Store, term: number): Promise<void> => {
    await store.commit(term, [[song], Array.from({ length: 30 }, (_, i) => verse(i + 1))]);
  };
  const some = [2, 3, 4, 5].map((number) => ({ name: 'carol', number }));

  test('keeps its kinds in memory', async () => {
    const store = (await laterRelease()).createMemoryStore();
    await withSongs(store, await store.campaign());
    expect(await loadedOf(store, 'song')).toEqual([song.value]);
    expect(await versesOf(store)).toEqual([]);
    const newest = await store.archive.past('verse' as never, {
      owner: 'carol',
      newestFirst: true,
      limit: 1,
    });
    expect(newest).toEqual([{ name: 'carol', number: 30 }]);
  });

  test('upgrades an embedded store, which this release refuses from the first record that it cannot read', async () => {
    const dir = embeddedFolder();
    const later = (await laterRelease()).createEmbeddedStore({ dir });
    await later.open();
    const runs = (await loadedOf(later, 'run')) as { note: string }[];
    expect(runs.map(({ note }) => note)).toEqual(Array(expected.present.run?.length).fill('upgraded'));
    await later.close();
    // Reading changes nothing: until something is written, there is a way back.
    const before = await openEmbedded(dir);
    expect(await everything(before)).toEqual(expected);
    await before.close();
    await later.open();
    await withSongs(later, await later.campaign());
    await later.close();
    await expect(openEmbedded(dir)).rejects.toMatchObject(tooNew);
    await later.open();
    expect(await loadedOf(later, 'song')).toEqual([song.value]);
    const file = join(root, 'later.backup');
    const parts: Uint8Array[] = [];
    for await (const part of later.backup({ version: '9.0.0', now: 0 })) parts.push(part);
    writeFileSync(file, Buffer.concat(parts));
    await expect(checkBackup(file)).rejects.toMatchObject({
      code: 'INVALID_BACKUP',
      message: expect.stringContaining(
        `was written by a later release (version 9.0.0, format ${laterFormat}`,
      ),
    });
    await later.close();
  });

  test.skipIf(zookeeperMissing !== null)(
    'beside this one in ZooKeeper: this one follows until there is a record that it cannot read, and passes over none',
    async () => {
      const chroot = await zookeeperPath();
      const follower = await openZooKeeper(chroot);
      const told: string[] = [];
      const watching = follower.watch({
        onWrites: (writes) => told.push(...writes.map(({ kind }) => kind)),
        onGap: () => told.push('gap'),
      });
      const later = await laterRelease();
      const open = async (): Promise<ZooKeeperStore> => {
        const store = later.createZooKeeperStore({
          session: sessionAt(chroot, later.createZooKeeperSession),
          hosts: chroot,
          clock: realClock,
          log: silent,
        });
        await store.open();
        return store;
      };
      const leader = await open();
      const term = await leader.campaign();
      const known: Write = { kind: 'state', value: { ...(expected.present.state?.[0] as JobState) } };
      await leader.commit(term, [[known]]);
      await watching.caughtUp();
      expect(told).toEqual(['state']);
      await withSongs(leader, term);
      await leader.commit(term, [[known]]);
      // What 0.1.0 checks: it knows no more than these two numbers.
      const reader = sessionAt(chroot);
      await reader.start();
      const head = Number((await reader.get('/head'))?.data);
      const nodes = await reader.getMany([2, 1, 0].map((before) => `/log/${head - before}`));
      const format = records.state.since;
      expect(nodes.map((node) => unpack(node?.data as Buffer).v)).toEqual([format, laterFormat, format]);
      expect(String((await reader.get('/layout'))?.data)).toBe(String(laterFormat));
      await reader.close();
      await expect(watching.caughtUp()).rejects.toMatchObject(tooNew);
      expect(told).toEqual(['state']);
      expect(follower.status()).toMatchObject({
        reachable: false,
        detail: expect.stringContaining('was written by a later release'),
      });
      await expect(openZooKeeper(chroot)).rejects.toMatchObject(tooNew);
      await leader.checkpoint();
      await follower.close();
      await leader.close();
      const again = await open();
      expect(await loadedOf(again, 'song')).toEqual([song.value]);
      expect(await versesOf(again)).toEqual(some);
      await again.close();
    },
  );
});

/** The last release that knew this format: the table of kinds alone differs. */
async function releaseOf(format: number) {
  vi.resetModules();
  vi.doMock('../../src/scheduler/records/table.ts', async (original) => {
    const table = await original<typeof import('../../src/scheduler/records/table.ts')>();
    const known = Object.entries(table.records)
      .filter(([, { since }]) => since <= format)
      .map(([name, { later, ...kind }]: [string, { later?: { since: number }[]; since: number }]) => [
        name,
        { ...kind, later: later?.filter(({ since }) => since <= format) },
      ]);
    return { ...table, records: Object.fromEntries(known) };
  });
  const embedded = await import('../../src/store/embedded/store.ts');
  vi.doUnmock('../../src/scheduler/records/table.ts');
  vi.resetModules();
  return embedded;
}

const backup: Job = {
  name: 'backup',
  definition: { name: 'backup', schedule: { cron: '0 2 * * *' }, run: { command: 'true' } },
  resolved: { cron: '0 2 * * *' },
  ...{ revision: 1, createdAt: 0, updatedAt: 0, updatedBy: 'ann' },
};
const following = (after: object): Partial<Job> => ({
  definition: { name: 'backup', schedule: { after } as never, run: { command: 'true' } },
  resolved: null,
});

test.each<[string, number, Partial<Job>, Partial<Job>]>([
  ['without run', 4, {}, { definition: { name: 'backup', schedule: { cron: '0 2 * * *' } } }],
  [
    'with a condition of one parent',
    6,
    following({ parents: ['a'], per: 'day' }),
    following({ parents: [{ job: 'a', when: 'done' }] }),
  ],
  [
    'with days of a time zone',
    6,
    following({ parents: ['a'], per: 'day' }),
    following({ parents: ['a'], per: 'day', timezone: 'Europe/Berlin' }),
  ],
])(
  'an earlier release refuses a store from the first job %s, and reads it until then',
  async (_, format, old, next) => {
    const dir = embeddedFolder();
    const earlier = (await releaseOf(format)).createEmbeddedStore({ dir });
    const write = async (value: Job): Promise<void> => {
      const store = createEmbeddedStore({ dir });
      await store.open();
      await store.commit(await store.campaign(), [[{ kind: 'job', value }]]);
      await store.close();
    };
    await write({ ...backup, ...old });
    await earlier.open();
    await earlier.close();
    const changed = { ...backup, ...next, revision: 2 };
    await write(changed);
    await expect(earlier.open()).rejects.toMatchObject(tooNew);
    const store = await openEmbedded(dir);
    const jobs = (await loadedOf(store, 'job')) as Job[];
    expect(jobs.find(({ name }) => name === 'backup')?.definition).toEqual(changed.definition);
    await store.close();
  },
);

test('a store of format 5 is read by this release, and its own release refuses it from the first line of the audit', async () => {
  const dir = embeddedFolder();
  const earlier = (await releaseOf(5)).createEmbeddedStore({ dir });
  const { run: _, ...definition } = job('backup').definition;
  await earlier.open();
  await earlier.commit(await earlier.campaign(), [
    [{ kind: 'job', value: { ...job('backup'), definition } }],
  ]);
  await earlier.close();
  const store = createEmbeddedStore({ dir });
  await store.open();
  expect(await loadedOf(store, 'token')).toEqual([]);
  const jobs = (await loadedOf(store, 'job')) as Job[];
  expect(jobs.map(({ name }) => name)).toContain('backup');
  await store.close();
  await earlier.open();
  await earlier.close();
  await store.open();
  await store.commit(await store.campaign(), [
    [
      { kind: 'token', value: token('a') },
      { kind: 'audit', value: auditLine(1) },
    ],
  ]);
  expect(await store.archive.past('audit', { owner: AUDIT_OWNER })).toEqual([auditLine(1)]);
  await store.close();
  await expect(earlier.open()).rejects.toMatchObject(tooNew);
});
