/** The editor says everything that is wrong with a definition, and each thing once. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Server } from '../support/server.ts';
import { barriers, hasBrowser, openBrowser, openPage, type Watched } from './browser.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const dataDir = mkdtempSync(join(tmpdir(), 'carillon-editor-'));
let server: Server;
let browser: Browser;
let watched: Watched;
let page: Page;

describe.skipIf(!hasBrowser)('the editor', () => {
  beforeAll(async () => {
    server = await Server.start(dataDir);
    browser = await openBrowser();
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
    const { faults } = watched;
    await page.context().close();
    expect(faults).toEqual([]);
  });

  const problems = () => page.locator('.field-error').allInnerTexts();
  const plan = () => page.getByRole('region', { name: 'Preview' });

  test('marks every wrong field in the form, and says elsewhere only what no field shows', async () => {
    await page.goto('/new?template=cron');
    await page.getByLabel('Cron expression').fill('99 * * * *');
    await plan().getByText('Correct the marked field to save.').waitFor();
    await page.getByLabel('Name', { exact: true }).fill('a');
    // The verdict about the empty name is not said of this one.
    expect(await problems()).toHaveLength(1);
    await page.getByLabel('Name', { exact: true }).fill('a b');
    await plan().getByText('Correct the 2 marked fields to save.').waitFor();
    const marked = await problems();
    expect(marked).toHaveLength(2);
    expect(marked.map((text) => text.trim().slice(0, 16))).toEqual(['name is "a b". A', 'The minute field']);
    expect(await page.locator('[aria-invalid=true]').count()).toBe(2);
    expect(await barriers(page)).toEqual([]);
    await page.getByRole('button', { name: 'YAML' }).click();
    await plan().getByText('The minute field').waitFor();
    expect(await problems()).toHaveLength(2);
    await page
      .getByLabel('The definition as YAML')
      .fill('name: a\nrun: { comand: x }\nschedule: 0 1 * * *\n');
    await plan().getByText('Did you mean `schedule: { cron: "0 1 * * *" }`?').waitFor();
    expect(await problems()).toHaveLength(2);
  });

  test('says that a job keeps its name, and saves none under another', async () => {
    await server.ask('PUT', '/api/v1/jobs/nightly', { run: { command: 'true' } });
    await page.goto('/jobs/nightly/definition?as=yaml');
    await page.getByLabel('The definition as YAML').fill('name: daily\nrun: { command: "true" }\n');
    await plan().getByText('The name of a job, nightly, cannot change.').waitFor();
    expect(await problems()).toHaveLength(1);
    expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
    await page.getByLabel('The definition as YAML').fill('name: nightly\nrun: { command: "false" }\n');
    await plan().getByText('Saves a new revision.').waitFor();
    expect(await problems()).toEqual([]);
    expect(await page.getByRole('button', { name: 'Save' }).isEnabled()).toBe(true);
    await page.getByLabel('The definition as YAML').fill('name: nightly\nrun: { command: "true" }\n');
  });

  test('says nothing about fields of a new job that nobody has filled in', async () => {
    for (const template of ['at', 'after', 'none']) {
      await page.goto(`/new?template=${template}`);
      await plan().getByText('Creates a new job, once it has a name.').waitFor();
      expect(await problems()).toEqual([]);
    }
  });
});
