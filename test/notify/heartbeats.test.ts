/** Requests as services get them that expect to hear of a job. */

import { expect, test } from 'vitest';
import { parseAlertsFile } from '../../src/notify/file.ts';
import { type HeartbeatSettings, sendBeat } from '../../src/notify/heartbeats.ts';
import type { Beat } from '../../src/scheduler/job/schema/heartbeat.ts';
import { SimClock } from '../support/sim-clock.ts';
import { type HttpReceiver, receiving, type SecretFiles } from './harness.ts';

let server: HttpReceiver;
let files: SecretFiles;
receiving((ownServer, ownFiles) => {
  server = ownServer;
  files = ownFiles;
});

const send = (settings: HeartbeatSettings | undefined, beat: Beat, job = 'etl-load', run = 'etl-load.1') =>
  sendBeat(
    settings,
    { job, run, beat },
    { clock: new SimClock(0), environment: {} },
    new AbortController().signal,
  );

const all = async (settings: HeartbeatSettings): Promise<string[]> => {
  for (const beat of ['start', 'success', 'failure'] as const) await send(settings, beat);
  return server.received.map(({ url }) => url);
};

/** Of `etl-load.1`. */
const run = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}/g;

test('Healthchecks gets its own words, and the same UUID at the start and the end of a run', async () => {
  const urls = await all({ urlFile: files.write('url', `${server.url}/ping-key/{{job}}\n`) });
  expect(urls.map((url) => url.replace(run, 'UUID'))).toEqual([
    '/ping-key/etl-load/start?rid=UUID',
    '/ping-key/etl-load?rid=UUID',
    '/ping-key/etl-load/fail?rid=UUID',
  ]);
  const ids = urls.flatMap((url) => url.match(run) ?? []);
  expect(new Set(ids).size).toBe(1);
  await send({ url: server.url }, 'start', 'etl-load', 'etl-load.2');
  expect(server.received.at(-1)?.url.match(run)).not.toEqual([ids[0]]);
});

test('Cronitor gets its words', async () => {
  const urls = await all({
    url: `${server.url}/p/key/{{job}}?env=prod`,
    ...{ start: '?state=run', success: '?state=complete', failure: '?state=fail' },
  });
  expect(urls).toEqual([
    '/p/key/etl-load?env=prod&state=run',
    '/p/key/etl-load?env=prod&state=complete',
    '/p/key/etl-load?env=prod&state=fail',
  ]);
});

test('an address may be all that is told', async () => {
  expect(await all({ url: `${server.url}/x`, start: '', success: '', failure: '' })).toEqual([
    '/x',
    '/x',
    '/x',
  ]);
});

test('an error does not repeat the address', async () => {
  server.answer = (response) => void response.writeHead(404).end('no ping-key-4711 here');
  const failed = send({ url: `${server.url}/ping-key-4711` }, 'success');
  await expect(failed).rejects.toMatchObject({ code: 'NOTIFICATION_REFUSED' });
  await expect(failed).rejects.not.toThrow('4711');
  await expect(send(undefined, 'start')).rejects.toThrow('no such service');
});

test('the file of alerts names the services, with or without receivers', () => {
  const { heartbeats } = parseAlertsFile('heartbeats: { hc: { urlFile: /etc/hc } }', 'alerts.yaml');
  expect(heartbeats).toEqual({ hc: { urlFile: '/etc/hc' } });
});

test.each([
  ['neither url nor urlFile', 'hc: {}', /heartbeats\.hc has neither url nor urlFile/],
  ['a path that is none', 'hc: { urlFile: hc }', /heartbeats\.hc\.urlFile is not a path/],
  ['what is no end of an address', 'hc: { url: "http://a/b", start: start }', /heartbeats\.hc\.start/],
  ['an unknown field', 'hc: { url: "http://a/b", fail: /fail }', /Unknown field heartbeats\.hc\.fail/],
])('refuses %s', (_, text, message) => {
  expect(() => parseAlertsFile(`heartbeats: { ${text} }`, 'alerts.yaml')).toThrow(message);
});
