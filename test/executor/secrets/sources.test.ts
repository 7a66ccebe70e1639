import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readSecretText, type SecretsParts } from '../../../src/executor/secrets/secrets.ts';
import { installSupervisor, onlyDescriptors } from '../../../src/executor/supervisor/file.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { RunDefinition } from '../../../src/scheduler/job/definition.ts';
import { checkAbilities } from '../../../src/scheduler/job/engine-abilities.ts';
import type { SecretRef } from '../../../src/scheduler/job/spec.ts';
import { secretsFrom } from '../../support/secrets.ts';

const dir = mkdtempSync(join(tmpdir(), 'carillon-secrets-'));
afterAll(() => rmSync(dir, { recursive: true }));

const script = (name: string, text: string): string => {
  const path = join(dir, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o700);
  return path;
};
const read = (ref: SecretRef, parts: Partial<SecretsParts> = {}): Promise<string> =>
  readSecretText(secretsFrom(parts), 'run.secrets.T', ref);
const run = (path: string, parts: Partial<SecretsParts> = {}, ...args: string[]): Promise<string> =>
  read({ exec: [path, ...args] }, { programs: [path], ...parts });

describe('a variable of the scheduler', () => {
  const environment = { DB_PASSWORD: 'x', ETL_TOKEN: 'hush', PATH: '/bin' };
  const variables = ['DB_PASSWORD', 'ETL_*'];

  test('that is allowed is the value', async () => {
    expect(await read({ env: 'ETL_TOKEN' }, { environment, variables })).toBe('hush');
  });

  test.each([
    [
      'of another name',
      'PATH',
      'of variables of the scheduler, jobs may use DB_PASSWORD, ETL_* (--secret-env)',
    ],
    ['of a longer name', 'DB_PASSWORD_2', 'jobs may use DB_PASSWORD, ETL_*'],
    ['that is not set', 'ETL_OTHER', 'the scheduler has no variable ETL_OTHER'],
  ])('%s is refused at launch', async (_, env, message) => {
    await expect(read({ env }, { environment, variables })).rejects.toMatchObject({
      code: 'LAUNCH_REFUSED',
      message: expect.stringContaining(message),
      details: { field: 'run.secrets.T' },
    });
  });

  test('is refused where none is allowed', async () => {
    await expect(read({ env: 'PATH' }, { environment })).rejects.toThrow(
      'none, because --secret-env is not set',
    );
  });
});

describe('when a job is submitted', () => {
  const check = (run: RunDefinition): void => {
    const { inabilities } = secretsFrom({ variables: ['A'], programs: ['/bin/get'] });
    checkAbilities(run, 'process', {
      images: false,
      ahead: { prestage: null, warmStart: null },
      inabilities,
    });
  };

  test.each<[string, RunDefinition, string]>([
    [
      'a variable',
      { secrets: { T: { env: 'B' } } },
      'of variables of the scheduler, jobs may use A (--secret-env)',
    ],
    [
      'a command',
      { secrets: { T: { exec: ['/bin/sh'] } } },
      'of commands, jobs may use /bin/get (--secret-exec)',
    ],
    [
      'Vault',
      { secrets: { T: { vault: { path: 'kv/data/a', key: 'k' } } } },
      'none, because --vault-file is not set',
    ],
    ['a login', { registry: { secret: { env: 'B' } } }, 'jobs may use A'],
  ])('%s that is not allowed is refused', (_, run, message) => {
    expect(() => check(run)).toThrow(message);
  });

  test('what is allowed passes', () => {
    const secrets = { A: { env: 'A' }, B: { exec: ['/bin/get', 'x'] }, C: { file: '/etc/passwd' } };
    expect(() => check({ secrets })).not.toThrow();
  });
});

describe('a command', () => {
  test('prints the value, with its arguments and little of the environment', async () => {
    const path = script('args', 'echo "$1 $HOME $SECRET $(pwd)"');
    const environment = { HOME: '/root', PATH: '/usr/bin:/bin', SECRET: 'x' };
    expect(await run(path, { environment }, 'one')).toBe('one /root  /');
  });

  test('gets an empty input, and no descriptor beside the standard ones', async () => {
    const path = script('descriptors', 'cat; exec ls /proc/self/fd');
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const supervisor = await installSupervisor(dir, log);
    const bare: SecretsParts['bare'] = (argv) => onlyDescriptors(supervisor, 3, argv);
    // The fourth is the one with which ls reads the folder.
    expect(await run(path, { bare })).toBe('0\n1\n2\n3');
  });

  test.each([
    ['fails', 'echo hush-hush; echo "cannot: hush-hush\x07" >&2; exit 3', 'ended with 3: cannot: ***'],
    ['fails silently', 'exit 1', 'ended with 1'],
    ['shows an address with a login', 'echo "at https://u:pw@host/" >&2; exit 1', 'at https://***@host/'],
    ['prints too much', 'head -c 2000000 /dev/zero', 'printed more than 1048576 bytes'],
    ['is killed', 'kill -9 $$', 'was ended by SIGKILL'],
  ])('that %s is refused without what it printed', async (name, text, message) => {
    const error = await run(script(name.replaceAll(' ', '-'), text)).catch((error) => error);
    expect(error).toMatchObject({ code: 'LAUNCH_REFUSED', details: { field: 'run.secrets.T' } });
    expect(error.message).toContain(message);
    expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain('hush-hush');
  });

  test('that is missing is refused', async () => {
    await expect(run('/no/such/program')).rejects.toThrow('cannot be run (ENOENT)');
  });

  test('that takes too long is ended with all that it started', async () => {
    const path = script('slow', `sleep 1000 & echo $! > ${dir}/child; echo $$ > ${dir}/self; wait`);
    const clock = { ...realClock, after: (_: number, act: () => void) => realClock.after(300, act) };
    await expect(run(path, { clock })).rejects.toThrow('did not end within 15 s');
  });

  test('runs a few at a time', async () => {
    const path = script('many', 'echo x');
    const all = await Promise.all(Array.from({ length: 60 }, () => run(path)));
    expect(new Set(all)).toEqual(new Set(['x']));
  });
});
