/**
 * The fields of the form: their path in the definition and their labels. Other settings of a definition are
 * kept and listed, and edited as YAML.
 */

export type FieldKind = 'text' | 'number' | 'area' | 'choice' | 'pairs' | 'names' | 'numbers' | 'words';

export interface Field {
  readonly path: string;
  readonly label: string;
  readonly kind: FieldKind;
  readonly hint?: string;
  readonly example?: string;
  /** For a choice; the first is the default. */
  readonly choices?: readonly (readonly [value: string, text: string])[];
  readonly wide?: boolean;
}

export interface Section {
  readonly key: string;
  readonly title: string;
  /** Shown at once. Other sections are collapsed until a field in them is set. */
  readonly open: boolean;
  readonly fields: readonly Field[];
}

export const identity: Section = {
  key: 'identity',
  title: 'Job',
  open: true,
  fields: [
    {
      path: 'name',
      label: 'Name',
      kind: 'text',
      example: 'sales-daily',
      hint: 'Unique. Letters, digits, dots, dashes and underscores.',
    },
    {
      path: 'owner',
      label: 'Owner',
      kind: 'text',
      example: 'team-sales@example.com',
      hint: 'Person or team responsible for the job.',
    },
    { path: 'description', label: 'Description', kind: 'text', wide: true },
    { path: 'labels', label: 'Labels', kind: 'pairs', example: 'team', wide: true },
  ],
};

const timezone: Field = {
  path: 'schedule.timezone',
  label: 'Time zone',
  kind: 'text',
  example: 'UTC',
  hint: 'IANA name, such as Europe/Berlin.',
};
const gap: Field = {
  path: 'schedule.dst.gap',
  label: 'When clocks go forward',
  kind: 'choice',
  choices: [
    ['', 'Like cron'],
    ['run-once', 'Run once after the gap'],
    ['skip', 'Skip due times in the gap'],
  ],
};
const overlap: Field = {
  path: 'schedule.dst.overlap',
  label: 'When clocks go back',
  kind: 'choice',
  choices: [
    ['', 'Like cron'],
    ['first', 'Run the first time only'],
    ['both', 'Run both times'],
  ],
};

const start: Field = {
  path: 'schedule.start',
  label: 'From',
  kind: 'text',
  example: '2026-01-01',
  hint: 'Local time of the schedule, included.',
};
const end: Field = {
  path: 'schedule.end',
  label: 'Until',
  kind: 'text',
  example: '2027-01-01',
  hint: 'Local time of the schedule, not included.',
};
const jitter: Field = {
  path: 'schedule.jitter',
  label: 'Spread starts over',
  kind: 'text',
  example: 'PT5M',
  hint: 'A run starts up to so much later than it is due.',
};

/** Several schedules (`any`) are edited as text. */
export type ScheduleKind = 'cron' | 'every' | 'at' | 'any' | 'after' | 'none';

/** By kind of schedule. */
export const scheduleFields: Record<ScheduleKind, readonly Field[]> = {
  cron: [
    {
      path: 'schedule.cron',
      label: 'Cron expression',
      kind: 'text',
      example: '0 2 * * *',
      hint: 'Minute, hour, day, month, weekday. With six fields, seconds come first.',
    },
    timezone,
    gap,
    overlap,
    start,
    end,
    jitter,
  ],
  every: [
    {
      path: 'schedule.every',
      label: 'Repeat',
      kind: 'text',
      example: 'PT15M',
      hint: 'A duration such as PT5M, or R/2026-01-01T00:00:00Z/PT5S.',
    },
    timezone,
    start,
    end,
    jitter,
  ],
  at: [
    {
      path: 'schedule.at',
      label: 'Time',
      kind: 'text',
      example: '2026-12-01T00:00:00Z',
      hint: 'A single ISO 8601 time.',
    },
    timezone,
    jitter,
  ],
  any: [jitter],
  after: [
    {
      path: 'schedule.after.parents',
      label: 'Parent jobs',
      kind: 'names',
      example: 'extract-a, extract-b',
      wide: true,
    },
    {
      path: 'schedule.after.when',
      label: 'When',
      kind: 'choice',
      choices: [
        ['', 'All have succeeded'],
        ['all-done', 'All have ended'],
        ['any-succeeded', 'Any has succeeded'],
        ['all-failed', 'All have failed'],
        ['any-failed', 'Any has failed'],
      ],
    },
    {
      path: 'schedule.after.per',
      label: 'One round for all runs of',
      kind: 'choice',
      choices: [
        ['', 'The same due time'],
        ['minute', 'A minute'],
        ['hour', 'The same hour'],
        ['day', 'A day'],
        ['week', 'A week'],
        ['month', 'A month'],
      ],
    },
    {
      path: 'schedule.after.timezone',
      label: 'Time zone of these',
      kind: 'text',
      example: 'Europe/Berlin',
      hint: 'Default: UTC. Only with an interval.',
    },
    {
      path: 'schedule.after.weekStart',
      label: 'Weeks begin on',
      kind: 'choice',
      choices: [
        ['', 'Monday'],
        ['tuesday', 'Tuesday'],
        ['wednesday', 'Wednesday'],
        ['thursday', 'Thursday'],
        ['friday', 'Friday'],
        ['saturday', 'Saturday'],
        ['sunday', 'Sunday'],
      ],
    },
  ],
  none: [],
};

