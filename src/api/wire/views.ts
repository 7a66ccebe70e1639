/**
 * Wire schemas other than jobs and runs (`schema.ts`): statistics, schedules, the graph, the installation and
 * events. `components.ts` lists all of them.
 */

import { type Static, Type } from 'typebox';
import { oneOf, Schedule } from '../../scheduler/job/definition.ts';
import { instantForm } from '../../scheduler/job/schema/forms.ts';
import { published } from '../../scheduler/job/schema/published.ts';
import { apiLimits } from './limits.ts';
import { why } from './reason.ts';
import { jobStatuses, WireLastRun, WireRun } from './schema.ts';
import { count, heldBack, instant, list, orNull, ref } from './shape.ts';

// Statistics

export const percentileNames = ['p50', 'p75', 'p90', 'p95', 'p98', 'p99', 'p999', 'max'] as const;
export type PercentileName = (typeof percentileNames)[number];

const milliseconds = orNull(Type.Number());

export const WireSummary = Type.Object(
  {
    count: count('Number of runs counted. If it is 0, all percentiles are null.'),
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
  { $id: 'Summary', description: 'In milliseconds, or bytes of memory, with an error below 1 %.' },
);
export type WireSummary = Static<typeof WireSummary>;

export const measures = ['runTime', 'failedRunTime', 'startLateness', 'queueWait'] as const;
export type Measure = keyof typeof summaries;

const summaries = {
  runTime: ref(WireSummary),
  failedRunTime: ref(WireSummary),
  startLateness: ref(WireSummary),
  queueWait: ref(WireSummary),
  /** Nothing is counted for engines that do not measure it. */
  cpuTime: ref(WireSummary),
  peakMemory: ref(WireSummary),
};

export const WireJobStats = Type.Object(
  {
    job: Type.String(),
    from: orNull(Type.String(), {
      description: 'First UTC day, such as 2026-11-21. Null: since the beginning.',
    }),
    to: orNull(Type.String(), { description: 'Last UTC day. Null: until now.' }),
    ...summaries,
    days: Type.Array(Type.Object({ day: Type.String(), ...summaries }), {
      description: 'Days in the range with at least one run, oldest first. Default: the last 30 days.',
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
        valueMs: Type.Number({ description: 'The requested percentile.' }),
        summary: ref(WireSummary),
      }),
      { description: 'Jobs with the largest values, largest first.' },
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
        description:
          'Name of the job. H in cron depends on it. If the job exists, the due times are those after an edit; ' +
          'a schedule that is not changed continues.',
      }),
    ),
    after: Type.Optional(
      instantIn('Return due times strictly after this one. Default: now, and also those that run at once.'),
    ),
    until: Type.Optional(instantIn('Return due times up to this one, included.')),
    count: Type.Optional(
      Type.Integer({ minimum: 1, maximum: apiLimits.instants, description: 'Default: 10.' }),
    ),
  },
  {
    additionalProperties: false,
    description: 'Exactly one of cron, every, at and any.',
    ...published({
      oneOf: [
        { required: ['cron'], properties: { every: false, at: false, any: false } },
        { required: ['every'], properties: { cron: false, at: false, any: false, dst: false } },
        {
          required: ['at'],
          properties: { cron: false, every: false, any: false, dst: false, start: false, end: false },
        },
        {
          required: ['any'],
          properties: {
            cron: false,
            every: false,
            at: false,
            dst: false,
            timezone: false,
            start: false,
            end: false,
          },
        },
      ],
    }),
  },
);
export type WirePreviewRequest = Static<typeof WirePreviewRequest>;

const effects = ['unaffected', 'lost', 'runs-once-after', 'moved', 'first-pass', 'both-passes'] as const;
const clockChanges = Type.Array(
  Type.Object({
    at: instant('The first timestamp with the new offset.'),
    shiftMs: Type.Integer({
      description: 'Positive: local times are skipped. Negative: local times occur twice.',
    }),
    effect: oneOf(effects, { description: 'What happens to due times at these local times.' }),
  }),
  { description: 'Clock changes in the coming year in the time zone of the schedule.' },
);

const excluded = Type.Array(
  Type.Object({
    at: instant(),
    reason: Type.String(),
    calendar: orNull(Type.String(), { description: 'Null: somebody skipped or moved this due time.' }),
    movedTo: orNull(instant('When the run is due instead.')),
  }),
  { description: 'Due times that a calendar takes out, or somebody, up to the last one of instants.' },
);

export const WirePreview = Type.Object(
  {
    instants: Type.Array(instant()),
    excluded,
    complete: Type.Boolean({ description: 'True if there is no further due time (before until, if given).' }),
    warnings: Type.Array(Type.String()),
    scheduleText: Type.String({ description: 'Description of the schedule.' }),
    clockChanges,
  },
  { $id: 'Preview' },
);
export type WirePreview = Static<typeof WirePreview>;

