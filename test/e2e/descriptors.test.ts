/**
 * A server that somebody started with files open, and that has its store, ZooKeeper and Docker open besides: none of
 * it reaches a job, whatever its user, or a program that the server starts for itself.
 */

import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createCredentials } from '../../src/executor/container/credentials.ts';
import { installSupervisor, onlyDescriptors } from '../../src/executor/supervisor/file.ts';
import { realClock } from '../../src/node/clock.ts';
import { createLog } from '../../src/node/log.ts';
import { eventually, Server } from '../support/server.ts';
import { ZooKeeper, zookeeperMissing } from '../support/zookeeper.ts';

const root = process.getuid?.() === 0;
const dir = mkdtempSync(join(tmpdir(), 'carillon-descriptors-'));
const programs = join(dir, 'bin');
const path = `${programs}:${process.env.PATH}`;
const files: number[] = [];
let server: Server | null = null;

/** A program that notes what it has, and then does what its name stands for. */
function noting(name: string, then: string): void {
  const text = `#!/bin/bash\nls -l /proc/$$/fd > ${dir}/${name}.seen\n${then}\n`;
  writeFileSync(join(programs, name), text, { mode: 0o755 });
}

/** What it noted, without its streams and the script itself, which bash keeps at 255. */
function seen(name: string): string[] {
  const lines = readFileSync(join(dir, `${name}.seen`), 'utf8').split('\n');
  const links = lines.flatMap((line) => / (\d+ -> .*)$/.exec(line)?.[1] ?? []);
  return links.filter((link) => !/^([012]|255) /.test(link));
}

beforeAll(() => {
  chmodSync(dir, 0o755);
  mkdirSync(programs);
  noting('flock', 'exec /usr/bin/flock "$@"');
  noting('getent', 'echo "$2:x:65534:65534::/:/bin/false"');
  noting('docker-credential-noting', 'cat > /dev/null; echo \'{"Username":"me","Secret":"x"}\'');
  for (let n = 0; n < 9; n++) files.push(openSync('/etc/passwd', 'r'));
});
afterEach(async () => {
  await server?.end('SIGTERM');
});
afterAll(() => {
  for (const file of files) closeSync(file);
  rmSync(dir, { recursive: true, force: true });
});

async function begin(name: string, args: readonly string[] = []): Promise<Server> {
  // It need not be there: the server has a client for it all the same.
  const docker = ['--docker-host', `unix://${join(dir, 'no-docker.sock')}`];
  server = await Server.start(join(dir, name), [...docker, ...args], {
    descriptors: files,
    env: { PATH: path },
  });
  return server;
}

async function outputOf(of: Server, name: string, run: object): Promise<string> {
  expect((await of.ask('PUT', `/api/v1/jobs/${name}`, { name, run })).status).toBeLessThan(300);
  const { body } = await of.ask<{ id: string }>('POST', `/api/v1/jobs/${name}/trigger`);
  await eventually(
    () => of.get<{ state: string }>(`/api/v1/runs/${body.id}`),
    ({ state }) => ['succeeded', 'failed', 'lost'].includes(state),
  );
  return (await of.ask<string>('GET', `/api/v1/runs/${body.id}/logs`)).body as string;
}

const list = { command: 'ls /proc/$$/fd; echo $CARILLON_JOB' };

describe.skipIf(process.platform !== 'linux')('descriptors', () => {
  test('of the embedded store and of who started the server reach no job and no program', async () => {
    const here = await begin('embedded');
    expect(await outputOf(here, 'as-server', list)).toBe('0\n1\n2\nas-server\n');
    // The store's lock, and only that.
    expect(seen('flock')).toEqual([expect.stringMatching(/^3 -> .*\/store\/lock$/)]);
    if (root) {
      // A name that no file knows is asked for.
      expect(await outputOf(here, 'as-other', { ...list, user: 'carillon-nobody' })).toBe(
        '0\n1\n2\nas-other\n',
      );
      expect(seen('getent')).toEqual([]);
    }
  });

  test('reach neither the process that starts jobs, nor a job’s supervisor, nor the process that reads YAML', async () => {
    const here = await begin('running');
    const gate = join(dir, 'gate');
    const command = `while [ ! -e ${gate} ]; do sleep 0.05; done`;
    await here.ask('PUT', '/api/v1/jobs/long', { name: 'long', run: { command } });
    const { body } = await here.ask<{ id: string }>('POST', '/api/v1/jobs/long/trigger');
    const [server, supervisor] = await eventually(
      async () =>
        readdirSync('/proc')
          .filter(isServing)
          .sort((one, other) => Number(parent(other) === here.pid) - Number(parent(one) === here.pid)),
      (found) => found.length === 2,
    );
    expect(parent(supervisor!)).toBe(Number(server));
    expect(targets(server!).filter((target) => /data\.mdb|passwd/.test(target))).toEqual([]);
    expect(targets(supervisor!).filter((target) => /data\.mdb|passwd|socket/.test(target))).toEqual([]);
    const yaml = { 'content-type': 'application/yaml' };
    await fetch(`${here.url}/api/v1/apply`, {
      method: 'POST',
      headers: yaml,
      body: 'name: x\nrun: {command: "true"}',
    });
    const [reader] = readdirSync('/proc').filter(
      (pid) => words(pid).at(-1) === 'read-yaml' && parent(pid) === here.pid,
    );
    expect(targets(reader!).filter((target) => /data\.mdb|passwd/.test(target))).toEqual([]);
    writeFileSync(gate, '');
    await eventually(
      () => here.get<{ state: string }>(`/api/v1/runs/${body.id}`),
      ({ state }) => state === 'succeeded',
    );
  });

  test.skipIf(zookeeperMissing !== null)(
    `of the session with ZooKeeper reach no job${zookeeperMissing === null ? '' : ` (skipped: ${zookeeperMissing})`}`,
    async () => {
      const zookeeper = await ZooKeeper.start({ nodes: 1 });
      try {
        const here = await begin('zookeeper', zookeeper.at(''));
        expect(await outputOf(here, 'on-zookeeper', list)).toBe('0\n1\n2\non-zookeeper\n');
        await here.end('SIGTERM');
      } finally {
        await zookeeper.stop();
      }
    },
    60_000,
  );

  test('reach no helper for registry logins', async () => {
    const supervisor = await installSupervisor(
      join(dir, 'own'),
      createLog({ level: 'error', format: 'json' }),
    );
    const configFile = join(dir, 'config.json');
    writeFileSync(configFile, '{"credsStore":"noting"}');
    const credentials = createCredentials({
      configFile,
      environment: { PATH: path },
      clock: realClock,
      bare: (argv) => onlyDescriptors(supervisor, 3, argv),
    });
    expect(await credentials('r.example.com/tool')).toMatchObject({ username: 'me' });
    expect(seen('docker-credential-noting')).toEqual([]);
  });
});

const words = (pid: string): string[] =>
  existsSync(`/proc/${pid}/cmdline`)
    ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean)
    : [];
/** The process that starts supervisors, and they, which are forks of it. */
const isServing = (pid: string): boolean =>
  /^\d+$/.test(pid) &&
  words(pid)[0] === join(dir, 'running', 'process', 'supervisor') &&
  words(pid)[1] === 'serve';
const parent = (pid: string): number =>
  Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
const targets = (pid: string): string[] =>
  readdirSync(`/proc/${pid}/fd`).map((fd) => `${fd} ${readlinkSync(`/proc/${pid}/fd/${fd}`)}`);
