/**
 * The servers of the store, as one that never dies: the log of commits, terms, sessions and candidates. A commit
 * is taken when its term is the current one and it is the next of its term. All of it happens at an instant; what
 * takes time is the way there (session.ts).
 */

import type { Member } from '../../src/scheduler/ports.ts';
import { encodeWrites } from '../../src/scheduler/records/stored.ts';
import type { Write, WriteGroup } from '../../src/scheduler/records/table.ts';
import { createMemoryBacking, createMemoryStore } from '../../src/store/memory.ts';
import { encodeSegment } from '../../src/store/segment.ts';
import type { SimTime } from './time.ts';

/** Without a sign of life for this long a session ends. */
export const SESSION_MS = 6_000;

export interface ServerSession {
  readonly id: number;
  readonly node: string;
  readonly onChange: (what: 'log' | 'candidates') => void;
  ended: boolean;
  /** Cancels the end that is planned while nothing is heard. */
  expiring: (() => void) | null;
}

export interface Candidacy {
  readonly id: number;
  readonly session: ServerSession;
  readonly member: Member;
}

export type Verdict = 'applied' | 'fenced' | 'out-of-order';

export interface EnsembleParts {
  readonly time: SimTime;
  /** Checks the term; a part that is broken on purpose does not. */
  readonly fences: boolean;
  /** Before anything of it can be seen. */
  readonly onApplied: (term: number, writes: readonly Write[], node: string) => void;
  readonly onTerm: (term: number, member: Member) => void;
  readonly onExpired: (node: string) => void;
}

export class Ensemble {
  /** As a node would hold it; the tables have all of it, always. */
  readonly #log: Buffer[] = [];
  /** The newest segment that is gone from the log. */
  #gone = 0;
  readonly backing = createMemoryBacking();
  readonly tables = createMemoryStore(this.backing);
  term = 0;
  /** Who began the current term. */
  leader: Member | null = null;
  candidates: Candidacy[] = [];
  /** The numbers of each term's commits. */
  readonly #seqs = new Map<number, number[]>();
  readonly #parts: EnsembleParts;
  readonly #sessions = new Set<ServerSession>();
  #ids = 0;

  constructor(parts: EnsembleParts) {
    this.#parts = parts;
  }

  get head(): number {
    return this.#log.length;
  }

  segment(seq: number): Buffer | null {
    return seq > this.#gone ? (this.#log[seq - 1] ?? null) : null;
  }

  /** What the tables have goes from the log, which is all of it. */
  shorten(): void {
    this.#gone = this.head;
  }

  /** The numbers of the commits of the term that were taken, in order. */
  applied(term: number): readonly number[] {
    return this.#seqs.get(term) ?? [];
  }

  connect(node: string, onChange: ServerSession['onChange']): ServerSession {
    const session: ServerSession = { id: ++this.#ids, node, onChange, ended: false, expiring: null };
    this.#sessions.add(session);
    return session;
  }

  /** Nothing is heard of it any more: it ends in a while unless `heard` comes first. */
  silent(session: ServerSession): void {
    if (session.ended || session.expiring !== null) return;
    session.expiring = this.#parts.time.after(SESSION_MS, () => {
      this.#parts.onExpired(session.node);
      this.end(session);
    });
  }

  heard(session: ServerSession): void {
    session.expiring?.();
    session.expiring = null;
  }

  end(session: ServerSession): void {
    session.ended = true;
    session.expiring?.();
    this.#sessions.delete(session);
    this.#keepCandidates(({ session: other }) => other !== session);
  }

  /** The `index`-th commit of its term. */
  commit(session: ServerSession, term: number, index: number, groups: readonly WriteGroup[]): Verdict {
    if (this.#parts.fences && term !== this.term) return 'fenced';
    if (session.ended) return 'fenced';
    if (index !== this.applied(term).length) return 'out-of-order';
    const seq = this.head + 1;
    const seqs = this.#seqs.get(term) ?? [];
    seqs.push(seq);
    this.#seqs.set(term, seqs);
    this.backing.term = term;
    const writes = groups.flat();
    this.#log.push(encodeSegment({ term, seq, checkpoint: this.head, writes: encodeWrites(groups) }));
    this.#parts.onApplied(term, writes, session.node);
    void this.tables.commit(term, groups);
    for (const other of this.#sessions) other.onChange('log');
    return 'applied';
  }

  stand(session: ServerSession, member: Member): Candidacy | null {
    if (session.ended) return null;
    this.candidates = this.candidates.filter((other) => other.member.id !== member.id);
    const candidacy = { id: ++this.#ids, session, member };
    this.candidates.push(candidacy);
    this.#candidatesChanged();
    return candidacy;
  }

  withdraw(id: number): void {
    this.#keepCandidates((other) => other.id !== id);
  }

  /** Its candidacy goes; the session may go on. */
  takeForDead(session: ServerSession): void {
    this.#keepCandidates((other) => other.session !== session);
  }

  /** A new term for the first candidate; null for any other. */
  beginTerm(id: number): number | null {
    const [first] = this.candidates;
    if (first?.id !== id) return null;
    this.term += 1;
    this.leader = first.member;
    this.#parts.onTerm(this.term, first.member);
    this.#candidatesChanged();
    return this.term;
  }

  #keepCandidates(keep: (candidacy: Candidacy) => boolean): void {
    const left = this.candidates.filter(keep);
    if (left.length === this.candidates.length) return;
    this.candidates = left;
    this.#candidatesChanged();
  }

  #candidatesChanged(): void {
    for (const session of this.#sessions) session.onChange('candidates');
  }
}
