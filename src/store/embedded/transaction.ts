/** A transaction of the embedded store, whose failures are said in words. */

import type { RootDatabase } from 'lmdb';
import { unavailable } from './health.ts';

/** In one transaction that a throw undoes; resolves when it is on disk. STORE_UNAVAILABLE names the cause. */
export async function durably<T>(dir: string, root: RootDatabase, change: () => T): Promise<T> {
  try {
    // A child transaction, for those alone are rolled back when their callback throws.
    return await root.childTransaction(change);
  } catch (error) {
    throw unavailable(dir, await causeOf(error));
  }
}

/** Of a commit that failed on disk LMDB tells the cause as a promise that rejects. */
async function causeOf(error: unknown): Promise<unknown> {
  const later = (error as { commitError?: Promise<never> }).commitError;
  return later === undefined ? error : later.catch((cause: unknown) => cause);
}
