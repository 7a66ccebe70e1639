/** Runs beside each other in time: those that were, those under way, and what is coming with its usual length. */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { JobGlance } from '../../scheduler/handle.ts';
import type { Run } from '../../scheduler/model/model.ts';
import { readyAt } from '../../scheduler/model/run-state.ts';
import { lateness } from '../../scheduler/read/late.ts';
import { Outlook } from '../../scheduler/read/outlook.ts';
import { sorted } from '../../scheduler/read/sorted.ts';
import { nextDueOf } from '../../scheduler/read/view.ts';
import { nextInstant } from '../../scheduler/schedule/next.ts';
import { runTimes } from '../../scheduler/stats/run-times.ts';
import type { ApiContext, Reading } from '../context.ts';
import { answers, labelFilter, query, span } from '../endpoint.ts';
import { type JobFilter, passing } from '../lists/job-filter.ts';
import { runsBetween } from '../lists/past-runs.ts';
import { sendLong } from '../long-answer.ts';
import { iso, isoOrNull, readSpan, writable } from '../wire/instants.ts';
import { apiLimits } from '../wire/limits.ts';
import { type WireTimeline as Timeline, WireTimeline } from '../wire/plots.ts';
import { ref } from '../wire/shape.ts';

const hourMs = 3_600_000;

const TimelineQuery = query({
  ...span,
  job: Type.Optional(Type.String({ maxLength: 128, description: 'Only this job.' })),
  q: Type.Optional(Type.String({ maxLength: 256, description: 'Part of the name, description or owner.' })),
  label: labelFilter,
});
type Asked = Static<typeof TimelineQuery>;
type Bar = Timeline['bars'][number];

export function timelineRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get<{ Querystring: Asked }>(
    '/timeline',
    {
      schema: {
        summary: 'Runs of the last and the coming hours',
        description:
          'By due time. Default: two hours back and one ahead. The newest of what was and the next of what ' +
          `comes, at most ${apiLimits.bars} of each: cutBefore and cutAfter say where it was cut. What waits for ` +
          'other jobs has no due instant of its own and is not among what comes.',
        tags: ['runs'],
        operationId: 'getTimeline',
        querystring: TimelineQuery,
        response: answers({ 200: { description: 'The bars', schema: ref(WireTimeline) } }),
      },
    },
    async (request, reply) => sendLong(reply, context.turns, await timeline(context, request.query)),
  );
}

async function timeline(reading: Reading, asked: Asked): Promise<Timeline> {
  const { scheduler, turns } = reading;
  const now = scheduler.now();
  const { fromMs = now - 2 * hourMs, toMs = writable(Math.max(fromMs, now) + hourMs) } = readSpan(asked);
  const passes = passing(scheduler, filterOf(asked));
  const past = await pastBars(reading, asked, { fromMs, toMs, now, passes });
  const coming = await comingBars(reading, asked, { fromMs: Math.max(fromMs, now), toMs, passes });
  return {
    from: iso(fromMs),
    to: iso(toMs),
    now: iso(now),
    bars: await turns.drive(sorted([...past.bars, ...coming.bars], byDue)),
    cutBefore: past.cut,
    cutAfter: coming.cut,
  };
}

const byDue = (a: Bar, b: Bar): number =>
  a.due === b.due ? (a.job < b.job ? -1 : 1) : a.due < b.due ? -1 : 1;

const filterOf = ({ q, label }: Asked): JobFilter => ({
  ...(q !== undefined && { q }),
  ...(label !== undefined && { label }),
});

interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
  readonly passes: (job: JobGlance) => boolean;
}

async function pastBars(
  reading: Reading,
  { job, q, label }: Asked,
  { fromMs, toMs, passes, now }: Stretch & { readonly now: number },
): Promise<{ bars: Bar[]; cut: string | null }> {
  const { runs, knownFromMs } = await runsBetween(reading, {
    fromMs,
    toMs,
    ...(job !== undefined && { job }),
  });
  const { glance, lacking, childrenOf } = reading.scheduler.look();
  const turn = await reading.turns.begin();
  const outlook = new Outlook({ glance, childrenOf });
  const filtered = q !== undefined || label !== undefined;
  const bars: Bar[] = [];
  for (const run of runs) {
    if (turn.isOver()) await turn.next();
    const own = glance(run.job);
    // A job that is gone has nothing that a filter could ask for.
    if (filtered && (own === undefined || !passes(own))) continue;
    if (bars.length === apiLimits.bars) return { bars, cut: iso(run.due + 1) };
    const late = own !== undefined && run.endedAt === null && lateness(own, now, lacking)?.run?.id === run.id;
    const done = own === undefined || run.endedAt !== null ? null : outlook.ofRun(own, run, now);
    bars.push(barOf(run, isoOrNull(done?.p50 ?? null), late));
  }
  return { bars, cut: knownFromMs > fromMs ? iso(knownFromMs) : null };
}

function barOf(run: Run, expectedEnd: string | null, late: boolean): Bar {
  const start = run.attempts.find((attempt) => attempt.startedAt !== null)?.startedAt ?? null;
  return {
    job: run.job,
    kind: run.endedAt === null ? 'unfinished' : 'ended',
    run: run.id,
    state: run.state,
    due: iso(run.due),
    ready: iso(readyAt(run)),
    start: isoOrNull(start),
    end: isoOrNull(run.endedAt),
    expectedEnd,
    late,
  };
}

/** The next instants of all jobs together; of a job that is due every second no more than others have room for. */
async function comingBars(
  { scheduler, turns }: Reading,
  { job: only }: Asked,
  { fromMs, toMs, passes }: Stretch,
): Promise<{ bars: Bar[]; cut: string | null }> {
  const jobs = await turns.drive(scheduler.look().ranked('nextDue', false));
  const turn = await turns.begin();
  const found: { job: JobGlance; due: number }[] = [];
  // Behind it nothing is wanted: there are enough bars before it.
  let until = toMs;
  for (let at = 0; at < jobs.count; at++) {
    if (turn.isOver()) await turn.next();
    const job = jobs.at(at);
    let due = nextDueOf(job);
    if (due === null || due >= until) {
      if ((jobs.key(at) ?? Number.POSITIVE_INFINITY) >= until) break;
      continue;
    }
    if ((only !== undefined && job.job.name !== only) || !passes(job)) continue;
    for (let count = 0; due !== null && due < until && count <= apiLimits.bars; count++) {
      if (due >= fromMs) found.push({ job, due });
      due = job.schedule === null ? null : nextInstant(job.schedule, due);
    }
    if (found.length > 2 * apiLimits.bars) until = cutTo(found, until);
  }
  if (found.length > apiLimits.bars) until = cutTo(found, until);
  const bars = found.map(({ job, due }) => comingBar(job, due));
  return { bars, cut: until < toMs ? iso(until) : null };
}

/** Keeps the earliest; answers the instant from which on something is left out. */
function cutTo(found: { job: JobGlance; due: number }[], until: number): number {
  found.sort((a, b) => a.due - b.due);
  const first = found[apiLimits.bars]?.due ?? until;
  // Either all that is due at one instant or nothing of it.
  const keep = found.findIndex(({ due }) => due >= first);
  found.length = keep === 0 ? apiLimits.bars : keep;
  return first;
}

function comingBar({ job, stats }: JobGlance, due: number): Bar {
  const { p50Ms } = runTimes(stats);
  return {
    job: job.name,
    kind: 'coming',
    run: null,
    state: null,
    due: iso(due),
    ready: iso(due),
    start: iso(due),
    end: null,
    expectedEnd: p50Ms === null ? null : iso(due + p50Ms),
    late: false,
  };
}
