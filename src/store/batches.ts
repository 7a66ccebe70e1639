/**
 * What a backup is made of: stored records, in an order in which later ones replace earlier ones of the same thing. So a
 * store that changes while it is read can end with what changed meanwhile.
 */

import type { StoredRecord } from '../scheduler/records/kind.ts';

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
