/** What every engine must tell of itself, and what the program makes of it. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { EngineParts } from '../../src/executor/engine.ts';
import { createRunLogs } from '../../src/executor/logs/run-logs.ts';
import { realClock } from '../../src/node/clock.ts';
import { loadConfig } from '../../src/node/config.ts';
import { createEngines, engines, knownEngines } from '../../src/node/engines.ts';
import { nodeSettings, settings } from '../../src/node/settings.ts';
import { flagOf } from '../../src/setting.ts';
import { secretsFrom } from '../support/secrets.ts';

const root = resolve(import.meta.dirname, '../..');
const dataDir = mkdtempSync(join(tmpdir(), 'carillon-engines-'));
afterAll(() => rmSync(dataDir, { recursive: true }));

const parts: EngineParts = {
  installation: 'c',
  dataDir,
  clock: realClock,
  log: { debug() {}, info() {}, warn() {}, error() {} },
  logs: createRunLogs({ dir: join(dataDir, 'logs'), clock: realClock }),
  logBytesPerStream: 1_024,
  environment: {},
  secrets: secretsFrom(),
  supervisor: null,
};

/** Addresses at which nothing listens: nothing is asked before a launcher starts. */
const everything = [
  '--docker-host',
  'tcp://127.0.0.1:1',
  '--swarm-host',
  'tcp://127.0.0.1:1,tcp://127.0.0.1:2',
  '--ssh-hosts',
  join(dataDir, 'hosts.yaml'),
];
writeFileSync(join(dataDir, 'hosts.yaml'), '- name: one\n');

test('every folder with a description is in the list', () => {
  const executor = join(root, 'src/executor');
  const folders = readdirSync(executor).filter((name) => existsSync(join(executor, name, 'description.ts')));
  expect(engines.map(({ name }) => name).sort()).toEqual(folders.sort());
});

describe.each(engines.map((engine) => [engine.name, engine] as const))('the engine %s', (name, engine) => {
  test('has its launcher held to the conformance suite', () => {
    const path = join(root, `test/executor/${name}/launcher.test.ts`);
    expect(readFileSync(path, 'utf8')).toMatch(new RegExp(`launcherConformance\\(\\s*${name}Engine\\b`));
  });

  test('takes no setting of the node, and none of another engine unless it is the same one', () => {
    for (const [key, row] of Object.entries(engine.settings)) {
      expect(Object.keys(nodeSettings)).not.toContain(key);
      expect(settings[key]).toBe(row);
    }
  });

  test('is had by a setting of its own, or always', async () => {
    const { enabledBy } = engine;
    const { engines: values } = loadConfig(everything, {});
    const created = await engine.create(
      parts,
      enabledBy === null ? values : { ...values, [enabledBy]: null },
    );
    if (enabledBy !== null) expect(Object.keys(engine.settings)).toContain(enabledBy);
    expect(created === null).toBe(enabledBy !== null);
    await created?.close?.();
  });

  test('makes a launcher of its name, which makes launches ready if that is among its abilities', async () => {
    const created = await engine.create(parts, loadConfig(everything, {}).engines);
    expect(created?.launcher.engine).toBe(name);
    const { ahead } = created?.abilities ?? engine.abilities;
    expect(created?.launcher.ahead !== undefined).toBe(Object.values(ahead).includes(null));
    await created?.close?.();
  });
});

test('the core is told which flag gives each engine', () => {
  for (const { enabledBy } of engines.filter((engine) => engine.enabledBy !== null))
    expect(knownEngines.map(({ flag }) => flag)).toContain(flagOf(enabledBy ?? ''));
});

describe('what a node has', () => {
  const made = (args: string[], host: string | null = null) =>
    createEngines(parts, loadConfig(args, {}).engines, host);

  test('is all that its settings ask for, with their limits, in the order of the list', async () => {
    const limits = ['--process-concurrency', '3', '--docker-concurrency', '4', '--swarm-concurrency', '5'];
    const { launchers, settings: given, described, close } = await made([...everything, ...limits]);
    expect(launchers.map(({ engine }) => engine)).toEqual(['process', 'docker', 'swarm', 'ssh']);
    expect(Object.entries(given).map(([name, { concurrency }]) => [name, concurrency])).toEqual([
      ['process', 3],
      ['docker', 4],
      ['swarm', 5],
      ['ssh', null],
    ]);
    expect(described).toBe(
      `process, docker (tcp://127.0.0.1:1), swarm (tcp://127.0.0.1:1,tcp://127.0.0.1:2), ssh (${join(dataDir, 'hosts.yaml')})`,
    );
    await close();
  });

  test('starts as many as it is told on Docker, always 16 on Swarm and 64 on hosts, and else as many as everywhere', async () => {
    const starts = async (...args: string[]) =>
      Object.values((await made([...everything, ...args])).settings).map(
        ({ startsInFlight }) => startsInFlight,
      );
    expect(await starts()).toEqual([undefined, undefined, 16, 64]);
    expect(await starts('--docker-starts', '7', '--starts-in-flight', '3')).toEqual([undefined, 7, 16, 64]);
  });

  test('is its own only where no other node reaches it', async () => {
    const hosts = async (host: string | null) =>
      Object.values((await made(everything, host)).settings).map((each) => each.host);
    expect(await hosts('n1')).toEqual(['n1', undefined, undefined, undefined]);
    expect(await hosts(null)).toEqual([undefined, undefined, undefined, undefined]);
  });
});
