/**
 * Updates the readable tables from the log at intervals, and shortens the log. The leader does it, under the
 * same fence as its commits, so a deposed leader cannot overwrite new values with old ones.
 */

import type { Clock, Log } from '../../scheduler/ports.ts';
import type { Stored } from '../../scheduler/records/kind.ts';
import { seqOf } from './log.ts';
import { addToPast, inPortions, oldestPieces, piecesFor, removePast } from './past.ts';
import { fieldOf, owned, pastFolders, paths, presentFolders, tablePath } from './paths.ts';
import { type Generation, mergePast, newestOf, type Past, type Pending } from './pending.ts';
import { namesIn } from './read-table.ts';
import { outdate, type Removed } from './removed.ts';
import type { NodeData, Op, ZooKeeperSession } from './wire/session.ts';

/** How far the tables may lag behind the log, in time and in writes. */
const INTERVAL_MS = 15_000;
const MAX_WRITES_BEHIND = 100_000;
const LOOK_MS = 1_000;
/** Limits of one transaction: larger ones exhaust the servers' memory. */
const MAX_OPS = 200;
const MAX_BYTES = 64 * 1024;

export interface CheckpointParts {
  readonly session: ZooKeeperSession;
  readonly pending: () => Pending;
  readonly clock: Clock;
  readonly log: Log;
  /** How long the past of kinds with an age is kept. Default: that of each kind. */
  readonly keepMs?: number | undefined;
}

