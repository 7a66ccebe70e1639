/** A client reads a job, changes one field and sends it back: what that field does not say stays. */

import { describe, expect, test } from 'vitest';
import { type Generation, printJob } from '../../../src/scheduler/chronos/job.ts';
import { toChronos, toDefinition } from '../../../src/scheduler/chronos/mapping.ts';
import { readChronosJob } from '../../../src/scheduler/chronos/read.ts';
import type { Settings } from '../../../src/scheduler/model/model.ts';
import { abilities } from '../../support/engines.ts';
import { Rig, testSettings } from '../../support/rig.ts';

const engine = { concurrency: null, tombstoneMs: 600_000 };
const settings: Settings = {
  ...testSettings,
  engines: {
    ...testSettings.engines,
    docker: { ...engine, abilities: abilities.docker },
    swarm: { ...engine, abilities: abilities.swarm },
  },
};
const rig = (): Rig => {
  const r = new Rig('2026-11-21T12:00:00Z', settings);
  for (const name of ['one', 'two']) r.put({ name, schedule: { cron: '0 * * * *' } });
  return r;
};

/** The definition after a client of this generation has changed these fields of the job that it read. */
function edited(r: Rig, change: object, as: Generation = 3) {
  const read = JSON.parse(JSON.stringify(printJob(toChronos(r.view('a')), as)));
  const fields = change as { container?: object };
  const body = { ...read, ...change };
  if (fields.container !== undefined) body.container = { ...read.container, ...fields.container };
  const definition = toDefinition(readChronosJob(body), {
    generation: as,
    now: r.now,
    before: r.view('a'),
    unmapped: [],
  });
  r.submit({ kind: 'put-job', definition, mode: 'replace', by: 'test', source: 'test' });
  return definition;
}

const process = { command: 'true' };
const nightly = { cron: '0 2 * * 1-5', timezone: 'Europe/Berlin' };
const box = { image: 'alpine:3', command: 'true', network: 'bridge' };

describe('a change of one field keeps what Chronos has no word for', () => {
  test.each<[string, object, object, object]>([
    [
      'the delays of retries',
      { run: process, policy: { retries: { limit: 3, delay: 'PT30S', factor: 3 } } },
      { retries: 5 },
      { policy: { retries: { limit: 5, delay: 'PT30S', factor: 3 } } },
    ],
    [
      'which ends of the parents count',
      { run: process, schedule: { after: { parents: ['one'], when: 'all-done', per: 'day' } } },
      { parents: ['one', 'two'] },
      { schedule: { after: { parents: ['one', 'two'], when: 'all-done', per: 'day' } } },
    ],
    [
      'the overlap of a job whose schedule is changed',
      { run: process, schedule: nightly, policy: { overlap: 'replace' } },
      { schedule: 'R/2026-12-01T00:00:00Z/PT2H', scheduleTimeZone: '' },
      { schedule: { every: 'R/2026-12-01T00:00:00Z/PT2H' }, policy: { overlap: 'replace' } },
    ],
    [
      'that overlapping runs are skipped',
      { run: process, schedule: { after: { parents: ['one'] } } },
      { parents: ['two'] },
      { schedule: { after: { parents: ['two'] } } },
    ],
    [
      'the cron expression of a job that moves to another time zone',
      { run: process, schedule: nightly },
      { scheduleTimeZone: 'Asia/Tokyo' },
      { schedule: { ...nightly, timezone: 'Asia/Tokyo' } },
    ],
    [
      'the cron expression of a job that loses its time zone',
      { run: process, schedule: nightly },
      { scheduleTimeZone: '' },
      { schedule: { cron: nightly.cron } },
    ],
    [
      'that a job runs when triggered only',
      { run: process },
      { scheduleTimeZone: 'Asia/Tokyo' },
      { run: process },
    ],
    [
      'the memory of a container whose cpus are changed',
      { run: { ...box, resources: { cpus: 1, memory: '1GiB' } } },
      { cpus: 2 },
      { run: { ...box, resources: { cpus: 2, memory: '1GiB' } } },
    ],
    [
      'the limits of a container that gets another image',
      { run: { ...box, resources: { cpus: 0.1, memory: '128MiB' } } },
      { container: { image: 'alpine:4' } },
      { run: { ...box, image: 'alpine:4', resources: { cpus: 0.1, memory: '128MiB' } } },
    ],
    [
      'user and pull of a container that gets another image',
      { run: { ...box, user: 'root', pull: 'never' } },
      { container: { image: 'alpine:4' } },
      { run: { ...box, image: 'alpine:4', user: 'root', pull: 'never' } },
    ],
    [
      'several networks of a container that gets another image',
      { run: { image: 'alpine:3', command: 'true', engine: 'swarm', networks: ['blue'] } },
      { container: { image: 'alpine:4' } },
      { run: { image: 'alpine:4', command: 'true', engine: 'swarm', networks: ['blue'] } },
    ],
    [
      'constraints of a Swarm that are no labels',
      {
        run: {
          ...box,
          engine: 'swarm',
          constraints: ['node.role==worker', 'node.labels.rack==a'],
        },
      },
      { constraints: [['rack', 'EQUALS', 'b']] },
      { run: { constraints: ['node.role==worker', 'node.labels.rack==b'] } },
    ],
  ])('%s', (_, native, change, expected) => {
    for (const as of [2, 3] as const) {
      const r = rig();
      r.put({ name: 'a', ...native });
      const { run, ...rest } = expected as { run?: object };
      const { policy, schedule } = expected as { policy?: object; schedule?: object };
      const definition = edited(r, change, as);
      expect(definition).toMatchObject(rest);
      if (run !== undefined) expect(definition.run).toMatchObject(run);
      expect(definition.policy).toEqual(policy);
      expect(definition.schedule).toEqual(schedule);
    }
  });
});

test('memory reads in megabytes, whatever its unit', () => {
  const r = rig();
  r.put({ name: 'a', run: { ...box, resources: { memory: '1.5g' } } });
  expect(toChronos(r.view('a')).mem).toBe(1_536);
});

test('runs at once wait for each other only as long as that is the schedule', () => {
  const r = rig();
  r.put({ name: 'a', run: process });
  expect(edited(r, { schedule: 'R10//P' }).policy).toEqual({ overlap: 'queue-all' });
  expect(edited(r, { schedule: 'R/2026-12-01T00:00:00Z/PT2H' }).policy).toEqual({ overlap: 'queue' });
});
