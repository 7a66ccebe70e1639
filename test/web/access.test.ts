/** Log-ins in the web app: who is not known sees nothing, and everybody is offered what they may do. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { leastRole } from '../../src/scheduler/access/access.ts';
import { permissions } from '../../src/scheduler/access/principal.ts';
import { leastRole as leastRoleInWeb } from '../../web/src/access/words.ts';
import { eventually, Server } from '../support/server.ts';
import { barriers, desk, hasBrowser, openBrowser, openPage, type Watched } from './browser.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const dataDir = mkdtempSync(join(tmpdir(), 'carillon-access-'));
const phone = { width: 390, height: 844 } as const;
let server: Server;
let browser: Browser;
let watched: Watched;
let page: Page;

interface Token {
  readonly id: string;
  readonly token: string;
}

/** Requests of the test itself come from the server's own user, who needs no log-in. */
async function tokenWith(name: string, ...bindings: readonly object[]): Promise<Token> {
  const { status, body } = await server.ask<Token & Record<string, unknown>>('POST', '/api/v1/tokens', {
    name,
    bindings,
  });
  expect(status).toBe(201);
  return body;
}

test('the web app names the least role for each permission as the scheduler does', () => {
  expect(permissions.map((each) => [each, leastRoleInWeb[each]])).toEqual(
    permissions.map((each) => [each, leastRole[each]]),
  );
});

