/** Every page of the web app, in the light and in the dark: it shows what it is for, and keeps nobody out. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, Server } from '../support/server.ts';
import { barriers, desk, hasBrowser, openBrowser, openPage, type Watched } from './browser.ts';
import { dayMs, livePast } from './past.ts';
import { visits } from './visits.ts';

/** Compressed, as it went over the wire: what a phone on a train can still load. */
const MOST_BYTES = 300_000;

const dataDir = mkdtempSync(join(tmpdir(), 'carillon-pages-'));
let server: Server;
let browser: Browser;

describe.skipIf(!hasBrowser)('the page', () => {
  beforeAll(async () => {
    await livePast(dataDir, dayMs);
    server = await Server.start(dataDir);
    // Everything else is well again.
    await server.ask('PUT', '/api/v1/jobs/broken', { run: { command: 'exit 3' }, owner: 'data team' });
    await server.ask('POST', '/api/v1/jobs/broken/trigger');
    await eventually(
      () => server.all('/api/v1/alerts'),
      (open) => open.length > 0,
    );
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.end('SIGTERM');
    rmSync(dataDir, { recursive: true, force: true });
  });

  const sound = async ({ page, faults }: Watched) => {
    expect(await page.title()).toMatch(/Carillon/);
    expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
    expect(await barriers(page)).toEqual([]);
    expect(faults).toEqual([]);
  };

  test.each(visits)(
    '$name is small, and has no fault and no barrier in the light',
    async ({ open }) => {
      const watched = await openPage(browser, server.url, { colorScheme: 'light' });
      await open(watched.page);
      await sound(watched);
      expect(await watched.transferred()).toBeLessThan(MOST_BYTES);
      await watched.page.context().close();
    },
    90_000,
  );

  test.each(visits)(
    '$name fits on a phone, and has no fault and no barrier in the dark, there and on a desk',
    async ({ open }) => {
      const viewport = { width: 390, height: 844 };
      const watched = await openPage(browser, server.url, { colorScheme: 'dark', viewport });
      await open(watched.page);
      const overflow = await watched.page.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect(overflow).toBeLessThanOrEqual(0);
      await sound(watched);
      await watched.page.setViewportSize(desk);
      await sound(watched);
      await watched.page.context().close();
    },
    90_000,
  );

  test('with the keyboard alone one gets past the frame, and to the search', async () => {
    const { page } = await openPage(browser, server.url);
    await page.goto('/jobs');
    await page.getByText('sales-join').first().waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    // The browser moves the focus to the target of a link in a task of its own.
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('main');
    await page.keyboard.press('/');
    await expect.poll(() => page.evaluate('document.activeElement.tagName')).toBe('INPUT');
    await page.context().close();
  });

  test('of a job that somebody else runs says how to report it, and offers nothing that it cannot do', async () => {
    await server.ask('PUT', '/api/v1/jobs/elsewhere', { schedule: { cron: '0 2 * * *' } });
    const { body } = await server.ask<{ run: string }>('POST', '/api/v1/heartbeats/elsewhere');
    const { page, faults } = await openPage(browser, server.url);
    await page.goto('/jobs/elsewhere');
    await page.getByText(`exec elsewhere -- command`).waitFor();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    expect(await page.getByRole('button', { name: 'Run now' }).count()).toBe(0);
    await page.goto(`/runs/${body.run}`);
    await page.getByText('By somebody else').waitFor();
    expect(await page.getByRole('button', { name: 'Run again' }).count()).toBe(0);
    expect(await page.getByText('Launched on').count()).toBe(0);
    expect(await barriers(page)).toEqual([]);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  test('of alerts says who takes care of one, once somebody does', async () => {
    const { page, faults } = await openPage(browser, server.url);
    await page.goto('/alerts');
    const row = page.getByRole('row').filter({ hasText: 'broken' });
    await row.getByRole('button', { name: 'Acknowledge failed of broken' }).click();
    await row.getByRole('button').waitFor({ state: 'detached' });
    const [alert] = await server.all<{ acknowledgedAt: string | null }>('/api/v1/alerts');
    expect(alert?.acknowledgedAt).not.toBeNull();
    expect(faults).toEqual([]);
    await page.context().close();
  });

  test('of a job shows its alerts, and mutes them for a time', async () => {
    const { page, faults } = await openPage(browser, server.url);
    await page.goto('/jobs/broken');
    const panel = page.getByRole('region', { name: 'Alerts' });
    await panel.getByText('exit code 3').waitFor();
    await page.getByRole('button', { name: 'Mute', exact: true }).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.getByRole('button', { name: 'Mute' }).isDisabled()).toBe(true);
    await dialog.getByLabel('For').selectOption('4 hours');
    await dialog.getByLabel('Reason').fill('the disk is being changed');
    expect(await barriers(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Mute' }).click();
    await panel.getByText('the disk is being changed').waitFor();
    const muted = async () => {
      const job = await server.get<{ muted: { until: string } | null }>('/api/v1/jobs/broken');
      return job.muted === null ? 0 : Math.round((Date.parse(job.muted.until) - Date.now()) / 3_600_000);
    };
    expect(await muted()).toBe(4);
    expect(await barriers(page)).toEqual([]);
    await panel.getByRole('button', { name: 'Unmute' }).click();
    await panel.getByText('the disk is being changed').waitFor({ state: 'detached' });
    expect(await muted()).toBe(0);
    expect(faults).toEqual([]);
    await page.context().close();
  });
});
