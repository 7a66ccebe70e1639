/**
 * Containers made ready before they are due, on a real engine: what is held is nobody's run, what is opened runs
 * once, and every crash between the two leaves a name that the next leader can take.
 */

import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { DockerLauncherParts } from '../../../src/executor/docker/launcher.ts';
import type { LaunchSpec } from '../../../src/scheduler/job/spec.ts';
import type { Launcher, Observation } from '../../../src/scheduler/ports.ts';
import { dockerdMissing } from '../../support/dockerd.ts';
import { until } from '../../support/until.ts';
import { WireProxy } from '../../support/wire-proxy.ts';
import { type DockerHarness, dockerHarness, dockerSpec } from './harness.ts';

/** Starts and removals take their time where other engines run beside this one. */
const patienceMs = 30_000;
const missing = dockerdMissing();
const title = `docker, ahead of the instant${missing === null ? '' : ` (skipped: ${missing})`}`;

describe.skipIf(missing !== null)(title, { timeout: 2 * patienceMs }, () => {
  let harness: DockerHarness;
  const open: Launcher[] = [];
  const proxies: WireProxy[] = [];
  let sequence = 0;

  beforeAll(async () => {
    harness = await dockerHarness();
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((launcher) => launcher.stop()));
    await Promise.all(proxies.splice(0).map((proxy) => proxy.stop()));
    const { docker } = harness.dockerd;
    for (const { Id } of await docker.listContainers({ all: true }))
      await docker.getContainer(Id).remove({ force: true });
  });

  afterAll(() => harness?.close());

  interface Node {
    readonly launcher: Launcher;
    readonly seen: Observation[];
    ended(launchName: string): Promise<Observation>;
  }

  async function begin(options: Partial<DockerLauncherParts> = {}): Promise<Node> {
    const launcher = harness.create(options);
    open.push(launcher);
    const seen: Observation[] = [];
    launcher.onObservation((observation) => seen.push(observation));
    await launcher.start();
    const ended = (launchName: string) =>
      until(
        `${launchName} ended`,
        () => seen.find((each) => each.kind === 'ended' && each.launchName === launchName),
        patienceMs,
      );
    return { launcher, seen, ended };
  }

  /** A scheduler whose connections to the engine can be held up and cut off, as by the end of its process. */
  async function beginBehind(): Promise<Node & { readonly proxy: WireProxy }> {
    const proxy = new WireProxy(harness.dockerd.socketPath);
    proxies.push(proxy);
    await proxy.start();
    return { ...(await begin({ host: `unix://${proxy.socketPath}` })), proxy };
  }

  function job(script: string, overrides: Partial<LaunchSpec> = {}) {
    sequence += 1;
    const trace = `trace-${sequence}`;
    const spec = dockerSpec(script.replaceAll('$TRACE', `/traces/${trace}`), {
      launchName: `ahead-${sequence}`,
      run: `run-${sequence}`,
      due: Date.now(),
      volumes: [`${harness.traces}:/traces`],
      ...overrides,
    });
    const here = join(harness.traces, trace);
    return {
      spec,
      trace: here,
      lines: () => (existsSync(here) ? readFileSync(here, 'utf8').trim().split('\n') : []),
    };
  }

  const warm = { warm: true, forMs: 60_000, mayStart: () => true };
  const created = { ...warm, warm: false };
  const stateOf = async (launchName: string) =>
    (await harness.dockerd.docker.getContainer(launchName).inspect()).State;
  const gone = (launchName: string) =>
    until(
      `${launchName} is gone`,
      async () =>
        harness.dockerd.docker
          .getContainer(launchName)
          .inspect()
          .then(
            () => false,
            () => true,
          ),
      patienceMs,
    );

  describe.each([
    ['created', created],
    ['held', warm],
  ])('%s', (_, how) => {
    test('it runs nothing, is no launch, and runs once when it is launched', async () => {
      const { launcher, seen, ended } = await begin();
      const { spec, lines } = job('echo ran >> $TRACE; exit 3');
      await launcher.ahead?.prepare(spec, how);
      const { Id } = await harness.dockerd.docker.getContainer(spec.launchName).inspect();
      expect((await stateOf(spec.launchName)).Running).toBe(how.warm);
      expect(launcher.ahead?.isHeld(spec.launchName)).toBe(how.warm);
      expect(await launcher.inventory()).toEqual([]);
      expect(lines()).toEqual([]);
      expect(seen).toEqual([]);
      await launcher.launch(spec);
      expect(await ended(spec.launchName)).toMatchObject({ exitCode: 3 });
      expect(seen.map(({ kind }) => kind)).toEqual(['started', 'ended']);
      expect(lines()).toEqual(['ran']);
      expect((await harness.dockerd.docker.getContainer(spec.launchName).inspect()).Id).toBe(Id);
    });

    test('a launch that differs is made anew', async () => {
      const { launcher, ended } = await begin();
      const { spec, lines } = job('echo $WHICH >> $TRACE', { env: { WHICH: 'old' } });
      await launcher.ahead?.prepare(spec, how);
      await launcher.launch({ ...spec, env: { WHICH: 'new' } });
      await ended(spec.launchName);
      expect(lines()).toEqual(['new']);
    });

    test('a leader that has lost its proof opens nothing, and leaves nothing', async () => {
      const { launcher } = await begin();
      const { spec, lines } = job('echo ran >> $TRACE');
      await launcher.ahead?.prepare(spec, how);
      await expect(launcher.launch(spec, () => false)).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
      await gone(spec.launchName);
      expect(lines()).toEqual([]);
    });

    test('what is discarded, or not taken in its time, is gone', async () => {
      const { launcher } = await begin();
      const [discarded, late] = [job('true'), job('true')];
      await launcher.ahead?.prepare(discarded.spec, how);
      await launcher.ahead?.prepare(late.spec, { ...how, forMs: 50 });
      await launcher.ahead?.discard(discarded.spec.launchName);
      await gone(discarded.spec.launchName);
      await gone(late.spec.launchName);
    });

    test('nothing is held any more when its scheduler has stopped', async () => {
      const { launcher } = await begin();
      const { spec, lines } = job('echo ran >> $TRACE');
      await launcher.ahead?.prepare(spec, how);
      await launcher.stop();
      // An engine that is slow to remove is not waited for; the gate ends by itself.
      const { docker } = harness.dockerd;
      await until('nothing runs', async () => (await docker.listContainers()).length === 0, patienceMs);
      expect(lines()).toEqual([]);
    });

    test('what cannot be started is refused at the launch as ever', async () => {
      const { launcher, ended } = await begin();
      const { spec } = job('true', { argv: ['/no/such/program'] });
      await launcher.ahead?.prepare(spec, how).catch(() => {});
      await until(
        'the gate has found nothing to run',
        () => launcher.ahead?.isHeld(spec.launchName) === false,
      );
      // Behind an init the engine has started something, which then says 127.
      await launcher.launch(spec);
      expect(await ended(spec.launchName)).toMatchObject({ exitCode: 127 });
    });
  });

  test('what was created first is held later, and what is made ready for an edit takes its place', async () => {
    const { launcher, ended } = await begin();
    const { spec, lines } = job('echo $WHICH >> $TRACE', { env: { WHICH: 'old' } });
    const edited = { ...spec, env: { WHICH: 'new' } };
    await launcher.ahead?.prepare(spec, created);
    expect(launcher.ahead?.isHeld(spec.launchName)).toBe(false);
    await launcher.ahead?.prepare(spec, warm);
    expect(launcher.ahead?.isHeld(spec.launchName)).toBe(true);
    void launcher.ahead?.discard(spec.launchName);
    await launcher.ahead?.prepare(edited, warm);
    expect(launcher.ahead?.isHeld(spec.launchName)).toBe(true);
    await launcher.launch(edited);
    await ended(spec.launchName);
    expect(lines()).toEqual(['new']);
  });

  test('a gate that ends in the moment in which it is opened ends the attempt, and at once', async () => {
    const { launcher, seen, ended } = await begin();
    const { spec } = job('true', { argv: ['/no/such/program'] });
    await launcher.ahead?.prepare(spec, warm);
    await launcher.launch(spec);
    const end = await ended(spec.launchName);
    // Seen in time, it was started anew without a gate.
    expect(end).toMatchObject({
      exitCode: (end as { exitCode: number | null }).exitCode === null ? null : 127,
    });
    expect(seen.map(({ kind }) => kind)).toEqual(['started', 'ended']);
  });

  test('a root that cannot be written, a user and a folder: the gate works, and the job has an empty input', async () => {
    const { launcher, ended } = await begin();
    const { spec, lines, trace } = job('echo $(id -u) $PWD $(cat | wc -c) >> $TRACE', {
      user: 'nobody',
      workdir: '/tmp',
      container: { ...dockerSpec('').container, readOnly: true },
    });
    writeFileSync(trace, '');
    chmodSync(trace, 0o666);
    await launcher.ahead?.prepare(spec, warm);
    await launcher.launch(spec);
    expect(await ended(spec.launchName)).toMatchObject({ exitCode: 0 });
    expect(lines()).toEqual(['65534 /tmp 0']);
  });

  test('it began when it was opened, not when it was held', async () => {
    const { launcher, seen, ended } = await begin();
    const { spec } = job('true');
    await launcher.ahead?.prepare(spec, warm);
    const before = Date.now();
    await launcher.launch(spec);
    await ended(spec.launchName);
    expect(seen[0]).toMatchObject({ kind: 'started' });
    expect((seen[0] as { at: number }).at).toBeGreaterThanOrEqual(before);
  });

  describe('whatever dies when, the next leader starts it once', () => {
    const next = (spec: LaunchSpec): LaunchSpec => ({ ...spec, term: spec.term + 1 });

    test.each<[string, RegExp]>([
      ['between create and attach', /attach/],
      ['between attach and start', /\/start/],
    ])('%s', async (_, held) => {
      const old = await beginBehind();
      const { spec, lines } = job('echo ran >> $TRACE');
      old.proxy.hold(held);
      void old.launcher.ahead?.prepare(spec, warm).catch(() => {});
      await until('held up', () => old.proxy.requests.some((line) => held.test(line)));
      await old.proxy.stop();
      const { launcher, ended } = await begin();
      expect(await launcher.inventory()).toEqual([{ launchName: spec.launchName, state: 'created' }]);
      await launcher.launch(next(spec));
      await ended(spec.launchName);
      expect(lines()).toEqual(['ran']);
    });

    test('while it is held: the gate ends by itself, and it was never started', async () => {
      const old = await beginBehind();
      const { spec, lines } = job('echo ran >> $TRACE');
      await old.launcher.ahead?.prepare(spec, warm);
      await old.proxy.stop();
      await until('the gate has ended', async () => !(await stateOf(spec.launchName)).Running);
      const { launcher, seen, ended } = await begin();
      expect(await launcher.inventory(() => true)).toEqual([
        { launchName: spec.launchName, state: 'created' },
      ]);
      expect(seen).toEqual([]);
      await launcher.launch(next(spec));
      await ended(spec.launchName);
      expect(lines()).toEqual(['ran']);
    });

    test('while it is held by a leader that does not know that it is none: its opening finds nothing', async () => {
      const old = await beginBehind();
      const { spec, lines } = job('echo ran >> $TRACE');
      await old.launcher.ahead?.prepare(spec, warm);
      const { launcher, seen, ended } = await begin();
      expect(await launcher.inventory()).toEqual([{ launchName: spec.launchName, state: 'created' }]);
      expect(seen).toEqual([]);
      await launcher.launch(next(spec));
      await old.launcher.launch(spec);
      await ended(spec.launchName);
      expect(lines()).toEqual(['ran']);
    });

    test('the next leader makes it ready anew, in the place of what the old one holds', async () => {
      const old = await beginBehind();
      const { spec, lines } = job('echo ran >> $TRACE');
      await old.launcher.ahead?.prepare(spec, warm);
      const { launcher, ended } = await begin();
      await launcher.ahead?.prepare(next(spec), warm);
      expect(launcher.ahead?.isHeld(spec.launchName)).toBe(true);
      await launcher.launch(next(spec));
      await ended(spec.launchName);
      expect(lines()).toEqual(['ran']);
    });

    test('after the opening, before its answer: it is adopted', async () => {
      const old = await beginBehind();
      const gate = job('true').trace;
      const { spec, lines } = job(
        `echo ran >> $TRACE; while [ ! -e /traces/${gate.split('/').at(-1)} ]; do sleep 0.02; done`,
      );
      await old.launcher.ahead?.prepare(spec, warm);
      old.proxy.hold(/GET .*json/);
      void old.launcher.launch(spec).catch(() => {});
      await until('it runs', () => lines().length > 0);
      await old.proxy.stop();
      const { launcher, ended } = await begin();
      expect(await launcher.inventory()).toMatchObject([{ launchName: spec.launchName, state: 'running' }]);
      await launcher.launch(next(spec));
      writeFileSync(gate, '');
      expect(await ended(spec.launchName)).toMatchObject({ exitCode: 0 });
      expect(lines()).toEqual(['ran']);
    });

    test('an old and a new leader that launch at the same moment start it once between them', async () => {
      const [old, fresh] = [await begin(), await begin()];
      for (let round = 0; round < 8; round++) {
        const { spec, lines } = job('echo ran >> $TRACE');
        await old.launcher.ahead?.prepare(spec, warm);
        await Promise.all([
          old.launcher.launch(spec).catch(() => {}),
          fresh.launcher.launch(next(spec)).catch(() => {}),
        ]);
        await fresh.ended(spec.launchName);
        expect(lines()).toEqual(['ran']);
      }
    }, 60_000);

    test('an engine that is killed and comes back has not started what it held', async () => {
      const { launcher, ended } = await begin();
      const { spec, lines } = job('echo ran >> $TRACE');
      await launcher.ahead?.prepare(spec, warm);
      await harness.dockerd.kill();
      await until('it is not held any more', () => launcher.ahead?.isHeld(spec.launchName) === false);
      await harness.dockerd.restart();
      await until('launched', () =>
        launcher.launch(spec).then(
          () => true,
          () => false,
        ),
      );
      await ended(spec.launchName);
      expect(lines()).toEqual(['ran']);
    });
  });
});
