/**
 * The reference store: everything in maps, gone with the process. Several stores may share one backing, as
 * several nodes share one ensemble; values pass through the codec, so nobody shares what can change.
 */

import { CarillonError } from '../errors.ts';
import type { LedgerLine, Revision, Run } from '../scheduler/model/model.ts';
import type { Write } from '../scheduler/model/write.ts';
import type { Archive, Store, Watcher } from '../scheduler/ports.ts';
import { writeBackup } from './backup-file.ts';
import { bounds } from './bounds.ts';
import {
  decodeHistograms,
  decodeJob,
  decodeLine,
  decodeRevision,
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
  revisionOf,
} from './codec.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import type { TermSource } from './election-solo.ts';

type Text = string;

/** What outlives a store. Values are JSON text: nothing in it can be changed from outside. */
export interface MemoryBacking {
  term: number;
  readonly jobs: Map<string, Text>;
  readonly states: Map<string, Text>;
  readonly stats: Map<string, Text>;
  readonly runs: Map<string, Text>;
  /** By job; each ordered by due instant, then id. */
  readonly history: Map<string, Run[]>;
  readonly ledger: Map<string, Map<number, Text>>;
  readonly revisions: Map<string, Map<number, Text>>;
  readonly days: Map<string, Map<string, Text>>;
  readonly watchers: Set<{ readonly store: object; readonly watcher: Watcher }>;
}

export function createMemoryBacking(): MemoryBacking {
  return {
    term: 0,
    jobs: new Map(),
    states: new Map(),
    stats: new Map(),
    runs: new Map(),
    history: new Map(),
    ledger: new Map(),
    revisions: new Map(),
    days: new Map(),
    watchers: new Set(),
  };
}

export interface MemoryStore extends Store, TermSource {}

export function createMemoryStore(backing: MemoryBacking = createMemoryBacking()): MemoryStore {
  const own = {};
  const read = (text: Text): Record<string, unknown> => JSON.parse(text);
  return {
    limits: { maxWrites: 5_000, inFlight: 1 },
    async open() {},
    async close() {},
    cluster: async () => 'memory',
    campaign: async () => ++backing.term,
    async *load() {
      yield [...backing.jobs].map(
        ([name, text]) => ({ kind: 'job', job: decodeJob(name, read(text)) }) as const,
      );
      yield [...backing.states].map(
        ([name, text]) => ({ kind: 'state', state: decodeState(name, read(text)) }) as const,
      );
      yield [...backing.stats].map(
        ([name, text]) => ({ kind: 'stats', stats: decodeStats(name, read(text)) }) as const,
      );
      yield [...backing.runs.values()].map((text) => ({ kind: 'run', run: decodeRun(read(text)) }) as const);
    },
    async commit(term, groups) {
      if (term !== backing.term) {
        throw new CarillonError('NOT_LEADING', `term ${term} has ended; the current one is ${backing.term}`);
      }
      // What cannot be stored is found before anything is written.
      const writes = JSON.parse(JSON.stringify(groups.flat())) as Write[];
      for (const write of writes) apply(backing, write);
      for (const { store, watcher } of backing.watchers)
        if (store !== own) watcher.onWrites(structuredClone(writes));
    },
    watch(watcher) {
      const watching = { store: own, watcher };
      backing.watchers.add(watching);
      // Told as part of each commit: never behind.
      return {
        caughtUp: async () => undefined,
        lagMs: () => 0,
        stop: () => void backing.watchers.delete(watching),
      };
    },
    status: () => ({ reachable: true, detail: null }),
    backup: ({ version, now }) =>
      writeBackup(
        {
          version,
          takenAt: new Date(now).toISOString(),
          installation: 'memory',
          store: 'memory',
          term: backing.term,
        },
        records(backing),
      ),
    archive: archiveOf(backing),
  };
}

function apply(backing: MemoryBacking, write: Write): void {
  switch (write.kind) {
    case 'job':
      // Numbers continue after a removal. Where they begin again, the past was forgotten.
      if (write.job.revision === 1) backing.revisions.delete(write.job.name);
      backing.jobs.set(write.job.name, JSON.stringify(encodeJob(write.job)));
      putRevision(backing, revisionOf(write.job));
      return;
    case 'job-removed':
      for (const map of [backing.jobs, backing.states, backing.stats]) map.delete(write.name);
      putRevision(backing, write.revision);
      return;
    case 'state':
      backing.states.set(write.state.name, JSON.stringify(encodeState(write.state)));
      return;
    case 'stats':
      backing.stats.set(write.stats.name, JSON.stringify(encodeStats(write.stats)));
      put(
        backing.days,
        write.stats.name,
        write.stats.day,
        encodeHistograms(write.stats.today),
        bounds.daysPerJob,
      );
      return;
    case 'run':
      backing.runs.set(write.run.id, JSON.stringify(encodeRun(write.run)));
      return;
    case 'run-ended':
      putEnded(backing, write.run);
      return;
    case 'ledger':
      putLine(backing, write.line);
      return;
  }
}

