/** Bad days of an engine, and of the scheduler with it: what ended while nobody watched is told as it was. */

import { once } from 'node:events';
import { existsSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { DockerLauncherParts } from '../../../src/executor/docker/launcher.ts';
import { realClock } from '../../../src/node/clock.ts';
import { type LaunchSpec, plainContainer } from '../../../src/scheduler/job/spec.ts';
import type { Clock, Launcher, LaunchReport, Observation } from '../../../src/scheduler/ports.ts';
import { dockerdMissing } from '../../support/dockerd.ts';
import { until } from '../../support/until.ts';
import { WireProxy } from '../../support/wire-proxy.ts';
import { type DockerHarness, dockerHarness, type EngineOptions } from './harness.ts';

/** What matters of an end. */
const outcome = (end: Partial<LaunchReport>) => ({
  exitCode: end.exitCode,
  infrastructure: end.infrastructure ?? false,
  reason: end.reason ?? null,
});

/** An engine for the tests of one block, and schedulers over it. */
function onEngine(options: EngineOptions = {}) {
  let harness: DockerHarness | undefined;
  const open: { stop(): Promise<void> }[] = [];
  let sequence = 0;

  beforeAll(async () => {
    harness = await dockerHarness(options);
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.stop()));
    const { docker } = scene.harness.dockerd;
    for (const { Id } of await docker.listContainers({ all: true }))
      await docker.getContainer(Id).remove({ force: true, v: true });
  });
  afterAll(() => harness?.close());

  const scene = {
    get harness(): DockerHarness {
      if (harness === undefined) throw new Error('the engine has not started');
      return harness;
    },
    keep: (one: { stop(): Promise<void> }) => void open.push(one),
    async begin(more: Partial<DockerLauncherParts> = {}) {
      const launcher = scene.harness.create(more);
      open.push(launcher);
      const seen: Observation[] = [];
      launcher.onObservation((observation) => seen.push(observation));
      await launcher.start();
      const ended = async (name: string) => {
        const find = () => seen.find((one) => one.launchName === name && one.kind === 'ended');
        return outcome((await until(`the end of ${name}`, find, 20_000)) as Partial<LaunchReport>);
      };
      return { launcher, seen, ended };
    },
    job: (script: string, overrides: Partial<LaunchSpec> = {}) =>
      scene.harness.spec(script, { launchName: `bad-day-${++sequence}`, ...overrides }),
    container: (name: string) => scene.harness.dockerd.docker.getContainer(name),
    /** A script that waits for a file, and the making of it. */
    gate() {
      const name = `gate-${++sequence}`;
      return {
        wait: `while [ ! -e /traces/${name} ]; do sleep 0.02; done`,
        open: () => writeFileSync(join(scene.harness.traces, name), ''),
      };
    },
    /** What an inventory says of the end of one launch: the first that has it. */
    async outcome(launcher: Launcher, { launchName }: LaunchSpec): Promise<object> {
      const find = async () =>
        (await launcher.inventory()).find((one) => one.launchName === launchName && one.state === 'ended');
      return outcome((await until(`the end of ${launchName}`, find, 20_000)) ?? {});
    },
  };
  return scene;
}

const launched = (launcher: Launcher, spec: LaunchSpec) =>
  launcher.launch(spec).then(
    () => true,
    () => false,
  );

const restarted = 'the engine or its machine was restarted in the meantime';
const lost = (exitCode: number) => ({ exitCode, infrastructure: true, reason: restarted });
const own = (exitCode: number) => ({ exitCode, infrastructure: false, reason: null });

