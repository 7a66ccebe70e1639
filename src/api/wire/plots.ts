/** Wire schemas about many runs at once: the overview and the plots. See `schema.ts`. */

import { type Static, Type } from 'typebox';
import { oneOf } from '../../scheduler/job/definition.ts';
import { endStates, liveStates } from '../../scheduler/model/model.ts';
import { topOrders } from '../../scheduler/read/top.ts';
import { WireReason, why } from './reason.ts';
import { WireLastRun } from './schema.ts';
import { count, instant, orNull, ref } from './shape.ts';
import { measures, WireSummary } from './views.ts';

const RunState = oneOf([...liveStates, ...endStates]);
const milliseconds = (description?: string) =>
  orNull(Type.Number(), description === undefined ? {} : { description });

// The overview

export const WireForecast = Type.Object(
  {
    p50: instant('Median estimate, from the median run times.'),
    p95: instant('Pessimistic estimate, from the 95th percentile of run times.'),
  },
  { $id: 'Forecast' },
);
export type WireForecast = Static<typeof WireForecast>;

const some = <S extends Parameters<typeof Type.Array>[0]>(items: S, description: string) =>
  Type.Object({
    total: count('Number of all such jobs or runs, listed or not.'),
    items: Type.Array(items, { description }),
  });

export const WireOverview = Type.Object(
  {
    at: instant('Time of this snapshot.'),
    counts: Type.Object({
      jobs: count('Number of all jobs.'),
      active: count('Jobs that are neither paused, disabled nor completed.'),
      paused: count('Jobs paused by a user.'),
      disabled: count('Jobs disabled after consecutive failures.'),
      completed: count('Jobs whose schedule has no further due time.'),
      failing: count('Jobs whose newest run failed.'),
      late: count('Jobs that are late.'),
      running: count('Runs that are launching or running.'),
      waiting: count('Runs that are waiting or queued.'),
    }),
    late: some(
      Type.Object({
        job: Type.String(),
        owner: orNull(Type.String()),
        kind: oneOf(['not-started', 'not-ended', 'not-decided']),
        since: instant('When the job became late.'),
        reason: Type.String(),
        why: ref(WireReason),
        run: orNull(Type.String(), { description: 'The late run. Null if it does not exist yet.' }),
        state: orNull(RunState, { description: 'State of that run.' }),
        dependents: count('Number of jobs that depend on this one, directly or indirectly.'),
        done: orNull(ref(WireForecast), { description: 'Expected end of the late run.' }),
        allDone: orNull(ref(WireForecast), {
          description: 'Expected end of all downstream jobs, along the longest dependency path.',
        }),
      }),
      'Longest overdue first.',
    ),
    failing: some(
      Type.Object({
        job: Type.String(),
        owner: orNull(Type.String()),
        consecutiveFailures: count('Failed runs since the last success.'),
        last: orNull(WireLastRun),
        reason: orNull(Type.String(), { description: 'Why the newest run failed.' }),
        why,
        dependents: count('Number of jobs that depend on this one, directly or indirectly.'),
      }),
      'Most failures first.',
    ),
    running: some(
      Type.Object({
        job: Type.String(),
        run: Type.String(),
        state: RunState,
        due: instant(),
        startedAt: orNull(instant()),
        done: orNull(ref(WireForecast)),
      }),
      'Oldest due time first.',
    ),
    nextHour: some(
      Type.Object({ job: Type.String(), due: instant(), p50Ms: milliseconds(), p95Ms: milliseconds() }),
      'Jobs due within the next hour, each with its next due time, earliest first.',
    ),
  },
  { $id: 'Overview' },
);
export type WireOverview = Static<typeof WireOverview>;

// Percentiles over time

export const WireRunDays = Type.Object(
  {
    job: Type.String(),
    from: Type.String({ description: 'First UTC day.' }),
    to: Type.String({ description: 'Last UTC day, today included.' }),
    days: Type.Array(
      Type.Object({ day: Type.String(), runTime: ref(WireSummary), startLateness: ref(WireSummary) }),
      { description: 'Days with at least one run, oldest first.' },
    ),
  },
  { $id: 'RunDays' },
);
export type WireRunDays = Static<typeof WireRunDays>;

export const WireRunDistribution = Type.Object(
  {
    job: Type.String(),
    measure: oneOf(measures),
    summary: ref(WireSummary),
    buckets: Type.Array(
      Type.Object({
        fromMs: Type.Number(),
        toMs: Type.Number({ description: 'Upper bound, included.' }),
        count: Type.Integer({ minimum: 1 }),
      }),
      { description: 'Ascending buckets, less than 1 % wide. Empty buckets are omitted.' },
    ),
  },
  { $id: 'RunDistribution' },
);
export type WireRunDistribution = Static<typeof WireRunDistribution>;

export const WireTop = Type.Object(
  {
    by: oneOf(topOrders),
    items: Type.Array(
      Type.Object({
        job: Type.String(),
        owner: orNull(Type.String()),
        value: Type.Number({ description: 'The sort value: milliseconds, or number of failed runs.' }),
        p50Ms: milliseconds(),
        p95Ms: milliseconds(),
        succeeded: count('Runs that succeeded.'),
        failed: count('Runs that failed, were killed, timed out or were lost.'),
        last: orNull(WireLastRun),
      }),
      { description: 'Largest first. Jobs without a value are omitted.' },
    ),
  },
  { $id: 'Top' },
);
export type WireTop = Static<typeof WireTop>;

export const WireRate = Type.Object(
  {
    from: instant('Start of the first step.'),
    to: instant('End of the last step.'),
    stepMs: Type.Integer({ minimum: 1 }),
    complete: Type.Boolean({
      description: 'False if runs of steps that begin before knownFrom are not all counted.',
    }),
    knownFrom: instant('All runs due from this time on are counted.'),
    steps: Type.Array(
      Type.Object({
        at: instant('Start of the step.'),
        ended: Type.Record(Type.String(), Type.Integer({ minimum: 1 }), {
          description: 'Number of ended runs that were due in the step, by end state.',
        }),
        unfinished: count('Unfinished runs that were due in the step.'),
      }),
      { description: 'All steps, oldest first.' },
    ),
  },
  { $id: 'Rate' },
);
export type WireRate = Static<typeof WireRate>;

// The timeline

export const WireTimeline = Type.Object(
  {
    from: instant(),
    to: instant(),
    now: instant(),
    bars: Type.Array(
      Type.Object({
        job: Type.String(),
        kind: oneOf(['ended', 'unfinished', 'coming']),
        run: orNull(Type.String(), { description: 'Null for an upcoming run.' }),
        state: orNull(RunState, { description: 'Null for an upcoming run.' }),
        due: instant(),
        ready: instant('When the run could start: its due time, or when its parents or a user triggered it.'),
        start: orNull(instant(), {
          description: 'First start of the run, or the due time of an upcoming run.',
        }),
        end: orNull(instant(), { description: 'Null for an unfinished run.' }),
        expectedEnd: orNull(instant(), {
          description:
            'Expected end of an unfinished run, from the median run time. Null without enough data.',
        }),
        late: Type.Boolean({ description: 'True if the job is late with this run.' }),
      }),
      { description: 'By due time, then by job.' },
    ),
    cutBefore: orNull(instant(), {
      description: 'Older runs are omitted, because there are too many. Null: none are.',
    }),
    cutAfter: orNull(instant(), {
      description: 'Later runs are omitted, because there are too many. Null: none are.',
    }),
  },
  { $id: 'Timeline' },
);
export type WireTimeline = Static<typeof WireTimeline>;
