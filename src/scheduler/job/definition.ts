/**
 * A job as a user writes it: one schema that gives the type, the check, and the OpenAPI document. Values stay
 * as written (durations and sizes are text here); `policy.ts` converts them to numbers.
 */

import { type Static, Type } from 'typebox';
import { CalendarChoice } from './calendar/choice.ts';
import { Alerts } from './schema/alerts.ts';
import { zoneNames } from './schema/choices.ts';
import { cronForm, dateTimeForm, everyForm, positiveDurationForm, timeOfDayForm } from './schema/forms.ts';
import { Heartbeat } from './schema/heartbeat.ts';
import { Params } from './schema/params.ts';
import { closed, definitionLimits, duration, oneOf, text, textMap, words } from './schema/parts.ts';
import { published } from './schema/published.ts';
import { Run } from './schema/run.ts';

export { definitionLimits, oneOf };

/** Per run. */
export const maxRetries = 1_000;

/** `.` and `..` are navigation steps in addresses and paths, so no job can have these names. */
export const jobNamePattern = '^(?!\\.{1,2}$)[A-Za-z0-9_.-]{1,128}$';

const JobName = Type.String({
  pattern: jobNamePattern,
  description: 'Unique name: 1 to 128 letters, digits, dots, dashes and underscores; not . or ..',
});

const Parent = Type.Object(
  {
    job: JobName,
    when: Type.Optional(
      oneOf(words.parentWhen, {
        description: 'How this parent must have ended. Default: as `when` of the job says.',
      }),
    ),
    per: Type.Optional(
      oneOf(words.per, {
        description:
          'All runs of this parent in the interval. It is the interval of the round for the others too.',
      }),
    ),
  },
  closed,
);

const After = Type.Object(
  {
    parents: Type.Array(Type.Union([JobName, Parent]), {
      minItems: 1,
      maxItems: definitionLimits.parents,
      uniqueItems: true,
      description: 'Jobs that this job runs after: names, or objects with what holds for one parent.',
    }),
    when: Type.Optional(
      oneOf(words.when, {
        description: 'Which results of the parents trigger the job. Default: all-succeeded.',
      }),
    ),
    per: Type.Optional(
      oneOf(words.per, {
        description: 'Join parents with different schedules: one round for all their runs in the interval.',
      }),
    ),
    timezone: Type.Optional(
      Type.String({
        maxLength: 64,
        description: 'IANA time zone of the intervals of `per`. Default: UTC.',
        ...published(zoneNames),
      }),
    ),
    weekStart: Type.Optional(
      oneOf(words.weekday, {
        description: 'The day on which weeks begin with `per: week`. Default: monday.',
      }),
    ),
  },
  closed,
);

const whens = {
  cron: Type.Optional(
    Type.String({
      maxLength: 256,
      description: 'Cron expression with 5 fields, or 6 with seconds first.',
      ...published({ pattern: cronForm }),
    }),
  ),
  every: Type.Optional(
    Type.String({
      maxLength: 256,
      description: 'ISO 8601 repeat such as R/2026-01-01T00:00:00Z/PT5S, or a duration.',
      examples: ['90s', 'PT90S'],
      ...published({ pattern: everyForm }),
    }),
  ),
  at: Type.Optional(
    Type.String({
      maxLength: 64,
      description: 'A single ISO 8601 time.',
      ...published({ pattern: dateTimeForm }),
    }),
  ),
  after: Type.Optional(After),
};

const besideWhens = {
  timezone: Type.Optional(
    Type.String({
      maxLength: 64,
      description: 'IANA time zone. Default: UTC.',
      ...published(zoneNames),
    }),
  ),
  dst: Type.Optional(
    Type.Object(
      {
        gap: Type.Optional(oneOf(['run-once', 'skip'])),
        overlap: Type.Optional(oneOf(['first', 'both'])),
      },
      { ...closed, description: 'What happens when clocks change. Default: the rule of cron.' },
    ),
  ),
  start: Type.Optional(
    Type.String({
      maxLength: 64,
      description: 'Due times count from this local time of the schedule on.',
      examples: ['2026-01-01', '2026-01-01T06:00:00'],
      ...published({ pattern: dateTimeForm }),
    }),
  ),
  end: Type.Optional(
    Type.String({
      maxLength: 64,
      description: 'Due times count before this local time of the schedule.',
      ...published({ pattern: dateTimeForm }),
    }),
  ),
};