describe.skipIf(!hasBrowser)('with log-ins', () => {
  let [viewer, editor, admin] = [] as unknown as [Token, Token, Token];

  beforeAll(async () => {
    server = await Server.start(dataDir, [], { env: { XDG_STATE_HOME: join(dataDir, 'state') } });
    browser = await openBrowser();
    for (const name of ['sales-load', 'ops-backup'])
      await server.ask('PUT', `/api/v1/jobs/${name}`, {
        run: { command: 'echo "the output"', env: { PASSWORD: 'open sesame' } },
      });
    await server.ask('PUT', '/api/v1/jobs/ops-broken', { run: { command: 'exit 3' } });
    await server.ask('POST', '/api/v1/jobs/ops-broken/trigger');
    await server.ask('POST', '/api/v1/jobs/ops-backup/trigger');
    await eventually(
      () => server.all('/api/v1/alerts'),
      (open) => open.length > 0,
    );
    viewer = await tokenWith('a viewer', { role: 'viewer' });
    editor = await tokenWith('an editor', { role: 'editor', jobs: 'sales-*' }, { role: 'viewer' });
    admin = await tokenWith('an admin', { role: 'admin' });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.end('SIGTERM');
    rmSync(dataDir, { recursive: true, force: true });
  });
  beforeEach(async () => {
    // Not from the host itself, as far as the server can tell.
    watched = await openPage(browser, server.url, { extraHTTPHeaders: { 'x-forwarded-for': '192.0.2.1' } });
    page = watched.page;
  });
  afterEach(async () => {
    const { faults } = watched;
    await page.context().close();
    expect(faults).toEqual([]);
  });

  const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true });
  const logInHeading = () => page.getByRole('heading', { name: 'Log in to Carillon' });
  const typeToken = async (text: string) => {
    await page.getByLabel('Token', { exact: true }).fill(text);
    await button('Log in with the token').click();
  };
  const openAs = async ({ token }: Token, path: string) => {
    await page.goto(path);
    await typeToken(token);
    await page.getByRole('banner').waitFor();
  };
  const command = () => page.getByLabel(/Command/).first();
  const fits = async () => {
    for (const viewport of [desk, phone]) {
      await page.setViewportSize(viewport);
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
      expect(await barriers(page)).toEqual([]);
    }
    await page.setViewportSize(desk);
  };

  test('a stranger sees the log-in page and nothing else, and asks the server for nothing else', async () => {
    const asked: string[] = [];
    page.on('request', (request) => {
      const { pathname } = new URL(request.url());
      if (pathname.startsWith('/api/')) asked.push(pathname);
    });
    await page.goto('/jobs/sales-load?as=yaml');
    await logInHeading().waitFor();
    expect(await page.getByRole('banner').count()).toBe(0);
    expect(asked).toEqual(['/api/v1/me', '/api/v1/login/options']);
    await fits();
  });

  test('a wrong token is refused in words, and the right one leads to the page that was wanted', async () => {
    await page.goto('/jobs/sales-load/definition?as=yaml');
    await typeToken('carillon_of_nobody');
    await page.getByRole('alert').getByText('The token is not valid.').waitFor();
    await fits();
    await typeToken(editor.token);
    await page.getByLabel('The definition as YAML').waitFor();
    expect(new URL(page.url()).pathname).toBe('/jobs/sales-load/definition');
    // A reload finds the session again, without the log-in page in between.
    await page.reload();
    await page.getByRole('banner').waitFor();
    expect(await logInHeading().count()).toBe(0);
  });

  test('with the keyboard alone one logs in, and out', async () => {
    await page.goto('/jobs');
    await logInHeading().waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.insertText(viewer.token);
    await page.keyboard.press('Enter');
    await page.getByRole('banner').waitFor();
    await page.getByRole('button', { name: 'You are a viewer' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('Viewer for everything.').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Log out');
    await page.keyboard.press('Escape');
    await page.getByText('Viewer for everything.').waitFor({ state: 'hidden' });
    await page.keyboard.press('Enter');
    await button('Log out').press('Enter');
    await logInHeading().waitFor();
    expect(await page.getByText('Your session has ended').count()).toBe(0);
    await page.reload();
    await logInHeading().waitFor();
  });

  test('a viewer is offered nothing that needs more, and is told which role has it', async () => {
    await openAs(viewer, '/jobs/ops-backup');
    await page.getByText('Running it needs the role operator. Changing it needs the role editor.').waitFor();
    const offers = page.getByRole('button', {
      name: /^(Run now|Pause|Mute|Delete|Run again|Kill|Acknowledge|Restore|Save|Create)\b/,
    });
    const links = page.getByRole('link', { name: /^(Edit|Duplicate|New job)$/ });
    const none = async () => expect([await offers.count(), await links.count()]).toEqual([0, 0]);
    await none();
    await fits();
    await page.goto('/jobs/ops-backup/definition');
    await page.getByText('Changing this job needs the role editor for ops-backup.').waitFor();
    await page.getByText('PASSWORD: "***"').waitFor();
    expect(await page.getByText('open sesame').count()).toBe(0);
    await none();
    await fits();
    await page.goto('/runs?job=ops-backup');
    await page.locator('main a[href^="/runs/ops-backup."]').first().click();
    await page.getByText('Reading the output of runs needs the role operator for ops-backup.').waitFor();
    expect(await page.getByText('the output', { exact: true }).count()).toBe(0);
    await none();
    await page.goto('/jobs');
    await page.locator('main a[href="/jobs/ops-backup"]').waitFor();
    await none();
    await page.goto('/alerts');
    await page.getByRole('row').filter({ hasText: 'ops-broken' }).waitFor();
    await none();
    await page.goto('/new');
    await page.getByText('Creating a job needs the role editor.').waitFor();
    for (const path of ['/tokens', '/audit']) {
      await page.goto(path);
      await page.getByText('This page needs the role admin for everything.').waitFor();
      await none();
    }
  });

  test('an editor of some jobs is offered these, and no others', async () => {
    await openAs(editor, '/jobs/ops-backup');
    await page.getByText('Running it needs the role operator.').waitFor();
    expect(await button('Pause').count()).toBe(0);
    await page.goto('/alerts');
    await page.getByRole('row').filter({ hasText: 'ops-broken' }).getByText('nobody').last().waitFor();
    expect(await page.getByRole('button', { name: /^Acknowledge/ }).count()).toBe(0);
    await page.goto('/jobs/sales-load');
    for (const name of ['Run now', 'Mute', 'Delete']) await button(name).waitFor();
    await page.getByRole('link', { name: 'Edit' }).waitFor();
    await button('Pause').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
    await button('Resume').waitFor();
    await page.goto('/jobs/sales-load/definition');
    await page.getByText('open sesame').or(page.locator('input[value="open sesame"]')).first().waitFor();
  });

  test('a copy of a job with values that one may not see is saved only without them', async () => {
    await openAs(editor, '/new?from=ops-backup');
    await page.getByLabel('Name', { exact: true }).first().fill('sales-copy');
    await page.getByText('You may not see run.env.PASSWORD').first().waitFor();
    expect(await button('Create').isDisabled()).toBe(true);
    await page.locator('input[value="***"]').fill('another');
    await button('Create').click();
    await page.waitForURL('**/jobs/sales-copy');
    const { definition } = await server.get<{ definition: { run: { env: object } } }>(
      '/api/v1/jobs/sales-copy',
    );
    expect(definition.run.env).toEqual({ PASSWORD: 'another' });
  });

  test('a refusal names the role that is missing, and the jobs', async () => {
    await openAs(editor, '/jobs?q=ops-backup');
    await button('Pause').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: /^Pause/ }).click();
    await dialog.getByText(/permission operate on 'ops-backup'. The role operator has it/).waitFor();
    expect(await barriers(page)).toEqual([]);
  });

  test('a session that ends in the middle leaves what was typed, also in a dialog', async () => {
    await openAs(editor, '/jobs/sales-load/definition');
    await page.evaluate('window.loadedOnce = true');
    await command().fill('echo typed');
    await server.ask('POST', '/api/v1/sessions/end', { id: editor.id });
    await command().fill('echo typed more');
    await page.getByText('Your session has ended.').waitFor();
    expect(await page.getByRole('banner').isVisible()).toBe(false);
    await fits();
    await typeToken(editor.token);
    await page.getByRole('banner').waitFor();
    expect(await command().inputValue()).toBe('echo typed more');
    await page.getByText('Live', { exact: true }).waitFor();
    await button('Save').click();
    await page.getByText(/this is revision/).waitFor();

    await page.getByRole('link', { name: 'Overview', exact: true }).click();
    await button('Mute').click();
    const dialog = page.getByRole('dialog', { name: 'Mute sales-load' });
    await dialog.getByLabel('Reason').fill('a long reason');
    await server.ask('POST', '/api/v1/sessions/end', { id: editor.id });
    await dialog.getByRole('button', { name: 'Mute' }).click();
    await page.getByText('Your session has ended.').waitFor();
    await typeToken(editor.token);
    expect(await dialog.getByLabel('Reason').inputValue()).toBe('a long reason');
    await dialog.getByRole('button', { name: 'Mute' }).click();
    await page.getByText('sales-load is muted.').waitFor();
    expect(await page.evaluate('window.loadedOnce')).toBe(true);
  });

  test('a page that only watches notices that its session has ended, and then asks for nothing', async () => {
    const short = await tokenWith('for a while', { role: 'viewer' });
    await openAs(short, '/');
    await page.getByText('Live', { exact: true }).waitFor();
    await server.ask('DELETE', `/api/v1/tokens/${short.id}`);
    await page.getByText('Your session has ended.').waitFor();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    // Longer than anything is read again by itself.
    await page.clock.install();
    await page.clock.fastForward(60_000);
    expect(asked).toEqual([]);
    // Somebody else gets pages of their own.
    await typeToken(admin.token);
    await page.getByRole('button', { name: 'You are an admin' }).waitFor();
  });

  test('the next user of a tab finds the edits of the last one only as unsaved edits', async () => {
    const short = await tokenWith('soon gone', { role: 'editor' });
    await openAs(short, '/jobs/ops-broken/definition');
    await command().fill('exit 4');
    await server.ask('DELETE', `/api/v1/tokens/${short.id}`);
    await command().fill('exit 5');
    await page.getByText('Your session has ended.').waitFor();
    await typeToken(admin.token);
    await page.getByText('These are your unsaved edits').waitFor();
    expect(await command().inputValue()).toBe('exit 5');
  });

  test('a token is made, shown once, works, and is revoked', async () => {
    await openAs(admin, '/tokens');
    await button('Create token').click();
    const dialog = page.getByRole('dialog', { name: 'Create a token' });
    await dialog.getByLabel('Name', { exact: true }).fill('nightly');
    await dialog.getByLabel('Role', { exact: true }).selectOption('viewer');
    await dialog.getByLabel('Jobs').fill('sales-*');
    await dialog.getByLabel('Labels').fill('team=sales');
    await dialog.getByLabel('Also the output of runs').check();
    await dialog
      .getByText('It is viewer for jobs named sales-* with the label team=sales, and sees output of runs.')
      .waitFor();
    await fits();
    await dialog.getByRole('button', { name: 'Create' }).click();
    const made = page.getByRole('dialog', { name: 'The token nightly' });
    const text = await made.getByLabel('Token', { exact: true }).inputValue();
    await made.getByText('it is not shown again').waitFor();
    await fits();
    await made.getByRole('button', { name: 'Copy' }).click();
    await made.getByRole('button', { name: 'Copied' }).waitFor();
    await made.getByRole('button', { name: 'Done' }).click();
    expect(await page.getByText(text).count()).toBe(0);

    const asked = () =>
      fetch(`${server.url}/api/v1/me`, { headers: { authorization: `Bearer ${text}` } }).then(
        async (answer) => [answer.status, ((await answer.json()) as { bindings?: unknown }).bindings],
      );
    expect(await asked()).toEqual([
      200,
      [{ role: 'viewer', grants: ['logs'], jobs: 'sales-*', labels: { team: 'sales' } }],
    ]);
    await fits();
    await button('Revoke nightly').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await button('Revoke nightly').waitFor({ state: 'detached' });
    expect((await asked())[0]).toBe(401);
  });

  test('the audit says who did what, before and after, and finds what was refused', async () => {
    await server.ask('PUT', '/api/v1/jobs/sales-load', { run: { command: 'echo first' } });
    await server.ask('PUT', '/api/v1/jobs/sales-load', { run: { command: 'echo second' } });
    await fetch(`${server.url}/api/v1/jobs/ops-backup/pause`, {
      method: 'POST',
      headers: { authorization: `Bearer ${editor.token}` },
    });
    await openAs(admin, '/jobs/sales-load');
    await page.getByRole('link', { name: 'Who did what' }).click();
    const first = page.locator('.audit > tbody > tr').filter({ hasText: 'Saved the job' }).first();
    await first.locator('summary').click();
    await first.locator('del', { hasText: 'echo first' }).waitFor();
    await first.locator('ins', { hasText: 'echo second' }).waitFor();
    await fits();
    await button('Refused only').click();
    await page.waitForURL(/outcome=refused/);
    await page.getByLabel('On what').fill('');
    await page.getByLabel('On what').press('Enter');
    await page.getByLabel('Who').fill('an editor');
    await page.getByLabel('Who').press('Enter');
    await page.waitForURL(/by=an\+editor/);
    await page
      .getByText(/needs the permission operate on 'ops-backup'/)
      .first()
      .waitFor();
    expect(await page.locator('.audit > tbody > tr').filter({ hasNotText: 'Refused' }).count()).toBe(0);
  });

  test('the audit of 5,000 lines is read page by page', async () => {
    const jobs = Array.from({ length: 5_000 }, (_, n) => ({ name: `many-${n}`, run: { command: 'true' } }));
    const { status } = await server.ask('POST', '/api/v1/apply', jobs);
    expect(status).toBe(200);
    await openAs(admin, '/audit');
    const rows = page.locator('.audit > tbody > tr');
    await rows.first().waitFor();
    expect(await rows.count()).toBeLessThanOrEqual(100);
    const newest = await rows.first().textContent();
    await button('Older').click();
    await page.waitForURL(/cursor=/);
    await eventually(
      () => rows.first().textContent(),
      (text) => text !== newest,
    );
    await page.getByLabel('On what').fill('many-7');
    await page.getByLabel('On what').press('Enter');
    await page.getByRole('link', { name: 'many-7', exact: true }).waitFor();
    expect(await rows.count()).toBe(1);
  });

  test('a log-in that was refused elsewhere is explained, with the time to wait counted down', async () => {
    await page.goto('/log-in?refused=FORBIDDEN');
    await page.getByText('you have no role here').waitFor();
    await fits();
    await page.goto('/log-in?refused=PROVIDER_UNAVAILABLE');
    await page.getByText('The identity provider does not respond.').waitFor();
    await page.clock.install();
    await page.goto('/log-in?refused=TOO_MANY_ATTEMPTS&wait=12');
    await page.getByText('Try again in 12 s.').waitFor();
    await page.clock.fastForward(5_000);
    await page.getByText('Try again in 7 s.').waitFor();
    // Words in the address are nobody's.
    await page.goto('/log-in?refused=Call+0900&wait=soon');
    await page.getByText('The log-in failed. Begin again.').waitFor();
    expect(await page.getByText('0900').count()).toBe(0);
    await typeToken(viewer.token);
    await page.waitForURL((url) => url.pathname === '/');
    await page.getByRole('banner').waitFor();
  });
});

describe.skipIf(!hasBrowser)('without log-ins', () => {
  test('the user of the server has everything at once, and a small name', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'carillon-local-'));
    const own = await Server.start(dir);
    const chromium = await openBrowser();
    try {
      const { page: mine, faults } = await openPage(chromium, own.url);
      await mine.goto('/');
      await mine.getByRole('banner').getByRole('link', { name: 'New job' }).waitFor();
      await mine.getByRole('button', { name: /^You are / }).click();
      await mine.getByText('Admin for everything.').waitFor();
      expect(await mine.getByRole('button', { name: 'Log out' }).count()).toBe(0);
      await mine.getByRole('link', { name: 'Tokens' }).click();
      await mine.getByText('There are no tokens yet.').waitFor();
      expect(await barriers(mine)).toEqual([]);
      expect(faults).toEqual([]);
    } finally {
      await chromium.close();
      await own.end('SIGTERM');
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
