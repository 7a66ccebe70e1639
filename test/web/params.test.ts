/** The form for the parameters that jobs declare, in a real browser against a real server. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Server } from '../support/server.ts';
import { hasBrowser, openBrowser, openPage, type Watched } from './browser.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'carillon-params-'));
vi.setConfig({ testTimeout: 120_000 });

let server: Server;
let browser: Browser;
let watched: Watched;
let page: Page;

describe.skipIf(!hasBrowser)('in a browser', () => {
  beforeAll(async () => {
    server = await Server.start(dataDir);
    browser = await openBrowser();
    const params = {
      day: { type: 'date', required: true, description: 'The day to load' },
      region: { values: ['eu', 'us'], default: 'eu' },
      rows: { type: 'integer', minimum: 1, maximum: 10, default: 5 },
    };
    const run = { argv: ['echo', '{{ params.day | date: "%d.%m.%Y" }}'] };
    await server.ask('PUT', '/api/v1/jobs/load', { params, run, labels: { part: 'x' } });
    await server.ask('PUT', '/api/v1/jobs/check', {
      params: { day: { type: 'date' } },
      run,
      labels: { part: 'x' },
    });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.end('SIGTERM');
    rmSync(dataDir, { recursive: true, force: true });
  });
  beforeEach(async () => {
    watched = await openPage(browser, server.url);
    page = watched.page;
  });
  afterEach(async () => {
    await page.context().close();
  });

  const press = (name: string) => page.getByRole('button', { name, exact: true }).click();

  test('one job asks for what it declares, and the server says what is wrong at each input', async () => {
    await page.goto('/jobs/load');
    await press('Run now');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('The day to load.').waitFor();
    await dialog.getByLabel('rows').fill('11');
    await dialog.getByRole('button', { name: 'Run now' }).click();
    await dialog.getByText('params.rows is "11". Allowed: a whole number from 1 to 10.').waitFor();
    await dialog.getByText('params.day is missing. Allowed: a date such as 2026-11-21.').waitFor();
    expect(await dialog.getByRole('alert').count()).toBe(0);
    await dialog.getByLabel('rows').fill('');
    await dialog.getByLabel('day').fill('2026-11-21');
    await dialog.getByLabel('region').selectOption('us');
    await dialog.getByRole('button', { name: 'Run now' }).click();
    await page.waitForURL('**/runs/**');
    for (const text of ['day=2026-11-21', 'region=us', 'rows=5']) await page.getByText(text).waitFor();
    const table = page.getByRole('table').filter({ hasText: 'Template' });
    await table.getByText('21.11.2026').waitFor();
    await table.getByText('run.argv[1]').waitFor();
  });

  test('several jobs ask for what any of them declares', async () => {
    await page.goto('/jobs?label=part%3Dx');
    await page.getByText('All 2').waitFor();
    await press('Run now');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('day').fill('2026-11-21');
    await dialog.getByRole('button', { name: 'Run now 2 jobs' }).click();
    await dialog.getByText('2 triggered.').waitFor();
    for (const name of ['load', 'check']) {
      const { items } = await server.get<{ items: { params: object }[] }>(
        `/api/v1/jobs/${name}/runs?limit=1`,
      );
      expect(items[0]?.params).toMatchObject({ day: '2026-11-21' });
    }
  });
});
