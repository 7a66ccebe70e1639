/** Requests as a webhook gets them: the message, a template, headers and the signature. */

import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { WebhookSettings } from '../../src/notify/schema.ts';
import { Rig } from '../support/rig.ts';
import {
  type HttpReceiver,
  nasty,
  oneReceiver,
  opened,
  pretty,
  receiving,
  repeated,
  type SecretFiles,
  steps,
} from './harness.ts';

let server: HttpReceiver;
let files: SecretFiles;
receiving((ownServer, ownFiles) => {
  server = ownServer;
  files = ownFiles;
});

const webhook = (settings: Partial<WebhookSettings> = {}) =>
  oneReceiver({ webhook: { url: `${server.url}/hook`, ...settings } });

describe('a webhook', () => {
  test('gets the message as JSON', async () => {
    for (const message of Object.values(steps)) await webhook().send(message);
    expect(server.received[0]).toMatchObject({
      url: '/hook',
      headers: { 'content-type': 'application/json', 'user-agent': 'Carillon' },
    });
    await expect(pretty(server.bodies())).toMatchFileSnapshot('snapshots/webhook.txt');
  });

  test('gets what Chronos sent, if the file says so: all texts', async () => {
    const rig = new Rig('2026-11-30T02:00:30Z');
    rig.put({
      name: 'etl-load',
      schedule: { cron: '* * * * *' },
      run: { command: 'load "x"', fetch: [{ uri: 'http://ann:hunter2@a/x' }, { uri: 'http://a/y' }] },
      policy: { retries: { limit: 0 } },
    });
    rig.advance('2026-11-30T02:01:00Z');
    rig.end('etl-load', 3);
    const about = rig.state.entry('etl-load');
    const owner = 'ann@example.com';
    const chronos = webhook({ format: 'chronos' });
    await chronos.send({ ...opened, owner }, about);
    await chronos.send({ ...opened, owner, condition: 'late' }, about);
    await chronos.send({ ...steps.resolved, owner: null });
    const job = {
      job: 'etl-load',
      command: 'load "x"',
      cpus: '0.1',
      mem: '128',
      retries: '0',
      softError: 'false',
      executor: '',
      executorFlags: '',
      uris: 'http://***@a/x,http://a/y',
      successCount: '0',
      errorCount: '1',
      errorsSinceLastSuccess: '1',
      lastSuccess: '',
      lastError: '2026-11-30T02:01:00.000Z',
    };
    const message = expect.stringContaining('Reason: exit code 3');
    expect(server.bodies()).toEqual([
      { subject: "[Chronos] job 'etl-load' failed!", message, to: owner, ...job },
      { subject: '[critical] etl-load failed', message, to: owner, ...job },
      {
        subject: '[resolved] etl-load succeeded again',
        message: expect.any(String),
        to: '',
        job: 'etl-load',
      },
    ]);
  });

  test('recognises a repetition by its key', async () => {
    for (const message of [opened, opened, repeated, nasty]) await webhook().send(message);
    const keys = server.received.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toEqual([
      'etl-load.failed.20261130T020304Z.1.tickets',
      'etl-load.failed.20261130T020304Z.1.tickets',
      'n-17.repeated-1',
      expect.stringMatching(/^[0-9a-f]{64}$/),
    ]);
  });

  test('gets printable texts of bounded length, and keys, labels and names unchanged', async () => {
    await webhook().send(nasty);
    const [body] = server.bodies() as [typeof nasty];
    const { key, alertKey, labels, owner } = nasty;
    expect(body).toMatchObject({ key, alertKey, labels, owner });
    expect(
      [body.title, ...body.facts.flatMap(({ name, text }) => [name, text]), ...body.output].join(''),
    ).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(body.output).toHaveLength(50);
    expect(server.received[0]?.body.length).toBeLessThan(50_000);
  });

  test('can verify who sent it and when', async () => {
    const key = 'wh-key-0123456789';
    await webhook({ secretFile: files.write('key', key) }).send(opened);
    const [{ headers, body }] = server.received as [(typeof server.received)[0]];
    const [, time, sign] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-carillon-signature'])) ?? [];
    expect(sign).toBe(createHmac('sha256', key).update(`${time}.${body}`).digest('hex'));
    expect(Number(time)).toBe(Date.parse('2026-11-30T09:00:00Z') / 1_000);
  });

  test('verifies it with the function of docs/alerts.md', async () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../docs/alerts.md'), 'utf8');
    const [, code = ''] = /```js\n(.*?)```/s.exec(page) ?? [];
    const source = `${code}\nexport { isGenuine };`;
    const { isGenuine } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
    const secretFile = files.write('key', 'k1');
    await oneReceiver({ webhook: { url: server.url, secretFile } }, Date.now()).send(opened);
    const longAgo = Date.now() - 3_600_000;
    await oneReceiver({ webhook: { url: server.url, secretFile } }, longAgo).send(opened);
    const [now, past] = server.received.map(({ headers, body }) => [
      headers['x-carillon-signature'],
      body,
    ]) as [[string, string], [string, string]];
    expect([
      isGenuine(...now, 'k1'),
      isGenuine(...now, 'k2'),
      isGenuine(now[0], `${now[1]} `, 'k1'),
      isGenuine(...past, 'k1'),
    ]).toEqual([true, false, false, false]);
  });

  test('gets headers, also secret ones, which no error repeats', async () => {
    const receiver = webhook({
      headers: { 'X-Team': 'data' },
      headerFiles: { Authorization: files.write('token', 'Bearer abc') },
    });
    await receiver.send(opened);
    expect(server.received[0]?.headers).toMatchObject({ 'x-team': 'data', authorization: 'Bearer abc' });
    server.answer = (response) => void response.writeHead(401).end('Bearer abc is unknown');
    await expect(receiver.send(opened)).rejects.toThrow(': "*** is unknown".');
  });

  test('gets a body of a template, whose values stay values', async () => {
    const template = '{"text": "{{headline}} {{ job }} {{labels.a.b}}{{labels.none}}", "out": "{{output}}"}';
    await webhook({ template }).send({ ...nasty, output: ['"quoted" \\', 'tab\t}'] });
    expect(server.bodies()).toEqual([
      {
        text: expect.stringMatching(
          /^\[critical\] x Bcc: .* \{\{DATE\(1,SHORT\)\}\} etl-load <!channel>\n@here$/,
        ),
        out: '"quoted" \\\ntab  }',
      },
    ]);
  });

  test.each([
    ['text/plain; charset=utf-8', 'a<b>&"c"'],
    ['application/xml', 'a&lt;b&gt;&amp;&quot;c&quot;'],
    ['application/x-www-form-urlencoded', 'a%3Cb%3E%26%22c%22'],
    ['application/vnd.chat+json', '"a<b>&\\"c\\""'],
  ])('with the type %s has values escaped for it', async (contentType, body) => {
    const template = contentType.endsWith('json') ? '"{{title}}"' : '{{title}}';
    await webhook({ contentType, template }).send({ ...opened, title: 'a<b>&"c"' });
    expect(server.received[0]).toMatchObject({ body, headers: { 'content-type': contentType } });
  });
});
