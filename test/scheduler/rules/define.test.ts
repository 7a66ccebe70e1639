/** What is wrong with a definition, all of it at once, and where its schedule begins. */

import { describe, expect, test } from 'vitest';
import { CarillonError } from '../../../src/errors.ts';
import { Rig } from '../../support/rig.ts';

const NOW = Date.parse('2026-01-01T00:30:00Z');
const command = { command: 'true' };

function submit(rig: Rig, definition: object) {
  return rig.submit({
    kind: 'put-job',
    definition: { run: command, ...definition },
    mode: 'replace',
    by: 'ann',
    source: 'jobs.yaml:7',
  });
}

/** The refusal, and the fields of all problems that it names. */
function refusal(definition: object): CarillonError {
  try {
    submit(new Rig('2026-01-01T00:30:00Z'), definition);
  } catch (error) {
    return error as CarillonError;
  }
  return expect.fail('it was accepted');
}

const fieldsOf = ({ details }: CarillonError): (string | undefined)[] => [
  details.field,
  ...((details as { problems?: { field?: string }[] }).problems ?? []).map(({ field }) => field),
];

describe('a definition is refused', () => {
  test.each<[string, object, object]>([
    [
      'with a pool that is not configured, and those that are',
      { name: 'a', policy: { pool: 'none' } },
      {
        code: 'INVALID_FIELD',
        details: { field: 'policy.pool', value: 'none', allowed: ['etl'], source: 'jobs.yaml:7' },
      },
    ],
    [
      'with an engine that is not configured',
      { name: 'a', run: { ...command, engine: 'docker' } },
      { details: { field: 'run.engine', value: 'docker', source: 'jobs.yaml:7' } },
    ],
    [
      'with a policy that cannot hold',
      { name: 'a', policy: { retries: { delay: 'PT0S', limit: 1 }, timeout: 'soon' } },
      { code: 'INVALID_FIELD', details: { source: 'jobs.yaml:7' } },
    ],
    [
      'with a schedule that never comes',
      { name: 'a', schedule: { cron: '0 0 30 2 *' } },
      { details: { source: 'jobs.yaml:7' } },
    ],
  ])('%s', (_, definition, expected) => {
    const error = refusal(definition);
    expect(error).toBeInstanceOf(CarillonError);
    expect({ code: error.code, details: error.details }).toMatchObject(expected);
  });

  test('a pool that exists is no fault', () => {
    expect(submit(new Rig('2026-01-01T00:30:00Z'), { name: 'a', policy: { pool: 'etl' } }).outcome).toBe(
      'created',
    );
  });

  test('with all that is wrong named, the schedule as well', () => {
    const bad = { name: 'a', policy: { pool: 'none' }, run: { ...command, engine: 'docker' } };
    const all = JSON.stringify(refusal({ ...bad, schedule: { cron: '61 * * * *' } }).details);
    expect(all).toContain('policy.pool');
    expect(all).toContain('run.engine');
    expect(all).toContain('schedule.cron');
    const without = JSON.stringify(refusal({ ...bad, schedule: { cron: '1 * * * *' } }).details);
    expect(without).not.toContain('schedule');
  });

  test('with a fault of its schedule named once', () => {
    const error = refusal({ name: 'a', policy: { pool: 'none' }, schedule: { cron: 5 } });
    expect(fieldsOf(error).filter((field) => field?.startsWith('schedule')).length).toBeLessThanOrEqual(1);
    const other = refusal({ name: 5, schedule: { cron: '61 * * * *' } });
    expect(JSON.stringify(other.details)).toContain('schedule.cron');
  });
});

describe('a changed schedule', () => {
  const hourly = { cron: '0 * * * *' };
  const cursorAfter = (schedule: object, before: object = hourly): number => {
    const rig = new Rig('2026-01-01T00:10:00Z');
    rig.put({ name: 'a', schedule: before });
    rig.now = NOW;
    return submit(rig, { name: 'a', schedule }).state.cursor;
  };

  test.each<[string, object, number]>([
    ['holds from now on', { cron: '5 * * * *' }, NOW],
    ['that began long ago holds from now on', { every: 'R/2026-01-01T00:00:00Z/PT1M' }, NOW],
    ['that begins now has its first time now', { every: 'R/2026-01-01T00:30:00Z/PT1M' }, NOW - 1],
    ['that began within this second has it, too', { every: 'R/2026-01-01T00:29:59Z/PT1M' }, NOW - 1_001],
    ['that began before that has not', { every: 'R/2026-01-01T00:29:58Z/PT1M' }, NOW],
    ['that begins later begins then', { every: 'R/2026-01-01T02:00:00Z/PT1H' }, NOW],
  ])('%s', (_, schedule, cursor) => {
    expect(cursorAfter(schedule)).toBe(cursor);
  });

  test('that is the same keeps its cursor, and what was fixed for it', () => {
    const rig = new Rig('2026-01-01T00:30:00Z');
    rig.put({ name: 'a', schedule: hourly });
    rig.now += 60_000;
    const answer = submit(rig, { name: 'a', schedule: hourly, description: 'x' });
    expect(answer).toMatchObject({
      state: { cursor: NOW },
      job: { createdAt: NOW, updatedAt: NOW + 60_000 },
    });
  });

  test('of a job that comes back with it goes on where it was', () => {
    const rig = new Rig('2026-01-01T00:30:00Z');
    rig.put({ name: 'a', schedule: hourly });
    rig.submit({ kind: 'delete-job', name: 'a', dependents: 'refuse', by: 'ann' });
    rig.now += 5 * 3_600_000;
    const answer = submit(rig, { name: 'a', schedule: hourly });
    expect(answer).toMatchObject({ outcome: 'created', job: { revision: 3, createdAt: rig.now } });
    expect(answer.state.cursor).toBe(rig.now);
  });

  test('warns of due times that have passed, and of none where they are on time', () => {
    const rig = new Rig('2026-01-01T00:30:00Z');
    rig.put({ name: 'a', schedule: hourly });
    const once = { at: '2020-01-01T00:00:00Z' };
    expect(submit(rig, { name: 'a', schedule: once }).warnings).toHaveLength(1);
    expect(submit(rig, { name: 'b', schedule: hourly }).warnings).toEqual([]);
  });

  test.each<[string, (rig: Rig) => void, string]>([
    [
      'skipped where the job is paused',
      (rig) => rig.submit({ kind: 'pause', name: 'a', by: 'ann' }),
      'skipped',
    ],
    [
      'skipped where the job is disabled',
      (rig) => {
        rig.trigger('a');
        rig.end('a', 1);
      },
      'skipped',
    ],
    ['started otherwise, as they are on time', () => undefined, 'start at once'],
  ])('says of due times that have just passed: %s', (_, step, words) => {
    const rig = new Rig('2026-01-01T00:10:00Z');
    rig.put({ name: 'a', policy: { disableAfterFailures: 1 }, schedule: hourly });
    step(rig);
    rig.now = NOW;
    const answer = submit(rig, {
      name: 'a',
      policy: { disableAfterFailures: 1 },
      schedule: { every: 'R/2026-01-01T00:29:59Z/PT1S' },
    });
    expect(answer.warnings.map((warning) => /skipped|start at once/.exec(warning)?.[0])).toEqual([words]);
  });
});
