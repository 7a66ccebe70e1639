/**
 * The store in ZooKeeper as records: first what the tables have, read some at a time while they change, then all that
 * the log had since then, read at one commit. Later records replace earlier ones, so the whole is that commit.
 */

import { CarillonError } from '../../errors.ts';
import { nextRound } from '../../loop-round.ts';
import type { Losable } from '../backup-record.ts';
import type { Stored } from '../codec.ts';
import { readPastNodes } from './past.ts';
import type { Generation, Kind, Past } from './pending.ts';
import { namesIn, readTable } from './read-table.ts';
import type { Tail } from './tail.ts';
import type { ZooKeeperSession } from './wire/session.ts';

/** Read or put into words at a time: some milliseconds of work, between which everything else has its turn. */
const RECORDS = 100;
/** Jobs whose past is asked for at a time. */
const PASTS = 64;

const line = (...record: unknown[]): string => JSON.stringify(record);

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
  // Nothing that the log has is let go while tables are read that may not have it yet.
  const held = pending.holding(() => done);
  try {
    yield* fromTables(session);
    await session.sync();
    await tail.advance();
    if (tail.pending !== pending) {
      throw new CarillonError(
        'STORE_UNAVAILABLE',
        'too much changed in ZooKeeper while the backup was taken; take it again',
      );
    }
    yield* fromLog(pending.close());
  } finally {
    letGo();
    await held;
  }
}

async function* fromTables(session: ZooKeeperSession): AsyncGenerator<readonly string[]> {
  for await (const nodes of readTable(session, 'jobs', RECORDS))
    yield nodes.map(([name, json]) => `["job",${JSON.stringify(name)},${json}]`);
  for await (const nodes of readTable(session, 'state', RECORDS)) {
    yield nodes.flatMap(([name, json]) => {
      const { state, stats } = JSON.parse(json) as { state?: Stored; stats?: Stored };
      return [
        ...(state === undefined ? [] : [line('state', name, state)]),
        ...(stats === undefined ? [] : [line('stats', name, stats)]),
      ];
    });
  }
  for await (const nodes of readTable(session, 'runs', RECORDS))
    yield nodes.map(([id, json]) => `["run",${JSON.stringify(id)},${json}]`);
  const jobs = (await namesIn(session, 'history')).map(({ key }) => key);
  for (let at = 0; at < jobs.length; at += PASTS) {
    for await (const { job, past } of readPastNodes(session, jobs.slice(at, at + PASTS))) {
      yield pastLines(job, past);
      await nextRound();
    }
  }
}

const tables: readonly (readonly [kind: Kind, of: Losable])[] = [
  ['jobs', 'job'],
  ['states', 'state'],
  ['stats', 'stats'],
  ['runs', 'run'],
];

/** The generations do not change any more; what a later one has replaces what an earlier one had. */
async function* fromLog(generations: readonly Generation[]): AsyncGenerator<readonly string[]> {
  for (const generation of generations) {
    for (const [kind, of] of tables) {
      let lines: string[] = [];
      for (const [key, value] of generation[kind]) {
        lines.push(value === null ? line('gone', key, { of }) : line(of, key, value));
        if (lines.length < RECORDS) continue;
        yield lines;
        lines = [];
        await nextRound();
      }
      yield lines;
    }
    for (const [job, past] of generation.pasts) {
      yield pastLines(job, past);
      await nextRound();
    }
  }
}

function pastLines(job: string, { runs, ledger, days, revisions }: Past): string[] {
  return [
    // In order: a first revision begins the list anew.
    ...[...revisions]
      .sort(([a], [b]) => a - b)
      .map(([number, value]) => line('revision', job, value, number)),
    ...[...runs].map(([id, value]) => line('run-ended', id, value)),
    ...[...ledger].map(([from, value]) => line('ledger', job, value, from)),
    ...[...days].map(([day, value]) => line('day', job, value, day)),
  ];
}
