/** The published schema and the check say the same of every form: what one takes, the other takes. */

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Compile } from 'typebox/compile';
import { describe, expect, test } from 'vitest';
import { parseJobFile } from '../../../src/job-file/read.ts';
import { isCalendarDocument } from '../../../src/scheduler/job/calendar/document.ts';
import { findProblems } from '../../../src/scheduler/job/check/check.ts';
import { JobDefinition } from '../../../src/scheduler/job/definition.ts';
import { jobFileSchema } from '../../../src/scheduler/job/file-schema.ts';
import { publish } from '../../../src/scheduler/job/schema/published.ts';
import type { ScheduleInput } from '../../../src/scheduler/schedule/model.ts';
import { compileSchedule, resolveSchedule } from '../../../src/scheduler/schedule/parse.ts';

const schema = Compile(publish(JobDefinition) as typeof JobDefinition);
const examples = resolve(import.meta.dirname, '../../../examples');
const run = { command: 'true' };
const image = { image: 'x' };

/** As the program sees it: the check, and for a schedule its parser. */
function isTaken(job: Record<string, unknown>): boolean {
  if (findProblems(job, 'test').length > 0) return false;
  const { schedule } = job as { schedule?: ScheduleInput & { after?: unknown } };
  if (schedule === undefined || schedule.after !== undefined) return true;
  try {
    compileSchedule(resolveSchedule(schedule, { hashSeed: 'x', now: Date.UTC(2026, 10, 21) }).resolved);
    return true;
  } catch {
    return false;
  }
}

const job = (parts: Record<string, unknown>) => ({ name: 'a', run, ...parts });
const inSchedule = (schedule: unknown) => job({ schedule });
const inPolicy = (policy: unknown) => job({ policy });
const inRun = (parts: Record<string, unknown>) => job({ run: { ...image, ...parts } });

