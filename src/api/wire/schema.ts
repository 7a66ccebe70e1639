/**
 * Wire schemas under `/api/v1`: jobs, runs, the ledger and problems; `views.ts` has the rest. Each shape is defined once, as a
 * TypeBox schema that gives the type, the OpenAPI component of the same name and, in tests, the check of every response.
 * Timestamps are ISO 8601 in UTC with milliseconds. Durations are numbers whose name ends in `Ms`. Absent values are null,
 * except that a problem omits details that it does not have.
 */

import { type Static, Type } from 'typebox';
import { catalogue } from '../../errors.ts';
import { permissions } from '../../scheduler/access/principal.ts';
import { JobDefinition, oneOf } from '../../scheduler/job/definition.ts';
import { endStates, liveStates } from '../../scheduler/model/model.ts';
import { givenParams } from './given-params.ts';
import { apiLimits } from './limits.ts';
import { lineageFields } from './lineage.ts';
import { kill, muted, why } from './reason.ts';
import { count, heldBack, hidden, instant, list, orNull, ref } from './shape.ts';
import { usageFields } from './usage.ts';

// Problems

const code = oneOf([...Object.keys(catalogue), 'INTERNAL'] as (keyof typeof catalogue | 'INTERNAL')[], {
  description: 'Code from the error catalogue. Use it, not the text, in scripts.',
});
const problemFields = {
  code,
  detail: Type.String({ description: 'Description of this occurrence.' }),
  field: Type.Optional(Type.String({ description: 'Path of the field, such as policy.retries.limit.' })),
  value: Type.Optional(Type.Unknown({ description: 'The rejected value, shortened.' })),
  allowed: Type.Optional(
    Type.Union([Type.String(), Type.Array(Type.String())], { description: 'What is allowed.' }),
  ),
  source: Type.Optional(
    Type.String({ description: 'Where the value came from, such as body:12, query or path.' }),
  ),
  names: Type.Optional(
    Type.Array(Type.String(), {
      description: 'Related names, such as the path of a cycle or the dependent jobs.',
    }),
  ),
};

export const WireProblem = Type.Object(
  {
    type: Type.String({
      description: 'Identifies the kind of problem, such as urn:carillon:problem:JOB_NOT_FOUND.',
    }),
    title: Type.String({ description: 'Short description of the kind of problem.' }),
    status: Type.Integer({ description: 'HTTP status code.' }),
    ...problemFields,
    others: Type.Optional(
      Type.Array(Type.Object(problemFields), { description: 'Further problems with the same job.' }),
    ),
    requestId: Type.Optional(
      Type.String({ description: 'With code INTERNAL: the id to search for in the log.' }),
    ),
  },
  { $id: 'Problem', description: 'RFC 9457 problem details.' },
);
export type WireProblem = Static<typeof WireProblem>;

// Jobs

export const jobStatuses = ['active', 'paused', 'disabled', 'completed'] as const;
/** Values of `state=` in the list of jobs. */
export const jobFilters = [...jobStatuses, 'running', 'waiting', 'failing', 'late'] as const;

const EndState = oneOf(endStates);
const RunState = oneOf([...liveStates, ...endStates]);

export const WireLastRun = Type.Object({
  id: Type.String(),
  state: EndState,
  due: instant(),
  endedAt: instant(),
});

/** A definition as accepted. The scheduler checks it, not this schema. */
export const WireDefinition = Type.Unsafe<JobDefinition>({ ...JobDefinition, $id: 'JobDefinition' });

