/**
 * Commits of one term, in order, with several in progress. Each is one transaction that checks the term,
 * moves the head of the log from where the previous one left it, and adds the segment. When the outcome of
 * some is unknown, nothing is sent until it was looked up: existing segments were committed; the others are
 * sent again, or were fenced off.
 */

import { CarillonError } from '../../errors.ts';
import type { Clock, Log } from '../../scheduler/ports.ts';
import type { StoredRecord } from '../../scheduler/records/kind.ts';
import { encodeWrites, formatOf } from '../../scheduler/records/stored.ts';
import type { WriteGroup } from '../../scheduler/records/table.ts';
import { sleep } from '../../scheduler/waiting.ts';
import { encodeSegment } from '../segment.ts';
import { toNodes } from './log.ts';
import { paths, segmentPath } from './paths.ts';
import { type Op, ZooKeeperError, type ZooKeeperSession } from './wire/session.ts';

/** After this long without a connection, finding out the outcome of a commit is given up. */
const RESOLVE_MS = 30_000;
const POLL_MS = 20;
/** Attempts for a transaction that the servers refuse for a reason of their own. */
const MAX_REFUSALS = 3;

interface PendingCommit {
  readonly seq: number;
  readonly node: Buffer;
  readonly parts: readonly Op[];
  readonly layout: readonly Op[];
  readonly writes: readonly StoredRecord[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  sending: Promise<void>;
  refusals: number;
}

export interface WriterParts {
  readonly session: ZooKeeperSession;
  readonly term: number;
  readonly clock: Clock;
  readonly log: Log;
  /** The head of the log when the term began: no other node moves it in this term. */
  readonly head: { readonly seq: number; readonly version: number };
  /** Format of the installation when the term began. */
  readonly format: number;
  readonly checkpoint: () => number;
  /** Called in order. */
  readonly onDurable: (seq: number, writes: readonly StoredRecord[]) => void;
}

export class Writer {
  readonly #parts: WriterParts;
  #seq: number;
  /** Version of the head that the next transaction will find. */
  #version: number;
  #format: number;
  #pending: PendingCommit[] = [];
  #recovering = false;
  #ended: CarillonError | null = null;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#seq = parts.head.seq;
    this.#version = parts.head.version;
    this.#format = parts.format;
  }

  /** NOT_LEADING: nothing was written. STORE_UNAVAILABLE: the outcome is unknown. */
  commit(groups: readonly WriteGroup[]): Promise<void> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    const { term, checkpoint } = this.#parts;
    const seq = this.#seq + 1;
    const writes = encodeWrites(groups);
    const segment = encodeSegment({ term, seq, checkpoint: checkpoint(), writes });
    const { node, parts } = toNodes(term, seq, segment);
    this.#seq = seq;
    const format = formatOf(writes);
    const raises = format > this.#format;
    this.#format = Math.max(format, this.#format);
    return new Promise((resolve, reject) => {
      const entry: PendingCommit = {
        seq,
        node,
        parts: parts.map(({ path, data }) => ({ kind: 'create', path, data })),
        // From this commit on, earlier releases refuse the installation.
        layout: raises
          ? [{ kind: 'set', path: paths.layout, data: Buffer.from(String(format)), version: null }]
          : [],
        writes,
        resolve,
        reject,
        sending: Promise.resolve(),
        refusals: 0,
      };
      this.#pending.push(entry);
      if (!this.#recovering) this.#send(entry);
    });
  }

