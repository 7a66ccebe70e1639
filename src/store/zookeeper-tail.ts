/**
 * Follows the log: one watch, on the number of its newest segment, and reads what is new. What it reads goes
 * to the pending values and to whoever watches. The segments that this node wrote itself are handed to it.
 */

import { CarillonError } from '../errors.ts';
import type { Clock, Log, Watcher, Watching } from '../scheduler/ports.ts';
import { readSegment } from './zookeeper-log.ts';
import { paths, segmentPath } from './zookeeper-paths.ts';
import { Pending } from './zookeeper-pending.ts';
import { decodeWrite, type StoredWrite } from './zookeeper-segment.ts';
import type { ZooKeeperSession } from './zookeeper-session.ts';

/** Segments read at a time. */
const READ_AT_ONCE = 64;
/** After a failed read, if no new connection comes first. */
const RETRY_MS = 500;
/** While this node writes itself, others' segments are looked for this late: there are none. */
const OWN_PAUSE_MS = 1_000;

interface Follower {
  readonly watcher: Watcher;
  /** The newest segment that it has been told. */
  seq: number;
  /** It missed something, and is told nothing more. */
  lost: boolean;
}

export interface TailParts {
  readonly session: ZooKeeperSession;
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
  #advanceSince: number | null = null;
  #ownAt = Number.NEGATIVE_INFINITY;
  #stopped = false;
  #unsubscribe: () => void = () => undefined;

  constructor(parts: TailParts) {
    this.#parts = parts;
  }

  get pending(): Pending {
    return this.#pending;
  }

  get seq(): number {
    return this.#seq;
  }

  /** Resolves when everything between the tables and the end of the log is here. */
  async start(): Promise<void> {
    const { session } = this.#parts;
    this.#unsubscribe();
    this.#unsubscribe = session.onState((state) => {
      if (state === 'connected') this.#advanceSoon();
    });
    await this.#restart();
    await this.advance();
  }

  stop(): void {
    this.#stopped = true;
    this.#unsubscribe();
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

  /** This node's own commit is durable; commits are handed over in order. */
  own(seq: number, writes: readonly StoredWrite[]): void {
    this.#ownAt = this.#parts.clock.monotonicMs();
    if (seq !== this.#seq + 1) {
      if (seq > this.#seq) this.#advanceSoon();
      return;
    }
    this.#seq = seq;
    this.#pending.take(seq, writes);
    // A node that leads has nobody who follows here; one that just stopped leading may.
    for (const follower of this.#followers) this.#tell(follower, seq, writes);
  }

  /** Reads up to the newest segment that the server knows, and watches for the next. */
  advance(): Promise<void> {
    // One that is under way may have asked before what the caller wants to see was there.
    const before = this.#advancing;
    const advancing = (async () => {
      await before?.catch(() => undefined);
      await this.#advance();
    })().finally(() => {
      if (this.#advancing === advancing) {
        this.#advancing = null;
        this.#advanceSince = null;
      }
    });
    this.#advanceSince ??= this.#parts.clock.monotonicMs();
    this.#advancing = advancing;
    return advancing;
  }

  #lagMs(): number | null {
    const { session, clock } = this.#parts;
    const silence = session.silenceMs();
    if (!Number.isFinite(silence)) return null;
    const behind = this.#advanceSince === null ? 0 : clock.monotonicMs() - this.#advanceSince;
    // A quiet connection is asked for a sign every quarter of the session; until then it tells of every change.
    const unsure = silence < session.timeoutMs / 2 ? 0 : silence;
    return Math.round(Math.max(unsure, behind));
  }

  readonly #onHeadChanged = (): void => this.#advanceSoon();

  #advanceSoon(): void {
    const { clock, log } = this.#parts;
    const sinceOwn = clock.monotonicMs() - this.#ownAt;
    if (sinceOwn < OWN_PAUSE_MS) {
      clock.after(OWN_PAUSE_MS, this.#onHeadChanged);
      return;
    }
    if (this.#stopped || this.#advancing !== null) return;
    this.advance().catch((error: unknown) => {
      if (this.#stopped) return;
      log.debug({ error }, 'log-not-read');
      clock.after(RETRY_MS, this.#onHeadChanged);
    });
  }

  async #advance(): Promise<void> {
    const { session } = this.#parts;
    while (!this.#stopped) {
      // Our own commits may move on while we ask.
      const before = this.#seq;
      const head = await session.get(paths.head, this.#onHeadChanged);
      const newest = Number(head?.data.toString() ?? 0);
      if (newest < before) await this.#goBack(before, newest);
      if (newest <= this.#seq) return;
      while (this.#seq < newest) {
        const seqs = Array.from(
          { length: Math.min(READ_AT_ONCE, newest - this.#seq) },
          (_, i) => this.#seq + 1 + i,
        );
        const found = await session.getMany(seqs.map(segmentPath));
        for (const [i, node] of found.entries()) {
          const seq = seqs[i] as number;
          // It may have been handed over as our own meanwhile.
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

  #tell(follower: Follower, seq: number, writes: readonly StoredWrite[]): void {
    if (follower.lost || seq <= follower.seq) return;
    follower.seq = seq;
    follower.watcher.onWrites(writes.map(decodeWrite));
  }

  /**
   * The ensemble has lost what it had committed: its numbers are given out again, and what we hold of them is not
   * what others will hold. Everything is taken as the ensemble has it now.
   */
  async #goBack(seq: number, newest: number): Promise<void> {
    this.#parts.log.error({ had: seq, has: newest }, 'zookeeper-lost-commits');
    this.#seq = 0;
    for (const follower of this.#followers) follower.seq = -1;
    await this.#restart();
  }

  /** The log does not go back to where we are: begin where the tables end, and tell of the gap. */
  async #restart(): Promise<void> {
    const { session } = this.#parts;
    const checkpoint = Number((await session.get(paths.checkpoint))?.data.toString() ?? 0);
    if (checkpoint < this.#seq)
      throw new CarillonError('STORE_UNAVAILABLE', 'the log in ZooKeeper has a hole');
    this.#pending = new Pending(checkpoint);
    this.#seq = checkpoint;
    for (const follower of this.#followers) {
      if (follower.seq >= checkpoint || follower.lost) continue;
      follower.lost = true;
      follower.watcher.onGap();
    }
  }
}

export function unavailable(error: unknown): CarillonError {
  if (error instanceof CarillonError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new CarillonError('STORE_UNAVAILABLE', `ZooKeeper can not be reached: ${reason}`);
}
