/**
 * A real browser for the tests of the web app: Debian's Chromium without windows, which takes a third less time than the
 * whole one. What a page must not do is written down as it happens: errors on its console, scripts that fail, what its
 * security policy refused.
 */

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const program = '/usr/bin/chromium-headless-shell';
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** False where the machine has no Chromium: these tests are skipped there, as install.sh says. */
export const hasBrowser = existsSync(program);

/** What a page is on a desk. */
export const desk = { width: 1280, height: 800 } as const;

/** A page under a loaded machine still gets this long for one thing. */
const PATIENCE_MS = 30_000;

export async function openBrowser(): Promise<Browser> {
  // Root in a container has no sandbox to enter.
  return chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

export interface Watched {
  readonly page: Page;
  /** What went wrong in the page, in its own words. */
  readonly faults: string[];
  /** Bytes that the server sent for the page and its files, as they went over the wire. */
  transferred(): Promise<number>;
}

/** A page of its own, without anything that others left behind. */
export async function openPage(
  browser: Browser,
  baseURL: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({
    baseURL,
    viewport: desk,
    timezoneId: 'Europe/Berlin',
    locale: 'en-GB',
    reducedMotion: 'reduce',
    ...options,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.stack ?? error.message));
  page.on('console', (message) => {
    // An answer that is no success is shown to people, and is none of the script's faults.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      faults.push(message.text());
  });
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  let bytes = 0;
  session.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
  return { page, faults, transferred: async () => bytes };
}

/** What keeps people out, in words; only what axe calls serious or critical. */
export async function barriers(page: Page): Promise<string[]> {
  // Injected as a source of its own: the page's policy allows no inline script.
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: readFileSync(axe, 'utf8') });
  const { result } = await session.send('Runtime.evaluate', {
    expression: 'axe.run(document, { resultTypes: ["violations"] }).then((found) => JSON.stringify(found))',
    awaitPromise: true,
    returnByValue: true,
  });
  const { violations } = JSON.parse(String(result.value)) as AxeResults;
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} (${failureSummary?.slice(0, 200)})`).join(' | ')}`,
    );
}
