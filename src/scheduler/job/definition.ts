/**
 * A job as a person writes it: one schema that gives the type, the check, and the OpenAPI document. Values
 * stay as written (durations and sizes are text here); `policy.ts` turns them into numbers.
 */

import { type Static, Type } from 'typebox';
import { zoneNames } from './schema/choices.ts';
import { cronForm, dateTimeForm, everyForm, positiveDurationForm, timeOfDayForm } from './schema/forms.ts';
import { closed, definitionLimits, duration, oneOf, text, textMap, words } from './schema/parts.ts';
import { published } from './schema/published.ts';
import { Run } from './schema/run.ts';

export { definitionLimits, oneOf };

/** Of one run. */
export const maxRetries = 1_000;

/** `.` and `..` are steps in every address and path, and can't be asked for. */
export const jobNamePattern = '^(?!\\.{1,2}$)[A-Za-z0-9_.-]{1,128}$';

const JobName = Type.String({
  pattern: jobNamePattern,
  description: 'Unique name: 1 to 128 letters, digits, dots, dashes and underscores; not . or ..',
});

const After = Type.Object(
  {
    parents: Type.Array(JobName, {
      minItems: 1,
      maxItems: definitionLimits.parents,
      uniqueItems: true,
      description: 'Jobs this one waits for.',
    }),
    when: Type.Optional(
      oneOf(words.when, {
        description: 'What the parents must have done. Default: all-succeeded.',
      }),
    ),
    per: Type.Optional(
      oneOf(['minute', 'hour', 'day', 'week', 'month'], {
        description: 'Join parents of different cadence: one round for all their runs of the interval.',
      }),
    ),
  },
  closed,
);

const whens = {
  cron: Type.Optional(
    Type.String({
      maxLength: 256,
      description: 'Cron: 5 fields, or 6 with seconds first.',
      ...published({ pattern: cronForm }),
    }),
  ),
  every: Type.Optional(
    Type.String({
      maxLength: 256,
      description: 'An ISO 8601 repeat, R/2026-01-01T00:00:00Z/PT5S, or a duration.',
      examples: ['90s', 'PT90S'],
      ...published({ pattern: everyForm }),
    }),
  ),
  at: Type.Optional(
    Type.String({
      maxLength: 64,
      description: 'One instant, ISO 8601.',
      ...published({ pattern: dateTimeForm }),
    }),
  ),
  after: Type.Optional(After),
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
      { ...closed, description: "What happens when clocks change. Default: cron's own rule." },
    ),
  ),
};

const closedKind = (kind: keyof typeof whens, also: readonly (keyof typeof whens)[] = []) =>
  Type.Object(
    { [kind]: whens[kind], ...Object.fromEntries(also.map((name) => [name, whens[name]])) },
    { ...closed, required: [kind] },
  );

/** Each kind with what may stand beside it. */
const oneKind = {
  type: undefined,
  properties: undefined,
  additionalProperties: undefined,
  oneOf: [
    closedKind('cron', ['timezone', 'dst']),
    closedKind('every', ['timezone']),
    closedKind('at', ['timezone']),
    closedKind('after'),
  ],
};

export const Schedule = Type.Object(whens, {
  ...closed,
  description: 'Exactly one of cron, every, at and after; without a schedule a job runs by hand only.',
  ...published(oneKind),
});

const Policy = Type.Object(
  {
    overlap: Type.Optional(
      oneOf(words.overlap, {
        description: 'When a run is due while one is unfinished. Default: skip.',
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
      duration('A run that could not start this long after its due instant is missed.'),
    ),
    retries: Type.Optional(
      Type.Object(
        {
          limit: Type.Optional(Type.Integer({ minimum: 0, maximum: maxRetries })),
          delay: Type.Optional(duration('Before the first retry. Default: PT10S.')),
          factor: Type.Optional(
            Type.Number({ minimum: 1, maximum: 100, description: 'Growth of the delay; 2.' }),
          ),
          max: Type.Optional(duration('The longest delay. Default: PT1H.')),
          jitter: Type.Optional(
            Type.Boolean({ description: 'Spread each delay over its upper half; true.' }),
          ),
        },
        closed,
      ),
    ),
    timeout: Type.Optional(duration('An attempt that runs longer is ended.', positiveDurationForm)),
    killAfter: Type.Optional(duration('Between TERM and KILL. Default: PT10S.')),
    concurrency: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, description: 'Attempts of this job at one time.' }),
    ),
    priority: Type.Optional(
      Type.Integer({ minimum: -100, maximum: 100, description: 'Higher starts first. Default: 0.' }),
    ),
    pool: Type.Optional(text('A configured pool whose places the job shares.')),
    disableAfterFailures: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000,
        description: 'Disable the job after so many failed runs in a row.',
      }),
    ),
    prestage: Type.Optional(
      duration(
        'How long before each due instant the image is fetched and the container created.',
        positiveDurationForm,
      ),
    ),
    warmStart: Type.Optional(
      duration(
        'How long before each due instant the container is started, and held before its program.',
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

const Alerts = Type.Object(
  {
    on: Type.Array(oneOf(['failed', 'late', 'long', 'recovered']), { maxItems: 4 }),
    to: Type.Array(text('Where to send it.'), { maxItems: definitionLimits.listLength }),
  },
  closed,
);

const Expect = Type.Object(
  {
    startWithin: Type.Optional(duration('Later than this counts as late.')),
    finishBy: Type.Optional(text('Local time by which it should have ended: 06:00.', timeOfDayForm)),
  },
  closed,
);

/** The native job form: files, request bodies and answers all have this shape. */
export const JobDefinition = Type.Object(
  {
    name: JobName,
    description: Type.Optional(text('What it is for.')),
    owner: Type.Optional(text('Who answers for it.')),
    labels: Type.Optional(textMap('For filters.', definitionLimits.labels)),
    schedule: Type.Optional(Schedule),
    run: Run,
    policy: Type.Optional(Policy),
    alerts: Type.Optional(Alerts),
    expect: Type.Optional(Expect),
    paused: Type.Optional(
      Type.Boolean({ description: 'Pause or resume with this change. Default: as it is.' }),
    ),
    chronos: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        maxProperties: 48,
        description: 'What a job that was sent as Chronos has it said besides; kept so that it reads back.',
      }),
    ),
  },
  { ...closed, title: 'Job' },
);

export type JobDefinition = Static<typeof JobDefinition>;
export type PolicyDefinition = NonNullable<JobDefinition['policy']>;
export type RunDefinition = JobDefinition['run'];
export type AfterDefinition = Static<typeof After>;
