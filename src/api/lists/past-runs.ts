/** The runs of a stretch of time, for answers that are made of many: newest first, up to a bound. */

import type { Run } from '../../scheduler/model/model.ts';
import type { Reading } from '../context.ts';
import { apiLimits } from '../wire/limits.ts';
import { listRuns } from './run-list.ts';

/** Runs read at a time. */
const PAGE = 500;

export interface RunsBetween {
  /** Newest due first. */
  readonly runs: readonly Run[];
  /** From this instant on they are all there; the start of the stretch unless there are more than the bound. */
  readonly knownFromMs: number;
}

/** Of all jobs or of one, due in [fromMs, toMs), ended or not. */
export async function runsBetween(
  reading: Reading,
  { job, fromMs, toMs }: { readonly job?: string; readonly fromMs: number; readonly toMs: number },
): Promise<RunsBetween> {
  const runs: Run[] = [];
  let cursor: string | null = null;
  do {
    const page = await listRuns(reading, {
      fromMs,
      toMs,
      limit: PAGE,
      ...(job !== undefined && { job }),
      ...(cursor !== null && { cursor }),
    });
    runs.push(...page.items);
    cursor = page.next;
  } while (cursor !== null && runs.length < apiLimits.plottedRuns);
  // Of the instant at which it was cut off there may be more.
  return { runs, knownFromMs: cursor === null ? fromMs : (runs.at(-1)?.due ?? toMs) + 1 };
}
