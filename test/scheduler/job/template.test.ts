/** Templates: what they become, what is refused and where, and that nothing makes them large or slow. */

import { describe, expect, test } from 'vitest';
import type { JobDefinition } from '../../../src/scheduler/job/definition.ts';
import {
  hasTemplates,
  meetsCondition,
  renderedDefinition,
  sampleRun,
  type TemplateRun,
  templateProblems,
} from '../../../src/scheduler/job/template.ts';

const params: JobDefinition['params'] & object = {
  region: { values: ['eu', 'us'], default: 'eu' },
  day: { type: 'date' },
  rows: { type: 'integer', default: 10 },
  full: { type: 'boolean', default: false },
  note: {},
  TOKEN: { type: 'secret' },
};

const job = (word: string, more: object = {}): JobDefinition =>
  ({ name: 'a', params, run: { argv: ['echo', word] }, ...more }) as JobDefinition;

const run: TemplateRun = {
  due: Date.parse('2026-11-30T23:30:00Z'),
  interval: { from: Date.parse('2026-11-29T23:30:00Z'), to: Date.parse('2026-11-30T23:30:00Z') },
  params: { region: 'eu', day: '2026-11-01', rows: 10, full: false, note: 'a b' },
  run: { id: 'a.20261130T233000Z', job: 'a', attempt: 2 },
  timezone: 'Europe/Berlin',
};

const become = (word: string, given: Partial<TemplateRun> = {}): string | undefined =>
  renderedDefinition(job(word), { ...run, ...given }).run?.argv?.[1];
const problems = (word: string): string[] => templateProblems(job(word)).map(({ message }) => message);

describe('a template becomes', () => {
  test.each<[string, string, string]>([
    ['the due time in UTC', '{{ due }}', '2026-11-30T23:30:00.000Z'],
    ['the day of the due time in the zone of the schedule', '{{ due | date: "%Y-%m-%d" }}', '2026-12-01'],
    [
      'an interval',
      '{{ interval.start | date: "%F" }}..{{ interval.end | date: "%F %H:%M" }}',
      '2026-11-30..2026-12-01 00:30',
    ],
    ['a date as it is, in any zone', '{{ params.day | date: "%Y/%m/%d %H:%M" }}', '2026/11/01 00:00'],
    ['the day before', '{{ due | date: "%s" | minus: 86400 | date: "%F" }}', '2026-11-30'],
    ['a parameter', 'x-{{ params.region }}-{{ params["note"] }}', 'x-eu-a b'],
    ['a number that is calculated with', '{{ params.rows | times: 2 | plus: 1 }}', '21'],
    ['the run', '{{ run.id }} {{ run.job }} {{ run.attempt }}', 'a.20261130T233000Z a 2'],
    ['a comparison', '{{ params.full == false and params.rows > 5 }}', 'true'],
    [
      'what the filters make of it',
      '{{ params.note | upcase | replace: " ", "_" | append: ".csv" }}',
      'A_B.csv',
    ],
    ['braces', '{{ "{{" }}.Names}}', '{{.Names}}'],
    [
      'the same text with a percent sign in braces',
      '{%s} {{ params.region }} {% raw %}',
      '{%s} eu {% raw %}',
    ],
  ])('%s', (_, template, expected) => {
    expect(problems(template)).toEqual([]);
    expect(become(template)).toBe(expected);
  });

  test('the time in summer and in winter', () => {
    const template = '{{ due | date: "%H:%M %z" }}';
    expect(become(template, { due: Date.parse('2026-07-01T00:00:00Z') })).toBe('02:00 +0200');
    expect(become(template, { due: Date.parse('2026-12-01T00:00:00Z') })).toBe('01:00 +0100');
    expect(become(template, { timezone: 'America/New_York' })).toBe('18:30 -0500');
    expect(become(template, { timezone: '+05:30' })).toBe('05:00 +0530');
  });

  test('a default where a parameter has no value', () => {
    expect(become('{{ params.note | default: "none" }}', { params: {} })).toBe('none');
    expect(() => become('{{ params.note }}', { params: {} })).toThrow(
      'run.argv[1], line 1, column 4: undefined variable: params.note',
    );
  });

  test('a value in every field that may have one, and nowhere else', () => {
    const word = '{{ params.region }}';
    const definition = job('x', {
      description: word,
      owner: word,
      labels: { of: word },
      run: {
        image: `i:${word}`,
        args: [word],
        env: { A: word },
        workdir: `/${word}`,
        network: word,
        user: word,
      },
    });
    expect(templateProblems(definition)).toEqual([]);
    expect(renderedDefinition(definition, run)).toEqual({
      ...definition,
      labels: { of: 'eu' },
      run: { image: 'i:eu', args: ['eu'], env: { A: 'eu' }, workdir: '/eu', network: 'eu', user: word },
    });
    expect(hasTemplates(job('x', { run: { command: `echo ${word}` } }))).toBe(false);
  });

  test('nothing in the job of a client of Chronos', () => {
    const definition = job('{{ nothing', { chronos: {} });
    expect([hasTemplates(definition), templateProblems(definition)]).toEqual([false, []]);
  });

  test('a value, not a field, with names that JavaScript knows', () => {
    const definition = job('x', {
      run: { argv: ['x'], env: { ['__proto__']: '{{ due }}', constructor: '{{ due }}' } },
    });
    expect(Object.values(renderedDefinition(definition, run).run?.env ?? {})).toEqual([
      '2026-11-30T23:30:00.000Z',
      '2026-11-30T23:30:00.000Z',
    ]);
  });
});