  #send(entry: PendingCommit): void {
    const { session, term } = this.#parts;
    const fence: Op = { kind: 'check', path: paths.epoch, version: term };
    const parts = entry.parts.map((part) =>
      session.multi([fence, part]).catch((error: unknown) => {
        // Sent again after its response was lost.
        if (!(error instanceof ZooKeeperError && error.code === 'NODE_EXISTS')) throw error;
      }),
    );
    const version = this.#version;
    this.#version += 1;
    const last = (): Promise<void> =>
      session.multi([
        fence,
        { kind: 'set', path: paths.head, data: Buffer.from(String(entry.seq)), version },
        { kind: 'create', path: segmentPath(entry.seq), data: entry.node },
        ...entry.layout,
      ]);
    const sent = parts.length === 0 ? last() : Promise.all(parts).then(last);
    entry.sending = sent.then(
      () => this.#durable(entry),
      (error: unknown) => this.#trouble(entry, error),
    );
  }

  #durable(entry: PendingCommit): void {
    if (this.#pending[0] !== entry) {
      // Responses arrive in order; this one is looked up together with those before it.
      void this.#recover();
      return;
    }
    this.#pending.shift();
    this.#complete(entry);
  }

  #complete(entry: PendingCommit): void {
    this.#parts.onDurable(entry.seq, entry.writes);
    entry.resolve();
  }

  #trouble(entry: PendingCommit, error: unknown): void {
    const code = error instanceof ZooKeeperError ? error.code : null;
    if (code !== 'CONNECTION_LOSS' && code !== 'NOT_CONNECTED' && code !== 'SESSION_LOST') {
      entry.refusals += 1;
      this.#parts.log.warn({ seq: entry.seq, error }, 'store.commit-refused');
    }
    void this.#recover();
  }

  async #recover(): Promise<void> {
    if (this.#recovering) return;
    this.#recovering = true;
    const { session, clock } = this.#parts;
    const { generation } = session;
    const until = clock.monotonicMs() + RESOLVE_MS;
    await Promise.allSettled(this.#pending.map(({ sending }) => sending));
    let resent = false;
    while (!resent && this.#pending.length > 0) {
      try {
        resent = await this.#lookUp(generation);
      } catch (error) {
        if (!(error instanceof ZooKeeperError) || clock.monotonicMs() >= until) {
          this.#end(
            new CarillonError(
              'STORE_UNAVAILABLE',
              'ZooKeeper cannot be reached: it is unknown whether the change was stored.',
            ),
          );
        } else await sleep(clock, POLL_MS);
      }
    }
    this.#recovering = false;
  }

  /** Finds out the outcome of everything in progress, and sends again what was not written. */
  async #lookUp(generation: number): Promise<boolean> {
    const { session, term } = this.#parts;
    // A request of an ended session may still be in transit: end the term before the lookup.
    if (session.generation !== generation || session.state === 'lost') await endTerm(session, term);
    await session.sync();
    const epoch = await session.get(paths.epoch);
    const head = await session.get(paths.head);
    const found = await session.getMany(this.#pending.map(({ seq }) => segmentPath(seq)));
    let written = 0;
    while (
      written < this.#pending.length &&
      found[written]?.data.equals((this.#pending[written] as PendingCommit).node)
    )
      written += 1;
    for (const entry of this.#pending.splice(0, written)) this.#complete(entry);
    const [next] = this.#pending;
    if (next === undefined && epoch?.version === term) {
      this.#version = head?.version ?? 0;
      return true;
    }
    if (
      epoch?.version !== term ||
      head === null ||
      Number(head.data.toString()) !== (next as PendingCommit).seq - 1
    ) {
      this.#end(new CarillonError('NOT_LEADING', `Term ${term} has ended. The change was not stored.`));
      return true;
    }
    if ((next as PendingCommit).refusals >= MAX_REFUSALS) {
      this.#end(new CarillonError('STORE_UNAVAILABLE', 'ZooKeeper refused the change. It was not stored.'));
      return true;
    }
    this.#version = head.version;
    this.#recovering = false;
    for (const entry of this.#pending) this.#send(entry);
    return true;
  }

  #end(error: CarillonError): void {
    this.#ended = error;
    for (const entry of this.#pending.splice(0)) entry.reject(error);
  }
}

/** From here on nothing of the term can be written, whatever is still in transit. */
async function endTerm(session: ZooKeeperSession, term: number): Promise<void> {
  const epoch = await session.get(paths.epoch);
  if (epoch === null || epoch.version !== term) return;
  try {
    await session.multi([{ kind: 'set', path: paths.epoch, data: epoch.data, version: term }]);
  } catch (error) {
    // Another node has ended it.
    if (!(error instanceof ZooKeeperError && error.code === 'BAD_VERSION')) throw error;
  }
}
