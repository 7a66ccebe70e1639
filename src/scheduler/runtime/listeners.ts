/** Those who are told of live changes, in the order in which these became durable. */

import type { Notice } from '../handle.ts';
import type { Log } from '../ports.ts';

export class Listeners {
  readonly #listeners = new Set<(notice: Notice) => void>();
  readonly #log: Log;

  constructor({ log }: { readonly log: Log }) {
    this.#log = log;
  }

  /** Returns a function that removes it. */
  add(listener: (notice: Notice) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  publish(notices: readonly Notice[]): void {
    for (const notice of notices) for (const listener of this.#listeners) this.#tell(listener, notice);
  }

  /** An error in a listener affects only that listener: what it is notified of has happened already. */
  #tell(listener: (notice: Notice) => void, notice: Notice): void {
    try {
      listener(notice);
    } catch (error) {
      this.#log.error({ error, kind: notice.kind }, 'notice.listener-failed');
    }
  }
}
