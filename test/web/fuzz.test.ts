/**
 * Nothing that a person types, and no address, breaks a page: nasty values in every parameter of every page, and typed
 * into every field. A bounded number of cases; `CASES=500 SEED=7 npx vitest run test/web/fuzz.test.ts` tries others.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Browser, ElementHandle, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { eventually, Server } from '../support/server.ts';
import { hasBrowser, openBrowser, openPage, type Watched } from './browser.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 60_000 });

const cases = Number(process.env.CASES ?? 40);
const seed = Number(process.env.SEED ?? 1);
/** Texts that are typed into each field. */
const perField = Math.ceil(cases / 40);

/** What has broken pages, or might. */
const nasty = [
  '',
  '0',
  '-1',
  '9e18',
  '1e400',
  'NaN',
  '8640000000000001',
  '999999999999999999999',
  'null',
  '[]',
  '{"a":',
  '__proto__',
  'constructor',
  'toString',
  'Europe/Ber',
  'Europe/Berlin',
  '+99:00',
  '2026-13-45T99:00:00Z',
  '+275760-09-13T00:00:00Z',
  '-271821-04-20T00:00:00Z',
  '<b>&amp;"\'',
  '../../..//..%2f',
  '%',
  '%E0%A4%A',
  '(?<',
  '🙂\u200f\u0000é\ud800',
  'x'.repeat(3_000),
  'state=failed&state=failed',
] as const;

/** Without halves of signs: no keyboard makes them, and no address holds them. */
const wellFormed = (text: string): string => text.replaceAll(/[\ud800-\udfff]/gu, '');

/** Every page, with the parameters that it reads. */
const pages: readonly (readonly [path: string, ...parameters: string[]])[] = [
  ['/'],
  ['/jobs', 'q', 'label', 'owner', 'state', 'sort', 'order'],
  ['/jobs/often'],
  ['/jobs/often/runs', 'state', 'job', 'cursor'],
  ['/jobs/often/ledger', 'scale', 'at', 'cell'],
  ['/jobs/often/dependencies'],
  ['/jobs/often/statistics'],
  ['/jobs/often/definition', 'as'],
  ['/jobs/often/revisions', 'revision'],
  ['/runs', 'state', 'job', 'cursor'],
  ['/new', 'template', 'from', 'as'],
  ['/graph', 'job', 'depth', 'label', 'owner', 'state', 'group', 'open', 'sel', 'q', 'view'],
  ['/plots', 'span', 'q', 'until'],
  ['/alerts'],
  ['/tokens', 'cursor'],
  ['/audit', 'by', 'on', 'action', 'outcome', 'from', 'to', 'cursor'],
  ['/log-in', 'refused', 'wait'],
  ['/cluster'],
];

const dataDir = mkdtempSync(join(tmpdir(), 'carillon-fuzz-'));
let server: Server;
let browser: Browser;
let watched: Watched;
let page: Page;
/** The page of a run, with the parameters that it reads. */
let runPage: readonly [path: string, ...parameters: string[]];