const jobFields = {
  name: Type.String(),
  definition: Type.Unsafe<JobDefinition>({ $ref: 'JobDefinition#' }),
  hidden,
  may: Type.Optional(
    Type.Array(oneOf(permissions), {
      description: 'What you may do with the job. Only in the answer about one job.',
    }),
  ),
  revision: Type.Integer({ minimum: 1 }),
  createdAt: instant(),
  updatedAt: instant(),
  updatedBy: Type.String(),
  status: oneOf(jobStatuses, {
    description: 'completed: the schedule has no further due time. disabled: by consecutive failures.',
  }),
  statusReason: orNull(Type.String(), {
    description: 'Who paused the job, why it is disabled, or which paused or disabled job holds it back.',
  }),
  statusWhy: why,
  heldBackBy: heldBack,
  paused: orNull(
    Type.Object({
      at: instant(),
      by: Type.String(),
      until: Type.Optional(instant('It is resumed by itself then. Absent: never.')),
    }),
  ),
  muted,
  scheduleText: Type.String({ description: 'Description of the schedule.' }),
  nextDue: orNull(instant(), {
    description: 'Next due time. Null if there is none, or the job is paused or disabled.',
  }),
  parents: Type.Array(Type.String()),
  children: Type.Array(Type.String()),
  last: orNull(WireLastRun, { description: 'The newest ended run.' }),
  counts: Type.Object({
    succeeded: count('Runs that succeeded.'),
    failed: count('Runs that failed, were killed, timed out or were lost.'),
    skipped: count('Due times that were skipped.'),
    missed: count('Due times that were missed.'),
    consecutiveFailures: count('Failed runs since the last success.'),
  }),
  running: Type.Array(Type.String(), {
    description: 'Runs that are launching or running, oldest due time first. At most 100.',
  }),
  waiting: Type.Array(Type.String(), {
    description: 'Runs that are waiting or queued, oldest due time first. At most 100.',
  }),
};

export const WireJob = Type.Object(
  {
    ...jobFields,
    warnings: Type.Optional(
      Type.Array(Type.String(), {
        description:
          'Only in the response about a single job: settings that are valid but probably a mistake, or ' +
          'that have no effect here.',
      }),
    ),
  },
  { $id: 'Job' },
);
export type WireJob = Static<typeof WireJob>;

const total = count('Number of jobs that match the filter, on all pages.');

export const WireJobList = list(ref(WireJob), 'JobList', { total });
export type WireJobList = Static<typeof WireJobList>;

/** A job in a long list: `GET /jobs?view=row`. */
export const WireJobRow = Type.Object(
  {
    name: Type.String(),
    owner: orNull(Type.String()),
    labels: Type.Record(Type.String(), Type.String()),
    scheduleText: jobFields.scheduleText,
    timezone: Type.String({ description: 'Time zone of the schedule. UTC if it has none.' }),
    nextDue: jobFields.nextDue,
    status: jobFields.status,
    statusReason: jobFields.statusReason,
    statusWhy: why,
    running: count('Runs that are launching or running.'),
    waiting: count('Runs that are waiting or queued.'),
    late: orNull(Type.String(), { description: 'Why the job is late. Null if it is not.' }),
    lateWhy: why,
    consecutiveFailures: jobFields.counts.properties.consecutiveFailures,
    recent: Type.Array(Type.Object({ id: Type.String(), state: EndState, due: instant() }), {
      maxItems: apiLimits.recentRuns,
      description: 'The most recent ended runs, newest last.',
    }),
    p50Ms: orNull(Type.Number(), { description: 'All-time median run time of successful runs.' }),
    p95Ms: orNull(Type.Number()),
  },
  { $id: 'JobRow' },
);
export type WireJobRow = Static<typeof WireJobRow>;

export const WireJobRowList = list(ref(WireJobRow), 'JobRowList', { total });
export type WireJobRowList = Static<typeof WireJobRowList>;

/** Response to creating, replacing or restoring a job. */
export const WireJobChange = Type.Object(
  {
    ...jobFields,
    outcome: oneOf(['created', 'changed', 'unchanged']),
    warnings: Type.Array(Type.String(), { description: 'Settings that are valid but probably a mistake.' }),
  },
  { $id: 'JobChange' },
);
export type WireJobChange = Static<typeof WireJobChange>;

