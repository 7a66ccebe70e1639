/** The output of an ended run outlives the node that had it: it is read from a bucket by the program as it is installed. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { hasS3, S3Server } from '../support/s3-server.ts';
import { eventually, Server } from '../support/server.ts';

const dir = mkdtempSync(join(tmpdir(), 'carillon-log-archive-'));
let bucket: S3Server | null = null;
afterAll(async () => {
  await bucket?.stop();
  rmSync(dir, { recursive: true, force: true });
});

test.skipIf(!hasS3)('output is read from the archive once the node has lost it', async () => {
  bucket = await S3Server.start();
  const { accessKeyId, secretAccessKey } = bucket.keys;
  const credentials = join(dir, 'credentials');
  writeFileSync(
    credentials,
    `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
  );
  const flags = [
    ...['--log-archive', `s3://${bucket.bucket}/a/b`, '--log-archive-endpoint', bucket.url],
    ...['--log-archive-credentials', credentials],
  ];
  const first = await Server.start(join(dir, 'data'), flags);
  await first.ask('PUT', '/api/v1/jobs/told', { schedule: { at: '2099-01-01T00:00:00Z' } });
  const reported = await fetch(`${first.url}/api/v1/heartbeats/told`, {
    method: 'POST',
    body: 'it went well\n',
  });
  expect(reported.status).toBeLessThan(300);
  const metrics = async () => (await fetch(`${first.url}/metrics`)).text();
  await eventually(metrics, (text) =>
    text.includes('carillon_log_archive_uploads_total{outcome="uploaded"} 1'),
  );
  expect(await metrics()).toMatch(/^carillon_log_archive_waiting 0$/m);
  const { items } = await first.get<{ items: { id: string }[] }>('/api/v1/runs?job=told');
  await first.end('SIGTERM');
  rmSync(join(dir, 'data/logs'), { recursive: true });

  const second = await Server.start(join(dir, 'data'), flags);
  const output = async (path: string) => (await fetch(`${second.url}/api/v1/${path}`)).text();
  expect(await output(`runs/${items[0]?.id}/logs`)).toBe('it went well\n');
  expect(await output('jobs/told/logs/search?text=well')).toContain('"text":"it went well"');
  await second.end('SIGTERM');
});
