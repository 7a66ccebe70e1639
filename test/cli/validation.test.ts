import { describe, expect, test } from 'vitest';
import { validateJobs } from '../../src/cli/validation.ts';
import { parseJobFile } from '../../src/job-file.ts';

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
    expect(problems[0]).toMatchObject({ code, details: { source } });
    expect(problems[0]?.message).toMatch(says);
  });

  test('all jobs are judged, not only up to the first bad one', () => {
    const text = ['{ name: a }', job('b', 'cron: nope'), '{ name: c, runn: 1 }'].join('\n---\n');
    const found = validate(text).problems.map(({ code, details }) => `${code} ${details.source}`);
    expect(found).toEqual([
      'MISSING_FIELD f.yaml:1',
      'INVALID_SCHEDULE f.yaml:3',
      'UNKNOWN_FIELD f.yaml:5',
      'MISSING_FIELD f.yaml:5',
    ]);
  });
});

test('what only the server knows, and what is probably not meant, is a warning', () => {
  const text = [child('b', 'elsewhere'), job('old', 'at: 2020-01-01T00:00:00Z')].join('\n---\n');
  expect(validate(text)).toEqual({
    problems: [],
    warnings: [
      expect.stringMatching(/^f\.yaml:3: .*has passed: one run starts at once/),
      'f.yaml:1: the parent elsewhere is not in these files; the server has to know it',
    ],
  });
});
