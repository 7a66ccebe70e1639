/**
 * Brings the readable tables up to the log, now and then, and shortens the log. The leader does it, under the
 * same fence as its commits: a leader of the past can't put old values over new ones.
 */

import type { Clock, Log } from '../../scheduler/ports.ts';
import type { Stored } from '../codec.ts';
import { seqOf } from './log.ts';
import { addToPast, piecesFor, removePast } from './past.ts';
import { keyOf, paths, shards, type Table, tablePath } from './paths.ts';
import { type Generation, mergePast, newestOf, type Past, type Pending } from './pending.ts';
import { outdate, type Removed } from './removed.ts';
import type { NodeData, Op, ZooKeeperSession } from './wire/session.ts';

/** How far the tables may be behind the log, in time and in writes. */
const INTERVAL_MS = 15_000;
const MAX_WRITES_BEHIND = 100_000;
const LOOK_MS = 1_000;
/** Bounds of one transaction: larger ones make the servers' memory run short. */
const MAX_OPS = 200;
const MAX_BYTES = 64 * 1024;

export interface CheckpointParts {
  readonly session: ZooKeeperSession;
  readonly pending: () => Pending;
  readonly clock: Clock;
  readonly log: Log;
}

/** Of one term; made with it and stopped with it. */
export class Checkpoints {
  readonly #parts: CheckpointParts;
  readonly #term: number;
  #writtenAt: number;
  #stopped = false;
  #cancel: () => void = () => undefined;
  #running: Promise<void> = Promise.resolve();
  /** What has a node already; learned at the first checkpoint. */
  #known: Known | null = null;
  /** Segments up to here may go: followers had the time of one checkpoint to read them. */
  #mayGo = 0;

  constructor(term: number, parts: CheckpointParts) {
    this.#parts = parts;
    this.#term = term;
    this.#writtenAt = parts.clock.monotonicMs();
  }

