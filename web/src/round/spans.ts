/** When the runs of a round waited and ran, and how that compares with another round. Pure. */

import type { WireRound } from '../../../src/api/wire/grid.ts';
import type { WireRun } from '../../../src/api/wire/schema.ts';

export interface Span {
  readonly name: string;
  readonly run: WireRun | null;
  /** When it could start: the due time of the first job, the end of the parents of others. Null: it has no run. */
  readonly ready: number | null;
  /** Null: it was not started. */
  readonly start: number | null;
  readonly end: number | null;
  /** From the first start to the end, or to now. Null: it was not started. */
  readonly tookMs: number | null;
  /** It is on the critical path. */
  readonly isCritical: boolean;
}

export function spansOf(round: WireRound): Span[] {
  const critical = new Set(round.criticalPath.jobs);
  const now = Date.parse(round.at);
  return round.jobs.map(({ name, run }) => {
    const started = run?.attempts.find(({ startedAt }) => startedAt !== null)?.startedAt ?? null;
    const start = started === null ? null : Date.parse(started);
    const end = start === null ? null : run?.endedAt == null ? now : Date.parse(run.endedAt);
    const ready =
      run === null ? null : run.trigger.kind === 'schedule' ? Date.parse(run.due) : Date.parse(run.createdAt);
    return {
      name,
      run,
      ready,
      start,
      end,
      tookMs: start === null || end === null ? null : Math.max(0, end - start),
      isCritical: critical.has(name),
    };
  });
}

/** A schedule made it due; otherwise somebody began it later, as in a backfill. */
export const isOfSchedule = (spans: readonly Span[]): boolean =>
  spans.some(({ run }) => run?.trigger.kind === 'schedule');

/** All that is drawn: from the due time, or when what somebody began could start, to the last end. */
export function extentOf(
  spans: readonly Span[],
  due: number,
): { readonly from: number; readonly to: number } {
  const times = spans.flatMap(({ ready, start, end }) => [ready, start, end].filter((each) => each !== null));
  if (times.length === 0 || isOfSchedule(spans)) times.push(due);
  const from = Math.min(...times);
  const to = Math.max(...times);
  return { from, to: Math.max(to, from + 1_000) };
}

/** By how much a job took longer than in the other round; negative: it was quicker. Null: it did not run in both. */
export function longerBy(span: Span, others: ReadonlyMap<string, Span>): number | null {
  const other = others.get(span.name)?.tookMs ?? null;
  return span.tookMs === null || other === null ? null : span.tookMs - other;
}

/** A difference below this is no news. */
const noteworthyMs = 1_000;

/** The jobs that took longer, by how much, most first. */
export function slower(
  spans: readonly Span[],
  others: ReadonlyMap<string, Span>,
): { readonly name: string; readonly ms: number }[] {
  return spans
    .flatMap((span) => {
      const ms = longerBy(span, others);
      return ms === null || ms < noteworthyMs ? [] : [{ name: span.name, ms }];
    })
    .sort((a, b) => b.ms - a.ms);
}
