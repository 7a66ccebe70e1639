/** Lets a node that starts during an election of the ensemble wait instead of failing. */

import type { Clock } from '../../../scheduler/ports.ts';
import { sleep } from '../../../scheduler/waiting.ts';
import { ZooKeeperError, type ZooKeeperSession } from './session.ts';

/** Longer than an ensemble takes to form a quorum again. */
const PATIENCE_MS = 60_000;
const RETRY_MS = 200;

/** Repeats the action if the connection was lost in between, until the session is closed; only for idempotent actions. */
export async function patiently<T>(
  clock: Clock,
  session: Pick<ZooKeeperSession, 'state'>,
  action: () => Promise<T>,
): Promise<T> {
  const until = clock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!isPassing(error) || session.state === 'closed' || clock.monotonicMs() >= until) throw error;
      await sleep(clock, RETRY_MS);
    }
  }
}

function isPassing(error: unknown): boolean {
  return (
    error instanceof ZooKeeperError &&
    (error.code === 'NOT_CONNECTED' || error.code === 'CONNECTION_LOSS' || error.code === 'SESSION_LOST')
  );
}
