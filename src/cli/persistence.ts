/**
 * Retries reads and idempotent requests for a limited time while no server can serve, to survive a change of
 * leader. A server that was never reached is probably a wrong address and is not retried.
 */

import { ProblemError, UnreachableError } from './client-errors.ts';
import type { Session } from './shell.ts';

/** Longer than a session takes to expire, plus an election and the start of a node. */
const PERSIST_MS = 60_000;
const RETRY_MS = 500;

export class Persistence {
  readonly #session: Session;
  readonly #until: number;
  #reached = false;
  #failingSince: number | null = null;
  #announced = false;

  /** `until`: a deadline of the caller, after which no retry makes sense. */
  constructor(session: Session, until = Number.POSITIVE_INFINITY) {
    this.#session = session;
    this.#until = until;
  }

  /** Returns the response, or fails with the last failure if there is none in time. */
  async of<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const answer = await ask();
        this.answered();
        return answer;
      } catch (error) {
        await this.bear(error);
      }
    }
  }

  /** Resets the time limit, so that a later failure gets its own. */
  answered(): void {
    this.#reached = true;
    this.#failingSince = null;
  }

  /** Resolves when the request may be retried. Rethrows the failure if a retry is useless. */
  async bear(error: unknown): Promise<void> {
    const { io, client } = this.#session;
    const now = io.now();
    this.#failingSince ??= now;
    const late = now - this.#failingSince >= PERSIST_MS || now >= this.#until;
    if (late || !this.#passes(error)) throw error;
    if (!this.#announced)
      io.err(`${client.url} is unavailable; retrying for up to ${PERSIST_MS / 1_000} s …\n`);
    this.#announced = true;
    client.turn();
    await io.sleep(RETRY_MS);
  }

  #passes(error: unknown): boolean {
    if (error instanceof UnreachableError) return this.#reached || error.reached;
    if (!(error instanceof ProblemError)) return false;
    const { status, code } = error.problem;
    // Another node may learn of a new run slightly later than the node that created it.
    return status === 503 || (this.#reached && code === 'RUN_NOT_FOUND');
  }
}
