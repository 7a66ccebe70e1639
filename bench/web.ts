/**
 * Measures the web app with much data in headless Chromium against a real server: the first load, a list of 100,000
 * jobs, and a graph of 10,000. Frame rates are compared with an empty page that draws as often as it can, on the
 * same machine in the same browser.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { JobDefinition } from '../src/scheduler/job/definition.ts';
import buildProgram from '../test/support/program.ts';
import { Server } from '../test/support/server.ts';
import { openBrowser, openPage } from '../test/web/browser.ts';
import { livePast } from '../test/web/past.ts';
import { print } from './rig.ts';
import { layoutFigures } from './web-graph.ts';

const LIST_JOBS = 100_000;
const GRAPH_JOBS = 10_000;
/** Parents of each job in the graph, except the first: 20,000 edges. */
const PARENTS = 2;
const ASKS = 21;
const FRAMES_MS = 3_000;

const command = { command: 'true' };

/** One job in 20 was due in the last hour, so that the order by due time is not trivial. */
const listed = (): JobDefinition[] =>
  Array.from({ length: LIST_JOBS }, (_, n) => ({
    name: `job-${String(n).padStart(6, '0')}`,
    owner: `team-${n % 40}@example.com`,
    labels: { team: `team-${n % 40}` },
    schedule: { cron: n % 20 === 0 ? `${(n / 20) % 60} * * * *` : `${n % 60} 3 * * *` },
    run: command,
  }));

/** Pipelines of 200 jobs, each job waiting for two of the 20 before it. */
const linked = (): JobDefinition[] =>
  Array.from({ length: GRAPH_JOBS }, (_, n) => {
    const at = n % 200;
    const parents = [1, 1 + ((n * 7) % 20)].flatMap((back) => (at - back >= 0 ? [nameOf(n - back)] : []));
    return {
      name: nameOf(n),
      labels: { pipeline: `p${Math.floor(n / 200)}` },
      run: command,
      ...(at === 0
        ? { schedule: { cron: '0 2 * * *' } }
        : { schedule: { after: { parents: [...new Set(parents)].slice(0, PARENTS) } } }),
    };
  });
const nameOf = (n: number): string => `step-${String(n).padStart(5, '0')}`;

export async function run(): Promise<void> {
  buildProgram();
  print('Layout of the graph, as in the page’s worker', layoutFigures());
  const browser = await openBrowser();
  try {
    await withServer(listed(), 3_900_000, async (server) => {
      await firstLoad(browser, server);
      await orders(server);
      await list(browser, server);
    });
    await withServer(linked(), 1_000, (server) => graph(browser, server));
  } finally {
    await browser.close();
  }
}

async function withServer(
  jobs: readonly JobDefinition[],
  lastMs: number,
  measure: (server: Server) => Promise<void>,
): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'carillon-bench-web-'));
  await livePast(dataDir, lastMs, jobs);
  const server = await Server.start(dataDir);
  try {
    await measure(server);
  } finally {
    await server.end('SIGTERM');
    rmSync(dataDir, { recursive: true, force: true });
  }
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const ms = (value: number): string => `${value.toFixed(0)} ms`;

/** Milliseconds until the page shows the element. */
async function until(page: Page, text: string, act: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await act();
  await page.getByText(text).first().waitFor();
  return performance.now() - began;
}

async function firstLoad(browser: Browser, server: Server): Promise<void> {
  const took: number[] = [];
  let bytes = 0;
  for (let ask = 0; ask < 5; ask++) {
    const { page, transferred } = await openPage(browser, server.url);
    took.push(await until(page, 'Next hour', () => page.goto('/')));
    bytes = await transferred();
    await page.context().close();
  }
  const bare = await openPage(browser, server.url);
  const floor = await until(bare.page, 'pong', () => bare.page.goto('/ping'));
  await bare.page.context().close();
  print('First load, nothing cached', [
    ['bytes over the wire', `${(bytes / 1_000).toFixed(0)} kB`],
    ['until the page is usable', ms(median(took))],
    ['a page of one word', ms(floor)],
  ]);
}

