/**
 * Goes on through a change of leader: what only reads, or may be asked for twice, is asked for again while the
 * servers can't serve, for a bounded time. A server that was never reached is a mistake in the address and
 * not worth waiting for.
 */

import { ProblemError, UnreachableError } from './client.ts';
import type { Session } from './shell.ts';

/** Longer than a session takes to expire, an election and a node's start. */
const PERSIST_MS = 60_000;
const RETRY_MS = 500;

export class Persistence {
  readonly #session: Session;
  readonly #until: number;
  #reached = false;
  #failingSince: number | null = null;
  #told = false;

  /** `until`: an instant of the caller's own after which nothing is worth asking. */
  constructor(session: Session, until = Number.POSITIVE_INFINITY) {
    this.#session = session;
    this.#until = until;
  }

  /** The answer; fails with the last failure when there is none in time. */
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

  /** All is well: a later failure has its own time. */
  answered(): void {
    this.#reached = true;
    this.#failingSince = null;
  }

  /** Resolves when it may be tried again; fails with the failure itself when that is of no use. */
  async bear(error: unknown): Promise<void> {
    const { io, client } = this.#session;
    const now = io.now();
    this.#failingSince ??= now;
    const late = now - this.#failingSince >= PERSIST_MS || now >= this.#until;
    if (late || !this.#passes(error)) throw error;
    if (!this.#told) io.err(`${client.url} can not serve now; trying for up to ${PERSIST_MS / 1_000} s …\n`);
    this.#told = true;
    client.turn();
    await io.sleep(RETRY_MS);
  }

  #passes(error: unknown): boolean {
    if (error instanceof UnreachableError) return this.#reached || error.reached;
    if (!(error instanceof ProblemError)) return false;
    const { status, code } = error.problem;
    // Another node may learn of a run a moment later than the one that made it.
    return status === 503 || (this.#reached && code === 'RUN_NOT_FOUND');
  }
}
