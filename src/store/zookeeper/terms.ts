/**
 * The terms in which this node leads, one after the other. Each has one writer, for any number of concurrent
 * commits, and its own checkpoints.
 */

import { CarillonError } from '../../errors.ts';
import type { Clock, Log } from '../../scheduler/ports.ts';
import { Checkpoints } from './checkpoint.ts';
import { paths } from './paths.ts';
import type { Tail } from './tail.ts';
import type { ZooKeeperSession } from './wire/session.ts';
import { Writer } from './writer.ts';

export interface TermsParts {
  readonly session: ZooKeeperSession;
  readonly clock: Clock;
  readonly log: Log;
  readonly tail: Tail;
  /** See `CheckpointParts`. */
  readonly keepMs?: number | undefined;
}

interface Term {
  readonly term: number;
  readonly writer: Writer;
  readonly checkpoints: Checkpoints;
}

export class Terms {
  readonly #parts: TermsParts;
  #current: Promise<Term> | null = null;
  #currentTerm = 0;

  constructor(parts: TermsParts) {
    this.#parts = parts;
  }

  /** Begins the term if it is another one, after the previous one has ended. */
  of(term: number): Promise<Term> {
    if (this.#current !== null && this.#currentTerm === term) return this.#current;
    this.#currentTerm = term;
    const begun = stop(this.#current).then(() => begin(term, this.#parts));
    this.#current = begun;
    begun.catch(() => {
      if (this.#current === begun) this.#current = null;
    });
    return begun;
  }

  /** Updates the tables from the log. */
  async checkpoint(): Promise<void> {
    await (await this.#current)?.checkpoints.write();
  }

  async end(): Promise<void> {
    await stop(this.#current);
    this.#current = null;
  }
}

async function begin(term: number, { session, clock, log, tail, keepMs }: TermsParts): Promise<Term> {
  const [head, layout] = await session.getMany([paths.head, paths.layout]);
  if (head == null) throw new CarillonError('STORE_UNAVAILABLE', 'The installation in ZooKeeper is gone.');
  const writer = new Writer({
    session,
    term,
    clock,
    log,
    head: { seq: Number(head.data.toString()), version: head.version },
    format: Number(layout?.data.toString() ?? 1),
    checkpoint: () => tail.pending.checkpoint,
    onDurable: (seq, writes) => tail.own(seq, writes),
  });
  const checkpoints = new Checkpoints(term, { session, pending: () => tail.pending, clock, log, keepMs });
  checkpoints.start();
  return { term, writer, checkpoints };
}

async function stop(ending: Promise<Term> | null): Promise<void> {
  await (await ending?.catch(() => null))?.checkpoints.stop();
}
