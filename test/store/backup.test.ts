/** Backups of every store, restored into every store: the same is there again, or the file is refused. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realClock } from '../../src/node/clock.ts';
import { restoreBackup } from '../../src/node/restore.ts';
import { AUDIT_OWNER } from '../../src/scheduler/model/token.ts';
import type { Store } from '../../src/scheduler/ports.ts';
import { checkBackup, readBackup } from '../../src/store/backup-file.ts';
import type { TermSource } from '../../src/store/election-solo.ts';
import { restoreEmbedded } from '../../src/store/embedded/restore.ts';
import { createEmbeddedStore } from '../../src/store/embedded/store.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { restoreZooKeeper } from '../../src/store/zookeeper/restore.ts';
import type { ZooKeeperStore } from '../../src/store/zookeeper/store.ts';
import type { ZooKeeperSession } from '../../src/store/zookeeper/wire/session.ts';
import { auditLine, job, token } from '../conformance/store.ts';
import { backUpTo, contents, fill, removalOf, writesOf } from '../support/backup-world.ts';
import { until } from '../support/until.ts';
import { ZooKeeper, zookeeperMissing } from '../support/zookeeper.ts';
import { openStoreBelow, sessionBelow, silent } from '../support/zookeeper-store.ts';

const JOBS = 40;
/** Enough for commits to come between the parts of a backup. */
const MANY = 300;
const TERM = 1_234;

const root = mkdtempSync(join(tmpdir(), 'carillon-backup-'));
let places = 0;
const fresh = (): string => join(root, `place-${places++}`, 'store');
let zookeeper: ZooKeeper;
beforeAll(async () => {
  if (zookeeperMissing === null) zookeeper = await ZooKeeper.start({ nodes: 1, tickMs: 100 });
}, 60_000);
afterAll(async () => {
  await zookeeper?.stop();
  rmSync(root, { recursive: true, force: true });
});

type OpenStore = Store & TermSource;

async function embedded(dir = fresh()): Promise<OpenStore> {
  const store = createEmbeddedStore({ dir });
  await store.open();
  return store;
}

const sessionAt = (chroot: string): ZooKeeperSession => sessionBelow(zookeeper.connect, chroot);

const inZooKeeper = (chroot = `from-${places++}`): Promise<ZooKeeperStore> =>
  openStoreBelow(zookeeper.connect, chroot);

async function toEmbedded(file: string, dir = fresh(), replace = false): Promise<OpenStore> {
  const { records } = await readBackup(file);
  await restoreEmbedded({ dir, replace, installation: 'restored', lastTerm: TERM, now: 0 }, records);
  return embedded(dir);
}

async function toZooKeeper(file: string, chroot = `to-${places++}`): Promise<ZooKeeperStore> {
  const session = sessionAt(chroot);
  const { records } = await readBackup(file);
  try {
    await session.start();
    const where = {
      session,
      hosts: chroot,
      installation: 'restored',
      term: TERM,
      clock: realClock,
      log: silent,
    };
    await restoreZooKeeper(where, records);
  } finally {
    await session.close();
  }
  return inZooKeeper(chroot);
}

const sources: Record<string, () => Promise<OpenStore>> = {
  memory: async () => createMemoryStore(),
  embedded,
  'ZooKeeper, from the log': inZooKeeper,
  'ZooKeeper, from the tables': async () => {
    const store = await inZooKeeper();
    const commit: Store['commit'] = async (term, groups) => {
      await store.commit(term, groups);
      await store.checkpoint();
    };
    return { ...store, commit };
  },
};
const targets: Record<string, (file: string) => Promise<OpenStore>> = {
  'an embedded store': toEmbedded,
  ZooKeeper: toZooKeeper,
};
const ways = Object.keys(sources).flatMap((from) => Object.keys(targets).map((to) => ({ from, to })));
const needsZooKeeper = ({ from, to }: { from: string; to: string }): boolean =>
  `${from} ${to}`.includes('ZooKeeper');

