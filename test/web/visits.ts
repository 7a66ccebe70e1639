/** The pages of the web app, each with an address that shows something of a company with a past (`past.ts`). */

import type { Page } from 'playwright-core';

export interface Visit {
  /** Of the screenshot. */
  readonly name: string;
  readonly path: string;
  /** Resolves when what matters is on the page. */
  readonly ready: (page: Page) => Promise<unknown>;
}

const shows =
  (text: string | RegExp) =>
  (page: Page): Promise<unknown> =>
    page.getByText(text).first().waitFor();

export const visits: readonly Visit[] = [
  { name: 'now', path: '/', ready: shows('crm-sync') },
  { name: 'jobs', path: '/jobs', ready: shows('finance-revenue') },
  { name: 'runs', path: '/runs', ready: shows('search-suggest') },
  { name: 'job', path: '/jobs/sales-join', ready: shows('sales-join') },
  { name: 'job-definition', path: '/jobs/sales-join/definition', ready: shows('finishBy') },
  { name: 'job-revisions', path: '/jobs/sales-join/revisions', ready: shows('ada@example.com') },
  { name: 'job-runs', path: '/jobs/crm-sync/runs', ready: shows('succeeded') },
  { name: 'job-ledger', path: '/jobs/crm-sync/ledger', ready: shows('crm-sync') },
  { name: 'new', path: '/new', ready: shows('New job') },
  { name: 'graph', path: '/graph', ready: (page) => page.locator('canvas').first().waitFor() },
  { name: 'graph-table', path: '/graph?view=table', ready: shows('sales-join') },
  { name: 'plots', path: '/plots', ready: (page) => page.locator('canvas, svg').first().waitFor() },
  { name: 'cluster', path: '/cluster', ready: shows('leader') },
];
