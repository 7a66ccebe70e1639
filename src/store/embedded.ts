/**
 * The store of a single node: LMDB under the data directory. One commit is one transaction, on disk before it
 * is acknowledged; a crash at any moment leaves it there whole or not at all.
 */

import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { type Database, open, type RootDatabase } from 'lmdb';
import { CarillonError } from '../errors.ts';
import type { JobStats, LedgerLine, Run } from '../scheduler/model.ts';
import type { LoadedItem, Store, StoreLimits } from '../scheduler/ports.ts';
import type { Write, WriteGroup } from '../scheduler/write.ts';
import { bounds } from './bounds.ts';
import {
  checkFormat,
  decodeJob,
  decodeRun,
  decodeState,
  decodeStats,
  encodeHistograms,
  encodeJob,
  encodeLine,
  encodeRevision,
  encodeRun,
  encodeState,
  encodeStats,
  FORMAT,
  revisionOf,
} from './codec.ts';
import type { TermSource } from './election-solo.ts';
import { createEmbeddedArchive } from './embedded-archive.ts';
import { lockDirectory } from './exclusive-lock.ts';

/** Large batches cost one fsync; beyond, a commit would keep readers waiting. */
const limits: StoreLimits = { maxWrites: 20_000, maxBytes: Number.POSITIVE_INFINITY, inFlight: 1 };
/** Values that `load` hands over at a time: a few milliseconds of work. */
const CHUNK = 2_000;

export type Stored = Record<string, unknown>;

/** One table for each kind of thing. Keys of several parts sort part by part. */
export interface Tables {
  readonly meta: Database<unknown, string>;
  readonly jobs: Database<Stored, string>;
  readonly states: Database<Stored, string>;
  readonly stats: Database<Stored, string>;
  /** All revisions but the newest of a job that is there. */
  readonly revisions: Database<Stored, [string, number]>;
  /** Unfinished runs by id. */
  readonly runs: Database<Stored, string>;
  /** Ended runs by [job, due, id], and over all jobs by [due, id]. */
  readonly history: Database<Stored, [string, number, string]>;
  readonly byDue: Database<string, [number, string]>;
  /** Where an ended run stands: id → [job, due]. */
  readonly byId: Database<[string, number], string>;
  readonly ledger: Database<Stored, [string, number]>;
  readonly days: Database<Stored, [string, string]>;
}

export interface EmbeddedStore extends Store, TermSource {}

