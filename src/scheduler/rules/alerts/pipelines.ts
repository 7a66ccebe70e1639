/**
 * Pipelines: a run by schedule, with all runs that follow from it. The job where it begins may ask to be told when all
 * of them have ended (`pipeline-done`). A later run of that job that ends meanwhile takes the place of the earlier one.
 */

import type { EndState, Run } from '../../model/model.ts';
import { didRun } from '../../model/run-state.ts';
import type { Entry } from '../../state/entry.ts';
import { hasOpenRound } from '../../state/rounds.ts';
import type { State } from '../../state/state.ts';
import type { Turn } from '../../state/turn.ts';
import { notice } from './alerts.ts';

/** A run of the job has ended, and others may follow from it. */
export function beginPipeline({ state }: Turn, entry: Entry, run: Run, end: EndState): void {
  const isAsked = entry.job.definition.alerts?.on?.includes('pipeline-done') ?? false;
  if (!isAsked || run.lineage !== 'scheduled' || !didRun(end)) return;
  entry.state.pipeline = run.due;
  state.pipelines.add(entry.job.name);
}

/** Runs have ended, and what follows from them is decided: reports the pipelines that are done. */
export function endPipelines(turn: Turn): void {
  const { state, draft } = turn;
  for (const name of state.pipelines) {
    const entry = state.jobs.get(name);
    const due = entry?.state.pipeline ?? null;
    if (entry !== undefined && due !== null) {
      const jobs = state.derived.pipelineOf(name);
      if (isUnfinished(state, jobs, due) || isAwaited(state, jobs, due)) continue;
      entry.state.pipeline = null;
      draft.state(entry.state);
      const reason = countsOf(state, jobs, due);
      notice(turn, entry, 'pipeline-done', { run: null, attempt: null, reason });
    }
    state.pipelines.delete(name);
  }
}

/** Looks at the fewer: the jobs of the pipeline, or all unfinished runs. */
function isUnfinished({ runs, jobs: all }: State, jobs: ReadonlySet<string>, pipeline: number): boolean {
  const isOfIt = ({ lineage, due }: Run): boolean => lineage === 'scheduled' && due <= pipeline;
  if (jobs.size < runs.size) {
    for (const name of jobs) if (all.get(name)?.runs.some(isOfIt)) return true;
    return false;
  }
  for (const run of runs.values()) if (jobs.has(run.job) && isOfIt(run)) return true;
  return false;
}

/** Whether a job of the pipeline will run or be skipped for this due time, and waits for others until then. */
function isAwaited(state: State, names: ReadonlySet<string>, due: number): boolean {
  for (const name of names) {
    const entry = state.jobs.get(name);
    if (entry === undefined || state.derived.joinSpec(entry)?.aligned !== true) continue;
    if (hasOpenRound(state, entry, { from: due, to: due + 1 })) return true;
  }
  return false;
}

function countsOf({ jobs }: State, names: ReadonlySet<string>, due: number) {
  const count = { succeeded: 0, failed: 0, skipped: 0 };
  for (const name of names) {
    const last = jobs.get(name)?.state.last ?? null;
    if (last === null || last.due < due) continue;
    const end = last.state;
    count[end === 'succeeded' ? end : didRun(end) ? 'failed' : 'skipped'] += 1;
  }
  return { code: 'pipeline-ended', ...count } as const;
}
