/** The backup over HTTP: whole, one at a time, and never kept open for somebody who does not read. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { CarillonError } from '../../src/errors.ts';
import { checkBackup } from '../../src/store/backup-file.ts';
import { ApiWorld } from '../support/api-world.ts';
import { until } from '../support/until.ts';

let api: ApiWorld;
const dir = mkdtempSync(join(tmpdir(), 'carillon-api-backup-'));
afterEach(async () => {
  await api.close();
  rmSync(dir, { recursive: true, force: true });
});

/** A backup without an end. */
function endless() {
  const seen = { begun: 0, ended: 0 };
  async function* backup(): AsyncIterable<Uint8Array> {
    seen.begun += 1;
    try {
      for (;;) {
        yield Buffer.alloc(64 * 1024, seen.begun);
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      seen.ended += 1;
    }
  }
  return { backup, seen };
}

test('a backup is a whole file with all jobs', async () => {
  api = await ApiWorld.at('2026-11-21T00:00:00Z');
  await api.post('/jobs', { name: 'kept', run: { command: 'true', env: { TOKEN: 'secret' } } });
  const response = await api.send('GET /backup');
  expect(response.statusCode).toBe(200);
  expect(response.headers).toMatchObject({ 'content-type': 'application/gzip', 'cache-control': 'no-store' });
  const file = join(dir, 'file');
  writeFileSync(file, response.rawPayload);
  expect(await checkBackup(file)).toMatchObject({
    header: { takenAt: expect.stringMatching('2026-11-21T00:00:'), version: '0.1.0' },
    counts: { jobs: 1 },
  });
});

test('a second one is refused until the first has ended, and a reader who stops reading is cut off', async () => {
  const { backup, seen } = endless();
  api = await ApiWorld.at('2026-11-21T00:00:00Z', {}, { backup });
  const url = await api.app.listen({ host: '127.0.0.1', port: 0 });
  const first = await fetch(`${url}/api/v1/backup`);
  expect(first.status).toBe(200);
  const second = await fetch(`${url}/api/v1/backup`);
  expect(second.status).toBe(409);
  expect(await second.json()).toMatchObject({ code: 'BACKUP_UNDER_WAY' });
  // The simulated clock moves on while nothing is read.
  await until('the stalled reader is cut off', async () => {
    await api.world.clock.advance(30_000);
    return seen.ended === 1;
  });
  await expect(first.arrayBuffer()).rejects.toThrow();
  const third = await fetch(`${url}/api/v1/backup`);
  expect(third.status).toBe(200);
  await third.body?.cancel();
  await until('a reader that goes away ends it', () => seen.ended === 2);
});

test('a store that cannot be read is a refusal, and the next request is answered', async () => {
  let fails = true;
  async function* backup(): AsyncIterable<Uint8Array> {
    if (fails) throw new CarillonError('STORE_UNAVAILABLE', 'ZooKeeper cannot be reached');
    yield Buffer.from('bytes');
  }
  api = await ApiWorld.at('2026-11-21T00:00:00Z', {}, { backup });
  expect((await api.send('GET /backup')).statusCode).toBe(503);
  fails = false;
  expect((await api.send('GET /backup')).statusCode).toBe(200);
});
