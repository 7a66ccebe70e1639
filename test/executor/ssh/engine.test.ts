/** The engine of all hosts: their file, while it runs. No host is reached. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRunLogs } from '../../../src/executor/logs/run-logs.ts';
import { SshLauncher } from '../../../src/executor/ssh/engine.ts';
import { secretsFrom } from '../../support/secrets.ts';
import { SimClock } from '../../support/sim-clock.ts';
import { until } from '../../support/until.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'carillon-hosts-file-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('a mistake in the file is shown until it is corrected', async () => {
  const path = join(dir, 'hosts.yaml');
  writeFileSync(path, '[]');
  const clock = new SimClock(0);
  const warnings: unknown[] = [];
  const log = { debug() {}, info() {}, warn: (fields: unknown) => void warnings.push(fields), error() {} };
  const launcher = new SshLauncher(
    {
      ...{ path, clock, log, installation: 'i', logBytes: 1_000, environment: {}, bare: (argv) => argv },
      secrets: secretsFrom(),
      logs: createRunLogs({ dir, clock }),
    },
    [],
  );
  await launcher.start();
  const detail = async (): Promise<string> => (await launcher.describe()).detail ?? '';
  const shows = (what: RegExp) =>
    until('it is shown', async () => {
      await clock.advance(2_000);
      return what.test(await detail());
    });
  writeFileSync(path, '- name: all\n');
  await shows(/name is "all"/);
  let looks = 0;
  await until('it is looked at again', async () => {
    await clock.advance(2_000);
    looks += 1;
    return looks > 10;
  });
  expect(await detail()).toMatch(/name is "all"/);
  expect(warnings).toHaveLength(1);
  writeFileSync(path, '[]');
  await shows(/^0 of 0 hosts respond$/);
  await launcher.stop();
});
