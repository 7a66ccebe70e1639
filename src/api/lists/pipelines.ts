/** Finds the runs of pipelines, and the runs that follow from one. */

import type { Run } from '../../scheduler/model/model.ts';
import { jobsBelow } from '../../scheduler/read/jobs-below.ts';
import { MAX_PIPELINE_JOBS, Members, type Pipeline, pipelineOf } from '../../scheduler/read/pipeline.ts';
import type { Reading } from '../context.ts';
import { listRuns } from './run-list.ts';

const DAY_MS = 86_400_000;
/** A job whose rounds are of other parents too, or of an interval, follows at the latest this long after. */
const FOLLOWS_WITHIN_MS = 32 * DAY_MS;
/** Runs of one job that are looked at. */
const MOST_RUNS = 200;
/** Children of a run that are looked at. */
const MOST_CHILDREN = 200;

/** The pipeline that this run began. */
export async function readPipeline(reading: Reading, root: Run): Promise<Pipeline> {
  const { scheduler, turns } = reading;
  const { jobs, cut } = await turns.drive(jobsBelow(scheduler.reader(), root.job, MAX_PIPELINE_JOBS));
  const members = new Members(root);
  for (const { name } of jobs) await collect(reading, { job: name, due: root.due, members });
  const reader = scheduler.reader();
  const awaits = (job: string, due: number): boolean =>
    reader.lacking(job).some((round) => round.due === due);
  return pipelineOf(root, members, { jobs, cut, awaits });
}

interface Place {
  readonly job: string;
  readonly due: number;
  readonly members: Members;
}

/** Most follow with the same due time; only for others more is read. */
async function collect(reading: Reading, { job, due, members }: Place): Promise<void> {
  const at = { job, fromMs: due, limit: MOST_RUNS };
  const { items } = await listRuns(reading, { ...at, toMs: due + 1 });
  if (members.add(job, items)) return;
  const later = await listRuns(reading, { ...at, toMs: due + FOLLOWS_WITHIN_MS });
  members.add(job, later.items);
}

/** The runs that this run made due, itself or with others; by job. None before its end, while clients ask for it often. */
export async function readChildren(reading: Reading, run: Run): Promise<Run[]> {
  const children: Run[] = [];
  if (run.endedAt === null) return children;
  for (const job of reading.scheduler.reader().childrenOf(run.job).slice(0, MOST_CHILDREN)) {
    const members = new Members(run);
    await collect(reading, { job, due: run.due, members });
    const newest = members.newest(job);
    if (newest !== null) children.push(newest);
  }
  return children;
}
