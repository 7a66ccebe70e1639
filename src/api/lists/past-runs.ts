/** Reads the runs of a period, newest first, up to a limit, for charts and similar responses. */

import type { Run } from '../../scheduler/model/model.ts';
import type { Reading } from '../context.ts';
import { apiLimits } from '../wire/limits.ts';
import { listRuns } from './run-list.ts';

/** Runs per read. */
const PAGE = 500;

export interface RunsBetween {
  /** Newest due time first. */
  readonly runs: readonly Run[];
  /** From this time on, all runs are included. It is the start of the period unless the limit was reached. */
  readonly knownFromMs: number;
}

/** Runs of all jobs or of one, due in [fromMs, toMs), ended or not. */
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
  // The due time at the cut may have more runs.
  return { runs, knownFromMs: cursor === null ? fromMs : (runs.at(-1)?.due ?? toMs) + 1 };
}