const jitter = Type.Optional(
  duration(
    'A run starts up to so much later than it is due: a part of it that is fixed by the job and the due time. At most P1D.',
    positiveDurationForm,
  ),
);

const { after: _, ...timed } = whens;

/** Members of `any`. */
const maxMembers = 20;

const fields = {
  ...whens,
  any: Type.Optional(
    Type.Array(
      Type.Object(
        {
          ...timed,
          ...besideWhens,
          params: Type.Optional(
            Type.Record(Type.String(), Type.String({ maxLength: definitionLimits.textLength }), {
              description: 'Parameters of the runs of this schedule.',
              maxProperties: 64,
            }),
          ),
        },
        closed,
      ),
      {
        minItems: 1,
        maxItems: maxMembers,
        description:
          'Several schedules, each with its own time zone and parameters. One run for a time at which several are due, ' +
          'with the parameters of the first of them.',
      },
    ),
  ),
  ...besideWhens,
  jitter,
  calendar: Type.Optional(CalendarChoice),
};

const closedKind = (kind: keyof typeof fields, also: readonly (keyof typeof fields)[] = []) =>
  Type.Object(
    { [kind]: fields[kind], ...Object.fromEntries(also.map((name) => [name, fields[name]])) },
    { ...closed, required: [kind] },
  );

/** Each kind with the fields allowed beside it. */
const oneKind = {
  type: undefined,
  properties: undefined,
  additionalProperties: undefined,
  oneOf: [
    closedKind('cron', ['timezone', 'dst', 'start', 'end', 'jitter', 'calendar']),
    closedKind('every', ['timezone', 'start', 'end', 'jitter', 'calendar']),
    closedKind('at', ['timezone', 'jitter', 'calendar']),
    closedKind('any', ['jitter', 'calendar']),
    closedKind('after'),
  ],
};

export const Schedule = Type.Object(fields, {
  ...closed,
  description: 'Exactly one of cron, every, at, any and after. A job without a schedule is manual.',
  ...published(oneKind),
});

const exitCodes = (description: string) =>
  Type.Array(Type.Integer({ minimum: 1, maximum: 255 }), {
    minItems: 1,
    maxItems: definitionLimits.listLength,
    uniqueItems: true,
    description,
  });

