/** A transaction of the embedded store with readable errors. */

import type { RootDatabase } from 'lmdb';
import { unavailable } from './health.ts';

/**
 * Runs in one transaction that is rolled back by an exception; resolves when it is on disk. STORE_UNAVAILABLE
 * with the cause.
 */
export async function durably<T>(dir: string, root: RootDatabase, change: () => T): Promise<T> {
  try {
    // A child transaction, because only those are rolled back when their callback throws.
    return await root.childTransaction(change);
  } catch (error) {
    throw unavailable(dir, await causeOf(error));
  }
}

/** For a commit that failed on disk, LMDB reports the cause as a promise that rejects. */
async function causeOf(error: unknown): Promise<unknown> {
  const later = (error as { commitError?: Promise<never> }).commitError;
  return later === undefined ? error : later.catch((cause: unknown) => cause);
}
