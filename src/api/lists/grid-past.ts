/** Reads what the grid shows of many jobs: their ledger and runs, newest first, with a limit for all of them together. */

import type { Run } from '../../scheduler/model/model.ts';
import type { JobPast } from '../../scheduler/read/grid.ts';
import type { Reading } from '../context.ts';
import { apiLimits } from '../wire/limits.ts';

/** Jobs read at once. Each may be two round trips to the store. */
const AT_ONCE = 16;

export interface PastSpan {
  /** Included. */
  readonly fromMs: number;
  /** Not included. */
  readonly toMs: number;
  /** Maximum entries and runs of each job. Default: what the limit of the request leaves for it. */
  readonly most?: number;
}

/** The past of each job, in their order. */
export async function pastOfJobs(
  reading: Reading,
  names: readonly string[],
  span: PastSpan,
): Promise<JobPast[]> {
  // Before the archive: a run that ends in between is found in both, and never in neither.
  const live = await liveOf(reading, new Set(names), span);
  const pasts: JobPast[] = [];
  let left = apiLimits.gridRecords;
  const turn = await reading.turns.begin();
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const share = Math.floor(left / 2 / (names.length - at));
    const most = Math.max(1, Math.min(span.most ?? share, share));
    const some = names.slice(at, at + AT_ONCE);
    const read = await Promise.all(
      some.map((name) => pastOf(reading, name, { ...span, most, live: live.get(name) ?? [] })),
    );
    for (const past of read) left -= past.lines.length + past.backfilled.length + past.runs.length;
    pasts.push(...read);
    if (turn.isOver()) await turn.next();
  }
  return pasts;
}

async function liveOf(
  { scheduler, turns }: Reading,
  names: ReadonlySet<string>,
  { fromMs, toMs }: PastSpan,
): Promise<ReadonlyMap<string, Run[]>> {
  const found = new Map<string, Run[]>();
  const turn = await turns.begin();
  for (const run of scheduler.liveRuns()) {
    if (turn.isOver()) await turn.next();
    if (run.due < fromMs || run.due >= toMs || !names.has(run.job)) continue;
    const runs = found.get(run.job);
    if (runs === undefined) found.set(run.job, [run]);
    else runs.push(run);
  }
  return found;
}

async function pastOf(
  { scheduler }: Reading,
  name: string,
  { fromMs, toMs, most, live }: Required<PastSpan> & { readonly live: readonly Run[] },
): Promise<JobPast> {
  const { archive } = scheduler;
  const span = { owner: name, from: fromMs, below: toMs, newestFirst: true, limit: most };
  const [lines, backfilled, { items, next }] = await Promise.all([
    archive.past('ledger', { ...span, withPrevious: true }),
    archive.past('backfilled', span),
    archive.runs({ job: name, fromMs, toMs, limit: most }),
  ]);
  const ended = new Set(items.map(({ id }) => id));
  const oldestLine = lines.length < most ? undefined : lines.at(-1)?.from;
  // The due time at the cut may have more runs.
  const oldestRun = next === null ? undefined : items.at(-1)?.due;
  return {
    lines,
    backfilled,
    runs: [...items, ...live.filter(({ id }) => !ended.has(id))],
    pending: scheduler
      .reader()
      .lacking(name)
      .map(({ due }) => due),
    schedule: scheduler.reader().glance(name)?.schedule ?? null,
    knownFrom: Math.max(
      oldestLine ?? Number.NEGATIVE_INFINITY,
      oldestRun === undefined ? Number.NEGATIVE_INFINITY : oldestRun + 1,
    ),
  };
}