/** Puts a value under a job's key and cuts the smallest keys beyond the bound. */
function put<K extends number | string>(
  table: Map<string, Map<K, Text>>,
  job: string,
  key: K,
  value: object,
  keep: number,
): void {
  const entries = table.get(job) ?? new Map<K, Text>();
  entries.set(key, JSON.stringify(value));
  if (entries.size > keep * (1 + bounds.slack)) {
    for (const old of [...entries.keys()].sort(byKey).slice(0, entries.size - keep)) entries.delete(old);
  }
  table.set(job, entries);
}

const byKey = (a: number | string, b: number | string): number => (a < b ? -1 : a > b ? 1 : 0);

function putRevision(backing: MemoryBacking, revision: Revision): void {
  put(backing.revisions, revision.job, revision.revision, encodeRevision(revision), bounds.revisionsPerJob);
}

function putLine(backing: MemoryBacking, line: LedgerLine): void {
  put(backing.ledger, line.job, line.from, encodeLine(line), bounds.ledgerPerJob);
}

function putEnded(backing: MemoryBacking, run: Run): void {
  backing.runs.delete(run.id);
  const runs = (backing.history.get(run.job) ?? []).filter((other) => other.id !== run.id);
  runs.push(run);
  runs.sort(byDue);
  if (runs.length > bounds.historyPerJob * (1 + bounds.slack))
    runs.splice(0, runs.length - bounds.historyPerJob);
  backing.history.set(run.job, runs);
}

function byDue(a: Run, b: Run): number {
  return a.due - b.due || byKey(a.id, b.id);
}

async function* records(backing: MemoryBacking): AsyncIterable<readonly string[]> {
  const of = (kind: string, table: ReadonlyMap<string, Text>): string[] =>
    [...table].map(([key, json]) => `["${kind}",${JSON.stringify(key)},${json}]`);
  const below = <K>(kind: string, table: ReadonlyMap<string, ReadonlyMap<K, Text>>): string[] =>
    [...table].flatMap(([job, entries]) =>
      [...entries].map(([key, json]) => `["${kind}",${JSON.stringify(job)},${json},${JSON.stringify(key)}]`),
    );
  yield [
    ...below('revision', backing.revisions),
    ...of('job', backing.jobs),
    ...of('state', backing.states),
    ...of('stats', backing.stats),
    ...of('run', backing.runs),
    ...[...backing.history.values()]
      .flat()
      .map((run) => JSON.stringify(['run-ended', run.id, encodeRun(run)])),
    ...below('ledger', backing.ledger),
    ...below('day', backing.days),
  ];
}

function archiveOf(backing: MemoryBacking): Archive {
  const read = (text: Text): Record<string, unknown> => JSON.parse(text);
  return {
    async runs({ job, states, fromMs, toMs, limit, cursor }) {
      const all = job === undefined ? [...backing.history.values()].flat() : (backing.history.get(job) ?? []);
      const place = cursor === undefined ? null : decodeCursor(cursor);
      const fitting = all
        .filter((run) => states === undefined || states.some((state) => state === run.state))
        .filter(
          (run) =>
            run.due >= (fromMs ?? Number.NEGATIVE_INFINITY) && run.due < (toMs ?? Number.POSITIVE_INFINITY),
        )
        .filter((run) => place === null || run.due < place[0] || (run.due === place[0] && run.id < place[1]))
        .sort((a, b) => byDue(b, a));
      const items = fitting.slice(0, limit);
      const last = items.at(-1);
      const more = fitting.length > items.length && last !== undefined;
      return { items: structuredClone(items), next: more ? encodeCursor([last.due, last.id]) : null };
    },
    async run(id) {
      const run = [...backing.history.values()].flat().find((each) => each.id === id);
      return run === undefined ? null : structuredClone(run);
    },
    async revisions(job) {
      const entries = [...(backing.revisions.get(job) ?? [])].sort(([a], [b]) => b - a);
      return entries.map(([number, text]) => decodeRevision(job, number, read(text)));
    },
    async ledger({ job, fromMs, toMs, limit }) {
      return [...(backing.ledger.get(job) ?? [])]
        .sort(([a], [b]) => a - b)
        .map(([from, text]) => decodeLine(job, from, read(text)))
        .filter((line) => line.from < toMs && line.to >= fromMs)
        .slice(0, limit);
    },
    async days({ job, fromDay, toDay }) {
      return [...(backing.days.get(job) ?? [])]
        .filter(([day]) => day >= fromDay && day <= toDay)
        .sort(([a], [b]) => byKey(a, b))
        .map(([day, text]) => ({ day, histograms: decodeHistograms(read(text)) }));
    },
  };
}
