/**
 * What goes over the wire for looking at many runs at once: the overview, and what is plotted. See `schema.ts`
 * for the rules.
 */

import { type Static, Type } from 'typebox';
import { oneOf } from '../../scheduler/job/definition.ts';
import { endStates, liveStates } from '../../scheduler/model/model.ts';
import { topOrders } from '../../scheduler/read/top.ts';
import { WireLastRun } from './schema.ts';
import { count, instant, orNull, ref } from './shape.ts';
import { measures, WireSummary } from './views.ts';

const RunState = oneOf([...liveStates, ...endStates]);
const milliseconds = (description?: string) =>
  orNull(Type.Number(), description === undefined ? {} : { description });

// The overview

export const WireForecast = Type.Object(
  { p50: instant('If it takes as long as usual.'), p95: instant('If it takes as long as one in twenty.') },
  { $id: 'Forecast' },
);
export type WireForecast = Static<typeof WireForecast>;

const some = <S extends Parameters<typeof Type.Array>[0]>(items: S, description: string) =>
  Type.Object({ total: count('All of them.'), items: Type.Array(items, { description }) });

export const WireOverview = Type.Object(
  {
    at: instant('What follows is as of this instant.'),
    counts: Type.Object({
      jobs: count('All jobs.'),
      active: count('Neither paused nor disabled, with something to come.'),
      paused: count('By a person.'),
      disabled: count('By their failures.'),
      completed: count('Their schedule has no further due instant.'),
      failing: count('Jobs whose newest run failed.'),
      late: count('Jobs that are late.'),
      running: count('Runs that launch or run.'),
      waiting: count('Runs that wait or are queued.'),
    }),
    late: some(
      Type.Object({
        job: Type.String(),
        owner: orNull(Type.String()),
        kind: oneOf(['not-started', 'not-ended', 'not-decided']),
        since: instant('Late from this instant on.'),
        reason: Type.String(),
        run: orNull(Type.String(), { description: 'Null where there is none yet.' }),
        state: orNull(RunState, { description: 'Of that run.' }),
        dependents: count('Jobs that wait for it, directly or not.'),
        done: orNull(ref(WireForecast), { description: 'When it will probably be done.' }),
        allDone: orNull(ref(WireForecast), {
          description: 'Expected end of all downstream jobs, along the longest dependency path.',
        }),
      }),
      'The longest late first.',
    ),
    failing: some(
      Type.Object({
        job: Type.String(),
        owner: orNull(Type.String()),
        consecutiveFailures: count('Failed runs since the last success.'),
        last: orNull(WireLastRun),
        reason: orNull(Type.String(), { description: 'Why the newest run ended so.' }),
        dependents: count('Jobs that wait for it, directly or not.'),
      }),
      'The most failures first.',
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
      'The oldest due instants first.',
    ),
    nextHour: some(
      Type.Object({ job: Type.String(), due: instant(), p50Ms: milliseconds(), p95Ms: milliseconds() }),
      'Jobs that become due within the hour, the next first, each with its next due instant.',
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
      { description: 'The days that have any, oldest first.' },
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
        toMs: Type.Number({ description: 'Included.' }),
        count: Type.Integer({ minimum: 1 }),
      }),
      { description: 'Ascending, below 1 % wide; those without any are left out.' },
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
        value: Type.Number({ description: 'What it was ordered by: milliseconds, or failed runs.' }),
        p50Ms: milliseconds(),
        p95Ms: milliseconds(),
        succeeded: count('Runs.'),
        failed: count('Runs that failed, were killed, timed out or were lost.'),
        last: orNull(WireLastRun),
      }),
      { description: 'Largest first; jobs with nothing to be ordered by are left out.' },
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
      description: 'False: steps that begin before `knownFrom` are not all counted.',
    }),
    knownFrom: instant('Runs that were due from then on are all counted.'),
    steps: Type.Array(
      Type.Object({
        at: instant('Start of the step.'),
        ended: Type.Record(Type.String(), Type.Integer({ minimum: 1 }), {
          description: 'How many runs that were due in the step ended so, by end state.',
        }),
        unfinished: count('Runs that were due in the step and have not ended.'),
      }),
      { description: 'Every step, oldest first.' },
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
        run: orNull(Type.String(), { description: 'Null for what is coming.' }),
        state: orNull(RunState, { description: 'Null for what is coming.' }),
        due: instant(),
        ready: instant('When it could start: its due instant, or when its parents or a user made it due.'),
        start: orNull(instant(), { description: 'Its first start, or the due instant of what is coming.' }),
        end: orNull(instant(), { description: 'Null while it has not ended.' }),
        expectedEnd: orNull(instant(), {
          description:
            'If it takes as long as usual, for what has not ended; null where too little is known.',
        }),
        late: Type.Boolean({ description: 'Its job is late with it now.' }),
      }),
      { description: 'By due instant, then by job.' },
    ),
    cutBefore: orNull(instant(), { description: 'Runs that were due before it are left out: too many.' }),
    cutAfter: orNull(instant(), { description: 'What is due after it is left out: too much.' }),
  },
  { $id: 'Timeline' },
);
export type WireTimeline = Static<typeof WireTimeline>;
