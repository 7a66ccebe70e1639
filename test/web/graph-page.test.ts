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
const picture = () => page.getByRole('application');

/** The middle of the picture, once the picture is drawn in the size that it has on the page. */
async function middle(): Promise<{ readonly x: number; readonly y: number }> {
  const missing = 'Math.round(canvas.clientWidth * devicePixelRatio) - canvas.width';
  await expect
    .poll(() => page.evaluate(`{ const canvas = document.querySelector('canvas'); ${missing}; }`))
    .toBe(0);
  const { x, y, width, height } = (await picture().boundingBox())!;
  return { x: x + width / 2, y: y + height / 2 };
}

async function selectsInTheMiddle(name: string): Promise<void> {
  await panel().waitFor({ state: 'detached' });
  const { x, y } = await middle();
  await page.mouse.click(x, y);
  await panel().getByRole('heading', { name }).waitFor();
}

/** A page whose picture glides, by a clock that the test can move on. */
async function withMotion(): Promise<void> {
  await page.context().close();
  ({ page, faults } = await openPage(browser, server.url, { reducedMotion: 'no-preference' }));
  await page.clock.install();
}

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

  test('selects what is clicked, in the middle where the panel has put it', async () => {
    await page.goto('/graph?sel=report');
    await shown();
    await panel().getByRole('heading', { name: 'report' }).waitFor();
    await panel().getByRole('button', { name: 'join-all' }).click();
    await panel().getByRole('heading', { name: 'join-all' }).waitFor();
    const beside = await middle();
    await page.mouse.click(beside.x, beside.y + 60);
    await selectsInTheMiddle('join-all');
    expect(faults).toEqual([]);
  });

  test('centres on the selected job, although the browser reports the size after the layout', async () => {
    // As on a page in the background, which has no frames.
    await page.addInitScript(`{
      const Observer = ResizeObserver;
      window.ResizeObserver = class extends Observer {
        observe(element) {
          addEventListener('sizes', () => super.observe(element));
        }
      };
    }`);
    await page.goto('/graph?sel=report');
    await shown();
    await page.evaluate(`dispatchEvent(new Event('sizes'))`);
    await panel().getByRole('button', { name: 'Close' }).click();
    await selectsInTheMiddle('report');
    expect(faults).toEqual([]);
  });

  test('glides to the middle of the picture that the panel leaves', async () => {
    await withMotion();
    await page.goto('/graph');
    await shown();
    await page.getByLabel(/Find a job in the graph/).fill('join');
    await page.keyboard.press('Enter');
    await panel().getByRole('heading', { name: 'join-all' }).waitFor();
    // The panel has made the picture smaller on its way. It arrives within a second.
    await middle();
    await page.clock.runFor(1_000);
    await panel().getByRole('button', { name: 'Close' }).click();
    await selectsInTheMiddle('join-all');
    expect(faults).toEqual([]);
  });

  test('shows all of the graph after a group was opened while the picture glided', async () => {
    await withMotion();
    await page.goto('/graph?group=team');
    await shown();
    await page.getByLabel(/Find a job in the graph/).fill('supply');
    await page.getByText('1 found').waitFor();
    await page.clock.pauseAt((await page.evaluate<number>('Date.now()')) + 1_000);
    await page.keyboard.press('Enter');
    await panel().getByRole('button', { name: 'Open the group' }).click();
    await panel().waitFor({ state: 'detached' });
    await shown();
    await middle();
    const drawn = async () => {
      await page.clock.runFor(1_000);
      return page.evaluate<string>(`document.querySelector('canvas').toDataURL()`);
    };
    const opened = await drawn();
    await page.getByRole('button', { name: 'Show all', exact: true }).click();
    // Not with a matcher, which would print two pictures.
    expect((await drawn()) === opened).toBe(true);
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
    const before = await picture().screenshot();
    await picture().focus();
    for (const key of ['ArrowLeft', 'ArrowLeft', '+']) await page.keyboard.press(key);
    await expect.poll(async () => (await picture().screenshot()).equals(before)).toBe(false);
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
