/** Secrets are found nowhere but in the job: the whole program, killed while jobs run, searched for their values. */

import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Dockerd, dockerdMissing, testImage } from '../support/dockerd.ts';
import { endServers, eventually, Server } from '../support/server.ts';
import { VaultDouble } from '../support/vault.ts';

interface RunAnswer {
  readonly id: string;
  readonly state: string;
  readonly reason: string | null;
}

/** Parts, so that this text has none of them. */
const value = (name: string): string => ['hush', name, '4711'].join('-');
const names = ['env', 'exec', 'file', 'vault', 'failing'];
const found = (text: string): string[] => names.filter((name) => text.includes(value(name)));

let dir: string;
let vault: VaultDouble;
let server: Server;
let args: string[];

const path = (name: string): string => join(dir, name);
const script = (name: string, text: string): string => {
  writeFileSync(path(name), `#!/bin/sh\n${text}\n`);
  chmodSync(path(name), 0o700);
  return path(name);
};
const start = async (): Promise<void> => {
  server = await Server.start(path('data'), args, { env: { ETL_TOKEN: value('env') } });
};

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'carillon-secrets-'));
  vault = new VaultDouble();
  vault.tokens.set('given', { ttl: 0, renewable: false });
  vault.put('kv/data/etl/db', { password: value('vault') });
  const address = await vault.start();
  writeFileSync(path('token'), 'given\n');
  writeFileSync(path('file'), `${value('file')}\n`);
  const auth = { tokenFile: path('token') };
  writeFileSync(path('vault.yaml'), JSON.stringify({ address, auth, paths: ['kv/data/etl/*'] }));
  const programs = [
    script('get', `echo ${value('exec')}`),
    script('fail', `echo ${value('failing')}; echo "cannot use ${value('failing')}" >&2; exit 3`),
  ];
  args = ['--log-level', 'debug', '--secret-env', 'ETL_*', '--vault-file', path('vault.yaml')];
  args.push('--secret-exec', programs.join(','));
});
afterEach(async () => {
  await endServers();
  await vault.stop();
  rmSync(dir, { recursive: true, force: true });
});

const sources = () => ({
  A: { env: 'ETL_TOKEN' },
  B: { exec: [path('get')] },
  C: { file: path('file') },
  D: { vault: { path: 'kv/data/etl/db', key: 'password' } },
});

const filesIn = (folder: string): string[] =>
  (readdirSync(folder, { recursive: true }) as string[])
    .map((name) => join(folder, name))
    .filter((name) => statSync(name, { throwIfNoEntry: false })?.isFile() === true);

/** Everything that is stored, answered and logged, and the arguments of all processes. */
async function everything(): Promise<Record<string, string>> {
  const texts: Record<string, string> = { log: server.log };
  for (const file of filesIn(path('data'))) texts[file] = readFileSync(file, 'latin1');
  const { items: runs } = await server.get<{ items: RunAnswer[] }>('/api/v1/runs?limit=100');
  const addresses = [
    ...[
      'jobs',
      'runs',
      'engines',
      'overview',
      'node',
      'jobs/secretive',
      'jobs/secretive/runs',
      'jobs/failing',
    ],
    ...runs.flatMap(({ id }) => [`runs/${id}`, `runs/${id}/logs`, `runs/${id}/logs?timestamps=true&tail=5`]),
  ];
  for (const each of addresses) texts[each] = JSON.stringify(await server.ask('GET', `/api/v1/${each}`));
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      texts[`arguments of ${pid}`] = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
    } catch {
      // It has ended.
    }
  }
  return texts;
}

async function expectNowhere(): Promise<void> {
  const texts = await everything();
  const places = Object.entries(texts).flatMap(([place, text]) =>
    found(text).map((name) => `${name} in ${place}`),
  );
  expect(places).toEqual([]);
}

/** While it runs and after it has ended, with a scheduler that did not start it. */
async function runs(run: Record<string, unknown>, gate: () => void): Promise<void> {
  const submitted = await server.ask('POST', '/api/v1/jobs', { name: 'secretive', run });
  expect(submitted).toMatchObject({ status: 201 });
  const { body } = await server.ask<RunAnswer>('POST', '/api/v1/jobs/secretive/trigger');
  const printed = async (): Promise<string> =>
    (await server.ask<string>('GET', `/api/v1/runs/${body.id}/logs`)).body;
  await eventually(printed, (text) => typeof text === 'string' && text.includes('first'), 60_000);
  await expectNowhere();
  await server.end('SIGKILL');
  await start();
  gate();
  await eventually(
    () => server.get<RunAnswer>(`/api/v1/runs/${body.id}`),
    ({ state }) => state === 'succeeded',
    60_000,
  );
  expect(await printed()).toBe('first *** *** *** ***\nA=***\nB=***\nC=***\nD=***\nlast *** *** *** ***\n');
  await expectNowhere();
}
const print = (waitFor: string): string =>
  `echo first $A $B $C $D; env | grep '^[A-D]=' | sort; while [ ! -e ${waitFor} ]; do sleep 0.05; done; echo last $A $B $C $D`;

test('of processes', async () => {
  await start();
  await runs({ command: print(path('open')), secrets: sources() }, () => writeFileSync(path('open'), ''));
});

test('whose command fails: its reason has no value', async () => {
  await start();
  const run = { command: 'true', secrets: { E: { exec: [path('fail')] } } };
  await server.ask('POST', '/api/v1/jobs', { name: 'failing', run });
  const { body } = await server.ask<RunAnswer>('POST', '/api/v1/jobs/failing/trigger');
  const ended = await eventually(
    () => server.get<RunAnswer>(`/api/v1/runs/${body.id}`),
    ({ state }) => state === 'failed',
  );
  expect(JSON.stringify(ended)).toContain('ended with 3: cannot use ***');
  await expectNowhere();
});

test('that the settings do not allow are refused when the job is submitted', async () => {
  await start();
  const answer = await server.ask('POST', '/api/v1/jobs', {
    name: 'refused',
    run: { command: 'true', secrets: { E: { env: 'PATH' } } },
  });
  expect(answer.status).toBe(400);
  expect(JSON.stringify(answer.body)).toContain('jobs may use ETL_* (--secret-env)');
});

describe.skipIf(dockerdMissing() !== null)('on Docker', () => {
  const dockerd = new Dockerd();

  test('of containers', async () => {
    await dockerd.start();
    try {
      args.push('--docker-host', dockerd.host);
      await start();
      const run = { image: testImage, command: print('/gate/open'), volumes: [`${dir}/gate:/gate`] };
      mkdirSync(path('gate'));
      const gate = () => writeFileSync(path('gate/open'), '');
      await runs({ ...run, secrets: sources() }, gate);
      await server.endWithJobs();
    } finally {
      await dockerd.stop();
    }
  });
});