/** `GET /jobs/{name}/next`. */
export const WireNext = Type.Object(
  {
    job: Type.String(),
    instants: Type.Array(instant(), {
      description: 'Computed as if the job were neither paused nor disabled.',
    }),
    excluded,
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
    kind: oneOf(['time', 'after', 'manual'], { description: 'What triggers the job.' }),
    owner: orNull(Type.String()),
    labels: Type.Record(Type.String(), Type.String()),
    status: oneOf(jobStatuses),
    last: orNull(WireLastRun),
    nextDue: orNull(instant()),
    running: count('Runs that are launching or running.'),
    waiting: count('Runs that are waiting or queued.'),
    consecutiveFailures: count('Failed runs since the last success.'),
    late: orNull(Type.String(), { description: 'Why the job is late. Null if it is not.' }),
    lateWhy: why,
    lacking: Type.Array(Type.Object({ due: instant(), parents: Type.Array(Type.String()) }), {
      description: 'Unfinished rounds, oldest first, each with the parents that it waits for.',
    }),
    heldBackBy: heldBack,
    p50Ms: orNull(Type.Number(), { description: 'All-time median run time of successful runs.' }),
    p95Ms: orNull(Type.Number()),
    level: count('Length in edges of the longest path to this job. Sorting by it is a topological order.'),
  },
  { $id: 'GraphNode' },
);
export type WireGraphNode = Static<typeof WireGraphNode>;

export const WireGraph = Type.Object(
  {
    nodes: Type.Array(ref(WireGraphNode), { description: 'By name.' }),
    edges: Type.Array(Type.Object({ from: Type.String(), to: Type.String() }), {
      description: 'Parent to child, if both are among the nodes.',
    }),
    criticalPath: Type.Object(
      {
        jobs: Type.Array(Type.String()),
        p50Ms: Type.Number({ description: 'Sum of the median run times on the path.' }),
      },
      { description: 'The chain of dependent jobs with the largest sum of median run times.' },
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
    detail: orNull(Type.String(), { description: 'Address of the engine, or why it is unavailable.' }),
    capacity: Type.Object(
      {
        attempts: orNull(Type.Integer({ minimum: 0 }), {
          description: 'Maximum concurrent attempts, of all nodes or hosts together. Null: no limit is set.',
        }),
        nodes: Type.Integer({
          minimum: 0,
          description:
            'Nodes that have the engine for themselves, or hosts of the engine, that respond. 1 if all nodes share it.',
        }),
        cpus: orNull(Type.Number()),
        memoryBytes: orNull(Type.Integer()),
      },
      {
        description:
          'CPUs and memory are the totals of the engine that the leader reaches. Null if it does not report them.',
      },
    ),
    running: count('Attempts that were launched and have not ended, also on nodes that do not respond.'),
    startQueue: count('Launches that wait for a slot in the start queue.'),
    queued: count('Runs that wait for a slot of this engine, on whichever node.'),
    startLatency: ref(WireSummary),
    hosts: Type.Optional(
      Type.Array(
        Type.Object({
          name: Type.String(),
          reachable: Type.Boolean(),
          detail: orNull(Type.String(), { description: 'Its address, or why it does not respond.' }),
          labels: Type.Record(Type.String(), Type.String()),
          attempts: Type.Integer({ minimum: 1, description: 'Maximum concurrent attempts.' }),
          running: count('Attempts on this host that have not ended; those on all hosts do not count.'),
        }),
        { description: 'Hosts of the engine, in the order of their file. Absent: it has none.' },
      ),
    ),
  },
  {
    $id: 'Engine',
    description:
      'startLatency is the time from the decision to launch an attempt until the engine has started ' +
      'it. It covers the attempts decided by the current leader since its election, and is kept in ' +
      'memory only.',
  },
);
export type WireEngine = Static<typeof WireEngine>;

export const WireEngineList = list(ref(WireEngine), 'EngineList');
export type WireEngineList = Static<typeof WireEngineList>;

export const WirePool = Type.Object(
  {
    name: Type.String(),
    places: count('Maximum concurrent attempts.'),
    taken: count('Slots in use. Exceeds places if the pool was made smaller while attempts were running.'),
    queued: count('Runs that wait for a slot of this pool.'),
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
          description:
            "Maximum age of the node's copy of the state. 0 on the leader, null if the node does not " +
            'respond.',
        }),
        labels: Type.Record(Type.String(), Type.String(), { description: 'Labels, by --node-label.' }),
        capacity: Type.Record(Type.String(), Type.Integer(), {
          description: 'Maximum concurrent attempts of each engine that only this node reaches.',
        }),
        running: Type.Record(Type.String(), Type.Integer(), {
          description: 'Attempts there that were launched and have not ended, by engine. None: left out.',
        }),
      }),
    ),
    store: Type.Object({
      reachable: Type.Boolean(),
      detail: orNull(Type.String(), { description: 'Address of the store, or why it is unavailable.' }),
    }),
    takeover: orNull(
      Type.Object({
        at: instant(),
        tookMs: Type.Number({ description: 'Time from the election to the first decision.' }),
        term: Type.Integer({ minimum: 0 }),
      }),
      { description: 'When the responding node last became leader.' },
    ),
  },
  { $id: 'Cluster' },
);
export type WireCluster = Static<typeof WireCluster>;

/** The data of one event of `GET /events`. `kind` is also the name of the event. */
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
      reason: Type.String({ description: 'Events were lost: reload the data.' }),
    }),
  ],
  { $id: 'Event' },
);
export type WireEvent = Static<typeof WireEvent>;
