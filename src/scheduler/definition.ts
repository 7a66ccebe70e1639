/**
 * A job as a person writes it: one schema that gives the type, the check, and the OpenAPI document. Values
 * stay as written (durations and sizes are text here); `policy.ts` turns them into numbers.
 */

import { type Static, type TSchemaOptions, Type } from 'typebox';
import { capabilityNames } from './capability-names.ts';
import { Fetch } from './fetch.ts';

/** Bounds on what one job may hold; each keeps a definition well under the size of one stored node. */
export const definitionLimits = {
  nameLength: 128,
  textLength: 4_096,
  /** Of a command, an argument and a variable in bytes, too: a system takes twice as much for each. */
  commandLength: 65_536,
  variableNameLength: 255,
  parents: 256,
  labels: 64,
  env: 512,
  listLength: 64,
  /** Of the whole job as JSON: half of what one node of ZooKeeper holds. */
  bytes: 512 * 1024,
  /** Of lists and mappings inside each other; a job without its `chronos` part needs five. */
  depth: 16,
} as const;

const closed = { additionalProperties: false } as const;
const duration = (description: string) =>
  Type.String({ description: `${description} An ISO 8601 duration: PT30S, PT1H, P1D.`, maxLength: 64 });
const text = (description: string) => Type.String({ description, maxLength: definitionLimits.textLength });
const textMap = (description: string, most: number) =>
  Type.Record(Type.String(), Type.String({ maxLength: definitionLimits.commandLength }), {
    description,
    maxProperties: most,
  });

/** One of these words. */
export const oneOf = <const W extends readonly string[]>(words: W, options: TSchemaOptions = {}) =>
  Type.Unsafe<W[number]>(
    Type.Union(
      words.map((word) => Type.Literal(word)),
      options,
    ),
  );

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
      oneOf(['all-succeeded', 'all-done', 'any-succeeded', 'all-failed', 'any-failed'], {
        description: 'What the parents must have done; all-succeeded unless said.',
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

const Schedule = Type.Object(
  {
    cron: Type.Optional(
      Type.String({ maxLength: 256, description: 'Cron: 5 fields, or 6 with seconds first.' }),
    ),
    every: Type.Optional(
      Type.String({
        maxLength: 256,
        description: 'An ISO 8601 repeat, R/2026-01-01T00:00:00Z/PT5S, or a duration.',
      }),
    ),
    at: Type.Optional(Type.String({ maxLength: 64, description: 'One instant, ISO 8601.' })),
    after: Type.Optional(After),
    timezone: Type.Optional(Type.String({ maxLength: 64, description: 'IANA time zone; UTC unless said.' })),
    dst: Type.Optional(
      Type.Object(
        {
          gap: Type.Optional(oneOf(['run-once', 'skip'])),
          overlap: Type.Optional(oneOf(['first', 'both'])),
        },
        { ...closed, description: "What happens when clocks change; cron's own rule unless said." },
      ),
    ),
  },
  {
    ...closed,
    description: 'Exactly one of cron, every, at and after; without a schedule a job runs by hand only.',
  },
);

const Secret = Type.Object(
  {
    file: Type.String({
      maxLength: definitionLimits.textLength,
      description: 'Read when the job is launched.',
    }),
  },
  closed,
);

/** How a job gets a secret. */
const JobSecret = Type.Object(
  {
    ...Secret.properties,
    mount: Type.Optional(
      text('Full path in the container at which it is a file; then it is no environment variable.'),
    ),
  },
  closed,
);

/** Of one run. */
export const maxRetries = 1_000;

const bound = Type.Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER, description: '-1: none.' });
const Ulimit = Type.Object({ soft: bound, hard: Type.Optional(bound) }, closed);

const Capabilities = Type.Object(
  {
    add: Type.Optional(
      Type.Array(oneOf(capabilityNames), { maxItems: capabilityNames.length, uniqueItems: true }),
    ),
    drop: Type.Optional(
      Type.Array(oneOf([...capabilityNames, 'ALL']), {
        maxItems: capabilityNames.length,
        uniqueItems: true,
      }),
    ),
  },
  {
    ...closed,
    description: 'Linux capabilities, without CAP_. AUDIT_WRITE, MKNOD and NET_RAW are dropped unless added.',
  },
);