  start(): void {
    const { clock, pending, log } = this.#parts;
    this.#cancel = clock.after(LOOK_MS, () => {
      const { writes } = pending();
      const isTime = clock.monotonicMs() - this.#writtenAt >= INTERVAL_MS || writes >= MAX_WRITES_BEHIND;
      const done = writes > 0 && isTime ? this.write() : Promise.resolve();
      // Fenced or cut off: the next one does what this could not.
      done
        .catch((error: unknown) => log.debug({ error }, 'checkpoint-failed'))
        .finally(() => {
          if (!this.#stopped) this.start();
        });
    });
  }

  /** Resolves when nothing of it is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#running.catch(() => undefined);
  }

  /** Brings the tables up to all that is in the log now. */
  write(): Promise<void> {
    this.#running = this.#write().catch((error: unknown) => {
      // Some may have nodes that were not noted.
      this.#known = null;
      throw error;
    });
    return this.#running;
  }

  async #write(): Promise<void> {
    const { session, pending, clock } = this.#parts;
    this.#writtenAt = clock.monotonicMs();
    const values = pending();
    const generations = values.close();
    const upTo = (generations.at(-1) as Generation).seq;
    if (upTo <= values.checkpoint) return;
    this.#known ??= await findKnown(session);
    await this.#putAll('jobs', newestOf(generations, 'jobs'));
    await this.#putStates(generations);
    await this.#putRuns(generations);
    await this.#putPasts(generations);
    await this.#forgetRemoved(newestOf(generations, 'jobs'));
    await session.multi([
      this.#fence,
      { kind: 'set', path: paths.checkpoint, data: Buffer.from(String(upTo)), version: null },
    ]);
    const before = values.checkpoint;
    values.reached(upTo);
    await this.#shorten(this.#mayGo);
    this.#mayGo = before;
  }

  get #fence(): Op {
    return { kind: 'check', path: paths.epoch, version: this.#term };
  }

  async #putAll(table: Table, values: ReadonlyMap<string, Stored | null>): Promise<void> {
    await this.#batches([...values], async (some) => {
      const nodes = await this.#parts.session.getMany(some.map(([key]) => tablePath(table, key)));
      return some.map(([key, value], i) => put(tablePath(table, key), nodes[i] ?? null, value));
    });
  }

  /** The statistics of a job lie beside its state: they change together. */
  async #putStates(generations: readonly Generation[]): Promise<void> {
    const states = newestOf(generations, 'states');
    const stats = newestOf(generations, 'stats');
    const names = [...new Set([...states.keys(), ...stats.keys()])];
    await this.#batches(names, async (some) => {
      const nodes = await this.#parts.session.getMany(some.map((name) => tablePath('state', name)));
      return some.map((name, i) => {
        const node = nodes[i] ?? null;
        const state = states.get(name);
        const own = stats.get(name);
        const stored = node === null ? {} : (JSON.parse(node.data.toString()) as Stored);
        const next = {
          ...stored,
          ...(state === undefined ? {} : { state: state ?? undefined }),
          ...(own === undefined ? {} : { stats: own ?? undefined }),
        };
        return put(
          tablePath('state', name),
          node,
          next.state === undefined && next.stats === undefined ? null : next,
        );
      });
    });
  }

  async #putRuns(generations: readonly Generation[]): Promise<void> {
    const known = (this.#known as Known).runs;
    // Most runs end before they ever get a node.
    const changed = [...newestOf(generations, 'runs')].filter(([id, run]) => run !== null || known.has(id));
    await this.#putAll('runs', new Map(changed));
    for (const [id, run] of changed) {
      if (run === null) known.delete(id);
      else known.add(id);
    }
  }

  async #putPasts(generations: readonly Generation[]): Promise<void> {
    const pasts = new Map<string, Past>();
    for (const generation of generations) {
      for (const [job, past] of generation.pasts) {
        const known = pasts.get(job);
        if (known === undefined) pasts.set(job, copyOf(past));
        else mergePast(known, past);
      }
    }
    const known = this.#known as Known;
    const pieces = piecesFor(known.pasts + pasts.size);
    await this.#batches([...pasts], async (some) => {
      const nodes = await this.#parts.session.getMany(some.map(([job]) => tablePath('history', job)));
      known.pasts += nodes.filter((node) => node === null).length;
      return some.map(([job, past], i) => addToPast(job, nodes[i] ?? null, past, pieces));
    });
  }

  /** The past of jobs that were removed goes in the end. */
  async #forgetRemoved(jobs: ReadonlyMap<string, object | null>): Promise<void> {
    const { session, clock } = this.#parts;
    const stored = (await session.get(paths.removed))?.data.toString() ?? '[]';
    const { kept, forgotten } = outdate(JSON.parse(stored) as Removed, jobs, clock.now());
    await this.#batches(forgotten, async (some) => {
      const nodes = await session.getMany(some.map((job) => tablePath('history', job)));
      return some.map((job, i) => removePast(job, nodes[i] ?? null));
    });
    const next = JSON.stringify(kept);
    if (next === stored) return;
    await session.multi([
      this.#fence,
      { kind: 'set', path: paths.removed, data: Buffer.from(next), version: null },
    ]);
  }

  /**
   * Makes what to write from some things at a time, and writes it in transactions within their bounds. What
   * belongs to one thing is in one transaction.
   */
  async #batches<T>(things: readonly T[], toOps: (some: readonly T[]) => Promise<Op[][]>): Promise<void> {
    for (let at = 0; at < things.length; at += MAX_OPS) {
      const sent: Promise<void>[] = [];
      let ops: Op[] = [];
      const send = (): void => {
        if (ops.length > 0) sent.push(this.#parts.session.multi([this.#fence, ...ops]));
        ops = [];
      };
      for (const unit of await toOps(things.slice(at, at + MAX_OPS))) {
        if (ops.length + unit.length > MAX_OPS || bytesOf(ops) + bytesOf(unit) > MAX_BYTES) send();
        ops.push(...unit);
      }
      send();
      await Promise.all(sent);
      if (this.#stopped) throw new Error('the term ended');
    }
  }

  async #shorten(upTo: number): Promise<void> {
    const { session } = this.#parts;
    const names = (await session.children(paths.log)).filter((name) => seqOf(name) <= upTo);
    for (let at = 0; at < names.length; at += MAX_OPS) {
      const removes = names
        .slice(at, at + MAX_OPS)
        .map((name): Op => ({ kind: 'remove', path: `${paths.log}/${name}`, version: null }));
      await session.multi([this.#fence, ...removes]);
    }
  }
}

const bytesOf = (ops: readonly Op[]): number =>
  ops.reduce((sum, op) => sum + ('data' in op ? op.data.length : 0), 0);

function put(path: string, node: NodeData | null, value: object | null): Op[] {
  if (value === null) return node === null ? [] : [{ kind: 'remove', path, version: null }];
  const data = Buffer.from(JSON.stringify(value));
  return node === null ? [{ kind: 'create', path, data }] : [{ kind: 'set', path, data, version: null }];
}

interface Known {
  /** Ids of the runs that have a node. */
  readonly runs: Set<string>;
  /** How many jobs have a past. */
  pasts: number;
}

async function findKnown(session: ZooKeeperSession): Promise<Known> {
  const names = async (table: Table): Promise<string[]> =>
    (await Promise.all(shards.map((shard) => session.children(`/${table}/${shard}`)))).flat();
  const runs = (await names('runs')).map(keyOf);
  return { runs: new Set(runs), pasts: (await names('history')).length };
}

function copyOf({ runs, ledger, days, revisions }: Past): Past {
  return {
    runs: new Map(runs),
    ledger: new Map(ledger),
    days: new Map(days),
    revisions: new Map(revisions),
  };
}
