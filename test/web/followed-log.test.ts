/** The output of a run in the web app, over a server that is killed and comes back. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Server } from '../support/server.ts';
import { hasBrowser, openBrowser, openPage } from './browser.ts';

test.skipIf(!hasBrowser)(
  'each line is shown once, and none moves',
  async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'carillon-shown-'));
    const gate = join(dataDir, 'gate');
    let server = await Server.start(dataDir);
    const browser = await openBrowser();
    try {
      const command = `print() { for i in $(seq $1 $2); do echo "é $i"; echo same >&2; done; }
      print 1 50; printf begun; until [ -e ${gate} ]; do sleep 0.02; done; echo; print 51 90`;
      await server.ask('PUT', '/api/v1/jobs/shown', { run: { command } });
      const { body } = await server.ask<{ id: string }>('POST', '/api/v1/jobs/shown/trigger');
      const { page, faults } = await openPage(browser, server.url);
      await page.goto(`/runs/${body.id}`);
      await page.getByText('begun', { exact: true }).waitFor();
      const keep = page.locator('.line').first();
      await keep.evaluate((line) => {
        (line as { kept?: boolean }).kept = true;
      });
      const { port } = new URL(server.url);
      await server.end('SIGKILL');
      await page.getByText('connection lost, reconnecting', { exact: false }).waitFor();
      writeFileSync(gate, '');
      server = await Server.start(dataDir, ['--port', port]);
      await page.getByText('é 90', { exact: true }).waitFor();
      await page.getByText(/^181 lines$/).waitFor();
      const numbers = (from: number, to: number) =>
        Array.from({ length: to - from + 1 }, (_, i) => `é ${from + i}`);
      const shown = await page.locator('.line-stdout').allTextContents();
      expect(shown).toEqual([...numbers(1, 50), 'begun', ...numbers(51, 90)]);
      expect(await page.locator('.line-stderr').count()).toBe(90);
      expect(await keep.evaluate((line) => (line as { kept?: boolean }).kept)).toBe(true);
      expect(faults).toEqual([]);
    } finally {
      await browser.close();
      await server.end('SIGTERM');
      rmSync(dataDir, { recursive: true, force: true });
    }
  },
  180_000,
);
