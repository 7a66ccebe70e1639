/** How an end is told whose reason the engine learns late, as it does on a busy machine: answers by script. */

import { addAbortSignal, PassThrough, Readable } from 'node:stream';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { labelOf } from '../../../src/executor/container/labels.ts';
import type { ContainerEvent, DockerEngine } from '../../../src/executor/docker/engine.ts';
import type { ContainerInspection } from '../../../src/executor/docker/state.ts';
import { DockerWatch } from '../../../src/executor/docker/watch.ts';
import type { LaunchReport, Observation } from '../../../src/scheduler/ports.ts';
import { SimClock } from '../../support/sim-clock.ts';
import { until } from '../../support/until.ts';

const killed = (OOMKilled: boolean, Memory: number): ContainerInspection => ({
  Id: 'id',
  Name: '/a',
  Image: 'sha256:0',
  Config: { Image: 'image', Labels: {} },
  HostConfig: { Memory },
  State: {
    Status: 'exited',
    Running: false,
    OOMKilled,
    ExitCode: 137,
    Error: '',
    StartedAt: '2026-01-01T00:00:00Z',
    FinishedAt: '2026-01-01T00:00:01Z',
  },
});

/**
 * A container killed by KILL, of which the engine knows from the n-th look on that its memory ran out. It is found by
 * the watch, or by an inventory only.
 */
async function toldAfter(
  looks: number,
  memoryBytes: number,
  foundBy: 'watch' | 'inventory' = 'watch',
): Promise<Partial<LaunchReport> | undefined> {
  const clock = new SimClock(0);
  const seen: Observation[] = [];
  const container = (OOMKilled: boolean) => killed(OOMKilled, memoryBytes);
  let inspections = 1;
  const died = { Action: 'die', time: 0, Actor: { ID: 'id', Attributes: {} } };
  const engine = {
    inspect: async () => container(++inspections >= looks),
    history: async () => [died],
    logs: async () => Readable.from([]) as unknown as AsyncGenerator<Uint8Array>,
  };
  const watch = new DockerWatch({
    engine: engine as Partial<DockerEngine> as DockerEngine,
    installation: 'c',
    clock,
    log: pino({ level: 'silent' }),
    emit: (observation) => seen.push(observation),
    isLaunching: () => false,
  });
  if (foundBy === 'watch') watch.take(container(looks <= 1));
  const reports: LaunchReport[] = [];
  for (let second = 0; second < 10; second++) {
    reports.push(watch.report(container(looks <= inspections)));
    await clock.advance(1_000);
    await new Promise(setImmediate);
  }
  await watch.stop();
  const ends = seen.filter(({ kind }) => kind === 'ended');
  // An end that needs no explanation is in the inventory at once, and nobody has to look at it again.
  expect(ends).toHaveLength(foundBy === 'inventory' && looks === 1 ? 0 : 1);
  const ended = reports.filter(({ state }) => state === 'ended');
  expect(ended.length).toBeGreaterThan(0);
  for (const { exitCode, reason } of [...ended, ...(ends as readonly Partial<LaunchReport>[])])
    expect({ exitCode, reason }).toEqual({ exitCode: ended[0]?.exitCode, reason: ended[0]?.reason });
  return ended[0];
}

/** A watch of one container that is held at its gate; as the engine shows it before and after its opening. */
function watchHeld() {
  const container = killed(false, 0);
  const { State } = container;
  const running = { ...container, State: { ...State, Status: 'running', Running: true, ExitCode: 0 } };
  const heldState = { ...State, Status: 'created', ExitCode: 0, StartedAt: '0001-01-01T00:00:00Z' };
  const held = { ...container, State: heldState, endedUnopened: false };
  const seen: Observation[] = [];
  const logs = vi.fn(async () => Readable.from([]) as unknown as AsyncGenerator<Uint8Array>);
  const watch = new DockerWatch({
    engine: { logs, history: async () => [] } as Partial<DockerEngine> as DockerEngine,
    installation: 'c',
    clock: new SimClock(0),
    log: pino({ level: 'silent' }),
    emit: (observation) => seen.push(observation),
    isLaunching: () => false,
  });
  return { watch, held, running, logs, kinds: () => seen.map(({ kind }) => kind) };
}

test('an inspection from before the gate was opened, which arrives after the start, ends nothing', () => {
  const { watch, held, running, kinds } = watchHeld();
  watch.take(running);
  watch.take(held);
  expect(kinds()).toEqual(['started']);
  watch.take({ ...held, endedUnopened: true });
  expect(kinds()).toEqual(['started', 'ended']);
});

