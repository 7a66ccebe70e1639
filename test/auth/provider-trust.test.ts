/** A real identity provider over HTTPS: whose certificate is trusted, and what is said of others. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAuthFile } from '../../src/auth/file.ts';
import { Provider } from '../../src/auth/provider.ts';
import { Authority } from '../support/certificates.ts';
import {
  Browser,
  clientId,
  clientSecret,
  type IdentityProvider,
  identityProvider,
} from '../support/identity-provider.ts';

const redirectUrl = 'https://carillon.example/api/v1/login/callback';
const dir = mkdtempSync(join(tmpdir(), 'carillon-trust-'));
const secretFile = join(dir, 'secret');
let ca: Authority;
let served: IdentityProvider;

beforeAll(async () => {
  ca = await Authority.make(dir);
  served = await identityProvider({ redirectUrls: [redirectUrl], tls: await ca.issue('provider') });
  writeFileSync(secretFile, clientSecret);
});
afterAll(async () => {
  await served.close();
  rmSync(dir, { recursive: true });
});

/** By a file of people, as the server reads it. */
async function providerWith(more: object): Promise<Provider> {
  const path = join(dir, 'people.yaml');
  const settings = { issuer: served.issuer, clientId, clientSecretFile: secretFile };
  writeFileSync(path, JSON.stringify({ oidc: { ...settings, scopes: ['openid', 'email'], ...more } }));
  return new Provider((await readAuthFile(path)).oidc!);
}

describe('an identity provider over HTTPS', () => {
  test('lets people in, if caFile has its authority', async () => {
    expect(served.issuer).toMatch(/^https:/);
    const provider = await providerWith({ caFile: ca.file });
    const { begun, location } = await provider.begin(redirectUrl);
    const browser = new Browser(ca.pair.cert);
    const back = await browser.logIn(location, redirectUrl);
    expect(await provider.finish(begun, new URL(back).search)).toMatchObject({
      ...{ id: 'ann', name: 'ann@example.org' },
    });
    await browser.close();
  });

  test('of another authority than that in caFile is refused, with the field and the reason', async () => {
    const other = await Authority.make(dir, 'other');
    const provider = await providerWith({ caFile: other.file });
    await expect(provider.begin(redirectUrl)).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      message: expect.stringMatching(
        /^The identity provider https:\/\/127\.0\.0\.1:\d+ has a certificate of an authority that is not in oidc\.caFile \([A-Z_]+\)\./,
      ),
    });
  });

  test('of an authority that nobody knows is refused, with the field that would name it', async () => {
    const provider = await providerWith({});
    await expect(provider.begin(redirectUrl)).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      message: expect.stringMatching(
        /has a certificate of an unknown authority \([A-Z_]+\)\. If it is right, name that authority with oidc\.caFile\./,
      ),
    });
  });

  test('with a certificate for another address is refused', async () => {
    const elsewhere = await ca.issue('elsewhere', { hosts: ['login.example'] });
    const wrong = await identityProvider({ redirectUrls: [redirectUrl], tls: elsewhere });
    try {
      const provider = await providerWith({ issuer: wrong.issuer, caFile: ca.file });
      await expect(provider.begin(redirectUrl)).rejects.toMatchObject({
        code: 'PROVIDER_UNAVAILABLE',
        message: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'),
      });
    } finally {
      await wrong.close();
    }
  });

  test.each([
    ['no certificate', 'a text'],
    ['a broken certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
  ])('has a caFile that is refused when the file of people is read: %s', async (_, text) => {
    const path = join(dir, 'not-an-authority.pem');
    writeFileSync(path, text);
    await expect(providerWith({ caFile: path })).rejects.toMatchObject({
      ...{ code: 'INVALID_FIELD', details: { field: 'oidc.caFile', value: path } },
      message: expect.stringContaining('certificates of authorities, as PEM'),
    });
  });
});
