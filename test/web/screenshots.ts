/**
 * `npm run screenshots`: pictures of each page for docs/screenshots, of a made-up company after ten days. A few
 * are taken in the dark too. Needs the built app and Chromium.
 */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import buildProgram from '../support/program.ts';
import { Server } from '../support/server.ts';
import { openBrowser, openPage } from './browser.ts';
import { dayMs, livePast } from './past.ts';
import { visits } from './visits.ts';

const DAYS = 10;
const inTheDark = new Set(['now', 'job', 'graph']);
const folder = resolve(import.meta.dirname, '../../docs/screenshots');

const dataDir = mkdtempSync(join(tmpdir(), 'carillon-screenshots-'));
const wanted = process.argv.slice(2);
buildProgram();
await livePast(dataDir, DAYS * dayMs);
const server = await Server.start(dataDir, ['--pools', 'warehouse=2,mail=4']);
const browser = await openBrowser();
try {
  // Something that goes on, and a run whose output is still there.
  await server.ask('POST', '/api/v1/jobs/sales-extract-berlin/trigger');
  await server.ask('PUT', '/api/v1/jobs/ops-restore-drill', {
    owner: 'ops@example.com',
    labels: { team: 'ops' },
    run: { command: 'sleep 600' },
    policy: { overlap: 'queue' },
    expect: { startWithin: 'PT1S' },
  });
  await server.ask('PUT', '/api/v1/jobs/ops-restore-report', {
    labels: { team: 'ops' },
    schedule: { after: { parents: ['ops-restore-drill'] } },
    run: { command: 'true' },
  });
  // The second one waits for the first, longer than it says.
  await server.ask('POST', '/api/v1/jobs/ops-restore-drill/trigger');
  await server.ask('POST', '/api/v1/jobs/ops-restore-drill/trigger');
  for (const [name, role] of Object.entries({ 'nightly deployment': 'editor', dashboard: 'viewer' }))
    await server.ask('POST', '/api/v1/tokens', { name, bindings: [{ role, labels: { team: 'sales' } }] });
  mkdirSync(folder, { recursive: true });
  for (const { name, open } of visits) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    for (const colorScheme of ['light', 'dark'] as const) {
      if (colorScheme === 'dark' && !inTheDark.has(name)) continue;
      const { page } = await openPage(browser, server.url, { colorScheme });
      await open(page);
      await page.waitForLoadState('networkidle').catch(() => undefined);
      const file = `${name}${colorScheme === 'dark' ? '-dark' : ''}.png`;
      await page.screenshot({ path: join(folder, file) });
      await page.context().close();
      process.stdout.write(`${file}\n`);
    }
  }
} finally {
  await browser.close();
  await server.quieten('ops-restore-drill');
  await server.end('SIGTERM');
  rmSync(dataDir, { recursive: true, force: true });
}
