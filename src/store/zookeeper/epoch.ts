/**
 * Terms. The version of the epoch node is the term, so that a transaction can check it; its value names the
 * elected node. Setting it ends every earlier term.
 */

import { paths } from './paths.ts';
import { type Op, ZooKeeperError, type ZooKeeperSession } from './wire/session.ts';

/**
 * Begins and returns a term if `standing` still exists; otherwise null. Throws ZooKeeperError if the outcome
 * is unknown: a term that was begun but is not led is harmless.
 */
export async function beginTerm(
  session: ZooKeeperSession,
  value: object,
  standing: string | null,
): Promise<number | null> {
  for (;;) {
    await session.sync();
    const epoch = await session.get(paths.epoch);
    if (epoch === null) return null;
    const ops: Op[] = [
      { kind: 'set', path: paths.epoch, data: Buffer.from(JSON.stringify(value)), version: epoch.version },
    ];
    if (standing !== null) ops.unshift({ kind: 'check', path: standing, version: 0 });
    try {
      await session.multi(ops);
      return epoch.version + 1;
    } catch (error) {
      if (!(error instanceof ZooKeeperError)) throw error;
      if (error.code === 'NO_NODE') return null;
      // Another node began a term in between: begin a newer one.
      if (error.code !== 'BAD_VERSION') throw error;
    }
  }
}