const cases: [string, (value: never) => Record<string, unknown>, taken: unknown[], refused: unknown[]][] = [
  [
    'schedule.cron',
    (cron) => inSchedule({ cron }),
    [
      '* * * * *',
      '0 2 * * 1-5',
      '*/5 * * * * *',
      '0 0 1,15 * mon-FRI',
      'H H(0-6) * * *',
      'H/15 * * * *',
      '0 0 L * *',
      '0 0 L-3 * ?',
      '0 0 LW,15W * *',
      '0 0 ? * 5L',
      '0 0 * JAN,7-9 fri#2',
      '50-10/5 22-2 * * *',
      '@daily',
      '@EVERY 1h30m',
      '@every PT5S',
    ],
    [
      '* * * *',
      '60 * * * *',
      '* 24 * * *',
      '* * 0 * *',
      '* * * 13 *',
      '* * * * 8',
      '*-5 * * * *',
      '*/0 * * * *',
      '? * * * *',
      '1,,2 * * * *',
      '@reboot',
      '0 0 * * mon#6',
      '0 0 L-31 * *',
      '* * * * x',
    ],
  ],
  [
    'schedule.every',
    (every) => inSchedule({ every }),
    [
      'PT5S',
      'P1D',
      'P1M',
      'P1Y2M3W4DT5H6M7S',
      '1h30m',
      '90s',
      'PT0.5H',
      'PT1.5S',
      'R/2026-01-01T00:00:00Z/PT5S',
      'R5/2026-01-01/P1D',
      'R//PT1H',
      'R/20260101T000000Z/P1W',
      'R3/2026-01-01T00:00:00+02:00/2026-01-02T00:00:00',
      'R5/P1D/2026-01-31T00:00:00Z',
    ],
    [
      'PT0S',
      'P',
      'PT',
      'P1H',
      '5',
      'R/P1D',
      'R/2026-01-01T00:00:00Z',
      'R/2026-02-30T00:00:00Z/P1D',
      'X5/2026-01-01/P1D',
      'R/P1D/2026-01-31T00:00:00Z',
      'PT0.5S',
      '-PT5S',
      'P1DT',
    ],
  ],
  [
    'schedule.at',
    (at) => inSchedule({ at }),
    [
      '2026-11-21T02:00:00Z',
      '2026-11-21',
      '20261121T0200',
      '2024-02-29T23:59:59.123456+05:30',
      '2026-11-21T24:00',
    ],
    [
      '2026-02-29',
      '2026-11-31',
      '2026-13-01',
      '2026-11-21T25:00',
      '2026-11-21T02:60',
      '2026-11-21 02:00',
      '2026',
      'now',
      '',
    ],
  ],
  [
    'schedule.timezone',
    (timezone) => inSchedule({ cron: '* * * * *', timezone }),
    [
      'UTC',
      'Europe/Berlin',
      'America/New_York',
      'US/Eastern',
      'Asia/Calcutta',
      'EST',
      'Japan',
      '+05:30',
      '-04',
      'Z',
      'CEST',
      '',
    ],
    ['Mars/Base', 'Berlin', '+5', '+24:00', 'XYZ'],
  ],
  [
    'schedule',
    (schedule) => inSchedule(schedule),
    [
      { cron: '* * * * *', dst: { gap: 'skip' } },
      { after: { parents: ['b'] } },
      { at: '2026-01-01', timezone: 'UTC' },
    ],
    [
      {},
      { timezone: 'UTC' },
      { cron: '* * * * *', every: 'PT5S' },
      { after: { parents: ['b'] }, timezone: 'UTC' },
      { every: 'PT5S', dst: {} },
    ],
  ],
  [
    'policy.killAfter',
    (killAfter) => inPolicy({ killAfter }),
    ['PT0S', 'PT10S', 'P1DT2H', 'PT0.250S', 'P2W', 'PT1.5M', 'P1W2DT3H4M5S'],
    ['P1M', 'P1Y', '10', 'PT', 'PT1', 'P1DT', 'PT1.5H3M', 'PT0.0001S', '-PT1S'],
  ],
  [
    'policy.timeout',
    (timeout) => inPolicy({ timeout }),
    ['PT1S', 'PT0H1M', 'P0DT1H', 'PT0.5S', 'PT1H00M30S', 'PT10.0S'],
    ['PT0S', 'P0D', 'PT0H0M0S', 'P1M'],
  ],
  [
    'expect.finishBy',
    (finishBy) => job({ expect: { finishBy } }),
    ['06:00', '23:59'],
    ['24:00', '6:00', '06:60'],
  ],
  [
    'run',
    (given) => job({ run: given }),
    [
      { command: 'x' },
      { argv: ['x'] },
      { entrypoint: ['x'], args: ['y'] },
      { image: 'x' },
      { image: 'x', command: 'y' },
      { image: 'x', args: ['y'] },
    ],
    [
      {},
      { command: '' },
      { command: 'x', argv: ['y'] },
      { command: 'x', args: ['y'] },
      { entrypoint: ['x'], argv: ['y'] },
      { args: ['x'] },
      { image: 'x', command: 'y', entrypoint: ['z'] },
      { command: 'a\0b' },
    ],
  ],
  [
    'run.env without an image',
    (name) => job({ run: { command: 'x', env: { [name]: 'v' } } }),
    ['A', '_a1', 'CARILLO'],
    ['1A', '', 'CARILLON_X', 'Ä'],
  ],
  ['run.env with one', (name) => inRun({ env: { [name]: 'v' } }), ['A', 'A-B.c'], ['1A', 'CARILLON_X', '-A']],
  [
    'run.resources.memory',
    (memory) => inRun({ resources: { memory } }),
    ['1', '128MiB', '1.5 GB', '512k', '100b', '0.5GiB', '1tb', '999999999m'],
    ['0', 'many', '1XB', '-1', '771714470449mb', '0.0GB'],
  ],
  [
    'run.volumes',
    (volume) => inRun({ volumes: [volume] }),
    ['data:/data', '/a/b:/c:ro', 'x:/'],
    ['data', 'data:relative', '/a:/b:wo', ':/b'],
  ],
  [
    'run.ports',
    (port) => inRun({ network: 'bridge', ports: [port] }),
    ['80', '8080:80', '127.0.0.1:8080:80/udp', '[::1]:1:2', '65535'],
    ['0', '65536', '80:', 'x', '80/sctp'],
  ],
  ['run.hosts', (name) => inRun({ hosts: { [name]: '10.0.0.1' } }), ['db', 'a.b-c'], ['-a', '', 'a b']],
  ['run.hostname', (hostname) => inRun({ hostname }), ['a', 'db-1.x'], ['-a', 'a-', '', 'x'.repeat(65)]],
  [
    'run.tmpfs',
    (path) => inRun({ tmpfs: { [path]: '1MiB' } }),
    ['/cache', '/a/.b', '/a/.b/c'],
    ['cache', '/', '/a/../b', '/a/.', '/a:b'],
  ],
  [
    'run.networks',
    (name) => inRun({ networks: [name] }),
    ['backend', 'nodes', 'home', 'default-net'],
    ['none', 'host', 'default', 'container:x'],
  ],
  ['run.ulimits', (name) => inRun({ ulimits: { [name]: { soft: 1 } } }), ['nofile'], ['NOFILE', 'x', 'a1']],
  [
    'run.secrets.mount',
    (mount) => inRun({ secrets: { A: { file: '/x', mount } } }),
    ['/run/secrets/a'],
    ['/a', 'a/b', '/a/../b'],
  ],
  ...[
    (file: string) => job({ run: { command: 'x', secrets: { A: { file } } } }),
    (file: string) => inRun({ secrets: { A: { file, mount: '/run/secrets/a' } } }),
    (file: string) => inRun({ registry: { secret: { file } } }),
  ].map((place): (typeof cases)[number] => [
    'the file of a secret',
    place,
    ['/etc/token', '//etc/../token', '/x/.y z'],
    ['', 'token', './token', '~/token', '/', '/etc/'],
  ]),
  [
    'run.fetch.output',
    (output) => job({ run: { command: 'x', fetch: [{ uri: '/a', output }] } }),
    ['a', 'h/a:b', './a', 'h//./a', '.a', '..a', '...', `h/${'a'.repeat(255)}`],
    ['', '.', './', 'h/', 'h/.', '..', '../a', 'h/../a', '/a', 'a/..'],
  ],
  [
    'run.fetch.uri',
    (uri) => job({ run: { command: 'x', fetch: [{ uri }] } }),
    ['https://a/b', 'file:///x', '/x/y'],
    ['ftp://a/b', 'x', 'https:///x'],
  ],
  ['name', (name) => job({ name }), ['a', '...', 'A-1_b.c'], ['.', '..', '', 'a b', 'ä', 'x'.repeat(129)]],
];

