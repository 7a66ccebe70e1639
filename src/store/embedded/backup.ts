/** The embedded store as records: a snapshot, read in portions while commits continue. */

import type { RootDatabase, Transaction } from 'lmdb';
import { CarillonError } from '../../errors.ts';
import { nextRound } from '../../loop-round.ts';
import { backupOrder, pastKinds } from '../../scheduler/records/stored.ts';
import type { PastName, PresentName } from '../../scheduler/records/table.ts';
import type { Key, Table } from './table.ts';
import type { PastKey, Tables } from './tables.ts';

/** Records per portion: some milliseconds of work, between which other work gets its turn. */
const RECORDS = 100;
const CHARACTERS = 64 * 1024;

type Line<K> = (key: K, json: string) => string;
const q = JSON.stringify;

/** A snapshot of the store. While it is open, the pages it needs are not reused. */
export class Moment {
  readonly transaction: Transaction;
  #ended = false;

  constructor(root: RootDatabase) {
    // biome-ignore lint/correctness/useHookAtTopLevel: LMDB's name for a read transaction.
    this.transaction = root.useReadTransaction();
  }

  get isOver(): boolean {
    return this.#ended;
  }

  /** Idempotent. Call it before the store is closed. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.transaction.done();
  }
}

/** Lines as in backup-file.ts. */
export async function* embeddedRecords(tables: Tables, moment: Moment): AsyncGenerator<readonly string[]> {
  const { transaction } = moment;
  async function* all<V, K extends Key>(
    table: Table<V, K>,
    line: Line<K>,
  ): AsyncGenerator<readonly string[]> {
    let last: K | undefined;
    for (;;) {
      const from = last === undefined ? {} : { start: last as never, exclusiveStart: true };
      const lines: string[] = [];
      let characters = 0;
      if (moment.isOver)
        throw new CarillonError('STORE_UNAVAILABLE', 'The store was closed during the backup.');
      for (const { key, json } of table.getTexts({ ...from, limit: RECORDS, transaction } as never)) {
        last = key;
        characters += json.length;
        lines.push(line(key, json));
        if (characters >= CHARACTERS) break;
      }
      if (lines.length === 0) return;
      yield lines;
      await nextRound();
    }
  }
  try {
    for (const kind of backupOrder) {
      const present = tables.present.get(kind as PresentName);
      const past = tables.past.get(kind as PastName);
      if (present !== undefined) yield* all(present, (key, json) => `["${kind}",${q(key)},${json}]`);
      if (past !== undefined) yield* all(past, (key, json) => pastLine(kind as PastName, key, json));
    }
  } finally {
    moment.end();
  }
}

/** The value is copied in its stored form, without decoding it. */
function pastLine(kind: PastName, [owner, ...place]: PastKey, json: string): string {
  const last = q(place.at(-1));
  const { more } = pastKinds.get(kind) as { more?: unknown };
  return more === undefined ? `["${kind}",${last},${json}]` : `["${kind}",${q(owner)},${json},${last}]`;
}