/** Belongs to one term: created with it and stopped with it. */
export class Checkpoints {
  readonly #parts: CheckpointParts;
  readonly #term: number;
  #writtenAt: number;
  #stopped = false;
  #cancel: () => void = () => undefined;
  #running: Promise<void> = Promise.resolve();
  /** Keys that already have a node; read at the first checkpoint. */
  #known: Known | null = null;
  /** Segments up to here may be removed: followers had the time of one checkpoint to read them. */
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
      // Fenced or disconnected: the next checkpoint does what this one could not.
      done
        .catch((error: unknown) => log.debug({ error }, 'store.checkpoint-failed'))
        .finally(() => {
          if (!this.#stopped) this.start();
        });
    });
  }

  /** Resolves when nothing is in progress. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#running.catch(() => undefined);
  }

  /** Updates the tables to the current end of the log. */
  write(): Promise<void> {
    this.#running = this.#write().catch((error: unknown) => {
      // Some may have nodes that were not recorded.
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
    for (const folder of presentFolders.keys()) await this.#putPresent(folder, generations);
    for (const folder of pastFolders.keys()) await this.#putPasts(folder, generations);
    await this.#forgetRemoved(newestOf(generations, owned.of));
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

  async #putPresent(folder: string, generations: readonly Generation[]): Promise<void> {
    const kinds = presentFolders.get(folder) ?? [];
    const known = (this.#known as Known).brief.get(folder);
    const newest = kinds.map(([name, kind]) => ({ kind, values: newestOf(generations, name) }));
    const changed = new Set(newest.flatMap(({ values }) => [...values.keys()]));
    const isThere = (key: string): boolean => newest.some(({ values }) => values.get(key) != null);
    // Most of them are removed before they ever get a node.
    const keys = [...changed].filter((key) => known === undefined || known.has(key) || isThere(key));
    await this.#batches(keys, async (some) => {
      const nodes = await this.#parts.session.getMany(some.map((key) => tablePath(folder, key)));
      return some.map((key, i) => {
        const node = nodes[i] ?? null;
        const own = newest.flatMap(({ kind, values }) =>
          values.has(key) ? [[fieldOf(kind), values.get(key) ?? null] as const] : [],
        );
        return put(
          tablePath(folder, key),
          node,
          kinds.length === 1 ? (own[0]?.[1] ?? null) : joined(node, own),
        );
      });
    });
    if (known !== undefined)
      for (const key of keys) {
        if (isThere(key)) known.add(key);
        else known.delete(key);
      }
  }

  async #putPasts(folder: string, generations: readonly Generation[]): Promise<void> {
    const pasts = new Map<string, Past>();
    for (const generation of generations) {
      for (const [owner, past] of generation.pasts.get(folder) ?? [])
        pasts.set(owner, mergePast(pasts.get(owner) ?? new Map(), past));
    }
    const owners = (this.#known as Known).owners.get(folder) ?? 0;
    const maxPieces = piecesFor(owners + pasts.size);
    const whole = [...pasts].map(([owner, past]) => ({ owner, portions: inPortions(past) }));
    // One portion of each owner at a time: the next one is added to what this one has made.
    const most = whole.reduce((sum, { portions }) => Math.max(sum, portions.length), 0);
    for (let i = 0; i < most; i++) {
      const next = whole.flatMap(({ owner, portions }) => {
        const portion = portions[i];
        return portion === undefined ? [] : [[owner, portion] as const];
      });
      await this.#putPortions(folder, next, maxPieces);
    }
  }

  async #putPortions(
    folder: string,
    portions: readonly (readonly [owner: string, newer: Past])[],
    maxPieces: number,
  ): Promise<void> {
    const { owners } = this.#known as Known;
    await this.#batches(portions, async (some) => {
      const nodes = await this.#parts.session.getMany(some.map(([owner]) => tablePath(folder, owner)));
      const fresh = nodes.filter((node) => node === null).length;
      owners.set(folder, (owners.get(folder) ?? 0) + fresh);
      const { session, keepMs } = this.#parts;
      const there = some.map(([owner], i) => [owner, nodes[i] ?? null] as const);
      const oldest = await oldestPieces(session, folder, there);
      return some.map(([owner, newer], i) =>
        addToPast(folder, owner, {
          ...{ node: nodes[i] ?? null, newer, maxPieces },
          ...{ oldest: oldest[i] ?? null, keepMs },
        }),
      );
    });
  }

  /** Removes the past of jobs that were removed long ago. */
  async #forgetRemoved(jobs: ReadonlyMap<string, object | null>): Promise<void> {
    const { session, clock } = this.#parts;
    const stored = (await session.get(paths.removed))?.data.toString() ?? '[]';
    const { kept, forgotten } = outdate(JSON.parse(stored) as Removed, jobs, clock.now());
    await this.#batches(forgotten, async (some) => {
      const nodes = await session.getMany(some.map((job) => tablePath(owned.folder, job)));
      return some.map((job, i) => removePast(owned.folder, job, nodes[i] ?? null));
    });
    const next = JSON.stringify(kept);
    if (next === stored) return;
    await session.multi([
      this.#fence,
      { kind: 'set', path: paths.removed, data: Buffer.from(next), version: null },
    ]);
  }

  /**
   * Creates the writes of some items at a time, and sends them in transactions within the limits. The writes
   * of one item are in one transaction.
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

/** A node shared by several kinds: its fields merged with the changed ones. Null if none is left. */
function joined(
  node: NodeData | null,
  changed: readonly (readonly [string, Stored | null])[],
): Stored | null {
  const fields = new Map(Object.entries(node === null ? {} : (JSON.parse(node.data.toString()) as Stored)));
  for (const [field, value] of changed) {
    if (value === null) fields.delete(field);
    else fields.set(field, value);
  }
  return fields.size === 0 ? null : Object.fromEntries(fields);
}

/** By folder. */
interface Known {
  /** Keys of brief kinds that have a node. */
  readonly brief: ReadonlyMap<string, Set<string>>;
  /** Number of owners with a past. */
  readonly owners: Map<string, number>;
}

async function findKnown(session: ZooKeeperSession): Promise<Known> {
  const brief = new Map<string, Set<string>>();
  for (const [folder, kinds] of presentFolders)
    if (kinds.every(([, kind]) => kind.brief))
      brief.set(folder, new Set((await namesIn(session, folder)).map(({ key }) => key)));
  const owners = new Map<string, number>();
  for (const folder of pastFolders.keys()) owners.set(folder, (await namesIn(session, folder)).length);
  return { brief, owners };
}