export const WireDeletion = Type.Object(
  {
    deleted: Type.Array(Type.String()),
    detached: Type.Array(Type.String(), {
      description: 'Dependent jobs that lost this parent and were kept.',
    }),
  },
  { $id: 'Deletion' },
);
export type WireDeletion = Static<typeof WireDeletion>;

export const WireRevision = Type.Object(
  {
    job: Type.String(),
    revision: Type.Integer({ minimum: 1 }),
    at: instant(),
    by: Type.String(),
    definition: orNull(Type.Unsafe<JobDefinition>({ $ref: 'JobDefinition#' }), {
      description: 'Null if the job was deleted.',
    }),
    hidden,
  },
  { $id: 'Revision' },
);
export type WireRevision = Static<typeof WireRevision>;

export const WireRevisionList = list(ref(WireRevision), 'RevisionList');
export type WireRevisionList = Static<typeof WireRevisionList>;

export const WireDiff = Type.Object(
  {
    job: Type.String(),
    from: Type.Integer(),
    to: Type.Integer(),
    changes: Type.Array(
      Type.Object({
        path: Type.String({
          description: 'Path of the field, such as policy.retries.limit. Lists are compared as a whole.',
        }),
        before: Type.Unknown({ description: 'Null if the field was absent.' }),
        after: Type.Unknown({ description: 'Null if the field is absent.' }),
      }),
    ),
  },
  { $id: 'Diff' },
);
export type WireDiff = Static<typeof WireDiff>;

// Many jobs at once

export const applyOutcomes = ['created', 'changed', 'unchanged', 'deleted', 'refused'] as const;

export const WireApplyResult = Type.Object(
  {
    name: Type.String({ description: 'Empty if a rejected definition has no readable name.' }),
    outcome: oneOf(applyOutcomes),
    revision: orNull(Type.Integer()),
    problem: orNull(ref(WireProblem), { description: 'Why the definition was rejected.' }),
    warnings: Type.Array(Type.String()),
    before: Type.Unknown({ description: 'The previous definition, if it changed or would change.' }),
    after: Type.Unknown({ description: 'The new definition, if it changed or would change.' }),
  },
  { $id: 'ApplyResult' },
);
export type WireApplyResult = Static<typeof WireApplyResult>;

export const WireApply = Type.Object(
  {
    dryRun: Type.Boolean({ description: 'True if nothing was changed.' }),
    counts: Type.Object({
      created: count('New jobs.'),
      changed: count('Jobs with a new revision.'),
      unchanged: count('Jobs that were already up to date.'),
      deleted: count('Jobs deleted by prune.'),
      refused: count('Rejected definitions. All others were accepted.'),
    }),
    results: Type.Array(ref(WireApplyResult), {
      description: 'In the order of the request, followed by deleted jobs.',
    }),
  },
  { $id: 'Apply' },
);
export type WireApply = Static<typeof WireApply>;

// Runs

export const WireAttempt = Type.Object(
  {
    number: Type.Integer({ minimum: 1 }),
    engine: Type.String(),
    host: orNull(Type.String(), {
      description: 'The node whose local engine runs the attempt. Null if all nodes reach the engine.',
    }),
    launchName: Type.String({ description: 'Name of the container or process on the engine.' }),
    createdAt: instant(),
    startedAt: orNull(instant()),
    endedAt: orNull(instant()),
    image: orNull(Type.String(), { description: 'Digest of the image that ran. Null until it is known.' }),
    exitCode: orNull(Type.Integer()),
    reason: orNull(Type.String()),
    why,
    bytesDropped: orNull(
      count('Bytes of output that were dropped. For an unfinished attempt, as of a few seconds ago.'),
      {
        description:
          'Null: output was dropped, but the engine does not count how much. For containers it is known at ' +
          'the end. If the engine does not report dropped output, this is 0 and the output shows the gap.',
      },
    ),
    ...usageFields,
  },
  { $id: 'Attempt' },
);
export type WireAttempt = Static<typeof WireAttempt>;

