/**
 * What goes over the wire under `/api/v1`: jobs, runs, what became of due instants, and problems. Each shape is
 * defined once, as a TypeBox schema that gives the type, the OpenAPI component of the same name and, in the
 * tests, the check of every answer. Instants are ISO 8601 in UTC with milliseconds, durations are numbers
 * that end in `Ms`, and what is absent is null (only a problem leaves out the details it does not have).
 * `views.ts` has the rest: statistics, schedules, the graph, the cluster, events.
 */

import { type Static, Type } from 'typebox';
import { catalogue } from '../../errors.ts';
import { JobDefinition, oneOf } from '../../scheduler/job/definition.ts';
import { variables } from '../../scheduler/job/schema/choices.ts';
import { paramForm, textForm } from '../../scheduler/job/schema/forms.ts';
import { published } from '../../scheduler/job/schema/published.ts';
import { endStates, liveStates } from '../../scheduler/model/model.ts';
import { apiLimits } from './limits.ts';
import { count, instant, list, orNull, ref } from './shape.ts';

// Problems

const code = oneOf([...Object.keys(catalogue), 'INTERNAL'] as (keyof typeof catalogue | 'INTERNAL')[], {
  description: 'The catalogue code; scripts decide by this.',
});
const problemFields = {
  code,
  detail: Type.String({ description: 'What went wrong this time.' }),
  field: Type.Optional(Type.String({ description: 'Path of the field: policy.retries.limit' })),
  value: Type.Optional(Type.Unknown({ description: 'The value that was refused, shortened.' })),
  allowed: Type.Optional(
    Type.Union([Type.String(), Type.Array(Type.String())], { description: 'What would be accepted.' }),
  ),
  source: Type.Optional(Type.String({ description: 'Where it came from: body:12, query, path.' })),
  names: Type.Optional(
    Type.Array(Type.String(), { description: 'The path of a cycle, the dependents and the like.' }),
  ),
};

export const WireProblem = Type.Object(
  {
    type: Type.String({ description: 'Names the kind of problem: urn:carillon:problem:JOB_NOT_FOUND' }),
    title: Type.String({ description: 'The kind of problem in words.' }),
    status: Type.Integer({ description: 'The HTTP status.' }),
    ...problemFields,
    others: Type.Optional(
      Type.Array(Type.Object(problemFields), { description: 'Further problems with the same job.' }),
    ),
    requestId: Type.Optional(Type.String({ description: 'With INTERNAL: what to look for in the log.' })),
  },
  { $id: 'Problem', description: 'RFC 9457 problem details.' },
);
export type WireProblem = Static<typeof WireProblem>;

// Jobs

export const jobStatuses = ['active', 'paused', 'disabled', 'completed'] as const;
/** What `state=` of the list of jobs takes. */
export const jobFilters = [...jobStatuses, 'running', 'waiting', 'failing', 'late'] as const;

const EndState = oneOf(endStates);
const RunState = oneOf([...liveStates, ...endStates]);

export const WireLastRun = Type.Object({
  id: Type.String(),
  state: EndState,
  due: instant(),
  endedAt: instant(),
});

/** A definition as it was accepted, checked by the scheduler and not here. */
export const WireDefinition = Type.Unsafe<JobDefinition>({ ...JobDefinition, $id: 'JobDefinition' });

/** Above a job that waits for others. */
export const heldBack = Type.Array(
  Type.Object({ job: Type.String(), status: oneOf(['paused', 'disabled']) }),
  {
    description:
      'The nearest paused or disabled jobs above it, for which it waits directly or not; at most 10.',
  },
);

const jobFields = {
  name: Type.String(),
  definition: Type.Unsafe<JobDefinition>({ $ref: 'JobDefinition#' }),
  revision: Type.Integer({ minimum: 1 }),
  createdAt: instant(),
  updatedAt: instant(),
  updatedBy: Type.String(),
  status: oneOf(jobStatuses, {
    description: 'completed: its schedule has no further due instant. disabled: by its failures.',
  }),
  statusReason: orNull(Type.String(), {
    description: 'Who paused it, why it is disabled, or which job above it stands still.',
  }),
  heldBackBy: heldBack,
  paused: orNull(Type.Object({ at: instant(), by: Type.String() })),
  scheduleText: Type.String({ description: 'The schedule in words.' }),
  nextDue: orNull(instant(), { description: 'Null when there is none, or the job is paused or disabled.' }),
  parents: Type.Array(Type.String()),
  children: Type.Array(Type.String()),
  last: orNull(WireLastRun, { description: 'The newest ended run.' }),
  counts: Type.Object({
    succeeded: count('Runs that succeeded.'),
    failed: count('Runs that failed, were killed, timed out or were lost.'),
    skipped: count('Due instants that were skipped.'),
    missed: count('Due instants that were missed.'),
    consecutiveFailures: count('Failed runs since the last success.'),
  }),
  running: Type.Array(Type.String(), {
    description: 'Runs that launch or run, oldest due first; at most 100.',
  }),
  waiting: Type.Array(Type.String(), { description: 'Runs that wait or are queued, likewise.' }),
};

