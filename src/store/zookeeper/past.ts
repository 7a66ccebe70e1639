/**
 * A job's past as nodes: one that is rewritten as the job runs, and sealed pieces below it that are not. So a
 * busy job costs a small write for each checkpoint, and all jobs are bounded.
 */

import { nextRound } from '../../loop-round.ts';
import type { Stored } from '../codec.ts';
import { pack, unpack } from '../segment.ts';
import { tablePath } from './paths.ts';
import { emptyPast, mergePast, type Past } from './pending.ts';
import type { NodeData, Op, ZooKeeperSession } from './wire/session.ts';

/** Runs and ledger lines in a node before they are sealed into pieces of about as many of each. */
const SEAL_AT = 200;
/** Sealed pieces of a job; the oldest goes. */
const MAX_PIECES = 32;
/** Of all jobs: servers hold everything in memory, and a piece is some ten kilobytes. */
const MAX_PIECES_OF_ALL = 32_768;
/** Rewritten with each checkpoint in which the job ran, so they are few. */
const DAYS = 62;
const REVISIONS = 20;

interface StoredPast {
  readonly runs: readonly Stored[];
  readonly ledger: readonly (readonly [from: number, line: Stored])[];
  readonly days?: readonly (readonly [day: string, histograms: Stored])[];
  readonly revisions?: readonly (readonly [revision: number, value: Stored])[];
  /** Numbers of the sealed pieces, oldest first. */
  readonly pieces?: readonly number[];
}

/** Nodes that are unpacked before everything else has a turn. */
const PORTION = 8;

const piecePath = (job: string, piece: number): string => `${tablePath('history', job)}/${piece}`;

/** All that the tables have of the jobs' past, in the order of `jobs`. */
export async function readPasts(session: ZooKeeperSession, jobs: readonly string[]): Promise<Past[]> {
  const nodes = await session.getMany(jobs.map((job) => tablePath('history', job)));
  const stored: StoredPast[] = [];
  for (const node of nodes) {
    stored.push(read(node));
    if (stored.length % PORTION === 0) await nextRound();
  }
  const pieces = stored.flatMap(({ pieces = [] }, i) =>
    pieces.map((piece) => ({ job: i, path: piecePath(jobs[i] as string, piece) })),
  );
  const found = await session.getMany(pieces.map(({ path }) => path));
  const pasts = jobs.map(() => emptyPast());
  for (const [i, { job }] of pieces.entries()) {
    mergePast(pasts[job] as Past, toPast(read(found[i] ?? null)));
    await nextRound();
  }
  for (const [i, each] of stored.entries()) mergePast(pasts[i] as Past, toPast(each));
  return pasts;
}

/** The same node by node, older ones of a job first: opening all of a busy job at once takes long. */
export async function* readPastNodes(
  session: ZooKeeperSession,
  jobs: readonly string[],
): AsyncIterable<{ readonly job: string; readonly past: Past }> {
  const nodes = await session.getMany(jobs.map((job) => tablePath('history', job)));
  for (const [i, job] of jobs.entries()) {
    const newest = read(nodes[i] ?? null);
    const pieces = await session.getMany((newest.pieces ?? []).map((piece) => piecePath(job, piece)));
    for (const piece of pieces) yield { job, past: toPast(read(piece)) };
    yield { job, past: toPast(newest) };
  }
}

/** How many sealed pieces each job may have where there are so many. */
export const piecesFor = (jobs: number): number =>
  Math.min(MAX_PIECES, Math.floor(MAX_PIECES_OF_ALL / Math.max(1, jobs)));

/** What to write so that the job's nodes have what is newer as well; `node` is what is there. */
export function addToPast(job: string, node: NodeData | null, newer: Past, maxPieces: number): Op[] {
  const path = tablePath('history', job);
  const { pieces = [], ...rest } = read(node);
  const past = mergePast(toPast(rest), newer);
  const kept = {
    days: [...past.days].sort(byKey).slice(-DAYS),
    revisions: [...past.revisions].sort(byKey).slice(-REVISIONS),
  };
  const runs = [...past.runs.values()].sort(byDue);
  const ledger = [...past.ledger].sort(byKey);
  const put = (value: StoredPast): Op =>
    node === null
      ? { kind: 'create', path, data: pack(value) }
      : { kind: 'set', path, data: pack(value), version: null };
  if (runs.length + ledger.length < SEAL_AT) return [put({ runs, ledger, ...kept, pieces })];
  if (maxPieces === 0 && pieces.length === 0) {
    const half = SEAL_AT / 2;
    return [put({ runs: runs.slice(-half), ledger: ledger.slice(-half), ...kept, pieces })];
  }
  const count = Math.min(Math.max(1, maxPieces), Math.ceil((runs.length + ledger.length) / SEAL_AT));
  const sealed = Array.from({ length: count }, (_, i) => ({
    number: (pieces.at(-1) ?? 0) + 1 + i,
    value: { runs: share(runs, i, count), ledger: share(ledger, i, count) } satisfies StoredPast,
  }));
  const left = [...pieces, ...sealed.map(({ number }) => number)].slice(-Math.max(1, maxPieces));
  return [
    put({ runs: [], ledger: [], ...kept, pieces: left }),
    ...sealed.map(
      ({ number, value }): Op => ({ kind: 'create', path: piecePath(job, number), data: pack(value) }),
    ),
    ...pieces
      .filter((piece) => !left.includes(piece))
      .map((piece): Op => ({ kind: 'remove', path: piecePath(job, piece), version: null })),
  ];
}

/** What removes the job's past. */
export function removePast(job: string, node: NodeData | null): Op[] {
  if (node === null) return [];
  const { pieces = [] } = read(node);
  const nodes = [...pieces.map((piece) => piecePath(job, piece)), tablePath('history', job)];
  return nodes.map((path) => ({ kind: 'remove', path, version: null }));
}

/** The i-th of `count` even shares of the newest that fit into so many pieces. */
function share<T>(all: readonly T[], i: number, count: number): readonly T[] {
  const newest = all.slice(-count * SEAL_AT);
  const each = Math.ceil(newest.length / count);
  return newest.slice(i * each, (i + 1) * each);
}

function read(node: NodeData | null): StoredPast {
  return node === null ? { runs: [], ledger: [] } : (unpack(node.data) as unknown as StoredPast);
}

function toPast({ runs, ledger, days = [], revisions = [] }: StoredPast): Past {
  return {
    runs: new Map(runs.map((run) => [run.id as string, run])),
    ledger: new Map(ledger),
    days: new Map(days),
    revisions: new Map(revisions),
  };
}

const byKey = ([a]: readonly [number | string, unknown], [b]: readonly [number | string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;

function byDue(a: Stored, b: Stored): number {
  return (
    byKey([a.due as number, null], [b.due as number, null]) ||
    byKey([a.id as string, null], [b.id as string, null])
  );
}
