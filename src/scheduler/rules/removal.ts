/**
 * Removes a job, and lets a job of the same name continue its past: revision numbers, counters and
 * percentiles continue, and decided due times stay decided.
 */

import { withoutAnnounced } from '../../dag/ready.ts';
import type { JobState, Removal } from '../model/model.ts';
import { isEnded } from '../model/run-state.ts';
import { beginNames, beginSchedule, compiled, takeBack } from '../state/decided.ts';
import { type Entry, MAX_PASTS } from '../state/state.ts';
import type { Turn } from '../state/turn.ts';
import { noted } from './access/audit.ts';
import { endAlerts } from './alerts/alerts.ts';
import { dropJob } from './backfill/progress.ts';
import { closeRun } from './closing.ts';
import { propagateEnds } from './endings.ts';
import { killRun } from './runs.ts';

/** Unfinished runs end with the job; running ones are killed. */
export function removeJob(turn: Turn, entry: Entry, by: string): void {
  const { state, draft } = turn;
  const { name, resolved } = entry.job;
  // Children are deleted or detached by now, so nobody is notified of these ends.
  state.graph.setParents(name, []);
  endAlerts(turn, entry, 'job-deleted');
  for (const run of [...entry.runs]) {
    if (run.state === 'launching' || run.state === 'running')
      killRun(turn, run, { by, as: 'killed', reason: { code: 'job-deleted' } });
    if (!isEnded(run.state)) closeRun(turn, run, 'killed', { code: 'job-deleted' });
  }
  const removed: Removal = { at: draft.now, by, revision: entry.job.revision + 1, resolved };
  const past: JobState = { ...entry.state, removed };
  writeRemoval(turn, name, removed);
  // After the removal, which deletes both from the store.
  draft.state(past);
  if (entry.stats !== null) draft.stats(entry.stats);
  const { revision } = removed;
  draft.notice({ kind: 'job', name, change: 'deleted', revision });
  draft.act({ kind: 'job.deleted', job: name, revision, by });
  noted(turn, { on: name, before: { revision: entry.job.revision }, after: { revision, deleted: true } });
  dropJob(turn, name);
  state.removeJob(name);
  state.keepPast({ state: past, stats: entry.stats });
  forgetOldest(turn);
  propagateEnds(turn);
  draft.cut();
}

function writeRemoval({ draft }: Turn, job: string, { revision, at, by }: Removal): void {
  draft.jobRemoved({ job, revision, at, by, definition: null });
}

/** Removes the oldest removed job again, this time without keeping its past. */
function forgetOldest(turn: Turn): void {
  const { pasts } = turn.state;
  if (pasts.size <= MAX_PASTS) return;
  for (const [name, { state }] of pasts) {
    turn.state.removeJob(name);
    if (state.removed !== null) writeRemoval(turn, name, state.removed);
    return;
  }
}

/**
 * The state of a job that is created again, whose schedule applies from `cursor`. Null if the name has no
 * past.
 */
export function revivedState({ state, draft }: Turn, name: string, cursor: number): JobState | null {
  const past = state.pasts.get(name)?.state;
  if (past === undefined) return null;
  const revived: JobState = {
    ...past,
    removed: null,
    paused: null,
    disabled: null,
    muted: null,
    pipeline: null,
    held: [],
    join: past.join === null ? null : withoutAnnounced(past.join),
    consecutiveFailures: 0,
  };
  const before = past.removed?.resolved ?? null;
  const schedule = before === null ? null : compiled(before);
  if (revived.cursor > draft.now)
    for (const line of takeBack({ schedule, state: revived }, draft.now)) draft.ledger(line);
  beginSchedule(revived, before, cursor);
  beginNames(revived, before, draft.now);
  return revived;
}