export const WireJob = Type.Object(
  {
    ...jobFields,
    warnings: Type.Optional(
      Type.Array(Type.String(), {
        description:
          'Of one job alone: what of it is allowed but probably not meant, or kept without effect.',
      }),
    ),
  },
  { $id: 'Job' },
);
export type WireJob = Static<typeof WireJob>;

const total = count('How many jobs pass the filter, on this page or not.');

export const WireJobList = list(ref(WireJob), 'JobList', { total });
export type WireJobList = Static<typeof WireJobList>;

/** A job in a list of many: `GET /jobs?view=row`. */
export const WireJobRow = Type.Object(
  {
    name: Type.String(),
    owner: orNull(Type.String()),
    labels: Type.Record(Type.String(), Type.String()),
    scheduleText: jobFields.scheduleText,
    timezone: Type.String({ description: 'Of its schedule; UTC where it has none.' }),
    nextDue: jobFields.nextDue,
    status: jobFields.status,
    statusReason: jobFields.statusReason,
    running: count('Runs that launch or run.'),
    waiting: count('Runs that wait or are queued.'),
    late: orNull(Type.String(), { description: 'Why it is late; null when it is not.' }),
    consecutiveFailures: jobFields.counts.properties.consecutiveFailures,
    recent: Type.Array(Type.Object({ id: Type.String(), state: EndState, due: instant() }), {
      maxItems: apiLimits.recentRuns,
      description: 'The last ended runs, the newest last.',
    }),
    p50Ms: orNull(Type.Number(), { description: 'Run time of those that succeeded, of all time.' }),
    p95Ms: orNull(Type.Number()),
  },
  { $id: 'JobRow' },
);
export type WireJobRow = Static<typeof WireJobRow>;

export const WireJobRowList = list(ref(WireJobRow), 'JobRowList', { total });
export type WireJobRowList = Static<typeof WireJobRowList>;

/** What creating, replacing or restoring answers with. */
export const WireJobChange = Type.Object(
  {
    ...jobFields,
    outcome: oneOf(['created', 'changed', 'unchanged']),
    warnings: Type.Array(Type.String(), { description: 'Allowed, but probably not meant.' }),
  },
  { $id: 'JobChange' },
);
export type WireJobChange = Static<typeof WireJobChange>;

export const WireDeletion = Type.Object(
  {
    deleted: Type.Array(Type.String()),
    detached: Type.Array(Type.String(), { description: 'Children that lost this parent and stay.' }),
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
      description: 'Null when the job was deleted.',
    }),
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
        path: Type.String({ description: 'policy.retries.limit; lists are compared as a whole.' }),
        before: Type.Unknown({ description: 'Null where it was not there.' }),
        after: Type.Unknown({ description: 'Null where it is not there any more.' }),
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
    name: Type.String({ description: 'Empty when a refused definition has no name that can be read.' }),
    outcome: oneOf(applyOutcomes),
    revision: orNull(Type.Integer()),
    problem: orNull(ref(WireProblem), { description: 'Why it was refused.' }),
    warnings: Type.Array(Type.String()),
    before: Type.Unknown({ description: 'The definition before, where it changed or would change.' }),
    after: Type.Unknown({ description: 'The definition after, likewise.' }),
  },
  { $id: 'ApplyResult' },
);
export type WireApplyResult = Static<typeof WireApplyResult>;

