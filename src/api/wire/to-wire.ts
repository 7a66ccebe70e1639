/** Converts the scheduler's values to their wire form: timestamps to text, absent values to null. */

import type { ApplyResult } from '../../scheduler/command.ts';
import type { JobGlance, JobView, Notice } from '../../scheduler/handle.ts';
import type { JobDefinition, ParentDefinition } from '../../scheduler/job/definition.ts';
import { hiddenIn } from '../../scheduler/job/hidden.ts';
import { shown } from '../../scheduler/job/masked.ts';
import { perOf } from '../../scheduler/job/parents.ts';
import type {
  EndState,
  Histograms,
  Job,
  LastRun,
  Revision,
  Run,
  RunState,
} from '../../scheduler/model/model.ts';
import { type Reason, textOf } from '../../scheduler/model/reason.ts';
import { isRunning, isWaiting, readyAt } from '../../scheduler/model/run-state.ts';
import type { FateLine } from '../../scheduler/read/fates.ts';
import { type HeldBack, heldBackReason } from '../../scheduler/read/held-back.ts';
import { statusOf } from '../../scheduler/read/view.ts';
import { describeSchedule } from '../../scheduler/schedule/format.ts';
import { type Summary, summarise } from '../../scheduler/stats/stats.ts';
import { toProblem } from './error-map.ts';
import { iso, isoOrNull } from './instants.ts';
import { apiLimits } from './limits.ts';
import { intervalToWire } from './lineage.ts';
import { reasonToWire, whyOf } from './reason.ts';
import type { WireApplyResult, WireJob, WireLedgerLine, WireRevision, WireRun } from './schema.ts';
import { usageToWire } from './usage.ts';
import type { Measure, WireEvent, WireSummary } from './views.ts';

export function jobToWire(view: JobView, heldBack: HeldBack): WireJob {
  const { job, state } = view;
  return {
    name: job.name,
    definition: shown(job.definition),
    ...hiddenOf(job.definition),
    revision: job.revision,
    createdAt: iso(job.createdAt),
    updatedAt: iso(job.updatedAt),
    updatedBy: job.updatedBy,
    status: view.status,
    ...statusWhy(view, heldBack),
    heldBackBy: [...heldBack.by(job.name)],
    paused: state.paused && {
      at: iso(state.paused.at),
      by: state.paused.by,
      ...(state.paused.until !== undefined && { until: iso(state.paused.until) }),
    },
    muted: state.muted && {
      ...state.muted,
      at: iso(state.muted.at),
      until: iso(state.muted.until),
    },
    scheduleText: scheduleText(view),
    nextDue: isoOrNull(view.nextDue),
    parents: [...view.parents],
    children: [...view.children],
    last: lastToWire(state.last),
    counts: {
      succeeded: state.succeeded,
      failed: state.failed,
      skipped: state.skipped,
      missed: state.missed,
      consecutiveFailures: state.consecutiveFailures,
    },
    running: runsIn(view, isRunning),
    waiting: runsIn(view, isWaiting),
  };
}

function hiddenOf(definition: JobDefinition | null): { hidden?: string[] } {
  const hidden = definition === null ? [] : hiddenIn(definition);
  return hidden.length === 0 ? {} : { hidden };
}

function runsIn(view: JobView, wanted: (state: RunState) => boolean): string[] {
  const ids: string[] = [];
  for (const run of view.runs) {
    if (ids.length === apiLimits.runsNamed) break;
    if (wanted(run.state)) ids.push(run.id);
  }
  return ids;
}

/** Why the job does not run, in words and as data. */
export function statusWhy(job: JobGlance, heldBack: HeldBack): Pick<WireJob, 'statusReason' | 'statusWhy'> {
  const { reason, why } = whyOf(statusReason(job, heldBack));
  return { statusReason: reason, statusWhy: why };
}

function statusReason(glance: JobGlance, heldBack: HeldBack): Reason | null {
  const { job, fault, state } = glance;
  const status = statusOf(glance);
  if (status === 'paused' && state.paused !== null) {
    const { by, until } = state.paused;
    return { code: 'job-paused', by, ...(until !== undefined && { until }) };
  }
  if (status === 'disabled')
    return fault === null ? (state.disabled?.reason ?? null) : { code: 'job-held', text: fault };
  if (status === 'completed') return { code: 'schedule-completed' };
  return heldBackReason(heldBack.by(job.name));
}

export function scheduleText({ job, schedule }: JobGlance): string {
  const { jitter } = job.definition.schedule ?? {};
  const spread = jitter === undefined ? '' : `, up to ${jitter} later`;
  if (schedule !== null) return `${describeSchedule(schedule)}${spread}`;
  const after = job.definition.schedule?.after;
  if (after === undefined) return 'manual';
  const per = perOf(after) === undefined ? '' : `, per ${perOf(after)}`;
  const zone = after.timezone === undefined ? '' : ` in ${after.timezone}`;
  return `after ${after.parents.map(parentText).join(', ')} (${after.when ?? 'all-succeeded'}${per}${zone})`;
}

