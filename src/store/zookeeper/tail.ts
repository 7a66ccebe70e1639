/**
 * Follows the log: watches the number of its newest segment and reads new segments, which go to the pending
 * values and to watchers. Segments that this node wrote itself are passed in directly. A watch event may
 * arrive at any time, also together with the response that armed its watch: each is noted, and the log is
 * read until nothing is noted. The head is also compared at intervals, so that a lost event only causes a
 * delay.
 */

import { CarillonError } from '../../errors.ts';
import type { Clock, Log, Watcher, Watching } from '../../scheduler/ports.ts';
import type { StoredRecord } from '../../scheduler/records/kind.ts';
import { decodeWrite } from '../../scheduler/records/stored.ts';
import { readSegment } from './log.ts';
import { paths, segmentPath } from './paths.ts';
import { Pending } from './pending.ts';
import type { NodeData, ZooKeeperSession } from './wire/session.ts';

/** Segments per read. */
const READ_AT_ONCE = 64;
/** Delay after a failed read, unless a new connection comes first. */
const RETRY_MS = 500;
/** While this node writes itself, other nodes' segments are read with this delay, because there are none. */
const OWN_PAUSE_MS = 1_000;
/** Interval of comparing the head while nothing changes: one small read. */
const COMPARE_MS = 5_000;

/** The part of a session that following the log needs. */
export type LogSession = Pick<
  ZooKeeperSession,
  'state' | 'timeoutMs' | 'silenceMs' | 'onState' | 'get' | 'getMany' | 'sync'
>;

interface Follower {
  readonly watcher: Watcher;
  /** The newest segment reported to it. */
  seq: number;
  /** It missed something, and gets no more reports. */
  lost: boolean;
}

export interface TailParts {
  readonly session: LogSession;
  readonly clock: Clock;
  readonly log: Log;
}

export class Tail {
  readonly #parts: TailParts;
  readonly #followers = new Set<Follower>();
  #pending = new Pending(0);
  /** The newest segment that was read or written here. */
  #seq = 0;
  #advancing: Promise<void> | null = null;
  /** There may be more than the last read of the head has seen. */
  #noted = false;
  /** Since when there may be more than is here. Null: everything is here. */
  #behindSince: number | null = null;
  /** When the head that last equalled what is here was asked for. */
  #evenAt = Number.NEGATIVE_INFINITY;
  #cancelReading: (() => void) | null = null;
  #cancelComparing = (): void => undefined;
  #ownAt = Number.NEGATIVE_INFINITY;
  #refusal: CarillonError | null = null;
  #stopped = false;
  #unsubscribe: () => void = () => undefined;

  constructor(parts: TailParts) {
    this.#parts = parts;
  }

  get pending(): Pending {
    return this.#pending;
  }

  /**
   * Why the log is not followed any further: a later release has written records that this one cannot read.
   */
  get refusal(): CarillonError | null {
    return this.#refusal;
  }

  get seq(): number {
    return this.#seq;
  }

