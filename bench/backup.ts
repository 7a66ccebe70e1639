/**
 * Measures a backup of 100,000 jobs with history, from the embedded store and from ZooKeeper: its duration compared
 * with gzip of the same text, how long it blocks the event loop, and its memory. Also measures a restore.
 */

import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { realClock } from '../src/node/clock.ts';
import { createLog } from '../src/node/log.ts';
import { restoreBackup } from '../src/node/restore.ts';
import { zooKeeperLogin } from '../src/node/zookeeper/login.ts';
import type { Store } from '../src/scheduler/ports.ts';
import type { WriteGroup } from '../src/scheduler/records/table.ts';
import type { TermSource } from '../src/store/election-solo.ts';
import { createEmbeddedStore } from '../src/store/embedded/store.ts';
import { createZooKeeperStore } from '../src/store/zookeeper/store.ts';
import { createZooKeeperSession } from '../src/store/zookeeper/wire/session.ts';
import { writesOf } from '../test/support/backup-world.ts';
import { ZooKeeper } from '../test/support/zookeeper.ts';
import { print } from './rig.ts';

const JOBS = 100_000;
const BATCH = 200;

const log = createLog({ level: 'error', format: 'json' });
const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 ** 2)} MB`;
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

async function fill(store: Store & TermSource): Promise<void> {
  const term = await store.campaign();
  for (let i = 0; i < JOBS; i += BATCH) {
    const groups: WriteGroup[] = Array.from({ length: BATCH }, (_, k) => writesOf(i + k));
    await store.commit(term, groups);
  }
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await action();
  return performance.now() - began;
}

interface Measured {
  readonly tookMs: number;
  readonly longestMs: number;
  readonly grewBytes: number;
}

/** Excludes pages of mapped files, which the system reclaims when it needs memory. */
function ownBytes(): number {
  return Number(/RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) * 1024;
}

/** For comparison: the longest time that the event loop is blocked on this machine while nothing runs. */
async function idleMs(): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  delay.disable();
  return delay.max / 1e6;
}

async function backUp(store: Store, file: string): Promise<Measured> {
  const before = ownBytes();
  let most = before;
  const sample = setInterval(() => {
    most = Math.max(most, ownBytes());
  }, 50);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const bytes = store.backup({ version: 'bench', now: realClock.now() });
  const tookMs = await timed(() => pipeline(Readable.from(bytes), createWriteStream(file)));
  delay.disable();
  clearInterval(sample);
  return { tookMs, longestMs: delay.max / 1e6, grewBytes: most - before };
}

async function measure(name: string, store: Store & TermSource, file: string): Promise<void> {
  const { tookMs, longestMs, grewBytes } = await backUp(store, file);
  const text = join(file, '..', 'text');
  await pipeline(createReadStream(file), createGunzip(), createWriteStream(text));
  const sink = new Writable({ write: (_, __, done) => done() });
  const floor = await timed(() => pipeline(createReadStream(text), createGzip({ level: 4 }), sink));
  print(name, [
    [
      'backup',
      `${seconds(tookMs)} (gzip over the same text ${seconds(floor)}, ratio ${(tookMs / floor).toFixed(1)})`,
    ],
    ['file', `${megabytes(statSync(file).size)}, ${megabytes(statSync(text).size)} of text`],
    [
      'event loop blocked for at most',
      `${longestMs.toFixed(1)} ms (idle: ${(await idleMs()).toFixed(1)} ms)`,
    ],
    ['memory grew by', megabytes(grewBytes)],
  ]);
  rmSync(text);
}

const restoring = {
  zkAuthFile: null,
  replace: false,
  newIdentity: false,
  keepUnfinished: false,
  withTokens: false,
  check: false,
};

export async function run(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-bench-backup-'));
  const zookeeper = await ZooKeeper.start({ nodes: 1, heapMb: 2_048 });
  try {
    const file = join(dir, 'backup');
    const embedded = createEmbeddedStore({ dir: join(dir, 'store') });
    await embedded.open();
    await fill(embedded);
    await measure('the embedded store', embedded, file);
    await embedded.close();
    const dataDir = join(dir, 'restored');
    const toEmbedded = await timed(() => restoreBackup({ ...restoring, file, dataDir, zk: null }));
    const hosts = `${zookeeper.connect}/restored`;
    const login = { zkAuthFile: zookeeper.loginFile };
    const toZooKeeper = await timed(() =>
      restoreBackup({ ...restoring, ...login, file, dataDir: '', zk: hosts }),
    );
    print('restore', [
      ['into an embedded store', seconds(toEmbedded)],
      ['into ZooKeeper', seconds(toZooKeeper)],
    ]);
    const session = createZooKeeperSession({
      hosts,
      sessionTimeoutMs: 10_000,
      ...zooKeeperLogin(login),
      clock: realClock,
      log,
    });
    const store = createZooKeeperStore({ session, hosts, clock: realClock, log });
    await store.open();
    await measure('ZooKeeper', store, file);
    await store.close();
  } finally {
    await zookeeper.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}
