/** A service outside hears of the runs of a job, from the program as it is installed. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { eventually, Server } from '../support/server.ts';

const dir = mkdtempSync(join(tmpdir(), 'carillon-beats-'));
const heard: string[] = [];
const service = createServer((request, response) => {
  heard.push(request.url?.split('?')[0] ?? '');
  response.end();
});
afterAll(() => {
  service.close();
  rmSync(dir, { recursive: true, force: true });
});

test('a service hears the start and the end of each run, and of an unknown one the author does', async () => {
  await new Promise<void>((done) => service.listen(0, '127.0.0.1', done));
  const url = join(dir, 'url');
  writeFileSync(url, `http://127.0.0.1:${(service.address() as AddressInfo).port}/key/{{job}}\n`);
  const file = join(dir, 'alerts.yaml');
  writeFileSync(file, `heartbeats: { hc: { urlFile: ${url} } }\n`);
  const server = await Server.start(join(dir, 'data'), ['--alerts-file', file]);
  const { body } = await server.ask('POST', '/api/v1/jobs', {
    ...{ name: 'good', run: { command: 'true' }, heartbeat: { to: ['hc', 'typo'] } },
  });
  expect(body.warnings).toEqual(["heartbeat.to names 'typo', which is no heartbeat (heartbeats: hc)"]);
  await server.ask('POST', '/api/v1/jobs', {
    ...{ name: 'bad', run: { command: 'false' }, heartbeat: { to: ['hc'], on: ['failure'] } },
  });
  await server.ask('POST', '/api/v1/jobs/good/trigger');
  await eventually(
    async () => heard.length,
    (count) => count === 2,
  );
  await server.ask('POST', '/api/v1/jobs/bad/trigger');
  await eventually(
    async () => heard.length,
    (count) => count === 3,
  );
  expect(heard).toEqual(['/key/good/start', '/key/good', '/key/bad/fail']);
  await server.end('SIGTERM');
});
