/** Faults of hosts: each on a real one, with what follows for its launches. */

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { LaunchSpec } from '../../../src/scheduler/job/spec.ts';
import type { Launcher, Observation } from '../../../src/scheduler/ports.ts';
import { endAll } from '../../conformance/launcher.ts';
import { SshHosts, sshMissing } from '../../support/ssh-hosts.ts';
import { until } from '../../support/until.ts';
import { harnessOn } from './harness.ts';

type Ended = Extract<Observation, { kind: 'ended' }>;

describe.skipIf(sshMissing() !== null)('a host', () => {
  const hosts = new SshHosts(['one']);
  const open: Launcher[] = [];
  let sequence = 0;
  let harness: Awaited<ReturnType<typeof harnessOn>>;

  beforeAll(async () => {
    await hosts.start();
    harness = await harnessOn(hosts, 'one');
  });
  afterEach(async () => {
    hosts.heal('one');
    const sweeper = await begin();
    await endAll(sweeper.launcher);
    await Promise.all(open.splice(0).map((launcher) => launcher.stop()));
  });
  afterAll(() => hosts.stop());

  async function begin() {
    const launcher = harness.createLauncher();
    open.push(launcher);
    const seen: Observation[] = [];
    launcher.onObservation((observation) => seen.push(observation));
    await launcher.start();
    const ended = (name: string): Promise<Ended> =>
      until(
        `the end of ${name}`,
        () => seen.find((one): one is Ended => one.kind === 'ended' && one.launchName === name),
        60_000,
      );
    return { launcher, seen, ended };
  }
  const job = (script: string, overrides: Partial<LaunchSpec> = {}): LaunchSpec =>
    harness.spec(script, { launchName: `fault-${++sequence}`, installation: 'conformance', ...overrides });
  const trace = () => join(harness.traces, `fault-${++sequence}`);
  const waitFor = (gate: string): string => `while [ ! -e ${gate} ]; do sleep 0.02; done`;
  async function output(launcher: Launcher, name: string): Promise<string> {
    const parts: Uint8Array[] = [];
    for await (const { bytes } of launcher.logs(name, {})) parts.push(bytes);
    return Buffer.concat(parts).toString();
  }
  const isSilent = (launcher: Launcher, why: RegExp) =>
    until(
      'the host is silent',
      async () => {
        const { reachable, detail } = await launcher.describe();
        return (!reachable && why.test(detail ?? '')) || null;
      },
      60_000,
    );

  test('that is cut off runs its job to the end, and reports all of it afterwards', async () => {
    const { launcher, ended } = await begin();
    const [gate, done] = [trace(), trace()];
    const spec = job(`echo before; ${waitFor(gate)}; echo after; echo x > ${done}; exit 7`);
    await launcher.launch(spec);
    hosts.cut('one');
    writeFileSync(gate, '');
    await until('the job has ended on its host', () => existsSync(done));
    await isSilent(launcher, /.+/);
    await expect(launcher.launch(job('true'))).rejects.toMatchObject({
      code: expect.stringMatching(/NO_PLACE|ENGINE_UNAVAILABLE/),
    });
    hosts.heal('one');
    expect(await ended(spec.launchName)).toMatchObject({ exitCode: 7 });
    expect(await output(launcher, spec.launchName)).toBe('before\nafter\n');
  }, 120_000);

  test('that is restarted has lost what ran there, with the reason', async () => {
    const { launcher, ended } = await begin();
    const started = trace();
    const spec = job(`echo x >> ${started}; sleep 1000`);
    await launcher.launch(spec);
    await until('it runs', () => existsSync(started));
    await hosts.crash('one');
    hosts.restart('one');
    expect(await ended(spec.launchName)).toMatchObject({
      exitCode: null,
      infrastructure: true,
      cause: { code: 'machine-restarted' },
    });
    await launcher.launch(spec);
    expect(readFileSync(started, 'utf8')).toBe('x\n');
  }, 120_000);

  test('whose server is restarted keeps what runs there', async () => {
    const { launcher, ended } = await begin();
    const gate = trace();
    const spec = job(`${waitFor(gate)}; exit 4`);
    await launcher.launch(spec);
    await hosts.crashServer('one');
    hosts.restart('one', { sameBoot: true });
    writeFileSync(gate, '');
    expect(await ended(spec.launchName)).toMatchObject({ exitCode: 4 });
  }, 120_000);

  test('with another key is not spoken to', async () => {
    const { launcher } = await begin();
    await hosts.crash('one');
    hosts.changeKey('one');
    hosts.restart('one');
    await isSilent(launcher, /Host key verification failed/);
    await expect(launcher.launch(job('true'))).rejects.toMatchObject({ code: 'NO_PLACE' });
    hosts.trust();
    await until('it answers', async () => (await launcher.describe()).reachable || null, 60_000);
  }, 120_000);

  test('with a full disk starts nothing, and says so', async () => {
    const { launcher, ended } = await begin();
    const filler = join(hosts.folder('one'), 'filler');
    const spec = job('exit 0');
    hosts.fill(filler);
    await expect(launcher.launch(spec)).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringContaining('ENOSPC'),
    });
    rmSync(filler);
    await launcher.launch(spec);
    expect(await ended(spec.launchName)).toMatchObject({ exitCode: 0 });
  }, 120_000);

  test('refuses a folder that is not there, by its name', async () => {
    const { launcher } = await begin();
    await expect(launcher.launch(job('true', { workdir: '/no/where' }))).rejects.toMatchObject({
      code: 'LAUNCH_REFUSED',
      details: { field: 'run.workdir', value: '/no/where' },
    });
    expect(await launcher.inventory()).toEqual([]);
  });

  test('tells a program that it does not have', async () => {
    const { launcher, ended } = await begin();
    const spec = job('', { argv: ['no-such-program', 'x'] });
    await launcher.launch(spec);
    expect(await ended(spec.launchName)).toMatchObject({
      exitCode: 127,
      cause: { code: 'not-executable' },
    });
  });

  test('ends a job whose supervisor was killed, when it is told to', async () => {
    const { launcher, ended } = await begin();
    const spec = job('echo $PPID; trap "" TERM; while :; do sleep 0.05; done');
    await launcher.launch(spec);
    const supervisor = await until(
      'its number',
      async () => Number(await output(launcher, spec.launchName)) || null,
    );
    process.kill(supervisor, 'SIGKILL');
    await launcher.kill(spec.launchName, 200);
    expect(await ended(spec.launchName)).toMatchObject({ exitCode: 137, cause: { code: 'kill-forced' } });
  }, 60_000);

  test('gets the program again if its file was changed', async () => {
    const { launcher, ended } = await begin();
    await hosts.crash('one');
    for (const file of hosts.programs('one')) {
      rmSync(file);
      writeFileSync(file, '#!/bin/sh\nexit 0\n', { mode: 0o700 });
    }
    hosts.restart('one');
    const spec = job('exit 3');
    await until(
      'it is launched',
      () =>
        launcher.launch(spec).then(
          () => true,
          () => null,
        ),
      60_000,
    );
    expect(await ended(spec.launchName)).toMatchObject({ exitCode: 3 });
  }, 120_000);
});
