/** Filters over all jobs, in order of name, without blocking other work. */

import { CarillonError } from '../../errors.ts';
import type { JobGlance, JobReader, JobView, SchedulerHandle } from '../../scheduler/handle.ts';
import { shown } from '../../scheduler/job/masked.ts';
import { isRunning, isWaiting } from '../../scheduler/model/run-state.ts';
import { lateness } from '../../scheduler/read/late.ts';
import { statusOf } from '../../scheduler/read/view.ts';
import type { Reading } from '../context.ts';
import type { jobFilters } from '../wire/schema.ts';

export interface JobFilter {
  /** Part of the name, the description or the owner, ignoring case. */
  readonly q?: string;
  readonly label?: readonly string[];
  readonly owner?: string;
  readonly state?: readonly (typeof jobFilters)[number][];
}

/**
 * Yields the matching jobs in order of name. The caller's work on each job counts as part of this read's
 * turn.
 */
export async function* jobsThat({ scheduler, turns }: Reading, filter: JobFilter): AsyncGenerator<JobView> {
  const passes = passing(scheduler, filter);
  const reader = scheduler.reader();
  const ranked = await turns.drive(reader.ranked('name', false));
  const turn = await turns.begin();
  for (let place = 0; place < ranked.count; place++) {
    if (turn.isOver()) await turn.next();
    const { name } = ranked.at(place).job;
    // It may have been deleted during another turn.
    const glance = scheduler.reader().glance(name);
    if (glance !== undefined && passes(glance)) yield scheduler.job(name);
  }
}

/** True if the filter matches every job, so that no job has to be checked. */
export const passesAll = ({ q, label = [], owner, state }: JobFilter): boolean =>
  q === undefined && label.length === 0 && owner === undefined && state === undefined;

export function passing(
  scheduler: SchedulerHandle,
  { q, label, owner, state }: JobFilter,
): (job: JobGlance) => boolean {
  const now = scheduler.now();
  const wanted = q?.toLowerCase();
  const labels = labelsIn(label ?? []);
  const isIn = stateIn(scheduler.reader(), now);
  return (view) => {
    const { definition } = view.job;
    if (owner !== undefined && shown(definition.owner) !== owner) return false;
    if (!labels.every(({ key, value }) => hasLabel(definition.labels, key, value))) return false;
    if (state !== undefined && !state.some((each) => isIn(view, each))) return false;
    if (wanted === undefined) return true;
    const texts = [view.job.name, shown(definition.description), shown(definition.owner)];
    return texts.some((text) => text?.toLowerCase().includes(wanted));
  };
}

function hasLabel(
  labels: Readonly<Record<string, string>> | undefined,
  key: string,
  value: string | null,
): boolean {
  if (labels === undefined || !Object.hasOwn(labels, key)) return false;
  return value === null || labels[key] === value;
}

/** Parses `team=sales` or `team`; a value may contain `=`. */
function labelsIn(texts: readonly string[]): { key: string; value: string | null }[] {
  return texts.map((text) => {
    const at = text.indexOf('=');
    return at < 0 ? { key: text, value: null } : { key: text.slice(0, at), value: text.slice(at + 1) };
  });
}

/** Labels with values, for operations that must not match by name alone, such as deleting. */
export function exactLabels(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    labelsIn(texts).map(({ key, value }) => {
      if (value !== null) return [key, value];
      throw new CarillonError('INVALID_FIELD', `label is ${JSON.stringify(key)}. Allowed: name=value.`, {
        field: 'label',
        value: key,
        allowed: 'name=value',
        source: 'query',
      });
    }),
  );
}

function stateIn(
  { lacking }: JobReader,
  now: number,
): (job: JobGlance, state: (typeof jobFilters)[number]) => boolean {
  return (job, state) => {
    if (state === 'running') return job.runs.some((run) => isRunning(run.state));
    if (state === 'waiting') return job.runs.some((run) => isWaiting(run.state));
    if (state === 'failing') return job.state.consecutiveFailures > 0;
    if (state === 'late') return lateness(job, now, lacking) !== null;
    return statusOf(job) === state;
  };
}
