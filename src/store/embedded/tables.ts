/**
 * How the embedded store lies on disk. Values are JSON text, each readable by itself: a binary form with a
 * dictionary beside the values would lose them all with a dictionary whose transaction failed.
 */

import { type Database, open, type RootDatabase } from 'lmdb';
import type { CarillonError } from '../../errors.ts';
import type { Stored } from '../codec.ts';
import { type Key, Table } from './table.ts';

/** Of tables and keys; a directory with another one is refused. Values have a version of their own. */
export const LAYOUT = 3;
/** The same without checksums: read as it is, and of the newer layout from then on. */
export const UNSEALED_LAYOUT = 2;

/** What a job has of each kind of past: runs, ledger lines, days. */
export type Counts = [history: number, ledger: number, days: number];

/** One table for each kind of thing. Keys of several parts sort part by part. */
export interface Tables {
  readonly meta: Database<unknown, string>;
  readonly jobs: Table<Stored, string>;
  readonly states: Table<Stored, string>;
  readonly stats: Table<Stored, string>;
  /** All revisions but the newest of a job that is there. */
  readonly revisions: Table<Stored, [string, number]>;
  /** Unfinished runs by id. */
  readonly runs: Table<Stored, string>;
  /** Ended runs by [job, due, id], and over all jobs by [due, id]. */
  readonly history: Table<Stored, [string, number, string]>;
  readonly byDue: Table<string, [number, string]>;
  /** Where an ended run stands: id → [job, due]. */
  readonly byId: Table<[string, number], string>;
  readonly ledger: Table<Stored, [string, number]>;
  readonly days: Table<Stored, [string, string]>;
  /** Kept with what they count, so that bounds cost no scan after a restart and no memory. */
  readonly counts: Table<Counts, string>;
}

export function openRoot(dir: string): RootDatabase {
  return open({
    path: dir,
    noSubdir: false,
    maxDbs: 16,
    // A commit resolves when it is on disk, not when it is only in the page cache.
    overlappingSync: false,
    compression: false,
    // A commit is one transaction already; the promise of a turn's batch is nobody's, and its rejection on a
    // full disk would end the process.
    eventTurnBatching: false,
  });
}

/** `damaged` makes the error for a record that can't be read. */
export function openTables(root: RootDatabase, damaged: (what: string) => CarillonError): Tables {
  const table = <V, K extends Key>(name: string): Table<V, K> =>
    new Table(name, root.openDB({ name, encoding: 'string' }), damaged);
  return {
    // Numbers and text only, in the form that every layout has used: the layout itself is read from here.
    meta: root.openDB({ name: 'meta', encoding: 'msgpack' }),
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
    counts: table('counts'),
  };
}
