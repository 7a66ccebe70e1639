/** A test that fails while its server runs a job; run by leave-nothing.test.ts alone. */

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Server } from './server.ts';
import { until } from './until.ts';

test('fails before it ends its server', async () => {
  const dir = process.env.LEFT_BEHIND_DIR as string;
  const server = await Server.start(join(dir, 'data'));
  const command = `echo $$ > ${join(dir, 'job.pid')}; exec sleep 300`;
  await server.ask('PUT', '/api/v1/jobs/sleeper', { run: { command } });
  await server.ask('POST', '/api/v1/jobs/sleeper/trigger');
  // The run counts as running a moment before its program runs.
  await until('the job runs', () => existsSync(join(dir, 'job.pid')));
  writeFileSync(join(dir, 'server.pid'), String(server.pid));
  expect('this').toBe('that');
});
