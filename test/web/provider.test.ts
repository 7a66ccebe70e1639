/** The log-in at a real identity provider, as a person sees it: there, refused, and while the provider is away. */

import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  clientId,
  clientSecret,
  type IdentityProvider,
  identityProvider,
} from '../support/identity-provider.ts';
import { eventually, Server } from '../support/server.ts';
import { barriers, hasBrowser, openBrowser, openPage } from './browser.ts';

const dir = mkdtempSync(join(tmpdir(), 'carillon-provider-'));
const authFile = join(dir, 'people.json');
let provider: IdentityProvider;
let server: Server;
let browser: Browser;

/** The provider must know where the server listens before it does. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

function writePeople(people: readonly object[]): void {
  const client = { clientId, clientSecretFile: join(dir, 'secret') };
  const oidc = { issuer: provider.issuer, ...client, scopes: ['openid', 'email', 'groups'] };
  writeFileSync(authFile, JSON.stringify({ oidc, people }));
}

describe.skipIf(!hasBrowser)('with an identity provider', () => {
  beforeAll(async () => {
    const port = await freePort();
    provider = await identityProvider({ redirectUrls: [`http://127.0.0.1:${port}/api/v1/login/callback`] });
    writeFileSync(join(dir, 'secret'), clientSecret);
    writePeople([{ email: 'bob@example.org', role: 'admin' }]);
    const args = ['--port', String(port), '--auth-file', authFile];
    server = await Server.start(join(dir, 'data'), args, { env: { XDG_STATE_HOME: join(dir, 'state') } });
    await server.ask('PUT', '/api/v1/jobs/sales-load', { run: { command: 'true' } });
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.end('SIGTERM');
    rmSync(dir, { recursive: true, force: true });
  });

  test('one without a role is told so, and one with a role comes to the wanted page', async () => {
    const { page, faults } = await openPage(browser, server.url, {
      extraHTTPHeaders: { 'x-forwarded-for': '192.0.2.1' },
    });
    const logInThere = async () => {
      await page.getByRole('link', { name: `Continue with ${new URL(provider.issuer).host}` }).click();
      await page.locator('input[name=login]').fill('ann');
      await page.locator('input[name=password]').fill('any');
      await page.locator('button[type=submit]').click();
      // The provider's next page has a button of the same kind.
      await page.locator('input[name=login]').waitFor({ state: 'detached' });
      await page.locator('button[type=submit]').click();
    };
    await page.goto('/jobs?q=sales');
    await page.getByRole('link', { name: /^Continue with/ }).waitFor();
    expect(await barriers(page)).toEqual([]);
    await logInThere();
    await page.getByText('The identity provider knows you, but you have no role here.').waitFor();
    expect(await barriers(page)).toEqual([]);

    writePeople([{ group: 'data-team', role: 'editor', jobs: 'sales-*' }]);
    // At the provider she is still logged in.
    await eventually(
      async () => {
        await page.goto('/jobs?q=sales');
        await page.getByRole('link', { name: /^Continue with/ }).click();
        await page.waitForURL((url) => /^\/(?:jobs|log-in)$/.test(url.pathname));
        return new URL(page.url()).pathname + new URL(page.url()).search;
      },
      (at) => at === '/jobs?q=sales',
    );
    await page.locator('main a[href="/jobs/sales-load"]').waitFor();
    await page.getByRole('button', { name: 'You are ann@example.org' }).click();
    await page.getByText('Editor for jobs named sales-*.').waitFor();
    await page.getByRole('button', { name: 'Log out everywhere' }).click();

    await page.getByRole('link', { name: /^Continue with/ }).waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  }, 120_000);

  test('a provider that is away is named, and a token still logs in', async () => {
    const { body } = await server.ask<{ token: string }>('POST', '/api/v1/tokens', {
      name: 'while it is away',
      bindings: [{ role: 'viewer' }],
    });
    const { page, faults } = await openPage(browser, server.url, {
      extraHTTPHeaders: { 'x-forwarded-for': '192.0.2.1' },
    });
    await provider.close();
    // The address of another one, so that nothing of it is known from before.
    provider = { ...provider, issuer: provider.issuer.replace('127.0.0.1', 'localhost') };
    writePeople([]);
    await eventually(
      () => server.get<{ provider: string }>('/api/v1/login/options'),
      ({ provider: host }) => host.startsWith('localhost'),
    );
    await page.goto('/runs');
    await page.getByRole('link', { name: /^Continue with/ }).click();
    await page.getByText('The identity provider does not respond.').waitFor();
    await page.getByLabel('Token', { exact: true }).fill(body.token);
    await page.getByRole('button', { name: 'Log in with the token' }).click();
    await page.getByRole('banner').waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  }, 120_000);
});
