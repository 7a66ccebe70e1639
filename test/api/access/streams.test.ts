/** What lasts for hours ends when its token does. */

import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { recheckMs } from '../../../src/api/guard/recheck.ts';
import { CarillonError } from '../../../src/errors.ts';
import type { Binding } from '../../../src/scheduler/access/principal.ts';
import type { SchedulerHandle } from '../../../src/scheduler/handle.ts';
import { ApiWorld } from '../../support/api-world.ts';
import { believing, principalOf } from '../../support/askers.ts';
import { until } from '../../support/until.ts';
import { World } from '../../support/world.ts';

let api: ApiWorld;
/** Null: the token was revoked. */
let bindings: readonly Binding[] | null;
let checks: number;
let runId: string;

beforeEach(async () => {
  bindings = [{ role: 'operator' }];
  checks = 0;
  const authenticator = believing(() => {
    checks += 1;
    if (bindings === null) throw new CarillonError('UNAUTHENTICATED', 'The token is not valid.');
    return principalOf('ci', bindings);
  });
  /** Output that never ends. */
  const logs: SchedulerHandle['logs'] = async function* (_, { signal }) {
    await new Promise<void>((stop) => signal?.addEventListener('abort', () => stop()));
  };
  api = await ApiWorld.over(await World.at('2026-11-21T00:00:00Z'), {}, { logs }, authenticator);
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  await api.world.put({ name: 'a', run: { command: 'true' } });
  runId = (await api.world.trigger('a')).id;
});
afterEach(() => api.close());

const eventStream = { accept: 'text/event-stream' };

async function open(path: string): Promise<IncomingMessage & { gone?: boolean }> {
  const { port } = api.app.server.address() as AddressInfo;
  const request = get({
    host: '127.0.0.1',
    port,
    path: `/api/v1${path}`,
    headers: eventStream,
    agent: false,
  });
  request.on('error', () => {});
  const answered = once(request, 'response') as Promise<[IncomingMessage & { gone?: boolean }]>;
  let isHere = false;
  void answered.then(() => (isHere = true));
  // Output that has not begun is waited for, by the simulated clock.
  await until('an answer', async () => {
    await api.world.clock.advance(100);
    return isHere;
  });
  const [response] = await answered;
  expect(response.statusCode).toBe(200);
  response.on('error', () => {}).on('close', () => (response.gone = true));
  response.resume();
  return response;
}

/** Lets the time of one check pass, and waits until it was made. */
async function nextCheck(): Promise<void> {
  const before = checks;
  await api.world.clock.advance(recheckMs);
  await until('a check', () => checks > before);
}

const connections = (): Promise<number> =>
  new Promise((resolve, reject) =>
    api.app.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );

const paths: Readonly<Record<string, () => string>> = {
  events: () => '/events',
  output: () => `/runs/${runId}/logs?follow=true`,
};

describe.each(Object.entries(paths))('a stream of %s', (_, path) => {
  const opened = () => open(path());

  test('goes on while the credential is valid', async () => {
    const response = await opened();
    for (let i = 0; i < 3; i++) await nextCheck();
    expect(response.gone).toBeUndefined();
  });

  test('goes on if the credential is another value with the same rights', async () => {
    const response = await opened();
    bindings = [{ role: 'operator' }];
    await nextCheck();
    expect(response.gone).toBeUndefined();
  });

  test('ends within seconds of the credential', async () => {
    const response = await opened();
    bindings = null;
    await nextCheck();
    await until('the end of the stream', () => response.gone === true);
  });

  test('ends when the credential allows less, so that the client asks again', async () => {
    const response = await opened();
    bindings = [{ role: 'operator', jobs: 'b' }];
    await nextCheck();
    await until('the end of the stream', () => response.gone === true);
  });

  test('is not checked any more once the client has left', async () => {
    const response = await opened();
    response.destroy();
    await until('the server to see it', async () => (await connections()) === 0);
    const before = checks;
    await api.world.clock.advance(2 * recheckMs);
    expect(checks).toBe(before);
  });
});
