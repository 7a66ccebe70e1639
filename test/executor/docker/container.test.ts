/** What a job says of its container, as the job itself finds it on a real engine. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { containerSpec } from '../../../src/scheduler/job/container-spec.ts';
import type { RunDefinition } from '../../../src/scheduler/job/definition.ts';
import type { LaunchSpec } from '../../../src/scheduler/job/spec.ts';
import type { Launcher, Observation } from '../../../src/scheduler/ports.ts';
import { dockerdMissing } from '../../support/dockerd.ts';
import { until } from '../../support/until.ts';
import { type DockerHarness, dockerHarness } from './harness.ts';

describe.skipIf(dockerdMissing() !== null)('a container', () => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-container-'));
  const seen: Observation[] = [];
  let harness: DockerHarness;
  let launcher: Launcher;
  let sequence = 0;

  beforeAll(async () => {
    harness = await dockerHarness();
    launcher = harness.create();
    launcher.onObservation((observation) => seen.push(observation));
    await launcher.start();
  });
  afterAll(async () => {
    await launcher?.stop();
    await harness?.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const container = (name: string) => harness.dockerd.docker.getContainer(name);

  /** Runs the script as the job would, and answers its exit code and what it said. */
  async function run(script: string, given: Partial<RunDefinition>, overrides: Partial<LaunchSpec> = {}) {
    const launchName = `container-${++sequence}`;
    const definition = { image: 'a', ...given };
    await launcher.launch(
      harness.spec(script, { launchName, container: containerSpec(definition), ...overrides }),
    );
    const end = await until(
      `the end of ${launchName}`,
      () => seen.find((one) => one.kind === 'ended' && one.launchName === launchName),
      20_000,
    );
    let said = '';
    for await (const { bytes } of launcher.logs(launchName, {})) said += Buffer.from(bytes).toString();
    const inspected = JSON.stringify(await container(launchName).inspect());
    await launcher.remove(launchName);
    return { exitCode: end.kind === 'ended' ? end.exitCode : null, said, inspected, launchName };
  }

  /** A secret as a file of this machine. */
  function secret(value: string): string {
    const file = join(dir, `secret-${++sequence}`);
    writeFileSync(file, value);
    return file;
  }

  const hush = 'hush-4713\n';

  test.each<[string, Partial<RunDefinition>, Partial<LaunchSpec>]>([
    ['for root', {}, {}],
    ['for a user without rights', {}, { user: 'nobody' }],
    ['where nothing else can be written', { readOnly: true }, {}],
    ['below a folder in memory', { tmpfs: { '/run': '1MiB' } }, {}],
  ])('has a secret as a file, as it is, %s', async (_, given, overrides) => {
    const files = [secret(hush), secret('other')];
    const secrets = {
      TOKEN: { file: files[0]!, mount: '/run/secrets/token' },
      OTHER: { file: files[1]!, mount: '/run/secrets/other' },
    };
    const changed = 'cat /run/secrets/token /run/secrets/other | tr ho HO';
    const script = `${changed}; echo; env; ls -l /run/secrets/token`;
    const { said, inspected } = await run(script, { secrets, ...given }, overrides);
    expect(said).toMatch(/^HusH-4713\nOtHer\n/);
    expect(said).toContain('-r--r--r--');
    expect(said).not.toContain('TOKEN');
    expect(inspected).not.toContain('hush-4713');
    expect((await harness.dockerd.docker.listVolumes()).Volumes).toEqual([]);
  });

  test('whose secret cannot be read is not made', async () => {
    const secrets = { TOKEN: { file: '/nowhere/token', mount: '/run/secrets/token' } };
    const error = await run('exit 0', { secrets }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'LAUNCH_REFUSED', details: { field: 'run.secrets.TOKEN' } });
    expect(await launcher.inventory()).toEqual([]);
  });

  test('may do by default what jobs do', async () => {
    const script = `set -e; cd /tmp
      touch mine; chown nobody mine; chmod 4755 mine; [ "$(stat -c %U:%a mine)" = nobody:4755 ]
      [ "$(su nobody -s /bin/sh -c 'id -un')" = nobody ]
      su nobody -s /bin/sh -c 'exec sleep 1000' & sleep 0.2; kill %1; { wait %1 || true; } 2> /dev/null
      nc -l -p 80 -w 1 < /dev/null & sleep 0.2; netstat -ltn | grep -q ':80 '
      mkfifo pipe; mkdir -p root/bin; cp /bin/busybox root/bin/; chroot root /bin/busybox true
      echo all`;
    const { said, exitCode } = await run(script, {}, { user: 'root' });
    expect({ said, exitCode }).toEqual({ said: expect.stringMatching(/all\n$/), exitCode: 0 });
  });

  test('makes no devices and speaks no raw protocols unless that was added', async () => {
    const script = 'mknod /tmp/null c 1 3 2>/dev/null && echo devices; grep CapBnd /proc/self/status';
    expect((await run(script, {})).said).toMatch(/^CapBnd:\s0{8}800405fb\n$/);
    const given = { capabilities: { add: ['MKNOD' as const, 'SYS_NICE' as const] } };
    expect((await run(script, given)).said).toMatch(/^devices\nCapBnd:\s0{8}888405fb\n$/);
    const none = { capabilities: { drop: ['ALL' as const], add: ['CHOWN' as const] } };
    expect((await run(script, none)).said).toMatch(/^CapBnd:\s0{15}1\n$/);
  });

  test('has the bounds, folders and names it was given', async () => {
    const { said } = await run(
      `cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max
       ulimit -n; ulimit -Hn; df -k /dev/shm /cache | awk 'NR>1 {print $2, $6}'
       touch /here 2>/dev/null || echo closed; touch /cache/x && echo open
       grep db /etc/hosts; cat /proc/1/comm; grep NoNewPrivs /proc/self/status`,
      {
        resources: { shm: '2MiB' },
        tmpfs: { '/cache': '1MiB' },
        readOnly: true,
        hosts: { db: '10.0.0.9' },
        noNewPrivileges: true,
      },
      { pids: 77, ulimits: [{ name: 'nofile', soft: 100, hard: 200 }] },
    );
    expect(said.split('\n').map((line) => line.replace(/\s+/g, ' '))).toEqual([
      ...['77', '100', '200', '2048 /dev/shm', '1024 /cache', 'closed', 'open', '10.0.0.9 db'],
      ...['docker-init', 'NoNewPrivs: 1', ''],
    ]);
  });

  test('has its program as process 1 without an init', async () => {
    expect((await run('read -r name < /proc/1/comm; echo $name', { init: false })).said).toBe('sh\n');
  });

  test('gives arguments to the program of its image', async () => {
    const image = 'carillon-entry:1';
    const made = await harness.dockerd.docker.createContainer({ Image: 'carillon-test:1', Cmd: ['true'] });
    const config = { Entrypoint: ['/bin/echo', 'said'], Cmd: ['nothing'] };
    await made.commit({
      _query: { container: made.id, repo: 'carillon-entry', tag: '1' },
      _body: config,
    } as never);
    await made.remove();
    const said = async (given: Partial<RunDefinition>) => (await run('', given, { image, argv: null })).said;
    expect(await said({})).toBe('said nothing\n');
    expect(await said({ args: ['hello'] })).toBe('said hello\n');
  });

  test('that cannot be given a second network is refused and leaves nothing', async () => {
    const error = await run('exit 0', { networks: ['bridge', 'nosuch'] }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'LAUNCH_REFUSED',
      message: expect.stringContaining('nosuch'),
    });
    expect(await launcher.inventory()).toEqual([]);
  });
});
