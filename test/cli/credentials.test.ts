/** Where the command line finds what proves who asks. */

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fetchAs, keepLogIn } from '../../src/cli/credentials.ts';
import type { Fetch } from '../../src/cli/trust.ts';

let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'carillon-cli-'));
});
afterEach(() => rmSync(stateDir, { recursive: true }));

/** What would be sent to the address. */
async function sentTo(
  url: string,
  { file = null, token = null }: { readonly file?: string | null; readonly token?: string | null } = {},
): Promise<unknown> {
  let sent: unknown;
  const fetch = (async (_: string, init: { headers?: Record<string, string> } = {}) => {
    sent = init.headers?.authorization;
    return new Response();
  }) as unknown as Fetch;
  await fetchAs(fetch, { file, token, stateDir })(`${url}/api/v1/jobs`, { headers: {} });
  return sent;
}

test('without any credential, none is sent', async () => {
  expect(await sentTo('http://127.0.0.1:4400')).toBeUndefined();
});

test('a file goes before the variable, and both before what is kept', async () => {
  const file = join(stateDir, 'token');
  writeFileSync(file, 'from-the-file\n');
  keepLogIn(stateDir, 'https://a.example.org', 'from-the-log-in');
  expect(await sentTo('https://a.example.org', { file, token: 'given' })).toBe('Bearer from-the-file');
  expect(await sentTo('https://a.example.org', { token: 'given' })).toBe('Bearer given');
  expect(await sentTo('https://a.example.org')).toBe('Bearer from-the-log-in');
});

test('a log-in is for its server alone, is kept for its user alone, and is forgotten', async () => {
  keepLogIn(stateDir, 'https://a.example.org/', 'one');
  keepLogIn(stateDir, 'https://b.example.org:8443', 'two');
  expect(statSync(join(stateDir, 'log-ins.json')).mode & 0o777).toBe(0o600);
  expect(await sentTo('https://a.example.org')).toBe('Bearer one');
  expect(await sentTo('https://b.example.org:8443')).toBe('Bearer two');
  expect(await sentTo('http://a.example.org')).toBeUndefined();
  expect(await sentTo('https://b.example.org')).toBeUndefined();
  keepLogIn(stateDir, 'https://a.example.org', null);
  expect(await sentTo('https://a.example.org')).toBeUndefined();
  expect(JSON.parse(readFileSync(join(stateDir, 'log-ins.json'), 'utf8'))).toEqual({
    'https://b.example.org:8443': 'two',
  });
});

test('the token of a server on this host is found by its port, and sent to no other host', async () => {
  writeFileSync(join(stateDir, 'server-4400.token'), 'of-the-server\n');
  for (const host of ['127.0.0.1', 'localhost', '[::1]'])
    expect(await sentTo(`http://${host}:4400`)).toBe('Bearer of-the-server');
  for (const url of ['http://127.0.0.1:4401', 'http://example.org:4400', 'http://127.0.0.1.example.org:4400'])
    expect(await sentTo(url)).toBeUndefined();
});

test('a file without a token is refused before anything is sent', async () => {
  const file = join(stateDir, 'nothing');
  await expect(sentTo('http://127.0.0.1:4400', { file })).rejects.toMatchObject({
    code: 'INVALID_FIELD',
    message: `${file} has no token that can be read. Allowed: a readable file with a token in its first line.`,
  });
});
