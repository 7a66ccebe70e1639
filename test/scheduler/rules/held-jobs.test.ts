/** Whatever is wrong with one stored job, a node leads, other jobs run on time, and that job waits with its reason. */

import { describe, expect, test } from 'vitest';
import { knownEngines } from '../../../src/node/engines.ts';
import type { Job, Run, Settings } from '../../../src/scheduler/model/model.ts';
import { lateness } from '../../../src/scheduler/read/late.ts';
import { comingLaunch } from '../../../src/scheduler/rules/coming.ts';
import { abilities } from '../../support/engines.ts';
import { inWords } from '../../support/in-words.ts';
import { Rig } from '../../support/rig.ts';
import { World } from '../../support/world.ts';

const at = '2026-01-01T00:00:00Z';
const process = { concurrency: null, abilities: abilities.process, tombstoneMs: 600_000 } as const;
const docker = { concurrency: null, abilities: abilities.docker, tombstoneMs: 600_000 } as const;
const full: Settings = { engines: { process, docker }, pools: { etl: 2 } };
const bare: Settings = { engines: { process }, known: knownEngines, pools: {} };

/** As stored by a version that knew more, or on a machine that knew more. */
type Stored = { definition: Record<string, unknown> } & Omit<Job, 'definition'>;
const hourly = { cron: '0 * * * *' };
const image = { image: 'busybox', command: 'true' };

interface Kind {
  readonly what: string;
  readonly job?: Record<string, unknown>;
  /** What happens to the job as it is stored. */
  readonly change?: (job: Stored) => void;
  readonly settings?: Settings;
  readonly reason: RegExp;
}

/** Jobs of which no launch can be made: their runs are queued. */
const noLaunch: readonly Kind[] = [
  {
    what: 'a warm start, and no engine for images',
    job: { run: image, policy: { warmStart: 'PT5S' } },
    settings: bare,
    reason: /No engine here runs images.*--docker-host/,
  },
  {
    what: 'a container made ready before, and no engine for images',
    job: { run: image, policy: { prestage: 'PT10M' } },
    settings: bare,
    reason: /No engine here runs images/,
  },
  {
    what: 'an engine that has another name now',
    job: { run: { ...image, engine: 'docker' }, policy: { warmStart: 'PT5S' } },
    settings: { ...full, engines: { process, 'docker-1': docker } },
    reason: /The engine docker is not configured here/,
  },
  {
    what: 'a size of memory that cannot be read',
    job: { run: { ...image, resources: { memory: '1GB' } }, policy: { warmStart: 'PT5S' } },
    change: (job) => Object.assign(job.definition.run as object, { resources: { memory: 'much' } }),
    reason: /run\.resources\.memory is "much", which is not an amount of memory/,
  },
  {
    what: 'a port that cannot be read',
    job: { run: image, policy: { prestage: 'PT5S' } },
    change: (job) => Object.assign(job.definition.run as object, { ports: ['http'] }),
    reason: /run\.ports\[0\] is "http", which is not a port/,
  },
  {
    what: 'a port of another form',
    job: { run: image },
    change: (job) => Object.assign(job.definition.run as object, { ports: { http: 80 } }),
    reason: /cannot be read by this version/,
  },
  {
    what: 'no run at all',
    change: (job) => Object.assign(job.definition, { run: null }),
    reason: /cannot be read by this version/,
  },
];