describe('a backup', () => {
  test.for(ways)('of $from has the same in $to, and work goes on there', async (way, { skip }) => {
    if (needsZooKeeper(way) && zookeeperMissing !== null) skip();
    const source = await (sources[way.from] as () => Promise<OpenStore>)();
    await fill(source, await source.campaign(), JOBS);
    const file = join(root, `way-${places++}`);
    await backUpTo(file, source);
    const before = await contents(source, JOBS);
    const restored = await (targets[way.to] as (file: string) => Promise<OpenStore>)(file);
    expect(await contents(restored, JOBS)).toEqual(before);
    expect(await restored.installation()).toBe('restored');
    const term = await restored.campaign();
    expect(term).toBeGreaterThan(TERM);
    await source.commit(await source.campaign(), [writesOf(3, 1), removalOf(5)]);
    await restored.commit(term, [writesOf(3, 1), removalOf(5)]);
    expect(await contents(restored, JOBS)).toEqual(await contents(source, JOBS));
    await restored.close();
    await source.close();
  });

  test.for(['embedded', 'ZooKeeper, from the log', 'ZooKeeper, from the tables'])(
    'is of one commit, whatever is committed while it is taken (%s)',
    async (from, { skip }) => {
      if (from !== 'embedded' && zookeeperMissing !== null) skip();
      const source = await (sources[from] as () => Promise<OpenStore>)();
      const term = await source.campaign();
      await fill(source, term, MANY);
      const file = join(root, `moving-${places++}`);
      let round = 1;
      let isTaken = false;
      const busy = (async () => {
        // Each commit changes two jobs together: a backup has both changes or neither.
        for (let i = 0; !isTaken; i = (i + 1) % (MANY / 2)) {
          await source.commit(term, [[...writesOf(i, round), ...writesOf(i + MANY / 2, round)]]);
          if (i === MANY / 2 - 1) round = 1 + (round % 7);
        }
      })();
      await backUpTo(file, source);
      isTaken = true;
      await busy;
      const restored = await toEmbedded(file);
      const states = new Map<string, number>();
      for await (const items of restored.load())
        for (const item of items)
          if (item.kind === 'state') states.set(item.value.name, item.value.succeeded);
      const numbered = [...states].map(([name, at]) => [Number(name.slice(4)), at % 10] as const);
      const rounds = new Map(numbered);
      for (let i = 0; i < MANY / 2 - 1; i++) {
        const name = `job-${String(i).padStart(4, '0')}`;
        const other = `job-${String(i + MANY / 2).padStart(4, '0')}`;
        expect(rounds.get(i)).toBe(rounds.get(i + MANY / 2));
        for (const each of [name, other]) {
          const [newest] = (await restored.archive.runs({ job: each, limit: 1 })).items;
          expect(newest?.id).toBe(`${each}.${Number(each.slice(4)) * 10 + (rounds.get(i) as number)}`);
        }
      }
      await restored.close();
      await source.close();
    },
  );

  test('ends when the store is closed, and keeps the store from nothing when nobody reads on', async () => {
    const store = await embedded();
    await fill(store, await store.campaign(), JOBS);
    const left = store.backup({ version: '0', now: 0 })[Symbol.asyncIterator]();
    await left.next();
    await left.return?.();
    const cut = store.backup({ version: '0', now: 0 })[Symbol.asyncIterator]();
    const first = await cut.next();
    await store.close();
    if (!first.done) await cut.next().catch(() => undefined);
  });
});