const known =
  'due, interval.start, interval.end, run.id, run.job, run.attempt, params.region, params.day, params.rows, params.full, params.note';

describe('a template is refused', () => {
  test.each<[string, string, string]>([
    [
      'with an unknown name',
      'x\n {{ params.regoin }}',
      `run.argv[1], line 2, column 5: unknown name "params.regoin". Known: ${known}.`,
    ],
    [
      'with an unknown name before a default',
      '{{ nope | default: 1 }}',
      `run.argv[1], line 1, column 4: unknown name "nope". Known: ${known}.`,
    ],
    [
      'with an unknown name in a filter',
      '{{ due | append: nope }}',
      `run.argv[1], line 1, column 18: unknown name "nope". Known: ${known}.`,
    ],
    [
      'with a secret',
      '{{ params.TOKEN }}',
      `run.argv[1], line 1, column 4: unknown name "params.TOKEN". Known: ${known}.`,
    ],
    [
      'with a whole mapping',
      '{{ params | json }}',
      `run.argv[1], line 1, column 4: unknown name "params". Known: ${known}.`,
    ],
    [
      'with a name that is calculated',
      '{{ params[run.job] }}',
      `run.argv[1], line 1, column 4: unknown name "a name in brackets". Known: ${known}.`,
    ],
    [
      'with a name of JavaScript',
      '{{ params.constructor }}',
      `run.argv[1], line 1, column 4: unknown name "params.constructor". Known: ${known}.`,
    ],
    ['without its end', 'x {{ due', 'run.argv[1], line 1, column 3: output "{{ due" not closed.'],
    ['with nothing in it', '{{ }}', 'run.argv[1], line 1, column 4: invalid value expression: "".'],
    [
      'with a date that is none',
      '{{ params.region | date: "%F" }}',
      'run.argv[1], line 1, column 1: "eu" is no timestamp and no date.',
    ],
    [
      'with the clock',
      '{{ "now" | date: "%F" }}',
      'run.argv[1], line 1, column 1: "now" is no timestamp and no date.',
    ],
    [
      'with a date without a format',
      '{{ due | date }}',
      'run.argv[1], line 1, column 1: date needs one format, such as "%Y-%m-%d".',
    ],
    [
      'with a date padded to a gigabyte',
      '{{ due | date: "%999999999Y" }}',
      'run.argv[1], line 1, column 1: date does not know "%999999999Y"; use %Y %m %d %H %M %S %F %T %s and the like.',
    ],
    [
      'with a conversion of the machine',
      '{{ due | date: "%x" }}',
      'run.argv[1], line 1, column 1: date does not know "%x"; use %Y %m %d %H %M %S %F %T %s and the like.',
    ],
    [
      'with a division by zero',
      '{{ params.rows | divided_by: 0 }}',
      'run.argv[1], line 1, column 1: the result is not a number.',
    ],
  ])('%s', (_, template, expected) => {
    expect(problems(template)).toEqual([expected]);
  });

  test.each([
    'split',
    'join',
    'map',
    'sort',
    'where_exp',
    'strip_html',
    'slugify',
    'sample',
    'sha256',
    'raw',
    'date_to_string',
    'base64_decode',
  ])('with the filter %s', (name) => {
    expect(problems(`{{ due | ${name} }}`)[0]).toContain(`undefined filter: ${name}. Known: abs, append,`);
  });

  test('that was meant for another program, with what to write', () => {
    expect(problems('{{.Names}}')[0]).toContain('For {{ itself, write {{ "{{" }}.');
  });

  test('at each field that has one', () => {
    const definition = job('{{ a }}', { labels: { of: '{{ b }}' }, runIf: 'true' });
    expect(templateProblems(definition).map(({ code, details }) => `${code} ${details.field}`)).toEqual([
      'INVALID_TEMPLATE runIf',
      'INVALID_TEMPLATE run.argv[1]',
      'INVALID_TEMPLATE labels.of',
    ]);
  });
});

