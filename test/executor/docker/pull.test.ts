/** Pulls as launches share them, and helpers that never answer: with an engine and a clock of the test's own. */

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createCredentials } from '../../../src/executor/container/credentials.ts';
import { EngineRefusal, type RegistryAuth } from '../../../src/executor/container/transport.ts';
import type { PullLine } from '../../../src/executor/docker/engine.ts';
import { ImagePulls, PullProgress } from '../../../src/executor/docker/pull.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { Clock } from '../../../src/scheduler/ports.ts';

const silent = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };
const login: RegistryAuth = { username: 'me', password: 'hush', serveraddress: 'r.example.com' };

/** An engine that pulls until it is told how it ends, and a clock that stands until it is set. */
function scene(found: RegistryAuth | null = null) {
  const asked: { image: string; auth: RegistryAuth | null }[] = [];
  let say: (line: PullLine) => void = () => {};
  const time = { ms: 0 };
  const endings: { done: () => void; fail: (error: Error) => void }[] = [];
  const pulls = new ImagePulls({
    engine: {
      pull(image, auth, onLine) {
        asked.push({ image, auth });
        say = onLine;
        return new Promise<void>((done, fail) => endings.push({ done, fail }));
      },
    },
    credentials: async () => found,
    clock: { ...realClock, monotonicMs: () => time.ms },
    log: silent,
  });
  return { pulls, asked, endings, time, say: (line: PullLine) => say(line) };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('launches that wait for one image share its pull, whatever they call it', async () => {
  const { pulls, asked, endings } = scene();
  const both = [pulls.fetch('tool', null, () => {}), pulls.fetch('tool:latest', null, () => {})];
  await settled();
  expect(asked).toEqual([{ image: 'tool:latest', auth: null }]);
  endings[0]?.done();
  await Promise.all(both);
  const again = pulls.fetch('tool', null, () => {});
  await settled();
  endings[1]?.done();
  await again;
  expect(asked).toHaveLength(2);
});

test('a login of the job is not lent to others, and stands before that of the host', async () => {
  const { pulls, asked, endings } = scene({ ...login, username: 'host' });
  const all = [pulls.fetch('tool', login, () => {}), pulls.fetch('tool', null, () => {})];
  await settled();
  expect(asked.map(({ auth }) => auth)).toEqual([login, { ...login, username: 'host' }]);
  for (const { done } of endings) done();
  await Promise.all(all);
});

test('a refusal is told in the words of the engine, to all that wait', async () => {
  const { pulls, endings } = scene();
  const both = [pulls.fetch('tool', null, () => {}), pulls.fetch('tool', null, () => {})];
  await settled();
  endings[0]?.fail(new EngineRefusal(404, 'manifest unknown'));
  for (const one of both) {
    await expect(one).rejects.toMatchObject({
      code: 'LAUNCH_REFUSED',
      message: 'Image tool:latest cannot be pulled: manifest unknown',
      details: { field: 'run.image' },
    });
  }
});

test('progress is told at once, then every few seconds and only when something moved', async () => {
  const { pulls, endings, time, say } = scene();
  const heard: string[] = [];
  const pull = pulls.fetch('tool:1', null, (detail) => heard.push(detail));
  await settled();
  for (let percent = 0; percent <= 100; percent++) {
    time.ms += 100;
    const progressDetail = { current: percent * 1e6, total: 100e6 };
    say({ id: 'a', status: 'Downloading', progressDetail });
  }
  for (let n = 0; n < 100; n++) {
    time.ms += 100;
    say({ id: 'a', status: 'Download complete' });
  }
  endings[0]?.done();
  await pull;
  expect(heard).toEqual([
    'pulling tool:1',
    'pulling tool:1: 49.0 of 100.0 MB, 0 of 1 layers ready',
    'pulling tool:1: 99.0 of 100.0 MB, 0 of 1 layers ready',
    'pulling tool:1: 100.0 of 100.0 MB, 0 of 1 layers ready',
  ]);
});

test('progress adds up layers, those that were there and those that are unpacked', () => {
  const progress = new PullProgress();
  expect(progress.words()).toBe('asking the registry');
  for (const line of [
    { id: '1', status: 'Pulling from team/tool' },
    { id: 'a', status: 'Already exists' },
    { id: 'b', status: 'Pulling fs layer' },
    { id: 'c', status: 'Downloading', progressDetail: { current: 1_500_000, total: 3_000_000 } },
    { id: 'b', status: 'Downloading', progressDetail: { current: 500_000, total: 1_000_000 } },
    { id: 'b', status: 'Download complete' },
    { id: 'b', status: 'Extracting', progressDetail: { current: 1, total: 1_000_000 } },
    { status: 'Digest: sha256:00' },
  ])
    progress.hear(line);
  expect(progress.words()).toBe('2.5 of 4.0 MB, 1 of 3 layers ready');
  progress.hear({ id: 'b', status: 'Pull complete' });
  expect(progress.words()).toBe('2.5 of 4.0 MB, 2 of 3 layers ready');
});

test('a helper that never answers is given up', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-helper-'));
  const helper = join(dir, 'docker-credential-slow');
  writeFileSync(helper, '#!/bin/sh\nexec sleep 1000\n');
  chmodSync(helper, 0o755);
  writeFileSync(join(dir, 'config.json'), '{"credsStore":"slow"}');
  const hasty: Clock = { ...realClock, after: (ms, call) => realClock.after(ms / 100, call) };
  const environment = { PATH: `${dir}:/usr/bin:/bin` };
  const credentials = createCredentials({ configFile: join(dir, 'config.json'), environment, clock: hasty });
  await expect(credentials('r.example.com/tool')).rejects.toMatchObject({
    code: 'LAUNCH_REFUSED',
    message: expect.stringContaining('docker-credential-slow did not respond within 15 s'),
  });
  rmSync(dir, { recursive: true, force: true });
});

test.each([
  ['{', 'is not a JSON object'],
  [null, 'cannot be read (ENOENT)'],
])('a config file %j is refused by name and never quoted', async (text, words) => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-config-'));
  const configFile = join(dir, 'config.json');
  if (text !== null) writeFileSync(configFile, text);
  const credentials = createCredentials({ configFile, environment: {}, clock: realClock });
  await expect(credentials('tool')).rejects.toMatchObject({
    code: 'LAUNCH_REFUSED',
    message: `The registry login cannot be used: ${configFile} ${words}`,
  });
  rmSync(dir, { recursive: true, force: true });
});