describe('a file is refused', () => {
  let whole: Buffer;
  beforeAll(async () => {
    const store = createMemoryStore();
    await fill(store, await store.campaign(), JOBS);
    const file = join(root, 'whole');
    await backUpTo(file, store);
    whole = readFileSync(file);
  });
  const written = (bytes: Uint8Array): string => {
    const file = join(root, `file-${places++}`);
    writeFileSync(file, bytes);
    return file;
  };
  const pipe = (): string => {
    const file = join(root, `file-${places++}`);
    execFileSync('mkfifo', [file]);
    return file;
  };
  const lines = (): string[] => gunzipSync(whole).toString().split('\n').slice(0, -1);
  const zipped = (some: readonly string[]): string => written(gzipSync(`${some.join('\n')}\n`));

  test('wherever it is cut off, compressed or not', async () => {
    for (let length = 0; length < whole.length; length += 97)
      await expect(checkBackup(written(whole.subarray(0, length)))).rejects.toMatchObject({
        code: 'INVALID_BACKUP',
      });
    const all = lines();
    for (const count of [0, 1, 2, all.length / 2, all.length - 1])
      await expect(checkBackup(zipped(all.slice(0, count)))).rejects.toMatchObject({
        code: 'INVALID_BACKUP',
      });
    expect((await checkBackup(zipped(all))).counts.jobs).toBe(JOBS - 1);
  });

  test('wherever a byte of it was changed', async () => {
    for (let at = 12; at < whole.length; at += 61) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] as number) ^ 1;
      await expect(checkBackup(written(changed))).rejects.toMatchObject({ code: 'INVALID_BACKUP' });
    }
  });

  test.each([
    ['that is not there', () => join(root, 'nowhere'), /does not exist/],
    ['that is no backup', () => written(Buffer.from('jobs: []\n')), /cannot be read/],
    ['of another kind', () => zipped(['{"some":"json"}']), /is not a Carillon backup/],
    [
      'of a later version',
      () => zipped(lines().map((line, i) => (i === 0 ? line.replace(/"format":\d+/, '"format":99') : line))),
      /was written by a later release \(version 0.0.0, format 99; newest known format: \d+\); restore it with that release/,
    ],
    [
      'whose lines were exchanged',
      () => zipped(lines().toSpliced(3, 2, ...lines().slice(3, 5).reverse())),
      /was changed or damaged/,
    ],
    ['that lost a line', () => zipped(lines().toSpliced(3, 1)), /was changed or damaged/],
    [
      'that continues after its end',
      () => zipped([...lines(), lines()[1] as string]),
      /continues after its end/,
    ],
    [
      'with zeros behind its end',
      () => written(Buffer.concat([whole, Buffer.alloc(10)])),
      /continues after its end/,
    ],
    [
      'with much behind its end',
      () => written(Buffer.concat([whole, Buffer.alloc(300_000)])),
      /continues after its end/,
    ],
    ['that is a folder', () => root, /is not a regular file/],
    ['that is a pipe', () => pipe(), /is not a regular file/],
    [
      'with a record of a later form',
      () => zipped(lines().toSpliced(1, 0, '["job","x",{"v":9}]')),
      /was written by a later release of Carillon/,
    ],
    [
      'with a record that is none',
      () => zipped(lines().toSpliced(1, 0, '["song","x",{}]')),
      /A line of the backup is not a valid record/,
    ],
  ] as const)('%s', async (_, make, says) => {
    await expect(checkBackup(make())).rejects.toMatchObject({
      code: 'INVALID_BACKUP',
      message: expect.stringMatching(says),
    });
  });
});

describe('who may ask after a restore', () => {
  test.each([false, true])('has the tokens of the backup only if that is said: %s', async (withTokens) => {
    const source = await embedded();
    const term = await source.campaign();
    await source.commit(term, [
      [
        { kind: 'job', value: job('a') },
        { kind: 'token', value: token('aaaaaaaaaaaa') },
        { kind: 'token', value: token('bbbbbbbbbbbb') },
        { kind: 'token-removed', value: { id: 'bbbbbbbbbbbb' } },
        { kind: 'sessions-end', value: { id: 'ann', at: 7 } },
        { kind: 'audit', value: auditLine(1) },
      ],
    ]);
    const file = join(root, `access-${places++}`);
    await backUpTo(file, source);
    await source.close();
    const dir = fresh();
    const how = { zk: null, zkAuthFile: null, replace: false, newIdentity: false, check: false };
    const { counts } = await restoreBackup({
      ...{ ...how, file, dataDir: dirname(dir), keepUnfinished: false, withTokens },
    });
    expect(counts).toMatchObject({ jobs: 1, tokens: 1 });
    const restored = await embedded(dir);
    const found: string[] = [];
    for await (const items of restored.load())
      for (const { kind, value } of items)
        if (kind === 'token' || kind === 'sessions-end') found.push(`${kind} ${value.id}`);
    expect(found.sort()).toEqual(withTokens ? ['sessions-end ann', 'token aaaaaaaaaaaa'] : []);
    expect(await restored.archive.past('audit', { owner: AUDIT_OWNER })).toHaveLength(1);
    await restored.close();
  });
});