const Policy = Type.Object(
  {
    overlap: Type.Optional(
      oneOf(words.overlap, {
        description: 'What to do if a run is due while another is unfinished. Default: skip.',
      }),
    ),
    catchUp: Type.Optional(
      oneOf(words.catchUp, {
        description: 'What to do with due times missed while no scheduler was running. Default: latest.',
      }),
    ),
    catchUpLimit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000,
        description: 'Maximum number of runs that `all` catches up. Default: 100.',
      }),
    ),
    startWithin: Type.Optional(
      duration('A run that could not start within this time after its due time is missed.'),
    ),
    retries: Type.Optional(
      Type.Object(
        {
          limit: Type.Optional(Type.Integer({ minimum: 0, maximum: maxRetries })),
          delay: Type.Optional(duration('Delay of the first retry. Default: PT10S.')),
          factor: Type.Optional(
            Type.Number({
              minimum: 1,
              maximum: 100,
              description: 'Factor by which the delay grows. Default: 2.',
            }),
          ),
          max: Type.Optional(duration('Maximum delay. Default: PT1H.')),
          onExitCodes: Type.Optional(
            exitCodes('Of attempts that failed, retry only those with these exit codes. Default: all.'),
          ),
          exceptExitCodes: Type.Optional(
            exitCodes('Never retry attempts that failed with these exit codes.'),
          ),
          jitter: Type.Optional(
            Type.Boolean({
              description: 'Choose each delay at random between half and all of it. Default: true.',
            }),
          ),
        },
        closed,
      ),
    ),
    timeout: Type.Optional(
      duration('Maximum duration of an attempt. A longer one is killed.', positiveDurationForm),
    ),
    totalTimeout: Type.Optional(
      duration(
        'Maximum duration of all attempts together, with the delays between them. A longer run is killed and not retried.',
        positiveDurationForm,
      ),
    ),
    skipExitCodes: Type.Optional(
      exitCodes('A run whose attempt ends with one of these exit codes ends as skipped.'),
    ),
    killAfter: Type.Optional(duration('Time between TERM and KILL. Default: PT10S.')),
    concurrency: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, description: 'Maximum concurrent attempts of this job.' }),
    ),
    priority: Type.Optional(
      Type.Integer({ minimum: -100, maximum: 100, description: 'Higher starts first. Default: 0.' }),
    ),
    pool: Type.Optional(text('A configured pool whose slots the job shares.')),
    disableAfterFailures: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000,
        description: 'Disable the job after this many failed runs in a row.',
      }),
    ),
    prestage: Type.Optional(
      duration(
        'Fetch the image and create the container this long before each due time.',
        positiveDurationForm,
      ),
    ),
    warmStart: Type.Optional(
      duration(
        'Start the container or process this long before each due time. It waits at its gate before its program starts.',
        positiveDurationForm,
      ),
    ),
    onFailure: Type.Optional(
      oneOf(words.onFailure, {
        description:
          'What a failed run means for children: stop (default), or continue as if it had succeeded.',
      }),
    ),
    completion: Type.Optional(
      oneOf(words.completion, {
        description:
          'When a run has succeeded: by its exit (default), or by callback, when POST /runs/{id}/complete reports it.',
      }),
    ),
  },
  closed,
);

const Expect = Type.Object(
  {
    startWithin: Type.Optional(duration('A run that starts later than this counts as late.')),
    finishBy: Type.Optional(
      text('Local time by which the run should have ended, such as 06:00.', timeOfDayForm),
    ),
    finishWithin: Type.Optional(
      duration('An attempt that runs for longer counts as long. Default: by its usual duration.'),
    ),
    pipelineBy: Type.Optional(
      text(
        'Local time by which the run and all that follow from it should have ended, such as 06:00.',
        timeOfDayForm,
      ),
    ),
  },
  closed,
);

/** The native form of a job in files, request bodies and responses. */
export const JobDefinition = Type.Object(
  {
    name: JobName,
    description: Type.Optional(text('Purpose of the job.')),
    owner: Type.Optional(text('Person or team responsible for the job.')),
    labels: Type.Optional(textMap('Labels for filters.', definitionLimits.labels)),
    schedule: Type.Optional(Schedule),
    params: Type.Optional(Params),
    run: Type.Optional(Run),
    runIf: Type.Optional(
      text(
        'A condition such as {{ params.full }}, with the names of templates. If it becomes false, the run is skipped.',
      ),
    ),
    policy: Type.Optional(Policy),
    alerts: Type.Optional(Alerts),
    heartbeat: Type.Optional(Heartbeat),
    expect: Type.Optional(Expect),
    paused: Type.Optional(
      Type.Boolean({ description: 'Pause or resume the job with this change. Default: unchanged.' }),
    ),
    chronos: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        maxProperties: 48,
        description:
          'Fields of a job sent by a Chronos client that have no native form, stored so that the client ' +
          'reads them back.',
      }),
    ),
  },
  {
    ...closed,
    title: 'Job',
    // Without `run`, somebody else runs the job on its schedule.
    ...published({ anyOf: [{ required: ['run'] }, { required: ['schedule'] }] }),
  },
);

export type JobDefinition = Static<typeof JobDefinition>;
export type PolicyDefinition = NonNullable<JobDefinition['policy']>;
export type RunDefinition = NonNullable<JobDefinition['run']>;
export type AfterDefinition = Static<typeof After>;
export type ParentDefinition = AfterDefinition['parents'][number];