/** Jobs of which it cannot be said when they run, or how: they are held as a whole. */
const held: readonly Kind[] = [
  {
    what: 'a zone that is not known any more',
    change: (job) => Object.assign(job.resolved as object, { timezone: 'Mars/Olympus_Mons' }),
    reason: /Mars\/Olympus_Mons/,
  },
  {
    what: 'a cron expression that does not parse any more',
    change: (job) => Object.assign(job.resolved as object, { cron: '0 25 * * *' }),
    reason: /25/,
  },
  {
    what: 'a schedule of another kind',
    change: (job) => Object.assign(job, { resolved: { rrule: 'FREQ=DAILY' } }),
    reason: /./,
  },
  {
    what: 'a timeout that cannot be read',
    change: (job) => Object.assign(job.definition, { policy: { timeout: 'a while', warmStart: 'PT5S' } }),
    reason: /policy\.timeout/,
  },
  {
    what: 'a policy of another form',
    change: (job) => Object.assign(job.definition, { policy: { retries: { delay: 10 } } }),
    reason: /cannot be read by this version/,
  },
  {
    what: 'a catch-up that a later version has',
    change: (job) => Object.assign(job.definition, { policy: { catchUp: 'newest' } }),
    reason: /policy\.catchUp is "newest", which is not one of latest, none, all/,
  },
  {
    what: 'an overlap that a later version has',
    change: (job) => Object.assign(job.definition, { policy: { overlap: 'merge' } }),
    reason: /policy\.overlap is "merge", which is not one of skip, .*/,
  },
  {
    what: 'a rule for its parents that a later version has',
    change: (job) =>
      Object.assign(job, { resolved: null }) &&
      Object.assign(job.definition, { schedule: { after: { parents: ['good'], when: 'most-succeeded' } } }),
    reason: /schedule\.after\.when is "most-succeeded", which is not one of all-succeeded, .*/,
  },
  {
    what: 'no policy at all',
    change: (job) => Object.assign(job.definition, { policy: null }),
    reason: /policy is null, which is not an object/,
  },
  {
    what: 'null for a schedule',
    change: (job) =>
      Object.assign(job, { resolved: null }) && Object.assign(job.definition, { schedule: null }),
    reason: /schedule is null, which is not an object/,
  },
  {
    what: 'a word for a schedule',
    change: (job) =>
      Object.assign(job, { resolved: null }) && Object.assign(job.definition, { schedule: '@daily' }),
    reason: /schedule is "@daily", which is not an object/,
  },
  {
    what: 'null for what it comes after',
    change: (job) =>
      Object.assign(job, { resolved: null }) && Object.assign(job.definition, { schedule: { after: null } }),
    reason: /schedule\.after is null, which is not an object/,
  },
  {
    what: 'one parent that is in no list',
    change: (job) =>
      Object.assign(job, { resolved: null }) &&
      Object.assign(job.definition, { schedule: { after: { parents: 'good' } } }),
    reason: /schedule\.after\.parents is "good", which is not a list/,
  },
  {
    what: 'a lateness that cannot be read',
    change: (job) => Object.assign(job.definition, { expect: { startWithin: 'soon' } }),
    reason: /expect\.startWithin/,
  },
  {
    what: 'parents that are no list',
    change: (job) =>
      Object.assign(job, { resolved: null }) &&
      Object.assign(job.definition, { schedule: { after: { parents: { all: 'good' } } } }),
    reason: /schedule\.after\.parents is \{"all":"good"\}, which is not a list/,
  },
];

/** Jobs that go on as well as they can. */
const goesOn: readonly Omit<Kind, 'reason'>[] = [
  { what: 'a pool that is not there any more', job: { policy: { pool: 'etl' } }, settings: bare },
  {
    what: 'fields that this version does not know',
    change: (job) => Object.assign(job.definition, { moon: 'full', policy: { tide: 'high' } }),
  },
  {
    what: 'an odd part of Chronos',
    change: (job) => Object.assign(job.definition, { chronos: { cpus: null, constraints: 7, uris: {} } }),
  },
  {
    what: 'a parent that is gone',
    job: { schedule: { after: { parents: ['good'] } } },
    change: (job) => Object.assign(job.definition, { schedule: { after: { parents: ['good', 'gone'] } } }),
  },
];

/** Takes over from the leader that accepted the job, which may have left it an unfinished run. */
function takenOver(
  { job = {}, change, settings = full }: Omit<Kind, 'what' | 'reason'>,
  run?: Partial<Run>,
): Rig {
  const rig = new Rig(at, full);
  rig.put({ name: 'good', schedule: hourly }, { name: 'odd', schedule: hourly, ...job });
  if (run !== undefined) {
    rig.trigger('odd');
    const [id, made] = [...rig.live].find(([, each]) => each.job === 'odd') ?? [];
    if (id !== undefined && made !== undefined) rig.live.set(id, { ...made, ...run });
  }
  const stored = structuredClone(rig.jobs.get('odd')) as unknown as Stored;
  change?.(stored);
  rig.jobs.set('odd', stored as unknown as Job);
  Object.assign(rig, { settings });
  rig.restart();
  return rig;
}

function expectGoodOnTime(rig: Rig): void {
  rig.advance('2026-01-01T01:00:00Z');
  expect(rig.launches()).toContain('good.20260101T010000Z#1');
  const { state } = rig;
  for (const name of ['good', 'odd']) {
    const entry = state.entry(name);
    expect(() => [
      comingLaunch(state, entry, rig.now),
      lateness(entry, rig.now, () => []),
      rig.view(name),
    ]).not.toThrow();
  }
  rig.end('good');
}