export const WireApply = Type.Object(
  {
    dryRun: Type.Boolean({ description: 'True: nothing was changed.' }),
    counts: Type.Object({
      created: count('New jobs.'),
      changed: count('Jobs with a new revision.'),
      unchanged: count('Jobs that were like this already.'),
      deleted: count('Jobs removed by prune.'),
      refused: count('Definitions that were not accepted; the others were.'),
    }),
    results: Type.Array(ref(WireApplyResult), {
      description: 'In the order of the request, then the deleted.',
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
    host: orNull(Type.String(), { description: 'The node whose own engine it is; null where all reach it.' }),
    launchName: Type.String({ description: 'The name of the container or process on the engine.' }),
    createdAt: instant(),
    startedAt: orNull(instant()),
    endedAt: orNull(instant()),
    image: orNull(Type.String(), { description: 'What ran, by its digest; null until that is known.' }),
    exitCode: orNull(Type.Integer()),
    reason: orNull(Type.String()),
    bytesDropped: orNull(
      count('Bytes of its oldest output that are not kept any more; while it runs, as of some seconds ago.'),
      {
        description:
          'Null: some, which its engine does not count. Of containers it is known at the end. Where an engine does not know it, it is 0, and the output shows the gap.',
      },
    ),
  },
  { $id: 'Attempt' },
);
export type WireAttempt = Static<typeof WireAttempt>;

export const WireRun = Type.Object(
  {
    id: Type.String(),
    job: Type.String(),
    due: instant('The due instant, or when it was triggered.'),
    trigger: Type.Object({
      kind: oneOf(['schedule', 'parents', 'manual', 'rerun']),
      by: orNull(Type.String(), { description: 'Who triggered it.' }),
      of: orNull(Type.String(), { description: 'With rerun: the run that is repeated.' }),
    }),
    state: RunState,
    reason: orNull(Type.String(), { description: 'Why it waits, or why it ended so.' }),
    variant: Type.String({ description: 'Empty for what a schedule made.' }),
    revision: Type.Integer({ description: 'Of the job, as the newest attempt was launched.' }),
    priority: Type.Integer(),
    params: Type.Record(Type.String(), Type.String()),
    parents: Type.Array(Type.String(), { description: 'The runs of the parents that made it due.' }),
    attempts: Type.Array(ref(WireAttempt)),
    catchesUp: count('How many earlier due instants it stands for.'),
    createdAt: instant(
      "When the run was decided, by the leader's clock. Moves with that clock until the run has ended.",
    ),
    notBefore: orNull(instant(), {
      description: 'It waits until then: a retry, or an engine without a place for it.',
    }),
    startBy: orNull(instant(), { description: 'It ends as missed when it was not launched by then.' }),
    kill: orNull(Type.Object({ at: instant(), by: Type.String(), reason: Type.String() }), {
      description: 'A kill was asked for.',
    }),
    endedAt: orNull(instant()),
    lateMs: orNull(Type.Number(), {
      description:
        'To the first start, from the due instant; of what parents or a person made due, from when they did.',
    }),
    runMs: orNull(Type.Number(), { description: 'From start to end of the newest attempt, once it ended.' }),
  },
  { $id: 'Run' },
);
export type WireRun = Static<typeof WireRun>;

export const WireRunList = list(ref(WireRun), 'RunList');
export type WireRunList = Static<typeof WireRunList>;

/** One `log` event of `GET /runs/{id}/logs` as server-sent events; an `end` event closes it. */
export const WireLogEvent = Type.Object(
  { stream: oneOf(['stdout', 'stderr']), text: Type.String() },
  { $id: 'LogEvent' },
);
export type WireLogEvent = Static<typeof WireLogEvent>;

export const WireTrigger = Type.Object(
  {
    params: Type.Optional(
      Type.Record(Type.String({ minLength: 1, maxLength: 128 }), Type.String({ maxLength: 4_096 }), {
        maxProperties: 64,
        description: 'Handed to this run only.',
        ...published({
          patternProperties: undefined,
          propertyNames: variables(paramForm).propertyNames,
          additionalProperties: { type: 'string', maxLength: 4_096, pattern: textForm },
        }),
      }),
    ),
  },
  { additionalProperties: false },
);
export type WireTrigger = Static<typeof WireTrigger>;

// What became of due instants

export const WireLedgerLine = Type.Object(
  {
    job: Type.String(),
    from: instant(),
    to: instant('The same as from for a single due instant.'),
    count: count('Due instants from from up to and including to.'),
    more: Type.Boolean({ description: 'count is a lower bound.' }),
    end: oneOf(['ran', 'skipped', 'missed', 'caught-up']),
    state: orNull(EndState, {
      description:
        'How the run of this line ended. Null: there is none, it catches up and is unfinished, or the line was stored before this was recorded.',
    }),
    reason: orNull(Type.String(), {
      description: 'Why the instants were skipped or missed, or why the run failed.',
    }),
    run: orNull(Type.String(), { description: 'The run that ran, or that caught up.' }),
  },
  { $id: 'LedgerLine' },
);
export type WireLedgerLine = Static<typeof WireLedgerLine>;

export const WireLedger = list(ref(WireLedgerLine), 'Ledger');
export type WireLedger = Static<typeof WireLedger>;
