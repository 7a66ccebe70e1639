/**
 * One commit's writes to the embedded store, made inside its transaction: each goes to its tables, and what a
 * job has too much of is cut. What is counted reaches the disk with `finish`, in the same transaction.
 */

import type { JobStats, LedgerLine, Revision, Run } from '../../scheduler/model/model.ts';
import type { Write } from '../../scheduler/model/write.ts';
import type { Losable, StoredRecord } from '../backup-record.ts';
import { bounds } from '../bounds.ts';
import {
  decodeJob,
  encodeHistograms,
  encodeJob,
  encodeLine,
  encodeRevision,
  encodeRun,
  encodeState,
  encodeStats,
  revisionOf,
} from '../codec.ts';
import { decodeWrite } from '../segment.ts';
import type { Counts, Tables } from './tables.ts';

/** Sorts behind every other part of a key. */
const LAST = '￿';

const counted = {
  history: { place: 0, keep: bounds.historyPerJob },
  ledger: { place: 1, keep: bounds.ledgerPerJob },
  days: { place: 2, keep: bounds.daysPerJob },
} as const;

export interface CommitWrites {
  apply(write: Write): void;
  /** For a restore. */
  applyRecord(record: StoredRecord): void;
  finish(): void;
}

export function createCommitWrites(tables: Tables): CommitWrites {
  const { jobs, states, stats, runs, revisions, history, byDue, byId, ledger, days } = tables;
  const counts = new Map<string, Counts>();

  /** Counts one more of a kind, and cuts the oldest when the bound is overrun. */
  function grow(kind: keyof typeof counted, job: string): void {
    const own = counts.get(job) ?? tables.counts.get(job) ?? [0, 0, 0];
    counts.set(job, own);
    const { place, keep } = counted[kind];
    own[place] += 1;
    if (own[place] <= keep * (1 + bounds.slack)) return;
    const oldest = { start: [job], end: [job, LAST], limit: own[place] - keep };
    if (kind === 'history') {
      for (const key of [...history.getKeys(oldest as never)]) {
        history.removeSync(key);
        byDue.removeSync([key[1], key[2]]);
        byId.removeSync(key[2]);
      }
    } else if (kind === 'ledger') {
      for (const key of [...ledger.getKeys(oldest as never)]) ledger.removeSync(key);
    } else {
      for (const key of [...days.getKeys(oldest as never)]) days.removeSync(key);
    }
    own[place] = keep;
  }

  function putRevision(revision: Revision): void {
    revisions.putSync([revision.job, revision.revision], encodeRevision(revision));
  }

  /** The newest revision is the job itself; what it replaces moves into the past. */
  function retire(name: string, next: number): void {
    const stored = jobs.get(name);
    if (stored === undefined) {
      // Numbers continue after a removal. Where they begin again, the past was forgotten.
      if (next !== 1) return;
      const past = { start: [name], end: [name, LAST] };
      for (const key of [...revisions.getKeys(past as never)]) revisions.removeSync(key);
      return;
    }
    const revision = revisionOf(decodeJob(name, stored));
    if (revision.revision === next) return;
    putRevision(revision);
    // Numbers have no gaps: one goes as one comes.
    revisions.removeSync([name, revision.revision - bounds.revisionsPerJob]);
  }

  function putEnded(run: Run): void {
    runs.removeSync(run.id);
    const isNew = !byId.doesExist(run.id);
    history.putSync([run.job, run.due, run.id], encodeRun(run));
    byDue.putSync([run.due, run.id], run.job);
    byId.putSync(run.id, [run.job, run.due]);
    if (isNew) grow('history', run.job);
  }

  function putLine(line: LedgerLine): void {
    const isNew = !ledger.doesExist([line.job, line.from]);
    ledger.putSync([line.job, line.from], encodeLine(line));
    if (isNew) grow('ledger', line.job);
  }

  function putStats(value: JobStats): void {
    stats.putSync(value.name, encodeStats(value));
    const isNew = !days.doesExist([value.name, value.day]);
    days.putSync([value.name, value.day], encodeHistograms(value.today));
    if (isNew) grow('days', value.name);
  }

  function lose(of: Losable, key: string): void {
    if (of === 'job') {
      // The record of the removal follows, or came before: the revision that the job was is of the past now.
      const stored = jobs.get(key);
      if (stored !== undefined) putRevision(revisionOf(decodeJob(key, stored)));
      jobs.removeSync(key);
    } else if (of === 'state') states.removeSync(key);
    else if (of === 'stats') stats.removeSync(key);
    else runs.removeSync(key);
  }

  const writes: CommitWrites = {
    applyRecord(record) {
      if (record[0] === 'revision') {
        const [, job, value, revision] = record;
        // The newest is the job itself.
        if (jobs.get(job)?.revision !== revision) revisions.putSync([job, revision], value);
      } else if (record[0] === 'day') {
        const [, job, value, day] = record;
        const isNew = !days.doesExist([job, day]);
        days.putSync([job, day], value);
        if (isNew) grow('days', job);
      } else if (record[0] === 'gone') lose(record[2].of, record[1]);
      else {
        const write = decodeWrite(record);
        writes.apply(write);
        // Other stores keep the newest revision with the earlier ones.
        if (write.kind === 'job') revisions.removeSync([write.job.name, write.job.revision]);
      }
    },
    apply(write) {
      switch (write.kind) {
        case 'job':
          retire(write.job.name, write.job.revision);
          jobs.putSync(write.job.name, encodeJob(write.job));
          return;
        case 'job-removed':
          retire(write.name, write.revision.revision);
          jobs.removeSync(write.name);
          states.removeSync(write.name);
          stats.removeSync(write.name);
          putRevision(write.revision);
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
    },
    finish() {
      for (const [job, own] of counts) tables.counts.putSync(job, own);
    },
  };
  return writes;
}
