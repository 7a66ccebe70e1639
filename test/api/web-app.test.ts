import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiWorld } from '../support/api-world.ts';

const script = `export const words = ${JSON.stringify('carillon '.repeat(500))};`;
const page = '<!doctype html><title>Carillon</title>';
const browser = {
  accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
  'accept-encoding': 'gzip, deflate, br',
};

let dir: string;
let api: ApiWorld;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'carillon-web-'));
  mkdirSync(join(dir, 'assets'));
  writeFileSync(join(dir, 'index.html'), page);
  writeFileSync(join(dir, 'theme.js'), 'document.title;');
  writeFileSync(join(dir, 'assets/app-Ab12.js'), script);
  writeFileSync(join(dir, 'assets/app-Ab12.js.br'), brotliCompressSync(script));
  writeFileSync(join(dir, 'assets/app-Ab12.js.gz'), gzipSync(script));
  api = await ApiWorld.at('2026-11-21T00:00:00Z', { webDir: dir });
});
afterEach(async () => {
  await api.close();
  rmSync(dir, { recursive: true });
});

const ask = (url: string, headers: Record<string, string> = {}, method: 'GET' | 'HEAD' | 'POST' = 'GET') =>
  api.app.inject({ method, url, headers });

describe('a browser', () => {
  test.each(['/', '/jobs', '/jobs/etl.extract', '/runs/a.20261121T000000Z?tab=logs', '/graph?job=v1'])(
    'that goes to %s gets the page',
    async (url) => {
      const answer = await ask(url, browser);
      expect(answer.statusCode).toBe(200);
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(answer.headers['cache-control']).toBe('no-cache');
      expect(answer.body).toBe(page);
    },
  );

  test.each(['/api/v1/nothing', '/v1/scheduler/nothing', '/health/nothing', '/internal/nothing'])(
    'that goes to %s is told that nothing is there',
    async (url) => {
      const answer = await ask(url, browser);
      expect(answer.statusCode).toBe(404);
      expect(answer.headers['content-type']).toContain('json');
    },
  );

  test('may load nothing from elsewhere, and be shown in no frame', async () => {
    const { headers } = await ask('/', browser);
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['referrer-policy']).toBe('no-referrer');
  });

  test('asks for the page again, and gets nothing while it is the same', async () => {
    const { etag } = (await ask('/', browser)).headers;
    const again = await ask('/', { ...browser, 'if-none-match': String(etag) });
    expect([again.statusCode, again.body]).toEqual([304, '']);
    expect((await ask('/', { ...browser, 'if-none-match': '"other"' })).statusCode).toBe(200);
  });
});

describe('a file', () => {
  test('with its hash in its name is kept for good', async () => {
    const { headers } = await ask('/assets/app-Ab12.js');
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect((await ask('/theme.js')).headers['cache-control']).toBe('no-cache');
  });

  test.each([
    ['gzip, deflate, br', 'br', brotliDecompressSync],
    ['gzip', 'gzip', gunzipSync],
    ['br;q=0, gzip;q=0.5', 'gzip', gunzipSync],
    ['', undefined, (body: Buffer) => body],
    ['zstd', undefined, (body: Buffer) => body],
  ] as const)('for accept-encoding "%s" comes as %s', async (accepted, encoding, open) => {
    const answer = await ask('/assets/app-Ab12.js', { 'accept-encoding': accepted });
    expect(answer.headers['content-encoding']).toBe(encoding);
    expect(answer.headers.vary).toContain('accept-encoding');
    expect(open(answer.rawPayload).toString()).toBe(script);
  });

  test('that is not there is not answered with the page', async () => {
    const answer = await ask('/assets/gone-Ab12.js', { accept: '*/*' });
    expect(answer.statusCode).toBe(404);
    expect(answer.headers['content-type']).toContain('application/problem+json');
  });

  test.each([
    '/../package.json',
    '/assets/../../package.json',
    '/assets/%2e%2e/%2e%2e/package.json',
    '/assets',
  ])('outside of the app is not read: %s', async (url) => {
    expect((await ask(url, { accept: '*/*' })).statusCode).toBe(404);
  });

  test('is only read', async () => {
    expect((await ask('/theme.js', {}, 'HEAD')).statusCode).toBe(200);
    expect((await ask('/theme.js', {}, 'POST')).statusCode).toBe(405);
  });
});

test('scripts and tools still get the addresses at /', async () => {
  for (const accept of ['*/*', 'application/json']) {
    expect((await ask('/', { accept })).json()).toMatchObject({ name: 'carillon', api: '/api/v1/jobs' });
  }
});

test('without a built app a person is told how to get one', async () => {
  const bare = await ApiWorld.at('2026-11-21T00:00:00Z');
  try {
    const answer = await bare.app.inject({ url: '/jobs', headers: browser });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toContain('text/plain');
    expect(answer.body).toContain('npm run build');
  } finally {
    await bare.close();
  }
});