/** Hears of the start and the death of a gated container while its launch is in progress; then the launch ends. */
async function duringLaunch(shown: (gated: ContainerInspection) => object): Promise<Observation[]> {
  const container = killed(false, 0);
  const gated = { ...container, Config: { ...container.Config, Labels: { [labelOf.gate]: 'amd64' } } };
  const event = (Action: string) => ({ Action, time: 0, Actor: { ID: 'id', Attributes: { name: 'a' } } });
  const live = new PassThrough({ objectMode: true });
  const seen: Observation[] = [];
  let inspections = 0;
  let isLaunching = true;
  const engine: Partial<DockerEngine> = {
    events: async (_, signal) =>
      addAbortSignal(signal, live)[Symbol.asyncIterator]() as AsyncGenerator<ContainerEvent>,
    list: async () => [],
    history: async () => [event('die')],
    startedAt: async () => null,
    inspect: async () => {
      inspections++;
      return { ...gated, ...shown(gated) } as ContainerInspection;
    },
    logs: async () => Readable.from([]) as unknown as AsyncGenerator<Uint8Array>,
  };
  const watch = new DockerWatch({
    engine: engine as DockerEngine,
    installation: 'c',
    clock: new SimClock(0),
    log: pino({ level: 'silent' }),
    emit: (observation) => seen.push(observation),
    isLaunching: () => isLaunching,
  });
  await watch.start();
  live.write(event('start'));
  live.write(event('die'));
  await until('both are heard', () => inspections > 0);
  await new Promise(setImmediate);
  expect(seen).toEqual([]);
  isLaunching = false;
  const before = inspections;
  watch.launched('a');
  await until('it is inspected again', () => inspections > before);
  // Inspections report within a few rounds of the event loop.
  for (let round = 0; round < 10; round++) await new Promise(setImmediate);
  await watch.stop();
  return seen;
}

test('a gate that ends unopened while it is being opened is left to its launch, which replaces it', async () => {
  const unopened = (gated: ContainerInspection) => ({
    State: { ...gated.State, Status: 'created', StartedAt: '0001-01-01T00:00:00Z' },
    endedUnopened: true,
  });
  expect(await duringLaunch(unopened)).toEqual([]);
});

test('what began and ended while it was being opened is reported once the launch has ended', async () => {
  const failed = ({ State }: ContainerInspection) => ({ State: { ...State, ExitCode: 3 } });
  const seen = await duringLaunch(failed);
  expect(seen.map(({ kind }) => kind)).toEqual(['started', 'ended']);
  expect(seen[1]).toMatchObject({ exitCode: 3 });
});

test('the output of a container that waits at its gate is not read: it is still to come', async () => {
  const { watch, held, running, logs } = watchHeld();
  await watch.recall(held);
  await watch.recall(running);
  expect(logs).not.toHaveBeenCalled();
  expect(watch.isCut(held.Id)).toBeUndefined();
});

test.each([1, 2, 3, 5])(
  'that the memory ran out is told when the engine learns it at look %i only',
  async (look) => {
    const told = { exitCode: 137, reason: 'out of memory' };
    expect(await toldAfter(look, 1)).toMatchObject(told);
    expect(await toldAfter(look, 1, 'inventory')).toMatchObject(told);
  },
);

test('a KILL that nobody explains is told after a few looks, sooner where memory has no bound', async () => {
  expect(await toldAfter(100, 1)).not.toHaveProperty('reason');
  expect(await toldAfter(3, 0)).not.toHaveProperty('reason');
  expect(await toldAfter(2, 0)).toMatchObject({ reason: 'out of memory' });
});

test('memory that ran out is known from an event after the death, where the engine never sets its flag', async () => {
  const event = (Action: string) => ({ Action, time: 0, Actor: { ID: 'id', Attributes: { name: 'a' } } });
  const inspect = async () => killed(false, 1);
  const logs = async () => Readable.from([]) as unknown as AsyncGenerator<Uint8Array>;
  const clock = new SimClock(0);
  const options = { installation: 'c', clock, log: pino({ level: 'silent' }) };
  const told = { exitCode: 137, reason: 'out of memory' };

  const live = new PassThrough({ objectMode: true });
  const seen: Observation[] = [];
  const engine: Partial<DockerEngine> = {
    events: async (_, signal) =>
      addAbortSignal(signal, live)[Symbol.asyncIterator]() as AsyncGenerator<ContainerEvent>,
    list: async () => [],
    history: async () => [event('die')],
    inspect,
    logs,
  };
  const watching = new DockerWatch({
    ...options,
    engine: engine as DockerEngine,
    emit: (each) => seen.push(each),
    isLaunching: () => false,
  });
  await watching.start();
  live.write(event('die'));
  await until('the death is seen', () => seen.length > 0);
  expect(seen.map(({ kind }) => kind)).toEqual(['started']);
  live.write(event('oom'));
  await until('the end is told', () => seen.length > 1);
  expect(seen[1]).toMatchObject(told);
  await watching.stop();

  const past = { inspect, logs, history: async () => [event('die'), event('oom')] } as Partial<DockerEngine>;
  const later = new DockerWatch({
    ...options,
    engine: past as DockerEngine,
    emit: () => {},
    isLaunching: () => false,
  });
  await later.recall(killed(false, 1));
  expect(later.report(killed(false, 1))).toMatchObject(told);
});