function parentText(parent: ParentDefinition): string {
  if (typeof parent === 'string') return parent;
  return parent.when === undefined ? parent.job : `${parent.job} ${parent.when}`;
}

/** The fields by which users find a job. */
export const labelsToWire = ({ definition }: Job) => ({
  owner: shown(definition.owner ?? null),
  labels: shown(definition.labels ?? {}),
});

export const lastToWire = (last: LastRun | null) =>
  last && { id: last.id, state: last.state, due: iso(last.due), endedAt: iso(last.endedAt) };

export function runToWire(run: Run): WireRun {
  const { trigger, kill } = run;
  const firstStart = run.attempts.find((attempt) => attempt.startedAt !== null)?.startedAt ?? null;
  const newest = run.attempts.at(-1);
  return {
    id: run.id,
    job: run.job,
    due: iso(run.due),
    trigger: {
      kind: trigger.kind,
      by: 'by' in trigger ? trigger.by : null,
      of: trigger.kind === 'rerun' ? trigger.of : null,
      catchUp: trigger.kind === 'schedule' && trigger.catchUp === true,
    },
    origin: originToWire(run),
    state: run.state,
    ...whyOf(run.reason),
    variant: run.variant,
    revision: run.revision,
    priority: run.priority,
    params: { ...run.params },
    parents: trigger.kind === 'parents' ? [...trigger.runs] : [],
    attempts: run.attempts.map((attempt) => ({
      number: attempt.number,
      engine: attempt.engine,
      host: attempt.host,
      launchName: attempt.launchName,
      createdAt: iso(attempt.createdAt),
      startedAt: isoOrNull(attempt.startedAt),
      endedAt: isoOrNull(attempt.endedAt),
      image: attempt.image ?? null,
      exitCode: attempt.exitCode,
      ...whyOf(attempt.reason),
      bytesDropped: attempt.bytesDropped === undefined ? 0 : attempt.bytesDropped,
      ...usageToWire(attempt.usage),
    })),
    catchesUp: run.catchesUp,
    interval: intervalToWire(run.interval),
    createdAt: iso(run.createdAt),
    notBefore: isoOrNull(run.notBefore),
    startBy: isoOrNull(run.startBy),
    kill: kill && {
      at: iso(kill.at),
      by: kill.by,
      reason: textOf(kill.reason),
      why: reasonToWire(kill.reason),
    },
    endedAt: isoOrNull(run.endedAt),
    // A clock can run backwards, so the difference can be negative; a run never starts early.
    lateMs: firstStart === null ? null : Math.max(0, firstStart - readyAt(run)),
    runMs:
      newest?.startedAt != null && newest.endedAt !== null
        ? Math.max(0, newest.endedAt - newest.startedAt)
        : null,
  };
}

function originToWire({ lineage, root, backfill }: Run): WireRun['origin'] {
  if (backfill !== undefined) return { kind: 'backfill', job: null };
  return lineage === 'scheduled' ? { kind: 'schedule', job: null } : { kind: lineage, job: root };
}

/** `state`: how the run of the entry ended, see `ledgerStates`. */
export const ledgerToWire = (line: FateLine, state: EndState | null): WireLedgerLine => ({
  job: line.job,
  from: iso(line.from),
  to: iso(line.to),
  count: line.count,
  more: line.more ?? false,
  end: line.end,
  state,
  ...whyOf(line.reason),
  run: line.run,
  ...(line.backfill !== undefined && { backfill: line.backfill }),
});

export const revisionToWire = (revision: Revision): WireRevision => ({
  job: revision.job,
  revision: revision.revision,
  at: iso(revision.at),
  by: revision.by,
  definition: shown(revision.definition),
  ...hiddenOf(revision.definition),
});

export const applyResultToWire = (result: ApplyResult): WireApplyResult => ({
  name: result.name,
  outcome: result.outcome,
  revision: result.revision,
  problem: result.error && toProblem(result.error),
  warnings: [...result.warnings],
  before: shown(result.before ?? null),
  after: shown(result.after ?? null),
});

const nothingCounted: WireSummary = {
  count: 0,
  mean: null,
  p50: null,
  p75: null,
  p90: null,
  p95: null,
  p98: null,
  p99: null,
  p999: null,
  max: null,
};

export const summaryToWire = (summary: Summary | null): WireSummary => summary ?? nothingCounted;

export const histogramsToWire = (histograms: Histograms): Record<Measure, WireSummary> => ({
  runTime: summaryToWire(summarise(histograms.runTime)),
  failedRunTime: summaryToWire(summarise(histograms.failedRunTime)),
  startLateness: summaryToWire(summarise(histograms.startLateness)),
  queueWait: summaryToWire(summarise(histograms.queueWait)),
  cpuTime: summaryToWire(summarise(histograms.cpuTime)),
  peakMemory: summaryToWire(summarise(histograms.peakMemory)),
});

export const noticeToWire = (notice: Notice): WireEvent =>
  notice.kind === 'run' ? { kind: 'run', run: runToWire(notice.run) } : { ...notice };