export const sections: readonly Section[] = [
  {
    key: 'run',
    title: 'Command',
    open: true,
    fields: [
      { path: 'run.command', label: 'Command', kind: 'area', hint: 'Run by /bin/sh -c.', wide: true },
      {
        path: 'run.image',
        label: 'Container image',
        kind: 'text',
        example: 'alpine:3.20',
        hint: 'Without an image, the job is a process on the scheduler’s host.',
      },
      {
        path: 'run.engine',
        label: 'Engine',
        kind: 'text',
        hint: 'Default: chosen by the configured engines.',
      },
      {
        path: 'run.on',
        label: 'Node',
        kind: 'text',
        example: 'zone==a',
        hint: 'Of a process: leader (default), any, or conditions on labels. On hosts also all: each of them.',
      },
      {
        path: 'run.host',
        label: 'Host',
        kind: 'text',
        example: 'web-1',
        hint: 'The node or host with this name, instead of conditions.',
      },
      { path: 'run.env', label: 'Environment', kind: 'pairs', example: 'NAME', wide: true },
    ],
  },
  {
    key: 'limits',
    title: 'Environment and resources',
    open: false,
    fields: [
      {
        path: 'run.argv',
        label: 'Program and arguments',
        kind: 'words',
        hint: 'Instead of a command: one per line, without a shell.',
        wide: true,
      },
      { path: 'run.workdir', label: 'Working directory', kind: 'text' },
      { path: 'run.user', label: 'User', kind: 'text' },
      { path: 'run.resources.cpus', label: 'CPUs', kind: 'number', example: '0.5' },
      { path: 'run.resources.memory', label: 'Memory', kind: 'text', example: '128MiB' },
      { path: 'run.network', label: 'Network', kind: 'text', example: 'none' },
    ],
  },
  {
    key: 'policy',
    title: 'Policies',
    open: true,
    fields: [
      {
        path: 'policy.overlap',
        label: 'If a run is unfinished',
        kind: 'choice',
        choices: [
          ['', 'Skip the new one'],
          ['queue', 'Let one run wait'],
          ['queue-all', 'Let all runs wait'],
          ['allow', 'Run side by side'],
          ['replace', 'Kill the old one'],
        ],
      },
      {
        path: 'policy.catchUp',
        label: 'Due times missed during downtime',
        kind: 'choice',
        choices: [
          ['', 'Run the latest one'],
          ['none', 'Run none'],
          ['all', 'Run all, one by one'],
        ],
      },
      { path: 'policy.timeout', label: 'Timeout', kind: 'text', example: 'PT1H' },
      { path: 'policy.startWithin', label: 'Missed if not started within', kind: 'text', example: 'PT30M' },
      { path: 'policy.retries.limit', label: 'Retries', kind: 'number', example: '0' },
      { path: 'policy.retries.delay', label: 'Delay of the first retry', kind: 'text', example: 'PT10S' },
    ],
  },
  {
    key: 'more',
    title: 'More',
    open: false,
    fields: [
      {
        path: 'policy.priority',
        label: 'Priority',
        kind: 'number',
        example: '0',
        hint: 'Higher starts first.',
      },
      { path: 'policy.concurrency', label: 'Concurrent attempts', kind: 'number' },
      { path: 'policy.pool', label: 'Pool', kind: 'text' },
      { path: 'policy.disableAfterFailures', label: 'Disable after failures in a row', kind: 'number' },
      {
        path: 'runIf',
        label: 'Run only if',
        kind: 'text',
        example: '{{ params.full }}',
        hint: 'A condition. If it is false, the run is skipped.',
      },
      { path: 'policy.totalTimeout', label: 'Timeout of all attempts', kind: 'text', example: 'PT6H' },
      {
        path: 'policy.retries.onExitCodes',
        label: 'Retry only exit codes',
        kind: 'numbers',
        example: '75',
      },
      {
        path: 'policy.retries.exceptExitCodes',
        label: 'Never retry exit codes',
        kind: 'numbers',
        example: '2',
      },
      {
        path: 'policy.skipExitCodes',
        label: 'Exit codes of a skipped run',
        kind: 'numbers',
        example: '99',
        hint: 'There was nothing to do: no failure, no retry.',
      },
      { path: 'policy.killAfter', label: 'Time between TERM and KILL', kind: 'text', example: 'PT10S' },
      { path: 'expect.startWithin', label: 'Late if it starts later than', kind: 'text', example: 'PT1M' },
      { path: 'expect.finishBy', label: 'Late if not ended by', kind: 'text', example: '06:00' },
      {
        path: 'expect.finishWithin',
        label: 'Long if an attempt takes longer than',
        kind: 'text',
        example: 'PT1H',
      },
      {
        path: 'expect.pipelineBy',
        label: 'Late if what follows has not ended by',
        kind: 'text',
        example: '08:00',
      },
    ],
  },
];

/** All paths that the form can show. */
export const shownPaths: readonly string[] = [
  ...identity.fields,
  ...Object.values(scheduleFields).flat(),
  ...sections.flatMap(({ fields }) => fields),
].map(({ path }) => path);