describe.skipIf(!hasBrowser)('no page breaks', () => {
  beforeAll(async () => {
    server = await Server.start(dataDir);
    browser = await openBrowser();
    await server.ask('PUT', '/api/v1/jobs/often', {
      schedule: { cron: '0 0 1 1 *', timezone: 'Europe/Berlin' },
      run: { command: 'echo one; echo two >&2' },
      labels: { team: 'sales' },
    });
    await server.ask('PUT', '/api/v1/jobs/after', {
      schedule: { after: { parents: ['often'] } },
      run: { command: 'true' },
    });
    const { body } = await server.ask<{ id: string }>('POST', '/api/v1/jobs/often/trigger');
    runPage = [`/runs/${body.id}`, 'attempt', 'stream', 'find'];
    await eventually(
      () => server.get<{ state: string }>(`/api/v1/runs/${body.id}`),
      ({ state }) => state === 'succeeded',
    );
  });
  afterAll(async () => {
    await browser?.close();
    await server?.end('SIGTERM');
    rmSync(dataDir, { recursive: true, force: true });
  });
  beforeEach(async () => {
    watched = await openPage(browser, server.url);
    page = watched.page;
    await page.goto('/cluster');
  });
  afterEach(async () => {
    await page.context().close();
  });

  /** Goes there as a link does, and waits until what is read for it is there. */
  const go = async (address: string) => {
    await page.evaluate(`history.pushState(null, '', ${JSON.stringify(address)})`);
    await settled();
  };
  const settled = () =>
    page.waitForFunction(
      `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() =>
        done(document.querySelector('main h1, main h2') !== null &&
             document.querySelector('.page-pending, .tab-pending, main[aria-busy=true]') === null))))`,
    );
  const sound = async (what: string) => {
    expect(watched.faults.map((fault) => `${what}: ${fault}`)).toEqual([]);
    expect(await page.getByRole('heading', { name: 'This page failed' }).count(), what).toBe(0);
    const tooWide = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    expect(tooWide, what).toBeLessThanOrEqual(0);
  };
  const addressOf = ([path, ...names]: (typeof pages)[number], values: readonly string[]) => {
    const parameters = new URLSearchParams();
    for (const [i, name] of names.entries()) parameters.append(name, values[i % values.length] ?? '');
    return `${path}?${parameters}`;
  };

  test('by the same value in all parameters of its address', async () => {
    for (const each of [...pages, runPage]) {
      if (each.length === 1) continue;
      for (const value of nasty) {
        const address = addressOf(each, [value]);
        await go(address);
        await sound(address.slice(0, 200));
      }
    }
  });

  test('by a value in one parameter of its address', async () => {
    // The others stay empty: a filter that leaves nothing to show would hide what breaks. Each has every third value,
    // from another one on: all of them in all parameters at once stand above.
    let turn = 0;
    for (const [path, ...names] of [...pages, runPage]) {
      for (const name of names) {
        const from = turn++ % 3;
        for (const value of nasty.filter((_, i) => i % 3 === from)) {
          const address = `${path}?${new URLSearchParams([[name, value]])}`;
          await go(address);
          await sound(address.slice(0, 200));
        }
      }
    }
  });

  test('by any mixture of values in its address', async () => {
    const mixtures = fc.tuple(
      fc.constantFrom(...pages, runPage),
      fc.array(fc.oneof(fc.constantFrom(...nasty), fc.string({ unit: 'grapheme' })), {
        minLength: 3,
        maxLength: 10,
      }),
    );
    for (const [each, values] of fc.sample(mixtures, { numRuns: cases, seed })) {
      const address = addressOf(each, values);
      await go(address);
      await sound(address.slice(0, 300));
    }
  });

  test('by what stands in the place of a name or an id in its path', async () => {
    for (const value of nasty.filter((each, i) => each !== '' && i % 3 === 2)) {
      for (const path of ['/jobs/X', '/jobs/X/ledger', '/jobs/X/revisions', '/runs/X', '/X']) {
        await go(path.replace('X', encodeURIComponent(wellFormed(value))));
        await sound(path.replace('X', value.slice(0, 80)));
      }
    }
    for (const path of ['/jobs/%', '/jobs/%E0%A4%A/ledger', '/runs/%ff', '/jobs/often/%zz']) {
      await go(path);
      await sound(path);
    }
  });

  /** All that one can type into. */
  const fields = async (): Promise<ElementHandle[]> => {
    const every = page.locator('main :is(input:not([type=radio], [type=checkbox]), textarea):enabled');
    await every.first().waitFor();
    // Folded parts of a form are there to be typed into as well.
    await page.evaluate(`document.querySelectorAll('main details').forEach((each) => { each.open = true; })`);
    return every.elementHandles();
  };

  test.each([
    '/new?template=cron',
    '/new?template=after',
    '/jobs/often/definition',
    '/jobs',
    '/runs',
    '/graph?view=table',
    '/plots',
  ])('by what is typed into the fields of %s, letter by letter', async (path) => {
    await page.goto(path);
    const typed = nasty.filter((text) => text !== '' && text.length < 40);
    for (const [i, field] of (await fields()).entries()) {
      const shown = await field.inputValue();
      for (const text of fc.sample(fc.constantFrom(...typed), { numRuns: perField, seed: seed + i })) {
        await field.fill('');
        await field.type(wellFormed(text));
        await sound(`${path}, field ${i}: ${text}`);
      }
      await field.press('Backspace');
      await field.fill(shown);
      await sound(`${path}, field ${i}`);
    }
  });

  test('by a definition in YAML that is not finished, or is something else', async () => {
    await page.goto('/new?template=cron&as=yaml');
    const area = page.getByLabel('The definition as YAML');
    const form = page.getByRole('button', { name: 'Form' });
    const whole = stringify({
      name: 'a',
      schedule: { cron: '0 2 * * *', timezone: 'Europe/Berlin', dst: { gap: 'skip' } },
      run: { command: 'true', env: { A: '1' }, argv: ['a'] },
      labels: { team: 'sales' },
    });
    const broken = fc
      .array(
        fc.tuple(
          fc.nat(whole.length),
          fc.constantFrom('', ':', '\n', ' ', '[', '{', '&a ', '*a', '- ', '? '),
        ),
        {
          minLength: 1,
          maxLength: 4,
        },
      )
      .map((cuts) => cuts.reduce((text, [at, put]) => text.slice(0, at) + put + text.slice(at + 1), whole));
    const documents = [
      'schedule: null\nname: []',
      'schedule: [1]\nrun: text\nlabels: 7\npolicy: { retries: 3 }',
      'name: { toString: 1 }\nrun: { command: { toString: 1, valueOf: 2 }, argv: [{ toString: 1 }] }',
      'run: { env: { A: { toString: 1 }, B: [1], C: null } }\nlabels: [a, b]',
      'a: &a { b: *a }',
      '__proto__: { schedule: null }\nconstructor: 1',
      'schedule: { after: null, cron: { a: 1 }, timezone: [] }',
      'name: !!binary aGVsbG8=\nrun: !!set { a, b }\nat: !!timestamp 2026-01-01',
      '? { a: 1 }\n: 2',
      `${'['.repeat(3_000)}`,
      `a: ${'{a: '.repeat(1_500)}${'}'.repeat(1_500)}`,
      ...nasty,
      ...fc.sample(broken, { numRuns: cases, seed }),
    ];
    for (const text of documents) {
      await area.fill(text);
      await sound(text.slice(0, 200));
      if (!(await form.isEnabled())) continue;
      await form.click();
      await sound(`as a form: ${text.slice(0, 200)}`);
      await page.getByRole('button', { name: 'YAML' }).click();
    }
  });
});
