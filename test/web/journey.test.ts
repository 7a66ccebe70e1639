/** What a person does with the web app, in a real browser against a real server: one day, from top to bottom. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { eventually, Server } from '../support/server.ts';
import { hasBrowser, openBrowser, openPage, type Watched } from './browser.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'carillon-journey-'));
/** While it is not there, `load` fails. */
const delivered = join(dataDir, 'delivered');

/** Each test has many steps, and waits for none of them longer than it must. */
vi.setConfig({ testTimeout: 120_000 });

let server: Server;
let browser: Browser;
let watched: Watched;
let page: Page;

describe.skipIf(!hasBrowser)('in a browser', () => {
  beforeAll(async () => {
    server = await Server.start(dataDir);
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.end('SIGTERM');
    rmSync(dataDir, { recursive: true, force: true });
  });
  beforeEach(async () => {
    watched = await openPage(browser, server.url);
    page = watched.page;
  });
  afterEach(async () => {
    const { faults } = watched;
    await page.context().close();
    expect(faults).toEqual([]);
  });

  const press = (name: string | RegExp) => page.getByRole('button', { name, exact: true }).click();
  const heading = (name: string | RegExp) => page.getByRole('heading', { name }).first().waitFor();
  const confirm = (name: string | RegExp) => page.getByRole('dialog').getByRole('button', { name }).click();
  const run = async (job: string) => {
    await page.goto(`/jobs/${job}`);
    await press('Run now');
    await confirm('Run now');
    await page.waitForURL('**/runs/**');
  };

  test('a pipeline is made: a job as a form, one that waits for it as YAML', async () => {
    await page.goto('/');
    await page.getByRole('banner').getByRole('link', { name: 'New job' }).click();
    await press(/Manual/);
    await page.getByLabel('Name', { exact: true }).fill('extract');
    await page.getByLabel(/Command/).fill('echo "extracting"; sleep 1; echo "done"');
    await press('Create');
    await heading('extract');

    await page.goto('/new?template=none&as=yaml');
    await page
      .getByLabel('The definition as YAML')
      .fill(
        `name: load\nlabels: { team: sales }\nschedule: { after: { parents: [extract] } }\nrun: { command: 'test -e ${delivered} || { echo "nothing was delivered" >&2; exit 3; }' }\n`,
      );
    await press('Create');
    await heading('load');
    await page
      .getByText(/after extract/)
      .first()
      .waitFor();
  });

  test('what is wrong is said as one types, in the words of the server', async () => {
    await page.goto('/new?template=cron');
    await page.getByLabel('Name', { exact: true }).fill('nightly');
    await page.getByLabel('Cron expression').fill('99 2 * * *');
    await page.getByText(/99/).first().waitFor();
    await page.getByText(/0-59/).first().waitFor();
    expect(await page.getByRole('button', { name: 'Create' }).isDisabled()).toBe(true);
  });

  test('it runs before the eyes: no reload, and the failure of what follows has a reason and its output', async () => {
    await run('extract');
    await page.getByRole('heading', { name: /Succeeded/ }).waitFor();
    await page.getByText('extracting').first().waitFor();

    await page.goto('/');
    await page.getByRole('link', { name: 'load' }).first().waitFor();
    await page.getByText('exit code 3').first().waitFor();

    await page.goto('/jobs/load/runs');
    await page.locator('main a[href^="/runs/load."]').first().click();
    await page.getByRole('heading', { name: /Failed/ }).waitFor();
    await page.getByText('exit code 3').first().waitFor();
    await page.getByText('nothing was delivered').first().waitFor();
  });

  test('it is run again once the cause is gone', async () => {
    writeFileSync(delivered, '');
    await page.goto('/runs?job=load');
    await page.locator('main a[href^="/runs/load."]').first().click();
    await press('Run again');
    await confirm(/Run again/);
    await page.getByRole('heading', { name: /Succeeded/ }).waitFor();
  });

  test('it is edited, the difference is shown, and the old one is restored', async () => {
    await page.goto('/jobs/extract/definition');
    await page
      .getByLabel(/Command/)
      .first()
      .fill('echo "changed"');
    await press('Save');
    await page
      .getByText(/revision 2/)
      .first()
      .waitFor();

    await page.goto('/jobs/extract/revisions');
    await page.getByText('run.command').first().waitFor();
    await page.getByRole('region', { name: 'Revisions' }).getByRole('button').last().click();
    await press('Restore');
    await confirm('Restore');
    await page
      .getByText(/revision 3/i)
      .first()
      .waitFor();
    const { definition } = await server.get<{ definition: { run: { command: string } } }>(
      '/api/v1/jobs/extract',
    );
    expect(definition.run.command).toContain('extracting');
  });

  test('a run that hangs is killed', async () => {
    await server.ask('POST', '/api/v1/jobs', { name: 'hang', run: { command: 'sleep 600' } });
    await run('hang');
    await page.getByRole('heading', { name: /Running/ }).waitFor();
    await press('Kill');
    await confirm('Kill');
    await page.getByRole('heading', { name: /Killed/ }).waitFor();
  });

  test('output that was cut says so', async () => {
    await server.ask('POST', '/api/v1/jobs', { name: 'wordy', run: { command: 'seq 1 3000000' } });
    await run('wordy');
    await page.getByRole('heading', { name: /Succeeded/ }).waitFor();
    await page.getByText(/^The output is incomplete: [\d,]+ bytes were dropped\.$/).waitFor();
    await page.getByRole('button', { name: 'Times' }).click();
    expect(await page.locator('time.line-time').last().textContent()).toMatch(/^\d\d:\d\d:\d\d\.\d{3}$/);
  });

  test('all that a filter shows is paused at once, with what that means before and what became of it after', async () => {
    await page.goto('/jobs?label=team%3Dsales');
    await page.getByText('All 1').or(page.getByText('This one')).first().waitFor();
    await press('Pause');
    await page.getByRole('dialog').getByText('load').first().waitFor();
    await confirm(/^Pause/);
    await page
      .getByRole('dialog')
      .getByText(/1 job paused|paused/)
      .first()
      .waitFor();
    await confirm('Close');
    await page.getByText('Paused').first().waitFor();
    expect((await server.get<{ status: string }>('/api/v1/jobs/load')).status).toBe('paused');
  });

  test('a whole pipeline is run by its filter: its beginnings are started in one request, the rest follows in order', async () => {
    const labels = { part: 'night' };
    const run = { command: 'sleep 0.3' };
    const put = (name: string, schedule?: object) =>
      server.ask('PUT', `/api/v1/jobs/${name}`, { labels, run, ...(schedule && { schedule }) });
    await put('n-extract');
    await put('n-clean', { after: { parents: ['n-extract'] } });
    await put('n-rates');
    await put('n-report', { after: { parents: ['n-extract', 'n-clean', 'n-rates'] } });
    await page.goto('/jobs?label=part%3Dnight');
    await page.getByText('All 4').waitFor();
    await press('Run now');
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/^2 jobs are started: n-extract, n-rates/).waitFor();
    await dialog.getByText(/^2 jobs follow.*n-clean, n-report/).waitFor();
    const asked: string[] = [];
    page.on('request', (each) => each.method() === 'POST' && asked.push(new URL(each.url()).pathname));
    await confirm('Run now 2 jobs');
    await dialog.getByText('2 triggered.').waitFor();
    await eventually(
      () => server.get<{ items: { state: string }[] }>('/api/v1/jobs/n-report/runs'),
      ({ items }) => items[0]?.state === 'succeeded',
    );
    expect(asked).toEqual(['/api/v1/trigger']);
    for (const [name, kind] of [
      ['n-extract', 'manual'],
      ['n-rates', 'manual'],
      ['n-clean', 'parents'],
      ['n-report', 'parents'],
    ] as const) {
      const { items } = await server.get<{ items: { state: string; trigger: { kind: string } }[] }>(
        `/api/v1/jobs/${name}/runs`,
      );
      expect(items.map(({ state, trigger }) => [state, trigger.kind])).toEqual([['succeeded', kind]]);
    }
  });

  test('a change that somebody else makes comes by itself: the list is read again for nothing else', async () => {
    await page.goto('/jobs');
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByText('extract').first().waitFor();
    await server.ask('POST', '/api/v1/jobs', { name: 'from-elsewhere', run: { command: 'true' } });
    await page.getByText('from-elsewhere').first().waitFor();
  });

  test('a picture that is no longer live says so, and comes back by itself', async () => {
    await page.goto('/jobs');
    await page.getByText('Live', { exact: true }).waitFor();
    // The frame is live before the page is there: who loses the server then has a page that is not loaded.
    await page.getByText('extract').first().waitFor();
    const { port } = new URL(server.url);
    await server.end('SIGKILL');
    await page.getByText(/Not live since/).waitFor();
    server = await Server.start(dataDir, ['--port', port]);
    await page.getByText('Live', { exact: true }).waitFor();
    await server.ask('POST', '/api/v1/jobs', { name: 'after-the-crash', run: { command: 'true' } });
    await page.getByText('after-the-crash').first().waitFor();
  });

  test.each(['SIGKILL', 'SIGTERM'] as const)(
    'the output of a run goes on after the server was ended by %s, each line once',
    async (signal) => {
      // It still runs when the server is back, however long that takes.
      const back = join(dataDir, `back-after-${signal}`);
      const wait = `[ $i -ne 200 ] || while [ ! -e ${back} ]; do sleep 0.05; done`;
      await server.ask('PUT', '/api/v1/jobs/counter', {
        run: {
          command: `i=0; while [ $i -lt 240 ]; do i=$((i+1)); echo "line $i"; ${wait}; sleep 0.05; done`,
        },
        policy: { overlap: 'allow' },
      });
      await run('counter');
      const status = page.getByRole('status').filter({ hasText: 'line' });
      await page.getByText('line 20', { exact: true }).waitFor();
      await status.getByText(/live$/).waitFor();
      const { port } = new URL(server.url);
      await server.end(signal);
      await status.getByText(/connection lost/).waitFor();
      server = await Server.start(dataDir, ['--port', port]);
      await status.getByText(/live$/).waitFor();
      writeFileSync(back, '');
      await page.getByText('line 240', { exact: true }).waitFor();
      await page.getByRole('heading', { name: /Succeeded/ }).waitFor();
      const said = await page.locator('.lines .line').allTextContents();
      expect(said).toEqual(Array.from({ length: 240 }, (_, i) => `line ${i + 1}`));
    },
  );

  test('a job is deleted with what hangs on it, once that was decided', async () => {
    await page.goto('/jobs/extract');
    await press('Delete');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('load').first().waitFor();
    expect(await dialog.getByRole('button', { name: /^Delete/ }).isDisabled()).toBe(true);
    await dialog.getByText('Delete them too').click();
    await confirm(/^Delete/);
    await page.waitForURL('**/jobs');
    expect((await server.ask('GET', '/api/v1/jobs/load')).status).toBe(404);
  });
});