export function createEmbeddedStore({ dir }: { readonly dir: string }): EmbeddedStore {
  let root: RootDatabase | null = null;
  let tables: Tables | null = null;
  let unlock: () => void = () => undefined;
  const counts = new Map<string, number>();
  const ready = (): Tables => {
    if (tables === null) throw new CarillonError('STORE_UNAVAILABLE', `the store in ${dir} is not open`);
    return tables;
  };

  /** Cuts what a job has too much of; `counts` holds what is there, learned when first asked. */
  function bound(kind: 'history' | 'ledger' | 'days', job: string, keep: number): void {
    const table = ready()[kind] as Database<Stored, [string, ...(number | string)[]]>;
    const range = { start: [job], end: [job, '￿'] } as const;
    const key = `${kind}/${job}`;
    const count = (counts.get(key) ?? table.getKeysCount(range as never)) + 1;
    if (count <= keep * (1 + bounds.slack)) {
      counts.set(key, count);
      return;
    }
    const doomed = [...table.getKeys({ ...range, limit: count - keep } as never)] as unknown as [
      string,
      ...(number | string)[],
    ][];
    for (const each of doomed) {
      table.removeSync(each);
      if (kind !== 'history') continue;
      const [, due, id] = each as unknown as [string, number, string];
      ready().byDue.removeSync([due, id]);
      ready().byId.removeSync(id);
    }
    counts.set(key, count - doomed.length);
  }

  /** The newest revision is the job itself; what it replaces moves into the past. */
  function retire(name: string): void {
    const { jobs, revisions } = ready();
    const stored = jobs.get(name);
    if (stored === undefined) return;
    const revision = revisionOf(decodeJob(name, stored));
    revisions.putSync([name, revision.revision], encodeRevision(revision));
    // Numbers have no gaps: one goes as one comes.
    revisions.removeSync([name, revision.revision - bounds.revisionsPerJob]);
  }

  function putEnded(run: Run): void {
    const { runs, history, byDue, byId } = ready();
    runs.removeSync(run.id);
    history.putSync([run.job, run.due, run.id], encodeRun(run));
    byDue.putSync([run.due, run.id], run.job);
    byId.putSync(run.id, [run.job, run.due]);
    bound('history', run.job, bounds.historyPerJob);
  }

  function putLine(line: LedgerLine): void {
    const { ledger } = ready();
    const isNew = !ledger.doesExist([line.job, line.from]);
    ledger.putSync([line.job, line.from], encodeLine(line));
    if (isNew) bound('ledger', line.job, bounds.ledgerPerJob);
  }

  function putStats(stats: JobStats): void {
    const { stats: table, days } = ready();
    table.putSync(stats.name, encodeStats(stats));
    const isNew = !days.doesExist([stats.name, stats.day]);
    days.putSync([stats.name, stats.day], encodeHistograms(stats.today));
    if (isNew) bound('days', stats.name, bounds.daysPerJob);
  }

  function apply(write: Write): void {
    const { jobs, states, stats, runs, revisions } = ready();
    switch (write.kind) {
      case 'job':
        retire(write.job.name);
        jobs.putSync(write.job.name, encodeJob(write.job));
        return;
      case 'job-removed':
        retire(write.name);
        jobs.removeSync(write.name);
        states.removeSync(write.name);
        stats.removeSync(write.name);
        revisions.putSync([write.name, write.revision.revision], encodeRevision(write.revision));
        return;
      case 'state':
        states.putSync(write.state.name, encodeState(write.state));
        return;
      case 'stats':
        putStats(write.stats);
        return;
      case 'run':
        runs.putSync(write.run.id, encodeRun(write.run));
        return;
      case 'run-ended':
        putEnded(write.run);
        return;
      case 'ledger':
        putLine(write.line);
        return;
    }
  }

  return {
    limits,
    async open() {
      try {
        mkdirSync(dir, { recursive: true, mode: 0o700 });
        unlock = lockDirectory(dir);
        root = openRoot(dir);
        tables = openTables(root);
        checkFormat((tables.meta.get('format') as number | undefined) ?? FORMAT, dir);
        if (tables.meta.get('format') === undefined) {
          await tables.meta.put('format', FORMAT);
          await tables.meta.put('cluster', randomUUID());
        }
      } catch (error) {
        unlock();
        throw unavailable(dir, error);
      }
    },
    async close() {
      tables = null;
      counts.clear();
      await root?.close();
      root = null;
      unlock();
    },
    async cluster() {
      return ready().meta.get('cluster') as string;
    },
    async campaign() {
      const { meta } = ready();
      const term = ((meta.get('term') as number | undefined) ?? 0) + 1;
      await meta.put('term', term);
      return term;
    },
    async *load(): AsyncIterable<readonly LoadedItem[]> {
      const { jobs, states, stats, runs } = ready();
      const item = {
        job: (key: string, value: Stored): LoadedItem => ({ kind: 'job', job: decodeJob(key, value) }),
        state: (key: string, value: Stored): LoadedItem => ({
          kind: 'state',
          state: decodeState(key, value),
        }),
        stats: (key: string, value: Stored): LoadedItem => ({
          kind: 'stats',
          stats: decodeStats(key, value),
        }),
        run: (_: string, value: Stored): LoadedItem => ({ kind: 'run', run: decodeRun(value) }),
      };
      for (const [table, decode] of [
        [jobs, item.job],
        [states, item.state],
        [stats, item.stats],
        [runs, item.run],
      ] as const) {
        let chunk: LoadedItem[] = [];
        for (const { key, value } of table.getRange()) {
          chunk.push(decode(key, value));
          if (chunk.length < CHUNK) continue;
          yield chunk;
          chunk = [];
          // Gives way to requests and timers between chunks.
          await new Promise((resolve) => setImmediate(resolve));
        }
        yield chunk;
      }
    },
    async commit(term, groups: readonly WriteGroup[]) {
      const { meta } = ready();
      let current = 0;
      try {
        await (root as RootDatabase).transaction(() => {
          current = meta.get('term') as number;
          // Nothing is written before the term is known to be current.
          if (current !== term) return;
          for (const group of groups) for (const write of group) apply(write);
        });
      } catch (error) {
        counts.clear();
        throw unavailable(dir, error);
      }
      if (current !== term) {
        throw new CarillonError('NOT_LEADING', `term ${term} has ended; the current one is ${current}`);
      }
    },
    // Only this process writes, and it knows what it wrote.
    watch: () => () => undefined,
    archive: createEmbeddedArchive(ready),
  };
}

function openRoot(dir: string): RootDatabase {
  return open({
    path: dir,
    noSubdir: false,
    maxDbs: 16,
    // A commit resolves when it is on disk, not when it is only in the page cache.
    overlappingSync: false,
    compression: false,
  });
}

function openTables(root: RootDatabase): Tables {
  const table = (name: string): never =>
    root.openDB({ name, encoding: 'msgpack', sharedStructuresKey: Symbol.for('structures') }) as never;
  return {
    meta: table('meta'),
    jobs: table('jobs'),
    states: table('states'),
    stats: table('stats'),
    runs: table('runs'),
    history: table('history'),
    byDue: table('by-due'),
    byId: table('by-id'),
    ledger: table('ledger'),
    revisions: table('revisions'),
    days: table('days'),
  };
}

function unavailable(dir: string, error: unknown): CarillonError {
  if (error instanceof CarillonError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new CarillonError('STORE_UNAVAILABLE', `the store in ${dir} can not be used: ${reason}`, {
    field: 'dataDir',
    value: dir,
    allowed: 'a directory that can be written, on a disk with room',
  });
}
