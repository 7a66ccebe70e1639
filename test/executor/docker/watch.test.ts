/** How an end is told whose reason the engine learns late, as it does on a busy machine: answers by script. */

import { Readable } from 'node:stream';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { DockerEngine } from '../../../src/executor/docker/engine.ts';
import type { ContainerInspection } from '../../../src/executor/docker/state.ts';
import { DockerWatch } from '../../../src/executor/docker/watch.ts';
import type { LaunchReport, Observation } from '../../../src/scheduler/ports.ts';
import { SimClock } from '../../support/sim-clock.ts';

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
  const container = (OOMKilled: boolean): ContainerInspection => ({
    Id: 'id',
    Name: '/a',
    Image: 'sha256:0',
    Config: { Image: 'image', Labels: {} },
    HostConfig: { Memory: memoryBytes },
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
  let inspections = 1;
  const died = { Action: 'die', time: 0, Actor: { ID: 'id', Attributes: {} } };
  const engine = {
    inspect: async () => container(++inspections >= looks),
    history: async () => [died],
    logs: async () => Readable.from([]) as unknown as AsyncGenerator<Uint8Array>,
  };
  const watch = new DockerWatch({
    engine: engine as Partial<DockerEngine> as DockerEngine,
    cluster: 'c',
    clock,
    log: pino({ level: 'silent' }),
    emit: (observation) => seen.push(observation),
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