describe('a restore into an embedded store', () => {
  let file: string;
  beforeAll(async () => {
    const store = createMemoryStore();
    await fill(store, await store.campaign(), JOBS);
    file = join(root, 'for-embedded');
    await backUpTo(file, store);
  });

  test.each([true, false])(
    'is told to each job, unless unfinished runs are kept (%s)',
    async (keepUnfinished) => {
      const source = await embedded();
      await fill(source, await source.campaign(), 3);
      const file = join(root, `told-${places++}`);
      await backUpTo(file, source);
      await source.close();
      const dir = fresh();
      const began = realClock.now();
      const how = { zk: null, zkAuthFile: null, replace: false, newIdentity: false, check: false };
      await restoreBackup({ ...how, file, dataDir: dirname(dir), keepUnfinished, withTokens: false });
      const restored = await embedded(dir);
      const told: boolean[] = [];
      for await (const items of restored.load())
        for (const item of items) if (item.kind === 'job') told.push((item.value.restoredAt ?? 0) >= began);
      expect(told).toEqual([!keepUnfinished, !keepUnfinished]);
      await restored.close();
    },
  );

  test('leaves a store that is there as it is, and with replace keeps it aside', async () => {
    const dir = fresh();
    const store = await embedded(dir);
    const installation = await store.installation();
    await expect(toEmbedded(file, dir, true)).rejects.toMatchObject({ code: 'STORE_IN_USE' });
    await store.close();
    await expect(toEmbedded(file, dir)).rejects.toMatchObject({ code: 'STORE_NOT_EMPTY' });
    const restored = await toEmbedded(file, dir, true);
    expect(await restored.installation()).toBe('restored');
    const term = await restored.campaign();
    await restored.close();
    const again = await toEmbedded(file, dir, true);
    expect(await again.campaign()).toBeGreaterThan(term);
    await again.close();
    const aside = join(
      dir,
      '..',
      readdirSync(join(dir, '..')).find((name) => /replaced-[^-]+Z$/.test(name)) ?? '',
    );
    const kept = await embedded(aside);
    expect(await kept.installation()).toBe(installation);
    await kept.close();
  });

  test('of a backup that breaks off leaves nothing that starts', async () => {
    const dir = fresh();
    const broken = join(root, 'broken');
    writeFileSync(broken, readFileSync(file).subarray(0, 2_000));
    await expect(toEmbedded(broken, dir)).rejects.toMatchObject({ code: 'INVALID_BACKUP' });
    await expect(embedded(dir)).rejects.toMatchObject({
      code: 'STORE_DAMAGED',
      message: expect.stringMatching(/was interrupted.*carillon restore FILE --data-dir/),
    });
    await (await toEmbedded(file, dir)).close();
  });

  test('that is killed at any moment leaves the old store, the new one, or one that is refused', async () => {
    const seen = new Set<string>();
    for (const wasThere of [true, false]) {
      for (const round of [0, 2, 5, 7]) {
        const dir = fresh();
        if (wasThere) await (await embedded(dir)).close();
        const child = restorer(`
const { records } = await readBackup(${JSON.stringify(file)});
await restoreEmbedded({ dir: ${JSON.stringify(dir)}, replace: true, installation: 'restored', lastTerm: 7, now: 0 }, said(records));`);
        await killedAt(child, round);
        const found = await embedded(dir).then(
          async (store) => {
            const is = (await store.installation()) === 'restored' ? 'new' : 'old';
            await store.close();
            return is;
          },
          (error) => String(error.code),
        );
        expect([wasThere ? 'old' : 'STORE_DAMAGED', 'new', 'STORE_DAMAGED']).toContain(found);
        seen.add(found);
        const again = await toEmbedded(file, dir, true);
        expect(await again.installation()).toBe('restored');
        await again.close();
      }
    }
    expect([...seen]).toEqual(expect.arrayContaining(['old', 'STORE_DAMAGED']));
  }, 120_000);
});

