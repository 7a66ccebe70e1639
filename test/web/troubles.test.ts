/** The web app on a bad night: long names, a full pool, runs that wait for each other, jobs that are no more. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, Server } from '../support/server.ts';
import { barriers, hasBrowser, openBrowser, openPage } from './browser.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'carillon-troubles-'));
const longName = `reconcile-${'all-shops-'.repeat(11)}end`;
const phone = { viewport: { width: 390, height: 844 } };
let server: Server;
let browser: Browser;

describe.skipIf(!hasBrowser)('on a bad night', () => {
  beforeAll(async () => {
    server = await Server.start(dataDir, ['--pools', 'warehouse=1,mail=2']);
    browser = await openBrowser();
    const put = (name: string, body: object) => server.ask('PUT', `/api/v1/jobs/${name}`, body);
    const endless = { run: { command: 'sleep 600' } };
    await put(longName, { run: { command: 'exit 3' }, description: 'All of it. '.repeat(100) });
    await put('busy', endless);
    await put('load', { ...endless, policy: { pool: 'warehouse', overlap: 'allow' } });
    await put('parent', { run: { command: 'true' } });
    await put('child', { run: { command: 'true' }, schedule: { after: { parents: ['parent'] } } });
    for (const name of [longName, 'busy', 'busy', 'load', 'load'])
      await server.ask('POST', `/api/v1/jobs/${name}/trigger`);
    await eventually(
      () => server.get<{ counts: { failing: number } }>('/api/v1/overview'),
      ({ counts }) => counts.failing === 1,
    );
  });
  afterAll(async () => {
    await browser?.close();
    await server?.quieten('busy', 'load');
    await server?.end('SIGTERM');
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('a long name leaves the reason its room', async () => {
    const { page } = await openPage(browser, server.url);
    await page.goto('/');
    const why = page.getByRole('region', { name: 'Failing' }).locator('.trouble-why');
    expect(await why.textContent()).toBe('exit code 3');
    expect((await why.boundingBox())?.width).toBeGreaterThan(300);
    await page.context().close();
  });

  test('a skipped run names the other one by when it was due, and leads to it, on a phone too', async () => {
    const { page } = await openPage(browser, server.url, phone);
    await page.goto('/jobs/busy/runs');
    const other = page.locator('.cell-why a').first();
    expect(await other.textContent()).toMatch(/^the run due \d\d:\d\d(:\d\d)?$/);
    const place = await other.boundingBox();
    expect((place?.x ?? 999) + (place?.width ?? 999)).toBeLessThan(phone.viewport.width);
    expect(await barriers(page)).toEqual([]);
    await other.click();
    await page.getByRole('button', { name: 'Kill' }).waitFor();
    await page.context().close();
  });

  test('the cluster says which pools are full, and how many wait for them', async () => {
    const { page } = await openPage(browser, server.url);
    await page.goto('/cluster');
    const row = page.getByRole('row', { name: /^warehouse/ });
    await row.waitFor();
    expect(await row.getByRole('cell').allTextContents()).toEqual(['warehouse', '1', '1', '1']);
    await page.context().close();
  });

  test('the ledger of a job that fails half of the time shows it, in the calendar and line by line', async () => {
    const once = join(dataDir, 'once');
    await server.ask('PUT', '/api/v1/jobs/half', {
      schedule: { every: 'R2//PT1S' },
      // Both run, however long the first takes and however late the scheduler is.
      policy: { overlap: 'queue', catchUp: 'all' },
      run: { command: `test ! -e ${once} || exit 3; touch ${once}` },
    });
    await eventually(
      () => server.get<{ items: unknown[] }>('/api/v1/jobs/half/ledger'),
      ({ items }) => items.length === 2,
    );
    const { page } = await openPage(browser, server.url);
    await page.goto('/jobs/half/ledger?scale=month');
    const cell = page.getByRole('button', { name: /: 1 succeeded, 1 failed$/ });
    await cell.click();
    const row = page.getByRole('row', { name: /exit code 3/ });
    await row.getByText('Failed').waitFor();
    await page.getByRole('row', { name: /Succeeded/ }).waitFor();
    // Shape and number say it too, for who sees no colours.
    expect(await cell.locator('.cell-head svg').count()).toBe(1);
    expect(await page.locator('.ledger-legend').getByRole('listitem').allTextContents()).toEqual([
      '1 succeeded',
      '1 failed',
    ]);
    expect(await barriers(page)).toEqual([]);
    await page.context().close();
  });

  test('a long description is short until asked for', async () => {
    const { page } = await openPage(browser, server.url, phone);
    await page.goto(`/jobs/${longName}`);
    const text = page.locator('.job-description');
    const before = (await text.boundingBox())?.height ?? 0;
    await page.getByRole('button', { name: 'Show all' }).click();
    expect((await text.boundingBox())?.height).toBeGreaterThan(before * 2);
    await page.context().close();
  });

  test('what was deleted is not asked for again, and its address says what is left of it', async () => {
    const { page, faults } = await openPage(browser, server.url);
    await page.goto('/jobs/parent');
    const asked: string[] = [];
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByLabel('Delete them too').check();
    page.on('requestfinished', (done) => {
      if (done.method() !== 'DELETE') return;
      page.on(
        'request',
        (request) => /\/jobs\/(parent|child)/.test(request.url()) && asked.push(request.url()),
      );
    });
    await page.getByRole('button', { name: 'Delete 2 jobs' }).click();
    await page.getByText('2 jobs deleted.').waitFor();
    await page.getByRole('link', { name: 'busy' }).waitFor();
    // What comes live comes in order: with this one shown, the deletion has been told, too.
    await server.ask('PUT', '/api/v1/jobs/newest', { run: { command: 'true' } });
    await page.getByRole('link', { name: 'newest' }).waitFor();
    expect(asked).toEqual([]);
    await page.goto('/jobs/parent');
    await page.getByRole('link', { name: 'its revisions' }).click();
    await page.getByRole('button', { name: 'Restore' }).waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  });
});
