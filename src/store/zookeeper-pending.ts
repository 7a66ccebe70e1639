/**
 * What the log holds and the tables do not have yet, in memory on every node: the newest value of each thing,
 * and each job's newest past. Kept in generations, so that what a checkpoint covers can be let go; holding
 * more than needed is harmless, as the same value written twice is the same value.
 */

import type { Histograms, Job, JobState, JobStats, LedgerLine, Revision, Run } from '../scheduler/model.ts';
import type { Write } from '../scheduler/write.ts';
import { revisionOf } from './codec.ts';

/** What a job has of the past. */
export interface Past {
  /** By id. */
  readonly runs: Map<string, Run>;
  /** By the first instant. */
  readonly ledger: Map<number, LedgerLine>;
  readonly days: Map<string, Histograms>;
  readonly revisions: Map<number, Revision>;
}

export function emptyPast(): Past {
  return { runs: new Map(), ledger: new Map(), days: new Map(), revisions: new Map() };
}

/** Null: the thing is gone. */
export class Generation {
  readonly jobs = new Map<string, Job | null>();
  readonly states = new Map<string, JobState | null>();
  readonly stats = new Map<string, JobStats | null>();
  readonly runs = new Map<string, Run | null>();
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

  take(seq: number, writes: readonly Write[]): void {
    this.seq = seq;
    this.writes += writes.length;
    for (const write of writes) this.#apply(write);
  }

  #apply(write: Write): void {
    switch (write.kind) {
      case 'job':
        this.jobs.set(write.job.name, write.job);
        addRevision(this.past(write.job.name), revisionOf(write.job));
        return;
      case 'job-removed':
        this.jobs.set(write.name, null);
        this.states.set(write.name, null);
        this.stats.set(write.name, null);
        addRevision(this.past(write.name), write.revision);
        return;
      case 'state':
        this.states.set(write.state.name, write.state);
        return;
      case 'stats':
        this.stats.set(write.stats.name, write.stats);
        this.past(write.stats.name).days.set(write.stats.day, write.stats.today);
        return;
      case 'run':
        this.runs.set(write.run.id, write.run);
        return;
      case 'run-ended':
        this.runs.set(write.run.id, null);
        this.past(write.run.job).runs.set(write.run.id, write.run);
        return;
      case 'ledger':
        this.past(write.line.job).ledger.set(write.line.from, write.line);
        return;
    }
  }
}

/** A job of a removed one's name counts its revisions from 1: the two would be one list. */
function addRevision(past: Past, revision: Revision): void {
  if (revision.revision === 1) past.revisions.clear();
  past.revisions.set(revision.revision, revision);
}

/** Puts what is newer over what is older. */
export function mergePast(older: Past, newer: Past): Past {
  for (const [id, run] of newer.runs) older.runs.set(id, run);
  for (const [from, line] of newer.ledger) older.ledger.set(from, line);
  for (const [day, histograms] of newer.days) older.days.set(day, histograms);
  for (const revision of newer.revisions.values()) addRevision(older, revision);
  return older;
}

/** A generation is closed after this many writes, so that a checkpoint frees memory in steps. */
const GENERATION_WRITES = 20_000;

export class Pending {
  /** Due instants of the newest runs that ended since this was made, by job. */
  readonly newestDue = new Map<string, number>();
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

  take(seq: number, writes: readonly Write[]): void {
    const newest = this.#generations.at(-1) as Generation;
    newest.take(seq, writes);
    for (const write of writes) {
      if (write.kind !== 'run-ended') continue;
      const { job, due } = write.run;
      this.newestDue.set(job, Math.max(due, this.newestDue.get(job) ?? due));
    }
    if (newest.writes >= GENERATION_WRITES) this.#generations.push(new Generation(seq));
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
  newest<K extends 'jobs' | 'states' | 'stats' | 'runs'>(kind: K): Generation[K] {
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

export function newestOf<K extends 'jobs' | 'states' | 'stats' | 'runs'>(
  generations: readonly Generation[],
  kind: K,
): Generation[K] {
  const newest = new Map();
  for (const generation of generations) for (const [key, value] of generation[kind]) newest.set(key, value);
  return newest as Generation[K];
}
