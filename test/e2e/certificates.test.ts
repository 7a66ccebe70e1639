/** Who gets in over HTTPS: people with certificates, sessions of browsers, the link for the server's user. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Authority, type PairFiles } from '../support/certificates.ts';
import { program } from '../support/program.ts';
import { eventually } from '../support/server.ts';

const dir = mkdtempSync(join(tmpdir(), 'carillon-certificates-'));
const people = join(dir, 'people.yaml');
let ca: Authority;
let child: ChildProcess;
let link: string;
let origin: string;

const rules = (role: string) =>
  writeFileSync(people, JSON.stringify({ certificates: [{ subject: 'CN=ops', role }] }));

beforeAll(async () => {
  ca = await Authority.make(dir);
  const own = await ca.issue('server');
  rules('operator');
  child = spawn(
    program[0],
    [
      ...[program[1], 'serve', '--port', '0', '--data-dir', join(dir, 'data'), '--auth-file', people],
      ...['--tls-cert', own.certFile, '--tls-key', own.keyFile, '--tls-client-ca', ca.file],
      ...['--allowed-host', 'sched.test'],
    ],
    { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, XDG_STATE_HOME: join(dir, 'state') } },
  );
  for await (const line of createInterface({ input: child.stdout! })) {
    link = /log in +(https:\S+)/.exec(line)?.[1] ?? '';
    if (link !== '') break;
  }
  origin = new URL(link).origin;
  // Sessions are signed with a key that the leader makes first.
  await eventually(
    () => ask('/health/ready'),
    ({ status }) => status === 200,
  );
});
afterAll(async () => {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
  rmSync(dir, { recursive: true });
});

interface Said {
  readonly status: number | undefined;
  readonly cookies: readonly string[];
  readonly location: string | undefined;
  readonly text: string;
}

function ask(
  url: string,
  { pair, cookie, method = 'GET' }: { pair?: PairFiles; cookie?: string; method?: string } = {},
): Promise<Said> {
  return new Promise((resolve, reject) => {
    const asking = request(
      new URL(url, origin),
      {
        ...{ ca: ca.pair.cert, agent: false, method },
        ...(pair !== undefined && { cert: pair.cert, key: pair.key }),
        ...(cookie !== undefined && { headers: { cookie } }),
      },
      (response) => {
        let text = '';
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode,
            cookies: response.headers['set-cookie'] ?? [],
            location: response.headers.location,
            text,
          }),
        );
      },
    );
    asking.on('error', reject);
    asking.end();
  });
}

describe('a client certificate', () => {
  const me = '/api/v1/me';

  test('gives its person the roles of the file, as they are now', async () => {
    const pair = await ca.issue('ops');
    const said = await ask(me, { pair });
    expect([said.status, JSON.parse(said.text)]).toMatchObject([
      200,
      { kind: 'person', name: 'CN=ops', id: 'certificate CN=ops', bindings: [{ role: 'operator' }] },
    ]);
    rules('viewer');
    await eventually(
      () => ask(me, { pair }),
      ({ text }) => JSON.parse(text).bindings[0].role === 'viewer',
    );
  });

  test('without a rule, of another authority, or that has ended lets nobody in', async () => {
    const other = await Authority.make(mkdtempSync(join(dir, 'other-')));
    for (const pair of [
      await ca.issue('nobody'),
      await other.issue('ops', { as: 'foreign' }),
      await ca.issue('ops', { as: 'ended', forMs: -1_000 }),
    ])
      expect((await ask(me, { pair })).status).toBe(401);
  });
});

test('the link lets a browser in once, with a session that other hosts never get, until it logs out', async () => {
  const { status, cookies, location } = await ask(link);
  expect([status, location]).toEqual([302, '/']);
  expect(cookies[0]).toMatch(
    /^__Host-carillon=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=28800; Secure$/,
  );
  expect((await ask(link)).status).toBe(401);
  const cookie = cookies[0]!.split(';', 1)[0]!;
  const me = async () => (await ask('/api/v1/me', { cookie })).status;
  expect(await me()).toBe(200);
  expect((await ask('/api/v1/me', { cookie: cookie.replace('__Host-', '') })).status).toBe(401);
  const out = await ask('/api/v1/logout', { cookie, method: 'POST' });
  expect(out.cookies).toEqual([expect.stringMatching(/^__Host-carillon=; .*Max-Age=0; Secure$/)]);
  expect(await me()).toBe(401);
});
