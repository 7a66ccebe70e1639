import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readSecretText } from '../../../src/executor/secrets/secrets.ts';
import { Vault } from '../../../src/executor/secrets/vault.ts';
import { parseVaultFile, type VaultFile } from '../../../src/executor/secrets/vault-file.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { VaultKey } from '../../../src/scheduler/job/spec.ts';
import { secretsFrom } from '../../support/secrets.ts';
import { VaultDouble } from '../../support/vault.ts';

const dir = mkdtempSync(join(tmpdir(), 'carillon-vault-'));
afterAll(() => rmSync(dir, { recursive: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};

let server: VaultDouble;
let address: string;
let vault: Vault;
/** Added to the monotonic clock. */
let later = 0;
const logged: string[] = [];
const write = (fields: object, event: string) => void logged.push(`${event} ${JSON.stringify(fields)}`);
const log = { debug: write, info: write, warn: write, error: write };
const clock = { ...realClock, monotonicMs: () => realClock.monotonicMs() + later };

beforeEach(async () => {
  server = new VaultDouble();
  address = await server.start();
  server.put('kv/data/etl/db', { password: 'old-hush' });
  server.put('kv/data/etl/db', { password: 'hush-hush', port: 5432 });
  later = 0;
});
afterEach(async () => {
  vault.close();
  await server.stop();
});

const appRole = (): VaultFile['auth'] => ({
  appRole: { roleId: 'role-1', secretIdFile: file('secret-id', 'secret-1\n') },
});
function open(auth: VaultFile['auth'] = appRole(), more: Partial<VaultFile> = {}): void {
  vault = new Vault(
    { address, auth, paths: ['kv/data/etl/*', 'kv/data/forbidden'], ...more },
    { clock, log },
  );
}
const read = (key: Partial<VaultKey> = {}): Promise<string> =>
  readSecretText(secretsFrom({ clock, server: vault }), 'run.secrets.T', {
    vault: { path: 'kv/data/etl/db', key: 'password', ...key },
  });
const asked = (what: string): number => server.requests.filter((each) => each.includes(what)).length;

describe('a key of a secret', () => {
  beforeEach(() => open());

  test('is read, in its newest version or in one that is named', async () => {
    expect(await read()).toBe('hush-hush');
    expect(await read({ version: 1 })).toBe('old-hush');
    expect(await read({ key: 'port' })).toBe('5432');
  });

  test.each<[string, Partial<VaultKey>, string]>([
    ['that is missing', { key: 'user' }, 'kv/data/etl/db has no key user'],
    ['of a secret that is missing', { path: 'kv/data/etl/no' }, 'there is no such secret or version'],
    ['of a version that is missing', { version: 9 }, 'there is no such secret or version'],
    ['that the token may not read', { path: 'kv/data/forbidden' }, 'the token may not read it'],
    [
      'of another path',
      { path: 'kv/data/other' },
      'jobs may use kv/data/etl/*, kv/data/forbidden (--vault-file)',
    ],
    ['named like a property of all objects', { key: 'constructor' }, 'has no key constructor'],
  ])('%s is refused', async (_, key, message) => {
    await expect(read(key)).rejects.toMatchObject({
      code: 'LAUNCH_REFUSED',
      message: expect.stringContaining(message),
      details: { field: 'run.secrets.T' },
    });
  });

  test('of a deleted secret is refused', async () => {
    server.put('kv/data/etl/db', null);
    await expect(read()).rejects.toThrow('it is deleted');
  });

  test.each([503, 500, 429, 412, 473])(
    'cannot be read now while the server answers with %s',
    async (status) => {
      server.down = status;
      await expect(read()).rejects.toMatchObject({
        code: 'ENGINE_UNAVAILABLE',
        message: `The secret run.secrets.T cannot be read now: Vault answered with status ${status}`,
      });
      server.down = null;
      expect(await read()).toBe('hush-hush');
    },
  );

  test('cannot be read now while the server is away', async () => {
    await server.stop();
    await expect(read()).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    address = await server.start();
  });

  test('is one request and one log-in for a burst of launches, and is asked again after seconds', async () => {
    server.delayMs = 20;
    const values = await Promise.all(Array.from({ length: 1_000 }, () => read()));
    expect(new Set(values)).toEqual(new Set(['hush-hush']));
    expect([asked('/login'), asked('etl/db')]).toEqual([1, 1]);
    server.put('kv/data/etl/db', { password: 'new-hush' });
    later = 6_000;
    expect(await read()).toBe('new-hush');
    expect([asked('/login'), asked('etl/db')]).toEqual([1, 2]);
  });
});

describe('the log-in', () => {
  test('with a token that somebody else made', async () => {
    server.tokens.set('given', { ttl: 0, renewable: false });
    open({ tokenFile: file('token', 'given\n') });
    expect(await read()).toBe('hush-hush');
    expect(asked('/login')).toBe(0);
  });

  test('with the account of a pod, in a namespace', async () => {
    server.namespace = 'team-a';
    open({ kubernetes: { role: 'carillon', tokenFile: file('jwt', 'jwt-1') } }, { namespace: 'team-a' });
    expect(await read()).toBe('hush-hush');
  });

  test('that is refused refuses the launch, without what was sent', async () => {
    open({ appRole: { roleId: 'role-1', secretIdFile: file('secret-id', 'other-secret') } });
    const error = await read().catch((error) => error);
    expect(error).toMatchObject({ code: 'LAUNCH_REFUSED', message: expect.stringContaining('status 400') });
    expect(`${error.stack}${JSON.stringify(error)}${logged}`).not.toContain('other-secret');
  });

  test('whose file is missing names the file', async () => {
    open({ tokenFile: '/no/such/token' });
    await expect(read()).rejects.toThrow('/no/such/token cannot be read (ENOENT)');
  });

  test('is renewed before it ends', async () => {
    open();
    await read();
    later = 3_000_000;
    await read();
    expect([asked('/login'), asked('renew-self')]).toEqual([1, 1]);
  });

  test('is made again when it cannot be renewed any more, has ended, or was revoked', async () => {
    open();
    await read();
    server.mayRenew = false;
    later = 3_000_000;
    await read();
    expect([asked('/login'), asked('renew-self')]).toEqual([2, 1]);
    later = 30_000_000;
    await read();
    expect([asked('/login'), asked('renew-self')]).toEqual([3, 1]);
    server.tokens.clear();
    later += 6_000;
    expect(await read()).toBe('hush-hush');
    expect(asked('/login')).toBe(4);
  });
});

describe('the file', () => {
  beforeEach(() => open());
  const good = {
    address: 'https://vault:8200',
    auth: { tokenFile: '/etc/token' },
    paths: ['kv/data/etl/*'],
  };

  test('is YAML or JSON', () => {
    expect(
      parseVaultFile('address: https://v\nauth: { tokenFile: /t }\npaths: [kv/data/a]\n', 'v.yaml'),
    ).toEqual({
      address: 'https://v',
      auth: { tokenFile: '/t' },
      paths: ['kv/data/a'],
    });
    expect(parseVaultFile(JSON.stringify(good), 'v.json')).toEqual(good);
  });

  test.each<[string, object, string]>([
    [
      'no way to log in',
      { ...good, auth: {} },
      'auth has no way. Allowed: one of tokenFile, appRole, kubernetes',
    ],
    [
      'two ways',
      { ...good, auth: { tokenFile: '/a', kubernetes: { role: 'r' } } },
      'auth has tokenFile and kubernetes',
    ],
    ['no paths', { ...good, paths: [] }, 'paths'],
    ['a path of another version', { ...good, paths: ['kv/etl/*'] }, 'a path such as kv/data/etl/*'],
    ['no address', { ...good, address: 'vault:8200' }, 'https://host:port'],
    ['a relative file', { ...good, caFile: 'ca.pem' }, 'caFile is not an absolute path'],
    ['an unknown field', { ...good, token: 'hush-hush' }, 'token'],
  ])('with %s is refused', (_, given, message) => {
    let error: Error | null = null;
    try {
      parseVaultFile(JSON.stringify(given), 'v.json');
    } catch (caught) {
      error = caught as Error;
    }
    expect(error?.message).toContain(message);
    expect(`${error?.message} ${JSON.stringify(error)}`).not.toContain('hush-hush');
  });
});