  /** Resolves when everything between the tables and the end of the log is here. */
  async start(): Promise<void> {
    const { session } = this.#parts;
    this.#unsubscribe();
    this.#unsubscribe = session.onState((state) => {
      if (state === 'connected') this.#note();
    });
    await this.#restart();
    await this.advance();
    this.#compareLater();
  }

  stop(): void {
    this.#stopped = true;
    this.#unsubscribe();
    this.#cancelReading?.();
    this.#cancelComparing();
    this.#followers.clear();
  }

  watch(watcher: Watcher): Watching {
    const follower: Follower = { watcher, seq: this.#seq, lost: false };
    this.#followers.add(follower);
    return {
      caughtUp: async () => {
        const { session } = this.#parts;
        try {
          await session.sync();
          await this.advance();
        } catch (error) {
          throw unavailable(error);
        }
      },
      lagMs: () => this.#lagMs(),
      stop: () => void this.#followers.delete(follower),
    };
  }

  /** This node's own commit is durable; commits are passed in order. */
  own(seq: number, writes: readonly StoredRecord[]): void {
    this.#ownAt = this.#parts.clock.monotonicMs();
    if (seq !== this.#seq + 1) {
      if (seq > this.#seq) this.#note();
      return;
    }
    this.#seq = seq;
    this.#pending.take(seq, writes);
    // A leading node has no followers here; one that just stopped leading may have some.
    for (const follower of this.#followers) this.#tell(follower, seq, writes);
  }

  /** Reads up to the newest segment that the server knows, and watches for the next. */
  advance(): Promise<void> {
    // A read in progress may have started before what the caller wants to see.
    const before = this.#advancing;
    const advancing = (async () => {
      await before?.catch(() => undefined);
      await this.#advance();
    })();
    this.#behindSince ??= this.#parts.clock.monotonicMs();
    this.#advancing = advancing;
    void advancing.then(
      () => this.#advanced(advancing),
      (error: unknown) => this.#failed(advancing, error),
    );
    return advancing;
  }

  #advanced(advancing: Promise<void>): void {
    if (this.#advancing !== advancing) return;
    this.#advancing = null;
    this.#refusal = null;
    this.#behindSince = this.#noted ? this.#parts.clock.monotonicMs() : null;
    this.#readSoon();
  }

  /** The caller learns of the failure; what it would have read is read later anyway. */
  #failed(advancing: Promise<void>, error: unknown): void {
    const { log } = this.#parts;
    if (this.#stopped || this.#advancing !== advancing) return;
    if (isTooNew(error) && this.#refusal === null) log.error({ error }, 'store.too-new');
    else log.debug({ error }, 'store.not-read');
    this.#refusal = isTooNew(error) ? error : null;
    this.#advancing = null;
    // A response arms the watch, and this one may not have been one.
    this.#noted = true;
    this.#readLater(RETRY_MS);
  }

  #lagMs(): number | null {
    const { session, clock } = this.#parts;
    const silence = session.silenceMs();
    if (!Number.isFinite(silence)) return null;
    const behind = this.#behindSince === null ? 0 : clock.monotonicMs() - this.#behindSince;
    // A quiet connection is pinged every quarter of the session; until then it reports every change.
    const unsure = silence < session.timeoutMs / 2 ? 0 : silence;
    return Math.round(Math.max(unsure, behind));
  }

  readonly #note = (): void => {
    this.#noted = true;
    this.#behindSince ??= this.#parts.clock.monotonicMs();
    this.#cancelReading?.();
    this.#cancelReading = null;
    this.#readSoon();
  };

  /** Reads what is noted, unless a read is in progress, which continues here, or is planned. */
  #readSoon(): void {
    if (this.#stopped || !this.#noted || this.#advancing !== null || this.#cancelReading !== null) return;
    const pause = this.#ownAt + OWN_PAUSE_MS - this.#parts.clock.monotonicMs();
    if (pause > 0) this.#readLater(pause);
    else void this.advance().catch(() => undefined);
  }

  #readLater(ms: number): void {
    this.#cancelReading?.();
    this.#cancelReading = this.#parts.clock.after(ms, () => {
      this.#cancelReading = null;
      this.#readSoon();
    });
  }

  #compareLater(): void {
    this.#cancelComparing();
    this.#cancelComparing = this.#parts.clock.after(COMPARE_MS, () => {
      void this.#compare().finally(() => {
        if (!this.#stopped) this.#compareLater();
      });
    });
  }

  /**
   * Servers send the event of a change before they return it in a read: a head without an event means that
   * one was lost.
   */
  async #compare(): Promise<void> {
    const { session, log } = this.#parts;
    const isBusy = (): boolean => this.#stopped || this.#noted || this.#advancing !== null;
    if (isBusy() || session.state !== 'connected') return;
    const askedAt = this.#parts.clock.monotonicMs();
    const newest = await session.get(paths.head).then(numberOf, () => null);
    if (isBusy()) return;
    if (newest === this.#seq) {
      this.#evenAt = askedAt;
      return;
    }
    if (newest !== null && newest > this.#seq)
      log.error({ had: this.#seq, has: newest }, 'store.change-missed');
    this.#behindSince = this.#evenAt;
    this.#note();
  }

  async #advance(): Promise<void> {
    const { session } = this.#parts;
    while (!this.#stopped) {
      // Our own commits may advance it while we ask.
      const before = this.#seq;
      this.#noted = false;
      const askedAt = this.#parts.clock.monotonicMs();
      const newest = numberOf(await session.get(paths.head, this.#note));
      if (newest < before) await this.#goBack(before, newest);
      if (newest <= this.#seq) {
        this.#evenAt = askedAt;
        return;
      }
      while (this.#seq < newest) {
        const seqs = Array.from(
          { length: Math.min(READ_AT_ONCE, newest - this.#seq) },
          (_, i) => this.#seq + 1 + i,
        );
        const found = await session.getMany(seqs.map(segmentPath));
        for (const [i, node] of found.entries()) {
          const seq = seqs[i] as number;
          // It may have been passed in as our own meanwhile.
          if (seq <= this.#seq) continue;
          if (node === null) {
            await this.#restart();
            break;
          }
          await this.#take(seq, node.data);
        }
      }
    }
  }

  async #take(seq: number, data: Buffer): Promise<void> {
    const { session } = this.#parts;
    const { checkpoint, writes } = await readSegment(session, data);
    if (seq !== this.#seq + 1) return;
    this.#seq = seq;
    this.#pending.take(seq, writes);
    this.#pending.reached(checkpoint);
    for (const follower of this.#followers) this.#tell(follower, seq, writes);
  }

  #tell(follower: Follower, seq: number, writes: readonly StoredRecord[]): void {
    if (follower.lost || seq <= follower.seq) return;
    follower.seq = seq;
    // On a busy ensemble, commits take seconds, and a server may be as far behind. Both are less than a session:
    // after that, the leader has lost its own, and clients leave the server.
    const { session, clock } = this.#parts;
    const maxAgeMs = clock.monotonicMs() - this.#evenAt + session.timeoutMs;
    follower.watcher.onWrites(writes.map(decodeWrite), maxAgeMs);
  }

  /**
   * The ensemble has lost committed data: its numbers are used again, with content other than ours.
   * Everything is loaded again from the ensemble.
   */
  async #goBack(seq: number, newest: number): Promise<void> {
    this.#parts.log.error({ had: seq, has: newest }, 'store.commits-lost');
    this.#seq = 0;
    for (const follower of this.#followers) follower.seq = -1;
    await this.#restart();
  }

  /** The log does not reach back to our position: start where the tables end, and report the gap. */
  async #restart(): Promise<void> {
    const { session } = this.#parts;
    const checkpoint = numberOf(await session.get(paths.checkpoint));
    if (checkpoint < this.#seq)
      throw new CarillonError('STORE_UNAVAILABLE', 'The log in ZooKeeper has a gap.');
    this.#pending = new Pending(checkpoint);
    this.#seq = checkpoint;
    for (const follower of this.#followers) {
      if (follower.seq >= checkpoint || follower.lost) continue;
      follower.lost = true;
      follower.watcher.onGap();
    }
  }
}

const isTooNew = (error: unknown): error is CarillonError =>
  error instanceof CarillonError && error.code === 'STORE_TOO_NEW';

/** The number in `/head` and `/checkpoint`; 0 before there is one. */
const numberOf = (node: NodeData | null): number => Number(node?.data.toString() ?? 0);

export function unavailable(error: unknown): CarillonError {
  if (error instanceof CarillonError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new CarillonError('STORE_UNAVAILABLE', `ZooKeeper cannot be reached: ${reason}.`);
}
