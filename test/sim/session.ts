/**
 * One process's connection to the ensemble. Signs of life go both ways without being simulated one by one: while
 * the process runs and is connected the session is fresh; from the moment it is cut off or stopped, both ends
 * count the silence, each by itself. What is under way when a connection breaks arrives late or never.
 */

import { CarillonError } from '../../src/errors.ts';
import { type Ensemble, SESSION_MS, type ServerSession } from './ensemble.ts';
import type { Link, Network } from './network.ts';
import type { Process } from './process.ts';
import type { Random } from './random.ts';

const CALL_MS = 4_000;
/** A broken connection is noticed, and made anew, within this. */
const NOTICE_MS = 3_000;
const CONNECT_MS = 400;

export type SessionState = 'connected' | 'disconnected' | 'lost';

export interface SessionParts {
  readonly process: Process;
  readonly ensemble: Ensemble;
  readonly network: Network;
  readonly link: Link;
  readonly random: Random;
  readonly onState: (state: SessionState) => void;
  /** Where the servers are: the log has grown, and it depends on the watches whether that is told. */
  readonly onHead: () => void;
  readonly onCandidates: () => void;
}

export class Session {
  state: SessionState = 'disconnected';
  /** Counts sessions. */
  generation = 0;
  /** Counts connections: an answer of an older one is not heard. */
  connection = 0;
  server: ServerSession;
  readonly #parts: SessionParts;
  /** Null while there are signs of life. */
  #silentSince: number | null = null;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    const { process, link } = parts;
    this.server = this.#open();
    if (link.up) this.state = 'connected';
    else this.#silence();
    link.onCut.push(() => this.#cut());
    link.onHeal.push(() => this.#healed());
    process.onPause.push(() => this.#silence());
    process.onResume.push(() => process.deliver(() => this.#reconnect()));
    process.onDeath.push(() => {
      parts.ensemble.silent(this.server);
    });
  }

  silenceMs(): number {
    return this.#silentSince === null ? 0 : this.#parts.process.time.now - this.#silentSince;
  }

  /** STORE_UNAVAILABLE when there is no answer, or no connection. */
  async call<T>(what: string, at: () => T): Promise<T> {
    const { process, network, link } = this.#parts;
    const { connection, generation } = this;
    if (this.state !== 'connected') throw unavailable(what);
    const answer = await network
      .call({ from: process, link, what, at, timeoutMs: CALL_MS })
      .catch((error: unknown) => {
        throw error instanceof CarillonError ? error : unavailable(what);
      });
    if (connection !== this.connection || generation !== this.generation) throw unavailable(what);
    return answer;
  }

  /** The connection breaks though the network is well: what is under way is in doubt. */
  glitch(): void {
    this.#silence();
    this.#parts.process.deliver(() => this.#broken());
    this.#later(CONNECT_MS, () => this.#reconnect());
  }

  #open(): ServerSession {
    const { ensemble, process, network, link } = this.#parts;
    this.generation += 1;
    const { generation } = this;
    return ensemble.connect(process.node, (what) => {
      if (process.dead || generation !== this.generation) return;
      if (what === 'log') this.#parts.onHead();
      else if (link.up)
        process.time.after(network.delay(link), () =>
          process.deliver(() => {
            if (generation === this.generation && this.state === 'connected') this.#parts.onCandidates();
          }),
        );
    });
  }

  #later(ms: number, step: () => void): void {
    this.#parts.process.clock.after(this.#parts.random.between(1, ms), step);
  }

  #silence(): void {
    if (this.#silentSince !== null) return;
    this.#silentSince = this.#parts.process.time.now;
    this.#parts.ensemble.silent(this.server);
    const { generation } = this;
    const since = this.#silentSince;
    this.#parts.process.clock.after(SESSION_MS, () => {
      if (this.generation === generation && this.#silentSince === since) this.#lose();
    });
  }

  #cut(): void {
    if (this.#parts.process.dead) return;
    this.#silence();
    const { connection } = this;
    this.#later(NOTICE_MS, () => {
      // Unless it was made anew in the meantime.
      if (connection === this.connection) this.#broken();
    });
  }

  #broken(): void {
    if (this.state !== 'connected') return;
    this.connection += 1;
    this.state = 'disconnected';
    this.#parts.onState('disconnected');
  }

  #healed(): void {
    if (!this.#parts.process.dead) this.#later(CONNECT_MS, () => this.#reconnect());
  }

  /** Signs of life again: the old session goes on, or a new one begins. */
  #reconnect(): void {
    const { process, link, ensemble } = this.#parts;
    if (process.dead || !link.up || this.#silentSince === null) return;
    if (this.silenceMs() >= SESSION_MS || this.server.ended) this.#lose();
    this.#broken();
    if (this.state === 'lost') this.server = this.#open();
    ensemble.heard(this.server);
    this.#silentSince = null;
    this.connection += 1;
    this.state = 'connected';
    this.#parts.onState('connected');
  }

  #lose(): void {
    if (this.state === 'lost') return;
    this.connection += 1;
    this.state = 'lost';
    this.#parts.onState('lost');
    if (this.#parts.link.up) this.#later(CONNECT_MS, () => this.#reconnect());
  }
}

export function unavailable(what: string): CarillonError {
  return new CarillonError('STORE_UNAVAILABLE', `the store does not answer: ${what}`);
}
