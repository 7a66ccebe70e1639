/**
 * What the log holds and the tables do not have yet, in memory on every node: the newest value of each thing,
 * and each job's newest past. Kept in generations, so that what a checkpoint covers can be let go; holding
 * more than needed is harmless, as the same value written twice is the same value.
 */

import type { Losable, StoredRecord } from '../backup-record.ts';
import { type Stored, storedRevisionOf } from '../codec.ts';
import type { Place } from '../cursor.ts';
import type { StoredWrite } from '../segment.ts';
import { comparePlaces } from './past-index.ts';

/** What a job has of the past, in its stored form. */
export interface Past {
  /** By id. */
  readonly runs: Map<string, Stored>;
  /** By the first instant. */
  readonly ledger: Map<number, Stored>;
  readonly days: Map<string, Stored>;
  readonly revisions: Map<number, Stored>;
}

export function emptyPast(): Past {
  return { runs: new Map(), ledger: new Map(), days: new Map(), revisions: new Map() };
}

/** The newest of each thing; null: it is gone. */
type Values = Map<string, Stored | null>;
export type Kind = 'jobs' | 'states' | 'stats' | 'runs';

export class Generation {
  readonly jobs: Values = new Map();
  readonly states: Values = new Map();
  readonly stats: Values = new Map();
  readonly runs: Values = new Map();
  readonly pasts = new Map<string, Past>();
  /** The newest segment in it. */
  seq: number;
  writes = 0;

  constructor(seq: number) {
    this.seq = seq;
  }

  past(job: string): Past {
    let past = this.pasts.get(job);
    if (past === undefined) {
      past = emptyPast();
      this.pasts.set(job, past);
    }
    return past;
  }

  take(seq: number, writes: readonly StoredRecord[]): void {
    this.seq = seq;
    this.writes += writes.length;
    for (const write of writes) this.#apply(write);
  }

  #apply(record: StoredRecord): void {
    if (record[0] === 'revision') addRevision(this.past(record[1]), record[3], record[2]);
    else if (record[0] === 'day') this.past(record[1]).days.set(record[3], record[2]);
    else if (record[0] === 'gone') this.#tables[record[2].of].set(record[1], null);
    else this.#applyWrite(record);
  }

  get #tables(): Readonly<Record<Losable, Values>> {
    return { job: this.jobs, state: this.states, stats: this.stats, run: this.runs };
  }

  #applyWrite([kind, key, value, more = 0]: StoredWrite): void {
    switch (kind) {
      case 'job':
        this.jobs.set(key, value);
        addRevision(this.past(key), value.revision as number, storedRevisionOf(key, value));
        return;
      case 'job-removed':
        this.jobs.set(key, null);
        this.states.set(key, null);
        this.stats.set(key, null);
        addRevision(this.past(key), more, value);
        return;
      case 'state':
        this.states.set(key, value);
        return;
      case 'stats':
        this.stats.set(key, value);
        this.past(key).days.set(value.day as string, value.today as Stored);
        return;
      case 'run':
        this.runs.set(key, value);
        return;
      case 'run-ended':
        this.runs.set(key, null);
        this.past(value.job as string).runs.set(key, value);
        return;
      case 'ledger':
        this.past(key).ledger.set(more, value);
        return;
    }
  }
}

/** Numbers continue after a removal. Where they begin again, the past was forgotten. */
function addRevision(past: Past, number: number, revision: Stored): void {
  if (number === 1) past.revisions.clear();
  past.revisions.set(number, revision);
}

/** Puts what is newer over what is older. */
export function mergePast(older: Past, newer: Past): Past {
  for (const [id, run] of newer.runs) older.runs.set(id, run);
  for (const [from, line] of newer.ledger) older.ledger.set(from, line);
  for (const [day, histograms] of newer.days) older.days.set(day, histograms);
  for (const [number, revision] of newer.revisions) addRevision(older, number, revision);
  return older;
}

/** A generation is closed after this many writes, so that a checkpoint frees memory in steps. */
const GENERATION_WRITES = 20_000;

export class Pending {
  /** By job, the place of its newest run of those that ended since they were taken last. */
  #newest = new Map<string, Place>();
  #generations: Generation[];
  #held = 0;
  #checkpoint: number;

  constructor(checkpoint: number) {
    this.#checkpoint = checkpoint;
    this.#generations = [new Generation(checkpoint)];
  }

  get checkpoint(): number {
    return this.#checkpoint;
  }

  get writes(): number {
    return this.#generations.reduce((sum, each) => sum + each.writes, 0);
  }

  take(seq: number, writes: readonly StoredRecord[]): void {
    const newest = this.#generations.at(-1) as Generation;
    newest.take(seq, writes);
    for (const [kind, , value] of writes) {
      if (kind !== 'run-ended') continue;
      const { job, due, id } = value as { job: string; due: number; id: string };
      const before = this.#newest.get(job);
      if (before === undefined || comparePlaces(before, [due, id]) < 0) this.#newest.set(job, [due, id]);
    }
    if (newest.writes >= GENERATION_WRITES) this.#generations.push(new Generation(seq));
  }

  /** Whose runs ended since the last call, and where in the list of all runs. */
  takeNewest(): ReadonlyMap<string, Place> {
    const taken = this.#newest;
    this.#newest = new Map();
    return taken;
  }

  /** All that is held now, oldest first; what comes from now on is in newer generations. */
  close(): readonly Generation[] {
    const closed = [...this.#generations];
    this.#generations.push(new Generation((closed.at(-1) as Generation).seq));
    return closed;
  }

  /** The tables have everything up to here. */
  reached(checkpoint: number): void {
    if (checkpoint <= this.#checkpoint) return;
    this.#checkpoint = checkpoint;
    this.#letGo();
    // What comes now is freed by the next checkpoint.
    if ((this.#generations.at(-1) as Generation).writes > 0) this.close();
  }

  /** Lets nothing go while tables are being read: they may be read before a checkpoint gets to them. */
  async holding<T>(read: () => Promise<T>): Promise<T> {
    this.#held += 1;
    try {
      return await read();
    } finally {
      this.#held -= 1;
      this.#letGo();
    }
  }

  #letGo(): void {
    if (this.#held > 0) return;
    const last = this.#generations.at(-1) as Generation;
    this.#generations = this.#generations.filter((each) => each === last || each.seq > this.#checkpoint);
  }

  /** The newest values of one kind; null: gone. */
  newest(kind: Kind): ReadonlyMap<string, Stored | null> {
    return newestOf(this.#generations, kind);
  }

  /** The job's past over what the tables have of it. */
  overlay(job: string, stored: Past): Past {
    for (const { pasts } of this.#generations) {
      const past = pasts.get(job);
      if (past !== undefined) mergePast(stored, past);
    }
    return stored;
  }
}

export function newestOf(generations: readonly Generation[], kind: Kind): ReadonlyMap<string, Stored | null> {
  const newest: Values = new Map();
  for (const generation of generations) for (const [key, value] of generation[kind]) newest.set(key, value);
  return newest;
}
