/** Where spans go, and with which headers, by the settings and the variables of OpenTelemetry. */

import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Environment, loadConfig } from '../../src/node/config.ts';
import { tracesOf } from '../../src/node/tracing.ts';
import { ended } from '../conformance/store.ts';
import { testMember } from '../support/rig.ts';
import { SimClock } from '../support/sim-clock.ts';

const dir = mkdtempSync(join(tmpdir(), 'carillon-tracing-'));
const file = join(dir, 'headers');
let server: Server;
let base: string;
let requests: Pick<IncomingMessage, 'url' | 'headers'>[];

beforeAll(async () => {
  server = createServer(({ url, headers }, response) => {
    requests.push({ url, headers });
    response.end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  requests = [];
});
afterAll(() => {
  server.close();
  rmSync(dir, { recursive: true });
});

const log = { info() {}, warn() {}, error() {}, debug() {} };
const create = (args: readonly string[], environment: Environment) =>
  tracesOf(loadConfig(args, environment), {
    ...{ installation: 'i', node: testMember, environment, log },
    clock: new SimClock(0),
  });
/** The request with a run's spans. */
async function exported(args: readonly string[], environment: Environment = {}) {
  const traces = create(args, environment);
  await traces?.start();
  traces?.decided([{ kind: 'run', run: ended('a', 1) }]);
  await traces?.stop();
  return requests.at(-1);
}

test('without a collector nothing is traced', () => {
  expect(create([], {})).toBeNull();
});

describe('spans go', () => {
  test.each(['', '/', '/otlp', '/otlp/'])('to /v1/traces below %j', async (path) => {
    const sent = await exported(['--otlp-endpoint', `${base}${path}`]);
    expect(sent?.url).toBe(`${path.replace(/\/$/, '')}/v1/traces`);
  });

  test('to the whole URL as it is, which comes first', async () => {
    const sent = await exported(['--otlp-traces-endpoint', `${base}/x?y=z`, '--otlp-endpoint', base]);
    expect(sent?.url).toBe('/x?y=z');
  });
});

describe('headers', () => {
  const OTEL_EXPORTER_OTLP_HEADERS = 'x-key=general';

  test('are those of the variables, and of the one for traces first', async () => {
    const args = ['--otlp-endpoint', base];
    expect((await exported(args, { OTEL_EXPORTER_OTLP_HEADERS }))?.headers['x-key']).toBe('general');
    const both = { OTEL_EXPORTER_OTLP_HEADERS, OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-key=own' };
    expect((await exported(args, both))?.headers['x-key']).toBe('own');
  });

  test('are those of the file, if there is one', async () => {
    writeFileSync(file, 'X-Key: of the file\n');
    const args = ['--otlp-endpoint', base, '--otlp-headers-file', file];
    expect((await exported(args, { OTEL_EXPORTER_OTLP_HEADERS }))?.headers['x-key']).toBe('of the file');
  });

  test('that cannot be read are noticed at the start', async () => {
    const args = ['--otlp-endpoint', base, '--otlp-headers-file', join(dir, 'none')];
    await expect(exported(args)).rejects.toMatchObject({ code: 'INVALID_FIELD' });
    expect(requests).toEqual([]);
  });
});
