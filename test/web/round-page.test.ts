/** The page of a round in a real browser, and what it computes. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WireGrid } from '../../src/api/wire/grid.ts';
import type { JobDefinition } from '../../src/scheduler/job/definition.ts';
import { Server } from '../support/server.ts';
import { barriers, hasBrowser, openBrowser, openPage } from './browser.ts';
import { dayMs, livePast } from './past.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'carillon-round-'));
const after = (name: string, ...parents: string[]): JobDefinition => ({
  name,
  run: { command: 'true' },
  schedule: { after: { parents, when: 'all-done' } },
});
const jobs: JobDefinition[] = [
  { name: 'load', run: { command: 'true' }, schedule: { cron: '0 */6 * * *' } },
  after('clean', 'load'),
  after('zip', 'load'),
  after('report', 'clean', 'zip'),
];

describe.skipIf(!hasBrowser)('the page of a round', () => {
  let server: Server;
  let browser: Browser;
  let dues: string[];

  beforeAll(async () => {
    await livePast(dataDir, dayMs, jobs);
    server = await Server.start(dataDir);
    browser = await openBrowser();
    const { columns } = (await server.ask('GET', '/api/v1/grid?root=load')).body as WireGrid;
    dues = columns.map(({ from }) => from);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.end('SIGTERM');
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('draws the round, says what its end waited for, and compares it with another', async () => {
    const { page, faults } = await openPage(browser, server.url);
    await page.goto(`/rounds/load/${dues[1]}`);
    await page.getByText(/Its end waited for load → (clean|zip) → report/).waitFor();
    await page.locator('[data-graph-ready]').waitFor();
    expect(await page.locator('.round-gantt .round-bar').count()).toBe(4);
    expect(await page.locator('.round-path').getAttribute('d')).toMatch(/^M.*V.*H.*M.*V.*H/);
    await page.getByLabel('Compare with another round').selectOption(dues[0]!);
    await page.getByText(/Compared with/).waitFor();
    await page.getByRole('columnheader', { name: 'Difference' }).waitFor();
    const row = page.getByRole('row').filter({ hasText: 'report' });
    expect(await row.textContent()).toMatch(/[+−]\d/);
    expect(await barriers(page)).toEqual([]);
    await page.getByRole('link', { name: 'Round after' }).click();
    await page.waitForURL(({ pathname }) => decodeURIComponent(pathname) === `/rounds/load/${dues[2]}`);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  test('is reached from the grid, and the graph shows the same round', async () => {
    const { page, faults } = await openPage(browser, server.url, { viewport: { width: 390, height: 780 } });
    await page.goto(`/grid?root=load&job=clean&at=${dues[1]}`);
    await page.getByRole('link', { name: 'Show the round' }).click();
    await page.getByRole('heading', { name: 'Round of load' }).waitFor();
    expect(
      await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth'),
    ).toBeLessThanOrEqual(0);
    await page.getByRole('link', { name: 'Graph', exact: true }).last().waitFor();
    await page.goto(`/graph?job=load&round=${dues[1]}&view=table`);
    await page
      .getByRole('row')
      .filter({ hasText: 'clean' })
      .getByText(/succeeded|failing/)
      .first()
      .waitFor();
    await page.getByRole('button', { name: /in the round of/ }).click();
    await page.waitForURL(({ searchParams }) => !searchParams.has('round'));
    expect(faults).toEqual([]);
    await page.context().close();
  });
});
