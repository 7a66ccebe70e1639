/**
 * What goes over the wire beside jobs and runs (see `schema.ts`): statistics, schedules, the graph, the
 * installation and live events. `components.ts` lists all of them.
 */

import { type Static, Type } from 'typebox';
import { oneOf, Schedule } from '../../scheduler/job/definition.ts';
import { instantForm } from '../../scheduler/job/schema/forms.ts';
import { published } from '../../scheduler/job/schema/published.ts';
import { apiLimits } from './limits.ts';
import { heldBack, jobStatuses, WireLastRun, WireRun } from './schema.ts';
import { count, instant, list, orNull, ref } from './shape.ts';

// Statistics

export const percentileNames = ['p50', 'p75', 'p90', 'p95', 'p98', 'p99', 'p999', 'max'] as const;
export type PercentileName = (typeof percentileNames)[number];

const milliseconds = orNull(Type.Number());

export const WireSummary = Type.Object(
  {
    count: count('How many were counted; the others are null when none were.'),
    mean: milliseconds,
    p50: milliseconds,
    p75: milliseconds,
    p90: milliseconds,
    p95: milliseconds,
    p98: milliseconds,
    p99: milliseconds,
    p999: milliseconds,
    max: milliseconds,
  },
  { $id: 'Summary', description: 'Milliseconds, below 1 % error.' },
);
export type WireSummary = Static<typeof WireSummary>;

export const measures = ['runTime', 'failedRunTime', 'startLateness', 'queueWait'] as const;
export type Measure = (typeof measures)[number];

const summaries = {
  runTime: ref(WireSummary),
  failedRunTime: ref(WireSummary),
  startLateness: ref(WireSummary),
  queueWait: ref(WireSummary),
};

export const WireJobStats = Type.Object(
  {
    job: Type.String(),
    from: orNull(Type.String(), { description: 'First UTC day, 2026-11-21; null: since the beginning.' }),
    to: orNull(Type.String(), { description: 'Last UTC day; null: until now.' }),
    ...summaries,
    days: Type.Array(Type.Object({ day: Type.String(), ...summaries }), {
      description: 'The days of from to to that have any, oldest first. Default: the last 30.',
    }),
  },
  { $id: 'JobStats' },
);
export type WireJobStats = Static<typeof WireJobStats>;

export const WireStats = Type.Object(
  {
    percentile: Type.String({ examples: ['95'] }),
    measure: oneOf(measures),
    all: ref(WireSummary),
    items: Type.Array(
      Type.Object({
        job: Type.String(),
        valueMs: Type.Number({ description: 'The percentile that was asked for.' }),
        summary: ref(WireSummary),
      }),
      { description: 'The jobs with the largest values, largest first.' },
    ),
  },
  { $id: 'Stats' },
);
export type WireStats = Static<typeof WireStats>;

// Schedules

const { after: _, ...asked } = Schedule.properties;
const instantIn = (description: string) =>
  Type.String({ maxLength: 64, description, ...published({ pattern: instantForm }) });

export const WirePreviewRequest = Type.Object(
  {
    ...asked,
    name: Type.Optional(
      Type.String({
        maxLength: 128,
        description: 'The job it is for: H in cron depends on it.',
      }),
    ),
    after: Type.Optional(instantIn('Only instants strictly after this one. Default: now.')),
    until: Type.Optional(instantIn('No instants after this one.')),
    count: Type.Optional(
      Type.Integer({ minimum: 1, maximum: apiLimits.instants, description: 'Default: 10.' }),
    ),
  },
  {
    additionalProperties: false,
    description: 'Exactly one of cron, every and at.',
    ...published({
      oneOf: [
        { required: ['cron'], properties: { every: false, at: false } },
        { required: ['every'], properties: { cron: false, at: false, dst: false } },
        { required: ['at'], properties: { cron: false, every: false, dst: false } },
      ],
    }),
  },
);
export type WirePreviewRequest = Static<typeof WirePreviewRequest>;

const effects = ['unaffected', 'lost', 'runs-once-after', 'moved', 'first-pass', 'both-passes'] as const;
const clockChanges = Type.Array(
  Type.Object({
    at: instant('The first instant on the new offset.'),
    shiftMs: Type.Integer({ description: 'Positive: readings are left out; negative: they come twice.' }),
    effect: oneOf(effects, { description: 'What becomes of due times among those readings.' }),
  }),
  { description: 'Changes of the clock in the year ahead, in the time zone of the schedule.' },
);

export const WirePreview = Type.Object(
  {
    instants: Type.Array(instant()),
    complete: Type.Boolean({ description: 'There is no further instant (before until, if that was said).' }),
    warnings: Type.Array(Type.String()),
    scheduleText: Type.String({ description: 'The schedule in words.' }),
    clockChanges,
  },
  { $id: 'Preview' },
);
export type WirePreview = Static<typeof WirePreview>;

/** `GET /jobs/{name}/next`. */
export const WireNext = Type.Object(
  {
    job: Type.String(),
    instants: Type.Array(instant(), { description: 'As if the job were neither paused nor disabled.' }),
    complete: Type.Boolean(),
    scheduleText: Type.String(),
    clockChanges,
  },
  { $id: 'Next' },
);
export type WireNext = Static<typeof WireNext>;

// Dependencies

