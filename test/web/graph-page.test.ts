/** The graph page in a real browser, with keyboard and mouse, against a real server. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Server } from '../support/server.ts';
import { hasBrowser, openBrowser, openPage } from './browser.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'carillon-graph-'));
const command = { command: 'true' };
const job = (name: string, team: string, ...parents: string[]) => ({
  name,
  labels: { team },
  run: command,
  ...(parents.length > 0 && { schedule: { after: { parents } } }),
});
const jobs = [
  job('extract-orders', 'sales'),
  job('extract-stock', 'supply'),
  job('load-orders', 'sales', 'extract-orders'),
  job('join-all', 'finance', 'load-orders', 'extract-stock'),
  job('report', 'finance', 'join-all'),
  job('apart', 'supply'),
];

let server: Server;
let browser: Browser;
let page: Page;
let faults: string[];

const shown = () => page.locator('[data-graph-ready]').waitFor();
const panel = () => page.getByRole('complementary');

describe.skipIf(!hasBrowser)('the graph page', () => {
  beforeAll(async () => {
    server = await Server.start(dataDir);
    browser = await openBrowser();
    const { status } = await server.ask('POST', '/api/v1/apply', jobs);
    expect(status).toBe(200);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.end('SIGTERM');
    rmSync(dataDir, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await page?.context().close();
    ({ page, faults } = await openPage(browser, server.url));
  });

  test('finds a job by typing, goes to it, and says what hangs on it', async () => {
    await page.goto('/graph');
    await shown();
    await page.getByLabel(/Find a job in the graph/).fill('join');
    await page.keyboard.press('Enter');
    await panel().getByRole('heading', { name: 'join-all' }).waitFor();
    await panel().getByRole('button', { name: 'load-orders' }).waitFor();
    await panel().getByRole('button', { name: 'report' }).waitFor();
    await page.waitForURL(({ searchParams }) => searchParams.get('sel') === 'join-all');
    expect(faults).toEqual([]);
  });

  test('selects what is clicked, in the middle where the search has put it', async () => {
    await page.goto('/graph?sel=report');
    await shown();
    await panel().getByRole('heading', { name: 'report' }).waitFor();
    await panel().getByRole('button', { name: 'join-all' }).click();
    const picture = page.getByRole('application');
    await panel().getByRole('heading', { name: 'join-all' }).waitFor();
    const middle = async () => {
      const { x, y, width, height } = (await picture.boundingBox())!;
      return { x: x + width / 2, y: y + height / 2 };
    };
    const beside = await middle();
    await page.mouse.click(beside.x, beside.y + 60);
    await panel().waitFor({ state: 'detached' });
    // The panel is gone, and the middle is still the middle, once the picture has its new size. Clicks are far apart: two in a
    // moment would be a double click, which opens the job.
    const found = panel().getByRole('heading', { name: 'join-all' });
    const clicked = async () => {
      const { x, y } = await middle();
      await page.mouse.click(x, y);
      return found.waitFor({ timeout: 2_000 }).then(
        () => true,
        () => false,
      );
    };
    await expect.poll(clicked).toBe(true);
    expect(faults).toEqual([]);
  });

  test('shows only what hangs on a job when asked to', async () => {
    await page.goto('/graph?sel=load-orders');
    await shown();
    await page.getByRole('button', { name: 'Show related jobs only' }).click();
    await page.getByText('not run yet 4').waitFor();
    await page.waitForURL(({ searchParams }) => searchParams.get('job') === 'load-orders');
    await page.getByRole('button', { name: 'Show all jobs' }).click();
    await page.getByText('not run yet 6').waitFor();
  });

  test('says the same in a table, filtered by the address', async () => {
    await page.goto('/graph?view=table&q=load');
    const row = page.getByRole('row').filter({ hasText: 'load-orders' });
    await row.waitFor();
    expect(await row.textContent()).toMatch(/extract-orders[\s\S]*join-all/);
    expect(await page.getByRole('row').count()).toBe(2);
    expect(faults).toEqual([]);
  });

  test('collapses groups and opens them', async () => {
    await page.goto('/graph?group=team&sel=group:finance');
    await shown();
    await panel().getByText('2 jobs').waitFor();
    await panel().getByRole('button', { name: 'Open the group' }).click();
    await page.getByRole('button', { name: 'Close all groups' }).waitFor();
    await page.waitForURL(({ searchParams }) => `${searchParams.getAll('open')}` === 'finance');
  });

  test('moves by keys', async () => {
    await page.goto('/graph');
    await shown();
    const picture = page.getByRole('application');
    const before = await picture.screenshot();
    await picture.focus();
    for (const key of ['ArrowLeft', 'ArrowLeft', '+']) await page.keyboard.press(key);
    await expect.poll(async () => (await picture.screenshot()).equals(before)).toBe(false);
    expect(faults).toEqual([]);
  });

  test('is live: a run that succeeds is seen without a reload', async () => {
    await page.goto('/graph');
    await shown();
    await page.getByText('not run yet 6').waitFor();
    await server.ask('POST', '/api/v1/jobs/apart/trigger');
    await page.getByText('succeeded 1').waitFor();
    await page.getByText('not run yet 5').waitFor();
  });
});
