/** The web app from a node that follows: it shows and changes the same, and lives through a change of leader. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, Server } from '../support/server.ts';
import { ZooKeeper, zookeeperMissing } from '../support/zookeeper.ts';
import { hasBrowser, openBrowser, openPage } from './browser.ts';

const dir = mkdtempSync(join(tmpdir(), 'carillon-follower-'));
let zookeeper: ZooKeeper;
let browser: Browser;
let leader: Server;
let follower: Server;

interface Cluster {
  readonly leader: { readonly url: string } | null;
  readonly members: readonly unknown[];
}

describe.skipIf(!hasBrowser || zookeeperMissing !== null)('on a follower', () => {
  const start = (name: string) =>
    Server.start(join(dir, name), [...zookeeper.at('/web'), '--zk-session-timeout', 'PT4S']);

  beforeAll(async () => {
    zookeeper = await ZooKeeper.start({ nodes: 1, tickMs: 200 });
    leader = await start('one');
    const leads = (cluster: Cluster) => cluster.leader?.url === leader.url;
    await eventually(() => leader.get<Cluster>('/api/v1/cluster'), leads);
    follower = await start('two');
    await eventually(
      () => follower.get<Cluster>('/api/v1/cluster'),
      ({ members }) => members.length === 2,
    );
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await follower?.end('SIGTERM');
    await leader?.end('SIGKILL');
    await zookeeper?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test('a page shows and changes the same, and goes on under the next leader without being loaded again', async () => {
    const { page, faults } = await openPage(browser, follower.url);
    await page.goto('/jobs');
    await page.getByText('Live', { exact: true }).waitFor();
    await leader.ask('POST', '/api/v1/jobs', { name: 'on-the-leader', run: { command: 'true' } });
    const made = page.locator('main a[href="/jobs/on-the-leader"]').first();
    await made.waitFor();
    await page.evaluate('window.loadedOnce = true');

    await made.click();
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Resume', exact: true }).waitFor();
    expect((await leader.get<{ status: string }>('/api/v1/jobs/on-the-leader')).status).toBe('paused');

    await leader.end('SIGKILL');
    await eventually(
      () => follower.get<Cluster>('/api/v1/cluster'),
      (cluster) => cluster.leader?.url === follower.url,
    );
    await page.getByRole('button', { name: 'Resume', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Pause', exact: true }).waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await page.evaluate('window.loadedOnce')).toBe(true);
    expect(faults).toEqual([]);
    await page.context().close();
  }, 120_000);
});
