/**
 * Batches of stored records for a backup, ordered such that later records replace earlier ones of the same
 * item. A store that changes while it is read can thus end with the changes.
 */

import type { StoredRecord } from '../scheduler/records/kind.ts';

/** Batches of at least `size` records, except the last. */
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