describe('the published schema', () => {
  test.each(cases)('agrees with the check about %s', (_, place, taken, refused) => {
    const verdicts = [...taken, ...refused].map((value) => {
      const given = place(value as never);
      return [value, schema.Check(given), isTaken(given)];
    });
    expect(verdicts).toEqual([
      ...taken.map((value) => [value, true, true]),
      ...refused.map((value) => [value, false, false]),
    ]);
  });
});

describe('the schema of job files', () => {
  // What the language server of editors does: nothing of ours.
  const file = Compile(jobFileSchema());
  const a = { name: 'a', run };
  test.each<[string, unknown, boolean]>([
    ['one job', a, true],
    ['a list', [a, { ...a, name: 'b' }], true],
    ['jobs', { jobs: [a] }, true],
    ['a job with a mistake', { ...a, nam: 'x' }, false],
    ['a mistake in a list', [a, { name: 'b' }], false],
    ['a mistake below jobs', { jobs: [{ ...a, schedule: {} }] }, false],
    ['more beside jobs', { jobs: [], name: 'a' }, false],
    ['no job', 'a', false],
  ])('takes or refuses %s', (_, given, taken) => {
    expect(file.Check(given)).toBe(taken);
  });

  test.each(
    // The run policy is a file of settings.
    readdirSync(examples, { recursive: true, encoding: 'utf8' }).filter(
      (name) => /\.ya?ml$/.test(name) && name !== 'run-policy.yaml',
    ),
  )('takes the example %s', (name) => {
    for (const { definition } of parseJobFile(readFileSync(join(examples, name), 'utf8'), name))
      if (!isCalendarDocument(definition)) expect([...schema.Errors(definition)], name).toEqual([]);
  });
});