describe.skipIf(dockerdMissing() !== null)('a new scheduler finds', () => {
  const scene = onEngine();

  /** Launches, stops the scheduler, lets something happen, and asks the next scheduler. */
  async function meanwhile(
    script: string,
    happen: (spec: LaunchSpec) => Promise<void>,
    overrides: Partial<LaunchSpec> = {},
  ) {
    const spec = scene.job(script, overrides);
    const before = await scene.begin();
    await before.launcher.launch(spec);
    await before.launcher.stop();
    await happen(spec);
    const after = await scene.begin();
    const found = await scene.outcome(after.launcher, spec);
    expect(await after.ended(spec.launchName)).toEqual(found);
    return found;
  }
  const ended = async (spec: LaunchSpec) => {
    await until('its end', async () => !(await scene.container(spec.launchName).inspect()).State.Running);
  };

  test('what died with its machine, which was not its doing', async () => {
    const found = await meanwhile('sleep 1000', async () => {
      await scene.harness.dockerd.crash();
      await scene.harness.dockerd.start();
    });
    expect(found).toEqual(lost(255));
  }, 30_000);

  test('what an orderly stop of the engine ended, likewise', async () => {
    const found = await meanwhile('sleep 1000', async () => {
      await scene.harness.dockerd.shutdown();
      await scene.harness.dockerd.restart();
    });
    expect(found).toEqual(lost(143));
  }, 30_000);

  test('what the engine may have started when it died, as lost, and starts it no second time', async () => {
    const spec = scene.job('touch /traces/it-ran');
    await scene.harness.leaveCreated(spec);
    await scene.harness.dockerd.kill();
    await scene.harness.dockerd.restart();
    const { launcher, ended } = await scene.begin();
    await launcher.launch({ ...spec, term: spec.term + 1 });
    expect(await ended(spec.launchName)).toEqual({
      exitCode: null,
      infrastructure: true,
      reason: 'the engine died while it may have been starting it',
    });
    expect(existsSync(join(scene.harness.traces, 'it-ran'))).toBe(false);
  }, 30_000);

  /** As if the engine had started just before the end, which it did not observe. */
  const foundDead = async ({ launchName }: LaunchSpec) => {
    const { State } = await scene.container(launchName).inspect();
    const startedAt = new Date(Date.parse(State.FinishedAt) - 100);
    utimesSync(scene.harness.dockerd.socketPath.replace(/sock$/, 'pid'), startedAt, startedAt);
  };

  test.each([
    ['0 of an end that was before the start of the engine as its own', 0, false, own(0)],
    ['0 that the engine invented when it started as unknown', 0, true, { ...lost(0), exitCode: null }],
    ['7 as its own, because no engine invents it', 7, true, own(7)],
  ])(
    'the exit code %s',
    async (_, code, isFoundDead, expected) => {
      const door = scene.gate();
      const found = await meanwhile(`${door.wait}; exit ${code}`, async (spec) => {
        const { Pid } = (await scene.container(spec.launchName).inspect()).State;
        await scene.harness.dockerd.kill();
        door.open();
        await until('its end', () => !existsSync(`/proc/${Pid}`));
        await scene.harness.dockerd.restart();
        await ended(spec);
        if (isFoundDead) await foundDead(spec);
      });
      expect(found).toEqual(expected);
    },
    30_000,
  );

  test('what others killed through the engine, likewise', async () => {
    const found = await meanwhile('sleep 1000', async (spec) => {
      await scene.container(spec.launchName).kill();
      await ended(spec);
    });
    expect(found).toEqual({ ...lost(137), reason: expect.stringContaining('by others') });
  });

  test.each([255, 143, 137])('the job’s own exit code %i as its own', async (code) => {
    const door = scene.gate();
    const found = await meanwhile(`${door.wait}; exit ${code}`, async (spec) => {
      door.open();
      await ended(spec);
    });
    expect(found).toEqual(own(code));
  });

  test('what was killed inside, by nobody that the engine knows, as its own end', async () => {
    const found = await meanwhile('sleep 0.1; kill -KILL $$', ended);
    expect(found).toEqual(own(137));
  });

  test('that it was the memory', async () => {
    // The engine hears of it after its kill, and not at all if the container has ended by then.
    const door = scene.gate();
    const script = `tail /dev/zero; code=$?; ${door.wait}; exit $code`;
    const found = await meanwhile(
      script,
      async (spec) => {
        const filters = { event: ['oom'], container: [spec.launchName] };
        const heard = await scene.harness.dockerd.docker.getEvents({ since: 0, filters });
        await once(heard, 'data');
        (heard as Readable).destroy();
        door.open();
        await ended(spec);
      },
      { memoryBytes: 16 * 1024 * 1024 },
    );
    expect(found).toEqual({ exitCode: 137, reason: 'out of memory', infrastructure: false });
  });
});

