/** Restores a backup: into which store, under which identity, and what happens to unfinished runs. */

import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { Attempt } from '../scheduler/model/model.ts';
import type { Log } from '../scheduler/ports.ts';
import type { StoredRecord } from '../scheduler/records/kind.ts';
import { decodeValue, encodeRecord } from '../scheduler/records/stored.ts';
import type { PresentName } from '../scheduler/records/table.ts';
import { isOfAccess, type RestoredInto, restoredRecords } from '../scheduler/rules/restored.ts';
import { checkBackup, readBackup } from '../store/backup-file.ts';
import { restoreEmbedded, TERMS_BETWEEN } from '../store/embedded/restore.ts';
import { restoreZooKeeper } from '../store/zookeeper/restore.ts';
import { createZooKeeperSession } from '../store/zookeeper/wire/session.ts';
import { realClock } from './clock.ts';
import { isPerNode } from './engines.ts';
import { makeDataDir } from './files.ts';
import type { Restored, RestoreOptions } from './restore-options.ts';
import { refuseWithoutLogin, zooKeeperLogin } from './zookeeper/login.ts';

const SESSION_TIMEOUT_MS = 10_000;

/** Reads the whole backup before it writes anything. */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  if (!options.check) refuseWithoutLogin(options);
  const { header, counts } = await checkBackup(options.file);
  const installation = options.newIdentity ? randomUUID() : header.installation;
  const summary = { installation, takenAt: header.takenAt, counts };
  if (options.check) return { ...summary, aside: null };
  const { records } = await readBackup(options.file);
  const allowed = options.withTokens ? records : withoutAccess(records);
  const taken = options.keepUnfinished ? allowed : withoutDoubt(allowed, options);
  const { zk, dataDir } = options;
  if (zk === null) {
    makeDataDir(resolve(dataDir));
    const dir = join(resolve(dataDir), 'store');
    const where = {
      dir,
      replace: options.replace,
      installation,
      lastTerm: header.term,
      now: realClock.now(),
    };
    const aside = await restoreEmbedded(where, taken);
    return { ...summary, aside };
  }
  const session = createZooKeeperSession({
    hosts: zk,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    ...zooKeeperLogin(options),
    clock: realClock,
    log: silent,
  });
  try {
    await session.start();
    const term = header.term + TERMS_BETWEEN;
    await restoreZooKeeper({ session, hosts: zk, installation, term, clock: realClock, log: silent }, taken);
  } finally {
    await session.close();
  }
  return { ...summary, aside: null };
}

type Rule = (into: RestoredInto, value: unknown) => unknown;

/** Errors are thrown, so nothing is logged. */
const silent: Log = { info() {}, warn() {}, error() {}, debug() {} };

async function* withoutAccess(
  records: AsyncIterable<readonly StoredRecord[]>,
): AsyncIterable<readonly StoredRecord[]> {
  for await (const some of records) yield some.filter((record) => !isOfAccess(record));
}

async function* withoutDoubt(
  records: AsyncIterable<readonly StoredRecord[]>,
  { newIdentity, zk }: RestoreOptions,
): AsyncIterable<readonly StoredRecord[]> {
  const now = realClock.now();
  // Launches carry the identity under which they were created, and with several nodes some engines belong to
  // one node.
  const reaches = ({ engine, host }: Attempt): boolean =>
    !newIdentity && !(zk !== null && isPerNode(engine) && host === null);
  const into = { now, reaches };
  for await (const some of records) {
    yield some.map((record) => {
      const restored = restoredRecords[record[0] as PresentName] as Rule | undefined;
      if (restored === undefined) return record;
      return encodeRecord({ kind: record[0] as PresentName, value: restored(into, decodeValue(record)) });
    });
  }
}
