/** What a person has typed into an editor is lost only when they say so. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Server } from '../support/server.ts';
import { until } from '../support/until.ts';
import { barriers, hasBrowser, openBrowser, openPage, type Watched } from './browser.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const dataDir = mkdtempSync(join(tmpdir(), 'carillon-unsaved-'));
let server: Server;
let browser: Browser;
let watched: Watched;
let page: Page;

describe.skipIf(!hasBrowser)('unsaved edits', () => {
  beforeAll(async () => {
    server = await Server.start(dataDir);
    browser = await openBrowser();
    await server.ask('PUT', '/api/v1/jobs/nightly', {
      schedule: { cron: '0 2 * * *', timezone: 'Europe/Berlin' },
      run: { command: 'true' },
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
    const { faults } = watched;
    await page.context().close();
    expect(faults).toEqual([]);
  });

  const command = () => page.getByLabel(/Command/).first();
  const question = () => page.getByRole('dialog', { name: 'Leave without saving?' });
  const answer = (word: string) => question().getByRole('button', { name: word }).click();
  const asksBeforeLeaving = () =>
    page.evaluate<boolean>("!dispatchEvent(new Event('beforeunload', { cancelable: true }))");
  const edit = async (text: string) => {
    await page.goto('/jobs/nightly');
    await page.getByRole('link', { name: 'Edit' }).click();
    await command().fill(text);
  };

  test('a time zone is typed letter by letter, and the preview follows once it is one', async () => {
    await page.goto('/new?template=cron');
    await page.getByLabel('Name', { exact: true }).fill('in-berlin');
    const zone = page.getByLabel('Time zone');
    await zone.fill('');
    await zone.pressSequentially('Europe/Berlin', { delay: 20 });
    await page
      .getByRole('region', { name: 'Preview' })
      .getByText(/CET|CEST|Europe\/Berlin/)
      .first()
      .waitFor();
    await zone.press('Backspace');
    await page
      .getByText(/Europe\/Berli/)
      .last()
      .waitFor();
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('in-berlin');
    expect(await zone.inputValue()).toBe('Europe/Berli');
  });

  test('are asked about by a link: staying keeps them, leaving gives them up', async () => {
    await edit('echo typed');
    await page.getByRole('link', { name: 'Runs', exact: true }).first().click();
    expect(await barriers(page)).toEqual([]);
    await answer('Stay');
    expect(await command().inputValue()).toBe('echo typed');
    await page.waitForURL(/definition$/);
    await page.getByRole('link', { name: 'Runs', exact: true }).first().click();
    await answer('Leave');
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
    await page.goto('/jobs/nightly/definition');
    expect(await command().inputValue()).toBe('true');
  });

  test('are asked about by the button back, which then goes where it led to', async () => {
    await edit('echo typed');
    for (const word of ['Stay', 'Leave']) {
      await page.evaluate('history.back()');
      await question().waitFor();
      await page.waitForURL(/nightly\/definition$/);
      await answer(word);
      if (word === 'Stay') expect(await command().inputValue()).toBe('echo typed');
    }
    await page.waitForURL('**/jobs/nightly');
    await page.getByRole('link', { name: 'Edit' }).waitFor();
    expect(await page.getByRole('dialog').count()).toBe(0);
  });

  test('are asked about by a reload, and are there again after it', async () => {
    await edit('echo typed');
    const asked: string[] = [];
    page.on('dialog', (dialog) => {
      asked.push(dialog.type());
      void dialog.accept();
    });
    // The browser hears of the page's listener a moment after the edit. The page's answer comes behind that.
    await until('the page asks before it is left', asksBeforeLeaving);
    await page.reload();
    expect(asked).toEqual(['beforeunload']);
    await page.getByText(/These are your unsaved edits/).waitFor();
    expect(await command().inputValue()).toBe('echo typed');
    expect(await barriers(page)).toEqual([]);
    await page.getByRole('button', { name: 'Discard them' }).click();
    expect(await command().inputValue()).toBe('true');
    await page.reload();
    expect(await command().inputValue()).toBe('true');
    expect(asked).toEqual(['beforeunload']);
  });

  test('that came back still belong to the revision that they began from', async () => {
    await edit('echo typed');
    page.on('dialog', (dialog) => void dialog.accept());
    await server.ask('PUT', '/api/v1/jobs/nightly', {
      schedule: { cron: '0 3 * * *', timezone: 'Europe/Berlin' },
      run: { command: 'true' },
    });
    await page.getByText(/saved revision/).waitFor();
    await page.reload();
    await page.getByText(/saved revision/).waitFor();
    expect(await command().inputValue()).toBe('echo typed');
    await page.getByRole('button', { name: 'Save' }).click();
    await page
      .getByText(/revision/i)
      .first()
      .waitFor();
    const { body } = await server.ask<{ definition: { run: { command: string } } }>(
      'GET',
      '/api/v1/jobs/nightly',
    );
    expect(body.definition.run.command).toBe('true');
    await page.getByRole('button', { name: /Start again/ }).click();
    expect(await command().inputValue()).toBe('true');
  });

  test('in YAML that cannot be read yet come back as they were', async () => {
    await page.goto('/jobs/nightly/definition?as=yaml');
    const area = page.getByLabel('The definition as YAML');
    await area.fill('name: nightly\nrun: [');
    page.on('dialog', (dialog) => void dialog.accept());
    await page.goto('/jobs/nightly/definition');
    expect(await area.inputValue()).toBe('name: nightly\nrun: [');
    await page.getByRole('button', { name: 'Discard them' }).click();
  });

  test('in YAML keep their comments when the form was looked at', async () => {
    const typed = '# every night\nname: b\nrun: { command: "true" } # for now\n';
    await page.goto('/new?template=none&as=yaml');
    const area = page.getByLabel('The definition as YAML');
    await area.fill(typed);
    await page.getByRole('button', { name: 'Form' }).click();
    await page.getByRole('button', { name: 'YAML' }).click();
    expect(await area.inputValue()).toBe(typed);
    await page.getByRole('button', { name: 'Form' }).click();
    await command().fill('echo changed');
    await page.getByRole('button', { name: 'YAML' }).click();
    expect(await area.inputValue()).toBe('name: b\nrun:\n  command: echo changed\n');
  });

  test('of a schedule are there again when another kind was looked at', async () => {
    await page.goto('/new?template=cron');
    await page.getByLabel('Cron expression').fill('5 6 * * *');
    await page.getByLabel('Repeat').check();
    await page.getByLabel('Manual').check();
    await page.getByLabel('Cron schedule').check();
    expect(await page.getByLabel('Cron expression').inputValue()).toBe('5 6 * * *');
  });

  test('of a job that somebody deletes meanwhile stay, and can be saved as that job anew', async () => {
    const path = '/api/v1/jobs/gone';
    await server.ask('PUT', path, { run: { command: 'true' } });
    await page.goto('/jobs/gone/definition');
    await command().fill('echo typed');
    await server.ask('DELETE', path);
    await page.getByText('There is no job with this name.').waitFor();
    expect(await command().inputValue()).toBe('echo typed');
    page.on('dialog', (dialog) => void dialog.accept());
    await page.reload();
    await page.getByText(/These are your unsaved edits/).waitFor();
    expect(await command().inputValue()).toBe('echo typed');
    expect(await barriers(page)).toEqual([]);
    await page.getByRole('button', { name: 'Create again' }).click();
    await page.getByRole('button', { name: 'Save' }).waitFor();
    const { body } = await server.ask<{ revision: number; definition: { run: object } }>('GET', path);
    expect(body).toMatchObject({ definition: { run: { command: 'echo typed' } } });
    expect(body.revision).toBeGreaterThan(1);
    expect(await command().inputValue()).toBe('echo typed');
  });

  test('that are saved, or none, are not asked about', async () => {
    await edit('echo saved');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText(/this is revision/).waitFor();
    await page.getByRole('link', { name: 'Runs', exact: true }).first().click();
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
    await page.goto('/new?template=none');
    await page.getByLabel('Name', { exact: true }).fill('made');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.waitForURL('**/jobs/made');
    expect(await page.getByRole('dialog').count()).toBe(0);
  });
});
