/** What containers used: final if this machine sees their control groups, and otherwise up to the last look. */

import { connect, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ContainerInspection } from '../../../src/executor/docker/state.ts';
import { ContainerUsages, type ContainerUsagesParts, usageIn } from '../../../src/executor/docker/usage.ts';
import type { Launcher, Observation } from '../../../src/scheduler/ports.ts';
import { dockerdMissing } from '../../support/dockerd.ts';
import { SimClock } from '../../support/sim-clock.ts';
import { type DockerHarness, dockerHarness } from './harness.ts';

type Ended = Extract<Observation, { kind: 'ended' }>;
const missing = dockerdMissing();

/** Works for a while, with eight megabytes in its memory. */
const work = 'x=$(head -c 8000000 /dev/zero | tr "\\0" a); i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done';

describe.skipIf(missing !== null)(`a container${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let harness: DockerHarness;
  let proxy: Server;
  beforeAll(async () => {
    harness = await dockerHarness();
    proxy = createServer((client) => {
      const engine = connect(harness.dockerd.socketPath);
      const close = (): void => {
        client.destroy();
        engine.destroy();
      };
      client
        .on('error', close)
        .on('close', close)
        .pipe(engine)
        .on('error', close)
        .on('close', close)
        .pipe(client);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  }, 60_000);
  afterAll(async () => {
    proxy.close();
    await harness.close();
  });

  async function endOf(launcher: Launcher, script: string): Promise<Ended> {
    const spec = harness.spec(script, {});
    await launcher.start();
    try {
      const ended = new Promise<Ended>((resolve) =>
        launcher.onObservation((seen) => {
          if (seen.kind === 'ended' && seen.launchName === spec.launchName) resolve(seen);
        }),
      );
      await launcher.launch(spec);
      return await ended;
    } finally {
      await launcher.remove(spec.launchName);
      await launcher.stop();
    }
  }

  test('on this machine says at its end what all of its processes used', async () => {
    const end = (): Promise<Ended> => endOf(harness.create(), `( ${work} ); exit 3`);
    let { usage, exitCode } = await end();
    // On a busy machine the engine may have removed the control group before it could be read.
    const isExact = (): boolean => usage !== undefined && usage.until === undefined;
    for (let tries = 1; tries < 8 && !isExact(); tries++) ({ usage, exitCode } = await end());
    expect({ exitCode, exact: isExact() }).toEqual({ exitCode: 3, exact: true });
    expect(usage?.cpuMs).toBeGreaterThan(100);
    expect(usage?.cpuMs).toBeLessThan(20_000);
    expect(usage?.peakBytes).toBeGreaterThan(8_000_000);
  }, 60_000);

  test('of an engine elsewhere says what it used until the engine was last asked', async () => {
    const { port } = proxy.address() as { port: number };
    const script = `${work}; sleep 4`;
    const { usage, at } = await endOf(harness.create({ host: `tcp://127.0.0.1:${port}` }), script);
    expect(usage?.cpuMs).toBeGreaterThan(100);
    expect(usage?.until).toBeLessThan(at);
  }, 30_000);
});

describe('an engine elsewhere', () => {
  const running = (Id: string) => ({ Id, State: { Running: true, Pid: 7 } }) as ContainerInspection;
  const stats = (ms: number) => ({
    read: '2026-01-01T00:00:00Z',
    cpu_stats: { cpu_usage: { total_usage: ms * 1e6 } },
  });

  /** An engine that takes a second for each answer. */
  function slow() {
    const clock = new SimClock(0);
    let [asked, atOnce, most] = [0, 0, 0];
    const parts: ContainerUsagesParts = {
      findCgroup: null,
      clock,
      stats: () =>
        new Promise((resolve) => {
          asked += 1;
          atOnce += 1;
          most = Math.max(most, atOnce);
          clock.after(1_000, () => {
            atOnce -= 1;
            resolve(stats(clock.now()));
          });
        }),
    };
    return { clock, usages: new ContainerUsages(parts), asked: () => asked, most: () => most };
  }

  test('is asked for one container at a time, however many run', async () => {
    const { clock, usages, asked, most } = slow();
    for (let i = 0; i < 300; i++) usages.follow(running(`c${i}`));
    await clock.advance(100_000);
    expect(most()).toBe(1);
    expect(asked()).toBeGreaterThan(90);
    usages.stop();
  });

  test('is asked ever more seldom for a container, and what it said counts as of the question', async () => {
    const { clock, usages, asked } = slow();
    usages.follow(running('a'));
    await clock.advance(3_600_000);
    // A minute apart from the twentieth minute on, and a twentieth of the time before.
    expect(asked()).toBeGreaterThan(100);
    expect(asked()).toBeLessThan(160);
    const { cpuMs = 0, until = 0 } = usages.of('a') ?? {};
    expect(until).toBe(cpuMs - 1_000);
    expect(clock.now() - until).toBeLessThan(65_000);
    usages.stop();
    await clock.advance(600_000);
    expect(asked()).toBeLessThan(160);
  });

  test('is not asked any more for a container that it says has ended', async () => {
    const clock = new SimClock(0);
    let asked = 0;
    const answers = [stats(40), null, { read: '0001-01-01T00:00:00Z' }];
    const usages = new ContainerUsages({
      findCgroup: null,
      clock,
      stats: async () => {
        const answer = answers[asked++] ?? null;
        if (answer === null) throw new Error('down');
        return answer;
      },
    });
    usages.follow(running('a'));
    await clock.advance(60_000);
    expect(asked).toBe(3);
    expect(usages.of('a')).toEqual({ cpuMs: 40, until: 1_000 });
  });

  test('tells in a list which containers are gone, but not of those that began meanwhile', async () => {
    const { clock, usages } = slow();
    usages.follow(running('gone'));
    usages.follow(running('stays'));
    await clock.advance(4_000);
    const drop = usages.beforeList();
    usages.follow(running('new'));
    await clock.advance(4_000);
    drop(new Set(['stays']));
    expect(['gone', 'stays', 'new'].map((id) => usages.of(id) !== undefined)).toEqual([false, true, true]);
    usages.stop();
  });

  test.each([
    ['of version 1', { max_usage: 5_000, limit: 9_000 }, { cpuMs: 40, peakBytes: 5_000 }],
    ['of version 2, which say no peak', {}, { cpuMs: 40 }],
    ['of Podman, which says the limit', { max_usage: 9_000, limit: 9_000 }, { cpuMs: 40 }],
  ])('answers from control groups %s', (_, memory, usage) => {
    expect(usageIn({ ...stats(40), memory_stats: memory })).toEqual(usage);
  });

  test('says nothing of a container that has ended', () => {
    expect(
      usageIn({ read: '0001-01-01T00:00:00Z', cpu_stats: { cpu_usage: { total_usage: 0 } } }),
    ).toBeNull();
  });
});
