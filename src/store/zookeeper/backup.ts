/**
 * The store in ZooKeeper as records: first the tables, read in portions while they change, then everything
 * that the log has since then, read at one commit. Later records replace earlier ones, so the result is that
 * commit.
 */

import { CarillonError } from '../../errors.ts';
import { nextRound } from '../../loop-round.ts';
import type { PastKind } from '../../scheduler/records/kind.ts';
import { goneRecord, isSecret, pastKinds } from '../../scheduler/records/stored.ts';
import { readPastNodes } from './past.ts';
import { pastFolders, presentFolders } from './paths.ts';
import type { Generation, Past } from './pending.ts';
import { namesIn, readTable, recordsIn } from './read-table.ts';
import type { Tail } from './tail.ts';
import type { ZooKeeperSession } from './wire/session.ts';

/**
 * Records read or serialized per portion: some milliseconds of work, between which other work gets its turn.
 */
const RECORDS = 100;
/** Jobs whose past is read at once. */
const PASTS = 64;

/** Lines as in backup-file.ts. */
export async function* zookeeperRecords(
  session: ZooKeeperSession,
  tail: Tail,
): AsyncGenerator<readonly string[]> {
  await session.sync();
  await tail.advance();
  const { pending } = tail;
  let letGo = (): void => undefined;
  const done = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  // Log entries are kept while tables are read that may not have them yet.
  const held = pending.holding(() => done);
  try {
    yield* fromTables(session);
    await session.sync();
    await tail.advance();
    if (tail.pending !== pending) {
      throw new CarillonError(
        'STORE_UNAVAILABLE',
        'Too much changed in ZooKeeper while the backup was taken. Take it again.',
      );
    }
    yield* fromLog(pending.close());
  } finally {
    letGo();
    await held;
  }
}

async function* fromTables(session: ZooKeeperSession): AsyncGenerator<readonly string[]> {
  for (const folder of presentFolders.keys())
    for await (const nodes of readTable(session, folder, RECORDS))
      yield nodes
        .flatMap(([key, json]) => recordsIn(folder, key, json))
        .filter(([kind]) => !isSecret(kind))
        .map((each) => JSON.stringify(each));
  for (const folder of pastFolders.keys()) {
    const owners = (await namesIn(session, folder)).map(({ key }) => key);
    for (let at = 0; at < owners.length; at += PASTS) {
      for await (const past of readPastNodes(session, folder, owners.slice(at, at + PASTS))) {
        yield pastLines(past);
        await nextRound();
      }
    }
  }
}

/** The generations do not change any more; values in a later one replace those in an earlier one. */
async function* fromLog(generations: readonly Generation[]): AsyncGenerator<readonly string[]> {
  for (const { present, pasts } of generations) {
    for (const [kind, values] of present) {
      if (isSecret(kind)) continue;
      let lines: string[] = [];
      for (const [key, value] of values) {
        lines.push(JSON.stringify(value === null ? goneRecord(kind, key) : [kind, key, value]));
        if (lines.length < RECORDS) continue;
        yield lines;
        lines = [];
        await nextRound();
      }
      yield lines;
    }
    for (const owners of pasts.values())
      for (const past of owners.values()) {
        yield pastLines(past);
        await nextRound();
      }
  }
}

/** Numbered records are in order, because the first of them starts the list again. */
function pastLines(past: Past): string[] {
  return [...past].flatMap(([kind, records]) => {
    const { isNumbered } = pastKinds.get(kind) as PastKind<unknown>;
    const all = [...records.values()];
    const sorted = isNumbered ? all.sort((a, b) => (a[3] as number) - (b[3] as number)) : all;
    return sorted.map((record) => JSON.stringify(record));
  });
}
