/** What only a Docker engine can do to a launcher: refuse, die, come back, hang, and be used by others. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { DockerLauncherParts } from '../../../src/executor/docker/launcher.ts';
import { dockerCreateRequest } from '../../../src/executor/docker/request.ts';
import { createRunLogs } from '../../../src/executor/logs/run-logs.ts';
import { realClock } from '../../../src/node/clock.ts';
import { type LaunchSpec, plainContainer } from '../../../src/scheduler/job/spec.ts';
import type { Clock, Launcher, LogQuery, Observation } from '../../../src/scheduler/ports.ts';
import { dockerdMissing, testImage } from '../../support/dockerd.ts';
import { until } from '../../support/until.ts';
import { WireProxy } from '../../support/wire-proxy.ts';
import { type DockerHarness, dockerHarness, dockerSpec } from './harness.ts';

/** A minute passes in little more than a second: for the bounds of calls. */
const haste = 50;
const hastyClock: Clock = {
  now: realClock.now,
  monotonicMs: () => realClock.monotonicMs() * haste,
  after: (delayMs, callback) => realClock.after(delayMs / haste, callback),
};

/** Has little patience with others; its calls have their full time. */
const impatientClock: Clock = { ...realClock, monotonicMs: hastyClock.monotonicMs };

type Ended = Extract<Observation, { kind: 'ended' }>;