describe.skipIf(dockerdMissing() !== null)('a watching scheduler', () => {
  const scene = onEngine({ args: ['--live-restore'] });

  test.each(['kill', 'shutdown'] as const)(
    'with live-restore, keeps what runs through a %s',
    async (way) => {
      const { launcher, ended } = await scene.begin();
      const door = scene.gate();
      const spec = scene.job(`${door.wait}; exit 6`);
      await launcher.launch(spec);
      await scene.harness.dockerd[way]();
      await scene.harness.dockerd.restart('--live-restore');
      expect(await until('the inventory', () => launcher.inventory().catch(() => null))).toMatchObject([
        { state: 'running' },
      ]);
      door.open();
      expect(await ended(spec.launchName)).toEqual(own(6));
    },
    30_000,
  );

  test('tells a KILL by others from an end of the job’s own', async () => {
    const { launcher, ended } = await scene.begin();
    const spec = scene.job('sleep 1000');
    await launcher.launch(spec);
    await scene.container(spec.launchName).kill();
    expect(await ended(spec.launchName)).toMatchObject({ exitCode: 137, infrastructure: true });
    const alone = scene.job('kill -KILL $$');
    await launcher.launch(alone);
    expect(await ended(alone.launchName)).toEqual(own(137));
  });

  test('whose engine cannot be reached for minutes starts nothing twice and misses no end', async () => {
    const haste = 40;
    const hastyClock: Clock = {
      now: realClock.now,
      monotonicMs: () => realClock.monotonicMs() * haste,
      after: (delayMs, callback) => realClock.after(delayMs / haste, callback),
    };
    const wire = new WireProxy(scene.harness.dockerd.socketPath);
    await wire.start();
    scene.keep(wire);
    const { launcher, ended } = await scene.begin({ host: wire.socketPath, clock: hastyClock });
    const [door, spec] = [scene.gate(), scene.job('')];
    const running = { ...spec, argv: ['/bin/sh', '-c', `${door.wait}; exit 4`] };
    await until('it is launched', () => launched(launcher, running));
    const release = wire.hold(/./);
    wire.cut();
    const began = hastyClock.monotonicMs();
    const late = scene.job('echo ran >> /traces/late; exit 5');
    const refusals: string[] = [];
    while (hastyClock.monotonicMs() - began < 180_000) {
      refusals.push(
        await launcher.launch(late).then(
          () => 'launched',
          (error: { code: string }) => error.code,
        ),
      );
    }
    expect(new Set(refusals)).toEqual(new Set(['ENGINE_UNAVAILABLE']));
    door.open();
    release();
    expect(await ended(running.launchName)).toEqual(own(4));
    await until('it is launched', () => launched(launcher, late));
    expect(await ended(late.launchName)).toEqual(own(5));
    expect((await launcher.inventory()).length).toBe(2);
  }, 30_000);

  test('gives a secret file to what another left without it, between create and start', async () => {
    const { launcher, ended } = await scene.begin();
    const file = join(scene.harness.dir, 'secret');
    writeFileSync(file, 'hush');
    const secretFiles = [{ name: 'TOKEN', file, mount: '/run/secrets/token' }];
    const spec = scene.job('[ "$(cat /run/secrets/token)" = hush ]', {
      container: { ...plainContainer, secretFiles },
    });
    await scene.harness.leaveCreated(spec);
    await launcher.launch({ ...spec, term: 2 });
    expect(await ended(spec.launchName)).toEqual(own(0));
  });

  test('does not refuse what runs already, whatever became of its secrets', async () => {
    const { launcher, ended } = await scene.begin();
    const [file, door] = [join(scene.harness.dir, 'gone'), scene.gate()];
    writeFileSync(file, 'hush');
    const spec = scene.job(`${door.wait}; exit 3`, { secrets: { TOKEN: { file } } });
    await launcher.launch(spec);
    rmSync(file);
    await launcher.launch(spec);
    door.open();
    expect(await ended(spec.launchName)).toEqual(own(3));
    await expect(launcher.launch({ ...spec, launchName: 'another' })).rejects.toMatchObject({
      code: 'LAUNCH_REFUSED',
    });
  });
});

describe.skipIf(dockerdMissing() !== null)('on a full disk', () => {
  const scene = onEngine({ diskBytes: 32 * 1024 * 1024 });

  test('new jobs are refused with the reason, what runs ends as it does, and room is enough to go on', async () => {
    const { launcher, ended } = await scene.begin();
    const [door, filling] = [scene.gate(), scene.job('cat /dev/zero > /filling; sleep 1000')];
    const running = scene.job(`${door.wait}; exit 9`);
    await launcher.launch(running);
    await launcher.launch(filling);
    const refused = await until('the disk is full', () =>
      launcher.launch(scene.job('exit 0')).then(
        () => null,
        (error: { code: string; message: string }) => error,
      ),
    );
    expect(refused).toMatchObject({
      code: 'LAUNCH_REFUSED',
      message: expect.stringContaining('no space left on device'),
    });
    door.open();
    expect((await ended(running.launchName)).exitCode).toBe(9);
    await launcher.kill(filling.launchName, 0);
    await ended(filling.launchName);
    await launcher.remove(filling.launchName);
    const next = scene.job('exit 0');
    await launcher.launch(next);
    expect((await ended(next.launchName)).exitCode).toBe(0);
  }, 40_000);
});