describe('a template stays small', () => {
  const long = `{{ ${JSON.stringify('x'.repeat(8_000))}`;
  test.each<[string, string, string]>([
    ['with filters that repeat', `${long} | append: ${JSON.stringify('y'.repeat(9_000))} }}`, 'characters'],
    [
      'with replacements that multiply',
      `${long} | replace: "x", "yyyyyyyyyy" }}`,
      'a value has more than 16384 characters',
    ],
    [
      'with a replacement of nothing',
      `${long} | replace: "", "yy" }}`,
      'a value has more than 16384 characters',
    ],
    ['with a range', '{{ (1..100000000) | size }}', 'memory'],
    ['with a range that is shown', '{{ (1..5000) }}', ''],
    ['with too many outputs', '{{due}}'.repeat(257), 'more than 256 outputs and filters'],
    ['with too many filters', `{{ due ${'| upcase '.repeat(257)} }}`, 'more than 256 outputs and filters'],
    ['with too many characters', `{{ due }}${'x'.repeat(17_000)}`, 'at most 16384 characters'],
    ['with brackets in brackets', `{{ ${'params['.repeat(2_000)}${']'.repeat(2_000)} }}`, ''],
    ['with a long number', `{{ ${'9'.repeat(400)} | plus: 1 }}`, 'not a number'],
  ])('%s', (_, template, words) => {
    const began = performance.now();
    expect(problems(template)[0] ?? '').toContain(words);
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});

describe('a condition', () => {
  const meets = (runIf: string, given: Partial<TemplateRun> = {}): boolean =>
    meetsCondition(job('x', { runIf }), { ...run, ...given });

  test.each<[string, boolean]>([
    ['{{ params.full }}', false],
    ['{{ params.full == false }}', true],
    ['{{ params.region == "eu" }}', true],
    ['{{ params.rows > 10 or params.region contains "e" }}', true],
  ])('%s', (runIf, expected) => {
    expect(templateProblems(job('x', { runIf }))).toEqual([]);
    expect(meets(runIf)).toBe(expected);
  });

  test.each<[string, string, string]>([
    ['that is no template', 'params.full', 'runIf, line 1, column 1: there is no {{ … }} in it.'],
    [
      'that becomes a text',
      '{{ params.region }}',
      'runIf, line 1, column 1: it becomes "eu", and must become true or false.',
    ],
    ['about an attempt', '{{ run.attempt == 1 }}', 'runIf, line 1, column 4: unknown name "run.attempt".'],
  ])('%s is refused', (_, runIf, expected) => {
    expect(templateProblems(job('x', { runIf }))[0]?.message).toContain(expected);
  });
});

test('the run that is made up has a value for each parameter', () => {
  const definition = job('x', {
    params: {
      a: { type: 'date' },
      b: { type: 'boolean' },
      c: { type: 'number', minimum: 5 },
      d: { values: ['y'] },
      e: { type: 'secret' },
    },
  });
  expect(sampleRun(definition).params).toEqual({ a: '2026-01-02', b: false, c: 5, d: 'y' });
});
