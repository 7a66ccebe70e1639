import { describe, expect, test } from 'vitest';
import { block } from '../../src/cli/failure.ts';
import { validateJobs } from '../../src/cli/validation.ts';
import { parseJobFile } from '../../src/job-file/read.ts';

const nowMs = Date.UTC(2026, 10, 21);
const validate = (text: string) => validateJobs(parseJobFile(text, 'f.yaml'), nowMs);
const job = (name: string, schedule = '') =>
  `{ name: ${name}, run: { command: x }${schedule && `, schedule: { ${schedule} }`} }`;
const child = (name: string, ...parents: string[]) => job(name, `after: { parents: [${parents.join()}] }`);

test('jobs that fit together have no problem', () => {
  const text = [job('a', 'cron: "0 2 * * *"'), child('b', 'a'), child('c', 'a', 'b')].join('\n---\n');
  expect(validate(text)).toEqual({ problems: [], warnings: [] });
});

describe('what can be told without a server', () => {
  test.each([
    ['a field', '{ name: a, run: { comand: x } }', 'UNKNOWN_FIELD', 'f.yaml:1', /run\.command/],
    ['a cron expression', job('a', 'cron: "99 * * * *"'), 'INVALID_SCHEDULE', 'f.yaml:1', /99/],
    ['a day that never comes', job('a', 'cron: "0 0 30 2 *"'), 'SCHEDULE_NEVER_FIRES', 'f.yaml:1', /./],
    [
      'a time zone',
      job('a', 'cron: "@daily", timezone: Europe/Berlim'),
      'UNKNOWN_TIMEZONE',
      'f.yaml:1',
      /Berlim/,
    ],
    ['a repeat', job('a', 'every: R/P1D/2026'), 'INVALID_SCHEDULE', 'f.yaml:1', /./],
    [
      'a name twice',
      `${job('a')}\n---\n${job('a')}`,
      'INVALID_FIELD',
      'f.yaml:3',
      /a is defined twice, first at f.yaml:1/,
    ],
    ['a cycle', `${child('b', 'a')}\n---\n${child('a', 'b')}`, 'DEPENDENCY_CYCLE', 'f.yaml:3', /a → b → a/],
  ])('%s', (_, text, code, source, says) => {
    const { problems } = validate(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ code });
    expect(problems[0]?.details.source).toMatch(new RegExp(`^${source}(:\\d+)?$`));
    expect(problems[0]?.message).toMatch(says);
  });

  test('of one schedule all that is wrong is told, each problem once, at its place', () => {
    const { problems } = validate(
      'name: a\nrun: { command: x }\nschedule:\n  cron: 99 2 * * 9\n  timezone: Mars/X\n',
    );
    expect(
      problems.map(({ code, details }) => `${code} ${details.source} ${details.others?.length ?? 0}`),
    ).toEqual([
      'UNKNOWN_TIMEZONE f.yaml:5:3 0',
      'INVALID_SCHEDULE f.yaml:4:3 0',
      'INVALID_SCHEDULE f.yaml:4:3 0',
    ]);
  });

  test('all jobs are judged, not only up to the first bad one', () => {
    const text = ['{ name: a }', job('b', 'cron: nope'), '{ name: c, runn: 1 }'].join('\n---\n');
    const found = validate(text).problems.map(({ code, details }) => `${code} ${details.source}`);
    expect(found).toEqual([
      'MISSING_FIELD f.yaml:1:1',
      'INVALID_SCHEDULE f.yaml:3:45',
      'UNKNOWN_FIELD f.yaml:5:12',
      'MISSING_FIELD f.yaml:5:1',
    ]);
  });
});

test('a schedule is judged beside other problems of its job, and each problem is told once', () => {
  const codes = (text: string) =>
    validate(text).problems.map(({ code, details }) => `${code} ${details.field}`);
  expect(codes('{ name: a, runn: 1, run: { command: x }, schedule: { cron: "99 * * * *" } }')).toEqual([
    'UNKNOWN_FIELD runn',
    'INVALID_SCHEDULE schedule.cron',
  ]);
  expect(codes('{ name: a, run: {}, schedule: { cron: "99 * * * *", every: 5m } }')).toEqual([
    'INVALID_FIELD schedule.every',
    'MISSING_FIELD run.command',
  ]);
  expect(codes('{ run: { command: x }, schedule: { cron: "H * * * *" } }')).toEqual(['MISSING_FIELD name']);
});

describe('a problem stands at the line and column of its field', () => {
  const yaml = `# jobs
x-usual: &usual { retries: { limit: 2 } }
jobs:
  - name: a
    run:
      command: x
      env: { A.B: 1 }
    policy:
      timeout: 90
      retries:
        delay: soon
    schedule:
      after:
        parents:
          - b
          - 'c d'
  - name: b
    run:
      comand: x
    policy: *usual
`;
  test.each([
    ['run.env.A.B', 7, 14],
    ['policy.timeout', 9, 7],
    ['policy.retries.delay', 11, 9],
    ['schedule.after.parents[1]', 16, 13],
    ['schedule.after.parents.1', 16, 13],
    ['run', 5, 5],
    ['run.image', 5, 5],
    ['owner', 4, 5],
  ])('%s', (field, line, column) => {
    expect(parseJobFile(yaml, 'f.yaml')[0]?.placeOf?.(field)).toBe(`f.yaml:${line}:${column}`);
  });

  test('in what validate says, each once', () => {
    const { problems } = validate(yaml);
    expect(problems.map(({ details: { field, source } }) => `${source} ${field}`)).toEqual([
      'f.yaml:7:14 run.env.A.B',
      'f.yaml:9:7 policy.timeout',
      'f.yaml:16:13 schedule.after.parents[1]',
      'f.yaml:19:7 run.comand',
    ]);
    expect(problems[1]?.message).toBe(
      'policy.timeout is 90, but must be text. It needs a unit, as in 90s or PT90S.',
    );
    const shown = problems.map((problem) => block('error', problem)).join('');
    for (const told of ['policy.timeout', 'run.comand', 'Did you mean run.command?'])
      expect([told, shown.split(told).length - 1]).toEqual([told, 1]);
  });

  test('in JSON too', () => {
    const json = '{"jobs": [\n  {"name": "a",\n   "run": {"command": "x", "nice": 1}}]}';
    expect(validate(json).problems[0]?.details.source).toBe('f.yaml:3:28');
  });
});

test('what only the server knows, and what is probably not meant, is a warning', () => {
  const text = [child('b', 'elsewhere'), job('old', 'at: 2020-01-01T00:00:00Z')].join('\n---\n');
  expect(validate(text)).toEqual({
    problems: [],
    warnings: [
      expect.stringMatching(/^f\.yaml:3: .*has passed: one run starts at once/),
      'f.yaml:1: the parent elsewhere is not in these files, so it must exist on the server',
    ],
  });
});
