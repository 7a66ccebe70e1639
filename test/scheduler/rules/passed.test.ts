/** What is shown before a job is put is what happens to due times that have passed by then. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { validateJobs } from '../../../src/cli/validation.ts';
import { Rig } from '../../support/rig.ts';

type Definition = { name: string } & Record<string, unknown>;

const run = { command: 'true' };

/** The warnings of a dry run, of the files alone, and of the real thing, then what the job did at once. */
function put(rig: Rig, definition: Definition) {
  const whole = { run, ...definition };
  const [dry] = rig.submit({
    kind: 'apply',
    definitions: [{ definition: whole, source: 'test' }],
    prune: null,
    dryRun: true,
    by: 'test',
  });
  const files = validateJobs([{ definition: whole, source: 'test' }], rig.now).warnings;
  const made = rig.submit({
    kind: 'put-job',
    definition: whole,
    mode: 'replace',
    by: 'test',
    source: 'test',
  }).warnings;
  rig.advance(0);
  return { dry: dry?.warnings ?? [], files, made, runs: rig.runs(definition.name) };
}

describe('due times that have passed when a job is created', () => {
  test.each<[string, Record<string, unknown>, string[], number]>([
    [
      'one run, by default, for a single one',
      { schedule: { at: '2020-01-01T00:00:00Z' } },
      [
        'the due time 2020-01-01T00:00:00.000Z has passed: one run starts at once to catch up (policy.catchUp: latest); no due time follows',
      ],
      1,
    ],
    [
      'one run, by default, for a finished repeat',
      { schedule: { every: 'R3/2020-01-01T00:00:00Z/P1D' } },
      [
        '3 due times up to 2020-01-03T00:00:00.000Z have passed: one run starts at once to catch up (policy.catchUp: latest); no due time follows',
      ],
      1,
    ],
    [
      'one run, by default, for an endless repeat that began before',
      { schedule: { every: 'R/2025-12-31T20:00:00Z/PT1H' } },
      [
        '5 due times up to 2026-01-01T00:00:00.000Z have passed: one run starts at once to catch up (policy.catchUp: latest)',
      ],
      1,
    ],
    [
      'no run with catchUp: none',
      { schedule: { at: '2020-01-01T00:00:00Z' }, policy: { catchUp: 'none' } },
      [
        'the due time 2020-01-01T00:00:00.000Z has passed: missed (policy.catchUp: none); no due time follows',
      ],
      0,
    ],
    [
      'no run outside the start window',
      { schedule: { at: '2025-12-31T23:00:00Z' }, policy: { startWithin: 'PT10M' } },
      [
        'the due time 2025-12-31T23:00:00.000Z has passed: missed (outside policy.startWithin); no due time follows',
      ],
      0,
    ],
    [
      'no run of a paused job',
      { schedule: { at: '2020-01-01T00:00:00Z' }, paused: true },
      [
        'the due time 2020-01-01T00:00:00.000Z has passed: skipped, because the job is paused or disabled; no due time follows',
      ],
      0,
    ],
    [
      'no run of a paused job, on time or not',
      { schedule: { at: '2026-01-01T00:00:28Z' }, paused: true },
      [
        'the due time 2026-01-01T00:00:28.000Z has passed: skipped, because the job is paused or disabled; no due time follows',
      ],
      0,
    ],
    [
      'one run for a single one that is on time',
      { schedule: { at: '2026-01-01T00:00:28Z' } },
      ['the due time 2026-01-01T00:00:28.000Z is now: one run starts at once; no due time follows'],
      1,
    ],
    [
      'all that are on time',
      { schedule: { every: 'R/2026-01-01T00:00:29Z/PT1S' }, policy: { overlap: 'allow' } },
      ['2 due times up to 2026-01-01T00:00:30.000Z are now: they start at once (policy.overlap: allow)'],
      2,
    ],
    ['nothing to say of cron', { schedule: { cron: '0 * * * *' } }, [], 0],
  ])('%s', (_, definition, warnings, runs) => {
    const shown = put(new Rig('2026-01-01T00:00:30Z'), { name: 'a', ...definition });
    expect(shown.dry).toEqual(warnings);
    expect(shown.made).toEqual(warnings);
    expect(shown.files).toEqual(warnings.map((warning) => `test: ${warning}`));
    expect(shown.runs).toHaveLength(runs);
  });

  test('a changed schedule whose due times have all passed says that it starts no run', () => {
    const rig = new Rig('2026-01-01T00:00:30Z');
    rig.put({ name: 'a', schedule: { cron: '0 * * * *' } });
    const shown = put(rig, { name: 'a', schedule: { at: '2020-01-01T00:00:00Z' } });
    expect(shown.dry).toEqual(['every due time of the schedule has passed: it starts no run']);
    expect(shown.made).toEqual(shown.dry);
    expect(shown.runs).toEqual([]);
  });

  test('whatever the schedule and the policy: the warning counts the runs that start, and nothing is passed over without one', () => {
    const schedule = fc.record({
      count: fc.constantFrom('', '1', '3', '50'),
      ago: fc.integer({ min: 0, max: 200_000 }),
      period: fc.constantFrom('PT1S', 'PT7S', 'PT1M', 'P1D'),
    });
    const policy = fc.record({
      catchUp: fc.constantFrom('none', 'latest', 'all'),
      catchUpLimit: fc.integer({ min: 1, max: 20 }),
      startWithin: fc.constantFrom(undefined, 'PT10S', 'PT1H'),
      overlap: fc.constant('allow'),
    });
    fc.assert(
      fc.property(schedule, policy, fc.boolean(), ({ count, ago, period }, written, paused) => {
        const rig = new Rig('2026-01-01T00:00:30.250Z');
        const start = new Date(rig.now - ago * 1_000).toISOString();
        const definition = { name: 'a', schedule: { every: `R${count}/${start}/${period}` } };
        const { dry } = put(rig, { ...definition, policy: JSON.parse(JSON.stringify(written)), paused });
        const warning = dry.find((each) => / up to | the due time /.test(` ${each}`)) ?? '';
        if (!/passed/.test(warning)) expect(rig.lines('a')).toEqual([]);
        const [, starts = '0'] =
          /(\w+) runs? starts? at once/.exec(warning) ?? /^(\d+) due times .* they start/.exec(warning) ?? [];
        expect(rig.runs('a')).toHaveLength(starts === 'one' ? 1 : Number(starts));
      }),
      { numRuns: 200 },
    );
  });
});