const Run = Type.Object(
  {
    image: Type.Optional(text('Container image; without one the job is a process on the scheduler host.')),
    command: Type.Optional(
      Type.String({
        maxLength: definitionLimits.commandLength,
        minLength: 1,
        description: 'Run by /bin/sh -c.',
      }),
    ),
    argv: Type.Optional(
      Type.Array(Type.String({ maxLength: definitionLimits.commandLength }), {
        minItems: 1,
        maxItems: 1_024,
        description: 'Program and arguments, without a shell.',
      }),
    ),
    entrypoint: Type.Optional(
      Type.Array(Type.String({ maxLength: definitionLimits.commandLength }), {
        minItems: 1,
        maxItems: 1_024,
        description: "Instead of the image's own program; with args, the same as argv.",
      }),
    ),
    args: Type.Optional(
      Type.Array(Type.String({ maxLength: definitionLimits.commandLength }), {
        // Engines take an empty list for the arguments in the image.
        minItems: 1,
        maxItems: 1_024,
        description: "Arguments for the image's own program, or for entrypoint.",
      }),
    ),
    env: Type.Optional(textMap('Environment variables.', definitionLimits.env)),
    secrets: Type.Optional(
      Type.Record(Type.String(), JobSecret, {
        maxProperties: definitionLimits.env,
        description: 'Read from files at launch and kept nowhere: environment variables, or mounted files.',
      }),
    ),
    fetch: Type.Optional(
      Type.Array(Fetch, {
        minItems: 1,
        maxItems: definitionLimits.listLength,
        description: "Downloaded before the command, into the run's folder; for processes.",
      }),
    ),
    workdir: Type.Optional(text('Working directory.')),
    user: Type.Optional(text('User to run as: a name, or uid[:gid].')),
    resources: Type.Optional(
      Type.Object(
        {
          cpus: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 4_096 })),
          memory: Type.Optional(
            Type.String({ maxLength: 32, description: 'Bytes, or with a unit: 128MiB, 1GB.' }),
          ),
          gpus: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_024 })),
          pids: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 4_194_304, description: 'Processes and threads at most.' }),
          ),
          shm: Type.Optional(
            Type.String({ maxLength: 32, description: 'Size of /dev/shm; 64MiB unless said.' }),
          ),
        },
        closed,
      ),
    ),
    constraints: Type.Optional(
      Type.Array(text('Placement: node.labels.zone==a'), { maxItems: definitionLimits.listLength }),
    ),
    network: Type.Optional(text('Network mode or name; none unless said.')),
    networks: Type.Optional(
      Type.Array(text('Name of a network.'), {
        minItems: 1,
        maxItems: definitionLimits.listLength,
        uniqueItems: true,
        description: 'Several networks at once, by name.',
      }),
    ),
    ports: Type.Optional(
      Type.Array(text('[[address:]published:]target[/udp]'), {
        maxItems: definitionLimits.listLength,
        description: 'Published on the host while the job runs.',
      }),
    ),
    hostname: Type.Optional(text('What the container calls itself; made up by the engine unless said.')),
    hosts: Type.Optional(textMap('Addresses by host name, for /etc/hosts.', definitionLimits.listLength)),
    volumes: Type.Optional(Type.Array(text('source:target[:ro]'), { maxItems: definitionLimits.listLength })),
    tmpfs: Type.Optional(
      textMap('Folders in memory, by path with their size: { /cache: 64MiB }', definitionLimits.listLength),
    ),
    readOnly: Type.Optional(
      Type.Boolean({ description: "The container's own files can't be written; false unless said." }),
    ),
    init: Type.Optional(
      Type.Boolean({ description: 'An init as process 1, which passes on signals; true unless said.' }),
    ),
    ulimits: Type.Optional(
      Type.Record(Type.String(), Ulimit, {
        maxProperties: definitionLimits.listLength,
        description: 'By name: { nofile: { soft: 1024, hard: 4096 } }; hard is as soft unless said.',
      }),
    ),
    capabilities: Type.Optional(Capabilities),
    noNewPrivileges: Type.Optional(
      Type.Boolean({ description: 'Programs with setuid give no rights; false unless said.' }),
    ),
    registry: Type.Optional(Type.Object({ secret: Secret }, closed)),
    pull: Type.Optional(
      oneOf(['missing', 'always', 'never'], {
        description: 'When to fetch the image; missing unless said.',
      }),
    ),
    engine: Type.Optional(Type.String({ maxLength: 64, description: 'Which engine launches it.' })),
  },
  closed,
);

const Policy = Type.Object(
  {
    overlap: Type.Optional(
      oneOf(['skip', 'queue', 'queue-all', 'allow', 'replace'], {
        description: 'When a run is due while one is unfinished; skip unless said.',
      }),
    ),
    catchUp: Type.Optional(
      oneOf(['none', 'latest', 'all'], {
        description: 'What to do with due instants that passed unseen; latest unless said.',
      }),
    ),
    catchUpLimit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000,
        description: 'Most runs that `all` catches up; 100 unless said.',
      }),
    ),
    startWithin: Type.Optional(
      duration('A run that could not start this long after its due instant is missed.'),
    ),
    retries: Type.Optional(
      Type.Object(
        {
          limit: Type.Optional(Type.Integer({ minimum: 0, maximum: maxRetries })),
          delay: Type.Optional(duration('Before the first retry; PT10S unless said.')),
          factor: Type.Optional(
            Type.Number({ minimum: 1, maximum: 100, description: 'Growth of the delay; 2.' }),
          ),
          max: Type.Optional(duration('The longest delay; PT1H unless said.')),
          jitter: Type.Optional(
            Type.Boolean({ description: 'Spread each delay over its upper half; true.' }),
          ),
        },
        closed,
      ),
    ),
    timeout: Type.Optional(duration('An attempt that runs longer is ended.')),
    killAfter: Type.Optional(duration('Between TERM and KILL; PT10S unless said.')),
    concurrency: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, description: 'Attempts of this job at one time.' }),
    ),
    priority: Type.Optional(
      Type.Integer({ minimum: -100, maximum: 100, description: 'Higher starts first; 0 unless said.' }),
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
      duration('How long before each due instant the image is fetched and the container created.'),
    ),
    warmStart: Type.Optional(
      duration('How long before each due instant the container is started, and held before its program.'),
    ),
    onFailure: Type.Optional(
      oneOf(['stop', 'continue'], {
        description: 'What a failed run means for children: stop (unless said), or as if it had succeeded.',
      }),
    ),
    completion: Type.Optional(
      oneOf(['exit', 'callback'], {
        description:
          'When a run has succeeded: by its exit (unless said), or only when it is told so (POST /runs/{id}/complete).',
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
    finishBy: Type.Optional(text('Local time by which it should have ended: 06:00.')),
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
      Type.Boolean({ description: 'Pause or resume with this change; left as it is unless said.' }),
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
