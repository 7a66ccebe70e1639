/** The leader's log of runs, changes and refusals: which lines, once each, and never many at once. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CarillonError } from '../../../src/errors.ts';
import type { Command } from '../../../src/scheduler/command.ts';
import { Activity, type ActivityEvent, activityEvents } from '../../../src/scheduler/runtime/activity.ts';
import { SimClock } from '../../support/sim-clock.ts';
import { World } from '../../support/world.ts';

type Lines = [level: string, event: string, fields: object][];

const by = 'anna';
let world: World;
let lines: Lines;

beforeEach(async () => {
  world = await World.at('2026-11-21T00:00:30Z');
  lines = [];
  world.onLog = (level, event, fields) => {
    if (event in activityEvents) lines.push([level, event, JSON.parse(JSON.stringify(fields))]);
  };
});
afterEach(() => world.stop());

const put = (definition: object): Promise<unknown> =>
  world.submit({
    kind: 'put-job',
    definition: { run: { command: 'true' }, ...definition },
    mode: 'replace',
    by,
    source: 'test',
  });
const refusal = (command: Command): Promise<unknown> =>
  world.submit(command).catch((error: CarillonError) => error.code);
/** The lines since the last call. */
async function logged(): Promise<Lines> {
  await world.clock.settle();
  for (const [, event, fields] of lines) {
    const documented: readonly string[] = activityEvents[event as ActivityEvent].fields;
    expect(Object.keys(fields).filter((field) => !documented.includes(field))).toEqual([]);
  }
  return lines.splice(0);
}

describe('a line', () => {
  test('for each change of a job, with the user', async () => {
    await put({ name: 'a' });
    await put({ name: 'a' });
    await put({ name: 'a', description: 'changed' });
    await world.submit({ kind: 'pause', name: 'a', by });
    await world.submit({ kind: 'pause', name: 'a', by });
    await world.submit({ kind: 'resume', name: 'a', by });
    await world.submit({ kind: 'delete-job', name: 'a', dependents: 'refuse', by });
    expect(await logged()).toEqual([
      ['info', 'job.created', { job: 'a', revision: 1, by }],
      ['info', 'job.changed', { job: 'a', revision: 2, by }],
      ['info', 'job.paused', { job: 'a', revision: 2, by }],
      ['info', 'job.resumed', { job: 'a', revision: 2, by }],
      ['info', 'job.deleted', { job: 'a', revision: 3, by }],
    ]);
  });

  test('for each run that a user starts, once', async () => {
    await put({ name: 'a' });
    await logged();
    const again = { kind: 'trigger', name: 'a', triggerId: 'once', params: {}, by } as const;
    const run = await world.submit(again);
    await world.submit(again);
    expect(await logged()).toEqual([['info', 'run.triggered', { job: 'a', run: run.id, by }]]);
    const at = world.clock.now();
    await world.clock.advance(2_000);
    world.engine.exit(world.engine.newest('a'), 7);
    const [[level, event, fields] = []] = await logged();
    expect([level, event]).toEqual(['warn', 'run.ended']);
    expect(fields).toEqual({
      job: 'a',
      run: run.id,
      state: 'failed',
      trigger: 'manual',
      due: new Date(run.due).toISOString(),
      startedAt: new Date(at).toISOString(),
      endedAt: new Date(at + 2_000).toISOString(),
      durationMs: 2_000,
      latenessMs: 0,
      attempts: 1,
      engine: 'process',
      exitCode: 7,
      reason: 'exit code 7',
    });
    const rerun = await world.submit({
      kind: 'rerun',
      run: await world.scheduler.run(run.id),
      triggerId: 'more',
      by,
    });
    expect(await logged()).toEqual([['info', 'run.triggered', { job: 'a', run: rerun.id, by }]]);
  });

  test('for a kill, however often it is requested, and for its end', async () => {
    await put({ name: 'a' });
    const run = await world.trigger('a');
    world.engine.obeysKill = false;
    await logged();
    await world.submit({ kind: 'kill', runId: run.id, by });
    await world.submit({ kind: 'kill', runId: run.id, by });
    expect(await logged()).toEqual([['info', 'run.kill-requested', { job: 'a', run: run.id, by }]]);
    world.engine.exit(world.engine.newest('a'), 137);
    expect(await logged()).toMatchObject([
      ['info', 'run.ended', { run: run.id, state: 'killed', reason: 'killed by anna' }],
    ]);
  });

  test('for reported results and jobs marked as succeeded', async () => {
    await put({ name: 'a', policy: { completion: 'callback' } });
    const run = await world.trigger('a');
    await logged();
    await world.submit({ kind: 'complete', runId: run.id, succeeded: true, by });
    expect(await logged()).toEqual([
      ['info', 'run.reported', { job: 'a', run: run.id, by, succeeded: true }],
    ]);
    await put({ name: 'b' });
    await logged();
    const marked = await world.submit({ kind: 'mark-success', name: 'b', triggerId: 'mark', by });
    expect(await logged()).toMatchObject([
      ['info', 'run.marked-succeeded', { job: 'b', run: marked.id, by }],
      ['info', 'run.ended', { job: 'b', state: 'succeeded', attempts: 0 }],
    ]);
  });

  test('for a job that disables itself', async () => {
    await put({ name: 'a', policy: { disableAfterFailures: 1 } });
    await world.trigger('a');
    await logged();
    world.engine.exit(world.engine.newest('a'), 1);
    expect(await logged()).toMatchObject([
      ['warn', 'job.disabled', { job: 'a', revision: 1, reason: expect.stringContaining('1') }],
      ['warn', 'run.ended', { job: 'a' }],
      ['warn', 'alert.opened', { job: 'a', condition: 'failed', reason: 'exit code 1' }],
      ['warn', 'alert.opened', { job: 'a', condition: 'disabled' }],
    ]);
  });

  test('for what runs without a run, as on a host that was given up and is back', async () => {
    await put({ name: 'a' });
    await world.trigger('a');
    await logged();
    const [spec] = world.engine.started;
    world.engine.start({ ...spec!, launchName: 'given-up' });
    await world.clock.advance(31_000);
    expect(await logged()).toEqual([['warn', 'launch.unwanted', { engine: 'process', launch: 'given-up' }]]);
    expect(world.engine.kills).toEqual(['given-up']);
  });

  test('for each refused change, but not for a trial', async () => {
    await put({ name: 'a' });
    await logged();
    const create = { kind: 'put-job', mode: 'create', by, source: 'test' } as const;
    await refusal({ ...create, definition: { name: 'a', run: { command: 'true' } } });
    await refusal({ kind: 'trigger', name: 'x', triggerId: 'none', params: {}, by });
    await refusal({ kind: 'kill', runId: 'a.none', by });
    const all = { kind: 'apply', prune: null, by } as const;
    const definitions = [{ definition: { name: 'c', run: {} }, source: 'test' }];
    await world.submit({ ...all, definitions, dryRun: true });
    await world.submit({ ...all, definitions, dryRun: false });
    expect(await logged()).toMatchObject([
      ['info', 'request.refused', { request: 'put-job', job: 'a', by, code: 'JOB_EXISTS' }],
      ['info', 'request.refused', { request: 'trigger', job: 'x', by, code: 'JOB_NOT_FOUND' }],
      ['info', 'request.refused', { request: 'kill', run: 'a.none', by, code: 'RUN_ENDED' }],
      ['info', 'request.refused', { request: 'apply', job: 'c', by, message: expect.any(String) }],
    ]);
  });
});