describe('a job that cannot be launched', () => {
  test.each(noLaunch)('$what: its runs are queued with the reason', (kind) => {
    const rig = takenOver(kind);
    expectGoodOnTime(rig);
    expect(inWords(rig.runOf('odd'))).toMatchObject({
      state: 'queued',
      reason: expect.stringMatching(kind.reason),
    });
    rig.restart();
    expect(inWords(rig.runOf('odd'))).toMatchObject({
      state: 'queued',
      reason: expect.stringMatching(kind.reason),
    });
  });
});

describe('a job that cannot be read', () => {
  test.each(held)('$what: it is held with the reason', (kind) => {
    const rig = takenOver(kind);
    expectGoodOnTime(rig);
    const { status, fault, nextDue, runs } = rig.view('odd');
    expect(inWords({ status, fault, nextDue, runs })).toEqual({
      status: 'disabled',
      fault: expect.stringMatching(kind.reason),
      nextDue: null,
      runs: [],
    });
    rig.trigger('odd');
    expect(inWords(rig.runOf('odd'))).toMatchObject({
      state: 'queued',
      reason: expect.stringMatching(kind.reason),
    });
    // An edit that can be read makes it run, the run that waits included.
    rig.put({ name: 'odd', schedule: hourly, description: 'written anew' });
    expect(rig.view('odd')).toMatchObject({ status: 'active', fault: null });
    expect(rig.runOf('odd').state).toBe('launching');
  });
});

test.each(goesOn)('a job with $what runs', (kind) => {
  const rig = takenOver(kind);
  expectGoodOnTime(rig);
  if (rig.view('odd').parents.length === 0) expect(rig.runOf('odd').state).toBe('launching');
});

describe('what a leader left behind', () => {
  const runs: readonly [string, Partial<Run>][] = [
    ['queued', { state: 'queued', attempts: [] }],
    ['waiting for its turn', { state: 'waiting', attempts: [] }],
    ['waiting for a retry', { state: 'waiting', notBefore: Date.parse(at) + 60_000 }],
    ['launching', {}],
    ['running', { state: 'running' }],
  ];
  test.each([...noLaunch, ...held].flatMap((kind) => runs.map(([state, run]) => ({ kind, state, run }))))(
    '$kind.what, $state: the node leads, and the run can be ended',
    ({ kind, run }) => {
      const rig = takenOver(kind, run);
      // What never started is asked for again.
      if (run.state !== 'running') rig.inventory([]);
      expectGoodOnTime(rig);
      const left = rig.runOf('odd');
      rig.submit({ kind: 'kill', runId: left.id, by: 'test' });
      rig.advance('2026-01-01T01:02:00Z');
      expect(rig.state.runs.get(left.id)).toBeUndefined();
    },
  );

  test('a run that an engine may have started, which is not configured, says so', () => {
    const rig = takenOver({ job: { run: image }, settings: bare }, {});
    expect(inWords(rig.runOf('odd'))).toMatchObject({
      state: 'launching',
      reason: 'the engine docker, which may have started it, is not configured here',
    });
  });
});

test.each([0, -7_200_000])(
  'a deleted job whose zone is not known any more can be made again, the clock set by %i',
  (ms) => {
    const rig = new Rig(at, full);
    rig.put({ name: 'odd', schedule: { ...hourly, timezone: 'Europe/Berlin' } });
    rig.advance('2026-01-01T05:00:00Z');
    rig.submit({ kind: 'delete-job', name: 'odd', dependents: 'refuse', by: 'test' });
    const past = JSON.stringify(rig.states.get('odd')).replaceAll('Europe/Berlin', 'Mars/Olympus_Mons');
    rig.states.set('odd', JSON.parse(past));
    rig.restart(ms);
    rig.put({ name: 'odd', schedule: hourly });
    rig.advance('2026-01-01T06:00:00Z');
    expect(rig.runs('odd').at(-1)).toBe('launching 06:00');
    expect(rig.state.entry('odd').job.revision).toBe(3);
  },
);

test('with a warm start whose engine is gone a node leads', async () => {
  const settings = { ...full, engines: { ...full.engines } };
  const world = await World.at(at, settings);
  await world.put(
    { name: 'odd', schedule: hourly, run: image, policy: { warmStart: 'PT5S' } },
    { name: 'good' },
  );
  await world.stop();
  Reflect.deleteProperty(settings.engines, 'docker');
  await world.startAnother();
  expect(world.scheduler.leadership().leading).toBe(true);
  expect(await world.trigger('good')).toMatchObject({ state: 'launching' });
  await world.clock.advance(3_600_000);
  expect(world.scheduler.leadership().leading).toBe(true);
  expect(world.fatal).toEqual([]);
  await world.stop();
});