export const WireGraphNode = Type.Object(
  {
    name: Type.String(),
    kind: oneOf(['time', 'after', 'manual'], { description: 'What makes it due.' }),
    owner: orNull(Type.String()),
    labels: Type.Record(Type.String(), Type.String()),
    status: oneOf(jobStatuses),
    last: orNull(WireLastRun),
    nextDue: orNull(instant()),
    running: count('Runs that launch or run.'),
    waiting: count('Runs that wait or are queued.'),
    consecutiveFailures: count('Failed runs since the last success.'),
    late: orNull(Type.String(), { description: 'Why it is late; null when it is not.' }),
    lacking: Type.Array(Type.Object({ due: instant(), parents: Type.Array(Type.String()) }), {
      description: 'Its rounds that have begun and wait, oldest first, and the parents that they still lack.',
    }),
    heldBackBy: heldBack,
    p50Ms: orNull(Type.Number(), { description: 'Run time of those that succeeded, of all time.' }),
    p95Ms: orNull(Type.Number()),
    level: count('The longest way down to it, in edges: a topological order.'),
  },
  { $id: 'GraphNode' },
);
export type WireGraphNode = Static<typeof WireGraphNode>;

export const WireGraph = Type.Object(
  {
    nodes: Type.Array(ref(WireGraphNode), { description: 'By name.' }),
    edges: Type.Array(Type.Object({ from: Type.String(), to: Type.String() }), {
      description: 'From parent to child, where both are among the nodes.',
    }),
    criticalPath: Type.Object(
      { jobs: Type.Array(Type.String()), p50Ms: Type.Number({ description: 'The sum along it.' }) },
      { description: 'The chain of dependent jobs that takes longest, by their median run times.' },
    ),
  },
  { $id: 'Graph' },
);
export type WireGraph = Static<typeof WireGraph>;

// The installation

export const WireEngine = Type.Object(
  {
    name: Type.String(),
    reachable: Type.Boolean(),
    version: orNull(Type.String()),
    detail: orNull(Type.String(), { description: 'Where it is, or what is wrong.' }),
    capacity: Type.Object(
      {
        attempts: orNull(Type.Integer({ minimum: 1 }), {
          description: 'Attempts it may have at once, by the settings; null: no bound.',
        }),
        cpus: orNull(Type.Number()),
        memoryBytes: orNull(Type.Integer()),
      },
      { description: 'CPUs and memory are what the engine has in all; null where it does not say.' },
    ),
    running: count('Attempts launched and not ended.'),
    startQueue: count('Launches decided that wait for a start place.'),
    queued: count('Runs that wait because all of its places are taken.'),
    startLatency: ref(WireSummary),
  },
  {
    $id: 'Engine',
    description:
      'startLatency is from the decision to launch an attempt until the engine has started it. It counts the attempts ' +
      'decided by the leader that answers, since it leads, and is kept in its memory only.',
  },
);
export type WireEngine = Static<typeof WireEngine>;

export const WireEngineList = list(ref(WireEngine), 'EngineList');
export type WireEngineList = Static<typeof WireEngineList>;

export const WirePool = Type.Object(
  {
    name: Type.String(),
    places: count('Attempts that may share it at once, by the settings.'),
    taken: count('More than there are, where fewer were set while they ran.'),
    queued: count('Runs that wait because all places are taken.'),
  },
  { $id: 'Pool' },
);
export type WirePool = Static<typeof WirePool>;

export const WirePoolList = list(ref(WirePool), 'PoolList');
export type WirePoolList = Static<typeof WirePoolList>;

const member = { id: Type.String(), url: Type.String(), host: Type.String(), pid: Type.Integer() };

export const WireCluster = Type.Object(
  {
    leader: orNull(Type.Object(member)),
    term: Type.Integer({ minimum: 0 }),
    members: Type.Array(
      Type.Object({
        ...member,
        version: Type.String(),
        role: oneOf(['leader', 'follower']),
        lagMs: orNull(Type.Number(), {
          description: 'How old its copy may be; 0 on the leader, null when it does not answer.',
        }),
      }),
    ),
    store: Type.Object({
      reachable: Type.Boolean(),
      detail: orNull(Type.String(), { description: 'Where it is, or what is wrong.' }),
    }),
    takeover: orNull(
      Type.Object({
        at: instant(),
        tookMs: Type.Number({ description: 'From the election to the first decision.' }),
        term: Type.Integer({ minimum: 0 }),
      }),
      { description: 'When the node that answers last took over leadership.' },
    ),
  },
  { $id: 'Cluster' },
);
export type WireCluster = Static<typeof WireCluster>;

/** The data of one event of `GET /events`; `kind` is the event's name too. */
export const WireEvent = Type.Union(
  [
    Type.Object({
      kind: Type.Literal('job'),
      name: Type.String(),
      change: oneOf(['created', 'changed', 'deleted', 'paused', 'resumed', 'disabled']),
      revision: Type.Integer(),
    }),
    Type.Object({ kind: Type.Literal('run'), run: ref(WireRun) }),
    Type.Object({ kind: Type.Literal('leader'), term: Type.Integer(), leading: Type.Boolean() }),
    Type.Object({
      kind: Type.Literal('gap'),
      reason: Type.String({ description: 'Events were lost between: read anew what is shown.' }),
    }),
  ],
  { $id: 'Event' },
);
export type WireEvent = Static<typeof WireEvent>;