export const WireRun = Type.Object(
  {
    id: Type.String(),
    job: Type.String(),
    due: instant('Due time, or when the run was triggered.'),
    ...lineageFields,
    state: RunState,
    reason: orNull(Type.String(), { description: 'What the run is waiting for, or why it ended this way.' }),
    why,
    variant: Type.String({ description: 'Suffix of the id. Empty for scheduled runs. See origin.' }),
    revision: Type.Integer({ description: 'Revision of the job when the newest attempt was launched.' }),
    priority: Type.Integer(),
    params: Type.Record(Type.String(), Type.String()),
    parents: Type.Array(Type.String(), { description: 'Parent runs that triggered this run.' }),
    children: Type.Optional(
      Type.Array(Type.Object({ id: Type.String(), job: Type.String(), state: RunState }), {
        description:
          'Newest runs that this run triggered, itself or with others. Only where one run is read.',
      }),
    ),
    attempts: Type.Array(ref(WireAttempt)),
    catchesUp: count('Number of earlier due times that this run stands for.'),
    createdAt: instant(
      "When the run was decided, by the leader's clock. Moves with that clock until the run has ended.",
    ),
    notBefore: orNull(instant(), {
      description: 'Earliest time of the next attempt of a retry, or after the engine had no capacity.',
    }),
    startBy: orNull(instant(), { description: 'The run ends as missed if it is not launched by then.' }),
    kill,
    endedAt: orNull(instant()),
    lateMs: orNull(Type.Number(), {
      description:
        'To the first start, from the due instant; of what parents or a person made due, from when they did.',
    }),
    runMs: orNull(Type.Number(), { description: 'Duration of the newest attempt, once it has ended.' }),
  },
  { $id: 'Run' },
);
export type WireRun = Static<typeof WireRun>;

export const WireRunList = list(ref(WireRun), 'RunList');
export type WireRunList = Static<typeof WireRunList>;

/** The data of a `log` event of `GET /runs/{id}/logs`. An `end` event closes the stream. */
export const WireLogEvent = Type.Object(
  {
    stream: oneOf(['stdout', 'stderr']),
    text: Type.String(),
    timed: Type.Optional(Type.Boolean({ description: 'Each line of the text begins with its time.' })),
  },
  { $id: 'LogEvent' },
);
export type WireLogEvent = Static<typeof WireLogEvent>;

export const WireTrigger = Type.Object(
  {
    params: Type.Optional(givenParams('Parameters of this run, as the job declares them in params.')),
  },
  { additionalProperties: false },
);
export type WireTrigger = Static<typeof WireTrigger>;

// Outcomes of due times

export const WireLedgerLine = Type.Object(
  {
    job: Type.String(),
    from: instant(),
    to: instant('Equal to from for a single due time.'),
    count: count('Number of due times from from to to, both included.'),
    more: Type.Boolean({ description: 'True if count is a lower bound.' }),
    end: oneOf(['ran', 'skipped', 'missed', 'caught-up', 'backfilled']),
    state: orNull(EndState, {
      description:
        'End state of the run. Null if there is no run, if it catches up and is unfinished, or if the ' +
        'entry was stored before this was recorded.',
    }),
    reason: orNull(Type.String(), {
      description: 'Why the due times were skipped or missed, or why the run failed.',
    }),
    why,
    run: orNull(Type.String(), { description: 'Its run, or the one that caught it up or backfilled it.' }),
    backfill: Type.Optional(Type.String({ description: 'The backfill, with backfilled.' })),
  },
  { $id: 'LedgerLine' },
);
export type WireLedgerLine = Static<typeof WireLedgerLine>;

export const WireLedger = list(ref(WireLedgerLine), 'Ledger');
export type WireLedger = Static<typeof WireLedger>;