/** Response times of the server. The first request for an order sorts the list. */
async function orders(server: Server): Promise<void> {
  const rows: [string, string][] = [];
  for (const query of [
    'sort=name',
    'sort=nextDue',
    'sort=p95&order=desc',
    'sort=state',
    'q=0999&sort=last',
    'state=failing',
  ]) {
    const took: number[] = [];
    for (let ask = 0; ask < ASKS; ask++) {
      const began = performance.now();
      await server.get(`/api/v1/jobs?view=row&limit=100&${query}`);
      took.push(performance.now() - began);
    }
    rows.push([query, `first ${ms(took[0] ?? 0)}, then ${ms(median(took.slice(1)))}`]);
  }
  const overview: number[] = [];
  for (let ask = 0; ask < 5; ask++) {
    const began = performance.now();
    await server.get('/api/v1/overview');
    overview.push(performance.now() - began);
  }
  rows.push(['the overview', ms(median(overview))]);
  print(`A page from 100 among ${LIST_JOBS} jobs`, rows);
}

async function list(browser: Browser, server: Server): Promise<void> {
  const { page } = await openPage(browser, server.url);
  const rows = await until(page, 'job-000001', () => page.goto('/jobs'));
  const [fps, bare] = [await frames(page, scroll), await bareFrames(browser, server)];
  const filter = await until(page, 'job-099990', () => page.getByLabel(/name/i).first().fill('09999'));
  await page.context().close();
  print(`A list of ${LIST_JOBS} jobs`, [
    ['first rows', ms(rows)],
    ['frames per second while scrolling', fps.toFixed(0)],
    ['an empty page', bare.toFixed(0)],
    ['a filter, from typing to its rows', ms(filter)],
  ]);
}

async function graph(browser: Browser, server: Server): Promise<void> {
  const { page } = await openPage(browser, server.url);
  const began = performance.now();
  await page.goto('/graph');
  await page.locator('canvas').first().waitFor();
  await page
    .locator('canvas[data-ready], [data-graph-ready]')
    .first()
    .waitFor({ timeout: 10_000 })
    .catch(() => undefined);
  const shown = performance.now() - began;
  const [fps, bare] = [await frames(page, drag), await bareFrames(browser, server)];
  await page.context().close();
  print(`A graph of ${GRAPH_JOBS} jobs`, [
    ['from the request to the picture', ms(shown)],
    ['frames per second while moving', fps.toFixed(0)],
    ['an empty page', bare.toFixed(0)],
  ]);
}

async function scroll(page: Page): Promise<void> {
  await page.mouse.move(640, 500);
  const until = performance.now() + FRAMES_MS;
  while (performance.now() < until) await page.mouse.wheel(0, 400);
}

async function drag(page: Page): Promise<void> {
  await page.mouse.move(640, 400);
  await page.mouse.down();
  const began = performance.now();
  while (performance.now() < began + FRAMES_MS) {
    const turn = (performance.now() - began) / 200;
    await page.mouse.move(640 + 300 * Math.sin(turn), 400 + 200 * Math.cos(turn));
  }
  await page.mouse.up();
}

/** Frames per second that the page counts during an action. */
async function frames(page: Page, act: (page: Page) => Promise<void>): Promise<number> {
  await page.evaluate(
    'window.frames_ = []; (function next(at) { window.frames_.push(at); requestAnimationFrame(next); })(performance.now())',
  );
  await act(page);
  const seen = (await page.evaluate('window.frames_')) as number[];
  return ((seen.length - 1) * 1_000) / ((seen.at(-1) ?? 0) - (seen[0] ?? 0));
}

async function bareFrames(browser: Browser, server: Server): Promise<number> {
  const { page } = await openPage(browser, server.url);
  await page.goto('/ping');
  const fps = await frames(page, drag);
  await page.context().close();
  return fps;
}