describe.skipIf(zookeeperMissing !== null)('a restore into ZooKeeper', () => {
  let file: string;
  let reference: unknown;
  beforeAll(async () => {
    const store = createMemoryStore();
    await fill(store, await store.campaign(), JOBS);
    file = join(root, 'for-zookeeper');
    await backUpTo(file, store);
    reference = await contents(store, JOBS);
  });

  test('never touches an installation that is there', async () => {
    const store = await inZooKeeper('taken');
    const before = await store.installation();
    await expect(toZooKeeper(file, 'taken')).rejects.toMatchObject({
      code: 'STORE_NOT_EMPTY',
      message: expect.stringContaining('into another path'),
    });
    expect(await store.installation()).toBe(before);
    await store.close();
  });

  test.each(['/jobs/of-others', '/election/of-others', '/log/0001'])(
    'never touches what others keep at the path: %s',
    async (theirs) => {
      const chroot = `others${theirs.replaceAll('/', '-')}`;
      const others = sessionAt(chroot);
      await others.start();
      await others.create(dirname(theirs), new Uint8Array());
      await others.create(theirs, Buffer.from('theirs'));
      await expect(toZooKeeper(file, chroot)).rejects.toMatchObject({
        code: 'STORE_NOT_EMPTY',
        message: expect.stringContaining(dirname(theirs)),
      });
      // Nor does a scheduler that starts there.
      await expect(inZooKeeper(chroot)).rejects.toMatchObject({ code: 'STORE_NOT_EMPTY' });
      expect(await others.children('/')).toEqual([dirname(theirs).slice(1)]);
      expect(await others.exists(theirs)).toBe(true);
      await others.close();
    },
  );

  test('that is killed at any moment leaves one that no scheduler starts on, until it is run again', async () => {
    const seen = new Set<string>();
    for (const round of [0, 2, 4]) {
      const chroot = `killed-${round}`;
      const child = restorer(`
const session = createZooKeeperSession({ hosts: '${zookeeper.connect}/${chroot}', sessionTimeoutMs: 500, auth: null, clock: realClock, log: silent });
await session.start();
const { records } = await readBackup(${JSON.stringify(file)});
await restoreZooKeeper({ session, hosts: '', installation: 'restored', term: 7, clock: realClock, log: silent }, said(records));
await session.close();`);
      await killedAt(child, round);
      const found = await inZooKeeper(chroot).then(
        async (store) => {
          const is = await store.installation();
          await store.close();
          return is;
        },
        (error) => String(error.code),
      );
      expect(['restored', 'STORE_DAMAGED']).toContain(found);
      seen.add(found);
      if (found === 'restored') continue;
      // The killed one's session has to end first.
      const again = await until('the killed restore’s session ends', () =>
        toZooKeeper(file, chroot).catch((error) =>
          error.code === 'STORE_IN_USE' ? null : Promise.reject(error),
        ),
      );
      expect(await contents(again, JOBS)).toEqual(reference);
      await again.close();
    }
    expect(seen).toContain('STORE_DAMAGED');
  }, 120_000);
});

/** A process that restores, and says each time when it reads on. */
function restorer(script: string): ChildProcess {
  const from = (path: string): string => JSON.stringify(join(import.meta.dirname, '../../src', path));
  const whole = `
import { realClock } from ${from('node/clock.ts')};
import { readBackup } from ${from('store/backup-file.ts')};
import { restoreEmbedded } from ${from('store/embedded/restore.ts')};
import { restoreZooKeeper } from ${from('store/zookeeper/restore.ts')};
import { createZooKeeperSession } from ${from('store/zookeeper/wire/session.ts')};
const silent = { info() {}, warn() {}, error() {}, debug() {} };
async function* said(records) {
  for await (const some of records) for (let at = 0; at < some.length; at += 60) {
    console.log('reads');
    yield some.slice(at, at + 60);
  }
  console.log('has read');
}
${script}
console.log('done');`;
  return spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', whole], {
    cwd: join(import.meta.dirname, '../..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Kills it a little later in each round; the last ones reach its end. */
async function killedAt(child: ChildProcess, round: number): Promise<void> {
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  let reads = 0;
  for await (const line of lines) {
    reads += 1;
    if (line === 'done') break;
    if (reads > round * 2) {
      child.kill('SIGKILL');
      break;
    }
  }
  await ended;
}
