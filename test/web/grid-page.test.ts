/** The grid page in a real browser, with keyboard and mouse, against a real server with a past. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { WireGrid } from '../../src/api/wire/grid.ts';
import type { JobDefinition } from '../../src/scheduler/job/definition.ts';
import { Server } from '../support/server.ts';
import { barriers, hasBrowser, openBrowser, openPage } from './browser.ts';
import { dayMs, livePast } from './past.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'carillon-grid-'));
const run = { command: 'true' };
const job = (name: string, team: string, schedule: JobDefinition['schedule']): JobDefinition => ({
  name,
  labels: { team },
  run,
  ...(schedule !== undefined && { schedule }),
});
const jobs = [
  job('load', 'sales', { cron: '0 */6 * * *' }),
  job('clean', 'sales', { after: { parents: ['load'] } }),
  job('report', 'finance', { after: { parents: ['clean'] } }),
  { ...job('idle', 'ops', { cron: '30 */6 * * *' }), paused: true },
];

let server: Server;
let browser: Browser;
let page: Page;
let faults: string[];

const picture = () => page.getByRole('application');
const details = () => page.getByRole('complementary', { name: 'Selection' });
const parameter = (name: string) => new URL(page.url()).searchParams.get(name);

describe.skipIf(!hasBrowser)('the grid page', () => {
  beforeAll(async () => {
    await livePast(dataDir, 2 * dayMs, jobs);
    server = await Server.start(dataDir);
    browser = await openBrowser();
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

  const grid = async (asked: string): Promise<WireGrid> =>
    (await server.ask('GET', `/api/v1/grid?${asked}`)).body as WireGrid;

  test('moves with the keys, says what the cursor is on, and opens the run', async () => {
    await page.goto('/grid?root=load');
    await picture().focus();
    await page.keyboard.press('ArrowDown');
    await details().getByRole('heading', { name: 'load' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowLeft');
    await details().getByRole('heading', { name: 'clean' }).waitFor();
    const { columns } = await grid('root=load');
    const at = columns.at(-2)?.from ?? '';
    await expect.poll(() => parameter('at')).toBe(at);
    const said = await page.locator('[aria-live="polite"]').allTextContents();
    expect(said.join(' ')).toMatch(/clean, \w{3} \d{4}-\d\d-\d\d \d\d:\d\d: (Succeeded|Failed|Skipped)/);
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/runs\/clean\./);
    expect(faults).toEqual([]);
  });

  test('selects a range with Shift, and runs what did not succeed in it again', async () => {
    await page.goto('/grid?root=load');
    await picture().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Shift+Home');
    await page.keyboard.press('Shift+ArrowDown');
    const { columns } = await grid('root=load');
    await details()
      .getByRole('heading', { name: `${2 * columns.length} cells` })
      .waitFor();
    await expect.poll(() => parameter('job2')).toBe('load');
    await page.keyboard.press('r');
    await page.getByRole('button', { name: 'All that have ended' }).click();
    // The rounds of clean follow from those of load.
    await page.getByText(`${columns.length} of the selected runs among them`).waitFor();
    await page.getByRole('button', { name: `Run ${columns.length} again` }).click();
    await page.getByText(`${columns.length} runs run again.`).waitFor();
    // Shown without a reload.
    await page.getByText('run more than once').waitFor();
    await page.keyboard.press('Escape');
    expect(faults).toEqual([]);
  });

  test('selects with the mouse, by dragging too, and tells why under the pointer', async () => {
    await page.goto('/grid?q=idle');
    const box = (await picture().boundingBox())!;
    const { columns } = await grid('q=idle');
    // The newest column is at the right when all are in view.
    const names = Math.min(280, Math.round(box.width * 0.24));
    const x = (column: number) => box.x + names + column * 24 + 12;
    const y = box.y + 44 + 12;
    await page.mouse.move(x(1), y);
    await page.getByText('the job is paused').waitFor();
    await page.mouse.down();
    await page.mouse.move(x(2), y);
    await page.mouse.move(x(3), y);
    await page.mouse.up();
    await details().getByRole('heading', { name: '3 cells' }).waitFor();
    await page.mouse.click(x(columns.length - 1), y);
    await details().getByText('Skipped').first().waitFor();
    expect(await details().getByText('the job is paused').textContent()).toContain('the job is paused');
    expect(faults).toEqual([]);
  });

  test('says the same in a table, groups by a label, and switches to days', async () => {
    await page.goto('/grid?view=table&group=team');
    const row = page.getByRole('row').filter({ hasText: 'clean' });
    await row.waitFor();
    expect(await row.textContent()).toMatch(/Succeeded|Failed|Skipped/);
    expect(await page.getByRole('rowheader', { name: 'finance' }).count()).toBe(1);
    await page.getByRole('button', { name: 'Days' }).click();
    await page.waitForURL(/by=days/);
    await page
      .getByRole('row')
      .filter({ hasText: 'idle' })
      .getByText('Skipped, all of 4 due times')
      .first()
      .waitFor();
    expect(faults).toEqual([]);
  });

  test('says what to do when nothing matches', async () => {
    await page.goto('/grid?q=nothing-like-it');
    await page.getByText('No job matches.').waitFor();
    await page.getByRole('link', { name: 'Show all jobs' }).click();
    await picture().waitFor();
  });

  test.each(['/grid', '/grid?by=days&view=table', '/grid?group=team&job=load&at=2026-11-29T00:00:00.000Z'])(
    'keeps nobody out at %s, in the dark and on a phone too',
    async (path) => {
      for (const options of [{}, { colorScheme: 'dark' as const, viewport: { width: 390, height: 780 } }]) {
        const opened = await openPage(browser, server.url, options);
        await opened.page.goto(path);
        await opened.page.locator('.grid-scroller, .grid-table').first().waitFor();
        expect(await barriers(opened.page)).toEqual([]);
        const wide = await opened.page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
        expect(wide).toBeLessThanOrEqual(0);
        await opened.page.context().close();
      }
    },
  );

  test('scrolls 500 jobs and a year of days about as fast as the browser scrolls anything', async () => {
    await page.route('**/api/v1/grid?*', (route) => {
      const to = new URL(route.request().url()).searchParams.get('to');
      return route.fulfill({ json: madeUp(to === null ? Date.UTC(2026, 10, 30) : Date.parse(to)) });
    });
    await page.goto('/grid?by=days');
    await picture().waitFor();
    // To the oldest column, which reads the others.
    await expect
      .poll(() =>
        page.evaluate<number>(`(() => {
        const scroller = document.querySelector('.grid-scroller');
        scroller.scrollLeft = 0;
        return scroller.scrollWidth;
      })()`),
      )
      .toBeGreaterThan(366 * 24);
    const ratio = await page.evaluate<number>(scrolling);
    // Drawn without a GPU, on a loaded machine. Words and names made anew for each frame took it beyond 4.
    expect(ratio).toBeLessThan(3);
    expect(faults).toEqual([]);
  });
});

/** The time of a frame while the grid scrolls, beside that of a canvas of the same size that is only cleared. */
const scrolling = `(async () => {
  const frames = (element) => new Promise((resolve) => {
    const begin = performance.now();
    let left = 60;
    const step = () => {
      element.scrollTop += 96;
      element.scrollLeft += 37;
      if (--left === 0) resolve(performance.now() - begin);
      else requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  });
  const empty = document.createElement('div');
  empty.style.cssText = 'position: fixed; inset: 100px 0 0; overflow: auto';
  const inside = empty.appendChild(document.createElement('div'));
  inside.style.cssText = 'width: 9000px; height: 12000px';
  const scroller = document.querySelector('.grid-scroller');
  const canvas = inside.appendChild(document.createElement('canvas'));
  canvas.style.cssText = 'position: sticky; top: 0; left: 0; display: block';
  [canvas.width, canvas.height] = [scroller.clientWidth, scroller.clientHeight];
  const context = canvas.getContext('2d');
  empty.onscroll = () => requestAnimationFrame(() => {
    context.fillStyle = context.fillStyle === '#ffffff' ? '#eeeeee' : '#ffffff';
    context.fillRect(0, 0, canvas.width, canvas.height);
  });
  const taken = { grid: 0, empty: 0 };
  for (let round = 0; round < 3; round++) {
    scroller.scrollTo(0, 0);
    taken.grid += await frames(scroller);
    document.body.append(empty);
    empty.scrollTo(0, 0);
    taken.empty += await frames(empty);
    empty.remove();
  }
  return taken.grid / taken.empty;
})()`;

/** 50 days before then of 500 jobs. */
function madeUp(to: number): WireGrid {
  const days = Array.from({ length: 50 }, (_, index) => to - (50 - index) * dayMs);
  const names = Array.from({ length: 500 }, (_, index) => `job-${String(index).padStart(3, '0')}`);
  const letters = 'sssssssfxmr';
  const iso = (ms: number) => new Date(ms).toISOString();
  return {
    at: iso(Date.UTC(2026, 10, 30)),
    by: 'days',
    timezone: 'UTC',
    total: names.length,
    jobs: names.map((name, index) => ({
      name,
      level: index % 4,
      parents: [],
      labels: { team: `team-${index % 7}` },
      status: 'active' as const,
    })),
    columns: days.map((day) => ({ from: iso(day), to: iso(day + dayMs), manual: false })),
    cells: names.map((_, row) =>
      days.map((_day, column) => letters[(row * 7 + column * 3) % letters.length]).join(''),
    ),
    letters: { s: 'succeeded', f: 'failed', x: 'skipped', m: 'missed', r: 'running' },
    counts: names.map(() => days.map(() => 24)),
    worst: names.map(() => days.map(() => 3)),
    earlier: iso(days[0]!),
  };
}
