/** How an end is told whose reason the engine learns late, as it does on a busy machine: answers by script. */

import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { DockerEngine } from '../../src/executor/docker-engine.ts';
import type { ContainerInspection } from '../../src/executor/docker-state.ts';
import { DockerWatch } from '../../src/executor/docker-watch.ts';
import type { Observation } from '../../src/scheduler/ports.ts';
import { SimClock } from '../support/sim-clock.ts';

/** A container killed by KILL, of which the engine knows from the n-th look on that its memory ran out. */
async function toldAfter(looks: number, memoryBytes: number): Promise<Observation | undefined> {
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
  const engine = { inspect: async () => container(++inspections >= looks), history: async () => [] };
  const watch = new DockerWatch({
    engine: engine as Partial<DockerEngine> as DockerEngine,
    cluster: 'c',
    clock,
    log: pino({ level: 'silent' }),
    emit: (observation) => seen.push(observation),
  });
  watch.take(container(looks <= 1));
  for (let second = 0; second < 10; second++) {
    await clock.advance(1_000);
    await new Promise(setImmediate);
  }
  await watch.stop();
  const ends = seen.filter(({ kind }) => kind === 'ended');
  expect(ends).toHaveLength(1);
  return ends[0];
}

test.each([1, 2, 3, 5])(
  'that the memory ran out is told when the engine learns it at look %i only',
  async (look) => {
    expect(await toldAfter(look, 1)).toMatchObject({ exitCode: 137, reason: 'out of memory' });
  },
);

test('a KILL that nobody explains is told after a few looks, sooner where memory has no bound', async () => {
  expect(await toldAfter(100, 1)).not.toHaveProperty('reason');
  expect(await toldAfter(3, 0)).not.toHaveProperty('reason');
  expect(await toldAfter(2, 0)).toMatchObject({ reason: 'out of memory' });
});