describe.skipIf(dockerdMissing() !== null)('the docker engine', () => {
  let harness: DockerHarness;
  const open: { stop(): Promise<void> }[] = [];
  let sequence = 0;

  beforeAll(async () => {
    harness = await dockerHarness();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.stop()));
    const { docker } = harness.dockerd;
    for (const { Id } of await docker.listContainers({ all: true }))
      await docker.getContainer(Id).remove({ force: true });
  });
  afterAll(() => harness?.close());

  async function begin(options: Partial<DockerLauncherParts> = {}) {
    const launcher = harness.create(options);
    open.push(launcher);
    const seen: Observation[] = [];
    launcher.onObservation((observation) => seen.push(observation));
    await launcher.start();
    const ended = (name: string): Promise<Ended> =>
      until(
        `the end of ${name}`,
        () => seen.find((o): o is Ended => o.launchName === name && o.kind === 'ended'),
        40_000,
      );
    return { launcher, seen, ended };
  }
  async function wired(options: Partial<DockerLauncherParts> = {}) {
    const wire = new WireProxy(harness.dockerd.socketPath);
    await wire.start();
    open.push(wire);
    return { wire, ...(await begin({ host: wire.socketPath, ...options })) };
  }
  const job = (script: string, overrides: Partial<LaunchSpec> = {}) =>
    harness.spec(script, { launchName: `own-${++sequence}`, ...overrides });
  const container = (name: string) => harness.dockerd.docker.getContainer(name);
  const exists = (name: string) =>
    container(name)
      .inspect()
      .then(
        () => true,
        () => false,
      );
  /** A script that waits for a file, and the making of it. */
  function gate() {
    const name = `gate-${++sequence}`;
    return {
      wait: `while [ ! -e /traces/${name} ]; do sleep 0.02; done`,
      open: () => writeFileSync(join(harness.traces, name), ''),
    };
  }
  async function output(launcher: Launcher, launchName: string, query: LogQuery = {}): Promise<string> {
    const pieces: Uint8Array[] = [];
    for await (const { bytes } of launcher.logs(launchName, query)) pieces.push(bytes);
    return Buffer.concat(pieces).toString();
  }
  const numbers = (last: number): string => Array.from({ length: last }, (_, n) => `${n + 1}\n`).join('');
  const failure = (promise: Promise<unknown>) =>
    promise.then(
      () => null,
      (error: unknown) => error as { code: string; message: string },
    );

  describe('refuses what cannot run, in the words of the engine, and leaves nothing', () => {
    test.each<[string, Partial<LaunchSpec>, string]>([
      [
        'a missing image that may not be pulled',
        { image: 'nosuch:1', pull: 'never' },
        'nosuch:1 is not on the engine',
      ],
      ['a missing image of a registry that is down', { image: '127.0.0.1:9/nosuch:1' }, 'cannot be pulled'],
      [
        'an image to be pulled always, likewise',
        { image: '127.0.0.1:9/nosuch', pull: 'always' },
        'nosuch:latest',
      ],
      ['an image name that is none', { image: 'Not An Image' }, 'invalid reference format'],
      ['a working directory that is a file', { workdir: '/etc/passwd' }, 'passwd'],
      ['a user that is not there', { user: 'somebody' }, 'somebody'],
      ['less memory than a container needs', { memoryBytes: 1024 }, 'memory'],
      ['more cores than there are', { cpus: 10_000 }, 'CPUs'],
      ['a network that is not there', { container: { ...plainContainer, networks: ['nosuch'] } }, 'nosuch'],
      ['a volume that is no full path', { volumes: ['../data:/data'] }, 'data'],
      ['constraints', { constraints: ['node.labels.zone==a'] }, 'constraints'],
      ['no image', { image: null }, 'no image'],
      ['a registry secret without credentials', { registrySecret: { file: '/dev/null' } }, 'is not a file'],
      ['a registry secret that cannot be read', { registrySecret: { file: '/proc/self/mem' } }, '(EIO)'],
      ['a secret that cannot be read', { secrets: { A: { file: '/proc/self/mem' } } }, '(EIO)'],
    ])('%s', async (_, overrides, words) => {
      const { launcher } = await begin();
      const spec = job('exit 0', overrides);
      const error = await failure(launcher.launch(spec));
      expect(error).toMatchObject({ code: 'LAUNCH_REFUSED', message: expect.stringContaining(words) });
      expect(await exists(spec.launchName)).toBe(false);
    });

    test('a name that something else holds', async () => {
      const { launcher } = await begin();
      const spec = job('exit 0');
      const body = { Image: testImage, Cmd: ['true'] };
      await harness.dockerd.docker.createContainer({
        _query: { name: spec.launchName },
        _body: body,
      } as never);
      const error = await failure(launcher.launch(spec));
      expect(error).toMatchObject({
        code: 'LAUNCH_REFUSED',
        message: expect.stringContaining('is not Carillon’s'),
      });
      expect((await container(spec.launchName).inspect()).State.Status).toBe('created');
      expect(await launcher.inventory()).toEqual([]);
    });
  });

  test.each<[string, readonly string[], number, RegExp]>([
    ['that is not there', ['/nowhere', 'x'], 127, /exec \/nowhere failed: No such file or directory$/],
    ['that is a folder', ['/etc'], 126, /exec \/etc failed: (Permission denied|Is a directory)$/],
    ['that may not be executed', ['/proc/version'], 126, /exec \/proc\/version failed: Permission denied$/],
  ])(
    'a program %s ends at once, with the reason of whoever should have started it',
    async (_, argv, exitCode, why) => {
      const { launcher, ended } = await begin();
      const spec = job('', { argv: [...argv] });
      await launcher.launch(spec);
      const end = await ended(spec.launchName);
      expect(end).toMatchObject({ exitCode, reason: expect.stringMatching(why) });
      expect(await launcher.inventory()).toMatchObject([
        { exitCode, reason: (end as { reason: string }).reason },
      ]);
    },
  );

  test('a command that the job’s own shell does not find is not taken for the job’s program', async () => {
    const { launcher, ended } = await begin();
    const spec = job('no-such-command');
    await launcher.launch(spec);
    expect(await ended(spec.launchName)).toMatchObject({ reason: 'Exit code 127: a command was not found' });
  });

  test.each([
    ['whole', 7_000, 0, undefined],
    ['cut', 10_000, 0, null],
    ['cut', 0, 40_000_000, null],
  ])(
    '%s output of %i lines and one line of %i bytes is told from the other, at the end and in the text',
    async (_, lines, long, bytesDropped) => {
      const { launcher, ended } = await begin();
      const spec = job(
        `yes $(head -c 4000 /dev/zero | tr '\\0' x) | head -n ${lines}; head -c ${long} /dev/zero | tr '\\0' x`,
      );
      await launcher.launch(spec);
      const found = ((await ended(spec.launchName)) as { bytesDropped?: number | null }).bytesDropped;
      expect(found).toBe(bytesDropped);
      const first = async () => {
        for await (const { bytes } of launcher.logs(spec.launchName, {}))
          return Buffer.from(bytes).toString().split('\n')[0]?.slice(0, 60);
        return '';
      };
      const line =
        found === null ? '[carillon: older output was dropped by the engine here]' : 'x'.repeat(60);
      expect(await first()).toBe(line);
      expect(await launcher.inventory()).toMatchObject([found === null ? { bytesDropped } : { exitCode: 0 }]);
    },
  );

  test('tells that the memory was not enough', async () => {
    const { launcher, ended } = await begin();
    const spec = job('exec tail /dev/zero', { memoryBytes: 16 * 1024 * 1024 });
    await launcher.launch(spec);
    expect(await ended(spec.launchName)).toMatchObject({ exitCode: 137, reason: 'out of memory' });
    expect(await launcher.inventory()).toMatchObject([{ exitCode: 137, reason: 'out of memory' }]);
  });

  test('never starts an exited container again', async () => {
    const { launcher, ended } = await begin();
    const spec = job('exit 3');
    await launcher.launch(spec);
    await ended(spec.launchName);
    const before = (await container(spec.launchName).inspect()).State;
    for (const term of [1, 2]) await launcher.launch({ ...spec, term });
    expect((await container(spec.launchName).inspect()).State).toEqual(before);
  });

  test('runs what this term created and did not start, in a container of its own', async () => {
    const { launcher, ended } = await begin({ clock: impatientClock });
    const spec = job('exit 0');
    await harness.leaveCreated(spec);
    const { Id } = await container(spec.launchName).inspect();
    await launcher.launch(spec);
    await ended(spec.launchName);
    expect((await container(spec.launchName).inspect()).Id).not.toBe(Id);
    // The start that an old leader, or a call that timed out, has still on its way.
    expect(await failure(container(Id).start())).toMatchObject({ statusCode: 404 });
  });

  test('leaves alone what a newer term created', async () => {
    const { launcher } = await begin({ clock: impatientClock });
    const spec = job('exit 0', { term: 5 });
    await harness.leaveCreated(spec);
    const error = await failure(launcher.launch({ ...spec, term: 4 }));
    expect(error).toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringContaining('newer term 5'),
    });
    expect((await container(spec.launchName).inspect()).State.Status).toBe('created');
  });

  describe('when the engine goes away', () => {
    test('a job that ran through kill -9 of it was ended by its return', async () => {
      const { launcher, ended } = await begin();
      const spec = job('sleep 1000');
      await launcher.launch(spec);
      await harness.dockerd.kill();
      await harness.dockerd.restart();
      const end = await ended(spec.launchName);
      expect(end).toMatchObject({ exitCode: 143, infrastructure: true, reason: 'the engine was restarted' });
      expect(await launcher.inventory()).toMatchObject([{ state: 'ended', infrastructure: true }]);
    });

    test('a job that was being killed when it did was killed', async () => {
      const { launcher, ended } = await begin();
      const ready = join(harness.traces, `ready-${++sequence}`);
      const spec = job(`trap '' TERM; echo > /traces/ready-${sequence}; while :; do sleep 0.02; done`);
      await launcher.launch(spec);
      await until('the trap is set', () => existsSync(ready));
      await launcher.kill(spec.launchName, 600_000);
      await harness.dockerd.kill();
      await harness.dockerd.restart();
      const end = await ended(spec.launchName);
      expect(end.exitCode).toBe(137);
      expect(end.infrastructure).toBeUndefined();
    }, 60_000);

    test('a job that ended meanwhile has its own code', async () => {
      const { launcher, ended } = await begin();
      const door = gate();
      const done = join(harness.traces, `done-${++sequence}`);
      const spec = job(`${door.wait}; echo done > /traces/done-${sequence}; exit 6`);
      await launcher.launch(spec);
      await harness.dockerd.kill();
      door.open();
      await until('the job is done', () => existsSync(done) && readFileSync(done, 'utf8') !== '');
      await harness.dockerd.restart();
      const end = await ended(spec.launchName);
      expect(end.exitCode).toBe(6);
      expect(end.infrastructure).toBeUndefined();
    });

    test('a job that an orderly stop of it ended is not to blame', async () => {
      const { launcher, ended } = await begin();
      const spec = job('sleep 1000');
      await launcher.launch(spec);
      await harness.dockerd.shutdown();
      await harness.dockerd.restart();
      expect(await ended(spec.launchName)).toMatchObject({ exitCode: 143, infrastructure: true });
    });

    test('it says so with host and cause, and works once it is back', async () => {
      await harness.dockerd.kill();
      const { launcher, ended } = await begin();
      const spec = job('exit 0');
      const error = await failure(launcher.launch(spec));
      expect(error).toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
      expect(error?.message).toContain(harness.dockerd.host);
      expect(error?.message).toContain('ECONNREFUSED');
      expect(await failure(launcher.inventory())).toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
      expect(await launcher.describe()).toMatchObject({ reachable: false, version: null });
      await harness.dockerd.restart();
      await launcher.launch(spec);
      expect((await ended(spec.launchName)).exitCode).toBe(0);
      expect(await launcher.describe()).toMatchObject({
        reachable: true,
        version: expect.stringMatching(/^\d\S+, API 1\.\d+$/),
      });
    });

    test('a socket that was never there is as good as an engine that is down', async () => {
      const { launcher } = await begin({ host: '/nowhere/docker.sock' });
      const error = await failure(launcher.launch(job('exit 0')));
      expect(error).toMatchObject({ code: 'ENGINE_UNAVAILABLE', message: expect.stringContaining('ENOENT') });
    });

    test('one that hangs is given up after a while, and the launch found out later', async () => {
      const { launcher, ended } = await begin({ clock: hastyClock });
      const spec = job('exit 0');
      const release = harness.dockerd.freeze();
      expect(await failure(launcher.launch(spec))).toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
      release();
      await until('it is launched', async () => (await failure(launcher.launch(spec))) === null);
      expect((await ended(spec.launchName)).exitCode).toBe(0);
    });

    test('stopping does not wait for one that hangs', async () => {
      const { launcher } = await begin({ clock: hastyClock });
      const release = harness.dockerd.freeze();
      const launch = failure(launcher.launch(job('exit 0')));
      await launcher.stop();
      expect(await launch).toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
      release();
    });
  });

  describe('through a wire that shows and tampers', () => {
    test('no address holds environment or secrets', async () => {
      const { wire, launcher, ended } = await wired();
      const file = join(harness.dir, 'token');
      writeFileSync(file, 'hush-4711');
      const spec = job('[ "$TOKEN$A" = hush-4711plain-4712 ]', {
        env: { A: 'plain-4712' },
        secrets: { TOKEN: { file } },
      });
      await launcher.launch(spec);
      expect((await ended(spec.launchName)).exitCode).toBe(0);
      expect(wire.requests).toContain(`POST /containers/create?name=${spec.launchName} HTTP/1.1`);
      expect(wire.requests.join('\n')).not.toMatch(/hush|4711|4712|TOKEN/);
    });

    test('a lost event stream is found again, and nothing in between is missed', async () => {
      const { wire, launcher, ended } = await wired();
      const door = gate();
      const spec = job(`${door.wait}; exit 7`);
      await launcher.launch(spec);
      const release = wire.hold(/events/);
      wire.cut();
      await until('it asks again', () => wire.requests.filter((line) => line.includes('/events')).length > 1);
      door.open();
      await until(
        'the job has ended',
        async () => !(await container(spec.launchName).inspect()).State.Running,
      );
      release();
      expect(await ended(spec.launchName)).toMatchObject({ exitCode: 7 });
    });

    test('an end that a silent event stream does not tell is found by listing', async () => {
      const { wire, launcher, ended } = await wired({ clock: hastyClock });
      const door = gate();
      const spec = job(`${door.wait}; exit 8`);
      await until('it is launched', async () => (await failure(launcher.launch(spec))) === null);
      wire.silence(/events/);
      door.open();
      expect(await ended(spec.launchName)).toMatchObject({ exitCode: 8 });
    });

    test('what is killed before it starts never starts', async () => {
      const { wire, launcher } = await wired();
      const release = wire.hold(/create/);
      const spec = job('exit 0');
      const launch = failure(launcher.launch(spec));
      await until('the create is under way', () => wire.requests.some((line) => line.includes('/create')));
      await launcher.kill(spec.launchName, 1000);
      release();
      expect(await launch).toMatchObject({
        code: 'LAUNCH_REFUSED',
        message: expect.stringContaining('killed'),
      });
      expect(await exists(spec.launchName)).toBe(false);
    });

    test('what is killed while it starts is killed when it runs', async () => {
      const { wire, launcher, ended } = await wired();
      const release = wire.hold(/start/);
      const spec = job('sleep 1000');
      const launch = launcher.launch(spec);
      await until('the start is under way', () => wire.requests.some((line) => line.includes('/start')));
      await launcher.kill(spec.launchName, 1000);
      release();
      await launch;
      const end = await ended(spec.launchName);
      expect(end.exitCode).toBe(143);
      expect(end.infrastructure).toBeUndefined();
    });
  });

  describe('that others use too', () => {
    test('a container removed by them is lost', async () => {
      const { launcher, ended } = await begin();
      const spec = job('sleep 1000');
      await launcher.launch(spec);
      await container(spec.launchName).remove({ force: true });
      const end = await ended(spec.launchName);
      // Its death may be told before it is gone.
      expect([null, 137]).toContain(end.exitCode);
      expect(end.reason === undefined && end.exitCode === null).toBe(false);
    });

    test('a container stopped by them did not fail by itself', async () => {
      const { launcher, ended } = await begin();
      const spec = job('sleep 1000');
      await launcher.launch(spec);
      await container(spec.launchName).stop({ t: 5 });
      expect(await ended(spec.launchName)).toMatchObject({ exitCode: 143, infrastructure: true });
    });

    test('a paused container runs, and can be killed', async () => {
      const { launcher, ended } = await begin();
      const spec = job('sleep 1000');
      await launcher.launch(spec);
      await container(spec.launchName).pause();
      expect(await launcher.inventory()).toMatchObject([{ state: 'running' }]);
      await launcher.kill(spec.launchName, 100);
      expect((await ended(spec.launchName)).infrastructure).toBeUndefined();
    });

    test('their containers are none of ours', async () => {
      const { launcher } = await begin();
      const other = dockerSpec('exit 0', { launchName: `other-${++sequence}`, installation: 'another' });
      const request = dockerCreateRequest(other, testImage, {});
      await harness.dockerd.docker.createContainer(request as never);
      await launcher.kill(other.launchName, 0);
      await launcher.remove(other.launchName);
      expect(await exists(other.launchName)).toBe(true);
      expect(await launcher.inventory()).toEqual([]);
    });
  });

  test('a running launch is not removed', async () => {
    const { launcher } = await begin();
    const spec = job('sleep 1000');
    await launcher.launch(spec);
    await launcher.remove(spec.launchName);
    expect(await launcher.inventory()).toMatchObject([{ state: 'running' }]);
  });

  test('asked to remove a launch again meanwhile, it keeps the output once', async () => {
    const { launcher, ended } = await begin();
    const spec = job('seq 1 50000');
    await launcher.launch(spec);
    await ended(spec.launchName);
    await Promise.all(Array.from({ length: 5 }, () => launcher.remove(spec.launchName)));
    expect(await exists(spec.launchName)).toBe(false);
    expect(await output(launcher, spec.launchName)).toBe(numbers(50_000));
  });

  test('keeps beginning and end of output above the limit, and a reader continues after the removal', async () => {
    const logs = createRunLogs({ dir: join(harness.dir, 'bounded'), clock: realClock, logBytes: 40_000 });
    const { launcher, ended } = await begin({ logs });
    const spec = job('seq 1 10000; seq 1 10000 >&2');
    await launcher.launch(spec);
    await ended(spec.launchName);
    const printed = { stdout: numbers(10_000), stderr: numbers(10_000) };
    const whole = await output(launcher, spec.launchName, { stream: 'stdout' });
    expect(whole).toBe(printed.stdout);
    await launcher.remove(spec.launchName);
    let kept = 0;
    const tails = { stdout: 0, stderr: 0 };
    for (const stream of ['stdout', 'stderr'] as const) {
      const text = await output(launcher, spec.launchName, { stream });
      const [line = '', count = ''] =
        /^\[carillon: ([\d,]+) bytes of output were dropped here\]\n/m.exec(text) ?? [];
      const dropped = Number(count.replaceAll(',', ''));
      const [before = '', behind = ''] = text.split(line);
      expect(printed[stream].startsWith(before)).toBe(true);
      expect(printed[stream].endsWith(behind)).toBe(true);
      expect(before.length + dropped + behind.length).toBe(printed[stream].length);
      kept += before.length + behind.length;
      tails[stream] = behind.length;
    }
    expect(kept).toBeGreaterThan(4_000);
    expect(kept).toBeLessThan(40_000);
    // The engine reads both streams at once, so either may be the last one.
    const last = tails.stderr > tails.stdout ? 'stderr' : 'stdout';
    const after = { stdout: printed.stdout.length, stderr: printed.stderr.length };
    after[last] -= 12;
    expect(await output(launcher, spec.launchName, { after })).toBe(printed[last].slice(-12));
  });

  test('who does not read on holds back the engine, not the memory', async () => {
    const { wire, launcher, ended } = await wired();
    const spec = job("head -c 20000000 /dev/zero | tr '\\0' x");
    await launcher.launch(spec);
    await ended(spec.launchName);
    const received = wire.receivedBytes;
    const reader = launcher.logs(spec.launchName, {})[Symbol.asyncIterator]();
    let bytes = (await reader.next()).value.bytes.length;
    let before = 0;
    let calm = 0;
    await until('nothing more comes', () => {
      calm = wire.receivedBytes === before ? calm + 1 : 0;
      before = wire.receivedBytes;
      return calm === 10;
    });
    expect(wire.receivedBytes - received).toBeLessThan(2_000_000);
    for (let next = await reader.next(); next.done !== true; next = await reader.next()) {
      bytes += next.value.bytes.length;
    }
    expect(bytes).toBe(20_000_000);
  });
});
