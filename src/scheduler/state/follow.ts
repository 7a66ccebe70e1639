/**
 * Updates a copy of the leader's state, write by write, and derives notices for observers. Nothing is decided
 * here; a copy becomes a leader's state by planning it.
 */

import type { Notice } from '../handle.ts';
import { calendarsIn } from '../job/calendar/used.ts';
import type { JobState, JobStats, Run } from '../model/model.ts';
import { alertKey, byKind, type Rules, type Write, type WrittenName } from '../records/table.ts';
import type { Entry, State } from './state.ts';

/** Applies writes in the order in which they were committed; they become part of the state. */
export function follow(state: State, writes: readonly Write[]): Notice[] {
  const notices: Notice[] = [];
  for (const write of writes) {
    const notice = byKind(rules, state, write);
    if (notice !== null) notices.push(notice);
  }
  return notices;
}

const rules: Rules<WrittenName, State, Notice | null> = {
  job(state, job) {
    const { name, revision } = job;
    const change = state.jobs.has(name) ? 'changed' : 'created';
    const isBack = state.pasts.has(name);
    const entry = state.putJob(job, null);
    // Reported again after its runs were loaded, so the job keeps them.
    if (isBack) entry.runs = [...state.runs.values()].filter((run) => run.job === name);
    state.foresee(entry);
    return { kind: 'job', name, change, revision };
  },
  'job-removed'(state, { job, revision }) {
    state.removeJob(job);
    return { kind: 'job', name: job, change: 'deleted', revision };
  },
  state: applyState,
  stats(state, stats) {
    applyStats(state, stats);
    return null;
  },
  run(state, run) {
    applyRun(state, run);
    state.remember(run);
    return { kind: 'run', run };
  },
  'run-ended'(state, run) {
    state.remember(run);
    state.dropRun(state.runs.get(run.id) ?? run);
    return { kind: 'run', run };
  },
  // Read from the store on request.
  ledger: () => null,
  alert(state, alert) {
    state.alerts.set(alertKey(alert), alert);
    return null;
  },
  'alert-ended'(state, alert) {
    state.alerts.delete(alertKey(alert));
    return null;
  },
  notification(state, notification) {
    state.outbox.put(notification);
    return null;
  },
  'notification-ended'(state, { id }) {
    state.outbox.remove(id);
    return null;
  },
  token(state, token) {
    state.tokens.set(token.id, token);
    return null;
  },
  'token-removed'(state, { id }) {
    state.tokens.delete(id);
    return null;
  },
  'signing-key'(state, key) {
    state.keys.set(key.id, key);
    return null;
  },
  'signing-key-removed'(state, { id }) {
    state.keys.delete(id);
    return null;
  },
  'sessions-end'(state, { id, at }) {
    state.sessionsEnd.set(id, at);
    return null;
  },
  'sessions-end-removed'(state, { id }) {
    state.sessionsEnd.delete(id);
    return null;
  },
  // Read from the store on request.
  audit(state, { term }) {
    state.ledBefore = term;
    return null;
  },
  calendar(state, calendar) {
    state.calendars.put(calendar);
    for (const entry of state.jobs.values()) {
      if (!calendarsIn(entry.job.definition).includes(calendar.name)) continue;
      state.reschedule(entry);
      state.foresee(entry);
    }
    return null;
  },
  'calendar-removed'(state, { name }) {
    state.calendars.remove(name);
    return null;
  },
  // Read from the store on request.
  'calendar-revision': () => null,
  maintenance(state, mode) {
    state.calendars.maintenance.set(mode.id, mode);
    return null;
  },
  'maintenance-ended'(state, { id }) {
    state.calendars.maintenance.delete(id);
    return null;
  },
  backfill(state, backfill) {
    state.backfills.put(backfill);
    return null;
  },
  'backfill-plan'(state, plan) {
    state.backfills.putPlan(plan);
    return null;
  },
  'backfill-ended'(state, backfill) {
    state.backfills.end(backfill);
    return null;
  },
  // Read from the store on request.
  backfilled: () => null,
};

function applyState(state: State, next: JobState): Notice | null {
  const entry = state.jobs.get(next.name);
  if (entry === undefined) {
    if (next.removed !== null) state.keepPast({ state: next, stats: null });
    return null;
  }
  const change = changeOf(entry, next);
  const before = entry.state.exceptions;
  entry.state = next;
  if (before !== next.exceptions) state.reschedule(entry);
  if (next.pipeline === null) state.pipelines.delete(next.name);
  else state.pipelines.add(next.name);
  state.foresee(entry);
  return change === null ? null : { kind: 'job', name: next.name, change, revision: entry.job.revision };
}

function applyStats(state: State, stats: JobStats): void {
  const entry = state.jobs.get(stats.name);
  const past = state.pasts.get(stats.name);
  if (entry !== undefined) entry.stats = stats;
  else if (past !== undefined) state.keepPast({ ...past, stats });
}

function changeOf({ state: before }: Entry, after: JobState): 'paused' | 'resumed' | 'disabled' | null {
  if (before.paused === null && after.paused !== null) return 'paused';
  if (before.disabled === null && after.disabled !== null) return 'disabled';
  const stood = before.paused !== null || before.disabled !== null;
  return stood && after.paused === null && after.disabled === null ? 'resumed' : null;
}

function applyRun(state: State, run: Run): void {
  const before = state.runs.get(run.id);
  if (before !== undefined && before.attempts.length > run.attempts.length) state.dropAttempt(before);
  state.putRun(run);
  const entry = state.jobs.get(run.job);
  if (entry === undefined) return;
  entry.runs =
    before !== undefined ? entry.runs.map((each) => (each.id === run.id ? run : each)) : [...entry.runs, run];
}
