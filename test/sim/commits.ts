/**
 * Commits of one process in one term: in order, several under way. When a connection breaks, what became of them is
 * looked up before anything more is sent: those that arrived were made, the others are sent again or were fenced
 * off. A request of the old connection may still arrive until the look, which ends it.
 */

import { CarillonError } from '../../src/errors.ts';
import type { WriteGroup } from '../../src/scheduler/records/table.ts';
import type { Ensemble } from './ensemble.ts';
import type { Link, Network } from './network.ts';
import type { Process } from './process.ts';
import type { Random } from './random.ts';
import type { Session } from './session.ts';

/** Without a connection for this long a commit is given up; what became of it stays open. */
const DOUBT_MS = 30_000;
const POLL_MS = 20;
/** A request that was held up on the way arrives within this. */
const STRAY_MS = 40_000;

interface Pending {
  readonly index: number;
  readonly groups: readonly WriteGroup[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface CommitsParts {
  readonly term: number;
  readonly process: Process;
  readonly session: Session;
  readonly ensemble: Ensemble;
  readonly network: Network;
  readonly link: Link;
  readonly random: Random;
  /** Called in order. */
  readonly onDurable: (seq: number, groups: readonly WriteGroup[]) => void;
}

export class Commits {
  readonly #parts: CommitsParts;
  readonly #pending: Pending[] = [];
  #next = 0;
  #recovering = false;
  #ended: CarillonError | null = null;
  /** Requests of a look-up's past do not arrive any more. */
  #era = 0;
  #lastArrival = 0;
  #lastAnswer = 0;

  constructor(parts: CommitsParts) {
    this.#parts = parts;
  }

  get term(): number {
    return this.#parts.term;
  }

  commit(groups: readonly WriteGroup[]): Promise<void> {
    const { process } = this.#parts;
    process.boundary('commit: before');
    if (process.dead) return new Promise(() => undefined);
    if (this.#ended !== null) return Promise.reject(this.#ended);
    // Values as they are now: whoever commits may go on changing them.
    const own = JSON.parse(JSON.stringify(groups)) as WriteGroup[];
    return new Promise((resolve, reject) => {
      const pending = { index: this.#next, groups: own, resolve, reject };
      this.#next += 1;
      this.#pending.push(pending);
      if (!this.#recovering) this.#send(pending);
    });
  }

  #send(pending: Pending): void {
    const { process, session, ensemble, network, link, random, term } = this.#parts;
    const { connection } = session;
    const { time } = process;
    const era = this.#era;
    if (session.state !== 'connected') {
      void this.#recover();
      return;
    }
    const arrive = (): void => {
      if (era !== this.#era) return;
      const verdict = ensemble.commit(session.server, term, pending.index, pending.groups);
      process.boundary('commit: made');
      this.#lastAnswer = Math.max(this.#lastAnswer + 1, time.now + network.delay(link));
      time.after(this.#lastAnswer - time.now, () => {
        if (!link.up) return;
        process.deliver(() => {
          if (connection !== session.connection || era !== this.#era) return;
          this.#answered(pending, verdict);
        });
      });
    };
    this.#lastArrival = Math.max(this.#lastArrival + 1, time.now + network.delay(link));
    time.after(this.#lastArrival - time.now, () => {
      if (link.up && connection === session.connection) arrive();
      else if (random.chance(0.5)) time.after(random.mostlySmall(0, STRAY_MS), arrive);
    });
  }

  #answered(pending: Pending, verdict: ReturnType<Ensemble['commit']>): void {
    if (verdict !== 'applied' || this.#pending[0] !== pending) {
      void this.#recover();
      return;
    }
    this.#durable(this.#parts.ensemble.applied(this.term));
    this.#parts.process.boundary('commit: answered');
  }

  /** The first of those that wait is one of those that were taken. */
  #durable(applied: readonly number[]): void {
    const pending = this.#pending.shift();
    if (pending === undefined) return;
    this.#parts.onDurable(applied[pending.index] as number, pending.groups);
    pending.resolve();
  }

  /** The connection broke: what is under way is in doubt. */
  inDoubt(): void {
    if (this.#pending.length > 0) void this.#recover();
  }

  async #recover(): Promise<void> {
    if (this.#recovering) return;
    this.#recovering = true;
    const { process } = this.#parts;
    const until = process.clock.monotonicMs() + DOUBT_MS;
    while (this.#pending.length > 0) {
      try {
        if (await this.#lookUp()) break;
      } catch {
        if (process.clock.monotonicMs() >= until) {
          this.#end(new CarillonError('STORE_UNAVAILABLE', 'it is unknown whether the change was stored'));
        } else await process.sleep(POLL_MS);
      }
    }
    this.#recovering = false;
  }

  async #lookUp(): Promise<boolean> {
    const { session, ensemble, term } = this.#parts;
    const found = await session.call('look-up', () => {
      this.#era += 1;
      const ended = session.server.ended || ensemble.term !== term;
      return { ended, applied: [...ensemble.applied(term)] };
    });
    while ((this.#pending[0]?.index ?? Number.POSITIVE_INFINITY) < found.applied.length)
      this.#durable(found.applied);
    if (found.ended && this.#pending.length > 0)
      this.#end(new CarillonError('NOT_LEADING', `term ${term} has ended; the change was not stored`));
    this.#recovering = false;
    for (const pending of [...this.#pending]) this.#send(pending);
    return true;
  }

  #end(error: CarillonError): void {
    this.#ended = error;
    for (const { reject } of this.#pending.splice(0)) reject(error);
  }
}
