/** The pages of the web app, each with an address that shows something of a company with a past (`past.ts`). */

import type { Page } from 'playwright-core';

export interface Visit {
  /** Of the screenshot. */
  readonly name: string;
  /** Resolves when what matters is on the page. */
  readonly open: (page: Page) => Promise<unknown>;
}

/** Goes to an address, and waits for its heading and for one thing of what is to be seen there. */
const visit = (name: string, path: string, seen: string): Visit => ({
  name,
  open: async (page) => {
    await page.goto(path);
    await page.locator('main h1').waitFor({ state: 'attached' });
    await page.locator(seen).first().waitFor();
  },
});

export const visits: readonly Visit[] = [
  visit('now', '/', 'main a[href="/jobs/search-index"]'),
  visit('jobs', '/jobs', 'main a[href="/jobs/finance-revenue"]'),
  visit('runs', '/runs', 'main a[href^="/runs/search-suggest."]'),
  {
    name: 'run',
    open: async (page) => {
      await page.goto('/runs?job=sales-extract-berlin');
      await page.locator('main a[href^="/runs/sales-extract-berlin."]').first().click();
      await page.getByRole('heading', { name: 'Timeline' }).waitFor();
      await page.getByRole('button', { name: 'Run again' }).waitFor();
    },
  },
  visit('job', '/jobs/sales-join', 'main a[href^="/runs/sales-join."]'),
  visit('job-definition', '/jobs/sales-join/definition', 'main button:has-text("Save")'),
  visit('job-revisions', '/jobs/sales-join/revisions', 'main h2:has-text("Revision 1")'),
  visit('job-runs', '/jobs/crm-sync/runs', 'main a[href^="/runs/crm-sync."]'),
  visit('job-ledger', '/jobs/crm-sync/ledger', 'main table, main section'),
  visit(
    'job-dependencies',
    '/jobs/sales-join/dependencies',
    'main canvas, main svg.neighbourhood, main section',
  ),
  visit('job-statistics', '/jobs/search-index/statistics', 'main canvas'),
  visit('new', '/new', 'main button:has-text("Manual")'),
  visit('graph', '/graph', 'main canvas'),
  visit('graph-table', '/graph?view=table', 'main table'),
  visit('plots', '/plots', 'main canvas'),
  visit('alerts', '/alerts', 'main table'),
  visit('tokens', '/tokens', 'main section'),
  visit('audit', '/audit', 'main table'),
  visit('cluster', '/cluster', 'main table, main section'),
];
