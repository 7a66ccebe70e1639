/**
 * The Election port of one process: candidates stand in order of arrival, the first leads once it has begun a
 * term. Leadership is proven by signs of life of the session, by the monotonic clock.
 */

import type { Election, Member } from '../../src/scheduler/ports.ts';
import { type Candidacy, type Ensemble, SESSION_MS } from './ensemble.ts';
import type { Process } from './process.ts';
import type { Session, SessionState } from './session.ts';

/** The share of the session's time without a sign of life after which nothing is started. */
export const LEASE_MS = (SESSION_MS * 2) / 3;
const RETRY_MS = 250;

export class NodeElection implements Election {
  readonly #process: Process;
  readonly #ensemble: Ensemble;
  readonly #session: () => Session;
  readonly #self: Member;
  readonly #trace: (what: string, detail?: unknown) => void;
  #elected: (term: number) => void = () => undefined;
  #deposed: (reason: string) => void = () => undefined;
  #standing = false;
  #own: { readonly id: number; readonly generation: number } | null = null;
  #leading: { readonly term: number; readonly generation: number } | null = null;
  #known: { candidates: readonly Candidacy[]; term: number; leader: Member | null } = {
    candidates: [],
    term: 0,
    leader: null,
  };
  #looking: Promise<void> = Promise.resolve();
  #lookAgain = false;

  constructor(parts: {
    process: Process;
    ensemble: Ensemble;
    session: () => Session;
    self: Member;
    trace: (what: string, detail?: unknown) => void;
  }) {
    this.#process = parts.process;
    this.#ensemble = parts.ensemble;
    this.#session = parts.session;
    this.#self = parts.self;
    this.#trace = parts.trace;
  }

  onElected(listener: (term: number) => void): void {
    this.#elected = listener;
  }

  onDeposed(listener: (reason: string) => void): void {
    this.#deposed = listener;
  }

  isFresh(): boolean {
    const session = this.#session();
    return this.#leading?.generation === session.generation && session.silenceMs() < LEASE_MS;
  }

  members(): readonly Member[] {
    return this.#known.candidates.map(({ member }) => member);
  }

  leader(): Member | null {
    return this.members().find(({ id }) => id === this.#known.leader?.id) ?? null;
  }

  term(): number {
    return this.#known.term;
  }

  async start(): Promise<void> {
    if (this.#standing) return;
    this.#standing = true;
    this.look();
    await this.#looking;
  }

  async stop(): Promise<void> {
    this.#standing = false;
    this.#leading = null;
    await this.#looking;
    const own = this.#own;
    this.#own = null;
    const session = this.#session();
    if (own === null || own.generation !== session.generation) return;
    // Where this is not heard, it goes with the session, or when this node stands again.
    await session.call('withdraw', () => this.#ensemble.withdraw(own.id)).catch(() => undefined);
  }

  onState(state: SessionState): void {
    if (!this.#standing) return;
    if (state === 'lost') this.#depose('the session has ended');
    if (state === 'connected') this.look();
  }

  /** Looks who stands, one look at a time. */
  look(): void {
    if (this.#lookAgain) return;
    this.#lookAgain = true;
    this.#looking = this.#looking.then(async () => {
      this.#lookAgain = false;
      if (!this.#standing) return;
      try {
        await this.#lookOnce();
      } catch {
        if (this.#session().state === 'connected') this.#process.clock.after(RETRY_MS, () => this.look());
      }
    });
  }

  #depose(reason: string): void {
    if (this.#leading === null) return;
    this.#leading = null;
    this.#trace('deposed', reason);
    this.#deposed(reason);
  }

  async #lookOnce(): Promise<void> {
    const session = this.#session();
    const ensemble = this.#ensemble;
    if (session.state !== 'connected') return;
    if (this.#own === null || this.#own.generation !== session.generation) await this.#stand(session);
    const known = await session.call('candidates', () => ({
      candidates: ensemble.candidates,
      term: ensemble.term,
      leader: ensemble.leader,
    }));
    this.#known = known;
    if (this.#leading !== null && known.term > this.#leading.term)
      this.#depose(`term ${known.term} has begun`);
    if (!known.candidates.some(({ id }) => id === this.#own?.id)) {
      this.#own = null;
      this.#depose('another node concluded that this one is dead');
      this.look();
      return;
    }
    if (known.candidates[0]?.id === this.#own?.id) await this.#lead(session);
  }

  async #stand(session: Session): Promise<void> {
    const { generation } = session;
    const candidacy = await session.call('stand', () => this.#ensemble.stand(session.server, this.#self));
    this.#own = candidacy === null ? null : { id: candidacy.id, generation };
  }

  async #lead(session: Session): Promise<void> {
    const own = this.#own;
    if (this.#leading !== null || own === null) return;
    const term = await session.call('begin a term', () => this.#ensemble.beginTerm(own.id));
    if (term === null) {
      this.look();
      return;
    }
    if (!this.#standing || own.generation !== session.generation) return;
    this.#leading = { term, generation: own.generation };
    this.#known = { ...this.#known, term, leader: this.#self };
    this.#trace('elected', { term });
    this.#elected(term);
  }
}