describe('many lines', () => {
  const act = { kind: 'job.paused', job: 'a', revision: 1, by } as const;
  const noted: string[] = [];
  const note = (_: object, event: string): void => void noted.push(event);
  const log = { info: note, warn: note, error: note, debug: note };
  /** Each line takes 0.1 ms. */
  function slowClock(): SimClock {
    const clock = new SimClock(0);
    let ms = 0;
    clock.monotonicMs = () => (ms += 0.1);
    return clock;
  }

  beforeEach(() => void noted.splice(0));

  test('are written in turns with other work, a few milliseconds at a time', async () => {
    const clock = slowClock();
    const activity = new Activity({ log, clock });
    activity.decided([], Array(10_000).fill(act));
    expect(noted).toEqual([]);
    const between: number[] = [];
    const others = (): void => {
      between.push(noted.length);
      if (noted.length < 10_000) clock.after(0, others);
    };
    clock.after(0, others);
    await clock.settle();
    expect(noted).toHaveLength(10_000);
    const most = Math.max(...between.map((count, i) => count - (between[i - 1] ?? 0)));
    expect(most).toBeLessThan(25);
  });

  test('are dropped above a bound, and counted', async () => {
    const clock = slowClock();
    const dropped: object[] = [];
    const activity = new Activity({ log: { ...log, warn: (fields) => dropped.push(fields) }, clock });
    activity.decided([], Array(60_000).fill(act));
    activity.stop();
    expect([noted.length, dropped]).toEqual([50_000, [{ lines: 10_000 }]]);
  });
});
