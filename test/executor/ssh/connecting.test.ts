/** Connections that are being made: a program stands for the SSH client, and for the host behind it. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRunLogs } from '../../../src/executor/logs/run-logs.ts';
import { readHosts, SshLauncher } from '../../../src/executor/ssh/engine.ts';
import { realClock } from '../../../src/node/clock.ts';
import { secretsFrom } from '../../support/secrets.ts';
import { SimClock } from '../../support/sim-clock.ts';
import { until } from '../../support/until.ts';

/** Says hello as an agent does. */
const hello = `printf 'carillon: start\\n\\012\\0\\0\\0\\0\\0\\0\\0\\045\\0\\0\\0aaaaaaaa-1234-1234-1234-123456789012\\0'`;

let dir = '';
let launcher: SshLauncher;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'carillon-connecting-'));
});
afterEach(async () => {
  await launcher.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** `clients`: for each address a script for a shell. */
async function begin(
  entries: readonly object[],
  clients: (address: string) => string,
  clock: SimClock | typeof realClock = realClock,
): Promise<SshLauncher> {
  const path = join(dir, 'hosts.yaml');
  writeFileSync(path, JSON.stringify(entries));
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  launcher = new SshLauncher(
    {
      ...{ path, clock, log, installation: 'i', logBytes: 1_000, environment: process.env },
      bare: (argv) => ['sh', '-c', clients(argv.at(-2) ?? '')],
      secrets: secretsFrom(),
      logs: createRunLogs({ dir: join(dir, 'logs'), clock }),
    },
    await readHosts(path),
  );
  await launcher.start();
  return launcher;
}
const isThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const detailOf = async () => (await launcher.describe()).detail ?? '';

describe('a host', () => {
  test.each([
    ['that prints without end is given up', 'yes', /its login shell prints too much/],
    ['that asks for the program again and again gets it once', 'yes "carillon: send x64"', /prints too much/],
    [
      'that cannot run the program says why',
      'echo "carillon: cannot run on x"; exec sleep 100',
      /cannot run on x/,
    ],
    ['whose client fails says why', 'echo "no route" >&2; exit 255', /no route/],
    ['that closes without a word is told with the exit code', 'exit 0', /ssh ended with exit code 0/],
    ['that says garbage is given up', 'echo "carillon: start"; yes', /what it says is not understood/],
  ])('%s', async (_, script, why) => {
    await begin([{ name: 'a' }], () => script);
    await until('it is told', async () => why.test(await detailOf()));
  });

  test.each(['identityFile', 'knownHosts'])('whose %s is not there is told so', async (field) => {
    await begin([{ name: 'a', [field]: '/no/such/file' }], () => 'exit 255');
    await until('it is told', async () =>
      (await detailOf()).includes(`its ${field} /no/such/file cannot be read (ENOENT)`),
    );
  });

  test('whose login shell prints something without a line break is reached', async () => {
    const asked = join(dir, 'asked');
    await begin([{ name: 'a' }], () => `printf Welcome; ${hello}; exec cat >${asked}`);
    void launcher.describe();
    await until('its agent is asked', () => existsSync(asked) && readFileSync(asked).length > 0);
  });
});

test('a stop does not wait for a connection that is being made, and leaves no client', async () => {
  const pidFile = join(dir, 'pid');
  await begin([{ name: 'a' }], () => `echo $$ > ${pidFile}; exec sleep 1000`);
  const asked = launcher.at('a')?.inventory();
  const refused = expect(asked).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  const pid = await until('it runs', () =>
    existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : null,
  );
  await launcher.stop();
  await refused;
  await until('it is gone', () => !isThere(pid));
  await expect(launcher.at('a')?.inventory()).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
}, 15_000);

test('a host whose address changes while it is connected to is reached at the new one', async () => {
  const used: string[] = [];
  await begin([{ name: 'a', address: 'old' }], (address) => {
    used.push(address);
    return 'exec sleep 1000';
  });
  const refused = expect(launcher.at('a')?.inventory()).rejects.toThrow('the connection was closed');
  await until('the old one is used', () => used.includes('old'));
  writeFileSync(join(dir, 'hosts.yaml'), JSON.stringify([{ name: 'a', address: 'new' }]));
  await refused;
  void launcher
    .at('a')
    ?.inventory()
    .catch(() => undefined);
  await until('the new one is used', () => used.includes('new'));
}, 15_000);

test('hosts that do not answer do not keep others from being reached', async () => {
  const clock = new SimClock(0);
  const silent = Array.from({ length: 24 }, (_, at) => ({ name: `silent-${at}` }));
  const used: string[] = [];
  await begin(
    [...silent, { name: 'last' }],
    (address) => {
      used.push(address);
      return 'exec sleep 1000';
    },
    clock,
  );
  void launcher.describe();
  await clock.advance(500);
  expect(used).toHaveLength(8);
  await clock.advance(5_000);
  expect(used).toContain('last');
});
