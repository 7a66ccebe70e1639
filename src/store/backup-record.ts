/**
 * What a backup is made of: stored values, in an order in which later ones replace earlier ones of the same thing. So a
 * store that changes while it is read can end with what changed meanwhile.
 */

import { CarillonError } from '../errors.ts';
import type { Write } from '../scheduler/model/write.ts';
import { decodeHistograms, decodeRevision, type Stored } from './codec.ts';
import { decodeWrite, type StoredWrite } from './segment.ts';

/** What can be there in one record and gone by a later one. */
export type Losable = 'job' | 'state' | 'stats' | 'run';

export type StoredRecord =
  | StoredWrite
  /** An earlier revision of a job. */
  | readonly [kind: 'revision', job: string, value: Stored, revision: number]
  /** A day's statistics of a job. */
  | readonly [kind: 'day', job: string, value: Stored, day: string]
  /** It was in an earlier record and is not there any more; `key` as in that record. */
  | readonly [kind: 'gone', key: string, value: { readonly of: Losable }];

const kinds: readonly string[] = [
  ...(['job', 'state', 'stats', 'run', 'run-ended', 'ledger'] satisfies Write['kind'][]),
  ...['revision', 'day', 'gone'],
];
const losable: readonly string[] = ['job', 'state', 'stats', 'run'] satisfies Losable[];

/** Throws for what is no record, or one that this version can't read. */
export function checkRecord(value: unknown): StoredRecord {
  const [kind, key, stored, more] = Array.isArray(value) ? value : [];
  const isRecord =
    kinds.includes(kind) && typeof key === 'string' && typeof stored === 'object' && stored !== null;
  if (!isRecord) throw new CarillonError('INVALID_BACKUP', 'a line is no record of a backup');
  const record = value as StoredRecord;
  if (record[0] === 'revision') decodeRevision(key, more, stored);
  else if (record[0] === 'day') decodeHistograms(stored);
  else if (record[0] === 'gone') {
    if (!losable.includes(record[2].of))
      throw new CarillonError('INVALID_BACKUP', 'a line is no record of a backup');
  } else decodeWrite(record);
  return record;
}

/** At least `size` records at a time, but for the last. */
export async function* inBatches(
  records: AsyncIterable<readonly StoredRecord[]>,
  size: number,
): AsyncIterable<readonly StoredRecord[]> {
  let batch: StoredRecord[] = [];
  for await (const some of records) {
    for (const record of some) batch.push(record);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
